//! What is told of a running transaction: a bounded history that a watcher resumes by number.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde::Serialize;
use tokio::sync::watch;
use transaction::{Epoch, TicketId, TransactionId};

use super::fault::{DeviceFault, Faults};

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
    /// What happened, in words: `stage done: configuration 33% complete`.
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
    /// The event that carries the ending: whoever follows hears it, however late he comes.
    over: OnceLock<Event>,
    last: watch::Sender<u64>,
    minded: Mutex<Vec<String>>,
    /// The transactions that ride this one: what is told of it is told of each.
    riders: Vec<(TransactionId, Arc<Track>)>,
    /// Whether devices may have been touched for it.
    begun: AtomicBool,
    /// What went wrong on its devices.
    faults: Faults,
}

impl Default for Track {
    fn default() -> Self {
        Self {
            events: Mutex::default(),
            over: OnceLock::new(),
            last: watch::Sender::new(0),
            minded: Mutex::default(),
            riders: Vec::new(),
            begun: AtomicBool::new(false),
            faults: Faults::default(),
        }
    }
}

impl Track {
    /// The history of a transaction that is led anew under this epoch: its numbers are above all that were told before.
    pub fn led_anew(epoch: Epoch) -> Self {
        Self {
            last: watch::Sender::new(epoch.told_above()),
            begun: AtomicBool::new(true), // nobody knows
            ..Self::default()
        }
    }

    /// The history of a transaction that others ride: each of them hears it, and how it ends is told to each by itself.
    pub fn carrying(self, riders: Vec<(TransactionId, Arc<Self>)>) -> Self {
        Self { riders, ..self }
    }

    /// It begins now, and all that ride it: from here on devices may be touched.
    pub fn begins(&self) {
        self.begun.store(true, Ordering::Release);
        self.riders.iter().for_each(|(_, rider)| rider.begins());
    }

