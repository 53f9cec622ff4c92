//! What the steps are made of: reading the configuration, sending a script, comparing what is there.

use crate::target::{Target, lost};
use crate::terminal::{Terminal, TerminalError};
use crate::vault::Vault;
use adapters_platform::{Reading, RenderError, Script, is_typed_as_it_is};
use adapters_port::{Deadline, DeviceWords, SessionError, Step};
use knowledge_model::{Delta, Path, Tree, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// An open session and what it knows.
pub(crate) struct Device {
    pub target: Arc<Target>,
    pub terminal: Terminal,
    pub vault: Vault,
    /// The configuration as it was read last, with the lines that no rule knows.
    pub last: Reading,
}

/// Which value of an edit is meant.
#[derive(Clone, Copy)]
pub(crate) enum Side {
    Before,
    After,
}

impl Device {
    /// The configuration in the device's own lines.
    pub async fn shown(&mut self, step: Step, by: Deadline) -> Result<String, SessionError> {
        let place = || self.target.place(step);
        let mut shown = String::new();
        for command in self.terminal.session().show.clone() {
            let answer = self.terminal.say(&command, by).await.map_err(|it| lost(place(), it))?;
            if let Some(words) = self.terminal.session().failure(&answer.text) {
                return Err(SessionError::Refused {
                    place: place(),
                    words: self.words(&command, words),
                });
            }
            shown.push_str(&self.terminal.session().without_noise(&answer.text));
        }
        Ok(shown)
    }

    /// Learns the secrets that the device printed; what cannot be read has none that we know.
    pub fn learn(&mut self, shown: &str) {
        if let Ok(mut reading) = self.target.platform.read(shown) {
            self.vault.name(&mut reading);
        }
    }

    /// The configuration, in the platform's normal form.
    pub async fn read(&mut self, step: Step, by: Deadline) -> Result<Tree, SessionError> {
        let shown = self.shown(step, by).await?;
        let reading = self.target.platform.read(&shown);
        let mut reading = reading.map_err(|error| SessionError::Malformed {
            place: self.target.place(step),
            source: error.into(),
        })?;
        self.vault.name(&mut reading);
        self.last = reading;
        Ok(self.last.tree.clone())
    }

    /// Sends commands one after the other up to the first that is refused.
    pub async fn send(&mut self, commands: &[String], step: Step, by: Deadline) -> Result<Vec<String>, SessionError> {
        let mut words = Vec::new();
        for command in commands {
            let answer = self
                .terminal
                .say(command, by)
                .await
                .map_err(|it| self.unsure(step, it))?;
            self.judge(command, &answer.text, step)?;
            words.extend(
                answer
                    .text
                    .lines()
                    .filter(|it| !it.trim().is_empty())
                    .map(|it| self.vault.redact(it)),
            );
        }
        Ok(words)
    }

    /// Types a script where configuration is typed, up to the first line that is refused, and comes back.
    pub async fn type_script(
        &mut self,
        script: &Script,
        step: Step,
        by: Deadline,
    ) -> Result<Vec<String>, SessionError> {
        let (enter, leave) = (
            self.terminal.session().enter.clone(),
            self.terminal.session().leave.clone(),
        );
        self.send(&enter, step, by).await?;
        let mut words = Vec::new();
        for line in script.lines() {
            let shown = line.text.to_string();
            let typed = line.text.reveal(&|reference| self.vault.resolve(reference));
            let typed = typed.map_err(|error| self.unsupported(step, error.to_string()))?;
            if !is_typed_as_it_is(typed.expose()) {
                self.give_up(by).await;
                let what = format!("{shown:?} with a secret that holds a control character or a question mark");
                return Err(self.unsupported(step, what));
            }
            let answer = self
                .terminal
                .type_in(&typed, &shown, by)
                .await
                .map_err(|it| self.unsure(step, it))?;
            if let Err(refusal) = self.judge(&shown, &answer.text, step) {
                self.give_up(by).await;
                return Err(refusal);
            }
            words.extend(
                answer
                    .text
                    .lines()
                    .filter(|it| !it.trim().is_empty())
                    .map(|it| self.vault.redact(it)),
            );
        }
        if self.terminal.session().commit.is_none() {
            self.send(&leave, step, by).await?;
        }
        Ok(words)
    }

    /// Leaves the place where configuration is typed, throwing away what a commit would take.
    async fn give_up(&mut self, by: Deadline) {
        let session = self.terminal.session();
        let discard = session.commit.iter().map(|it| it.discard.clone());
        let commands: Vec<String> = discard.chain(session.leave.clone()).collect();
        for command in commands {
            if self.terminal.say(&command, by).await.is_err() {
                return;
            }
        }
    }

    fn judge(&self, command: &str, answer: &str, step: Step) -> Result<(), SessionError> {
        match self.terminal.session().failure(answer) {
            None => Ok(()),
            Some(words) => Err(SessionError::Refused {
                place: self.target.place(step),
                words: self.words(command, words),
            }),
        }
    }

    fn words(&self, command: &str, words: &str) -> Box<DeviceWords> {
        Box::new(DeviceWords {
            message: self.vault.redact(words.trim()),
            path: Some(self.vault.redact(command)),
            ..DeviceWords::default()
        })
    }

    /// Something was sent, and it is not known what became of it; a session that only read is lost.
    fn unsure(&self, step: Step, error: TerminalError) -> SessionError {
        let place = self.target.place(step);
        match step {
            Step::Apply | Step::Confirm | Step::Revert | Step::Renew => SessionError::Unknown {
                place,
                source: error.into(),
            },
            Step::Connect | Step::Stage | Step::Read | Step::Query | Step::Watch | Step::Resume => lost(place, error),
        }
    }

    pub fn unsupported(&self, step: Step, what: String) -> SessionError {
        SessionError::Unsupported {
            place: self.target.place(step),
            what,
        }
    }

    /// The commands that lead from one configuration to another.
    pub fn script(&self, from: &Tree, to: &Tree, step: Step) -> Result<Script, SessionError> {
        let script = self.target.platform.transition(from, to);
        let script = script.map_err(|error: RenderError| self.unsupported(step, error.to_string()))?;
        self.spares(&script, step)?;
        Ok(script)
    }

    /// Refuses a script that would take along lines that no rule knows: they are somebody else's.
    pub fn spares(&self, script: &Script, step: Step) -> Result<(), SessionError> {
        let changes = self.last.taken_along(script);
        if changes.is_empty() {
            return Ok(());
        }
        Err(SessionError::Foreign {
            place: self.target.place(step),
            changes,
        })
    }

    /// True if the touched paths are as one side of the change says, as far as the device can show it.
    pub fn is(&self, tree: &Tree, delta: &Delta, side: Side) -> bool {
        let platform = &self.target.platform;
        platform.normal(&with(tree, delta, side)) == platform.normal(tree)
    }

    /// Is each of these entries there, or not, as it has to be?
    pub fn stand(&self, tree: &Tree, stands: &BTreeMap<Path, Option<Value>>) -> bool {
        let mut then = tree.clone();
        for (path, value) in stands {
            match value {
                Some(value) => then.insert(path.clone(), value.clone()),
                None => then.remove(path),
            };
        }
        let platform = &self.target.platform;
        platform.normal(&then) == platform.normal(tree)
    }

    /// The touched paths that are neither as before nor as after.
    pub fn foreign(&self, tree: &Tree, delta: &Delta) -> Vec<Path> {
        let alone = |path: &Path, edit: &knowledge_model::Edit| -> Delta {
            [(path.clone(), edit.clone())].into_iter().collect()
        };
        let strange = delta.iter().filter(|(path, edit)| {
            let one = alone(path, edit);
            !self.is(tree, &one, Side::Before) && !self.is(tree, &one, Side::After)
        });
        strange.map(|(path, _)| path.clone()).collect()
    }
}

/// A configuration with the touched paths as one side of the change says.
pub(crate) fn with(tree: &Tree, delta: &Delta, side: Side) -> Tree {
    let mut tree = tree.clone();
    for (path, edit) in delta.iter() {
        let value: &Option<Value> = match side {
            Side::Before => &edit.before,
            Side::After => &edit.after,
        };
        match value {
            Some(value) => tree.insert(path.clone(), value.clone()),
            None => tree.remove(path),
        };
    }
    tree
}
