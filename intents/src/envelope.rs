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
    /// Whether nothing is looked at before it may stay: `gate: none`.
    pub ungated: bool,
    /// The devices that change before all others, by name.
    pub first: Vec<String>,
    /// What the sender keeps with it.
    pub labels: BTreeMap<String, String>,
    /// Only what would change is wanted.
    pub dry_run: bool,
}

/// The priority that the word `high` stands for.
const HIGH: i64 = 1000;

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
    /// Names of devices, sites, groups or tags, `all`, or `device:interface`, as the slots `device` and `target` have
    /// them.
    pub places: Vec<String>,
}

impl Scope {
    /// Whether nothing is named.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.devices.is_empty()
            && self.sites.is_empty()
            && self.groups.is_empty()
            && self.tags.is_empty()
            && self.places.is_empty()
    }
}

/// Reads a file: one intent, or several under `intents`, with `variables` that stand as `${name}` in any text.
///
/// # Errors
/// Every fault with its place.
pub fn read_file(text: &str, library: &Library) -> Result<Vec<Envelope>, Vec<Fault>> {
    let (node, faults) = document::open(text)?;
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
    let guarantee = fields.optional("guarantee").and_then(|it| guarantee(it, faults));
    let ungated = fields.optional("gate").is_some_and(|it| ungated(it, faults));
    let first = fields
        .optional("first")
        .and_then(|it| it.list(faults))
        .unwrap_or_default();
    let first = first.iter().filter_map(|it| it.text(faults)).collect();
    let labels = fields
        .optional("labels")
        .map(|it| read_variables(it, faults))
        .unwrap_or_default();
    let mut scope = fields
        .optional("scope")
        .and_then(|it| read_scope(it, faults))
        .unwrap_or_default();
    // Shared slots may stand beside `slots` as well: they say the same there.
    let beside: Vec<(&str, &Node)> = [
        "name",
        "priority",
        "target",
        "schedule",
        "validity",
        "exceptions",
        "report",
        "on_violation",
        "dry_run",
    ]
    .into_iter()
    .filter_map(|name| Some((name, fields.optional(name)?)))
    .collect();
    let given = fields.optional("slots");
    fields.end();
    let class = class?;
    let mut slots = read_slots(node, given, &beside, class, faults);
    // A class whose target is a slot and an intent that names a scope mean the same thing.
    for slot in ["device", "target"] {
        scope
            .places
            .extend(slots.get(slot).map(|it| it.values().to_vec()).unwrap_or_default());
    }
    if scope.is_empty() && class.wants_target() {
        faults.add(node.at, "no device is named", "fill the slot `target` or `scope`");
    }
    let word = |slots: &mut BTreeMap<String, SlotValue>, name: &str| {
        let own = class.own_slots().any(|slot| slot.name == name);
        let value = if own { None } else { slots.remove(name) };
        value.and_then(|it| it.first().map(str::to_owned))
    };
    let name = word(&mut slots, "name");
    let priority = word(&mut slots, "priority").and_then(|it| read_priority(node, &it, faults));
    let dry_run = word(&mut slots, "dry_run").is_some_and(|it| it == "true");
    Some(Envelope {
        name,
        class: class.name.clone(),
        class_version: class.version,
        slots,
        scope,
        priority: priority.unwrap_or(PRIORITY),
        guarantee,
        ungated,
        first,
        labels,
        dry_run,
    })
}

fn read_priority(node: &Node, word: &str, faults: &Faults) -> Option<i64> {
    let number = if word == "high" { Some(HIGH) } else { word.parse().ok() };
    if number.is_none() {
        faults.add(node.at, format!("{word:?} is no priority"), "a whole number, or high");
    }
    number
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

/// `gate: none` or `gate: checks`.
fn ungated(node: &Node, faults: &Faults) -> bool {
    let word = node.text(faults).unwrap_or_default();
    if !matches!(word.as_str(), "none" | "checks") {
        faults.add(
            node.at,
            format!("{word:?} is no gate"),
            "checks, or none to let a change stay unseen",
        );
    }
    word == "none"
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
        places: Vec::new(),
    };
    fields.end();
    Some(scope)
}

fn read_slots(
    node: &Node,
    given: Option<&Node>,
    beside: &[(&str, &Node)],
    class: &Class,
    faults: &Faults,
) -> BTreeMap<String, SlotValue> {
    let entries = given.and_then(|it| it.entries(faults)).unwrap_or_default();
    let mut slots = BTreeMap::new();
    let inside = entries.iter().map(|(name, value)| (name, value));
    let outside: Vec<(String, &Node)> = beside
        .iter()
        .map(|(name, value)| ((*name).to_owned(), *value))
        .collect();
    for (name, value) in outside.iter().map(|(name, value)| (name, *value)).chain(inside) {
        if slots.contains_key(name) {
            faults.add(
                value.at,
                format!("`{name}` is said twice"),
                "once beside `slots`, once inside",
            );
            continue;
        }
        match class.slot(name) {
            Some(slot) => slots.extend(slot.read(value, faults).map(|value| (name.clone(), value))),
            None => {
                let names = || class.slots.iter().map(|slot| slot.name.as_str());
                let own = || class.own_slots().map(|slot| slot.name.as_str());
                let hint = document::nearest(name, names()).map(|near| format!("did you mean `{near}`?"));
                let all = || format!("{} knows: {}", class.name, own().collect::<Vec<_>>().join(", "));
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
    let filled = |group: &[String]| {
        let filled = group
            .iter()
            .filter(|name| slots.get(*name).is_some_and(|it| it.values() != ["false"]));
        filled.count()
    };
    for group in class.any_of.iter().filter(|group| filled(group) == 0) {
        faults.add(
            node.at,
            format!("none of {} is filled", group.join(", ")),
            "fill one of them at least",
        );
    }
    for group in &class.one_of {
        let filled = filled(group);
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
    Node {
        at: node.at,
        named: node.named,
        value,
        written: node.written.clone(),
    }
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

impl Envelope {
    /// As a document that reads back as the same intent.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let names = |names: &[String]| serde_json::Value::from(names.to_vec());
        let mut scope = serde_json::Map::new();
        let said = [
            ("devices", &self.scope.devices),
            ("sites", &self.scope.sites),
            ("groups", &self.scope.groups),
            ("tags", &self.scope.tags),
        ];
        for (kind, said) in said.into_iter().filter(|(_, said)| !said.is_empty()) {
            scope.insert(kind.to_owned(), names(said));
        }
        let slots: serde_json::Map<String, serde_json::Value> = self
            .slots
            .iter()
            .map(|(name, value)| (name.clone(), value.to_json()))
            .collect();
        let mut document = serde_json::json!({ "class": self.class, "priority": self.priority, "slots": slots });
        let more = [
            ("name", self.name.clone().map(serde_json::Value::from)),
            ("guarantee", self.guarantee.clone().map(serde_json::Value::from)),
            ("gate", self.ungated.then(|| "none".into())),
            ("first", (!self.first.is_empty()).then(|| names(&self.first))),
            ("scope", (!scope.is_empty()).then_some(serde_json::Value::Object(scope))),
            (
                "labels",
                (!self.labels.is_empty()).then(|| serde_json::json!(self.labels)),
            ),
            ("dry_run", self.dry_run.then(|| true.into())),
        ];
        for (name, value) in more {
            document[name] = value.unwrap_or_default();
        }
        document
    }
}
