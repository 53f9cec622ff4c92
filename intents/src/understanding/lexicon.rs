//! What no class owns: the words of the lexicon's files, ready to be looked up.

use std::collections::{HashMap, HashSet};

use knowledge_model::document::{self, Fault, Faults, Node};

use super::synonyms::Synonyms;
use super::text::{Text, Token};
use crate::words::{Words, read_words};

const SPEECH: &str = include_str!("../../lexicon/speech.yaml");
const VALUES: &str = include_str!("../../lexicon/values.yaml");
const SHARED: &str = include_str!("../../lexicon/shared.yaml");
const CUES: &str = include_str!("../../lexicon/cues.yaml");
const BEYOND: &str = include_str!("../../lexicon/beyond.yaml");
const SYNONYMS: &str = include_str!("../../lexicon/synonyms.yaml");
const ASIDE: &str = include_str!("../../lexicon/aside.yaml");

/// Sequences of words, found by their first one; endings count for nothing.
#[derive(Debug, Clone)]
pub struct Sequences<T>(HashMap<String, Vec<(Vec<String>, T)>>);

impl<T> Default for Sequences<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T> Sequences<T> {
    /// Adds the words of `text`; text without a word adds nothing.
    pub fn add(&mut self, text: &str, value: T) {
        let words = stems(text);
        if let Some(first) = words.first() {
            self.0.entry(first.clone()).or_default().push((words, value));
        }
    }

    /// The longest sequence that begins at token `at`: the token behind it, and its value.
    #[must_use]
    pub fn longest(&self, tokens: &[Token], at: usize) -> Option<(usize, &T)> {
        let all = self.0.get(&tokens.get(at)?.stem)?;
        let fits = |words: &[String]| {
            let here = tokens.get(at..at + words.len());
            here.is_some_and(|here| here.iter().zip(words).all(|(token, word)| token.stem == *word))
        };
        all.iter()
            .filter(|(words, _)| fits(words))
            .max_by_key(|(words, _)| words.len())
            .map(|(words, value)| (at + words.len(), value))
    }

    /// Every word of every sequence.
    pub fn words(&self) -> impl Iterator<Item = &String> {
        self.0.values().flatten().flat_map(|(words, _)| words)
    }
}

/// The words of a text, without their endings.
#[must_use]
pub fn stems(text: &str) -> Vec<String> {
    Text::read(text)
        .map(|text| text.tokens.into_iter().map(|token| token.stem).collect())
        .unwrap_or_default()
}

/// A time of day that a word stands for or changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Daytime {
    /// Hours as they are, 12 being 0.
    Morning,
    /// Hours below 12 are after noon.
    Evening,
    /// The same, but for those after midnight.
    Night,
    /// Twelve.
    Noon,
    /// Zero.
    Midnight,
}

/// A topic that no class is for.
#[derive(Debug, Clone, PartialEq)]
pub struct Topic {
    /// The phrases that say so.
    pub words: Words,
    /// The class that comes nearest.
    pub nearest: Option<String>,
    /// Whether a sentence that is understood otherwise may mention it.
    pub weak: bool,
}

/// The words of the lexicon.
#[derive(Debug, Clone, Default)]
pub struct Lexicon {
    /// Sets that phrases name.
    pub sets: HashMap<String, Vec<Vec<String>>>,
    /// What may stand between the parts of a phrase.
    pub light: HashSet<String>,
    /// What says nothing.
    pub fillers: Sequences<()>,
    /// Words of everyday speech that say nothing here.
    pub idle: Sequences<()>,
    /// Words of which no part is a word of a phrase.
    pub compounds: Sequences<()>,
    /// What turns a meaning round.
    pub turns: Sequences<()>,
    /// What denies.
    pub negations: Sequences<()>,
    /// What stands before the number of a ticket.
    pub noise: HashSet<String>,
    /// Words that give a value to what was named before.
    pub assigns: Sequences<()>,
    /// What takes back the value before it for the one behind it.
    pub corrects: Sequences<()>,
    /// What a further wish begins with.
    pub continues: Sequences<()>,
    /// Words that lead a value or qualify it.
    pub leading: HashSet<String>,
    /// Small words that change what is meant, so that they must not be passed over.
    pub weighty: Sequences<()>,
    /// What says nothing where a time is said.
    pub timely: Sequences<()>,
    /// Words of doing, which are no names.
    pub verbs: Sequences<()>,
    /// What ends a name of one's own choosing.
    pub tails: Sequences<()>,
    /// What follows a name and says what it is.
    pub nouns: Sequences<()>,
    /// Every device.
    pub everything: Sequences<()>,
    /// What refers back.
    pub pronouns: Sequences<()>,
    /// What makes one of many, before, as a noun, and behind.
    pub singular: [Sequences<()>; 3],
    /// What joins a list.
    pub joins: Sequences<()>,
    /// Units of rates with bit/s, the longest first; letters of scales in their case.
    pub rates: Vec<(Vec<char>, f64)>,
    /// Units of data with bits.
    pub volumes: Vec<(Vec<char>, f64)>,
    /// Units of time with seconds.
    pub durations: Vec<(Vec<char>, f64)>,
    /// Services: `tcp/22`, `icmp`, `udp`.
    pub services: Sequences<String>,
    /// Words beside an hour.
    pub daytimes: Vec<(Vec<char>, Daytime)>,
    /// Days of the week.
    pub days: Sequences<Vec<&'static str>>,
    /// Parts of one.
    pub ratios: Sequences<f64>,
    /// Prefixes that have a name everywhere.
    pub prefixes: Sequences<String>,
    /// The network that holds every address, in English and in Chinese.
    pub outside: [Sequences<()>; 2],
    /// Classes of DSCP.
    pub dscp: HashSet<String>,
    /// Slots and cues of every class.
    pub shared: Words,
    /// What no class is for.
    pub beyond: Vec<Topic>,
    /// What refers to the conversation.
    pub aside: Words,
    /// Words that mean the same in every class.
    pub synonyms: Synonyms,
}

