//! Where it dies, and what is safe then: the table as a function of where the change stands.

use adapters_port::{ChangeId, Guarantee, Keeper, Protocol, SessionError};
use std::time::{Duration, Instant};

/// Clocks differ and devices look at theirs when they come to it.
const MARGIN: Duration = Duration::from_secs(5);

/// How far a change has come, as far as can be known from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Nothing of it can be on the device.
    Nothing,
    /// It lies, or may lie, somewhere where a lock or a candidate keeps it.
    Staged,
    /// It is in effect, or may be, and the device will take it back by itself if nobody confirms.
    Pending {
        /// When the device does that at the latest; never known where it does it with the session.
        until: Option<Instant>,
    },
    /// It is in effect, or may be, and only we can take it back.
    Applied {
        /// From when on nothing more of it can arrive: what nobody answered may be on its way still.
        settled: Instant,
    },
}

/// Where a change stands, and over which protocol it got there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Situation {
    /// How far it has come.
    pub phase: Phase,
    /// Over which protocol; none before the first byte.
    pub protocol: Option<Protocol>,
    /// Which change; none before the first byte.
    pub change: Option<ChangeId>,
}

/// What somebody wants to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Look, and change nothing.
    Read,
    /// Stage it, from the beginning.
    Stage,
    /// Go on with what was staged or applied: apply, renew.
    Continue,
    /// Make it stay.
    Confirm,
    /// Take it back.
    Revert,
}

/// By what means: the protocol that has brought it this far, or another one?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// The same.
    Same,
    /// Another.
    Other,
}

/// May it be done?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    Yes,
    /// Yes, after reading back what is there and classifying it.
    AfterReading,
    /// Once it is proven that the old session is gone and the candidate clean.
    OnceClean,
    /// Not before this time, and then after reading.
    NotBefore(Instant),
    /// No.
    Never,
}

impl Situation {
    /// Before the first byte.
    pub fn new() -> Self {
        Self {
            phase: Phase::Nothing,
            protocol: None,
            change: None,
        }
    }

    /// A process before this one has begun a change over this protocol, and nobody knows how far it came.
    pub fn left_behind(protocol: Protocol) -> Self {
        Self {
            phase: Phase::Staged,
            protocol: Some(protocol),
            change: None,
        }
    }

    /// The first byte of a stage leaves over this protocol.
    pub fn staging(&mut self, change: ChangeId, protocol: Protocol) {
        *self = Self {
            phase: Phase::Staged,
            protocol: Some(protocol),
            change: Some(change),
        };
    }

    /// Is it this change that may be on the device?
    pub fn is_about(&self, change: ChangeId) -> bool {
        self.change == Some(change)
    }

    /// The first byte of an apply or a renewal leaves: from here on it may be in effect.
    pub fn applying(&mut self, guarantee: Guarantee, window: Duration, now: Instant) {
        self.phase = match guarantee.keeper() {
            Keeper::Device => Phase::Pending {
                until: Some(now + window + MARGIN),
            },
            Keeper::Session => Phase::Pending { until: None },
            Keeper::Agent => Phase::Applied { settled: now },
        };
    }

    /// An apply was given up at this time, and its session closed: it took effect by then, or a little later, or never.
    pub fn unanswered(&mut self, guarantee: Guarantee, window: Duration, now: Instant) {
        self.applying(guarantee, window, now);
        if let Phase::Applied { settled } = &mut self.phase {
            *settled = now + MARGIN;
        }
    }

    /// It ended: confirmed, reverted, or refused with nothing left behind.
    pub fn ended(&mut self) {
        *self = Self::new();
    }
}

impl Default for Situation {
    fn default() -> Self {
        Self::new()
    }
}

