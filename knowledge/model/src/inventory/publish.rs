//! The JSON Schema of inventory files, so that an editor can complete and check them.

use super::{Guarantee, Protocol};
use serde_json::{Value, json};

/// A name, in letters and digits of any language: what is surely none is left out, as classes of letters are not written
/// alike by ECMA-262, Python and others.
const NAME: &str = r"^[^\u0000-\u002F\u003A-\u0040\u005B-\u0060\u007B-\u00A9\u2000-\u206F][^\u0000-\u002C\u003A-\u0040\u005B-\u005E\u0060\u007B-\u00A9\u2000-\u206F]*$";

const IPV4: &str =
    r"^(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3}$";

/// Not every such text is an address: the rest is said when it is read.
const IPV6: &str = r"^[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(%[^\s]+)?$";

/// Neither colons nor digits and dots alone.
const HOST: &str = r"^[^\s:]*[^\s:0-9.][^\s:]*$";

/// JSON Schema 2020-12 of an inventory, in patterns that every language reads alike.
pub fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:entente:schema:inventory:1",
        "title": "Entente inventory",
        "type": "object",
        "additionalProperties": false,
        "required": ["version"],
        "properties": {
            "version": {"const": 1},
            "devices": {"type": "array", "items": {"$ref": "#/$defs/device"}},
            "hosts": {"type": "array", "items": {"$ref": "#/$defs/host"}},
            "sites": named(json!({"oneOf": [{"type": "null"}, {"$ref": "#/$defs/site"}]})),
            "groups": named(json!({"oneOf": [{"type": "null"}, {"$ref": "#/$defs/names"}, {"$ref": "#/$defs/group"}]})),
            "prefixes": named(json!({"oneOf": [{"type": "null"}, {"$ref": "#/$defs/prefix-list"}, {"$ref": "#/$defs/prefixes"}]})),
            "links": {"type": "array", "items": {"$ref": "#/$defs/link"}},
        },
        "$defs": definitions(),
    })
}

fn named(value: Value) -> Value {
    json!({"type": "object", "propertyNames": {"$ref": "#/$defs/name"}, "additionalProperties": value})
}

fn object(required: &[&str], properties: Value) -> Value {
    json!({"type": "object", "additionalProperties": false, "required": required, "properties": properties})
}

fn definitions() -> Value {
    json!({
        "name": {
            "type": "string", "maxLength": 63, "pattern": NAME,
            "description": "Letters, digits, '-', '_', '.' and '/'; the first is a letter or digit.",
        },
        "names": {"type": "array", "items": {"$ref": "#/$defs/name"}},
        "port": {"type": "integer", "minimum": 1, "maximum": 65535},
        "address": {
            "type": "string", "maxLength": 255,
            "anyOf": [{"pattern": IPV4}, {"pattern": IPV6}, {"pattern": HOST}],
            "description": "An IPv4 or IPv6 address, or a name.",
        },
        "prefix-list": {
            "type": "array", "items": {"type": "string", "pattern": "/[0-9]+$", "description": "192.0.2.0/24 or 2001:db8::/32"},
        },
        "device": object(&["id", "name", "address", "platforms", "protocols"], device()),
        "host": object(&["name"], json!({
            "name": {"$ref": "#/$defs/name"},
            "address": {"$ref": "#/$defs/address"},
            "site": {"$ref": "#/$defs/name"},
            "tags": {"$ref": "#/$defs/names"},
        })),
        "site": object(&[], json!({"about": {"type": "string"}})),
        "group": object(&[], json!({"about": {"type": "string"}, "members": {"$ref": "#/$defs/names"}})),
        "prefixes": object(&["prefixes"], json!({
            "prefixes": {"$ref": "#/$defs/prefix-list"},
            "at": {"$ref": "#/$defs/names", "description": "The devices or hosts behind which the prefixes are."},
        })),
        "link": object(&["ends"], json!({
            "ends": {
                "type": "array", "minItems": 2, "maxItems": 2,
                "items": {"type": "string", "pattern": "^[^:]+:.+$", "description": "device:interface"},
            },
            "cost": {"type": "integer", "minimum": 1, "maximum": u32::MAX},
            "capacity": {"type": "integer", "minimum": 1},
            "tags": {"$ref": "#/$defs/names"},
        })),
    })
}

fn device() -> Value {
    let protocols = Protocol::ALL.map(Protocol::word);
    json!({
        "id": {
            "type": "string", "pattern": "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$",
            "description": "A UUID that never changes.",
        },
        "name": {"$ref": "#/$defs/name"},
        "address": {"$ref": "#/$defs/address"},
        "port": {"$ref": "#/$defs/port", "description": "For all protocols that name none."},
        "platforms": {
            "type": "array", "minItems": 1,
            "items": {"oneOf": [{"$ref": "#/$defs/name"}, object(&["name"], json!({
                "name": {"$ref": "#/$defs/name"},
                "owns": {"type": "array", "items": {"type": "string"}, "description": "Paths of names; without it all that no other platform owns."},
            }))]},
        },
        "protocols": {
            "type": "array", "minItems": 1, "description": "The preferred one first.",
            "items": {"oneOf": [{"enum": protocols}, object(&["name"], json!({
                "name": {"enum": protocols}, "port": {"$ref": "#/$defs/port"},
            }))]},
        },
        "credentials": {"$ref": "#/$defs/name", "description": "The name of the credentials, which the agent knows."},
        "guarantee": {"enum": Guarantee::ALL.map(Guarantee::word), "description": "The least guarantee of a change."},
        "site": {"$ref": "#/$defs/name"},
        "tags": {"$ref": "#/$defs/names"},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pattern_of_a_name_takes_every_letter_and_digit_and_no_sign() {
        let name = regex::Regex::new(NAME).unwrap();
        for letter in (0..=u32::from(char::MAX)).filter_map(char::from_u32) {
            if letter.is_alphanumeric() {
                assert!(name.is_match(&format!("{letter}{letter}")), "{letter:?}");
            } else if letter.is_ascii() {
                assert!(!name.is_match(&letter.to_string()), "{letter:?}");
                let inside = matches!(letter, '-' | '_' | '.' | '/');
                assert_eq!(name.is_match(&format!("a{letter}")), inside, "{letter:?}");
            }
        }
    }

    #[test]
    fn no_pattern_has_what_one_language_alone_knows() {
        let text = schema().to_string();
        for foreign in ["\\\\p", "\\\\P", "(?", "\\\\A", "\\\\z", "\\\\x{"] {
            assert!(!text.contains(foreign), "{foreign}");
        }
    }
}
