//! The sentences that must go on being read as they are, each with the names that it speaks of.

use std::path::Path;

use intents::{Lesson, Library, Names, own_lessons, own_names};
use knowledge_model::{Inventory, Schema};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::app::AppError;
use crate::plan::PlanError;

/// The most sentences of an installation's own.
const LINES: usize = 5_000;

/// Sentences with the names that they speak of: the library's own, the corrections that hold, those of the installation.
pub fn shelves(
    library: &Library,
    held: Vec<Lesson>,
    names: Names,
    folder: Option<&Path>,
) -> Result<Vec<(Vec<Lesson>, Names)>, AppError> {
    let mut shelves = vec![(own_lessons(library), own_names()), (held, names)];
    if let Some(folder) = folder {
        shelves.push(installed(folder).map_err(|error| PlanError::Invalid(vec![format!("{error:#}")]))?);
    }
    Ok(shelves)
}

/// The corpus of a folder: `*.jsonl` beside `inventory.yaml`, and `holding.jsonl` with the intents that hold.
fn installed(folder: &Path) -> anyhow::Result<(Vec<Lesson>, Names)> {
    let text = crate::command::read(&folder.join("inventory.yaml"))?;
    let inventory = Inventory::read(&text, Schema::canonical());
    let inventory = inventory.map_err(|faults| crate::command::faulty(&folder.join("inventory.yaml"), &faults))?;
    let mut lessons = Vec::new();
    let mut holding = Vec::new();
    let mut files: Vec<_> = std::fs::read_dir(folder)?
        .filter_map(|it| Some(it.ok()?.path()))
        .collect();
    files.sort();
    for file in files.iter().filter(|it| it.extension().is_some_and(|it| it == "jsonl")) {
        let name = file
            .file_stem()
            .map(|it| it.to_string_lossy().into_owned())
            .unwrap_or_default();
        for line in crate::command::read(file)?
            .lines()
            .filter(|line| !line.trim().is_empty())
        {
            let label: Value = serde_json::from_str(line)?;
            if name == "holding" {
                let field = |field: &str| label[field].as_str().unwrap_or_default().to_owned();
                holding.push((field("name"), field("class")));
            } else {
                lessons.extend(lesson(&label, &name));
            }
            anyhow::ensure!(
                lessons.len() <= LINES,
                "{} holds more than {LINES} sentences",
                folder.display()
            );
        }
    }
    let holding = holding.iter().map(|(name, class)| (name.as_str(), class.as_str()));
    Ok((lessons, Names::new(&inventory, holding)))
}

/// A line that may be worked with: of the other half only totals are ever known. A sentence of a conversation is left out.
fn lesson(label: &Value, name: &str) -> Option<Lesson> {
    let (id, say) = (label["id"].as_str()?, label["text"].as_str()?);
    let develop = (Sha256::digest(id.as_bytes())[0] >> 4).is_multiple_of(2);
    if !develop || label["context"].is_array() {
        return None;
    }
    let one = |it: &Value| {
        let slots: Map<String, Value> = it["slots"].as_object().cloned().unwrap_or_default();
        (it["class"].as_str().unwrap_or_default().to_owned(), slots)
    };
    Some(Lesson {
        say: say.to_owned(),
        means: label["intents"].as_array().into_iter().flatten().map(one).collect(),
        source: format!("{name} {id}"),
    })
}
