//! What a device shows becomes a configuration: only what the rules know; the rest is counted.

use crate::instance::imply;
use crate::pattern::Pattern;
use crate::platform::Platform;
use crate::rule::Subject;
use crate::script::Script;
use crate::slot::Bindings;
use crate::text::{Secret, is_reference};
use knowledge_model::{Path, Tree, Value};

/// The longest text that is read.
const LENGTH: usize = 64 * 1024 * 1024;
/// The longest line that is read.
const LINE: usize = 64 * 1024;
/// What stands in the tree where the device printed a secret.
const UNNAMED: &str = "secret:unnamed@0";

/// A configuration as it was read.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// What the rules know. Where a device printed a secret, the leaf holds a placeholder until it is
    /// [named](Reading::name).
    pub tree: Tree,
    /// How many lines no rule knows.
    pub unknown: usize,
    /// These lines, where they stand.
    pub strays: Vec<Stray>,
    /// The secrets that the device printed, each with the leaf it belongs to.
    pub secrets: Vec<(Path, Secret)>,
}

/// A line that no rule knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stray {
    /// Its number in the text, counted from 1.
    pub number: usize,
    /// The entry whose block it stands in, as far as the rules know.
    pub block: Path,
    /// The line. It may hold a secret: for people at a terminal, never for a log.
    pub line: Secret,
}

/// Why a text is no configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It is longer than any configuration.
    #[error("a configuration of {length} bytes is longer than {LENGTH}")]
    Length {
        /// How long it is.
        length: usize,
    },
    /// One line is longer than any command.
    #[error("line {line} is longer than {LINE} bytes")]
    Line {
        /// Which one.
        line: usize,
    },
}

/// A block that is open: how deep it is indented, and its header if a rule knows it.
struct Open {
    indent: usize,
    header: Option<(usize, Bindings)>,
}

/// A line that was understood.
struct Found {
    rule: usize,
    bindings: Bindings,
    secret: Option<String>,
}

impl Platform {
    /// Reads what the device shows of its configuration.
    ///
    /// # Errors
    /// Where the text is no configuration by its size alone. Lines that no rule knows are counted, not refused.
    pub fn read(&self, text: &str) -> Result<Reading, ReadError> {
        if text.len() > LENGTH {
            return Err(ReadError::Length { length: text.len() });
        }
        let mut reading = Reading::default();
        let mut found = Vec::new();
        let mut open: Vec<Open> = Vec::new();
        for (index, raw) in text.lines().enumerate() {
            let line = raw.trim_end();
            if line.len() > LINE {
                return Err(ReadError::Line { line: index + 1 });
            }
            let bare = line.trim_start_matches([' ', '\t']);
            if bare.is_empty() || self.syntax.ignore.iter().any(|it| it.is_match(bare)) {
                continue;
            }
            let indent = line.len() - bare.len();
            while open.last().is_some_and(|it| it.indent >= indent) {
                open.pop();
            }
            let understood = self.understand(bare, &open);
            if understood.is_none() {
                reading.unknown += 1;
                reading.strays.push(Stray {
                    number: index + 1,
                    block: self.block(&open),
                    line: Secret::new(bare),
                });
            }
            open.push(Open {
                indent,
                header: understood
                    .as_ref()
                    .filter(|it| self.rules[it.rule].traits.header)
                    .map(|it| (it.rule, it.bindings.clone())),
            });
            found.extend(understood);
        }
        self.gather(found, &mut reading);
        Ok(reading)
    }

    /// The entry of the innermost block that a rule knows.
    fn block(&self, open: &[Open]) -> Path {
        let known = open.iter().rev().find_map(|it| it.header.as_ref());
        known
            .and_then(|(id, bindings)| self.rules[*id].entry(bindings))
            .unwrap_or_else(Path::root)
    }

    /// The rule that knows a line where it stands, and its values.
    fn understand(&self, line: &str, open: &[Open]) -> Option<Found> {
        let context = match open.last() {
            None => None,
            Some(Open {
                header: Some((id, _)), ..
            }) => Some(*id),
            Some(Open { header: None, .. }) => return None,
        };
        let readers = self.readers.iter().find(|it| it.context == context)?;
        readers.set.matches(line).into_iter().find_map(|index| {
            let id = readers.rules[index];
            let rule = &self.rules[id];
            let (mut bindings, secret) = rule.reader.read(line, &rule.slots)?;
            for (_, header) in open.iter().filter_map(|it| it.header.as_ref()) {
                bindings.adopt_keys(header, rule)?;
            }
            Some(Found {
                rule: id,
                bindings,
                secret,
            })
        })
    }