    /// Whether devices may have been touched for it: not while it waits for them.
    pub fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Acquire)
    }

    /// The transactions that ride this one.
    pub fn riders(&self) -> Vec<TransactionId> {
        self.riders.iter().map(|(rider, _)| *rider).collect()
    }

    /// What admission knows a transaction by: itself, or any of those that ride it.
    pub fn ticket(&self, transaction: TransactionId) -> TicketId {
        TicketId(self.riders.first().map_or(transaction, |(rider, _)| *rider).0)
    }

    /// Who is told how a transaction ended: itself, or everyone that rides it.
    pub fn told(self: &Arc<Self>, transaction: TransactionId) -> Vec<(TransactionId, Arc<Self>)> {
        if self.riders.is_empty() {
            vec![(transaction, self.clone())]
        } else {
            self.riders.clone()
        }
    }

    /// The history of a transaction of which nothing but its ending is known any more.
    pub fn over(epoch: Epoch, state: &str, reason: &str) -> Self {
        let track = Self::led_anew(epoch);
        track.end(state, reason);
        track
    }

    /// Adds how it ended.
    pub fn end(&self, state: &str, reason: &str) {
        let text = if reason.is_empty() {
            state.to_owned()
        } else {
            format!("{state}: {reason}")
        };
        self.add(None, text, 100, Some(state.to_owned()));
    }

    /// Adds what happened and wakes who watches.
    pub fn add(&self, device: Option<String>, text: String, percent: u8, ending: Option<String>) {
        for (_, rider) in &self.riders {
            rider.add(device.clone(), text.clone(), percent, ending.clone());
        }
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let sequence = *self.last.borrow() + 1;
        if events.len() == KEPT {
            events.pop_front();
        }
        let event = Event {
            sequence,
            device,
            text,
            percent,
            ending,
        };
        if event.ending.is_some() {
            // Nothing ends twice.
            let _ = self.over.set(event.clone());
        }
        events.push_back(event);
        drop(events);
        self.last.send_replace(sequence);
    }

    /// Adds what an operator must hear of at the end too, each thing once.
    pub fn mind(&self, device: String, text: String) {
        let mut minded = self.minded.lock().unwrap_or_else(PoisonError::into_inner);
        let said = format!("{device}: {text}");
        if minded.len() < KEPT && !minded.contains(&said) {
            minded.push(said.clone());
            drop(minded);
            for (_, rider) in &self.riders {
                rider.keep_in_mind(said.clone());
            }
            self.note(Some(device), text);
        }
    }

    /// What is told at the end alone: whoever tells it to all tells it in passing himself.
    fn keep_in_mind(&self, said: String) {
        self.minded.lock().unwrap_or_else(PoisonError::into_inner).push(said);
    }

    /// What an operator must hear of at the end.
    pub fn minded(&self) -> Vec<String> {
        self.minded.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Adds what went wrong on a device.
    pub fn fault(&self, fault: DeviceFault) {
        for (_, rider) in &self.riders {
            rider.fault(fault.clone());
        }
        self.faults.add(fault);
    }

    /// What went wrong on its devices so far: of each step the last.
    pub fn faults(&self) -> Vec<DeviceFault> {
        self.faults.all()
    }

    /// Adds what happened while the whole stands still.
    pub fn note(&self, device: Option<String>, text: String) {
        let percent = {
            let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
            events.back().map_or(0, |event| event.percent)
        };
        self.add(device, text, percent, None);
    }

    /// What happened after `sequence`, at once or as soon as something does. Of what is over the ending is told again
    /// to who asks for more: a follower always hears it.
    pub async fn after(&self, sequence: u64) -> Vec<Event> {
        let mut last = self.last.subscribe();
        let news = |last: &u64| *last > sequence || self.over.get().is_some();
        // The sender lives as long as this track, so that the wait ends only by news.
        let _ = last.wait_for(news).await;
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        // Numbers go up by one, so that what was seen need not be looked through again.
        let first = events.front().map_or(0, |event| event.sequence);
        let seen = usize::try_from(sequence.saturating_add(1).saturating_sub(first)).unwrap_or(usize::MAX);
        let news: Vec<Event> = events.iter().skip(seen).cloned().collect();
        match self.over.get() {
            Some(over) if news.is_empty() => vec![over.clone()],
            Some(_) | None => news,
        }
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
    async fn who_comes_after_the_end_hears_it() {
        let track = Track::default();
        track.note(None, "moves on".to_owned());
        track.end("rolled-back", "r1: no");
        track.note(Some("r1".to_owned()), "says something more".to_owned());
        for since in [0, 1, 2, 3, 99, u64::MAX] {
            let events = track.after(since).await;
            let heard = events
                .iter()
                .any(|event| event.ending.as_deref() == Some("rolled-back"));
            assert!(heard || since == 2, "after {since}: {events:?}");
        }
        let late = Track::over(Epoch(3), "committed", "").after(7).await;
        assert_eq!(
            (late[0].text.as_str(), late[0].ending.as_deref()),
            ("committed", Some("committed"))
        );
    }

    #[tokio::test]
    async fn what_is_told_of_a_carrier_is_told_of_everyone_that_rides_it() {
        let riders: Vec<_> = (1..=2).map(|it| (TransactionId(it), Arc::<Track>::default())).collect();
        riders[1].1.note(None, "waits".to_owned());
        let carrier = Arc::new(Track::default().carrying(riders.clone()));
        carrier.add(None, "moves on".to_owned(), 33, None);
        carrier.mind("r1".to_owned(), "somebody else wrote there".to_owned());
        let told = carrier.told(TransactionId(9));
        assert_eq!(told.iter().map(|it| it.0).collect::<Vec<_>>(), carrier.riders());
        for (at, (_, rider)) in told.iter().enumerate() {
            let told = rider.after(at as u64).await;
            let words: Vec<&str> = told.iter().map(|it| it.text.as_str()).collect();
            assert_eq!(words, ["moves on", "somebody else wrote there"]);
            assert_eq!(rider.minded(), ["r1: somebody else wrote there"]);
        }
        assert!(!riders[0].1.has_begun() && Track::over(Epoch(1), "committed", "").has_begun());
        carrier.begins();
        assert!(riders[0].1.has_begun() && riders[1].1.has_begun());
        let alone = Arc::new(Track::default());
        assert_eq!(alone.told(TransactionId(9))[0].0, TransactionId(9));
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
