//! What is sent to a device: lines in their order, in and out of blocks.

use crate::text::Text;
use knowledge_model::Path;
use std::fmt;

/// The lines of a change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script {
    lines: Vec<Line>,
}

/// A line to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// In how many blocks it stands.
    pub depth: usize,
    /// What it does.
    pub role: Role,
    /// What is typed; prints references, never secrets.
    pub text: Text,
    /// The entry that it is there for.
    pub path: Path,
    /// It takes back more than its own line: a block with all in it, or all about an entry.
    pub takes_along: bool,
}

/// What a line does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It opens a block, making its entry where there is none.
    Enter,
    /// It sets.
    Set,
    /// It takes back.
    Unset,
    /// It closes a block.
    Leave,
}

impl Script {
    /// A script of these lines.
    pub fn new(lines: Vec<Line>) -> Self {
        Self { lines }
    }

    /// The lines in the order in which they are sent.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// True if there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

/// The preview: one line a command, indented by blocks, without the lines that leave them.
impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.lines.iter().filter(|line| line.role != Role::Leave) {
            writeln!(f, "{:indent$}{}", "", line.text, indent = line.depth)?;
        }
        Ok(())
    }
}
