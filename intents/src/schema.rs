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

/// The schema of one intent of a class.
#[must_use]
pub fn class_schema(class: &Class) -> Value {
    let mut schema = intent(class);
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema
}

fn intent(class: &Class) -> Value {
    let names = json!({ "type": "array", "items": { "type": "string" } });
    let shared = |name: &str| class.slot(name).map(property).unwrap_or_default();
    json!({
        "title": class.title.en,
        "description": class.description.en,
        "type": "object",
        "required": ["class"],
        "additionalProperties": false,
        "properties": {
            "class": { "const": class.name },
            "name": { "type": "string" },
            "priority": { "oneOf": [{ "type": "integer" }, { "const": "high" }], "default": 100 },
            "target": shared("target"),
            "schedule": shared("schedule"),
            "validity": shared("validity"),
            "exceptions": shared("exceptions"),
            "report": shared("report"),
            "on_violation": shared("on_violation"),
            "dry_run": shared("dry_run"),
            "guarantee": { "enum": ["confirmed", "session", "timed", "whole", "plain"] },
            "gate": { "enum": ["checks", "none"], "default": "checks" },
            "first": {
                "description": "Devices that change before all others.",
                "type": "array", "items": { "type": "string" },
            },
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
    let one = shape(&slot.kind);
    let mut shape = if slot.many && !matches!(slot.kind, SlotKind::Free) {
        json!({ "oneOf": [one.clone(), { "type": "array", "minItems": 1, "items": one }] })
    } else {
        one
    };
    if let Some(object) = shape.as_object_mut() {
        object.insert("description".to_owned(), slot.description.clone().into());
    }
    shape
}

/// The shape of one value.
fn shape(kind: &SlotKind) -> Value {
    match kind {
        SlotKind::Integer { least, greatest } => json!({ "type": "integer", "minimum": least, "maximum": greatest }),
        SlotKind::Truth => json!({ "type": "boolean" }),
        SlotKind::Choice(words) => json!({ "enum": words }),
        SlotKind::Text { longest } => json!({ "type": ["string", "integer"], "maxLength": longest }),
        SlotKind::Rate | SlotKind::Port | SlotKind::Area => json!({ "type": ["string", "integer"] }),
        SlotKind::Seconds(_) | SlotKind::Number => json!({ "type": ["string", "number"] }),
        SlotKind::Secret => json!({ "type": "string", "pattern": "^secret:" }),
        SlotKind::Clock => json!({ "type": "string", "pattern": "^[0-9]{1,2}:[0-9]{2}$" }),
        SlotKind::Name => json!({ "type": ["string", "integer"] }),
        SlotKind::Device
        | SlotKind::Interface
        | SlotKind::Address
        | SlotKind::InterfaceAddress
        | SlotKind::Prefix
        | SlotKind::Place
        | SlotKind::NextHop
        | SlotKind::Moment
        | SlotKind::Service => json!({ "type": "string" }),
        SlotKind::Object(fields) => {
            let fields: Map<String, Value> = fields.iter().map(|it| (it.name.clone(), property(it))).collect();
            json!({ "type": "object", "additionalProperties": false, "minProperties": 1, "properties": fields })
        }
        SlotKind::Free => json!({}),
    }
}
