//! Secrets in clear, for as long as one session needs them, and nowhere in what it says.

use adapters_port::{Deadline, DeviceWords, Secret, SecretError, SecretRef, Secrets};
use knowledge_model::{Delta, Edit, Path, Tree, Value};
use std::collections::BTreeMap;

/// Secrets that were resolved for a session.
#[derive(Default)]
pub(crate) struct Revealed {
    clear: BTreeMap<SecretRef, Secret>,
}

impl Revealed {
    /// The delta as it goes to the device, with each reference replaced.
    pub(crate) async fn reveal(
        &mut self,
        delta: &Delta,
        secrets: &dyn Secrets,
        by: Deadline,
    ) -> Result<Delta, SecretError> {
        let mut revealed = Delta::new();
        for (path, edit) in delta.iter() {
            let before = self.value(edit.before.as_ref(), secrets, by).await?;
            let after = self.value(edit.after.as_ref(), secrets, by).await?;
            revealed.insert(path.clone(), Edit { before, after });
        }
        Ok(revealed)
    }

    /// The tree as it may be kept, with each secret that we know at these paths replaced by its reference.
    pub(crate) fn conceal<'p>(&self, tree: Tree, paths: impl Iterator<Item = &'p Path>) -> Tree {
        if self.clear.is_empty() {
            return tree;
        }
        let mut concealed = tree;
        for path in paths {
            let found = concealed.text(path).and_then(|text| self.reference(text));
            if let Some(reference) = found {
                concealed.insert(path.clone(), Value::scalar(reference.to_string()));
            }
        }
        concealed
    }

    /// The device's words without any secret that was sent to it.
    pub(crate) fn redact(&self, mut words: DeviceWords) -> DeviceWords {
        for secret in self.clear.values().map(Secret::expose).filter(|it| !it.is_empty()) {
            let hide = |text: &mut String| {
                if text.contains(secret) {
                    *text = text.replace(secret, "***");
                }
            };
            hide(&mut words.message);
            words.path.iter_mut().for_each(hide);
            words.app_tag.iter_mut().for_each(hide);
            words.more.iter_mut().for_each(hide);
        }
        words
    }

    fn reference(&self, text: &str) -> Option<&SecretRef> {
        self.clear
            .iter()
            .find(|(_, secret)| secret.expose() == text)
            .map(|(reference, _)| reference)
    }

    async fn value(
        &mut self,
        value: Option<&Value>,
        secrets: &dyn Secrets,
        by: Deadline,
    ) -> Result<Option<Value>, SecretError> {
        let reference = value.and_then(Value::text).and_then(|it| it.parse::<SecretRef>().ok());
        let Some(reference) = reference else {
            return Ok(value.cloned());
        };
        if !self.clear.contains_key(&reference) {
            let secret = secrets.resolve(&reference, by).await?;
            self.clear.insert(reference.clone(), secret);
        }
        Ok(self.clear.get(&reference).map(|it| Value::scalar(it.expose())))
    }
}
