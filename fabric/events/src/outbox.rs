//! What is to be published and was not taken by the broker yet: durable, bounded, in order.

use crate::event::Event;
use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Why an event is not in the outbox.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// It is full; the loss is counted.
    #[error("keep an event for later: the outbox is full with {bound} events")]
    Full {
        /// Its bound.
        bound: usize,
    },
    /// The event cannot be written.
    #[error("keep an event for later")]
    Json(#[from] serde_json::Error),
    /// The disk failed.
    #[error("{act} {}", path.display())]
    Disk {
        /// What was tried.
        act: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Events that wait to be published. They are signed when they leave, so that however long they wait they are fresh.
pub struct Outbox {
    path: PathBuf,
    file: File,
    waiting: VecDeque<Event>,
    bound: usize,
    lost: u64,
    settled: usize,
}

impl Outbox {
    /// Opens an outbox of at most `bound` events; what was not published before a restart is in it.
    pub fn open(path: &Path, bound: usize) -> Result<Self, OutboxError> {
        let disk = |source| OutboxError::Disk {
            act: "open the outbox",
            path: path.to_owned(),
            source,
        };
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(it) if it.kind() == io::ErrorKind::NotFound => String::new(),
            Err(it) => return Err(disk(it)),
        };
        // One line an event, a line `-` for each that is published. A line cut off by a crash was never acknowledged.
        let mut waiting = VecDeque::new();
        for line in text.split_inclusive('\n').filter_map(|it| it.strip_suffix('\n')) {
            match line {
                "-" => drop(waiting.pop_front()),
                event => waiting.push_back(serde_json::from_str(event)?),
            }
        }
        let file = rewritten(path, &waiting)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            waiting,
            bound,
            lost: 0,
            settled: 0,
        })
    }

    /// Keeps an event until it is published; it is durable when this comes back.
    pub fn offer(&mut self, event: Event) -> Result<(), OutboxError> {
        if self.waiting.len() >= self.bound {
            self.lost += 1;
            return Err(OutboxError::Full { bound: self.bound });
        }
        let mut line = serde_json::to_vec(&event)?;
        line.push(b'\n');
        self.append(&line)?;
        self.waiting.push_back(event);
        Ok(())
    }

    /// The event `at` places behind the first.
    pub fn event(&self, at: usize) -> Option<&Event> {
        self.waiting.get(at)
    }

    /// The first event is published.
    pub fn published(&mut self) -> Result<(), OutboxError> {
        if self.waiting.pop_front().is_none() {
            return Ok(());
        }
        self.settled += 1;
        if self.settled > self.bound.max(64) {
            self.file = rewritten(&self.path, &self.waiting)?;
            self.settled = 0;
            return Ok(());
        }
        // Not synced: after a power cut an event may be published twice, and is believed once.
        let written = self.file.write_all(b"-\n");
        written.map_err(|source| OutboxError::Disk {
            act: "append to",
            path: self.path.clone(),
            source,
        })
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How many were lost because it was full.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), OutboxError> {
        let written = self.file.write_all(bytes).and_then(|()| self.file.sync_data());
        written.map_err(|source| OutboxError::Disk {
            act: "append to",
            path: self.path.clone(),
            source,
        })
    }
}

fn rewritten(path: &Path, waiting: &VecDeque<Event>) -> Result<File, OutboxError> {
    let mut bytes = Vec::new();
    for event in waiting {
        serde_json::to_writer(&mut bytes, event)?;
        bytes.push(b'\n');
    }
    let draft = path.with_extension("new");
    let replace = || {
        let mut file = File::create(&draft)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&draft, path)?;
        OpenOptions::new().append(true).open(path)
    };
    replace().map_err(|source| OutboxError::Disk {
        act: "write",
        path: path.to_owned(),
        source,
    })
}
