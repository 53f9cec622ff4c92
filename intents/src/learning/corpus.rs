//! What must go on being read as it is: examples of the library, corrections that hold, sentences that are no intents.

use knowledge_model::{Inventory, Schema};
use serde_json::{Map, Value};

use super::rule::{Rule, canonical};
use crate::library::Library;
use crate::understanding::{Answer, Conversation, Names, Reader};

const INVENTORY: &str = include_str!("../../library/examples.inventory.yaml");

/// The intents that hold while the examples of the library are spoken.
const HOLDING: [(&str, &str); 8] = [
    ("guest-limit", "qos.rate"),
    ("web-access", "access.control"),
    ("night-steer", "path.steer"),
    ("voice-floor", "qos.rate"),
    ("cam-block", "access.control"),
    ("paris-spare", "path.protect"),
    ("dmz-web", "access.control"),
    ("出口主备", "path.protect"),
];

/// Sentences that people say beside a network and that mean nothing to it.
const STRANGERS: &[&str] = &[
    "tell me a joke",
    "please order two pizzas",
    "how is the weather in paris tomorrow",
    "book a table for four at seven",
    "who won the match last night",
    "translate this letter into french",
    "what is the meaning of life",
    "thanks, that was all for today",
    "play some music",
    "write a poem about routers",
    "今天天气怎么样",
    "帮我订两个披萨",
    "讲个笑话",
    "谢谢，今天就到这里",
    "把这封信翻译成英文",
];

/// A sentence with what it means.
#[derive(Debug, Clone, PartialEq)]
pub struct Lesson {
    /// The sentence.
    pub say: String,
    /// The intents, by class and slots; none for what is no intent.
    pub means: Vec<(String, Map<String, Value>)>,
    /// Where it stands.
    pub source: String,
}

/// A sentence that was read right and would be read otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The sentence.
    pub say: String,
    /// Where it stands.
    pub source: String,
    /// What it is read as.
    pub was: String,
    /// What it would be read as.
    pub now: String,
}

/// What the sentences of the library speak of.
#[must_use]
pub fn own_names() -> Names {
    let inventory = Inventory::read(INVENTORY, Schema::canonical()).unwrap_or_default();
    Names::new(&inventory, HOLDING)
}

/// The examples of the library's classes, and sentences that are none.
#[must_use]
pub fn own_lessons(library: &Library) -> Vec<Lesson> {
    let examples = library.iter().flat_map(|class| {
        class.examples.iter().map(|example| {
            let slots = example
                .slots
                .iter()
                .map(|(name, value)| (name.clone(), value.to_json()));
            Lesson {
                say: example.say.clone(),
                means: vec![(class.name.clone(), slots.collect())],
                source: format!("an example of {}", class.name),
            }
        })
    });
    let strangers = STRANGERS.iter().map(|say| Lesson {
        say: (*say).to_owned(),
        means: Vec::new(),
        source: "what is no intent".to_owned(),
    });
    examples.chain(strangers).collect()
}

/// Whether an answer is what a lesson means: the class and all slots.
#[must_use]
pub fn read_right(answer: &Answer, lesson: &Lesson, library: &Library) -> bool {
    let Answer::Intents(readings) = answer else {
        return lesson.means.is_empty();
    };
    let form = |class: &str, slots: &Map<String, Value>| {
        let class = library.class(class)?;
        let slots = canonical(class, slots).ok()?;
        let plain = slots
            .iter()
            .map(|(name, value)| format!("{name}={}", plain(name, value)));
        Some((class.name.clone(), plain.collect::<Vec<String>>()))
    };
    let mut read: Vec<_> = readings.iter().map(|it| form(&it.class, &it.slots)).collect();
    let mut meant: Vec<_> = lesson.means.iter().map(|(class, slots)| form(class, slots)).collect();
    read.sort();
    meant.sort();
    !meant.is_empty() && meant.iter().all(Option::is_some) && read == meant
}

/// A value as it is compared: a list of one is the value, and the order of most lists means nothing.
fn plain(slot: &str, value: &crate::slot::SlotValue) -> String {
    if let crate::slot::SlotValue::Object(fields) = value {
        let fields = fields.iter().map(|(name, it)| format!("{name}={}", plain(name, it)));
        return fields.collect::<Vec<String>>().join(",");
    }
    let mut values = value.values().to_vec();
    if !matches!(slot, "paths" | "weights" | "via") {
        values.sort();
    }
    values.join(",")
}

/// Every lesson that `before` reads right and `after`, which was taught `rule` beside it, does not. Sentences that the rule
/// cannot touch are not read.
#[must_use]
pub fn regress(
    (before, after): (&Reader, &Reader),
    rule: &Rule,
    lessons: &[Lesson],
    names: &Names,
    library: &Library,
) -> Vec<Changed> {
    let quiet = Conversation::default();
    let changed = |lesson: &Lesson| {
        let (was, now) = (
            before.read(&lesson.say, names, &quiet),
            after.read(&lesson.say, names, &quiet),
        );
        let lost = was != now && read_right(&was, lesson, library) && !read_right(&now, lesson, library);
        lost.then(|| Changed {
            say: lesson.say.clone(),
            source: lesson.source.clone(),
            was: was.short(),
            now: now.short(),
        })
    };
    let touch = after.touch(before, rule, library);
    let touched = lessons.iter().filter(|lesson| touch.reaches(&lesson.say));
    touched.filter_map(changed).collect()
}
