//! What is told from the bytes of a JSON text before libyang builds anything of it: whether its reader survives the text
//! (it does not survive a list whose key stands twice in one entry), and whether there is more than is read at all.

use knowledge_model::Limits;

/// Members of one object that are compared; the model has fewer.
const MEMBERS: usize = 64;

/// Levels that are looked into; configurations have fewer.
const DEPTH: usize = 64;

/// The longest text that libyang is given: of one that is refused it makes several copies.
const LONG: usize = 64 * 1024;

/// What a text is at a glance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Glance {
    /// No object has a name twice, with or without its module, and nothing is out of proportion.
    Once,
    /// It may be so, or not: escapes in names, very many members, long texts, deep nesting, no JSON.
    Unclear,
    /// It has more items of lists, each of them an entry, than are read; the first too many begins about here.
    TooMany(usize),
}

/// What is open where the glance stands.
enum Open<'t> {
    List,
    /// The names so far.
    Object(Vec<&'t [u8]>),
}

/// Goes over a text once.
pub(crate) fn glance(text: &[u8], limits: &Limits) -> Glance {
    let mut open: Vec<Open<'_>> = Vec::new();
    let (mut at, mut items, mut once) = (0, 0, true);
    while let Some(byte) = text.get(at) {
        at += 1;
        match byte {
            b'{' | b'[' if open.len() >= DEPTH => return Glance::Unclear,
            b'{' => open.push(Open::Object(Vec::new())),
            b'[' => {
                items += usize::from(behind(text, at) != Some(&b']'));
                open.push(Open::List);
            }
            b'}' | b']' => drop(open.pop()),
            b',' => items += usize::from(matches!(open.last(), Some(Open::List))),
            b'"' => {
                let Some(length) = end_of_string(&text[at..]) else {
                    return Glance::Unclear;
                };
                let string = &text[at..at + length];
                at += length + 1;
                once &= length <= LONG;
                if once && behind(text, at) == Some(&b':') {
                    once = is_new(string, open.last_mut());
                }
            }
            _ => {}
        }
        if items > limits.entries {
            return Glance::TooMany(at);
        }
    }
    if once { Glance::Once } else { Glance::Unclear }
}

/// The first byte that means something from a place on.
fn behind(text: &[u8], at: usize) -> Option<&u8> {
    text[at..].iter().find(|it| !it.is_ascii_whitespace())
}

/// How long a string is up to its closing quote.
fn end_of_string(text: &[u8]) -> Option<usize> {
    let mut escaped = false;
    text.iter().position(|it| {
        let ends = *it == b'"' && !escaped;
        escaped = *it == b'\\' && !escaped;
        ends
    })
}

fn is_new<'t>(name: &'t [u8], open: Option<&mut Open<'t>>) -> bool {
    let bare = name.rsplit(|it| *it == b':').next().unwrap_or(name);
    let Some(Open::Object(members)) = open else { return true };
    let new = !name.contains(&b'\\') && members.len() < MEMBERS && !members.contains(&bare);
    members.push(bare);
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_stands_twice_in_one_object_is_seen() {
        for (text, once) in [
            (r#"{"a":1,"b":{"a":1},"c":[{"a":1},{"a":2}]}"#, true),
            (r#"{"a":"b","b":"a \" b","c":"{\"a\":1"}"#, true),
            (r#"{"a":1,"a":2}"#, false),
            (r#"{"x":[{"a" : 1,"m:a":2}]}"#, false),
            (r#"{"x":[{"\u0061":1}]}"#, false),
            (r#"{"x":"y"#, false),
        ] {
            let expected = if once { Glance::Once } else { Glance::Unclear };
            assert_eq!(glance(text.as_bytes(), &Limits::default()), expected, "{text}");
        }
        let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(LONG + 1));
        assert_eq!(glance(long.as_bytes(), &Limits::default()), Glance::Unclear);
    }

    #[test]
    fn items_of_lists_are_counted_wherever_they_stand() {
        let limits = Limits {
            entries: 3,
            ..Limits::default()
        };
        for (text, expected) in [
            (r#"{"a":[1,2,3],"b":[],"c":[ ],"d":1,"e":2}"#, Glance::Once),
            (r#"{"a":[{"b":[{"c":1,"d":","}]}]}"#, Glance::Once),
            (r#"{"a":[1,2],"b":[1,2]}"#, Glance::TooMany(18)),
            (r#"{"a":1,"a":[1,2,3,4]}"#, Glance::TooMany(18)),
        ] {
            assert_eq!(glance(text.as_bytes(), &limits), expected, "{text}");
        }
    }
}
