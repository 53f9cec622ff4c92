//! A terminal's state: modes, the prompt, and what a line of configuration does. No socket, no clock.

use std::sync::Arc;

use crate::personality::Dialect;
use crate::store::{Datastores, Entry, Store, Timer};

use super::doc::Doc;
use super::grammar::{self, Rule, Taken};
use super::{frr, ios, rules, vrp};

/// One open block: the mode and the header that opened it.
#[derive(Debug, Clone)]
pub struct Level {
    /// The mode inside.
    pub mode: &'static str,
    /// The header, in canonical words.
    pub header: String,
}

/// What a device says to a line.
#[derive(Debug, Default)]
pub struct Said {
    /// The text, lines ended by `\n`.
    pub text: String,
    /// A timer to arm.
    pub timer: Option<Timer>,
    /// The session ends.
    pub close: bool,
}

impl Said {
    /// Text alone; nothing when it is empty.
    pub fn text(text: impl Into<String>) -> Said {
        Said {
            text: text.into(),
            ..Said::default()
        }
    }
}

/// A question that waits for an answer instead of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// VRP: save running?
    Save,
    /// VRP: commit before leaving?
    Leave,
    /// IOS: under which file name?
    Destination,
}

/// One terminal session.
#[derive(Debug)]
pub struct Console {
    /// How it talks.
    pub dialect: Dialect,
    /// The session's number.
    pub session: u32,
    /// What prompts show while the configuration names no host.
    pub fallback_name: String,
    /// Whether the login is privileged.
    pub enabled: bool,
    /// Whether it is in configuration mode.
    pub configuring: bool,
    /// The open blocks, outermost first.
    pub levels: Vec<Level>,
    /// A question that waits.
    pub question: Option<Question>,
    /// Lines of a page; 0 switches the pager off.
    pub page: usize,
    /// By how much the timers of this terminal run faster than said.
    pub pace: u32,
}

impl Console {
    /// A fresh login.
    pub fn new(dialect: Dialect, session: u32, fallback_name: String, pace: u32) -> Console {
        let page = match dialect {
            Dialect::Frr => 0,
            Dialect::Vrp | Dialect::Ios => 24,
        };
        let enabled = dialect != Dialect::Ios;
        Console {
            dialect,
            session,
            fallback_name,
            enabled,
            configuring: false,
            levels: Vec::new(),
            question: None,
            page,
            pace,
        }
    }

    /// The prompt of the present mode.
    pub fn prompt(&self, stores: &Datastores) -> String {
        if self.question.is_some() {
            return String::new();
        }
        match self.dialect {
            Dialect::Frr => frr::prompt(self, stores),
            Dialect::Vrp => vrp::prompt(self, stores),
            Dialect::Ios => ios::prompt(self, stores),
        }
    }

    /// Carries a line out.
    pub fn line(&mut self, stores: &mut Datastores, line: &str) -> Said {
        let line = line.trim();
        let silent = line.is_empty() || line.starts_with(['!', '#']);
        if silent && self.question.is_none() {
            return Said::default();
        }
        match self.dialect {
            Dialect::Frr => frr::line(self, stores, line),
            Dialect::Vrp => vrp::line(self, stores, line),
            Dialect::Ios => ios::line(self, stores, line),
        }
    }

    /// The name that prompts show.
    pub fn name(&self, stores: &Datastores) -> String {
        let name = stores.running.at(&["system", "hostname"]);
        name.map_or_else(|| self.fallback_name.clone(), |it| it.value.clone())
    }

    /// Where lines of configuration go.
    pub fn store(&self) -> Store {
        match self.dialect {
            Dialect::Vrp => Store::Candidate,
            Dialect::Frr | Dialect::Ios => Store::Running,
        }
    }

    /// Carries a line of configuration out; `None` when no mode takes it.
    pub fn configure(&mut self, stores: &mut Datastores, line: &str) -> Option<String> {
        let undo = match self.dialect {
            Dialect::Vrp => "undo ",
            Dialect::Frr | Dialect::Ios => "no ",
        };
        let depth = self.depth_that(|console, mode| console.understands(mode, line, undo))?;
        let mode = self.mode_at(depth);
        if let Some(taken) = grammar::take(self.rules(), mode, line) {
            return Some(self.apply(stores, depth, taken));
        }
        let negative = line
            .strip_prefix(undo)
            .map_or_else(|| format!("{undo}{line}"), |rest| rest.trim().to_owned());
        Some(self.undo(stores, depth, &negative))
    }