    /// Puts what was understood into a tree, in as many rounds as keys must be looked up in what others say.
    fn gather(&self, found: Vec<Found>, reading: &mut Reading) {
        let mut absences = Vec::new();
        let (whole, partial): (Vec<_>, Vec<_>) = found
            .into_iter()
            .partition(|it| self.rules[it.rule].entry(&it.bindings).is_some());
        for it in whole {
            self.put(it, reading, &mut absences);
        }
        for mut it in partial {
            let pattern = &self.rules[it.rule].path;
            match look_up(pattern, &it.bindings, &reading.tree) {
                Some(keys) if it.bindings.adopt(&keys).is_some() => self.put(it, reading, &mut absences),
                Some(_) | None => reading.unknown += 1,
            }
        }
        imply(self, &mut reading.tree, &absences);
    }

    fn put(&self, found: Found, reading: &mut Reading, absences: &mut Vec<Path>) {
        let rule = &self.rules[found.rule];
        let mut bindings = found.bindings;
        for (name, slot) in &rule.slots {
            if bindings
                .value(name)
                .is_some_and(|it| slot.hidden.as_deref() == Some(it))
            {
                bindings.unbind(name);
            }
            if slot.secret && found.secret.is_some() {
                let text = found.secret.clone().unwrap_or_default();
                let value = if is_reference(&text) {
                    text.clone()
                } else {
                    UNNAMED.to_owned()
                };
                bindings.bind(name, value);
                if !is_reference(&text) {
                    let leaf = rule
                        .entries(&bindings)
                        .into_iter()
                        .find(|(_, it)| it.text() == Some(UNNAMED));
                    reading.secrets.extend(leaf.map(|(path, _)| (path, Secret::new(text))));
                }
            }
        }
        if rule.subject == Subject::Absence {
            absences.extend(rule.entry(&bindings));
            return;
        }
        for (path, value) in rule.entries(&bindings) {
            reading.tree.plant(path, value);
        }
    }
}

/// Finds the keys that a line does not say in the one entry that fits what it does say: `ip ospf cost 10` under an
/// interface belongs to the area that another line names.
pub(crate) fn look_up(pattern: &Pattern, known: &Bindings, tree: &Tree) -> Option<Bindings> {
    let mut entry = pattern.clone();
    while !entry.ends_in_keys() {
        entry = entry.parent();
        if entry.steps().is_empty() {
            return None;
        }
    }
    let base = entry.base();
    let mut fitting = tree.under(&base).filter_map(|(path, value)| {
        let keys = (*value == Value::Present).then(|| entry.bind(path))??;
        let mut both = known.clone();
        both.adopt(&keys)?;
        Some(keys)
    });
    let first = fitting.next()?;
    fitting.next().is_none().then_some(first)
}

impl Reading {
    /// The lines of nobody that a script would take along: those in a block that goes, and those about an entry that
    /// goes. Each is named by its block and number, not by its text, which may hold a secret.
    pub fn taken_along(&self, script: &Script) -> Vec<String> {
        let takers: Vec<_> = script.lines().iter().filter(|line| line.takes_along).collect();
        let taken = self.strays.iter().filter(|stray| {
            takers.iter().any(|line| {
                let text = line.text.to_string();
                let about = text.split_once(' ').map_or("", |(_, rest)| rest);
                let same = stray
                    .line
                    .expose()
                    .strip_prefix(about)
                    .is_some_and(|rest| rest.starts_with(' '));
                same || stray.block.starts_with(&line.path)
            })
        });
        taken
            .map(|stray| format!("line {} in {}", stray.number, stray.block))
            .collect()
    }

    /// Gives the secrets that were read their names: what `name` says, or the placeholder where it says nothing.
    pub fn name(&mut self, name: &dyn Fn(&Path, &Secret) -> Option<String>) {
        for (path, secret) in &self.secrets {
            if let Some(reference) = name(path, secret) {
                self.tree.insert(path.clone(), Value::scalar(reference));
            }
        }
    }
}
