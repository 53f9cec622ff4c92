//! Words that mean the same whichever class speaks: a phrase with one of them is a phrase with each of them.

use std::collections::HashMap;

use super::lexicon::stems;

/// Groups of words that mean the same.
#[derive(Debug, Clone, Default)]
pub struct Synonyms {
    groups: Vec<Vec<Vec<String>>>,
    firsts: HashMap<String, Vec<(Vec<String>, usize)>>,
}

impl Synonyms {
    /// Adds a group.
    pub fn add(&mut self, texts: &[String]) {
        let mut group: Vec<Vec<String>> = texts.iter().map(|it| stems(it)).filter(|it| !it.is_empty()).collect();
        group.sort();
        group.dedup();
        for words in &group {
            let found = self.firsts.entry(words[0].clone()).or_default();
            found.push((words.clone(), self.groups.len()));
        }
        self.groups.push(group);
    }

    /// How many words at the beginning of `run` are one of a group, the most that are, and all of that group.
    #[must_use]
    pub fn of(&self, run: &[String]) -> Option<(usize, &[Vec<String>])> {
        let begins = self.firsts.get(run.first()?)?;
        let (words, group) = begins
            .iter()
            .filter(|(words, _)| run.starts_with(words))
            .max_by_key(|(words, _)| words.len())?;
        Some((words.len(), self.groups.get(*group)?))
    }
}