    fn rules(&self) -> &'static [Rule] {
        match self.dialect {
            Dialect::Frr => rules::FRR,
            Dialect::Vrp => rules::VRP,
            Dialect::Ios => rules::IOS,
        }
    }

    fn mode_at(&self, depth: usize) -> &'static str {
        depth.checked_sub(1).map_or("global", |at| self.levels[at].mode)
    }

    /// The innermost depth whose mode fits, outer modes included.
    fn depth_that(&self, fits: impl Fn(&Console, &str) -> bool) -> Option<usize> {
        (0..=self.levels.len())
            .rev()
            .find(|depth| fits(self, self.mode_at(*depth)))
    }

    fn understands(&self, mode: &str, line: &str, undo: &str) -> bool {
        grammar::take(self.rules(), mode, line).is_some()
            || line
                .strip_prefix(undo)
                .is_some_and(|rest| grammar::begins(self.rules(), mode, rest).is_some())
            || grammar::take(self.rules(), mode, &format!("{undo}{line}")).is_some()
    }

    /// Whether the innermost open block is the one at this path.
    pub fn is_at(&self, path: &[String]) -> bool {
        self.levels.iter().map(|level| &level.header).eq(path)
    }

    fn path(&self, depth: usize) -> Vec<String> {
        self.levels[..depth].iter().map(|level| level.header.clone()).collect()
    }

    fn apply(&mut self, stores: &mut Datastores, depth: usize, taken: Taken) -> String {
        let mut path = self.path(depth);
        let mut doc = self.doc(stores);
        if let Some(refusal) = self.refusal(&doc, &path, &taken) {
            return refusal;
        }
        let header = taken.line();
        match taken.rule.opens {
            Some(mode) => {
                self.levels.truncate(depth);
                self.levels.push(Level {
                    mode,
                    header: header.clone(),
                });
                doc.rename(
                    &path,
                    |known| !taken.rule.slot.is_empty() && taken.replaces(known),
                    &header,
                );
                path.push(header);
                doc.block(&path);
            }
            None => {
                self.levels.truncate(depth);
                let block = doc.block(&path);
                match block.lines.iter().position(|line| taken.replaces(line)) {
                    Some(at) => block.lines[at] = header,
                    None => block.lines.push(header),
                }
            }
        }
        self.keep(stores, &doc)
    }

    fn undo(&mut self, stores: &mut Datastores, depth: usize, line: &str) -> String {
        let mode = self.mode_at(depth);
        let mut words = line.to_owned();
        if let Some(canonical) = grammar::begins(self.rules(), mode, line) {
            words = canonical.join(" ");
        }
        self.levels.truncate(depth);
        let path = self.path(depth);
        let mut doc = self.doc(stores);
        let mut inner = path.clone();
        inner.push(words.clone());
        if let Some(refusal) = self.undo_refusal(&doc, &path, &words) {
            return refusal;
        }
        let block_gone = doc.drop_block(&inner);
        let begins = |known: &str| known == words || known.strip_prefix(&words).is_some_and(|it| it.starts_with(' '));
        let mut gone = block_gone;
        for block in doc.blocks.iter_mut().filter(|block| block.path.starts_with(&path)) {
            if block.path == path || words.split(' ').count() == 2 && block.path.len() > path.len() && mode != "global"
            {
                let before = block.lines.len();
                block.lines.retain(|known| !begins(known));
                gone |= block.lines.len() < before;
            }
        }
        // A whole line may name words beyond the setting's slot: the slot decides.
        if !gone && let Some(taken) = grammar::take(self.rules(), mode, line) {
            doc.block(&path).lines.retain(|known| !taken.replaces(known));
        }
        self.keep(stores, &doc)
    }

    fn refusal(&self, doc: &Doc, path: &[String], taken: &Taken) -> Option<String> {
        match self.dialect {
            Dialect::Frr => frr::refusal(doc, path, &taken.words),
            Dialect::Vrp | Dialect::Ios => None,
        }
    }

    fn undo_refusal(&self, doc: &Doc, path: &[String], line: &str) -> Option<String> {
        match self.dialect {
            Dialect::Frr => frr::undo_refusal(doc, path, line),
            Dialect::Vrp | Dialect::Ios => None,
        }
    }

    /// Whether more words would make the line one that some open mode takes.
    pub fn is_incomplete(&self, line: &str) -> bool {
        self.depth_that(|console, mode| grammar::is_incomplete(console.rules(), mode, line))
            .is_some()
    }

    /// The configuration that lines go to, as blocks.
    pub fn doc(&self, stores: &Datastores) -> Doc {
        Doc::read(stores.content(self.store()), self.dialect)
    }

    fn keep(&self, stores: &mut Datastores, doc: &Doc) -> String {
        let store = self.store();
        if let Err(error) = stores.usable(store, self.session) {
            return format!("% Configuration is locked: {}\n", error.message);
        }
        let content = Arc::clone(stores.content(store));
        let mut tree = Entry::clone(&content);
        doc.write(&mut tree, self.dialect);
        if tree != *content {
            stores.set(store, tree);
        }
        String::new()
    }
}
