//! One frame: a head that checks itself and names its place, then the bytes of a record.
//!
//! Each frame carries the checksum of the one before it, so that a frame lost, doubled or moved is noticed, and the
//! place up to which its file was synced when it was written: a broken frame below that is damage, above it is the torn
//! end of a crash.

/// The format that this program writes. A journal with a higher one is refused untouched.
pub const VERSION: u32 = 1;
/// The longest record.
pub const LIMIT: usize = 16 * 1024 * 1024;
/// Bytes of a frame's head.
pub(crate) const HEAD: usize = 44;
/// No UTF-8 text contains it, so that a search for frames does not stop inside a record of text.
const MARK: [u8; 4] = [0xF8, b'E', b'J', 0xFF];

/// What a frame is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Carries a record, at the next position.
    Record,
    /// Raises the epoch.
    Fence,
    /// Says that everything before it is synced.
    Seal,
}

impl Kind {
    fn code(self) -> u32 {
        match self {
            Self::Record => 1,
            Self::Fence => 2,
            Self::Seal => 3,
        }
    }

    fn of(code: u32) -> Option<Self> {
        [Self::Record, Self::Fence, Self::Seal]
            .into_iter()
            .find(|kind| kind.code() == code)
    }
}

/// A frame without its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub kind: Kind,
    /// The checksum of the frame before it.
    pub chain: u32,
    /// Of its record, or of the last record before it.
    pub position: u64,
    pub epoch: u64,
    /// Every byte of its file before this offset was synced before this frame was written.
    pub synced: u64,
}

/// A frame as it was found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame<'a> {
    pub head: Head,
    pub payload: &'a [u8],
    pub checksum: u32,
}

impl Frame<'_> {
    /// How many bytes it takes.
    pub(crate) fn length(&self) -> usize {
        HEAD + self.payload.len()
    }
}

/// Appends a frame and gives its checksum.
pub(crate) fn write(bytes: &mut Vec<u8>, head: Head, payload: &[u8]) -> u32 {
    let start = bytes.len();
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX); // the log takes nothing longer than LIMIT
    bytes.extend_from_slice(&MARK);
    bytes.extend_from_slice(&[0; 4]);
    for word in [length, head.kind.code(), head.chain] {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    for word in [head.position, head.epoch, head.synced] {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    bytes.extend_from_slice(payload);
    let checksum = crc32fast::hash(&bytes[start + 8..]);
    bytes[start + 4..start + 8].copy_from_slice(&checksum.to_le_bytes());
    checksum
}

/// Reads the frame that starts `bytes`, if it is whole.
pub(crate) fn read(bytes: &[u8]) -> Option<Frame<'_>> {
    if !bytes.starts_with(&MARK) || bytes.len() < HEAD {
        return None;
    }
    let checksum = u32_at(bytes, 4)?;
    let length = usize::try_from(u32_at(bytes, 8)?).ok().filter(|it| *it <= LIMIT)?;
    let payload = bytes.get(HEAD..HEAD + length)?;
    if crc32fast::hash(&bytes[8..HEAD + length]) != checksum {
        return None;
    }
    let head = Head {
        kind: Kind::of(u32_at(bytes, 12)?)?,
        chain: u32_at(bytes, 16)?,
        position: u64_at(bytes, 20)?,
        epoch: u64_at(bytes, 28)?,
        synced: u64_at(bytes, 36)?,
    };
    Some(Frame {
        head,
        payload,
        checksum,
    })
}

/// The furthest offset that any whole frame in `bytes`, wherever it starts, says was synced.
pub(crate) fn furthest_synced(bytes: &[u8]) -> Option<u64> {
    let starts = (0..bytes.len().saturating_sub(HEAD - 1)).filter(|at| bytes[*at] == MARK[0]);
    starts
        .filter_map(|at| read(&bytes[at..]))
        .map(|frame| frame.head.synced)
        .max()
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes)
}
