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
const SPEAKS: [&str; 113] = [
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
    "moved",
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

/// Of these some say how a secret is written that follows: `type 7 …`, `mode md5 …`.
const HOW: [&str; 3] = ["encryption", "mode", "type"];

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
    // A word that names a secret may be another name, or what is told: that shows in what follows it.
    let mut named = None;
    let (mut at, mut words) = (0, line.split_inclusive(char::is_whitespace).peekable());
    while let Some(word) = words.next() {
        let is = plain(word);
        let says_how = HOW.contains(&is.as_str()) && words.peek().is_some_and(|next| is_coded(&plain(next)));
        if SPEAKS.contains(&is.as_str()) && !says_how {
            return None;
        }
        if names_secret(&is) {
            named = named.or(Some(at));
        } else if !is.is_empty() && !says_how && !LINKS.contains(&is.as_str()) {
            return named.or(Some(at));
        }
        at += word.len();
    }
    named
}

/// Whether a word says how a secret is written: `7`, `md5`, `sha256`, `hmac-sha-256`.
fn is_coded(word: &str) -> bool {
    let bare = word.trim_start_matches("hmac-");
    let kind = ["md5", "sha"].iter().find_map(|it| bare.strip_prefix(it));
    kind.unwrap_or(bare).chars().all(|it| it.is_ascii_digit() || it == '-')
}

/// A word in small letters, without the signs around it.
fn plain(word: &str) -> String {
    let bare = word
        .trim()
        .trim_matches(|it: char| !it.is_alphanumeric() && !"$=".contains(it));
    bare.to_lowercase()
}
