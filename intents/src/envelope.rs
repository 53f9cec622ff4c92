//! An intent as it enters, through whichever door: checked whole, with every fault at once.

use std::collections::BTreeMap;

use knowledge_model::document::{self, Fault, Faults, Node};

use crate::class::Class;
use crate::library::Library;
use crate::slot::SlotValue;

/// The priority of an intent that states none.
const PRIORITY: i64 = 100;

/// An intent: a class, its slots, where it holds and how much it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// What the sender calls it; the same name again is the same intent.
    pub name: Option<String>,
    /// The class.
    pub class: String,
    /// The version of the class that it was checked against.
    pub class_version: u32,
    /// The slots in canonical form, defaults filled in.
    pub slots: BTreeMap<String, SlotValue>,
    /// Where it holds.
    pub scope: Scope,
    /// Which of two intents that bid differently wins.
    pub priority: i64,
    /// The least guarantee that each device must give; any where none is demanded.
    pub guarantee: Option<String>,
    /// What the sender keeps with it.
    pub labels: BTreeMap<String, String>,
}

/// The devices that an intent is for: the union of what is named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// Devices by name.
    pub devices: Vec<String>,
    /// Every device of these sites.
    pub sites: Vec<String>,
    /// Every device of these groups.
    pub groups: Vec<String>,
    /// Every device with one of these tags.
    pub tags: Vec<String>,
}

impl Scope {
    /// Whether nothing is named.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.devices.is_empty() && self.sites.is_empty() && self.groups.is_empty() && self.tags.is_empty()
    }
}

/// Reads a file: one intent, or several under `intents`, with `variables` that stand as `${name}` in any text.
///
/// # Errors
/// Every fault with its place.
pub fn read_file(text: &str, library: &Library) -> Result<Vec<Envelope>, Vec<Fault>> {
    let node = document::read(text)?;
    let faults = Faults::default();
    let envelopes = read_intents(&node, library, &faults);
    faults.settle(envelopes)
}

/// Reads one intent from a document that was read already.
///
/// # Errors
/// Every fault with its place.
pub fn read_one(node: &Node, library: &Library) -> Result<Envelope, Vec<Fault>> {
    let faults = Faults::default();
    let envelope = read_envelope(node, library, &faults);
    faults.settle(envelope)
}

fn read_intents(node: &Node, library: &Library, faults: &Faults) -> Option<Vec<Envelope>> {
    let entries = node.entries(faults)?;
    if entries.iter().all(|(key, _)| key != "intents" && key != "variables") {
        return read_envelope(node, library, faults).map(|envelope| vec![envelope]);
    }
    let fields = node.fields(faults)?;
    let variables = fields
        .optional("variables")
        .map(|it| read_variables(it, faults))
        .unwrap_or_default();
    let items = fields.required("intents")?.list(faults)?;
    fields.end();
    if items.is_empty() {
        faults.add(node.at, "`intents` is empty", "a file holds at least one intent");
    }
    let filled: Vec<Node> = items.iter().map(|item| substitute(item, &variables, faults)).collect();
    Some(
        filled
            .iter()
            .filter_map(|item| read_envelope(item, library, faults))
            .collect(),
    )
}

fn read_envelope(node: &Node, library: &Library, faults: &Faults) -> Option<Envelope> {
    let fields = node.fields(faults)?;
    let class = fields.required("class").and_then(|it| known_class(it, library, faults));
    let name = fields.optional("name").and_then(|it| it.text(faults));
    let priority = fields
        .optional("priority")
        .and_then(|it| it.integer(faults))
        .unwrap_or(PRIORITY);
    let guarantee = fields.optional("guarantee").and_then(|it| guarantee(it, faults));
    let labels = fields
        .optional("labels")
        .map(|it| read_variables(it, faults))
        .unwrap_or_default();
    let mut scope = fields
        .optional("scope")
        .and_then(|it| read_scope(it, faults))
        .unwrap_or_default();
    let given = fields.optional("slots");
    fields.end();
    let class = class?;
    let slots = read_slots(node, given, class, faults);
    // A class whose target is a slot and an intent that names a scope mean the same thing.
    scope
        .devices
        .extend(slots.get("device").map(|it| it.values().to_vec()).unwrap_or_default());
    if scope.is_empty() {
        faults.add(node.at, "no device is named", "fill the slot `device` or `scope`");
    }
    Some(Envelope {
        name,
        class: class.name.clone(),
        class_version: class.version,
        slots,
        scope,
        priority,
        guarantee,
        labels,
    })
}

