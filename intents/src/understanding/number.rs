//! Numbers as people write and say them: digits, Chinese numerals, English words.

/// A number and the letter behind it.
pub type Found = Option<(f64, usize)>;

/// The number that begins at letter `at`.
#[must_use]
pub fn number(folded: &[char], at: usize) -> Found {
    digits(folded, at)
        .or_else(|| chinese(folded, at))
        .or_else(|| english(folded, at))
}

/// `1500`, `2.5`, `1,000`, and `5百`, `3万`.
#[must_use]
pub fn digits(folded: &[char], at: usize) -> Found {
    let mut end = at;
    let mut text = String::new();
    while let Some(letter) = folded.get(end).copied() {
        let next = folded.get(end + 1).is_some_and(char::is_ascii_digit);
        match letter {
            '0'..='9' => text.push(letter),
            '.' if next && !text.is_empty() && !text.contains('.') => text.push(letter),
            ',' if !text.is_empty() && !text.contains('.') && thousands(folded, end) => {}
            _ => break,
        }
        end += 1;
    }
    let mut value: f64 = text.parse().ok()?;
    while let Some(scale) = folded.get(end).and_then(|it| scale(*it)) {
        value *= scale;
        end += 1;
    }
    Some((value, end))
}

fn thousands(folded: &[char], comma: usize) -> bool {
    let three = folded
        .get(comma + 1..comma + 4)
        .is_some_and(|it| it.iter().all(char::is_ascii_digit));
    three && !folded.get(comma + 4).is_some_and(char::is_ascii_digit)
}

fn scale(letter: char) -> Option<f64> {
    Some(match letter {
        '百' => 1e2,
        '千' => 1e3,
        '万' => 1e4,
        '亿' => 1e8,
        _ => return None,
    })
}

/// The value of one Chinese digit.
#[must_use]
pub fn chinese_digit(letter: char) -> Option<u8> {
    Some(match letter {
        '零' | '〇' => 0,
        '一' | '壹' => 1,
        '二' | '两' | '贰' | '俩' => 2,
        '三' | '叁' | '仨' => 3,
        '四' => 4,
        '五' => 5,
        '六' => 6,
        '七' => 7,
        '八' => 8,
        '九' => 9,
        _ => return None,
    })
}

/// `一百五十`, `两千`, `七千万`, `三点五`, `半`.
#[must_use]
pub fn chinese(folded: &[char], at: usize) -> Found {
    if folded.get(at) == Some(&'半') {
        return Some((0.5, at + 1));
    }
    let (mut total, mut section, mut digit) = (0.0, 0.0, None);
    let (mut end, mut last) = (at, 1.0);
    while let Some(letter) = folded.get(end).copied() {
        if let Some(value) = chinese_digit(letter) {
            if digit.is_some_and(|it| it > 0.0) {
                break;
            }
            digit = Some(f64::from(value));
        } else if letter == '十' {
            section += digit.take().unwrap_or(1.0) * 10.0;
            last = 1.0;
        } else if let Some(scale) = scale(letter).filter(|_| end > at) {
            let whole = section + digit.take().unwrap_or(0.0);
            if scale >= 1e4 {
                total = (total + whole) * scale;
                section = 0.0;
            } else {
                section += if whole > section {
                    (whole - section) * scale
                } else {
                    scale
                };
            }
            last = scale / 10.0;
        } else {
            break;
        }
        end += 1;
    }
    if end == at {
        return None;
    }
    // 一百五 is 150, 一百零五 is 105.
    let zero = end >= 2 && matches!(folded[end - 2], '零' | '〇');
    let tail = digit.map_or(0.0, |it| if last > 1.0 && !zero { it * last } else { it });
    let whole = total + section + tail;
    let point = folded.get(end) == Some(&'点');
    match folded.get(end + 1).and_then(|it| chinese_digit(*it)).filter(|_| point) {
        // 八点五十 is a time of day: no fraction has a ten behind it.
        Some(tenth) if !matches!(folded.get(end + 2), Some('十' | '分' | '刻')) => {
            Some((whole + f64::from(tenth) / 10.0, end + 2))
        }
        _ => Some((whole, end)),
    }
}

