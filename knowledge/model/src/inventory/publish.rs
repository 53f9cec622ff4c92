//! The JSON Schema of inventory files, so that an editor can complete and check them.

use super::{Guarantee, Protocol};
use serde_json::{Value, json};

/// A name, in letters and digits of any language: what is surely none is left out, as classes of letters are not written
/// alike by ECMA-262, Python and others.
const NAME: &str = r"^[^\u0000-\u002F\u003A-\u0040\u005B-\u0060\u007B-\u00A9\u2000-\u206F][^\u0000-\u002C\u003A-\u0040\u005B-\u005E\u0060\u007B-\u00A9\u2000-\u206F]*$";

/// The four numbers of an IPv4 address.
const IPV4: &str = r"(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3}";

/// Neither colons nor digits and dots alone, and no '-' at the beginning.
const HOST: &str = r"^([^\s:0-9.\u0000-\u001F\u007F-\u009F-][^\s:\u0000-\u001F\u007F-\u009F]*|[0-9.]+[^\s:0-9.\u0000-\u001F\u007F-\u009F][^\s:\u0000-\u001F\u007F-\u009F]*)$";

/// The groups of an IPv6 address: all eight, or fewer around `::`; the last two may be written as IPv4.
fn ipv6() -> String {
    let group = "[0-9A-Fa-f]{1,4}";
    let mut forms = vec![format!("({group}:){{7}}{group}"), format!("({group}:){{6}}{IPV4}")];
    for before in 0..=7 {
        let head = match before {
            0 => String::new(),
            1 => group.to_owned(),
            _ => format!("{group}(:{group}){{{}}}", before - 1),
        };
        let mut tails = Vec::new();
        if before <= 6 {
            tails.push(format!("{group}(:{group}){{0,{}}}", 6 - before));
        }
        if before <= 5 {
            tails.push(format!("({group}:){{0,{}}}{IPV4}", 5 - before));
        }
        let tail = if tails.is_empty() {
            String::new()
        } else {
            format!("({})?", tails.join("|"))
        };
        forms.push(format!("{head}::{tail}"));
    }
    format!("({})", forms.join("|"))
}

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
            "devices": {"type": ["array", "null"], "items": {"$ref": "#/$defs/device"}},
            "hosts": {"type": ["array", "null"], "items": {"$ref": "#/$defs/host"}},
            "sites": named(json!({"oneOf": [{"type": "null"}, {"$ref": "#/$defs/site"}]})),
            "groups": named(json!({"oneOf": [{"type": "null"}, {"$ref": "#/$defs/names"}, {"$ref": "#/$defs/group"}]})),
            "prefixes": named(json!({"oneOf": [{"type": "null"}, {"$ref": "#/$defs/prefix-list"}, {"$ref": "#/$defs/prefixes"}]})),
            "links": {"type": ["array", "null"], "items": {"$ref": "#/$defs/link"}},
        },
        "$defs": definitions(),
    })
}

fn named(value: Value) -> Value {
    json!({"type": ["object", "null"], "propertyNames": {"$ref": "#/$defs/name"}, "additionalProperties": value})
}

/// What may be left out may be written as nothing, too.
fn optional(value: Value) -> Value {
    json!({"anyOf": [{"type": "null"}, value]})
}

/// What is text to us though YAML has a number or a truth value there.
fn text() -> Value {
    json!({"type": ["string", "number", "boolean"]})
}

fn object(required: &[&str], properties: Value) -> Value {
    json!({"type": "object", "additionalProperties": false, "required": required, "properties": properties})
}

fn definitions() -> Value {
    json!({
        "name": {
            "type": ["string", "number", "boolean"], "maxLength": 63, "pattern": NAME, "minimum": 0,
            "description": "Letters, digits, '-', '_', '.' and '/'; the first is a letter or digit.",
        },
        "names": {"type": "array", "items": {"$ref": "#/$defs/name"}},
        "port": {"type": ["integer", "null"], "minimum": 1, "maximum": 65535},
        "address": {
            "type": ["string", "boolean"], "maxLength": 255,
            "anyOf": [{"pattern": format!("^{IPV4}$")}, {"pattern": format!("^{}(%[^\\s]*)?$", ipv6())}, {"pattern": HOST}],
            "description": "An IPv4 or IPv6 address, or a name.",
        },
        "prefix-list": {
            "type": "array",
            "items": {
                "type": "string", "description": "192.0.2.0/24 or 2001:db8::/32",
                "anyOf": [
                    {"pattern": format!("^{IPV4}/([0-9]|[12][0-9]|3[0-2])$")},
                    {"pattern": format!("^{}/([0-9]|[1-9][0-9]|1[01][0-9]|12[0-8])$", ipv6())},
                ],
            },
        },
        "device": object(&["id", "name", "address", "platforms", "protocols"], device()),
        "host": object(&["name"], json!({
            "name": {"$ref": "#/$defs/name"},
            "address": optional(json!({"$ref": "#/$defs/address"})),
            "site": optional(json!({"$ref": "#/$defs/name"})),
            "tags": optional(json!({"$ref": "#/$defs/names"})),
        })),
        "site": object(&[], json!({"about": optional(text())})),
        "group": object(&[], json!({"about": optional(text()), "members": optional(json!({"$ref": "#/$defs/names"}))})),
        "prefixes": object(&["prefixes"], json!({
            "prefixes": {"$ref": "#/$defs/prefix-list"},
            "at": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/names"}], "description": "The devices or hosts behind which the prefixes are."},
        })),
        "link": object(&["ends"], json!({
            "ends": {
                "type": "array", "minItems": 2, "maxItems": 2,
                "items": {"type": "string", "pattern": "^[^:]+:.+$", "description": "device:interface"},
            },
            "cost": {"type": ["integer", "null"], "minimum": 1, "maximum": u32::MAX},
            "capacity": {"type": ["integer", "null"], "minimum": 1, "maximum": i64::MAX},
            "tags": optional(json!({"$ref": "#/$defs/names"})),
        })),
    })
}

fn device() -> Value {
    let protocols = Protocol::ALL.map(Protocol::word);
    let guarantees: Vec<Option<&str>> = Guarantee::ALL.iter().map(|it| Some(it.word())).chain([None]).collect();
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
                "owns": {"type": ["array", "null"], "items": {"type": "string"}, "description": "Paths of names; without it all that no other platform owns."},
            }))]},
        },
        "protocols": {
            "type": "array", "minItems": 1, "description": "The preferred one first.",
            "items": {"oneOf": [{"enum": protocols}, object(&["name"], json!({
                "name": {"enum": protocols}, "port": {"$ref": "#/$defs/port"},
            }))]},
        },
        "credentials": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/name"}], "description": "The name of the credentials, which the agent knows."},
        "guarantee": {"enum": guarantees, "description": "The least guarantee of a change."},
        "site": optional(json!({"$ref": "#/$defs/name"})),
        "tags": optional(json!({"$ref": "#/$defs/names"})),
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
