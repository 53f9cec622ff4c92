//! Compaction: what must stay is written into one new file, which then takes the place of the old ones.
//!
//! The new file is whole and synced before it has its name, and its name is durable before an old file goes: at every
//! instant the directory holds either all old files or the new one.

use std::io;
use std::sync::Arc;

use thiserror::Error;

use crate::disk::Disk;
use crate::frame::Kind;
use crate::log::{Batch, Log};
use crate::port::Entry;
use crate::recovery::{self, OpenError};
use crate::segment::{Header, Span, UNFINISHED};

/// Why nothing was dropped.
#[derive(Debug, Error)]
pub enum CompactError {
    /// What must be copied cannot be read back.
    #[error("cannot read the journal to compact it")]
    Read(#[from] OpenError),
    /// The new file cannot be written; the journal goes on as it was.
    #[error("cannot write the compacted journal")]
    Write(#[source] io::Error),
    /// A sync failed: what the disk holds is unknown.
    #[error("journal lost in compaction")]
    Lost(#[source] io::Error),
    /// Somebody else leads by now: what may go is his to say.
    #[error("fenced: the journal stands at {current}")]
    Fenced {
        /// The epoch that the journal stands at.
        current: transaction::Epoch,
    },
    /// The journal has ended.
    #[error("journal closed")]
    Closed,
}

/// A compaction under way. It reads closed files only, so that appends go on meanwhile.
pub(crate) struct Compaction {
    disk: Arc<dyn Disk>,
    from: Vec<Span>,
    header: Header,
}

impl Log {
    /// Closes the tail if it holds records and says what there is to compact.
    pub(crate) fn begin_compaction(&mut self) -> io::Result<Option<Compaction>> {
        if self.position >= self.tail.span.first {
            self.rotate()?;
        }
        let last = self.tail.span.first - 1;
        let header = Header {
            span: Span {
                first: 1,
                last: Some(last),
            },
            epoch: self.epoch,
        };
        let compaction = Compaction {
            disk: self.disk.clone(),
            from: self.older.clone(),
            header,
        };
        Ok((last > 0).then_some(compaction))
    }

    /// Takes the new file for the old ones, and these away.
    pub(crate) fn finish_compaction(&mut self, done: &Compaction) {
        let new = done.header.span;
        let (old, later) = self.older.iter().partition(|span| done.from.contains(span));
        self.older = later;
        self.older.insert(0, new);
        let old: Vec<Span> = old;
        for span in old.iter().filter(|span| **span != new) {
            if let Err(error) = self.disk.remove(&span.name()) {
                tracing::warn!(file = span.name(), %error, "a superseded journal file stays until the next start");
            }
        }
    }
}

impl Compaction {
    /// Writes the records that stay.
    pub(crate) fn run(&self, keep: &mut dyn FnMut(&Entry<Vec<u8>>) -> bool) -> Result<(), CompactError> {
        let (mut bytes, chain) = self.header.bytes();
        let mut batch = Batch {
            bytes: Vec::new(),
            chain,
            synced: 0,
        };
        for span in &self.from {
            for entry in recovery::records(self.disk.as_ref(), *span)?
                .into_iter()
                .filter(|entry| keep(entry))
            {
                batch.push(Kind::Record, entry.position.0, entry.epoch.0, &entry.record);
            }
        }
        batch.push(
            Kind::Seal,
            self.header.span.last.unwrap_or_default(),
            self.header.epoch,
            &[],
        );
        bytes.append(&mut batch.bytes);
        let name = self.header.span.name();
        let unfinished = name.clone() + UNFINISHED;
        let file = self.disk.open(&unfinished, true).map_err(CompactError::Write)?;
        file.write_at(0, &bytes).map_err(CompactError::Write)?;
        file.sync().map_err(CompactError::Lost)?;
        self.disk.rename(&unfinished, &name).map_err(CompactError::Write)?;
        self.disk.sync_names().map_err(CompactError::Lost)
    }
}

/// Compacts a log that nobody else writes to meanwhile.
pub fn compact(log: &mut Log, keep: &mut dyn FnMut(&Entry<Vec<u8>>) -> bool) -> Result<(), CompactError> {
    if let Some(compaction) = log.begin_compaction().map_err(CompactError::Lost)? {
        compaction.run(keep)?;
        log.finish_compaction(&compaction);
    }
    Ok(())
}
