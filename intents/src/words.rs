//! How operators speak of a class: the part of its file that the reader of sentences works with.
//!
//! Nothing here knows a class. What a sentence can fill, what must be filled, and the phrases that say so stand in the
//! file, so that a class of a user is understood without code.

use knowledge_model::document::{Fault, Faults, Fields, Mark, Node};
use serde_json::Value;

use crate::phrase::{Element, Phrase};

/// What the phrases of a class say, and what they fill.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Words {
    /// What a sentence can fill, in the order in which values without a cue are given away.
    pub slots: Vec<SpokenSlot>,
    /// What must be filled, in the order in which it is asked for; of one group any slot will do.
    pub needs: Vec<Vec<String>>,
    /// What must be there only beside something else.
    pub wants: Vec<Want>,
    /// Kinds of value that speak for the class where they stand together and no phrase says more.
    pub signs: Vec<Vec<Kind>>,
    /// The phrases, by what they mean.
    pub groups: Vec<Group>,
}

/// A slot as sentences fill it. A dot leads into an object: `match.src`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SpokenSlot {
    /// Its name in a reading.
    pub name: String,
    /// The kinds of value that it takes.
    pub takes: Vec<Kind>,
    /// Whether several values are always a list.
    pub list: bool,
    /// Whether only a phrase can fill it, never a value that merely stands there.
    pub cued: bool,
    /// Whether several values mean several intents.
    pub each: bool,
    /// Whether values that stand apart come together in it, in the order in which they are said.
    pub gathers: bool,
    /// Whether one value alone is none: several ways, not one.
    pub several: bool,
    /// Of several intents, those that this slot belongs to; all where none is named.
    pub with: Vec<String>,
    /// Whether a group stands for its members.
    pub members: bool,
    /// Values that win over any other: what is allowed alone is also allowed.
    pub strongest: Vec<String>,
    /// Whether two phrases that say different things of it contradict each other; else the longer one counts.
    pub contradicts: bool,
    /// The least number that it takes.
    pub least: Option<i64>,
    /// The greatest number that it takes.
    pub greatest: Option<i64>,
}

/// What must be there where something else is: a device beside an interface, a unit where a latency is meant.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Want {
    /// The slot that wants it.
    pub beside: String,
    /// The values of that slot that want it; any where none is named.
    pub values: Vec<String>,
    /// The kinds of its value that want it; any where none is named.
    pub of: Vec<Kind>,
    /// Of these slots one must be filled.
    pub need: Vec<String>,
    /// The kinds of value one of which the first of them must be; else its unit is asked for. Any where none is named.
    pub kinds: Vec<Kind>,
}

/// Slots that every class has.
const SHARED: &[&str] = &[
    "schedule",
    "validity.for",
    "validity.until",
    "validity.while",
    "exceptions",
    "priority",
    "report",
    "on_violation",
    "dry_run",
    "name",
];

/// Phrases that mean the same.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Group {
    /// The phrases, in every language.
    pub phrases: Vec<Phrase>,
    /// How much they speak for the class; 0 for what is no more than a cue.
    pub weight: f64,
    /// What they say of slots.
    pub sets: Vec<(String, Value)>,
    /// Slots that make this void where they are filled.
    pub unless: Vec<String>,
}

/// Kinds of value that a sentence holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The name of a device.
    Device,
    /// The name of a host.
    Host,
    /// The name of a site.
    Site,
    /// The name of a group that holds devices.
    Devices,
    /// The name of a group that holds hosts alone.
    Hosts,
    /// A tag.
    Tag,
    /// A named prefix.
    Network,
    /// Everything there is.
    All,
    /// The name of an intent that holds.
    Intent,
    /// An interface, also with its device.
    Interface,
    /// An address without a length.
    Address,
    /// An address with a length.
    Prefix,
    /// A protocol, ports, or a well-known service.
    Service,
    /// A rate in bit/s.
    Rate,
    /// An amount of data.
    Volume,
    /// A time in seconds.
    Duration,
    /// A time of day, a span of it, days.
    Time,
    /// A moment that is over: `yesterday 22:00`, ten minutes ago.
    Past,
    /// A share of a hundred.
    Percent,
    /// A number.
    Number,
    /// Shares: `70/30`, `2:1`, a third.
    Ratio,
    /// A number of an autonomous system.
    As,
    /// A community such as `65001:666`.
    Community,
    /// A DSCP class.
    Dscp,
    /// Where a message goes: a mail address, a topic, a URL.
    Sink,
    /// Text in quotes.
    Quoted,
    /// One word as it stands.
    Word,
    /// All that follows, as it stands.
    Rest,
}

