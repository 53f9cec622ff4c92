//! Where a device's sentence names a secret, and where it only speaks of one.

use super::names_secret;

/// Behind these, and any number of them, the secret still follows: `the password was changed to …`.
const LINKS: [&str; 17] = [
    "a",
    "an",
    "as",
    "be",
    "changed",
    "currently",
    "is",
    "now",
    "set",
    "string",
    "the",
    "to",
    "value",
    "was",
    "were",
    "with",
    "=",
];

/// A sentence in which one of these follows speaks of a secret without telling it.
const SPEAKS: [&str; 112] = [
    "about",
    "after",
    "again",
    "algorithm",
    "algorithms",
    "already",
    "and",
    "are",
    "at",
    "attempt",
    "attempts",
    "before",
    "but",
    "by",
    "can",
    "cannot",
    "chain",
    "chains",
    "check",
    "configuration",
    "configured",
    "could",
    "defined",
    "deleted",
    "denied",
    "did",
    "differs",
    "disabled",
    "does",
    "doesn't",
    "empty",
    "enabled",
    "encryption",
    "error",
    "errors",
    "exceeded",
    "exceeds",
    "exchange",
    "exist",
    "exists",
    "expected",
    "expired",
    "failed",
    "failing",
    "fails",
    "failure",
    "failures",
    "field",
    "file",
    "for",
    "format",
    "found",
    "from",
    "has",
    "have",
    "ignored",
    "in",
    "incorrect",
    "instance",
    "into",
    "invalid",
    "isn't",
    "leaf",
    "length",
    "list",
    "longer",
    "management",
    "may",
    "method",
    "methods",
    "mismatch",
    "missing",
    "mode",
    "must",
    "needed",
    "needs",
    "no",
    "node",
    "not",
    "of",
    "on",
    "only",
    "or",
    "out",
    "prompt",
    "protocol",
    "range",
    "refused",
    "rejected",
    "removed",
    "required",
    "requires",
    "service",
    "server",
    "shall",
    "should",
    "shorter",
    "size",
    "statement",
    "than",
    "timed",
    "timeout",
    "too",
    "type",
    "under",
    "unknown",
    "unreachable",
    "unsupported",
    "verification",
    "without",
    "wrong",
    "would",
];

/// Behind these the name is one of grammar: the key of a list, a token of a language.
const GRAMMAR: [&str; 9] = [
    "duplicate",
    "expected",
    "its",
    "list",
    "missing",
    "unexpected",
    "unique",
    "unrecognised",
    "unrecognized",
];

/// Names that end so name no value: `community-list`, `key-chain`.
const NO_VALUES: [&str; 8] = [
    "algorithm",
    "chain",
    "chains",
    "encryption",
    "length",
    "list",
    "method",
    "type",
];

/// Where in what follows a name on its line its value begins, if it tells one.
pub(super) fn told(before: &str, name: &str, line: &str) -> Option<usize> {
    let last = before.split_whitespace().next_back().map(plain);
    let grammar = last.is_some_and(|it| GRAMMAR.contains(&it.as_str())) && plain(name) != "password";
    let none = super::parts(name)
        .last()
        .is_some_and(|it| NO_VALUES.contains(&it.as_str()));
    if grammar || none || !line.starts_with([' ', '\t', '"', '\'', '`']) {
        return None;
    }
    let mut at = 0;
    for word in line.split_inclusive(char::is_whitespace) {
        let is = plain(word);
        if SPEAKS.contains(&is.as_str()) || names_secret(&is) {
            return None;
        }
        if !is.is_empty() && !LINKS.contains(&is.as_str()) {
            return Some(at);
        }
        at += word.len();
    }
    None
}

/// A word in small letters, without the signs around it.
fn plain(word: &str) -> String {
    let bare = word
        .trim()
        .trim_matches(|it: char| !it.is_alphanumeric() && !"$=".contains(it));
    bare.to_lowercase()
}
