//! Where transactions are before they run: announced, waiting for their devices, or riding another one.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use transaction::{Charge, DeviceId, TicketId, TransactionId};

use super::change::Change;
use super::track::Track;

/// One that does not run by itself yet.
#[derive(Debug)]
pub struct Waiting {
    /// What it is charged with; nothing before it is submitted.
    pub charge: Option<Charge<Change>>,
    /// What is told of it.
    pub track: Arc<Track>,
    /// The caller withdrew it: it does not begin any more, whatever admission says meanwhile.
    pub withdrawn: bool,
    /// The transaction that carries it now, together with others.
    pub carrier: Option<TransactionId>,
}

/// Where whoever asks finds one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Not submitted yet.
    Announced,
    /// Submitted, and not admitted yet as far as is known here.
    Waits,
    /// It rides this transaction.
    Rides(TransactionId),
}

/// All of them.
#[derive(Debug, Clone, Default)]
pub struct Room(Arc<Mutex<HashMap<TicketId, Waiting>>>);

impl Room {
    /// The room, for as long as what comes back is held.
    pub fn all(&self) -> MutexGuard<'_, HashMap<TicketId, Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It will be submitted: from now on it can be withdrawn.
    pub fn announce(&self, ticket: TicketId, track: &Arc<Track>) {
        let waiting = Waiting {
            charge: None,
            track: track.clone(),
            withdrawn: false,
            carrier: None,
        };
        self.all().insert(ticket, waiting);
    }

    /// It is submitted now; false where it was withdrawn meanwhile.
    pub fn submit(&self, ticket: TicketId, charge: Charge<Change>, track: Arc<Track>) -> bool {
        let mut all = self.all();
        let waiting = all.entry(ticket).or_insert(Waiting {
            charge: None,
            track,
            withdrawn: false,
            carrier: None,
        });
        waiting.charge = Some(charge);
        !waiting.withdrawn
    }

    /// It is withdrawn; where it was found, if it was.
    pub fn withdraw(&self, ticket: TicketId) -> Option<Place> {
        let mut all = self.all();
        let waiting = all.get_mut(&ticket)?;
        waiting.withdrawn = true;
        Some(match (waiting.carrier, &waiting.charge) {
            (Some(carrier), _) => Place::Rides(carrier),
            (None, Some(_)) => Place::Waits,
            (None, None) => Place::Announced,
        })
    }

    /// Those that are to change one of these devices.
    pub fn of(&self, devices: &BTreeSet<DeviceId>) -> Vec<TransactionId> {
        let concerned = |it: &Waiting| {
            let mut members = it.charge.iter().flat_map(|charge| &charge.members);
            members.any(|member| devices.contains(&member.device))
        };
        let all = self.all();
        let of_them = all.iter().filter(|(_, it)| concerned(it));
        of_them.map(|(ticket, _)| TransactionId(ticket.0)).collect()
    }

    /// What carried these was rolled back: they wait again, each for itself. False where none of them is here, as after a
    /// restart.
    pub fn part(&self, riders: &[TransactionId]) -> bool {
        let mut all = self.all();
        let mut some = false;
        for rider in riders {
            if let Some(waiting) = all.get_mut(&TicketId(rider.0)) {
                waiting.carrier = None;
                some = true;
            }
        }
        some
    }

    /// What carried these is over, and so are they.
    pub fn leave(&self, riders: &[TransactionId]) {
        let mut all = self.all();
        for rider in riders {
            all.remove(&TicketId(rider.0));
        }
    }

    /// How many wait, not counting those that ride another.
    pub fn count(&self) -> usize {
        self.all().values().filter(|it| it.carrier.is_none()).count()
    }
}