impl Kind {
    const ALL: [(Self, &'static str); 28] = [
        (Self::Device, "device"),
        (Self::Host, "host"),
        (Self::Site, "site"),
        (Self::Devices, "devices"),
        (Self::Hosts, "hosts"),
        (Self::Tag, "tag"),
        (Self::Network, "network"),
        (Self::All, "all"),
        (Self::Intent, "intent"),
        (Self::Interface, "interface"),
        (Self::Address, "address"),
        (Self::Prefix, "prefix"),
        (Self::Service, "service"),
        (Self::Rate, "rate"),
        (Self::Volume, "volume"),
        (Self::Duration, "duration"),
        (Self::Time, "time"),
        (Self::Past, "past"),
        (Self::Percent, "percent"),
        (Self::Number, "number"),
        (Self::Ratio, "ratio"),
        (Self::As, "as"),
        (Self::Community, "community"),
        (Self::Dscp, "dscp"),
        (Self::Sink, "sink"),
        (Self::Quoted, "quoted"),
        (Self::Word, "word"),
        (Self::Rest, "rest"),
    ];

    /// The word for it in files.
    #[must_use]
    pub fn word(self) -> &'static str {
        let found = Self::ALL.iter().find(|(kind, _)| *kind == self);
        found.map_or("", |(_, word)| word)
    }

    /// The kinds that a word in a file stands for; `place` and `scope` stand for several.
    #[must_use]
    pub fn named(word: &str) -> Option<Vec<Self>> {
        use Kind::{Address, All, Device, Devices, Host, Hosts, Network, Prefix, Site, Tag};
        match word {
            "scope" => Some(vec![Device, Devices, Site, Tag, All]),
            "place" => Some(vec![Device, Host, Site, Devices, Hosts, Tag, Network, Address, Prefix]),
            other => Self::ALL
                .iter()
                .find(|(_, name)| *name == other)
                .map(|(kind, _)| vec![*kind]),
        }
    }
}

impl Words {
    /// The slot of this name.
    #[must_use]
    pub fn slot(&self, name: &str) -> Option<&SpokenSlot> {
        self.slots.iter().find(|slot| slot.name == name)
    }

    /// Reads the `words` of a class.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn read(text: &str) -> Result<Self, Vec<Fault>> {
        let (node, faults) = knowledge_model::document::open(text)?;
        let words = read_words(&node, &faults);
        faults.settle(words)
    }
}

pub(crate) fn read_words(node: &Node, faults: &Faults) -> Option<Words> {
    let fields = node.fields(faults)?;
    let slots = fields
        .optional("slots")
        .and_then(|it| it.entries(faults))
        .unwrap_or_default();
    let slots: Vec<SpokenSlot> = slots
        .iter()
        .filter_map(|(name, node)| read_slot(name, node, faults))
        .collect();
    let needs = fields
        .optional("needs")
        .and_then(|it| it.list(faults))
        .unwrap_or_default();
    let needs = needs.iter().filter_map(|it| read_need(it, &slots, faults)).collect();
    let wants = fields
        .optional("wants")
        .and_then(|it| it.list(faults))
        .unwrap_or_default();
    let wants = wants.iter().filter_map(|it| read_want(it, &slots, faults)).collect();
    let signs = fields
        .optional("signs")
        .and_then(|it| it.list(faults))
        .unwrap_or_default();
    let signs = signs.iter().filter_map(|it| read_sign(it, faults)).collect();
    let groups = fields
        .optional("phrases")
        .and_then(|it| it.list(faults))
        .unwrap_or_default();
    let groups = groups.iter().filter_map(|it| read_group(it, &slots, faults)).collect();
    fields.end();
    Some(Words {
        slots,
        needs,
        wants,
        signs,
        groups,
    })
}

fn read_slot(name: &str, node: &Node, faults: &Faults) -> Option<SpokenSlot> {
    let fields = node.fields(faults)?;
    let truth = |name| fields.optional(name).and_then(|it| it.truth(faults)).unwrap_or(false);
    let bound = |name| fields.optional(name).and_then(|it| it.integer(faults));
    let takes = fields
        .optional("takes")
        .and_then(|it| it.list(faults))
        .unwrap_or_default();
    let strongest = fields
        .optional("strongest")
        .and_then(|it| it.list(faults))
        .unwrap_or_default();
    let with = fields
        .optional("with")
        .and_then(|it| it.list(faults))
        .unwrap_or_default();
    let slot = SpokenSlot {
        name: name.to_owned(),
        takes: takes.iter().filter_map(|it| read_kinds(it, faults)).flatten().collect(),
        list: truth("list"),
        cued: truth("cued"),
        each: truth("each"),
        gathers: truth("gathers"),
        members: truth("members"),
        several: truth("several"),
        with: with.iter().filter_map(|it| it.text(faults)).collect(),
        contradicts: truth("contradicts"),
        strongest: strongest.iter().filter_map(|it| it.text(faults)).collect(),
        least: bound("least"),
        greatest: bound("greatest"),
    };
    fields.end();
    Some(slot)
}

fn read_want(node: &Node, slots: &[SpokenSlot], faults: &Faults) -> Option<Want> {
    let fields = node.fields(faults)?;
    let beside = fields.required("beside")?;
    let beside = (beside.text(faults)?, beside.at);
    let texts = |name| {
        let items = fields.optional(name).and_then(|it| it.list(faults)).unwrap_or_default();
        items.iter().filter_map(|it| it.text(faults)).collect::<Vec<String>>()
    };
    let kinds = fields
        .optional("kinds")
        .and_then(|it| it.list(faults))
        .unwrap_or_default();
    let of = fields.optional("of").and_then(|it| it.list(faults)).unwrap_or_default();
    let need = texts("need");
    for name in need.iter().chain([&beside.0]) {
        check_slot(name, beside.1, slots, faults);
    }
    let want = Want {
        values: texts("values"),
        of: of.iter().filter_map(|it| read_kinds(it, faults)).flatten().collect(),
        kinds: kinds.iter().filter_map(|it| read_kinds(it, faults)).flatten().collect(),
        beside: beside.0,
        need,
    };
    fields.end();
    Some(want)
}

