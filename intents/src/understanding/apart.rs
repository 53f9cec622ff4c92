//! What is said of several at once, to each its own: `r1 and r2 … to a and b respectively`, 分别.

use serde_json::Value;

use super::answer::Reading;
use super::index::Spoken;
use super::text::Text;

/// Words that give each of several its own value.
const EACH: &[&[&str]] = &[&["respectively"], &["分", "别"], &["各", "自"], &["依", "次"]];

/// Whether a sentence gives each of several its own.
#[must_use]
pub fn says_each(text: &Text) -> bool {
    let word = |at: usize| text.tokens.get(at).map_or("", |it| it.text.as_str());
    let said = |words: &[&str], at: usize| words.iter().enumerate().all(|(far, it)| word(at + far) == *it);
    EACH.iter()
        .any(|words| (0..text.tokens.len()).any(|at| said(words, at)))
}

/// One reading for each, where lists of the same length stand in several slots; the reading itself elsewhere.
#[must_use]
pub fn apart(reading: Reading, spoken: &Spoken, text: &Text) -> Vec<Reading> {
    let lists = |it: &Reading| {
        let single = |name: &String| spoken.slot(name).is_some_and(|slot| !slot.list && !slot.gathers);
        let long = |(name, value): (&String, &Value)| {
            let length = value.as_array().map(Vec::len).filter(|it| *it > 1)?;
            single(name).then(|| (name.clone(), length))
        };
        it.slots.iter().filter_map(long).collect::<Vec<_>>()
    };
    let lists = lists(&reading);
    let even = lists.windows(2).all(|pair| pair[0].1 == pair[1].1);
    if lists.len() < 2 || !even || !says_each(text) {
        return vec![reading];
    }
    let one = |at: usize| {
        let mut one = reading.clone();
        for (name, _) in &lists {
            let value = reading.slots.get(name).and_then(|it| it.get(at)).cloned();
            one.slots.extend(value.map(|value| (name.clone(), value)));
        }
        one
    };
    (0..lists[0].1).map(one).collect()
}
