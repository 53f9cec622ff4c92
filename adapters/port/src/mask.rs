//! What may be shown of what a device says: everything but its secrets.
//!
//! In a configuration whatever looks like the name of a secret hides what stands behind it: better too much is hidden than
//! too little. What a device says in sentences is read more closely: `authentication failed` hides nothing, and tells much.

mod spoken;

use spoken::told;

/// What stands in the place of a secret.
pub const MASK: &str = "***";

/// The longest rest of a tag that is looked through, in bytes.
const LONGEST_TAG: usize = 1_024;

/// Words that name secrets, by themselves or as a part of a longer name.
const SECRETS: [&str; 15] = [
    "auth",
    "authentication",
    "cipher",
    "community",
    "credential",
    "hash",
    "key",
    "passphrase",
    "passwd",
    "password",
    "private",
    "psk",
    "pwd",
    "secret",
    "token",
];

/// Whether an element or a keyword of this name holds a secret: `auth-key`, `password`, `preSharedKey`.
pub fn names_secret(name: &str) -> bool {
    let is_secret = |word: &str| SECRETS.contains(&word) || word.ends_with("password") || word.ends_with("secret");
    parts(name).iter().any(|word| is_secret(word))
}

/// The words of a name in small letters: they are divided by signs, or by a capital behind a small letter.
fn parts(name: &str) -> Vec<String> {
    let (mut parts, mut before) = (vec![String::new()], ' ');
    for it in name.chars() {
        if !it.is_ascii_alphanumeric() || (before.is_ascii_lowercase() && it.is_ascii_uppercase()) {
            parts.push(String::new());
        }
        if let Some(part) = parts.last_mut().filter(|_| it.is_ascii_alphanumeric()) {
            part.push(it.to_ascii_lowercase());
        }
        before = it;
    }
    parts
}

/// A configuration with all that follows the name of a secret hidden.
pub fn masked_lines(text: &str) -> String {
    masked(text, |_, _, line| value(line))
}

/// What a device says in sentences, which may quote its configuration, with secrets hidden.
pub fn masked_words(text: &str) -> String {
    masked(text, told)
}

/// Finds where a value begins behind what stands before a name, the name, and what follows on its line.
type Find = fn(&str, &str, &str) -> Option<usize>;

fn masked(text: &str, find: Find) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((start, end)) = next_name(rest) {
        let (name, behind) = (&rest[start..end], &rest[end..]);
        out.push_str(&rest[..start]);
        let hidden = names_secret(name).then(|| secret(&out, name, behind, find)).flatten();
        out.push_str(name);
        rest = behind;
        if let Some((from, to)) = hidden {
            out.push_str(&behind[..from]);
            out.push_str(MASK);
            rest = &behind[to..];
        }
    }
    out.push_str(rest);
    out
}

/// The next word that may be a name.
fn next_name(text: &str) -> Option<(usize, usize)> {
    let start = text.find(in_name)?;
    let end = text[start..]
        .find(|it| !in_name(it))
        .map_or(text.len(), |it| start + it);
    Some((start, end))
}

fn in_name(it: char) -> bool {
    it.is_alphanumeric() || "-_.".contains(it)
}

/// From where to where a secret stands behind its name: the text of an element, what is assigned, or what follows.
fn secret(before: &str, name: &str, behind: &str, find: Find) -> Option<(usize, usize)> {
    let found = match element(before) {
        Some(Tag::Closing) => None,
        Some(Tag::Opening) => text_of(behind),
        None => assigned(before, name, behind, find).or_else(|| {
            let line = line(behind);
            find(before, name, line).map(|from| (from, line.len()))
        }),
    };
    found.filter(|(from, to)| !behind[*from..*to].trim().is_empty())
}

fn line(text: &str) -> &str {
    text.split('\n').next().unwrap_or_default().trim_end()
}

enum Tag {
    Opening,
    Closing,
}

/// Whether a name that stands behind this is that of an element: `<`, `</`, `<prefix:`.
fn element(before: &str) -> Option<Tag> {
    let bare = match before.strip_suffix(':') {
        Some(prefixed) => prefixed.trim_end_matches(in_name),
        None => before,
    };
    if bare.ends_with("</") {
        Some(Tag::Closing)
    } else {
        bare.ends_with('<').then_some(Tag::Opening)
    }
}

/// The text of an element whose name ends here.
fn text_of(behind: &str) -> Option<(usize, usize)> {
    let from = behind.bytes().take(LONGEST_TAG).position(|it| it == b'>')? + 1;
    if behind[..from].ends_with("/>") {
        return None;
    }
    let text = &behind[from..];
    let literal = text.trim_start().starts_with("<![CDATA[");
    let end = if literal {
        text.find("]]>").map(|it| it + 3)
    } else {
        text.find('<')
    };
    Some((from, end.map_or(behind.len(), |it| from + it)))
}

/// What is assigned to a name by `=` or `:`, if anything is; nothing stands from 0 to 0 where that is no secret. A prefix in a
/// path is no name of a value.
fn assigned(before: &str, name: &str, behind: &str, find: Find) -> Option<(usize, usize)> {
    let quoted = behind.starts_with(['"', '\'', '`']);
    let bare = behind
        .trim_start_matches(['"', '\'', '`'])
        .trim_start_matches([' ', '\t']);
    let sign = bare.chars().next().filter(|it| "=:".contains(*it))?;
    let value = bare.trim_start_matches(['=', ':', '>']);
    let spaced = value.starts_with([' ', '\t']) || bare.len() + usize::from(quoted) < behind.len();
    let value = value.trim_start_matches([' ', '\t']);
    let from = behind.len() - value.len();
    if before.ends_with('/') && sign == ':' && !spaced {
        return Some((0, 0));
    }
    if let Some(quote) = value.chars().next().filter(|it| "\"'`".contains(*it)) {
        let to = closing(&value[1..], quote).map_or(from + line(value).len(), |it| from + 1 + it);
        return Some((from + 1, to));
    }
    let line = line(value);
    if let Some(list) = line.strip_prefix('[') {
        return Some((from, list.find(']').map_or(from + line.len(), |it| from + it + 2)));
    }
    let to = match (quoted, spaced) {
        (true, _) => line.find([',', '}', ']']),
        (false, true) => None,
        (false, false) => line.find(|it: char| it.is_whitespace() || ",;&)]}\"'`".contains(it)),
    };
    let to = from + to.unwrap_or(line.len());
    // What is said behind a colon may be a sentence, as everywhere.
    let is_said = sign == ':' && spaced && !quoted;
    let hides = !is_said || find(before, name, &format!(" {line}")).is_some();
    Some(if hides { (from, to) } else { (0, 0) })
}

/// Where a quotation ends.
fn closing(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, it)| {
        let ends = it == quote && !escaped;
        escaped = it == '\\' && !escaped;
        ends.then_some(at)
    })
}

/// In a configuration: whatever follows on the line.
fn value(line: &str) -> Option<usize> {
    let space = line.find(char::is_whitespace)?;
    let value = line[space..].trim_start();
    Some(line.len() - value.len())
}

#[cfg(test)]
mod tests;