const WORDS: &[(&str, f64)] = &[
    ("one", 1.0),
    ("two", 2.0),
    ("three", 3.0),
    ("four", 4.0),
    ("five", 5.0),
    ("six", 6.0),
    ("seven", 7.0),
    ("eight", 8.0),
    ("nine", 9.0),
    ("ten", 10.0),
    ("eleven", 11.0),
    ("twelve", 12.0),
    ("thirteen", 13.0),
    ("fourteen", 14.0),
    ("fifteen", 15.0),
    ("sixteen", 16.0),
    ("seventeen", 17.0),
    ("eighteen", 18.0),
    ("nineteen", 19.0),
    ("twenty", 20.0),
    ("thirty", 30.0),
    ("forty", 40.0),
    ("fifty", 50.0),
    ("sixty", 60.0),
    ("seventy", 70.0),
    ("eighty", 80.0),
    ("ninety", 90.0),
    ("dozen", 12.0),
    ("half", 0.5),
];

/// `twenty five`, `two hundred`, `a thousand`, `half`.
#[must_use]
pub fn english(folded: &[char], at: usize) -> Found {
    let (mut value, mut end, mut next) = (None, at, at);
    while let Some(word) = word_at(folded, next) {
        let text: String = folded[next..word].iter().collect();
        let plain = WORDS.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
        value = match (value, plain, text.as_str()) {
            (None, Some(number), _) => Some(number),
            (None, None, "a" | "an") => {
                let large = word_at(folded, behind(folded, word)).map(|it| &folded[behind(folded, word)..it]);
                let large: String = large.unwrap_or_default().iter().collect();
                if !matches!(large.as_str(), "hundred" | "thousand" | "million") {
                    break;
                }
                Some(1.0)
            }
            (Some(tens), Some(unit), _) if tens >= 20.0 && tens % 10.0 == 0.0 && (1.0..10.0).contains(&unit) => {
                Some(tens + unit)
            }
            (Some(many), None, "hundred") => Some(many * 1e2),
            (Some(many), None, "thousand") => Some(many * 1e3),
            (Some(many), None, "million") => Some(many * 1e6),
            _ => break,
        };
        end = word;
        next = behind(folded, word);
    }
    value.map(|value| (value, end))
}

/// Where the word that begins here ends.
fn word_at(folded: &[char], at: usize) -> Option<usize> {
    let length = folded
        .get(at..)?
        .iter()
        .take_while(|it| it.is_ascii_lowercase())
        .count();
    let ends = !folded.get(at + length).is_some_and(|it| it.is_alphanumeric());
    (length > 0 && ends).then_some(at + length)
}

/// Behind one space or hyphen.
fn behind(folded: &[char], at: usize) -> usize {
    match folded.get(at) {
        Some(' ' | '-') => at + 1,
        _ => at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_kind() {
        let check = |text: &str, value: f64, length: usize| {
            let letters: Vec<char> = text.chars().collect();
            assert_eq!(number(&letters, 0), Some((value, length)), "{text}");
        };
        check("1500", 1500.0, 4);
        check("2.5m", 2.5, 3);
        check("1,000 x", 1000.0, 5);
        check("5百兆", 500.0, 2);
        check("一百兆", 100.0, 2);
        check("一百五", 150.0, 3);
        check("一百零五", 105.0, 4);
        check("十二", 12.0, 2);
        check("二十五", 25.0, 3);
        check("七千万", 7e7, 3);
        check("两千三百", 2300.0, 4);
        check("三点五", 3.5, 3);
        check("twenty five", 25.0, 11);
        check("two hundred", 200.0, 11);
        check("a hundred", 100.0, 9);
        check("half a", 0.5, 4);
        assert_eq!(number(&['x'], 0), None);
        assert_eq!(number(&['a', ' ', 'b'], 0), None);
    }
}
