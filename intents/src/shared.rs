//! What every class has: its shared slots, and the shapes of mappings that several classes use.

use crate::slot::{Slot, SlotKind};

fn slot(name: &str, kind: SlotKind, many: bool, description: &str) -> Slot {
    Slot {
        name: name.to_owned(),
        kind,
        many,
        required: false,
        default: None,
        description: description.to_owned(),
    }
}

fn words(words: &[&str]) -> SlotKind {
    SlotKind::Choice(words.iter().map(|it| (*it).to_owned()).collect())
}

/// Which traffic: the fields of `match`.
pub(crate) fn traffic() -> SlotKind {
    SlotKind::Object(vec![
        slot("src", SlotKind::Name, true, "Where it comes from."),
        slot("dst", SlotKind::Name, true, "Where it goes."),
        slot("protocol", SlotKind::Text { longest: 20 }, true, "What carries it."),
        slot("ports", SlotKind::Port, true, "The ports that it goes to."),
        slot("dscp", SlotKind::Text { longest: 8 }, true, "The mark that it carries."),
        slot("prefix", SlotKind::Name, true, "The network that a route leads to."),
        slot(
            "community",
            SlotKind::Text { longest: 20 },
            true,
            "The community that a route carries.",
        ),
        slot("interface", SlotKind::Place, true, "The interface that it passes."),
    ])
}

/// When it holds: the fields of `schedule`.
pub(crate) fn schedule() -> SlotKind {
    let days = words(&["mon", "tue", "wed", "thu", "fri", "sat", "sun"]);
    SlotKind::Object(vec![
        slot("from", SlotKind::Clock, false, "From when on."),
        slot(
            "to",
            SlotKind::Clock,
            false,
            "Until when; before `from` it is the next day.",
        ),
        slot("days", days, true, "On which days."),
    ])
}

/// How long it holds: the fields of `validity`.
pub(crate) fn validity() -> SlotKind {
    SlotKind::Object(vec![
        slot("for", SlotKind::Seconds(Vec::new()), false, "For how long."),
        slot(
            "until",
            SlotKind::Text { longest: 40 },
            false,
            "Until when: a time of day, or month-end.",
        ),
        slot(
            "while",
            SlotKind::Text { longest: 255 },
            false,
            "As long as this intent holds.",
        ),
    ])
}

/// The slots of every class. A class may have one of its own under such a name, which then counts.
#[must_use]
pub fn shared_slots() -> Vec<Slot> {
    let text = SlotKind::Text { longest: 255 };
    vec![
        slot(
            "target",
            SlotKind::Place,
            true,
            "What it applies to: devices, sites, groups, tags, or all.",
        ),
        slot("schedule", schedule(), false, "The hours and days in which it holds."),
        slot("validity", validity(), false, "How long it holds."),
        slot("exceptions", SlotKind::Name, true, "What it leaves out."),
        slot("priority", text.clone(), false, "Which of two wins: a number, or high."),
        slot("report", SlotKind::Free, false, "What is told, and when."),
        slot(
            "on_violation",
            text.clone(),
            false,
            "What is done where it no longer holds.",
        ),
        slot("dry_run", SlotKind::Truth, false, "Only show what would change."),
        slot("name", text, false, "What it is called."),
    ]
}
