//! What libyang's reader of JSON does not survive: a list whose key stands twice in one entry.

/// Members of one object that are compared; the model has fewer.
const MEMBERS: usize = 64;

/// Levels that are looked into; configurations have fewer.
const DEPTH: usize = 64;

/// True if no object of a JSON text has a name twice, with or without its module. Where that is not plain at a glance
/// (escapes in names, very many members, deep nesting) it is false. A text that is no JSON may be either.
pub(crate) fn names_stand_once(text: &[u8]) -> bool {
    let mut open: Vec<Vec<&[u8]>> = Vec::new();
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        at += 1;
        match byte {
            b'{' | b'[' if open.len() >= DEPTH => return false,
            b'{' | b'[' => open.push(Vec::new()),
            b'}' | b']' => drop(open.pop()),
            b'"' => {
                let Some(length) = end_of_string(&text[at..]) else {
                    return true;
                };
                let string = &text[at..at + length];
                at += length + 1;
                let behind = text[at..].iter().find(|it| !it.is_ascii_whitespace());
                if behind == Some(&b':') && !is_new(string, open.last_mut()) {
                    return false;
                }
            }
            _ => {}
        }
    }
    true
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

fn is_new<'t>(name: &'t [u8], members: Option<&mut Vec<&'t [u8]>>) -> bool {
    let bare = name.rsplit(|it| *it == b':').next().unwrap_or(name);
    let Some(members) = members else { return true };
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
        ] {
            assert_eq!(names_stand_once(text.as_bytes()), once, "{text}");
        }
    }
}
