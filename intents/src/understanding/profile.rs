//! Which words classes use, of their phrases and examples taken together: a second opinion that knows no grammar.

use std::collections::HashMap;

use super::pattern::Part;
use super::text::{Shape, Token};
use crate::phrase::is_han;

/// A word of more classes than these speaks for none.
const COMMON: usize = 24;

/// For each word the classes that use it, with the share of each.
#[derive(Debug, Clone, Default)]
pub struct Profile {
    counts: HashMap<String, HashMap<usize, f64>>,
    totals: HashMap<usize, f64>,
    words: HashMap<String, Vec<(usize, f64)>>,
}

/// What the words of a sentence say of classes.
#[derive(Debug, Clone, Default)]
pub struct Opinion {
    shares: HashMap<usize, f64>,
    /// How many words say something of a class.
    pub heard: f64,
    /// How many say nothing of any.
    pub strange: f64,
}

impl Profile {
    /// Adds the words of a text that a class is spoken of with.
    pub fn add(&mut self, class: usize, tokens: &[Token], weight: f64) {
        for word in words(tokens, &|_| true) {
            self.count(class, word, weight);
        }
    }

    /// Adds the words of a phrase.
    pub fn add_phrase(&mut self, class: usize, parts: &[Part], weight: f64) {
        let mut before: Option<&str> = None;
        for part in parts {
            let mut said = None;
            match part {
                Part::Word(word) if word.chars().all(is_han) => {
                    if let Some(first) = before {
                        self.count(class, format!("{first}{word}"), weight);
                    }
                    said = Some(word.as_str());
                }
                Part::Word(word) => self.count(class, word.clone(), weight),
                Part::Any(alternatives) => {
                    for inner in alternatives {
                        self.add_phrase(class, inner, weight / alternatives.len() as f64);
                    }
                }
                Part::Maybe(inner) => self.add_phrase(class, inner, weight / 2.0),
                Part::Gap | Part::Slot { .. } => {}
            }
            before = said;
        }
    }

    fn count(&mut self, class: usize, word: String, weight: f64) {
        *self.counts.entry(word).or_default().entry(class).or_default() += weight;
        *self.totals.entry(class).or_default() += weight;
    }

    /// Turns counts into shares.
    pub fn settle(&mut self) {
        for (word, counts) in std::mem::take(&mut self.counts) {
            if counts.len() > COMMON {
                continue;
            }
            let rate =
                |(class, count): (&usize, &f64)| (*class, count / self.totals.get(class).copied().unwrap_or(1.0));
            let mut rates: Vec<(usize, f64)> = counts.iter().map(rate).collect();
            rates.sort_by_key(|(class, _)| *class);
            let sum: f64 = rates.iter().map(|(_, rate)| rate).sum();
            rates.iter_mut().for_each(|(_, rate)| *rate /= sum);
            self.words.insert(word, rates);
        }
    }

    /// What the words say that `counts` lets count.
    #[must_use]
    pub fn opinion(&self, tokens: &[Token], counts: &dyn Fn(usize) -> bool) -> Opinion {
        let mut opinion = Opinion::default();
        for word in words(tokens, counts) {
            let Some(rates) = self.words.get(&word) else {
                opinion.strange += 1.0;
                continue;
            };
            // A word of one class alone says most.
            let most = rates.iter().map(|(_, rate)| *rate).fold(0.0, f64::max);
            opinion.heard += most;
            for (class, rate) in rates {
                *opinion.shares.entry(*class).or_default() += rate * most;
            }
        }
        opinion
    }
}

impl Opinion {
    /// How much speaks for a class, of all that speaks.
    #[must_use]
    pub fn share(&self, class: usize) -> f64 {
        self.shares.get(&class).copied().unwrap_or(0.0) / self.heard.max(0.5)
    }

    /// The same for the class that most speaks for, these aside.
    #[must_use]
    pub fn best_but(&self, classes: &[usize]) -> f64 {
        let others = self.shares.keys().filter(|it| !classes.contains(it));
        others.map(|it| self.share(*it)).fold(0.0, f64::max)
    }
}

/// Words without endings; of Chinese, characters two by two.
fn words(tokens: &[Token], counts: &dyn Fn(usize) -> bool) -> Vec<String> {
    let mut all = Vec::new();
    for (at, token) in tokens.iter().enumerate().filter(|(at, _)| counts(*at)) {
        match token.shape {
            Shape::Word if !token.text.starts_with(|it: char| it.is_ascii_digit()) => all.push(token.stem.clone()),
            Shape::Han => {
                let next = tokens.get(at + 1).filter(|it| it.shape == Shape::Han && counts(at + 1));
                all.extend(next.map(|next| format!("{}{}", token.text, next.text)));
            }
            Shape::Word | Shape::Sign => {}
        }
    }
    all
}
