//! Opening: what is in the directory is read whole and checked before anything in it is touched.

use std::io;
use std::sync::Arc;

use thiserror::Error;
use transaction::Epoch;

use crate::disk::Disk;
use crate::frame::{self, Kind, VERSION};
use crate::log::{self, Log, Tail};
use crate::port::{Entry, Position};
use crate::segment::{self, Frames, Header, Opening, Span, UNFINISHED};

/// Why a journal does not open. Nothing was changed.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("journal {path} is held by another process")]
    Locked {
        /// The directory.
        path: String,
    },
    /// A newer program wrote it.
    #[error("journal file {file} has format {version}, this program reads up to {VERSION}")]
    Newer {
        /// The file.
        file: String,
        /// Its format.
        version: u32,
    },
    /// What was once synced is no longer there as it was written.
    #[error("journal file {file} is damaged at byte {offset}")]
    Damaged {
        /// The file.
        file: String,
        /// Where the first broken frame starts.
        offset: u64,
    },
    /// A file is gone.
    #[error("journal has no file that goes on after position {after}")]
    Missing {
        /// The last position before the gap.
        after: u64,
    },
    /// A record is whole but is not one that this program reads.
    #[error("journal record {position} cannot be read")]
    Unreadable {
        /// Which one.
        position: Position,
        /// Why.
        source: crate::port::DecodeError,
    },
    /// The file system said no.
    #[error("cannot open journal")]
    Io(#[from] io::Error),
}

/// The end of a journal that was being written when its process or machine stopped; it was cut off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Torn {
    /// The file.
    pub file: String,
    /// From where.
    pub offset: u64,
}

/// What an opened journal holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered<R> {
    /// All records, in order, each of them durable.
    pub entries: Vec<Entry<R>>,
    /// The highest epoch that wrote.
    pub epoch: Epoch,
    /// Set when an unfinished end was cut off.
    pub torn: Option<Torn>,
}

/// One file with its content.
struct Found {
    header: Header,
    checksum: u32,
    bytes: Vec<u8>,
}

/// What the files say together.
#[derive(Default)]
struct Reading {
    entries: Vec<Entry<Vec<u8>>>,
    position: u64,
    epoch: u64,
    kept: Vec<Span>,
    superseded: Vec<Span>,
    /// Offset, length and checksum of the end of the last file.
    end: Option<(u64, u64, u32)>,
    torn: Option<Torn>,
}

impl Log {
    /// Opens what is on the disk, or begins a journal on an empty one.
    ///
    /// All that it answers with is durable, also what the last process had written without waiting for its sync.
    pub fn open(disk: Arc<dyn Disk>, segment_bytes: u64) -> Result<(Self, Recovered<Vec<u8>>), OpenError> {
        let names = disk.names()?;
        let reading = check(find(disk.as_ref(), &names)?)?;
        let unfinished = |name: &&String| name.strip_suffix(UNFINISHED).and_then(Span::of).is_some();
        names.iter().filter(unfinished).try_for_each(|name| disk.remove(name))?;
        let tail = settle(disk.as_ref(), &reading)?;
        disk.sync_names()?; // before an old file goes, the name of the one that stands for it must stay
        reading
            .superseded
            .iter()
            .try_for_each(|span| disk.remove(&span.name()))?;
        let Reading {
            entries,
            position,
            epoch,
            mut kept,
            torn,
            ..
        } = reading;
        kept.pop();
        let log = Self {
            disk,
            older: kept,
            tail,
            position,
            epoch,
            segment_bytes,
        };
        Ok((
            log,
            Recovered {
                entries,
                epoch: Epoch(epoch),
                torn,
            },
        ))
    }
}