fn read_sign(node: &Node, faults: &Faults) -> Option<Vec<Kind>> {
    let kinds = node.list(faults)?;
    Some(kinds.iter().filter_map(|it| read_kinds(it, faults)).flatten().collect())
}

fn read_kinds(node: &Node, faults: &Faults) -> Option<Vec<Kind>> {
    let word = node.text(faults)?;
    let kinds = Kind::named(&word);
    if kinds.is_none() {
        let known: Vec<&str> = Kind::ALL.iter().map(|(_, name)| *name).collect();
        faults.add(
            node.at,
            format!("{word:?} is no kind of value"),
            format!("known: place scope {}", known.join(" ")),
        );
    }
    kinds
}

fn read_need(node: &Node, slots: &[SpokenSlot], faults: &Faults) -> Option<Vec<String>> {
    let one = std::slice::from_ref(node);
    let names = if matches!(node.value, knowledge_model::document::Content::List(_)) {
        node.list(faults)?
    } else {
        one
    };
    let known = |item: &Node| {
        let name = item.text(faults)?;
        check_slot(&name, item.at, slots, faults);
        Some(name)
    };
    Some(names.iter().filter_map(known).collect())
}

fn read_group(node: &Node, slots: &[SpokenSlot], faults: &Faults) -> Option<Group> {
    let fields = node.fields(faults)?;
    let mut phrases = Vec::new();
    for language in ["en", "zh"] {
        phrases.extend(read_phrases(&fields, language, slots, faults));
    }
    let weight = fields.optional("weight").and_then(|it| it.text(faults));
    let weight = weight.and_then(|it| it.parse().ok()).unwrap_or(0.0);
    let sets = fields
        .optional("sets")
        .and_then(|it| it.entries(faults))
        .unwrap_or_default();
    for (name, value) in sets {
        check_slot(name, value.at, slots, faults);
    }
    let unless = fields
        .optional("unless")
        .and_then(|it| it.list(faults))
        .unwrap_or_default();
    if phrases.is_empty() {
        faults.add(node.at, "a group without a phrase", "list phrases under `en` or `zh`");
    }
    if weight > 0.0 && !phrases.iter().all(Phrase::is_spoken) {
        faults.add(
            node.at,
            "a phrase that speaks for its class holds no word",
            "values alone speak through `signs`",
        );
    }
    fields.end();
    Some(Group {
        phrases,
        weight,
        sets: sets.iter().map(|(name, value)| (name.clone(), value.json())).collect(),
        unless: unless.iter().filter_map(|it| it.text(faults)).collect(),
    })
}

fn read_phrases(fields: &Fields<'_>, language: &'static str, slots: &[SpokenSlot], faults: &Faults) -> Vec<Phrase> {
    let items = fields
        .optional(language)
        .and_then(|it| it.list(faults))
        .unwrap_or_default();
    let read = |item: &Node| {
        let text = item.text(faults)?;
        match Phrase::read(&text) {
            Ok(phrase) => {
                check_phrase(&phrase.elements, item.at, slots, faults);
                Some(phrase)
            }
            Err(error) => {
                faults.add(
                    item.at,
                    format!("{text:?} is no phrase: {error}"),
                    "for example `(steer|route) {src} to {dst} [traffic] via {via}`",
                );
                None
            }
        }
    };
    items.iter().filter_map(read).collect()
}

pub(crate) fn check_phrase(elements: &[Element], at: Mark, slots: &[SpokenSlot], faults: &Faults) {
    for element in elements {
        match element {
            Element::Slot { name, .. } => check_slot(name, at, slots, faults),
            Element::Any(alternatives) => {
                for alternative in alternatives {
                    check_phrase(alternative, at, slots, faults);
                }
            }
            Element::Maybe(inner) => check_phrase(inner, at, slots, faults),
            Element::Word(_) | Element::Set(_) | Element::Gap => {}
        }
    }
}

fn check_slot(name: &str, at: Mark, slots: &[SpokenSlot], faults: &Faults) {
    // A file without slots of its own lends cues to all classes.
    let known = slots.is_empty() || slots.iter().any(|slot| slot.name == name);
    if !known && !name.starts_with('_') && !SHARED.contains(&name) {
        let names = || slots.iter().map(|slot| slot.name.as_str());
        let hint = knowledge_model::document::nearest(name, names()).map(|near| format!("did you mean `{near}`?"));
        let all = || format!("known here: {}", names().collect::<Vec<_>>().join(", "));
        faults.add(
            at,
            format!("no slot of `words` is named {name:?}"),
            hint.unwrap_or_else(all),
        );
    }
}
