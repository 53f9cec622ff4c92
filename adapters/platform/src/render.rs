//! A delta becomes commands: the lines that go, the lines that come, in an order that the device can follow.

use crate::instance::{Chain, Instance, Problem, Why, instances};
use crate::platform::Platform;
use crate::rule::Unprintable;
use crate::script::{Line, Role, Script};
use crate::slot::Bindings;
use crate::text::Text;
use knowledge_model::{Delta, Mismatch, Path, Tree, Value};
use std::collections::BTreeMap;

/// Why a delta has no commands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The platform has no rule for an entry.
    #[error("{platform} has no command for {path}{}", able(.platforms))]
    Unsupported {
        /// Which entry.
        path: Path,
        /// The platform that was asked.
        platform: String,
        /// Those among the built-in ones that have a rule for it.
        platforms: Vec<String>,
    },
    /// The value has no form in the vendor's language.
    #[error("{platform} has no way to say {path} with this value")]
    Inexpressible {
        /// Which entry.
        path: Path,
        /// The platform that was asked.
        platform: String,
    },
    /// A command needs a value that the model does not have.
    #[error("{path} needs {missing}")]
    Incomplete {
        /// Which entry.
        path: Path,
        /// What it needs.
        missing: Path,
    },
    /// The delta was made from another configuration.
    #[error("the configuration is not what the change was made from")]
    Stale(#[source] Mismatch),
}

/// Would a terminal take this as it stands? A control character is a command to it, and a question mark asks for help.
pub fn is_typed_as_it_is(text: &str) -> bool {
    !text.contains(|it: char| it.is_control() || it == '?')
}

fn able(platforms: &[String]) -> String {
    match platforms {
        [] => String::new(),
        some => format!("; those that have: {}", some.join(", ")),
    }
}

impl Platform {
    /// The commands that make of `current` what the delta says.
    ///
    /// # Errors
    /// Where an entry of the delta has no command on this platform, or the delta was made from something else.
    pub fn render(&self, delta: &Delta, current: &Tree) -> Result<Script, RenderError> {
        if let Some((path, _)) = delta.iter().find(|(path, _)| !self.supports(path)) {
            return Err(self.unsupported(path));
        }
        let mut target = current.clone();
        target.apply(delta).map_err(RenderError::Stale)?;
        if let Some((path, _)) = delta.iter().find(|(path, edit)| {
            edit.after.is_some()
                && self
                    .rules
                    .iter()
                    .any(|rule| rule.path.bind(path).is_some() && rule.is_taken(path, &target))
        }) {
            return Err(RenderError::Inexpressible {
                path: path.clone(),
                platform: self.name.clone(),
            });
        }
        let normal = self.normal(&target);
        for (path, edit) in delta.iter() {
            let unsaid = edit.after.as_ref().and_then(Value::text).is_some_and(|value| {
                !normal.contains(path) && !self.rules.iter().any(|rule| rule.is_silent_about(path, value))
            });
            if unsaid {
                self.transition(current, &target)?;
                return Err(RenderError::Inexpressible {
                    path: path.clone(),
                    platform: self.name.clone(),
                });
            }
        }
        self.transition(current, &target)
    }

    /// The commands that make one configuration of another. What the platform has no rule for is left alone.
    ///
    /// # Errors
    /// Where an entry of the target cannot be said.
    pub fn transition(&self, current: &Tree, target: &Tree) -> Result<Script, RenderError> {
        let (before, known) = instances(self, current);
        let (after, problems) = instances(self, target);
        if let Some(problem) = problems.into_iter().find(|it| !known.contains(it)) {
            return Err(self.refusal(problem));
        }
        let change = Change::between(self, before, after);
        let steps = change.steps().map_err(|path| RenderError::Inexpressible {
            path,
            platform: self.name.clone(),
        })?;
        let script = change.write(steps);
        match script
            .lines()
            .iter()
            .find(|line| !is_typed_as_it_is(&line.text.to_string()))
        {
            None => Ok(script),
            Some(line) => Err(RenderError::Inexpressible {
                path: line.path.clone(),
                platform: self.name.clone(),
            }),
        }
    }

    fn unsupported(&self, path: &Path) -> RenderError {
        let others = crate::builtin::all()
            .filter(|it| it.supports(path) || it.native().is_some_and(|native| native.supports(path)));
        RenderError::Unsupported {
            path: path.clone(),
            platform: self.name.clone(),
            platforms: others.map(|it| it.name.clone()).collect(),
        }
    }

    fn refusal(&self, problem: Problem) -> RenderError {
        match problem.why {
            Why::Inexpressible => RenderError::Inexpressible {
                path: problem.path,
                platform: self.name.clone(),
            },
            Why::Missing(missing) => RenderError::Incomplete {
                path: problem.path,
                missing,
            },
        }
    }
}

/// The lines before and after, and what becomes of each.
struct Change<'a> {
    platform: &'a Platform,
    before: BTreeMap<Chain, Instance>,
    after: BTreeMap<Chain, Instance>,
    /// Lines that go by a command of their own.
    removed: Vec<Chain>,
    /// Lines that come or get another value.
    set: Vec<Chain>,
}

/// One command, with the headers of the blocks that it stands in.
struct Step {
    context: Vec<(usize, Bindings)>,
    command: Option<(Role, Text)>,
    path: Path,
    takes_along: bool,
}

impl<'a> Change<'a> {
    fn between(platform: &'a Platform, before: BTreeMap<Chain, Instance>, after: BTreeMap<Chain, Instance>) -> Self {
        let mut change = Self {
            platform,
            before,
            after,
            removed: Vec::new(),
            set: Vec::new(),
        };
        let going: Vec<Chain> = change.before.keys().filter(|it| change.goes(it)).cloned().collect();
        change.removed = going
            .iter()
            .filter(|it| !change.is_absorbed(it, &going))
            .cloned()
            .collect();
        change.set = change
            .after
            .keys()
            .filter(|it| change.comes(it, &going))
            .cloned()
            .collect();
        change
    }