/// The days of a week as readings name them.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl Lexicon {
    /// Reads the files of the lexicon.
    ///
    /// # Errors
    /// Every fault of the files.
    pub fn load() -> Result<Self, Vec<Fault>> {
        let faults = Faults::default();
        let mut lexicon = Self::default();
        lexicon.read_speech(&document::read(SPEECH)?, &faults);
        lexicon.read_values(&document::read(VALUES)?, &faults);
        for (_, group) in document::read(SYNONYMS)?.entries(&faults).unwrap_or_default() {
            lexicon.synonyms.add(&texts(group, &faults));
        }
        lexicon.shared = read_words(&document::read(SHARED)?, &faults).unwrap_or_default();
        let cues = read_words(&document::read(CUES)?, &faults).unwrap_or_default();
        lexicon.shared.groups.extend(cues.groups);
        lexicon.aside = read_words(&document::read(ASIDE)?, &faults).unwrap_or_default();
        lexicon.beyond = read_topics(&document::read(BEYOND)?, &faults).unwrap_or_default();
        faults.settle(Some(lexicon))
    }

    /// Whether what follows is left out: `except`, 除.
    #[must_use]
    pub fn exempts(&self, tokens: &[Token], at: usize) -> bool {
        let Some(words) = self.sets.get("except") else {
            return false;
        };
        words.iter().any(|words| {
            let here = tokens.get(at..at + words.len());
            here.is_some_and(|here| here.iter().zip(words).all(|(token, word)| token.stem == *word))
        })
    }

    /// Whether a filler cannot begin a name: all can not but those that speak of a change.
    #[must_use]
    pub fn no_name(&self, filler: &str) -> bool {
        !["变更", "割接", "检修", "维护", "搬迁", "生产"].contains(&filler)
    }

    fn read_speech(&mut self, node: &Node, faults: &Faults) -> Option<()> {
        let fields = node.fields(faults)?;
        for (name, words) in fields.required("sets")?.entries(faults)? {
            let all = texts(words, faults);
            if matches!(name.as_str(), "not" | "only" | "except" | "never" | "nobody") {
                all.iter().for_each(|word| self.turns.add(word, ()));
            }
            if matches!(name.as_str(), "not" | "never" | "nobody") {
                all.iter().for_each(|word| self.negations.add(word, ()));
            }
            if name == "set" {
                all.iter().for_each(|word| self.verbs.add(word, ()));
            }
            self.sets.insert(name.clone(), all.iter().map(|it| stems(it)).collect());
        }
        self.light = texts(fields.required("light")?, faults).into_iter().collect();
        let fillers = fields.required("fillers")?.fields(faults)?;
        for language in ["en", "zh"] {
            add_all(&mut self.fillers, fillers.required(language)?, faults);
        }
        let idle = fields.required("idle")?.fields(faults)?;
        for language in ["en", "zh"] {
            add_all(&mut self.idle, idle.required(language)?, faults);
        }
        idle.end();
        self.noise = texts(fields.required("noise")?, faults).into_iter().collect();
        self.leading = texts(fields.required("leading")?, faults).into_iter().collect();
        add_all(&mut self.assigns, fields.required("assigns")?, faults);
        add_all(&mut self.corrects, fields.required("corrects")?, faults);
        add_all(&mut self.continues, fields.required("continues")?, faults);
        add_all(&mut self.nouns, fields.required("nouns")?, faults);
        add_all(&mut self.everything, fields.required("everything")?, faults);
        add_all(&mut self.pronouns, fields.required("pronouns")?, faults);
        add_all(&mut self.joins, fields.required("joins")?, faults);
        add_all(&mut self.compounds, fields.required("compounds")?, faults);
        add_all(&mut self.weighty, fields.required("weighty")?, faults);
        add_all(&mut self.timely, fields.required("timely")?, faults);
        add_all(&mut self.tails, fields.required("tails")?, faults);
        let singular = fields.required("singular")?.fields(faults)?;
        for (sequences, name) in self.singular.iter_mut().zip(["before", "nouns", "after"]) {
            add_all(sequences, singular.required(name)?, faults);
        }
        singular.end();
        fields.end();
        Some(())
    }

    fn read_values(&mut self, node: &Node, faults: &Faults) -> Option<()> {
        let fields = node.fields(faults)?;
        self.read_units(fields.required("rates")?, fields.required("scales")?, faults);
        for unit in fields.required("durations")?.list(faults)? {
            let unit = unit.fields(faults)?;
            let seconds: f64 = unit.required("seconds")?.text(faults)?.parse().ok()?;
            let words = texts(unit.required("words")?, faults);
            self.durations
                .extend(words.iter().map(|it| (it.chars().collect(), seconds)));
        }
        for (name, service) in fields.required("services")?.entries(faults)? {
            self.services.add(name, service.text(faults)?);
        }
        for (name, words) in fields.required("daytimes")?.entries(faults)? {
            let daytime = match name.as_str() {
                "morning" => Daytime::Morning,
                "noon" => Daytime::Noon,
                "midnight" => Daytime::Midnight,
                "night" => Daytime::Night,
                _ => Daytime::Evening,
            };
            self.daytimes
                .extend(texts(words, faults).iter().map(|it| (it.chars().collect(), daytime)));
        }
        for (name, words) in fields.required("days")?.entries(faults)? {
            let days = match name.as_str() {
                "weekdays" => DAYS[..5].to_vec(),
                "weekend" => DAYS[5..].to_vec(),
                one => DAYS.iter().filter(|day| *day == &one).copied().collect(),
            };
            for word in texts(words, faults) {
                self.days.add(&word, days.clone());
            }
        }
        for (share, words) in fields.required("ratios")?.entries(faults)? {
            let share: f64 = share.parse().ok()?;
            for word in texts(words, faults) {
                self.ratios.add(&word, share);
            }
        }
        for (prefix, words) in fields.required("prefixes")?.entries(faults)? {
            for word in texts(words, faults) {
                self.prefixes.add(&word, prefix.clone());
            }
        }
        let outside = fields.required("outside")?.fields(faults)?;
        for (sequences, language) in self.outside.iter_mut().zip(["en", "zh"]) {
            add_all(sequences, outside.required(language)?, faults);
        }
        outside.end();
        self.dscp = texts(fields.required("dscp")?, faults).into_iter().collect();
        longest_first(&mut self.durations);
        self.daytimes.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
        fields.end();
        Some(())
    }

    fn read_units(&mut self, rates: &Node, scales: &Node, faults: &Faults) -> Option<()> {
        let rates = rates.fields(faults)?;
        let [bits, bytes, ends] = ["bits", "bytes", "ends"].map(|name| rates.required(name));
        let (bits, bytes, ends) = (texts(bits?, faults), texts(bytes?, faults), texts(ends?, faults));
        rates.end();
        let mut letters = vec![(String::new(), 1.0)];
        for scale in scales.list(faults)? {
            let scale = scale.fields(faults)?;
            let factor: f64 = scale.required("factor")?.text(faults)?.parse().ok()?;
            letters.extend(
                texts(scale.required("letters")?, faults)
                    .into_iter()
                    .map(|it| (it, factor)),
            );
        }
        for (letter, factor) in &letters {
            let mut add = |unit: String, bits: f64| self.rates.push((unit.chars().collect(), factor * bits));
            for base in bits.iter().filter(|base| !letter.is_empty() || base.len() > 1) {
                for gap in ["", " "] {
                    add(format!("{letter}{gap}{base}"), 1.0);
                }
            }
            for base in &bytes {
                for gap in ["", " "] {
                    add(format!("{letter}{gap}{base}"), 8.0);
                }
            }
            if !letter.is_empty() {
                add(letter.clone(), 1.0);
                for end in &ends {
                    add(format!("{letter}{end}"), 1.0);
                }
                for base in ["B", "byte", "bytes", "Byte", "字节", " bytes"] {
                    self.volumes
                        .push((format!("{letter}{base}").chars().collect(), factor * 8.0));
                }
            }
        }
        longest_first(&mut self.rates);
        longest_first(&mut self.volumes);
        Some(())
    }
}

fn longest_first(units: &mut [(Vec<char>, f64)]) {
    units.sort_by_key(|(unit, _)| std::cmp::Reverse(unit.len()));
}

fn texts(node: &Node, faults: &Faults) -> Vec<String> {
    let items = node.list(faults).unwrap_or_default();
    items.iter().filter_map(|item| item.text(faults)).collect()
}

fn add_all(sequences: &mut Sequences<()>, node: &Node, faults: &Faults) {
    for text in texts(node, faults) {
        sequences.add(&text, ());
    }
}

fn read_topics(node: &Node, faults: &Faults) -> Option<Vec<Topic>> {
    let topic = |node: &Node| {
        let fields = node.fields(faults)?;
        let words = read_words(fields.required("words")?, faults)?;
        let nearest = fields.optional("nearest").and_then(|it| it.text(faults));
        let weak = fields.optional("weak").and_then(|it| it.truth(faults)).unwrap_or(false);
        fields.end();
        Some(Topic { words, nearest, weak })
    };
    Some(node.list(faults)?.iter().filter_map(topic).collect())
}