/// What is safe.
pub fn may(situation: &Situation, want: Want, means: Means, now: Instant) -> Verdict {
    match (situation.phase, want, means) {
        (_, Want::Read, _) | (Phase::Nothing, _, _) => Verdict::Yes,
        (Phase::Staged, _, Means::Same) => Verdict::Yes,
        // A half-dead session keeps its lock, and a shared candidate would be swept in.
        (Phase::Staged, Want::Stage | Want::Revert, Means::Other) => Verdict::OnceClean,
        (Phase::Staged, Want::Continue | Want::Confirm, Means::Other) => Verdict::Never,
        (Phase::Pending { .. } | Phase::Applied { .. }, Want::Stage, _) => Verdict::Never,
        (Phase::Pending { .. } | Phase::Applied { .. }, Want::Continue | Want::Confirm | Want::Revert, Means::Same) => {
            Verdict::Yes
        }
        (Phase::Pending { .. }, Want::Continue, Means::Other) => Verdict::Never,
        (Phase::Pending { until: Some(until) }, Want::Confirm | Want::Revert, Means::Other) if now < until => {
            Verdict::NotBefore(until)
        }
        (Phase::Pending { until: Some(_) }, Want::Confirm | Want::Revert, Means::Other) => Verdict::AfterReading,
        (Phase::Pending { until: None }, Want::Confirm | Want::Revert, Means::Other) => Verdict::OnceClean,
        (Phase::Applied { .. }, Want::Continue, Means::Other) => Verdict::Never,
        (Phase::Applied { settled }, Want::Confirm | Want::Revert, Means::Other) if now < settled => {
            Verdict::NotBefore(settled)
        }
        (Phase::Applied { .. }, Want::Confirm | Want::Revert, Means::Other) => Verdict::AfterReading,
    }
}

/// May a change begin, the next one or the same one again? `exclusive` is a session whose stage takes locks that every
/// session of the device respects: that it was let in is the proof that an earlier one is gone and left nothing.
pub fn may_begin(situation: &Situation, means: Means, exclusive: bool, now: Instant) -> bool {
    match (situation.phase, means) {
        (Phase::Nothing, _) | (_, Means::Same) => true,
        // What only we take back was ended before anything new is asked of us.
        (Phase::Applied { settled }, Means::Other) => now >= settled,
        (Phase::Staged, Means::Other) => exclusive,
        (Phase::Pending { until: Some(until) }, Means::Other) => now >= until,
        (Phase::Pending { until: None }, Means::Other) => exclusive,
    }
}

