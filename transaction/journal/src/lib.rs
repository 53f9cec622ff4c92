//! The durable record of decisions.
//!
//! [`Journal`] is the port: records go in under an epoch, and a position comes back once they are on the disk.
//! [`FileJournal`] keeps it in a directory of append-only segments: one committer syncs once for all who wait, a torn
//! tail is cut at the first frame that is not whole, and anything else that does not check is refused, never repaired.
//!
//! What a caller may rely on:
//!
//! - a position is answered only after the record, and every record before it, is synced;
//! - opening gives back a prefix of what was appended that holds at least every answered record, in order, unaltered;
//! - after a failed write or sync nothing is answered again: by default the process ends.

mod committer;
mod compaction;
mod disk;
mod frame;
mod log;
mod port;
mod recovery;
mod segment;

pub use committer::{FileJournal, OnLost, Options, end_process};
pub use compaction::{CompactError, compact};
pub use disk::{Directory, Disk, DiskFile};
pub use frame::{LIMIT, VERSION};
pub use log::{Append, Log};
pub use port::{AppendError, DecodeError, Entry, Journal, Json, Keep, Position, Record};
pub use recovery::{OpenError, Recovered, Torn};
pub use transaction::Epoch;
