//! What is said of text that is no YAML.

use super::Mark;

/// What a parser's complaint comes to, and how to mend it.
pub(super) fn syntax(complaint: &str, text: &str, at: Mark) -> (String, &'static str) {
    let has = |words: &[&str]| words.iter().any(|it| complaint.contains(it));
    if has(&["unknown anchor"]) {
        let alias = format!("{} repeats nothing", word_at(text, at));
        return (alias, "what is repeated stands above, behind &name: or write it out");
    }
    if has(&["alias expansion"]) {
        return ("aliases repeat too much".to_owned(), "write out what they repeat");
    }
    if has(&["recursion"]) {
        return (
            "too many lists and mappings inside each other".to_owned(),
            "nest less deeply",
        );
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
    (complaint.to_owned(), hint)
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
