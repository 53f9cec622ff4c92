//! The log itself, without threads: a batch becomes one write and one sync.

use std::io;
use std::sync::Arc;
use transaction::Epoch;

use crate::disk::{Disk, DiskFile};
use crate::frame::{self, HEAD, Head, Kind, LIMIT};
use crate::port::{AppendError, Position};
use crate::segment::{Header, Span, UNFINISHED};

/// The file is filled with zeros this far ahead, so that a sync has no new length to write.
const FILL: u64 = 256 * 1024;

/// The records of one call, in their bytes.
#[derive(Debug, Clone)]
pub struct Append {
    /// Under which epoch.
    pub epoch: Epoch,
    /// One per record.
    pub payloads: Vec<Vec<u8>>,
}

impl Append {
    /// About how many bytes it takes in the file.
    pub(crate) fn length(&self) -> usize {
        self.payloads.iter().map(|payload| HEAD + payload.len()).sum()
    }
}

/// The file that is written to.
pub(crate) struct Tail {
    pub file: Box<dyn DiskFile>,
    pub span: Span,
    /// Where the next frame goes. Everything before it is synced.
    pub offset: u64,
    /// How long the file is; zeros from `offset` on.
    pub filled: u64,
    pub chain: u32,
}

/// An open journal. After an error of any of its calls it must not be used again.
pub struct Log {
    pub(crate) disk: Arc<dyn Disk>,
    /// The files before the tail, oldest first.
    pub(crate) older: Vec<Span>,
    pub(crate) tail: Tail,
    pub(crate) position: u64,
    pub(crate) epoch: u64,
    pub(crate) segment_bytes: u64,
}

impl Log {
    /// Makes the appends durable with one sync, and answers each. A fenced or too long one leaves no trace.
    ///
    /// An error says that nothing is known of any of them.
    pub fn write(&mut self, appends: &[Append]) -> io::Result<Vec<Result<Position, AppendError>>> {
        if self.tail.offset >= self.segment_bytes && self.position >= self.tail.span.first {
            self.rotate()?;
        }
        let mut batch = Batch {
            bytes: Vec::new(),
            chain: self.tail.chain,
            synced: self.tail.offset,
        };
        let answers = appends.iter().map(|append| self.frame(append, &mut batch)).collect();
        self.put(batch)?;
        Ok(answers)
    }

    /// Says in the file that all of it is synced, so that damage to its end cannot pass for a torn one.
    pub fn seal(&mut self) -> io::Result<()> {
        let mut batch = Batch {
            bytes: Vec::new(),
            chain: self.tail.chain,
            synced: self.tail.offset,
        };
        batch.push(Kind::Seal, self.position, self.epoch, &[]);
        self.put(batch)
    }

    /// Where the last record stands.
    #[must_use]
    pub fn position(&self) -> Position {
        Position(self.position)
    }

    /// The highest epoch that wrote.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        Epoch(self.epoch)
    }

    fn frame(&mut self, append: &Append, batch: &mut Batch) -> Result<Position, AppendError> {
        if append.epoch.0 < self.epoch {
            return Err(AppendError::Fenced {
                current: Epoch(self.epoch),
            });
        }
        if let Some(payload) = append.payloads.iter().find(|payload| payload.len() > LIMIT) {
            return Err(AppendError::TooLarge {
                bytes: payload.len(),
                limit: LIMIT,
            });
        }
        if append.payloads.is_empty() && append.epoch.0 > self.epoch {
            batch.push(Kind::Fence, self.position, append.epoch.0, &[]);
        }
        self.epoch = append.epoch.0;
        for payload in &append.payloads {
            self.position += 1;
            batch.push(Kind::Record, self.position, self.epoch, payload);
        }
        Ok(Position(self.position))
    }

    fn put(&mut self, mut batch: Batch) -> io::Result<()> {
        if batch.bytes.is_empty() {
            return Ok(());
        }
        let end = self.tail.offset + batch.bytes.len() as u64;
        if end > self.tail.filled {
            self.tail.filled = end.next_multiple_of(FILL.min(self.segment_bytes.max(1)));
            batch.bytes.resize((self.tail.filled - self.tail.offset) as usize, 0);
        }
        self.tail.file.write_at(self.tail.offset, &batch.bytes)?;
        self.tail.file.sync()?;
        (self.tail.offset, self.tail.chain) = (end, batch.chain);
        Ok(())
    }

    /// Ends the tail with a seal and begins the next file.
    pub(crate) fn rotate(&mut self) -> io::Result<()> {
        self.seal()?;
        let span = Span {
            first: self.position + 1,
            last: None,
        };
        let tail = begin(
            self.disk.as_ref(),
            Header {
                span,
                epoch: self.epoch,
            },
        )?;
        self.older.push(std::mem::replace(&mut self.tail, tail).span);
        Ok(())
    }
}

/// Makes a new file to write to, durable with its name before it is used.
pub(crate) fn begin(disk: &dyn Disk, header: Header) -> io::Result<Tail> {
    let (bytes, chain) = header.bytes();
    let name = header.span.name();
    let unfinished = name.clone() + UNFINISHED;
    let file = disk.open(&unfinished, true)?;
    file.write_at(0, &bytes)?;
    file.sync()?;
    disk.rename(&unfinished, &name)?;
    disk.sync_names()?;
    let length = bytes.len() as u64;
    Ok(Tail {
        file,
        span: header.span,
        offset: length,
        filled: length,
        chain,
    })
}

/// Frames that go to the disk together.
pub(crate) struct Batch {
    pub bytes: Vec<u8>,
    pub chain: u32,
    pub synced: u64,
}

impl Batch {
    pub(crate) fn push(&mut self, kind: Kind, position: u64, epoch: u64, payload: &[u8]) {
        let head = Head {
            kind,
            chain: self.chain,
            position,
            epoch,
            synced: self.synced,
        };
        self.chain = frame::write(&mut self.bytes, head, payload);
    }
}
