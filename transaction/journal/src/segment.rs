//! One file of the journal: a header that says what it is, frames, and zeros up to where it was filled ahead.
//!
//! `00000000000000000001.log` is written from position 1 on; `00000000000000000001-00000000000000000500.log` is what a
//! compaction left of positions 1 to 500. A file is made under a `.tmp` name, synced and then renamed, so that a file
//! under its own name always has its whole header.

use crate::frame::{self, Frame, Kind, VERSION};

/// Bytes of a segment's header.
pub(crate) const HEADER: usize = 40;
const MAGIC: [u8; 8] = *b"ENTJRNL\n";
/// The end of the name of a file that is being made.
pub(crate) const UNFINISHED: &str = ".tmp";

/// Which positions a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    pub first: u64,
    /// Set in a compacted file: it stands for everything from `first` to here.
    pub last: Option<u64>,
}

impl Span {
    pub(crate) fn name(self) -> String {
        match self.last {
            None => format!("{:020}.log", self.first),
            Some(last) => format!("{:020}-{last:020}.log", self.first),
        }
    }

    pub(crate) fn of(name: &str) -> Option<Self> {
        let stem = name.strip_suffix(".log")?;
        let span = match stem.split_once('-') {
            None => Self {
                first: stem.parse().ok()?,
                last: None,
            },
            Some((first, last)) => Self {
                first: first.parse().ok()?,
                last: Some(last.parse().ok()?),
            },
        };
        (span.name() == name).then_some(span)
    }
}

/// What a file says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub span: Span,
    /// The highest epoch when it was begun.
    pub epoch: u64,
}

impl Header {
    /// Its bytes, and their checksum, which the first frame carries on.
    pub(crate) fn bytes(self) -> (Vec<u8>, u32) {
        let mut bytes = Vec::with_capacity(HEADER);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        for word in [self.span.first, self.span.last.unwrap_or(0), self.epoch] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        let checksum = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        (bytes, checksum)
    }
}

/// What the first bytes of a file turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    Ours(Header, u32),
    Newer(u32),
    Damaged,
}

/// Reads a header. Only mark and version are sure to stay where they are in later formats, so these are looked at first.
pub(crate) fn opening(bytes: &[u8]) -> Opening {
    let version = frame::u32_at(bytes, 8).filter(|_| bytes.starts_with(&MAGIC));
    match version {
        Some(version) if version > VERSION => Opening::Newer(version),
        Some(VERSION) => header(bytes).map_or(Opening::Damaged, |(header, checksum)| Opening::Ours(header, checksum)),
        Some(_) | None => Opening::Damaged,
    }
}

fn header(bytes: &[u8]) -> Option<(Header, u32)> {
    let checksum = frame::u32_at(bytes, HEADER - 4)?;
    if crc32fast::hash(&bytes[..HEADER - 4]) != checksum {
        return None;
    }
    let last = Some(frame::u64_at(bytes, 20)?).filter(|last| *last > 0);
    let span = Span {
        first: frame::u64_at(bytes, 12)?,
        last,
    };
    Some((
        Header {
            span,
            epoch: frame::u64_at(bytes, 28)?,
        },
        checksum,
    ))
}

/// The frames of one file, as far as they hold together.
pub(crate) struct Frames<'a> {
    bytes: &'a [u8],
    compacted: bool,
    /// Where the next frame would start.
    pub offset: usize,
    /// The checksum of the last frame, or of the header.
    pub chain: u32,
    /// The position of the last record, or the one before the first.
    pub position: u64,
    pub epoch: u64,
    /// Whether the last frame was a seal.
    pub sealed: bool,
}

impl<'a> Frames<'a> {
    pub(crate) fn new(bytes: &'a [u8], header: Header, checksum: u32) -> Self {
        let position = header.span.first.saturating_sub(1);
        let compacted = header.span.last.is_some();
        Self {
            bytes,
            compacted,
            offset: HEADER,
            chain: checksum,
            position,
            epoch: header.epoch,
            sealed: false,
        }
    }

    /// The bytes after the last frame that holds.
    pub(crate) fn rest(&self) -> &'a [u8] {
        &self.bytes[self.offset..]
    }

    fn follows(&self, frame: &Frame<'_>) -> bool {
        let place = match frame.head.kind {
            Kind::Record if self.compacted => frame.head.position > self.position,
            Kind::Record => frame.head.position == self.position + 1,
            Kind::Seal if self.compacted => frame.head.position >= self.position,
            Kind::Fence | Kind::Seal => frame.head.position == self.position,
        };
        place && frame.head.chain == self.chain
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Frame<'a>;

    fn next(&mut self) -> Option<Frame<'a>> {
        let frame = frame::read(self.rest()).filter(|frame| self.follows(frame))?;
        self.offset += frame.length();
        self.chain = frame.checksum;
        self.position = frame.head.position;
        self.epoch = self.epoch.max(frame.head.epoch);
        self.sealed = frame.head.kind == Kind::Seal;
        Some(frame)
    }
}
