//! Where what is told of a transaction is found: for as long as anybody still has something to add to it.
//!
//! A transaction that runs no longer has its ending kept before it is told. Whoever asks meanwhile finds it here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use transaction::TransactionId;

use super::track::Track;

/// The tracks of all transactions that somebody holds one of: who waits, runs, settles, or was told lately.
#[derive(Debug, Default)]
pub(super) struct Tracks(Mutex<HashMap<TransactionId, Weak<Track>>>);

impl Tracks {
    /// What is told of a transaction.
    pub(super) fn of(&self, transaction: TransactionId) -> Option<Arc<Track>> {
        let tracks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tracks.get(&transaction)?.upgrade()
    }

    /// From now on this is told of it. What nobody holds any longer is forgotten.
    pub(super) fn put(&self, transaction: TransactionId, track: &Arc<Track>) {
        let mut tracks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tracks.retain(|_, track| track.strong_count() > 0);
        tracks.insert(transaction, Arc::downgrade(track));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_track_is_found_for_as_long_as_somebody_holds_it() {
        let (tracks, track) = (Tracks::default(), Arc::new(Track::default()));
        tracks.put(TransactionId(1), &track);
        assert!(
            tracks
                .of(TransactionId(1))
                .is_some_and(|found| Arc::ptr_eq(&found, &track))
        );
        drop(track);
        assert!(tracks.of(TransactionId(1)).is_none());
        tracks.put(TransactionId(2), &Arc::default());
        assert_eq!(tracks.0.lock().unwrap().len(), 1, "who is gone takes no room");
    }
}
