//! The JSON Schema of intents, made from the library, so that an editor can complete an intent file.

use serde_json::{Map, Value, json};

use crate::class::Class;
use crate::library::Library;
use crate::slot::{Slot, SlotKind};

/// The schema (2020-12) of one intent file.
#[must_use]
pub fn schema(library: &Library) -> Value {
    let intents: Vec<Value> = library.iter().map(intent).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Intents",
        "oneOf": [
            { "$ref": "#/$defs/intent" },
            {
                "type": "object",
                "required": ["intents"],
                "additionalProperties": false,
                "properties": {
                    "intents": { "type": "array", "minItems": 1, "items": { "$ref": "#/$defs/intent" } },
                    "variables": { "type": "object", "additionalProperties": { "type": ["string", "number", "boolean"] } },
                },
            },
        ],
        "$defs": { "intent": { "oneOf": intents } },
    })
}

fn intent(class: &Class) -> Value {
    let names = json!({ "type": "array", "items": { "type": "string" } });
    json!({
        "title": class.title.en,
        "description": class.description.en,
        "type": "object",
        "required": ["class"],
        "additionalProperties": false,
        "properties": {
            "class": { "const": class.name },
            "name": { "type": "string" },
            "priority": { "type": "integer", "default": 100 },
            "guarantee": { "enum": ["confirmed", "session", "timed", "whole", "plain"] },
            "labels": { "type": "object", "additionalProperties": { "type": "string" } },
            "scope": {
                "type": "object",
                "additionalProperties": false,
                "properties": { "devices": names, "sites": names, "groups": names, "tags": names },
            },
            "slots": slots(class),
        },
    })
}

fn slots(class: &Class) -> Value {
    let properties: Map<String, Value> = class
        .slots
        .iter()
        .map(|slot| (slot.name.clone(), property(slot)))
        .collect();
    let required: Vec<&str> = class
        .slots
        .iter()
        .filter(|it| it.required && it.default.is_none())
        .map(|it| it.name.as_str())
        .collect();
    json!({ "type": "object", "additionalProperties": false, "properties": properties, "required": required })
}

fn property(slot: &Slot) -> Value {
    let one = match &slot.kind {
        SlotKind::Integer { least, greatest } => json!({ "type": "integer", "minimum": least, "maximum": greatest }),
        SlotKind::Truth => json!({ "type": "boolean" }),
        SlotKind::Choice(words) => json!({ "enum": words }),
        SlotKind::Text { longest } => json!({ "type": "string", "maxLength": longest }),
        SlotKind::Rate => json!({ "type": ["string", "integer"] }),
        SlotKind::Secret => json!({ "type": "string", "pattern": "^secret:" }),
        SlotKind::Device | SlotKind::Interface | SlotKind::Address | SlotKind::InterfaceAddress | SlotKind::Prefix => {
            json!({ "type": "string" })
        }
    };
    let mut shape = if slot.many {
        json!({ "oneOf": [one.clone(), { "type": "array", "minItems": 1, "items": one }] })
    } else {
        one
    };
    if let Some(object) = shape.as_object_mut() {
        object.insert("description".to_owned(), slot.description.clone().into());
    }
    shape
}
