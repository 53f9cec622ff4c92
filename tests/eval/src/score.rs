//! Compares readings with labels and counts.

use std::collections::BTreeMap;

use intents::{Answer, Evidence, Names, Reader, Reading};
use serde_json::{Map, Value, json};

use crate::corpus::{Corpus, Grounds, Half, Line};

/// Fewer lines than this of one class of the scored half are not shown apart.
const ENOUGH: usize = 10;

/// How a line was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Right as the corpus defines it.
    pub exact: bool,
    /// The classes are right, or nothing was read where nothing is.
    pub class: bool,
    /// It was asked back.
    pub asked: bool,
    /// It was refused.
    pub refused: bool,
    /// Something else was read than is meant, without a question.
    pub wrong: bool,
}

/// Counts of outcomes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    lines: usize,
    exact: usize,
    class: usize,
    asked: usize,
    refused: usize,
    wrong: usize,
}

/// The outcomes of one half of a corpus.
#[derive(Debug, Clone, Default)]
pub struct Totals {
    /// All lines.
    pub all: Tally,
    /// By the class that is meant; `ask` and `refuse` apart.
    pub classes: BTreeMap<String, Tally>,
}

impl Tally {
    fn add(&mut self, outcome: Outcome) {
        self.lines += 1;
        self.exact += usize::from(outcome.exact);
        self.class += usize::from(outcome.class);
        self.asked += usize::from(outcome.asked);
        self.refused += usize::from(outcome.refused);
        self.wrong += usize::from(outcome.wrong);
    }

    /// Counts what another counted too.
    pub fn join(&mut self, other: Self) {
        self.lines += other.lines;
        self.exact += other.exact;
        self.class += other.class;
        self.asked += other.asked;
        self.refused += other.refused;
        self.wrong += other.wrong;
    }

    fn share(count: usize, of: usize) -> f64 {
        (count as f64 / of.max(1) as f64 * 1e4).round() / 1e4
    }

    /// The share of lines that are right.
    #[cfg(test)]
    pub fn exact(&self) -> f64 {
        Self::share(self.exact, self.lines)
    }

    /// The share that is wrong and confident.
    #[cfg(test)]
    pub fn wrong(&self) -> f64 {
        Self::share(self.wrong, self.lines)
    }

    /// Fractions of one.
    pub fn json(&self) -> Value {
        let share = |count| Self::share(count, self.lines);
        json!({
            "lines": self.lines,
            "exact": share(self.exact),
            "class_accuracy": share(self.class),
            "asked": share(self.asked),
            "refused": share(self.refused),
            "wrong_confident": share(self.wrong),
        })
    }

    /// One row of a table.
    pub fn row(&self, name: &str) -> String {
        let share = |count| Self::share(count, self.lines) * 100.0;
        format!(
            "{name:<34} {:>6} {:>7.1} {:>7.1} {:>7.1} {:>8.1} {:>16.1}",
            self.lines,
            share(self.exact),
            share(self.class),
            share(self.asked),
            share(self.refused),
            share(self.wrong)
        )
    }
}

impl Totals {
    /// The classes that may be shown of a half.
    pub fn shown(&self, half: Half) -> impl Iterator<Item = (&String, &Tally)> {
        self.classes
            .iter()
            .filter(move |(_, tally)| half == Half::Develop || tally.lines >= ENOUGH)
    }
}

/// Scores one half of a corpus; `tell` hears of each line.
pub fn score(
    corpus: &Corpus,
    half: Half,
    grounds: &Grounds,
    reader: &Reader,
    tell: &mut dyn FnMut(&Line, &Answer, Outcome, &Evidence),
) -> Totals {
    let world = Names::new(
        &grounds.inventory,
        grounds
            .holding
            .iter()
            .map(|(name, class)| (name.as_str(), class.as_str())),
    );
    let mut totals = Totals::default();
    for line in corpus.lines.iter().filter(|line| line.half == half) {
        let (answer, evidence) = reader.weighed(&line.text, &world, &line.conversation());
        let outcome = compare(line, &answer);
        totals.all.add(outcome);
        let name = match line.label["expect"].as_str() {
            Some("intent") => line.classes().first().cloned().unwrap_or_default(),
            other => other.unwrap_or_default().to_owned(),
        };
        totals.classes.entry(name).or_default().add(outcome);
        tell(line, &answer, outcome, &evidence);
    }
    totals
}

