//! Secrets in clear, for as long as one session needs them, and nowhere in what it says.
//!
//! A device prints some of its secrets. Those that we know are read back as their references; a stranger's gets a name
//! that is good for this session alone, so that a change beside it can be taken back while the session lives.

use adapters_platform::{Reading, Secret};
use adapters_port::{Deadline, SecretError, SecretRef, Secrets};
use knowledge_model::{Delta, Path, Value};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// Secrets by their references.
#[derive(Default)]
pub(crate) struct Vault {
    clear: BTreeMap<String, Secret>,
    found: usize,
}

impl Vault {
    /// Resolves every reference that a change speaks of.
    pub async fn learn(&mut self, delta: &Delta, secrets: &dyn Secrets, by: Deadline) -> Result<(), SecretError> {
        let values = delta.iter().flat_map(|(_, edit)| [&edit.before, &edit.after]).flatten();
        let references: Vec<SecretRef> = values
            .filter_map(Value::text)
            .filter_map(|it| it.parse().ok())
            .collect();
        for reference in references {
            if let Entry::Vacant(unknown) = self.clear.entry(reference.to_string()) {
                let secret = secrets.resolve(&reference, by).await?;
                unknown.insert(Secret::new(secret.expose()));
            }
        }
        Ok(())
    }

    /// The secret of a reference.
    pub fn resolve(&self, reference: &str) -> Option<Secret> {
        self.clear.get(reference).cloned()
    }

    /// Gives the secrets that a device printed their references, inventing names for those of strangers.
    pub fn name(&mut self, reading: &mut Reading) {
        let printed: Vec<(Path, Secret)> = reading.secrets.clone();
        let mut names = BTreeMap::new();
        for (path, secret) in printed {
            let known = self
                .clear
                .iter()
                .find(|(_, it)| **it == secret)
                .map(|(name, _)| name.clone());
            let name = known.unwrap_or_else(|| {
                self.found += 1;
                let name = format!("secret:found-{}@0", self.found);
                self.clear.insert(name.clone(), secret);
                name
            });
            names.insert(path, name);
        }
        reading.name(&|path, _| names.get(path).cloned());
    }

    /// A device's words without any secret that we know.
    pub fn redact(&self, words: &str) -> String {
        let mut text = words.to_owned();
        for secret in self.clear.values().map(Secret::expose).filter(|it| !it.is_empty()) {
            if text.contains(secret) {
                text = text.replace(secret, "***");
            }
        }
        text
    }
}
