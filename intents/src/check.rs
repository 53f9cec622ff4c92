//! What an intent of a class promises, as checks: before anything is planned, between apply and decision, and for as
//! long as it holds. A check is a word with arguments; who runs it is not decided here.

use std::collections::BTreeMap;

use knowledge_model::document::{Faults, Node, nearest};

use crate::class::Class;
use crate::envelope::Envelope;
use crate::line::Piece;
use crate::slot::{Slot, SlotValue};

/// Every check with what it takes, and what it finds out.
pub const CHECKS: &[(&str, &[&str], &str)] = &[
    ("reads-back", &[], "every entry is read back as it was planned"),
    (
        "reachable",
        &["src", "dst", "service"],
        "the service at dst answers src",
    ),
    ("unreachable", &["src", "dst", "service"], "nothing at dst answers src"),
    ("passes", &["src", "dst", "via"], "packets from src to dst pass via"),
    (
        "avoids",
        &["src", "dst", "avoid"],
        "packets from src to dst do not pass avoid",
    ),
    (
        "spreads",
        &["src", "dst"],
        "packets from src to dst take more than one way",
    ),
    (
        "switches",
        &["primary", "backup", "within"],
        "backup stands in for primary within the time",
    ),
    ("rate-at-most", &["rate"], "no more than this passes"),
    ("rate-at-least", &["rate"], "this much passes where it is offered"),
    ("adjacent", &["devices"], "the neighbours see each other fully"),
    (
        "established",
        &["device", "peer"],
        "the session is up and routes are exchanged",
    ),
    ("routed", &["device", "prefix"], "the route is in the table"),
];

/// The checks of a class.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checks {
    /// Before anything is planned.
    pub before: Vec<Check>,
    /// Between apply and decision.
    pub gate: Vec<Check>,
    /// As long as the intent holds.
    pub living: Vec<Check>,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What is checked.
    pub word: &'static str,
    /// With which arguments; in a class they name slots.
    pub arguments: BTreeMap<&'static str, Vec<String>>,
}

/// The checks of an intent, with its own values. A check whose arguments are all empty is none.
#[must_use]
pub fn checks(class: &Class, envelope: &Envelope) -> Checks {
    let fill = |checks: &[Check]| -> Vec<Check> { checks.iter().filter_map(|it| it.filled(envelope)).collect() };
    Checks {
        before: fill(&class.checks.before),
        gate: fill(&class.checks.gate),
        living: fill(&class.checks.living),
    }
}

impl Check {
    fn filled(&self, envelope: &Envelope) -> Option<Self> {
        let value = |slot: &String| {
            envelope
                .slots
                .get(slot)
                .map(SlotValue::values)
                .unwrap_or_default()
                .to_vec()
        };
        let filled: BTreeMap<&'static str, Vec<String>> = self
            .arguments
            .iter()
            .map(|(name, slots)| (*name, slots.iter().flat_map(value).collect::<Vec<_>>()))
            .filter(|(_, values)| !values.is_empty())
            .collect();
        (self.arguments.is_empty() || !filled.is_empty()).then_some(Self {
            word: self.word,
            arguments: filled,
        })
    }
}

/// Reads `checks: {before: […], gate: […], living: […]}`.
pub(crate) fn read_checks(node: &Node, slots: &[Slot], faults: &Faults) -> Checks {
    let Some(fields) = node.fields(faults) else {
        return Checks::default();
    };
    let read = |name| -> Vec<Check> {
        let items = fields.optional(name).and_then(|it| it.list(faults)).unwrap_or_default();
        items.iter().filter_map(|it| read_check(it, slots, faults)).collect()
    };
    let checks = Checks {
        before: read("before"),
        gate: read("gate"),
        living: read("living"),
    };
    fields.end();
    checks
}

fn read_check(node: &Node, slots: &[Slot], faults: &Faults) -> Option<Check> {
    let entries = node.entries(faults)?;
    let Some((_, word)) = entries.iter().find(|(key, _)| key == "check") else {
        faults.add(node.at, "`check` is missing", "the word of a check");
        return None;
    };
    let word = word.text(faults)?;
    let Some((word, takes, _)) = CHECKS.iter().find(|(known, _, _)| *known == word) else {
        let near = nearest(&word, CHECKS.iter().map(|(known, _, _)| *known));
        let hint = near.map(|it| format!("did you mean `{it}`?")).unwrap_or_default();
        faults.add(node.at, format!("no check is named {word:?}"), hint);
        return None;
    };
    let mut arguments = BTreeMap::new();
    for (key, value) in entries.iter().filter(|(key, _)| key != "check") {
        let Some(takes) = takes.iter().find(|it| *it == key) else {
            faults.add(
                value.at,
                format!("{word} takes no `{key}`"),
                format!("it takes: {}", takes.join(", ")),
            );
            continue;
        };
        let slot = Piece::read(&value.text(faults)?).slot;
        match slot.filter(|slot| slots.iter().any(|it| it.name == *slot)) {
            Some(slot) => drop(arguments.insert(*takes, vec![slot])),
            None => faults.add(value.at, "an argument of a check is a slot", "for example {src}"),
        }
    }
    Some(Check { word, arguments })
}
