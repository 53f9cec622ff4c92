//! Which text speaks of what, ranked by how rare the words are that it shares with a question.

use std::collections::{BTreeMap, HashMap};

use crate::words::words;

/// How soon a word that is said again and again counts no more.
const SATURATION: f64 = 1.2;
/// How much long texts are held back.
const LENGTH: f64 = 0.75;

/// An index over numbered texts.
#[derive(Debug, Clone, Default)]
pub struct Index {
    /// Word → text → how often.
    postings: HashMap<String, BTreeMap<usize, u32>>,
    /// How many words each text has.
    lengths: BTreeMap<usize, u32>,
}

impl Index {
    /// Takes a text in, in the place of an earlier one of this number.
    pub fn put(&mut self, number: usize, text: &str) {
        self.remove(number);
        let mut length = 0;
        for word in words(text) {
            *self.postings.entry(word).or_default().entry(number).or_default() += 1;
            length += 1;
        }
        self.lengths.insert(number, length);
    }

    /// Forgets a text.
    pub fn remove(&mut self, number: usize) {
        if self.lengths.remove(&number).is_some() {
            self.postings.retain(|_, texts| {
                texts.remove(&number);
                !texts.is_empty()
            });
        }
    }

    /// The texts that share a word with the question, the likest first; of equals the one with the higher number.
    pub fn find(&self, question: &str) -> Vec<(usize, f64)> {
        let mut wanted = words(question);
        wanted.sort_unstable();
        wanted.dedup();
        let texts = as_float(self.lengths.len());
        let mean = as_float(self.lengths.values().map(|it| *it as usize).sum::<usize>()) / texts.max(1.0);
        let mut scores: BTreeMap<usize, f64> = BTreeMap::new();
        for word in &wanted {
            let Some(with) = self.postings.get(word) else { continue };
            let having = as_float(with.len());
            let rarity = (1.0 + (texts - having + 0.5) / (having + 0.5)).ln();
            for (number, times) in with {
                let length = self.lengths.get(number).copied().unwrap_or_default();
                let held = SATURATION * (1.0 - LENGTH + LENGTH * f64::from(length) / mean.max(1.0));
                let times = f64::from(*times);
                *scores.entry(*number).or_default() += rarity * times * (SATURATION + 1.0) / (times + held);
            }
        }
        let mut found: Vec<(usize, f64)> = scores.into_iter().collect();
        found.sort_by(|a, b| b.1.total_cmp(&a.1).then(b.0.cmp(&a.0)));
        found
    }
}

fn as_float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index() -> Index {
        let mut index = Index::default();
        index.put(1, "r7 refused the commit: mtu 9000 is too large for this port");
        index.put(2, "candidate is locked by session 17");
        index.put(3, "设备拒绝了配置：端口不支持该速率");
        index
    }

    fn first(question: &str) -> Option<usize> {
        index().find(question).first().map(|it| it.0)
    }

    #[test]
    fn a_question_finds_the_text_that_speaks_of_it() {
        assert_eq!(first("refusing an MTU"), Some(1));
        assert_eq!(first("who locks the candidate"), Some(2));
        assert_eq!(first("端口 速率"), Some(3));
        assert_eq!(first("拒绝"), Some(3));
        assert_eq!(first("ospf"), None);
    }

    #[test]
    fn rare_words_count_more_than_common_ones() {
        let mut index = index();
        for number in 10..20 {
            index.put(number, "the port is fine");
        }
        assert_eq!(index.find("port 9000").first().map(|it| it.0), Some(1));
    }

    #[test]
    fn what_is_replaced_or_removed_is_not_found() {
        let mut index = index();
        index.put(1, "all is well");
        assert!(index.find("9000").is_empty());
        index.remove(3);
        assert!(index.find("端口").is_empty());
    }
}
