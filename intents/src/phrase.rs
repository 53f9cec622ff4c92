//! The notation of phrases: words, alternatives, optional parts, gaps, and values that fill slots.
//!
//! `(steer|route) {src} to {dst} [traffic] .. via {via:device}`: brackets, and groups with a `?`, are optional, `..` skips a few words, `{slot}`
//! is a value, `{slot:kind}` a value of one kind, `<set>` one of the words of a set of the lexicon. Chinese is written
//! without spaces.

use crate::words::Kind;

/// A phrase.
#[derive(Debug, Clone, PartialEq)]
pub struct Phrase {
    /// Its parts, one after the other.
    pub elements: Vec<Element>,
}

/// A part of a phrase.
#[derive(Debug, Clone, PartialEq)]
pub enum Element {
    /// A word, or one Chinese character.
    Word(String),
    /// One of the words of a set of the lexicon.
    Set(String),
    /// A few words, whichever.
    Gap,
    /// A value.
    Slot {
        /// The slot that it fills.
        name: String,
        /// The kind that it must be.
        kind: Option<Kind>,
    },
    /// One of several.
    Any(Vec<Vec<Element>>),
    /// What may be left out.
    Maybe(Vec<Element>),
}

/// Why a text is no phrase.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PhraseError {
    /// A bracket has no partner.
    #[error("{0:?} has no partner")]
    Unbalanced(char),
    /// A kind of value that does not exist.
    #[error("{0:?} is no kind of value")]
    Kind(String),
    /// No word that must be said.
    #[error("it holds no word")]
    Wordless,
    /// Brackets inside brackets inside brackets.
    #[error("brackets are nested more than {0} deep")]
    Deep(usize),
}

const DEPTH: usize = 4;

impl Phrase {
    /// Reads the notation.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str) -> Result<Self, PhraseError> {
        let letters: Vec<char> = text.to_lowercase().chars().collect();
        let mut reader = PhraseReader {
            letters: &letters,
            at: 0,
        };
        let mut alternatives = reader.alternatives(0)?;
        if let Some(left) = reader.peek() {
            return Err(PhraseError::Unbalanced(left));
        }
        let elements = match alternatives.len() {
            1 => alternatives.remove(0),
            _ => vec![Element::Any(alternatives)],
        };
        if elements.is_empty() {
            return Err(PhraseError::Wordless);
        }
        Ok(Self { elements })
    }

    /// Whether it holds a word that must be said.
    #[must_use]
    pub fn is_spoken(&self) -> bool {
        self.elements.iter().any(spoken)
    }
}

/// Whether an element cannot be passed without a word.
fn spoken(element: &Element) -> bool {
    match element {
        Element::Word(_) | Element::Set(_) => true,
        Element::Any(alternatives) => alternatives.iter().all(|it| it.iter().any(spoken)),
        Element::Gap | Element::Slot { .. } | Element::Maybe(_) => false,
    }
}

struct PhraseReader<'a> {
    letters: &'a [char],
    at: usize,
}

