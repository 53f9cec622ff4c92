//! Items of a JSON document, which a device may print several of, one after another.

use super::{Item, MOST, Step};
use serde_json::Value;
use std::collections::BTreeMap;

/// The items that the steps lead to.
pub(super) fn items(
    output: &str,
    steps: &[Step],
    only: &[(String, String)],
    fields: &BTreeMap<String, String>,
) -> Result<Vec<Item>, String> {
    let start = output.find(['{', '[']).ok_or_else(|| said(output))?;
    let mut items = Vec::new();
    for document in serde_json::Deserializer::from_str(&output[start..]).into_iter::<Value>() {
        let document = document.map_err(|error| format!("no JSON: {error}"))?;
        walk(&document, steps, &Item::default(), &mut items, &|value, item| {
            only.iter()
                .all(|(name, wanted)| text(value, name).as_deref() == Some(wanted))
                && {
                    for (label, field) in fields {
                        item.labels.extend(text(value, field).map(|it| (label.clone(), it)));
                    }
                    true
                }
        });
    }
    Ok(items)
}

/// What a device said instead of JSON.
fn said(output: &str) -> String {
    let line = output.lines().map(str::trim).find(|it| !it.is_empty());
    line.unwrap_or("no answer").chars().take(200).collect()
}

fn walk(value: &Value, steps: &[Step], item: &Item, items: &mut Vec<Item>, keep: &dyn Fn(&Value, &mut Item) -> bool) {
    if items.len() >= MOST {
        return;
    }
    let Some((step, rest)) = steps.split_first() else {
        let mut item = item.clone();
        if let Value::Object(map) = value {
            let scalars = map.iter().filter_map(|(name, it)| Some((name.clone(), scalar(it)?)));
            item.fields.extend(scalars);
        }
        if value.is_object() && keep(value, &mut item) {
            items.push(item);
        }
        return;
    };
    match (step, value) {
        (Step::Name(name), Value::Object(map)) => {
            if let Some(inner) = map.get(name) {
                walk(inner, rest, item, items, keep);
            }
        }
        (Step::Label(label), Value::Object(map)) => {
            for (key, inner) in map {
                let mut item = item.clone();
                item.labels.insert(label.clone(), key.clone());
                walk(inner, rest, &item, items, keep);
            }
        }
        (Step::Each, Value::Object(map)) => map.values().for_each(|it| walk(it, rest, item, items, keep)),
        (Step::Each, Value::Array(list)) => list.iter().for_each(|it| walk(it, rest, item, items, keep)),
        (Step::Name(_) | Step::Label(_) | Step::Each, _) => {}
    }
}

fn text(value: &Value, field: &str) -> Option<String> {
    scalar(value.get(field)?)
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
