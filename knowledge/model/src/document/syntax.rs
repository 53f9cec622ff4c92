//! What is said of text that is no YAML, or no JSON where it began as such.

use serde::de::IgnoredAny;
use serde_json::error::Category;

use super::receive::DEPTH;
use super::{Faults, Mark};

/// What a character is called that belongs into no text; none for those that do.
pub(crate) fn control(it: char) -> Option<String> {
    match it {
        '\0' => Some("a NUL byte".to_owned()),
        '\t' | '\n' | '\r' | '\u{85}' => None,
        other => other
            .is_control()
            .then(|| format!("the control character U+{:04X}", u32::from(other))),
    }
}

/// Puts every control character on the list: none belongs into a text, and a parser would say something else of it.
pub(super) fn controls(text: &str, faults: &Faults) {
    let is_foreign = |it: char| control(it).is_some();
    if !text.contains(is_foreign) {
        return;
    }
    for (line, content) in text.lines().enumerate() {
        let named = content
            .chars()
            .enumerate()
            .filter_map(|it| Some((it.0, control(it.1)?)));
        for (column, what) in named {
            let at = Mark {
                line: line + 1,
                column: column + 1,
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
    if let Some(line) = unclosed(text).filter(|_| ends_at(text, at)) {
        let what = format!("the file ends inside what line {line} opens");
        return (last(text), what, CLOSE);
    }
    let hint = if has(&["tab"]) {
        "indent with spaces"
    } else if has(&["quoted scalar", "escape"]) {
        "close the quotes; in double quotes \\ is written \\\\"
    } else if has(&["flow", "bracket", "eof"]) {
        CLOSE
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

const CLOSE: &str = "close what was opened: every [ and { needs its own, with commas between the items";

/// True if nothing but white space stands from a place of a text on.
fn ends_at(text: &str, at: Mark) -> bool {
    let mut lines = text.split('\n').skip(at.line.saturating_sub(1));
    let rest = lines
        .next()
        .unwrap_or_default()
        .chars()
        .skip(at.column.saturating_sub(1));
    rest.chain(lines.flat_map(str::chars)).all(char::is_whitespace)
}

/// The last character of a text that is no white space.
fn last(text: &str) -> Mark {
    let text = text.trim_end();
    let line = text.rsplit('\n').next().unwrap_or_default();
    Mark {
        line: text.split('\n').count(),
        column: line.chars().count().max(1),
    }
}

/// The line of the innermost bracket that is not closed; brackets in quotes and comments are none.
fn unclosed(text: &str) -> Option<usize> {
    let (mut open, mut quote): (Vec<usize>, Option<char>) = (Vec::new(), None);
    for (number, line) in text.split('\n').enumerate() {
        let (mut before, mut escaped) = (' ', false);
        for it in line.chars() {
            let begins = before.is_whitespace() || matches!(before, '[' | '{' | ',' | ':');
            match (quote, it) {
                (Some('"'), '\\') if !escaped => {
                    escaped = true;
                    continue;
                }
                (Some(quoted), _) if it == quoted && !escaped => quote = None,
                (Some(_), _) => {}
                (None, '#') if before.is_whitespace() => break,
                (None, '"' | '\'') if begins => quote = Some(it),
                (None, '[' | '{') if begins || !open.is_empty() => open.push(number + 1),
                (None, ']' | '}') => drop(open.pop()),
                (None, _) => {}
            }
            (before, escaped) = (it, false);
        }
    }
    open.pop()
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
