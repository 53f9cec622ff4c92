//! The numbering of a stream: what was sent and not yet taken in by the other side, and what was taken in here.
//!
//! Pure: no clock, no socket. One ledger belongs to a session and outlives its streams.

use std::collections::VecDeque;

/// One side's account of a session that sends messages of type `M`.
#[derive(Debug)]
pub struct Ledger<M> {
    bound: usize,
    passing_bound: usize,
    last: u64,
    kept: VecDeque<M>,
    sent: usize,
    passing: VecDeque<M>,
    seen: u64,
}

/// What to make of the number of a message that came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// The next one, or one without a number: take it.
    Take,
    /// It was taken in before: drop it.
    Repeat,
    /// At least one is missing: the stream cannot go on.
    Gap,
}

/// No room: the other side is behind. The message comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Full<M>(pub M);

/// What the next message to send is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outgoing<M> {
    /// A message with its number.
    Numbered(u64, M),
    /// A message that may be lost.
    Passing(M),
}

impl<M: Clone> Ledger<M> {
    /// A new account that keeps at most `bound` numbered messages and `passing_bound` of those that may be lost.
    pub fn new(bound: usize, passing_bound: usize) -> Self {
        let (kept, passing) = (VecDeque::new(), VecDeque::new());
        Self {
            bound,
            passing_bound,
            last: 0,
            kept,
            sent: 0,
            passing,
            seen: 0,
        }
    }

    /// Numbers a message and keeps it until the other side has taken it in.
    pub fn offer(&mut self, message: M) -> Result<u64, Full<M>> {
        if self.kept.len() >= self.bound {
            return Err(Full(message));
        }
        self.last += 1;
        self.kept.push_back(message);
        Ok(self.last)
    }

    /// Queues a message that may be lost.
    pub fn pass(&mut self, message: M) -> Result<(), Full<M>> {
        if self.passing.len() >= self.passing_bound {
            return Err(Full(message));
        }
        self.passing.push_back(message);
        Ok(())
    }

    /// What to send next, numbered messages first; it counts as sent.
    pub fn take(&mut self) -> Option<Outgoing<M>> {
        if let Some(message) = self.kept.get(self.sent) {
            let number = self.first() + self.sent as u64;
            self.sent += 1;
            return Some(Outgoing::Numbered(number, message.clone()));
        }
        self.passing.pop_front().map(Outgoing::Passing)
    }

    /// The other side has taken in all numbers up to `seen`. A number never given is ignored.
    pub fn forget(&mut self, seen: u64) {
        if seen > self.last {
            return;
        }
        let gone = (seen + 1).saturating_sub(self.first()) as usize;
        self.kept.drain(..gone.min(self.kept.len()));
        self.sent = self.sent.saturating_sub(gone);
    }

    /// What to make of number `sequence` that came in. `Take` counts it as taken in.
    pub fn admit(&mut self, sequence: u64) -> Admission {
        match sequence {
            0 => Admission::Take,
            it if it <= self.seen => Admission::Repeat,
            it if it == self.seen + 1 => {
                self.seen = it;
                Admission::Take
            }
            _ => Admission::Gap,
        }
    }

    /// The highest number that was taken in here.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// How many numbered messages the other side has not taken in.
    pub fn waiting(&self) -> usize {
        self.kept.len()
    }

    /// Whether all that came after `seen` is still here, so that a new stream can go on from there.
    pub fn reaches(&self, seen: u64) -> bool {
        seen + 1 >= self.first() && seen <= self.last
    }

    /// Goes on over a new stream: what came after `seen` is sent again.
    pub fn resume(&mut self, seen: u64) {
        self.forget(seen);
        self.sent = 0;
        self.passing.clear();
    }

    /// Begins anew: both sides count from 1, and what was kept is dropped.
    pub fn restart(&mut self) {
        *self = Self::new(self.bound, self.passing_bound);
    }

    fn first(&self) -> u64 {
        self.last + 1 - self.kept.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_full_account_gives_the_message_back_and_an_acknowledgement_makes_room() {
        let mut ledger = Ledger::new(2, 1);
        assert_eq!(ledger.offer('a'), Ok(1));
        assert_eq!(ledger.offer('b'), Ok(2));
        assert_eq!(ledger.offer('c'), Err(Full('c')));
        ledger.forget(1);
        assert_eq!(ledger.offer('c'), Ok(3));
        assert_eq!(ledger.pass('x'), Ok(()));
        assert_eq!(ledger.pass('y'), Err(Full('y')));
    }

    #[test]
    fn an_acknowledgement_of_what_was_never_sent_changes_nothing() {
        let mut ledger = Ledger::new(2, 1);
        assert_eq!(ledger.offer('a'), Ok(1));
        ledger.forget(u64::MAX);
        assert_eq!(ledger.waiting(), 1);
        assert!(!ledger.reaches(7));
    }

    #[test]
    fn a_new_stream_sends_again_what_was_not_taken_in() {
        let mut ledger = Ledger::new(8, 1);
        for it in ['a', 'b', 'c'] {
            assert!(ledger.offer(it).is_ok());
            assert!(ledger.take().is_some());
        }
        assert!(ledger.reaches(1));
        ledger.resume(1);
        assert!(!ledger.reaches(0), "1 is forgotten");
        assert_eq!(ledger.take(), Some(Outgoing::Numbered(2, 'b')));
        assert_eq!(ledger.take(), Some(Outgoing::Numbered(3, 'c')));
        assert_eq!(ledger.take(), None);
    }

    #[test]
    fn repeats_are_dropped_and_gaps_are_seen() {
        let mut ledger = Ledger::<()>::new(1, 1);
        assert_eq!(ledger.admit(1), Admission::Take);
        assert_eq!(ledger.admit(1), Admission::Repeat);
        assert_eq!(ledger.admit(0), Admission::Take);
        assert_eq!(ledger.admit(3), Admission::Gap);
        assert_eq!(ledger.seen(), 1);
    }

    proptest! {
        /// Whatever is lost and whenever the stream breaks: everything arrives once, in order.
        #[test]
        fn everything_arrives_once_and_in_order(moves in prop::collection::vec(0u8..5, 0..300)) {
            let (mut sender, mut receiver) = (Ledger::new(4, 1), Ledger::<u32>::new(1, 1));
            let (mut offered, mut arrived, mut flight) = (0u32, Vec::new(), VecDeque::new());
            for it in moves.into_iter().chain([4, 1, 1, 1, 1, 2, 2, 2, 2]) {
                match it {
                    0 => if sender.offer(offered).is_ok() { offered += 1 },
                    1 => flight.extend(sender.take()),
                    2 => if let Some(Outgoing::Numbered(number, message)) = flight.pop_front() {
                        match receiver.admit(number) {
                            Admission::Take => arrived.push(message),
                            Admission::Repeat => {}
                            Admission::Gap => prop_assert!(false, "gap at {number}"),
                        }
                    },
                    3 => sender.forget(receiver.seen()),
                    _ => { flight.clear(); prop_assert!(sender.reaches(receiver.seen())); sender.resume(receiver.seen()) }
                }
            }
            prop_assert_eq!(arrived, (0..offered).collect::<Vec<_>>());
        }
    }
}
