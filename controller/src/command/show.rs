//! Lists and single things, as tables or as JSON.

use std::io::IsTerminal;

use anyhow::{Context, Result};
use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use serde_json::Value;

use super::say;
use crate::arguments::Output;

/// Prints rows of objects: the named columns for people, everything for programs.
pub fn rows(output: Output, rows: &Value, columns: &[&str], empty: &str) -> Result<()> {
    if output == Output::Json {
        return json(rows);
    }
    let rows = rows.as_array().context("the controller sent no list")?;
    if rows.is_empty() {
        say(empty);
        return Ok(());
    }
    let mut table = Table::new();
    table
        .load_style(NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(columns.iter().map(|column| {
        column
            .rsplit('/')
            .next()
            .unwrap_or(column)
            .to_uppercase()
            .replace('_', " ")
    }));
    for row in rows {
        table.add_row(
            columns
                .iter()
                .map(|column| field(column, row.pointer(&format!("/{column}")))),
        );
    }
    say(table);
    Ok(())
}

/// Prints what differs, entry by entry: what comes in green, what goes in red, what changes in yellow, where somebody looks
/// and has not set NO_COLOR.
pub fn differences(output: Output, rows: &Value, same: &str) -> Result<()> {
    if output == Output::Json {
        return json(rows);
    }
    let rows = rows.as_array().context("there is no list")?;
    if rows.is_empty() {
        say(same);
    }
    let colours = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty());
    for row in rows {
        let (path, before, after) = (cell(row.get("path")), &row["before"], &row["after"]);
        let text = |value: &Value| {
            if value.is_null() {
                "absent".to_owned()
            } else {
                cell(Some(value))
            }
        };
        let (mark, colour) = match (before.is_null(), after.is_null()) {
            (true, _) => ('+', 32),
            (false, true) => ('-', 31),
            (false, false) => ('~', 33),
        };
        let line = format!("{mark} {path}: {} → {}", text(before), text(after));
        say(if colours {
            format!("\x1b[{colour}m{line}\x1b[0m")
        } else {
            line
        });
    }
    Ok(())
}

/// Prints one object: a line a field for people, everything for programs.
pub fn object(output: Output, object: &Value) -> Result<()> {
    if output == Output::Json {
        return json(object);
    }
    for (name, value) in object.as_object().context("the controller sent no object")? {
        say(format!("{:<12} {}", name.replace('_', " "), field(name, Some(value))));
    }
    Ok(())
}

/// Prints JSON.
pub fn json(value: &Value) -> Result<()> {
    say(serde_json::to_string_pretty(value)?);
    Ok(())
}

/// The items of a list in one line.
pub fn list(value: &Value) -> String {
    cell(Some(value))
}

/// The names of fields that are moments, in milliseconds since 1970.
const MOMENTS: &[&str] = &[
    "at", "begun", "ended", "made", "revoked", "until", "since", "first", "last", "joined", "heard", "issued",
    "expires",
];

/// What a field of this name says, in one line: moments as people read them.
fn field(name: &str, value: Option<&Value>) -> String {
    let name = name.rsplit('/').next().unwrap_or(name);
    // A number that is no moment of these times is something else of that name.
    let moment = value.and_then(Value::as_i64).filter(|it| *it > 1_000_000_000_000);
    match moment.filter(|_| MOMENTS.contains(&name)) {
        Some(moment) => crate::policy::written(moment - moment.rem_euclid(1000)),
        None => cell(value),
    }
}

/// One value in one line.
pub fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => {
            let between = if items.iter().all(Value::is_array) { "; " } else { ", " };
            items
                .iter()
                .map(|item| cell(Some(item)))
                .collect::<Vec<_>>()
                .join(between)
        }
        Some(Value::Object(fields)) => {
            let each = fields
                .iter()
                .map(|(name, value)| (name.replace('_', " "), field(name, Some(value))));
            let said = each.filter(|(_, value)| !value.is_empty());
            said.map(|(name, value)| format!("{name} {value}"))
                .collect::<Vec<_>>()
                .join(", ")
        }
        Some(other @ (Value::Bool(_) | Value::Number(_))) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn cells_are_for_people() {
        let says = |name: &str, value: Value| field(name, Some(&value));
        assert_eq!(says("made", json!(1_795_312_800_123_i64)), "2026-11-22T02:00:00Z");
        assert_eq!(says("at", json!(7)), "7");
        assert_eq!(says("waves", json!([["r1"], ["r2", "r3"]])), "r1; r2, r3");
        assert_eq!(says("count", json!(1_795_312_800_123_i64)), "1795312800123");
        let said = [
            json!({ "made_by": "amy", "given": [] }),
            json!({ "at": 1_795_312_800_000_i64 }),
        ];
        assert_eq!(says("said", json!(said)), "made by amy, at 2026-11-22T02:00:00Z");
    }
}
