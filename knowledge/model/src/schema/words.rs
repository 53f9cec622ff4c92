//! The words and attributes of a line of the schema table.

/// The attributes of a line: name and value; words have an empty value.
pub(crate) type Attributes = Vec<(String, String)>;

/// Words at white space; double quotes keep white space, with `\"` and `\\` inside.
pub(crate) fn words(text: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), None::<String>, false);
    let mut letters = text.chars();
    while let Some(it) = letters.next() {
        match it {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            '\\' if quoted => match letters.next() {
                Some(escaped @ ('"' | '\\')) => word.get_or_insert_default().push(escaped),
                Some(_) | None => return Err("'\\' in quotes escapes '\"' or '\\'".to_owned()),
            },
            it if it.is_whitespace() && !quoted => words.extend(word.take()),
            it => word.get_or_insert_default().push(it),
        }
    }
    if quoted {
        return Err("a quote is not closed".to_owned());
    }
    words.extend(word);
    Ok(words)
}

/// An attribute as name and value.
pub(crate) fn split(word: &str) -> (String, String) {
    word.split_once('=').map_or_else(
        || (word.to_owned(), String::new()),
        |(a, b)| (a.to_owned(), b.to_owned()),
    )
}

/// Takes the first attribute of that name out.
pub(crate) fn take(attributes: &mut Attributes, name: &str) -> Option<String> {
    let at = attributes.iter().position(|it| it.0 == name)?;
    Some(attributes.remove(at).1)
}
