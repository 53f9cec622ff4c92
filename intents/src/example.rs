//! Examples of a class: what operators say, and the slots that it fills. They are tests of the reader, and stand on the
//! page of the class.

use std::collections::BTreeMap;

use knowledge_model::document::{self, Fault, Faults, Node};

use crate::slot::{Slot, SlotValue};

/// A sentence with what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// The sentence.
    pub say: String,
    /// Whether it is Chinese; else it is English.
    pub chinese: bool,
    /// The slots that it says.
    pub slots: BTreeMap<String, SlotValue>,
}

/// Reads `{en: {sentence: slots}, zh: {sentence: slots}}`.
pub(crate) fn read_examples(node: &Node, slots: &[Slot], faults: &Faults) -> Vec<Example> {
    let Some(fields) = node.fields(faults) else {
        return Vec::new();
    };
    let mut examples = Vec::new();
    for (language, chinese) in [("en", false), ("zh", true)] {
        let entries = fields
            .optional(language)
            .and_then(|it| it.entries(faults))
            .unwrap_or_default();
        examples.extend(entries.iter().map(|(say, node)| Example {
            say: say.clone(),
            chinese,
            slots: said(node, slots, faults),
        }));
    }
    fields.end();
    examples
}

fn said(node: &Node, slots: &[Slot], faults: &Faults) -> BTreeMap<String, SlotValue> {
    let entries = node.entries(faults).unwrap_or_default();
    let mut said = BTreeMap::new();
    for (name, value) in entries {
        match slots.iter().find(|slot| slot.name == *name) {
            Some(slot) => said.extend(slot.read(value, faults).map(|value| (name.clone(), value))),
            None => faults.add(
                value.at,
                format!("no slot is named {name:?}"),
                "declare it under `slots`",
            ),
        }
    }
    said
}

/// Reads a file with the examples of a class of the program.
pub(crate) fn read_file(text: &str, slots: &[Slot]) -> Result<Vec<Example>, Vec<Fault>> {
    let (node, faults) = document::open(text)?;
    // The name of the class is for who reads the file; which one it is for is known already.
    let examples = read_examples(&without_class(&node), slots, &faults);
    faults.settle(Some(examples))
}

fn without_class(node: &Node) -> Node {
    use document::Content::Map;
    match &node.value {
        Map(entries) => Node {
            at: node.at,
            named: node.named,
            written: None,
            value: Map(entries.iter().filter(|(key, _)| key != "class").cloned().collect()),
        },
        document::Content::Null
        | document::Content::Bool(_)
        | document::Content::Integer(_)
        | document::Content::Float(_)
        | document::Content::Text(_)
        | document::Content::List(_) => node.clone(),
    }
}
