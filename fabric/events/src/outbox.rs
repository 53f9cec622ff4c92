//! What is to be published and was not taken by the broker yet: durable, bounded, in order.

use crate::event::{Event, LARGEST};
use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
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
    /// It is larger than any receiver takes; the loss is counted.
    #[error("keep an event for later: it has {length} bytes, at most 65536 are taken")]
    TooLarge {
        /// How large.
        length: usize,
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
    losses: Losses,
    settled: usize,
    /// How many are published and not yet marked so in the file.
    unmarked: usize,
    /// How many bytes of the file are good.
    length: u64,
}

/// How many published events are marked at once.
const MARKED_AT_ONCE: usize = 16;

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
        let (file, length) = rewritten(path, &waiting)?;
        let losses = Losses::open(&path.with_extension("lost")).map_err(disk)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            waiting,
            bound,
            losses,
            settled: 0,
            unmarked: 0,
            length,
        })
    }

    /// Keeps an event until it is published; it is durable when this comes back.
    pub fn offer(&mut self, event: Event) -> Result<(), OutboxError> {
        if self.waiting.len() >= self.bound {
            self.losses.one_more();
            return Err(OutboxError::Full { bound: self.bound });
        }
        let mut line = serde_json::to_vec(&event)?;
        if line.len() > LARGEST {
            self.losses.one_more();
            return Err(OutboxError::TooLarge { length: line.len() });
        }
        line.push(b'\n');
        let marks = self.unmarked;
        let line = [&b"-\n".repeat(marks)[..], &line].concat();
        self.append(&line)?;
        self.unmarked = 0;
        let synced = self.file.sync_data();
        synced.map_err(|source| self.failed("sync", source))?;
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
        self.unmarked += 1;
        if self.settled > self.bound.max(64) {
            return self.rewrite();
        }
        if self.unmarked < MARKED_AT_ONCE && !self.waiting.is_empty() {
            return Ok(());
        }
        self.mark()
    }

    /// An event that can never be published, `at` places behind the first, is given up and counted as lost.
    pub fn give_up(&mut self, at: usize) -> Result<(), OutboxError> {
        if self.waiting.remove(at).is_none() {
            return Ok(());
        }
        self.losses.one_more();
        self.rewrite()
    }

    /// Says in the file what is published. Not synced: after a power cut an event may be published twice, and is
    /// believed once.
    fn mark(&mut self) -> Result<(), OutboxError> {
        self.append(&b"-\n".repeat(self.unmarked))?;
        self.unmarked = 0;
        Ok(())
    }

    fn rewrite(&mut self) -> Result<(), OutboxError> {
        (self.file, self.length) = rewritten(&self.path, &self.waiting)?;
        (self.settled, self.unmarked) = (0, 0);
        Ok(())
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How many were lost because it was full or because they could never be published, also before a restart.
    pub fn lost(&self) -> u64 {
        self.losses.count
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), OutboxError> {
        match self.file.write_all(bytes) {
            Ok(()) => {
                self.length += bytes.len() as u64;
                Ok(())
            }
            Err(source) => {
                let cut = self.file.set_len(self.length); // half a line would spoil the one that comes after it
                Err(self.failed("append to", cut.err().unwrap_or(source)))
            }
        }
    }

    fn failed(&self, act: &'static str, source: io::Error) -> OutboxError {
        OutboxError::Disk {
            act,
            path: self.path.clone(),
            source,
        }
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        if self.unmarked > 0
            && let Err(error) = self.mark()
        {
            tracing::warn!(%error, "some events will be published again");
        }
    }
}

/// How many events were lost, in a file beside the outbox: one number of fixed width that is written over itself, so that
/// a crash leaves the old one or the new one.
struct Losses {
    file: File,
    count: u64,
}

impl Losses {
    fn open(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        let count = text.trim().parse().unwrap_or_default(); // a new file is empty
        Ok(Self { file, count })
    }

    fn one_more(&mut self) {
        self.count += 1;
        let text = format!("{:020}\n", self.count);
        if let Err(error) = self.file.write_all_at(text.as_bytes(), 0) {
            tracing::warn!(%error, lost = self.count, "the count of lost events is forgotten with a restart");
        }
    }
}

fn rewritten(path: &Path, waiting: &VecDeque<Event>) -> Result<(File, u64), OutboxError> {
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
        let file = OpenOptions::new().append(true).open(path)?;
        Ok((file, bytes.len() as u64))
    };
    replace().map_err(|source| OutboxError::Disk {
        act: "write",
        path: path.to_owned(),
        source,
    })
}
