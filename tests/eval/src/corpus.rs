//! A corpus of utterances with what is meant, its inventory, and the intents that hold.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use intents::{Conversation, Reading};
use knowledge_model::{Inventory, Schema};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// Which half of a corpus a line belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Half {
    /// May be read and worked with.
    Develop,
    /// Only totals are ever printed.
    Scored,
}

impl Half {
    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Develop => "develop",
            Self::Scored => "scored",
        }
    }
}

/// An utterance and what is meant.
#[derive(Debug, Clone)]
pub struct Line {
    /// Its id.
    pub id: String,
    /// Its half.
    pub half: Half,
    /// What is said.
    pub text: String,
    /// The whole line.
    pub label: Value,
}

/// A corpus in one language.
#[derive(Debug, Clone)]
pub struct Corpus {
    /// The name of its file without the ending: the language.
    pub name: String,
    /// Its lines.
    pub lines: Vec<Line>,
}

/// What utterances speak of.
#[derive(Debug, Clone)]
pub struct Grounds {
    /// The inventory.
    pub inventory: Inventory,
    /// Names and classes of the intents that hold.
    pub holding: Vec<(String, String)>,
}

impl Corpus {
    /// Reads a file of JSON Lines.
    pub fn read(file: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let lines = lines.map(|(at, line)| {
            let label: Value = serde_json::from_str(line).with_context(|| format!("{}:{}", file.display(), at + 1))?;
            Line::new(label).with_context(|| format!("{}:{}", file.display(), at + 1))
        });
        let name = file
            .file_stem()
            .map(|it| it.to_string_lossy().into_owned())
            .unwrap_or_default();
        Ok(Self {
            name,
            lines: lines.collect::<anyhow::Result<_>>()?,
        })
    }
}

impl Line {
    /// A line from its label.
    pub fn new(label: Value) -> anyhow::Result<Self> {
        let field = |name: &str| label[name].as_str().map(str::to_owned);
        let (Some(id), Some(text)) = (field("id"), field("text")) else {
            bail!("`id` or `text` is missing");
        };
        let digest = Sha256::digest(id.as_bytes());
        let half = if (digest[0] >> 4) % 2 == 0 {
            Half::Develop
        } else {
            Half::Scored
        };
        Ok(Self { id, half, text, label })
    }

    /// The conversation so far.
    pub fn conversation(&self) -> Conversation {
        let confirmed = self.label["context"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|intent| Reading {
                class: intent["class"].as_str().unwrap_or_default().to_owned(),
                slots: intent["slots"].as_object().cloned().unwrap_or_default(),
                origins: Vec::new(),
            });
        Conversation {
            confirmed: confirmed.collect(),
        }
    }

    /// The classes that are meant.
    pub fn classes(&self) -> Vec<String> {
        let intents = self.label["intents"].as_array().into_iter().flatten();
        intents
            .filter_map(|it| it["class"].as_str())
            .map(str::to_owned)
            .collect()
    }

    /// The intents that are meant.
    pub fn intents(&self) -> Vec<(String, Map<String, Value>)> {
        let intents = self.label["intents"].as_array().into_iter().flatten();
        let one = |it: &Value| {
            (
                it["class"].as_str().unwrap_or_default().to_owned(),
                it["slots"].as_object().cloned().unwrap_or_default(),
            )
        };
        intents.map(one).collect()
    }
}

impl Grounds {
    /// Reads an inventory, and the intents that hold from `holding.jsonl` beside it if there is one.
    pub fn read(inventory: &Path) -> anyhow::Result<Self> {
        Self::read_with(inventory, str::to_owned)
    }

    /// Reads the same, each text changed by `with` before it is understood.
    pub fn read_with(inventory: &Path, with: impl Fn(&str) -> String) -> anyhow::Result<Self> {
        let text =
            std::fs::read_to_string(inventory).with_context(|| format!("cannot read {}", inventory.display()))?;
        let holding = inventory.with_file_name("holding.jsonl");
        let holding = if holding.exists() {
            std::fs::read_to_string(&holding)?
        } else {
            String::new()
        };
        Self::parse(&with(&text), &with(&holding))
    }

    /// An inventory and the intents that hold, from their texts.
    pub fn parse(inventory: &str, holding: &str) -> anyhow::Result<Self> {
        let inventory = match Inventory::read(inventory, Schema::canonical()) {
            Ok(inventory) => inventory,
            Err(faults) => bail!(
                "the inventory: {}",
                faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
            ),
        };
        let mut all = Vec::new();
        for line in holding.lines() {
            let intent: Value = serde_json::from_str(line).context("an intent that holds")?;
            let field = |name: &str| intent[name].as_str().unwrap_or_default().to_owned();
            all.push((field("name"), field("class")));
        }
        Ok(Self {
            inventory,
            holding: all,
        })
    }
}

/// The folder of the corpus of this project.
pub fn folder() -> PathBuf {
    tests_real::root().join("tests/corpus/intents")
}
