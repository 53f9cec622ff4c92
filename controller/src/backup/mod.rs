//! A backup: everything durable of a controller in one file, sealed with a passphrase, and the way back from it.
//!
//! The journal is taken before the store: every transaction of the journal then has its row. What the backup leaves
//! open is in doubt after a restore, see [`crate::commit::Restored`].

mod parts;
mod restore;
mod seal;
mod take;

pub use restore::{restore, restored};
pub use take::{SealedFile, take};

use serde::{Deserialize, Serialize};

/// The form of a backup that this program writes, and the highest that it reads.
pub const FORM: u32 = 1;

/// What a backup says of itself: its first part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The form of the backup.
    pub form: u32,
    /// The program that wrote it.
    pub program: String,
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// The epoch of the controller that it was taken from.
    pub epoch: u64,
    /// The form of the store in it.
    pub store: i64,
}

/// Why there is no backup, or nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file cannot be read or written.
    #[error("{act} {path}")]
    Disk {
        /// What was to be done.
        act: &'static str,
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file does not open with this passphrase, or is none of ours, or was altered or cut.
    #[error("the passphrase is wrong, or the file is no backup, or it is damaged")]
    Sealed,
    /// A newer program wrote it.
    #[error("the backup has form {found} and this program reads up to {FORM}: restore it with the newer program")]
    Newer {
        /// Its form.
        found: u32,
    },
    /// It does not hold what a backup holds.
    #[error("the backup makes no sense: {0}")]
    Nonsense(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
    /// The journal failed.
    #[error("read the journal")]
    Journal(#[from] transaction_journal::CompactError),
    /// The journal cannot be made.
    #[error("make the journal anew")]
    NewJournal(#[from] transaction_journal::OpenError),
    /// The journal cannot be written.
    #[error("write the journal anew")]
    Append(#[from] transaction_journal::AppendError),
    /// No random bytes, or no key.
    #[error("make a key of the passphrase")]
    Key,
}

/// The epoch of a restored controller: above everything that any controller has spoken in since the backup. The upper
/// half counts restores, by the clock and never back; the lower half counts starts.
pub fn raised(epoch: u64, now_seconds: u64) -> u64 {
    let (restored, started) = (epoch >> 32, epoch & u64::from(u32::MAX));
    // What was told is numbered from the sum of both: a restore lifts it above every start.
    let generation = (restored + started + 1).max(now_seconds);
    generation.min(u64::from(u32::MAX) >> 1) << 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restore_stands_above_whatever_was_started_since() {
        let first = raised(7, 1_800_000_000);
        assert!(first > 7 + u64::from(u32::MAX), "no number of starts reaches it");
        let again = raised(7, 1_800_000_001);
        assert!(
            again > first + 1_000_000,
            "a second restore of one backup stands above the first"
        );
        assert!(raised(again + 3, 0) > again + 3, "also with a clock that went back");
        assert!(
            i64::try_from(raised(7, u64::MAX)).is_ok(),
            "a database's integers hold it"
        );
    }
}
