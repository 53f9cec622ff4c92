//! Who is here: callers that still shake hands or are being served, and how many connections each holder has.

use crate::Name;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_util::sync::CancellationToken;

/// Callers that have a short business, whoever came first in front.
#[derive(Clone)]
pub(crate) struct Lobby {
    most: usize,
    present: Arc<Mutex<Present>>,
}

#[derive(Default)]
struct Present {
    count: u64,
    callers: BTreeMap<u64, CancellationToken>,
}

/// One caller's seat, free again when it is dropped.
pub(crate) struct Seat {
    /// Cancelled when somebody else is given the seat.
    pub(crate) gone: CancellationToken,
    number: u64,
    lobby: Lobby,
}

impl Lobby {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            present: Arc::default(),
        }
    }

    /// A seat for one more. Where there is none, whoever has sat longest goes: who means well is through in a moment.
    pub(crate) fn enter(&self) -> Seat {
        let mut present = self.lock();
        if present.callers.len() >= self.most
            && let Some((_, longest)) = present.callers.pop_first()
        {
            longest.cancel();
        }
        present.count += 1;
        let (number, gone) = (present.count, CancellationToken::new());
        present.callers.insert(number, gone.clone());
        drop(present);
        Seat {
            gone,
            number,
            lobby: self.clone(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Present> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.lobby.lock().callers.remove(&self.number);
    }
}

/// How many connections each holder of a certificate has.
#[derive(Debug, Clone, Default)]
pub struct Crowd(Arc<Mutex<HashMap<Name, usize>>>);

/// One connection among those of its holder.
pub(super) struct Place {
    holder: Name,
    crowd: Crowd,
}

/// One holder has as many connections as it may have.
#[derive(Debug, thiserror::Error)]
#[error("{holder} has {most} connections already")]
pub(super) struct Crowded {
    holder: Name,
    most: usize,
}

impl Crowd {
    pub(super) fn enter(&self, holder: &Name, most: usize) -> Result<Place, Crowded> {
        let mut counts = self.lock();
        let count = counts.entry(holder.clone()).or_default();
        if *count >= most {
            let holder = holder.clone();
            return Err(Crowded { holder, most });
        }
        *count += 1;
        drop(counts);
        Ok(Place {
            holder: holder.clone(),
            crowd: self.clone(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Name, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.crowd.lock();
        if let Some(count) = counts.get_mut(&self.holder) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.holder);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_taken_longest_makes_room() {
        let lobby = Lobby::new(2);
        let (first, second) = (lobby.enter(), lobby.enter());
        drop(first);
        let third = lobby.enter();
        assert!(!second.gone.is_cancelled() && !third.gone.is_cancelled());
        let fourth = lobby.enter();
        assert!(second.gone.is_cancelled() && !third.gone.is_cancelled() && !fourth.gone.is_cancelled());
        assert_eq!(lobby.lock().callers.len(), 2);
    }

    #[test]
    fn a_holder_has_so_many_connections_and_no_more() {
        let (crowd, holder) = (Crowd::default(), "edge-1".parse().expect("a name"));
        let one = crowd.enter(&holder, 2).expect("the first");
        let _two = crowd.enter(&holder, 2).expect("the second");
        assert!(crowd.enter(&holder, 2).is_err());
        assert!(crowd.enter(&"edge-2".parse().expect("a name"), 2).is_ok());
        drop(one);
        assert!(crowd.enter(&holder, 2).is_ok());
    }
}