    /// True if the line is there no more, or must be taken away to get another value.
    fn goes(&self, chain: &Chain) -> bool {
        let old = &self.before[chain];
        match self.after.get(chain) {
            None => true,
            Some(new) => self.platform.rules[old.rule].traits.replace && old.bindings != new.bindings,
        }
    }

    /// True if the undo of another line takes this one along.
    fn is_absorbed(&self, chain: &Chain, going: &[Chain]) -> bool {
        let line = &self.before[chain];
        let path = self.platform.rules[line.rule].entry(&line.bindings);
        going.iter().filter(|other| *other != chain).any(|other| {
            let taker = &self.before[other];
            let rule = &self.platform.rules[taker.rule];
            let block = rule.traits.absorbs_block && chain.starts_with(other);
            let inside = || match (&path, rule.entry(&taker.bindings)) {
                (Some(path), Some(entry)) => path.starts_with(&entry),
                (None, _) | (_, None) => false,
            };
            block || (rule.traits.absorbs_entry && inside())
        })
    }

    /// True if the line must be typed: it is new, has another value, or went along with another one.
    fn comes(&self, chain: &Chain, going: &[Chain]) -> bool {
        match self.before.get(chain) {
            None => true,
            Some(old) => {
                old.bindings != self.after[chain].bindings || going.contains(chain) || self.is_absorbed(chain, going)
            }
        }
    }

    /// First what goes, the innermost first; then what comes, what others refer to first; last what nobody refers to
    /// any more.
    fn steps(&self) -> Result<Vec<Step>, Path> {
        let late = |chain: &&Chain| (1..=chain.0.len()).any(|length| self.is_late(&Chain(chain.0[..length].to_vec())));
        let mut steps = Vec::new();
        for chain in self.removed.iter().rev().filter(|it| !late(it)) {
            steps.extend(self.unset(chain)?);
        }
        for chain in &self.set {
            steps.push(self.put(chain)?);
        }
        for chain in self.removed.iter().rev().filter(late) {
            steps.extend(self.unset(chain)?);
        }
        Ok(steps)
    }

    /// True if others may have referred to what goes.
    fn is_late(&self, chain: &Chain) -> bool {
        let referent = chain
            .0
            .last()
            .is_some_and(|(id, _)| self.platform.rules[*id].traits.referent);
        referent && !self.after.contains_key(chain)
    }

    fn unset(&self, chain: &Chain) -> Result<Option<Step>, Path> {
        let line = &self.before[chain];
        let rule = &self.platform.rules[line.rule];
        let path = rule.entry(&line.bindings).unwrap_or_else(Path::root);
        let Some(template) = &rule.unset else { return Ok(None) };
        let text = rule
            .print(template, &line.bindings)
            .map_err(|Unprintable| path.clone())?;
        let context = if self.platform.syntax.flat {
            Vec::new()
        } else {
            line.context.clone()
        };
        Ok(Some(Step {
            context,
            command: Some((Role::Unset, text)),
            path,
            takes_along: rule.traits.absorbs_block || rule.traits.absorbs_entry,
        }))
    }

    fn put(&self, chain: &Chain) -> Result<Step, Path> {
        let line = &self.after[chain];
        let rule = &self.platform.rules[line.rule];
        let path = rule.entry(&line.bindings).unwrap_or_else(Path::root);
        let flat = self.platform.syntax.flat;
        let mut context = if flat { Vec::new() } else { line.context.clone() };
        if rule.traits.header && !flat {
            context.push((line.rule, line.bindings.clone()));
            return Ok(Step {
                context,
                command: None,
                path,
                takes_along: false,
            });
        }
        let text = rule
            .print(&rule.line, &line.bindings)
            .map_err(|Unprintable| path.clone())?;
        Ok(Step {
            context,
            command: Some((Role::Set, text)),
            path,
            takes_along: false,
        })
    }

    /// Puts the blocks around the commands, entering each as seldom as the order allows.
    fn write(&self, steps: Vec<Step>) -> Script {
        let mut lines = Vec::new();
        let mut open: Vec<(usize, Bindings)> = Vec::new();
        for step in steps {
            let common = open.iter().zip(&step.context).take_while(|(a, b)| a == b).count();
            self.leave(&mut open, common, &mut lines);
            for header in &step.context[common..] {
                let rule = &self.platform.rules[header.0];
                lines.push(Line {
                    depth: open.len(),
                    role: Role::Enter,
                    text: rule.print(&rule.line, &header.1).unwrap_or_default(),
                    path: rule.entry(&header.1).unwrap_or_else(Path::root),
                    takes_along: false,
                });
                open.push(header.clone());
            }
            if let Some((role, text)) = step.command {
                lines.push(Line {
                    depth: open.len(),
                    role,
                    text,
                    path: step.path,
                    takes_along: step.takes_along,
                });
            }
        }
        self.leave(&mut open, 0, &mut lines);
        Script::new(lines)
    }

    fn leave(&self, open: &mut Vec<(usize, Bindings)>, down_to: usize, lines: &mut Vec<Line>) {
        while open.len() > down_to {
            let Some((id, bindings)) = open.pop() else { return };
            let rule = &self.platform.rules[id];
            let leave = rule.leave.as_deref().unwrap_or(&self.platform.syntax.leave);
            lines.push(Line {
                depth: open.len() + 1,
                role: Role::Leave,
                text: Text::from(leave),
                path: rule.entry(&bindings).unwrap_or_else(Path::root),
                takes_along: false,
            });
        }
    }
}
