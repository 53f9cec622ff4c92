//! Made-up names: of the same shape as others, and words of no language that the reader knows.

use std::collections::BTreeMap;

const BEGINNINGS: &[&str] = &[
    "zo", "ku", "vi", "ba", "dro", "fe", "gli", "hu", "jo", "mo", "nu", "pla", "ry", "tu", "wy",
];
const ENDINGS: &[&str] = &[
    "mbo", "rax", "vek", "dul", "nix", "pha", "sto", "gor", "zil", "wam", "tiq",
];
/// Names of places and networks that no corpus speaks of.
const PLACES: &[&str] = &[
    "南昌", "西宁", "兰州", "昆明", "贵阳", "海口", "银川", "拉萨", "合肥", "长春", "太原", "福州",
];
const FIELDS: &[&str] = &[
    "教学", "宿舍", "仓储", "物流", "门店", "实训", "后勤", "展馆", "车间", "码头", "票务", "园艺",
];

/// A name of the same shape: what begins alike goes on beginning alike, digits, hyphens and a plural stay.
pub fn latin(name: &str, stems: &mut BTreeMap<String, String>) -> String {
    let mut out = String::new();
    let mut word = String::new();
    for letter in name.chars().chain(['\0']) {
        if letter.is_ascii_alphabetic() {
            word.push(letter);
            continue;
        }
        out.push_str(&stem(&word, stems));
        word.clear();
        if letter != '\0' {
            out.push(letter);
        }
    }
    out
}

fn stem(word: &str, stems: &mut BTreeMap<String, String>) -> String {
    if word.is_empty() {
        return String::new();
    }
    let plural = word.len() > 3 && word.ends_with('s');
    let single = if plural { &word[..word.len() - 1] } else { word };
    let count = stems.len();
    let other = stems.entry(single.to_owned()).or_insert_with(|| {
        let (first, second) = (BEGINNINGS[count % BEGINNINGS.len()], ENDINGS[count * 7 % ENDINGS.len()]);
        let whole = format!("{first}{second}");
        if single.len() < 3 {
            whole[..2].to_owned() + &whole[whole.len() - 1..]
        } else {
            whole
        }
    });
    if plural { format!("{other}s") } else { other.clone() }
}

/// A Chinese name: a network stays one by its last character.
/// `counts` says how many of both kinds were made before.
pub fn chinese(name: &str, counts: &mut [usize; 2]) -> String {
    let last = name.chars().last().filter(|it| matches!(it, '网' | '区'));
    let count = &mut counts[usize::from(last.is_some())];
    *count += 1;
    match last {
        Some(last) => format!("{}{last}", FIELDS[*count % FIELDS.len()]),
        None => PLACES[*count % PLACES.len()].to_owned(),
    }
}
