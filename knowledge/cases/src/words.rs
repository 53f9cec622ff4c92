//! Text in the words that it is found by. Latin words stand apart already; Chinese is cut into pairs of neighbouring
//! characters, which finds every word of two characters and more without a dictionary.

/// The words of a text, in its order and with repeats.
pub fn words(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let (mut latin, mut han) = (String::new(), Vec::new());
    for it in text.chars().chain([' ']) {
        if is_han(it) {
            end_latin(&mut latin, &mut found);
            han.push(it);
        } else if it.is_alphanumeric() {
            end_han(&mut han, &mut found);
            latin.extend(it.to_lowercase());
        } else {
            end_latin(&mut latin, &mut found);
            end_han(&mut han, &mut found);
        }
    }
    found
}

fn end_latin(latin: &mut String, found: &mut Vec<String>) {
    if !latin.is_empty() {
        found.push(stem(&std::mem::take(latin)));
    }
}

/// A run of one character is that character, any other is its pairs.
fn end_han(han: &mut Vec<char>, found: &mut Vec<String>) {
    if let [one] = han.as_slice() {
        found.push(one.to_string());
    }
    found.extend(han.windows(2).map(String::from_iter));
    han.clear();
}

/// Plurals and past forms are found by the word itself.
fn stem(word: &str) -> String {
    let ends = [
        ("ies", "y"),
        ("sses", "ss"),
        ("ing", ""),
        ("ed", ""),
        ("es", ""),
        ("s", ""),
        ("e", ""),
    ];
    for (end, instead) in ends {
        if let Some(root) = word.strip_suffix(end)
            && root.len() >= 4
            && root.is_ascii()
            && !(end == "s" && root.ends_with('s'))
        {
            return format!("{root}{instead}");
        }
    }
    word.to_owned()
}

fn is_han(it: char) -> bool {
    matches!(it, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{2fa1f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latin_words_stand_apart_and_chinese_is_cut_into_pairs() {
        assert_eq!(
            words("Refused: MTU 9000 on eth1!"),
            ["refus", "mtu", "9000", "on", "eth1"]
        );
        assert_eq!(words("接口被拒绝"), ["接口", "口被", "被拒", "拒绝"]);
        assert_eq!(words("将MTU改为9000"), ["将", "mtu", "改为", "9000"]);
        assert_eq!(words(" ,."), Vec::<String>::new());
    }

    #[test]
    fn a_word_is_found_in_its_common_forms() {
        for (one, other) in [
            ("refused", "refuse"),
            ("policies", "policy"),
            ("routes", "route"),
            ("locked", "locks"),
        ] {
            assert_eq!(words(one), words(other), "{one} {other}");
        }
        assert_eq!(words("bgp class"), ["bgp", "class"]);
    }
}
