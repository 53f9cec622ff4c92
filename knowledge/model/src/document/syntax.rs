//! What is said of text that is no YAML, or no JSON where it began as such.

use serde::de::IgnoredAny;
use serde_json::error::Category;

use super::receive::DEPTH;
use super::{Faults, Mark};

/// Puts every control character on the list: none belongs into a text, and a parser would say something else of it.
pub(super) fn controls(text: &str, faults: &Faults) {
    let is_foreign = |it: char| it.is_control() && !matches!(it, '\t' | '\n' | '\r' | '\u{85}');
    if !text.contains(is_foreign) {
        return;
    }
    for (line, content) in text.lines().enumerate() {
        for (column, it) in content.chars().enumerate().filter(|it| is_foreign(it.1)) {
            let at = Mark {
                line: line + 1,
                column: column + 1,
            };
            let what = match it {
                '\0' => "a NUL byte".to_owned(),
                other => format!("the control character U+{:04X}", u32::from(other)),
            };
            faults.add(at, what, "take it out: the file is text");
        }
    }
}

/// Where and what a parser's complaint comes to, and how to mend it.
pub(super) fn syntax(complaint: &str, text: &str, at: Mark) -> (Mark, String, &'static str) {
    let has = |words: &[&str]| words.iter().any(|it| complaint.contains(it));
    if has(&["unknown anchor"]) {
        let alias = format!("{} repeats nothing", word_at(text, at));
        return (
            at,
            alias,
            "what is repeated stands above, behind &name: or write it out",
        );
    }
    if has(&["alias expansion"]) {
        return (at, "aliases repeat too much".to_owned(), "write out what they repeat");
    }
    if has(&["recursion"]) {
        let what = format!("more than {DEPTH} lists and mappings inside each other");
        return (at, what, "nest less deeply");
    }
    if let Some(told) = json(text) {
        return told;
    }
    let hint = if has(&["tab"]) {
        "indent with spaces"
    } else if has(&["quoted scalar", "escape"]) {
        "close the quotes; in double quotes \\ is written \\\\"
    } else if has(&["flow", "bracket", "eof"]) {
        "close what was opened: every [ and { needs its own, with commas between the items"
    } else if has(&["more than"]) {
        "split the file"
    } else if has(&["anchor", "alias", "tag", "TAG", "directive"]) {
        "text that begins with &, *, ! or % stands in quotes"
    } else if has(&["unprintable", "byte order"]) {
        "save the file as UTF-8 text"
    } else {
        "lines of one list or mapping are indented alike; text with ': ' or ' #' in it stands in quotes"
    };
    (at, complaint.to_owned(), hint)
}

/// What is wrong with a text that begins as JSON does, said of it as JSON.
fn json(text: &str) -> Option<(Mark, String, &'static str)> {
    let inner = text.trim_start_matches(|it: char| it.is_whitespace() || it == '[');
    let begun = inner.strip_prefix('{')?.trim_start();
    if !begun.is_empty() && !begun.starts_with('"') {
        return None;
    }
    let error = serde_json::from_str::<IgnoredAny>(text).err()?;
    let at = Mark {
        line: error.line(),
        column: error.column().max(1),
    };
    Some(match error.classify() {
        Category::Eof => {
            let hint = "the file is not whole: copy it anew, or close every { and [ and every quote";
            (at, "the JSON ends too early".to_owned(), hint)
        }
        Category::Io | Category::Syntax | Category::Data => {
            let what = error.to_string();
            let what = what.split(" at line ").next().unwrap_or(&what);
            let hint =
                "in JSON names and texts stand in double quotes, commas between the items and none behind the last";
            (at, format!("no JSON: {what}"), hint)
        }
    })
}

/// What stands at a place of a text, up to the end of its line.
fn line_at(text: &str, at: Mark) -> String {
    let line = text.lines().nth(at.line.saturating_sub(1)).unwrap_or_default();
    line.chars().skip(at.column.saturating_sub(1)).take(120).collect()
}

fn word_at(text: &str, at: Mark) -> String {
    let line = line_at(text, at);
    let ends = |it: char| it.is_whitespace() || matches!(it, ',' | ']' | '}');
    line.split(ends).next().unwrap_or_default().to_owned()
}
