//! What is answered, in the language that was spoken.

use std::collections::BTreeMap;

use knowledge_model::document::{self, Fault, Faults};

const ANSWERS: &str = include_str!("../../lexicon/answers.yaml");

/// A language of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// English.
    English,
    /// Chinese.
    Chinese,
}

impl Language {
    /// Both.
    pub const ALL: [Self; 2] = [Self::English, Self::Chinese];

    /// The key in files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh",
        }
    }
}

/// Every answer in every language.
#[derive(Debug, Clone, Default)]
pub struct Catalogue(BTreeMap<String, [String; 2]>);

impl Catalogue {
    /// Reads the file of answers.
    ///
    /// # Errors
    /// Every fault of the file.
    pub fn load() -> Result<Self, Vec<Fault>> {
        let node = document::read(ANSWERS)?;
        let faults = Faults::default();
        let mut answers = BTreeMap::new();
        for (key, node) in node.entries(&faults).unwrap_or_default() {
            let Some(fields) = node.fields(&faults) else { continue };
            let texts = ["en", "zh"].map(|name| {
                fields
                    .required(name)
                    .and_then(|it| it.text(&faults))
                    .unwrap_or_default()
            });
            fields.end();
            answers.insert(key.clone(), texts);
        }
        faults.settle(Some(Self(answers)))
    }

    /// An answer with its blanks filled in; a key that does not exist is said as it stands.
    #[must_use]
    pub fn say(&self, language: Language, key: &str, blanks: &[(&str, &str)]) -> String {
        let texts = self.0.get(key);
        let mut text = texts
            .map_or(key, |texts| match language {
                Language::English => &texts[0],
                Language::Chinese => &texts[1],
            })
            .to_owned();
        for (name, value) in blanks {
            text = text.replace(&format!("{{{name}}}"), value);
        }
        text
    }
}
