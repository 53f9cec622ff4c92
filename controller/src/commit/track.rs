//! What is told of a running transaction: a bounded history that a watcher resumes by number.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use tokio::sync::watch;
use transaction::Epoch;

/// How many events of one transaction are kept.
const KEPT: usize = 4096;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Event {
    /// Counts from 1 upwards, by one each time; where the controller was restarted, or another took over, it goes on far
    /// above what was told before, so that whoever watches resumes after the last number that he saw.
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
    /// The history of a transaction that is led anew under this epoch: its numbers are above all that were told before.
    pub fn led_anew(epoch: Epoch) -> Self {
        Self {
            last: watch::Sender::new(epoch.0 << 32),
            ..Self::default()
        }
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(events: &[Event]) -> Vec<u64> {
        events.iter().map(|it| it.sequence).collect()
    }

    #[tokio::test]
    async fn a_watcher_resumes_after_the_last_number_that_he_saw() {
        let track = Track::default();
        for percent in 0..5 {
            track.add(None, "moves on".to_owned(), percent, None);
        }
        assert_eq!(numbers(&track.after(0).await), [1, 2, 3, 4, 5]);
        assert_eq!(numbers(&track.after(3).await), [4, 5]);
    }

    #[tokio::test]
    async fn who_is_led_anew_is_told_above_everything_that_was_told_before() {
        let mut seen = 0;
        for epoch in [0, 1, 2, 7] {
            let track = if epoch == 0 {
                Track::default()
            } else {
                Track::led_anew(Epoch(epoch))
            };
            for _ in 0..3 {
                track.note(None, "moves on".to_owned());
            }
            let events = track.after(seen).await;
            assert_eq!(events.len(), 3, "nothing that is new is missed after {seen}");
            assert!(numbers(&events).windows(2).all(|it| it[1] == it[0] + 1));
            seen = events[2].sequence;
        }
    }
}