fn known_class<'a>(node: &Node, library: &'a Library, faults: &Faults) -> Option<&'a Class> {
    let name = node.text(faults)?;
    let class = library.class(&name);
    if class.is_none() {
        let hint = library.nearest(&name).map(|near| format!("did you mean `{near}`?"));
        let all = || {
            format!(
                "known: {}",
                library.iter().map(|it| it.name.as_str()).collect::<Vec<_>>().join(", ")
            )
        };
        faults.add(node.at, format!("no class is named {name:?}"), hint.unwrap_or_else(all));
    }
    class
}

fn guarantee(node: &Node, faults: &Faults) -> Option<String> {
    let word = node.text(faults)?;
    let known = ["confirmed", "session", "timed", "whole", "plain"];
    if !known.contains(&word.as_str()) {
        faults.add(
            node.at,
            format!("{word:?} is no guarantee"),
            format!("one of {}", known.join(", ")),
        );
        return None;
    }
    Some(word)
}

fn read_scope(node: &Node, faults: &Faults) -> Option<Scope> {
    let fields = node.fields(faults)?;
    let names = |name| -> Vec<String> {
        let items = fields.optional(name).and_then(|it| it.list(faults)).unwrap_or_default();
        items.iter().filter_map(|item| item.text(faults)).collect()
    };
    let scope = Scope {
        devices: names("devices"),
        sites: names("sites"),
        groups: names("groups"),
        tags: names("tags"),
    };
    fields.end();
    Some(scope)
}

fn read_slots(node: &Node, given: Option<&Node>, class: &Class, faults: &Faults) -> BTreeMap<String, SlotValue> {
    let entries = given.and_then(|it| it.entries(faults)).unwrap_or_default();
    let mut slots = BTreeMap::new();
    for (name, value) in entries {
        match class.slot(name) {
            Some(slot) => slots.extend(slot.read(value, faults).map(|value| (name.clone(), value))),
            None => {
                let names = || class.slots.iter().map(|slot| slot.name.as_str());
                let hint = document::nearest(name, names()).map(|near| format!("did you mean `{near}`?"));
                let all = || format!("{} knows: {}", class.name, names().collect::<Vec<_>>().join(", "));
                faults.add(
                    value.at,
                    format!("{} has no slot `{name}`", class.name),
                    hint.unwrap_or_else(all),
                );
            }
        }
    }
    let missing = |name: &str| entries.iter().all(|(given, _)| given != name);
    for slot in class.slots.iter().filter(|slot| missing(&slot.name)) {
        match &slot.default {
            Some(default) => slots.extend([(slot.name.clone(), default.clone())]),
            None if slot.required => {
                faults.add(
                    given.unwrap_or(node).at,
                    format!("slot `{}` is missing", slot.name),
                    slot.description.clone(),
                );
            }
            None => {}
        }
    }
    check_groups(given.unwrap_or(node), class, &slots, faults);
    slots
}

fn check_groups(node: &Node, class: &Class, slots: &BTreeMap<String, SlotValue>, faults: &Faults) {
    for group in &class.one_of {
        let filled = group
            .iter()
            .filter(|name| slots.get(*name).is_some_and(|it| it.values() != ["false"]))
            .count();
        if filled != 1 {
            let what = format!("{filled} of {} are filled", group.join(", "));
            faults.add(node.at, what, "fill exactly one of them");
        }
    }
}

fn read_variables(node: &Node, faults: &Faults) -> BTreeMap<String, String> {
    let entries = node.entries(faults).unwrap_or_default();
    entries
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), value.text(faults)?)))
        .collect()
}

fn substitute(node: &Node, variables: &BTreeMap<String, String>, faults: &Faults) -> Node {
    use document::Content::{Bool, Float, Integer, List, Map, Null, Text};
    let value = match &node.value {
        Text(text) => Text(fill(text, node, variables, faults)),
        List(items) => List(items.iter().map(|item| substitute(item, variables, faults)).collect()),
        Map(entries) => Map(entries
            .iter()
            .map(|(key, item)| (key.clone(), substitute(item, variables, faults)))
            .collect()),
        plain @ (Null | Bool(_) | Integer(_) | Float(_)) => plain.clone(),
    };
    Node { at: node.at, value }
}

fn fill(text: &str, node: &Node, variables: &BTreeMap<String, String>, faults: &Faults) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, behind)) = after.split_once('}') else {
            break;
        };
        filled.push_str(before);
        match variables.get(name) {
            Some(value) => filled.push_str(value),
            None => {
                let hint = document::nearest(name, variables.keys().map(String::as_str))
                    .map(|it| format!("did you mean `{it}`?"));
                faults.add(
                    node.at,
                    format!("no variable is named {name:?}"),
                    hint.unwrap_or_default(),
                );
            }
        }
        rest = behind;
    }
    filled + rest
}