fn find(disk: &dyn Disk, names: &[String]) -> Result<Vec<Found>, OpenError> {
    let mut found = Vec::new();
    for name in names {
        let Some(span) = Span::of(name) else { continue };
        let bytes = disk.read(name)?;
        match segment::opening(&bytes) {
            Opening::Newer(version) => {
                return Err(OpenError::Newer {
                    file: name.clone(),
                    version,
                });
            }
            Opening::Ours(header, checksum) if header.span == span => found.push(Found {
                header,
                checksum,
                bytes,
            }),
            Opening::Ours(..) | Opening::Damaged => return Err(damaged(span, 0)),
        }
    }
    // of two that begin alike the compacted, and of these the further reaching, stands for the other
    found.sort_by_key(|it| (it.header.span.first, std::cmp::Reverse(it.header.span.last)));
    Ok(found)
}

fn check(found: Vec<Found>) -> Result<Reading, OpenError> {
    let mut reading = Reading::default();
    let last = found.iter().map(|it| it.header.span.first).max();
    for Found {
        header,
        checksum,
        bytes,
    } in found
    {
        let span = header.span;
        if span.first <= reading.position {
            reading.superseded.push(span);
            continue;
        }
        if span.first > reading.position + 1 {
            return Err(OpenError::Missing {
                after: reading.position,
            });
        }
        let mut frames = Frames::new(&bytes, header, checksum);
        for frame in frames.by_ref().filter(|frame| frame.head.kind == Kind::Record) {
            let (position, epoch) = (Position(frame.head.position), Epoch(frame.head.epoch));
            reading.entries.push(Entry {
                position,
                epoch,
                record: frame.payload.to_vec(),
            });
        }
        let offset = frames.offset as u64;
        let clean = frames.rest().iter().all(|byte| *byte == 0);
        if Some(span.first) == last && span.last.is_none() {
            let beyond = frame::furthest_synced(frames.rest()).is_some_and(|synced| synced > offset);
            if beyond {
                return Err(damaged(span, offset));
            }
            reading.torn = (!clean).then(|| Torn {
                file: span.name(),
                offset,
            });
            reading.end = Some((offset, if clean { bytes.len() as u64 } else { offset }, frames.chain));
        } else if !clean || !frames.sealed || span.last.is_some_and(|last| last != frames.position) {
            return Err(damaged(span, offset));
        }
        (reading.position, reading.epoch) = (frames.position, reading.epoch.max(frames.epoch));
        reading.kept.push(span);
    }
    Ok(reading)
}

/// Cuts a torn end and makes durable what is left, or begins the first file.
fn settle(disk: &dyn Disk, reading: &Reading) -> Result<Tail, OpenError> {
    let Some(span) = reading.kept.last().copied() else {
        return Ok(log::begin(
            disk,
            Header {
                span: Span { first: 1, last: None },
                epoch: 0,
            },
        )?);
    };
    let (offset, filled, chain) = reading.end.ok_or(OpenError::Missing {
        after: reading.position,
    })?;
    let file = disk.open(&span.name(), false)?;
    if reading.torn.is_some() {
        file.resize(offset)?;
    }
    file.sync()?;
    Ok(Tail {
        file,
        span,
        offset,
        filled,
        chain,
    })
}

fn damaged(span: Span, offset: u64) -> OpenError {
    OpenError::Damaged {
        file: span.name(),
        offset,
    }
}

/// The records of a file that was closed whole.
pub(crate) fn records(disk: &dyn Disk, span: Span) -> Result<Vec<Entry<Vec<u8>>>, OpenError> {
    let names = [span.name()];
    let Some(Found {
        header,
        checksum,
        bytes,
    }) = find(disk, &names)?.pop()
    else {
        return Err(OpenError::Missing { after: span.first });
    };
    let mut frames = Frames::new(&bytes, header, checksum);
    let records = frames
        .by_ref()
        .filter(|frame| frame.head.kind == Kind::Record)
        .map(|frame| Entry {
            position: Position(frame.head.position),
            epoch: Epoch(frame.head.epoch),
            record: frame.payload.to_vec(),
        })
        .collect();
    if frames.sealed {
        Ok(records)
    } else {
        Err(damaged(span, frames.offset as u64))
    }
}
