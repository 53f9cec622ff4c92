//! What is told of a running transaction: a bounded history that a watcher resumes by number.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use tokio::sync::watch;

/// How many events of one transaction are kept.
const KEPT: usize = 4096;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Event {
    /// Counts from 1 within a transaction.
    pub sequence: u64,
    /// The device it is about, none for the transaction as a whole.
    pub device: Option<String>,
    /// What happened, in words: `configuration 30% complete`.
    pub text: String,
    /// How far the whole transaction is, 0 to 100.
    pub percent: u8,
    /// `committed`, `rolled-back` or `torn` on the last event, else nothing.
    pub ending: Option<String>,
}

/// The history of one transaction.
#[derive(Debug)]
pub struct Track {
    events: Mutex<VecDeque<Event>>,
    last: watch::Sender<u64>,
    minded: Mutex<Vec<String>>,
}

impl Default for Track {
    fn default() -> Self {
        Self {
            events: Mutex::default(),
            last: watch::Sender::new(0),
            minded: Mutex::default(),
        }
    }
}

impl Track {
    /// Adds what happened and wakes who watches.
    pub fn add(&self, device: Option<String>, text: String, percent: u8, ending: Option<String>) {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let sequence = *self.last.borrow() + 1;
        if events.len() == KEPT {
            events.pop_front();
        }
        events.push_back(Event {
            sequence,
            device,
            text,
            percent,
            ending,
        });
        drop(events);
        self.last.send_replace(sequence);
    }

    /// Adds what an operator must hear of at the end too, each thing once.
    pub fn mind(&self, device: String, text: String) {
        let mut minded = self.minded.lock().unwrap_or_else(PoisonError::into_inner);
        let said = format!("{device}: {text}");
        if minded.len() < KEPT && !minded.contains(&said) {
            minded.push(said);
            drop(minded);
            self.note(Some(device), text);
        }
    }

    /// What an operator must hear of at the end.
    pub fn minded(&self) -> Vec<String> {
        self.minded.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Adds what happened while the whole stands still.
    pub fn note(&self, device: Option<String>, text: String) {
        let percent = {
            let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
            events.back().map_or(0, |event| event.percent)
        };
        self.add(device, text, percent, None);
    }

    /// What happened after `sequence`, at once or as soon as something does.
    pub async fn after(&self, sequence: u64) -> Vec<Event> {
        let mut last = self.last.subscribe();
        // The sender lives as long as this track, so that the wait ends only by news.
        let _ = last.wait_for(|last| *last > sequence).await;
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events
            .iter()
            .filter(|event| event.sequence > sequence)
            .cloned()
            .collect()
    }
}
