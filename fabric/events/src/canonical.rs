//! The canonical form of an event (RFC 8785), written in one pass: its members are known, so that they need no sorting.
//!
//! Numbers that are no small integers are left to a library; a test holds the whole form against that library.

use crate::Event;
use serde_json::{Number, Value};

/// The largest integer that every reader of JSON takes as it stands.
const EXACT: u64 = 1 << 53;

/// The canonical form.
pub(crate) fn written(event: &Event) -> Result<Vec<u8>, serde_json::Error> {
    let mut out = Vec::with_capacity(512);
    out.extend_from_slice(b"{\"data\":");
    value(&event.data, &mut out)?;
    let members = [
        ("datacontenttype", event.datacontenttype.as_str()),
        ("id", &event.id),
        ("severity", event.severity.word()),
        ("source", &event.source),
        ("specversion", &event.specversion),
        ("subject", &event.subject),
        ("time", &event.time),
        ("type", &event.kind),
    ];
    for (name, text) in members {
        if name == "subject" && text.is_empty() {
            continue;
        }
        out.extend_from_slice(b",\"");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
        serde_json::to_writer(&mut out, text)?;
    }
    out.push(b'}');
    Ok(out)
}

fn value(value: &Value, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(it) => number(it, out)?,
        Value::String(text) => serde_json::to_writer(out, text)?,
        Value::Array(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                self::value(item, out)?;
            }
            out.push(b']');
        }
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            // By UTF-16 code units, as the standard says: other than by bytes beyond the basic plane.
            names.sort_by(|a, b| a.encode_utf16().cmp(b.encode_utf16()));
            out.push(b'{');
            for (at, name) in names.into_iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                serde_json::to_writer(&mut *out, name)?;
                out.push(b':');
                self::value(&members[name], out)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

fn number(number: &Number, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    let small = number.as_i64().is_some_and(|it| it.unsigned_abs() <= EXACT);
    if small {
        serde_json::to_writer(out, number)
    } else {
        out.extend_from_slice(&serde_json_canonicalizer::to_vec(number)?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::{Event, Severity};
    use proptest::prelude::*;
    use serde_json::{Map, Value};

    fn data() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((any::<String>(), inner), 0..6)
                    .prop_map(|it| Value::Object(it.into_iter().collect::<Map<_, _>>())),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_is_what_the_library_writes(data in data(), id in "[!-~]{1,20}", subject in "[ -~]{0,20}", source in any::<String>()) {
            let event = Event {
                specversion: "1.0".into(),
                id,
                source,
                kind: "link-fault".into(),
                time: "2027-01-15T08:00:00Z".into(),
                subject,
                severity: Severity::Error,
                datacontenttype: "application/json".into(),
                data,
            };
            let theirs = serde_json_canonicalizer::to_vec(&event);
            match (super::written(&event), theirs) {
                (Ok(ours), Ok(theirs)) => prop_assert_eq!(String::from_utf8(ours), String::from_utf8(theirs)),
                (ours, theirs) => prop_assert_eq!(ours.is_ok(), theirs.is_ok()),
            }
        }
    }
}
