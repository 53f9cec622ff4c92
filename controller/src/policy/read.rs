//! The file of a policy, with every fault at its place.

use intents::Risk;
use knowledge_model::document::{self, Fault, Faults, Fields, Node};
use time::{UtcOffset, Weekday};

use super::{Hours, Policy, Rule, Scope, Window, moment, risk_of};

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn read(text: &str) -> Result<Self, Vec<Fault>> {
        let (node, faults) = document::open(text)?;
        let policy = node.fields(&faults).map(|fields| {
            if fields.required("version").and_then(|it| it.integer(&faults)) != Some(1) {
                faults.add(node.at, "`version` is not 1", "this program reads version 1");
            }
            let policy = Self {
                approval: each(&fields, "approval", &faults, rule),
                freeze: each(&fields, "freeze", &faults, window),
                first: fields.optional("first").and_then(|node| first(node, &faults)),
            };
            fields.end();
            policy
        });
        faults.settle(policy)
    }
}

fn each<T>(
    fields: &Fields<'_>,
    name: &'static str,
    faults: &Faults,
    read: fn(&Fields<'_>, &Node, &Faults) -> Option<T>,
) -> Vec<T> {
    let items = fields
        .optional(name)
        .and_then(|node| node.list(faults))
        .unwrap_or_default();
    let item = |node: &Node| {
        let fields = node.fields(faults)?;
        let item = read(&fields, node, faults);
        fields.end();
        item
    };
    items.iter().filter_map(item).collect()
}

fn rule(fields: &Fields<'_>, node: &Node, faults: &Faults) -> Option<Rule> {
    let name = fields.required("name").and_then(|it| it.text(faults));
    let risk = match fields.optional("risk") {
        Some(node) => node.text(faults).and_then(|word| risk(&word, node, faults)),
        None => Some(Risk::Low),
    };
    let during = fields.optional("during").map(|node| hours(node, faults));
    let approvals = fields
        .optional("approvals")
        .and_then(|it| it.integer(faults))
        .unwrap_or(1);
    let approvals = usize::try_from(approvals).ok().filter(|it| (1..=16).contains(it));
    if approvals.is_none() {
        faults.add(node.at, "`approvals` is not between 1 and 16", "");
    }
    let (by, asked_by) = (names(fields, "by", faults), names(fields, "asked-by", faults));
    if !by.is_empty() && approvals.is_some_and(|it| it > by.len()) {
        faults.add(
            node.at,
            "more approvals are asked for than there are people in `by`",
            "",
        );
    }
    Some(Rule {
        name: name?,
        risk: risk?,
        scope: scope(fields, faults),
        during: match during {
            Some(hours) => Some(hours?),
            None => None,
        },
        asked_by,
        by,
        approvals: approvals?,
    })
}

fn risk(word: &str, node: &Node, faults: &Faults) -> Option<Risk> {
    let found = risk_of(word);
    if found.is_none() {
        faults.add(node.at, format!("`{word}` is no risk"), "low, medium or high");
    }
    found
}

fn window(fields: &Fields<'_>, node: &Node, faults: &Faults) -> Option<Window> {
    let name = fields.required("name").and_then(|it| it.text(faults));
    let time = |name: &'static str| {
        let node = fields.required(name)?;
        let text = node.text(faults)?;
        let found = moment(&text);
        if found.is_none() {
            faults.add(
                node.at,
                format!("{text:?} is no time"),
                "such as 2026-12-20T18:00:00+08:00",
            );
        }
        found
    };
    let (from, until) = (time("from"), time("until"));
    if let (Some(from), Some(until)) = (from, until)
        && from >= until
    {
        faults.add(node.at, "the window ends before it begins", "");
    }
    Some(Window {
        name: name?,
        from: from?,
        until: until?,
        scope: scope(fields, faults),
    })
}

fn scope(fields: &Fields<'_>, faults: &Faults) -> Scope {
    Scope {
        devices: names(fields, "devices", faults),
        sites: names(fields, "sites", faults),
        groups: names(fields, "groups", faults),
        tags: names(fields, "tags", faults),
    }
}

fn first(node: &Node, faults: &Faults) -> Option<Scope> {
    let fields = node.fields(faults)?;
    let scope = scope(&fields, faults);
    fields.end();
    if scope == Scope::default() {
        faults.add(node.at, "`first` names nobody", "devices, sites, groups or tags");
    }
    Some(scope)
}

fn names(fields: &Fields<'_>, name: &'static str, faults: &Faults) -> Vec<String> {
    let items = fields
        .optional(name)
        .and_then(|node| node.list(faults))
        .unwrap_or_default();
    items.iter().filter_map(|item| item.text(faults)).collect()
}

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

fn hours(node: &Node, faults: &Faults) -> Option<Hours> {
    let fields = node.fields(faults)?;
    let mut days = Vec::new();
    for name in names(&fields, "days", faults) {
        match DAYS.iter().find(|(word, _)| *word == name) {
            Some((_, day)) => days.push(*day),
            None => faults.add(
                node.at,
                format!("`{name}` is no day"),
                "mon, tue, wed, thu, fri, sat or sun",
            ),
        }
    }
    if days.is_empty() {
        days = DAYS.iter().map(|(_, day)| *day).collect();
    }
    let minute = |name: &'static str, otherwise: u16| {
        let Some(node) = fields.optional(name) else {
            return Some(otherwise);
        };
        let text = node.text(faults)?;
        let found = clock(&text).filter(|it| *it <= 24 * 60);
        if found.is_none() {
            faults.add(node.at, format!("{text:?} is no time of day"), "such as \"18:30\"");
        }
        found
    };
    let (from, to) = (minute("from", 0), minute("to", 24 * 60));
    let zone = match fields.optional("zone") {
        None => Some(UtcOffset::UTC),
        Some(node) => node.text(faults).and_then(|text| {
            let found = zone(&text);
            if found.is_none() {
                faults.add(node.at, format!("{text:?} is no zone"), "such as \"+08:00\"");
            }
            found
        }),
    };
    fields.end();
    Some(Hours {
        days,
        from: from?,
        to: to?,
        zone: zone?,
    })
}

/// `18:30` in minutes.
fn clock(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours <= 24 && minutes < 60).then_some(hours * 60 + minutes)
}

/// `+08:00`.
fn zone(text: &str) -> Option<UtcOffset> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let minutes = i32::from(clock(rest)?);
    UtcOffset::from_whole_seconds(sign * minutes * 60).ok()
}