/// May this failure lead to another attempt at all, over this protocol or another? Only where nobody answered, or
/// answered nonsense: a refusal is the same over every protocol, and who is not let in does not try the window.
pub fn leads_elsewhere(error: &SessionError) -> bool {
    match error {
        SessionError::Unreachable { .. } | SessionError::Malformed { .. } | SessionError::Unknown { .. } => true,
        SessionError::Refused { .. }
        | SessionError::Stale { .. }
        | SessionError::Busy { .. }
        | SessionError::Foreign { .. }
        | SessionError::Denied { .. }
        | SessionError::Unsupported { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Copy, Debug)]
    enum Event {
        Staging,
        Applying(Guarantee),
        Unanswered(Guarantee),
        Ended,
        Passes(u16),
    }

    fn event() -> impl Strategy<Value = Event> {
        let guarantee = prop_oneof![
            Just(Guarantee::Confirmed),
            Just(Guarantee::Session),
            Just(Guarantee::Timed),
            Just(Guarantee::Whole),
            Just(Guarantee::Plain)
        ];
        prop_oneof![
            Just(Event::Staging),
            guarantee.clone().prop_map(Event::Applying),
            guarantee.prop_map(Event::Unanswered),
            Just(Event::Ended),
            (0u16..300).prop_map(Event::Passes)
        ]
    }

    const WINDOW: Duration = Duration::from_secs(120);
    const WRITES: [Want; 4] = [Want::Stage, Want::Continue, Want::Confirm, Want::Revert];

    proptest! {
        // The oracle keeps its own account of what may be on the device, by other means than the phases.
        #[test]
        fn no_other_protocol_writes_while_something_of_ours_may_be_there(
            events in proptest::collection::vec(event(), 0..40),
        ) {
            let begun = tokio::time::Instant::now().into_std();
            let (mut situation, mut now) = (Situation::new(), begun);
            let (mut lies_staged, mut device_until, mut session_keeps) = (false, None, false);
            let mut on_its_way = begun;
            for event in events {
                match event {
                    Event::Staging => {
                        situation.staging(ChangeId(1), Protocol::Netconf);
                        (lies_staged, device_until, session_keeps) = (true, None, false);
                        on_its_way = begun;
                    }
                    Event::Applying(guarantee) => {
                        situation.applying(guarantee, WINDOW, now);
                        lies_staged = false;
                        on_its_way = begun;
                        session_keeps = guarantee == Guarantee::Session;
                        device_until = matches!(guarantee, Guarantee::Confirmed | Guarantee::Timed).then_some(now + WINDOW);
                    }
                    Event::Unanswered(guarantee) => {
                        situation.unanswered(guarantee, WINDOW, now);
                        lies_staged = false;
                        session_keeps = guarantee == Guarantee::Session;
                        device_until = matches!(guarantee, Guarantee::Confirmed | Guarantee::Timed).then_some(now + WINDOW);
                        on_its_way = now + MARGIN;
                    }
                    Event::Ended => {
                        situation.ended();
                        (lies_staged, device_until, session_keeps) = (false, None, false);
                        on_its_way = begun;
                    }
                    Event::Passes(seconds) => now += Duration::from_secs(u64::from(seconds)),
                }
                prop_assert_eq!(may(&situation, Want::Read, Means::Other, now), Verdict::Yes);
                for want in WRITES {
                    let verdict = may(&situation, want, Means::Other, now);
                    if matches!(verdict, Verdict::Yes | Verdict::AfterReading) {
                        prop_assert!(!lies_staged, "{want:?} over a staged change");
                        prop_assert!(!session_keeps, "{want:?} over what a session keeps");
                        prop_assert!(device_until.is_none_or(|it| now >= it), "{want:?} over a pending commit");
                        prop_assert!(now >= on_its_way, "{want:?} over what may still arrive");
                    }
                }
                if may_begin(&situation, Means::Other, false, now) {
                    prop_assert!(!lies_staged && !session_keeps, "begun over what a session holds");
                }
                if may_begin(&situation, Means::Other, true, now) {
                    prop_assert!(device_until.is_none_or(|it| now >= it), "begun over a pending commit");
                }
            }
        }
    }

    #[test]
    fn the_table_of_what_is_safe() {
        let now = tokio::time::Instant::now().into_std();
        let at = |phase| Situation {
            phase,
            protocol: Some(Protocol::Netconf),
            change: Some(ChangeId(1)),
        };
        let later = now + WINDOW;
        let pending = at(Phase::Pending { until: Some(later) });
        let check = |situation: &Situation, want, means, verdict| {
            assert_eq!(
                may(situation, want, means, now),
                verdict,
                "{want:?} {means:?} in {situation:?}"
            );
        };
        check(&Situation::new(), Want::Stage, Means::Other, Verdict::Yes);
        check(&at(Phase::Staged), Want::Stage, Means::Other, Verdict::OnceClean);
        check(&at(Phase::Staged), Want::Continue, Means::Other, Verdict::Never);
        check(&pending, Want::Confirm, Means::Other, Verdict::NotBefore(later));
        check(&pending, Want::Revert, Means::Other, Verdict::NotBefore(later));
        check(&pending, Want::Confirm, Means::Same, Verdict::Yes);
        check(&pending, Want::Stage, Means::Same, Verdict::Never);
        assert_eq!(may(&pending, Want::Revert, Means::Other, later), Verdict::AfterReading);
        let applied = at(Phase::Applied { settled: now });
        check(&applied, Want::Confirm, Means::Other, Verdict::AfterReading);
        check(&applied, Want::Continue, Means::Other, Verdict::Never);
        let on_its_way = at(Phase::Applied { settled: later });
        check(&on_its_way, Want::Revert, Means::Other, Verdict::NotBefore(later));
        check(&on_its_way, Want::Revert, Means::Same, Verdict::Yes);
        check(
            &at(Phase::Pending { until: None }),
            Want::Revert,
            Means::Other,
            Verdict::OnceClean,
        );
    }
}
