//! A device that lives by a platform's rules: what a script makes of a configuration, line by line.
//!
//! It knows nothing of how scripts are made: a line sets what its pattern reads, and an undo takes away the line that it
//! is printed for. Where a script would leave something behind on a device, it does so here.

use crate::instance::{Chain, Instance, instances, tree_of};
use crate::platform::Platform;
use crate::script::{Role, Script};
use crate::slot::Bindings;
use knowledge_model::Tree;
use std::collections::BTreeMap;

/// A line that the device does not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no rule takes {line:?}")]
pub struct Refused {
    /// The line.
    pub line: String,
}

/// The lines that the device holds, and the block that is open.
struct Device<'a> {
    platform: &'a Platform,
    lines: BTreeMap<Chain, Instance>,
    open: Vec<(usize, Bindings)>,
    /// Lines whose keys are looked up when all are typed.
    partial: Vec<Instance>,
}

impl Platform {
    /// The configuration after a script.
    ///
    /// # Errors
    /// Where a line of the script belongs to no rule in the block where it is typed.
    pub fn play(&self, tree: &Tree, script: &Script) -> Result<Tree, Refused> {
        let (lines, _) = instances(self, tree);
        let mut device = Device {
            platform: self,
            lines,
            open: Vec::new(),
            partial: Vec::new(),
        };
        for line in script.lines() {
            let text = line.text.to_string();
            match line.role {
                Role::Leave => {
                    device.open.pop();
                    Ok(())
                }
                Role::Enter | Role::Set => device.set(&text),
                Role::Unset => device.unset(&text),
            }?;
        }
        device.close();
        Ok(tree_of(self, device.lines.values()))
    }
}

impl Device<'_> {
    fn set(&mut self, text: &str) -> Result<(), Refused> {
        let context = self.open.last().map(|(id, _)| *id);
        let flat = self.platform.syntax.flat;
        for (id, rule) in self.platform.rules.iter().enumerate() {
            if rule.context.last().copied() != context && !flat {
                continue;
            }
            let Some((mut bindings, secret)) = rule.writer.read(text, &rule.slots) else {
                continue;
            };
            if let (Some(secret), Some((name, _))) = (secret, rule.slots.iter().find(|(_, slot)| slot.secret)) {
                bindings.bind(name, secret);
            }
            if self
                .open
                .iter()
                .any(|(_, header)| bindings.adopt_keys(header, rule).is_none())
            {
                continue;
            }
            self.keep(id, bindings);
            return Ok(());
        }
        Err(Refused { line: text.to_owned() })
    }

    fn keep(&mut self, id: usize, bindings: Bindings) {
        let rule = &self.platform.rules[id];
        let partial = rule.entry(&bindings).is_none();
        let instance = Instance {
            rule: id,
            bindings: bindings.clone(),
            context: self.around(id, &bindings),
        };
        if partial {
            self.partial.push(instance);
            return;
        }
        if rule.traits.header && !self.platform.syntax.flat {
            self.open.push((id, bindings));
            if rule.traits.implied {
                return;
            }
            let chain = instance.chain(&self.platform.rules);
            for line in self.lines.values_mut() {
                if line.chain(&self.platform.rules).starts_with(&chain)
                    && let Some(header) = line.context.get_mut(instance.context.len())
                {
                    header.1 = instance.bindings.clone();
                }
            }
        }
        self.lines.insert(instance.chain(&self.platform.rules), instance);
    }

    /// The headers that a line stands under: those that are open, or what a line says by itself.
    fn around(&self, id: usize, bindings: &Bindings) -> Vec<(usize, Bindings)> {
        if !self.platform.syntax.flat {
            return self.open.clone();
        }
        let rules = &self.platform.rules;
        let header = |header: usize| {
            let mut keys = Bindings::default();
            for (name, _) in rules[header].path.slots() {
                if let Some(value) = bindings.value(name) {
                    keys.bind(name, value.to_owned());
                }
            }
            (header, keys)
        };
        rules[id].context.iter().copied().map(header).collect()
    }

    fn unset(&mut self, text: &str) -> Result<(), Refused> {
        let (rules, flat) = (&self.platform.rules, self.platform.syntax.flat);
        let undone = self.lines.iter().find(|(_, line)| {
            let rule = &rules[line.rule];
            let inside = flat
                || line.context.len() == self.open.len()
                    && line
                        .context
                        .iter()
                        .zip(&self.open)
                        .all(|(a, b)| a.0 == b.0 && rules[a.0].keys(&a.1) == rules[b.0].keys(&b.1));
            let undo = rule.unset.as_ref().and_then(|it| rule.print(it, &line.bindings).ok());
            inside && undo.is_some_and(|it| it.to_string() == text)
        });
        let Some((chain, line)) = undone.map(|(chain, line)| (chain.clone(), line.clone())) else {
            return Err(Refused { line: text.to_owned() });
        };
        let rule = &rules[line.rule];
        let entry = rule.entry(&line.bindings);
        self.lines.remove(&chain);
        self.lines.retain(|other, inner| {
            let block = rule.traits.absorbs_block && other.starts_with(&chain);
            let inside = rule.traits.absorbs_entry
                && match (&entry, rules[inner.rule].entry(&inner.bindings)) {
                    (Some(entry), Some(path)) => path.starts_with(entry),
                    (None, _) | (_, None) => false,
                };
            !(block || inside)
        });
        Ok(())
    }

    /// Looks up what the lines did not say. Lines about what is absent are there only beside the entry around it.
    fn close(&mut self) {
        let tree = tree_of(self.platform, self.lines.values());
        for mut line in std::mem::take(&mut self.partial) {
            let keys = crate::read::look_up(&self.platform.rules[line.rule].path, &line.bindings, &tree);
            if keys.is_some_and(|keys| line.bindings.adopt(&keys).is_some()) {
                self.lines.insert(line.chain(&self.platform.rules), line);
            }
        }
        let tree = tree_of(self.platform, self.lines.values());
        let rules = &self.platform.rules;
        self.lines.retain(|_, line| {
            let rule = &rules[line.rule];
            let parent = rule.path.parent().path(&line.bindings);
            rule.subject != crate::rule::Subject::Absence || parent.is_some_and(|it| tree.contains(&it))
        });
    }
}