impl PhraseReader<'_> {
    fn peek(&self) -> Option<char> {
        self.letters.get(self.at).copied()
    }

    fn alternatives(&mut self, depth: usize) -> Result<Vec<Vec<Element>>, PhraseError> {
        if depth > DEPTH {
            return Err(PhraseError::Deep(DEPTH));
        }
        let mut all = vec![self.sequence(depth)?];
        while self.peek() == Some('|') {
            self.at += 1;
            all.push(self.sequence(depth)?);
        }
        Ok(all)
    }

    fn sequence(&mut self, depth: usize) -> Result<Vec<Element>, PhraseError> {
        let mut elements = Vec::new();
        while let Some(letter) = self.peek() {
            match letter {
                '|' | ')' | ']' => break,
                '(' => {
                    self.at += 1;
                    let group = Element::Any(self.alternatives(depth + 1)?);
                    self.close(')', '(')?;
                    let optional = self.peek() == Some('?');
                    self.at += usize::from(optional);
                    elements.push(if optional { Element::Maybe(vec![group]) } else { group });
                }
                '[' => {
                    self.at += 1;
                    let alternatives = self.alternatives(depth + 1)?;
                    elements.push(Element::Maybe(vec![Element::Any(alternatives)]));
                    self.close(']', '[')?;
                }
                '{' => elements.push(self.slot()?),
                '<' if self.letters.get(self.at + 1).is_some_and(|it| it.is_ascii_alphabetic()) => {
                    let name = self.until('>', '<')?;
                    elements.push(Element::Set(name));
                }
                '…' => {
                    self.at += 1;
                    elements.push(Element::Gap);
                }
                '.' if self.letters.get(self.at + 1) == Some(&'.') => {
                    self.at += 2;
                    elements.push(Element::Gap);
                }
                space if space.is_whitespace() => self.at += 1,
                _ => elements.push(self.word()),
            }
        }
        Ok(elements)
    }

    /// A run of letters and digits, or one sign: as the text itself is cut.
    fn word(&mut self) -> Element {
        let begin = self.at;
        self.at += 1;
        if joins(self.letters[begin]) {
            while self.peek().is_some_and(joins) {
                self.at += 1;
            }
        }
        Element::Word(self.letters[begin..self.at].iter().collect())
    }

    fn slot(&mut self) -> Result<Element, PhraseError> {
        let text = self.until('}', '{')?;
        let (name, kind) = match text.split_once(':') {
            Some((name, kind)) => {
                let kinds = Kind::named(kind).filter(|kinds| kinds.len() == 1);
                let kinds = kinds.ok_or_else(|| PhraseError::Kind(kind.to_owned()))?;
                (name.to_owned(), kinds.first().copied())
            }
            None => (text, None),
        };
        Ok(Element::Slot { name, kind })
    }

    fn until(&mut self, end: char, begin: char) -> Result<String, PhraseError> {
        let rest = &self.letters[self.at + 1..];
        let length = rest
            .iter()
            .position(|it| *it == end)
            .ok_or(PhraseError::Unbalanced(begin))?;
        self.at += length + 2;
        Ok(rest[..length].iter().collect())
    }

    fn close(&mut self, end: char, begin: char) -> Result<(), PhraseError> {
        if self.peek() != Some(end) {
            return Err(PhraseError::Unbalanced(begin));
        }
        self.at += 1;
        Ok(())
    }
}

/// Whether a letter belongs to a word with its neighbours: letters and digits of alphabets, not Chinese characters.
pub(crate) fn joins(letter: char) -> bool {
    letter.is_alphanumeric() && !is_han(letter)
}

/// Whether a letter is a Chinese character.
pub(crate) fn is_han(letter: char) -> bool {
    matches!(letter, '\u{2e80}'..='\u{2fff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' | '〇')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str) -> Element {
        Element::Word(text.to_owned())
    }

    #[test]
    fn notation() {
        let phrase = Phrase::read("(Steer|move) {src} .. via {via:device}").unwrap();
        let slot = |name: &str, kind| Element::Slot {
            name: name.to_owned(),
            kind,
        };
        assert_eq!(
            phrase.elements,
            [
                Element::Any(vec![vec![word("steer")], vec![word("move")]]),
                slot("src", None),
                Element::Gap,
                word("via"),
                slot("via", Some(Kind::Device)),
            ]
        );
        assert_eq!(Phrase::read("限速").unwrap().elements, [word("限"), word("速")]);
    }

    #[test]
    fn what_is_no_phrase_says_why() {
        let error = |text| Phrase::read(text).unwrap_err().to_string();
        assert_eq!(error("(a|b"), "'(' has no partner");
        assert_eq!(error("a)"), "')' has no partner");
        assert_eq!(error("{src"), "'{' has no partner");
        assert_eq!(error("{src:thing} x"), "\"thing\" is no kind of value");
        assert_eq!(error(" "), "it holds no word");
        assert!(!Phrase::read("{src} [to]").unwrap().is_spoken());
        assert_eq!(error("((((((a))))))"), "brackets are nested more than 4 deep");
    }
}