/// Whether an answer is right.
pub fn compare(line: &Line, answer: &Answer) -> Outcome {
    let expect = line.label["expect"].as_str().unwrap_or_default();
    let classes = |readings: &[Reading]| {
        let (mut read, mut meant): (Vec<String>, _) =
            (readings.iter().map(|it| it.class.clone()).collect(), line.classes());
        read.sort();
        meant.sort();
        read == meant
    };
    let (exact, class, wrong) = match answer {
        Answer::Intents(readings) => {
            let same = expect == "intent" && same_intents(line, readings);
            (same, expect == "intent" && classes(readings), !same)
        }
        Answer::Ask(question) => {
            let about = line.label["ask"]["slots"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str);
            let right = expect == "ask" && about.into_iter().any(|slot| question.slots.iter().any(|it| it == slot));
            (right, expect != "refuse" && classes(&question.so_far), false)
        }
        Answer::Refuse(_) => (expect == "refuse", expect == "refuse", false),
    };
    Outcome {
        exact,
        class,
        asked: matches!(answer, Answer::Ask(_)),
        refused: matches!(answer, Answer::Refuse(_)),
        wrong,
    }
}

/// Whether intents are those that are meant.
pub fn same_intents(line: &Line, readings: &[Reading]) -> bool {
    let canonical = |class: &str, slots: &Map<String, Value>| json!([class, intent(slots)]).to_string();
    let mut meant: Vec<String> = line
        .intents()
        .iter()
        .map(|(class, slots)| canonical(class, slots))
        .collect();
    let mut read: Vec<String> = readings.iter().map(|it| canonical(&it.class, &it.slots)).collect();
    meant.sort();
    read.sort();
    meant == read
}

/// Slots in a form in which equal meaning is equal text.
fn intent(slots: &Map<String, Value>) -> Value {
    let mut slots: Map<String, Value> = slots
        .iter()
        .map(|(name, value)| (name.clone(), canonical(name, value)))
        .collect();
    let text = |slots: &Map<String, Value>, name: &str| slots.get(name).and_then(Value::as_str).map(str::to_owned);
    if let (Some(device), Some(peer)) = (text(&slots, "device"), text(&slots, "peer"))
        && !slots.contains_key("direction")
        && peer < device
        && peer.parse::<std::net::IpAddr>().is_err()
    {
        slots.insert("device".to_owned(), json!(peer));
        slots.insert("peer".to_owned(), json!(device));
        let (local, remote) = (slots.remove("local_as"), slots.remove("remote_as"));
        slots.extend(local.map(|it| ("remote_as".to_owned(), it)));
        slots.extend(remote.map(|it| ("local_as".to_owned(), it)));
    }
    slots.retain(|_, value| !value.is_null());
    Value::Object(slots)
}

fn canonical(name: &str, value: &Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(|item| canonical(name, item)).collect();
            if name == "weights" {
                return weights(&items);
            }
            if !matches!(name, "paths" | "via") {
                items.sort_by_key(ToString::to_string);
            }
            if items.len() == 1 {
                items.remove(0)
            } else {
                Value::Array(items)
            }
        }
        Value::Object(object) => intent(object),
        Value::Number(number) => json!(format!("{:.9}", number.as_f64().unwrap_or_default())),
        plain @ (Value::Null | Value::Bool(_) | Value::String(_)) => plain.clone(),
    }
}

/// Only the ratio counts, and equal weights are as none.
fn weights(items: &[Value]) -> Value {
    let numbers: Vec<f64> = items.iter().filter_map(|it| it.as_str()?.parse().ok()).collect();
    let sum: f64 = numbers.iter().sum();
    let equal = numbers.windows(2).all(|pair| (pair[0] - pair[1]).abs() < 1e-6);
    if equal {
        return Value::Null;
    }
    numbers.iter().map(|it| json!(format!("{:.2}", it / sum))).collect()
}
