//! Which of a device's protocols is used next: the best that is well, changed back only after a while.

use super::Health;
use adapters_port::Protocol;
use std::time::{Duration, Instant};

/// How patient the choice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Failures in a row after which a protocol is left alone.
    pub failures: u32,
    /// For how long at first.
    pub first_pause: Duration,
    /// And at most.
    pub longest_pause: Duration,
    /// How long a better protocol must have been well before it is gone back to.
    pub well_for: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            failures: 3,
            first_pause: Duration::from_secs(5),
            longest_pause: Duration::from_secs(300),
            well_for: Duration::from_secs(60),
        }
    }
}

/// The choice among the protocols of one device, in its order of preference.
#[derive(Clone, Debug)]
pub struct Selector {
    policy: Policy,
    routes: Vec<(Protocol, Health)>,
    current: usize,
}

impl Selector {
    /// A choice among these, the preferred first.
    pub fn new(policy: Policy, preference: &[Protocol]) -> Self {
        let routes = preference.iter().map(|it| (*it, Health::new())).collect();
        Self {
            policy,
            routes,
            current: 0,
        }
    }

    /// The protocol in use.
    pub fn current(&self) -> Option<Protocol> {
        self.routes.get(self.current).map(|(protocol, _)| *protocol)
    }

    /// What is known of a protocol.
    pub fn health(&self, protocol: Protocol) -> Option<&Health> {
        self.routes
            .iter()
            .find(|(it, _)| *it == protocol)
            .map(|(_, health)| health)
    }

    /// Every protocol in the order of preference, with what is known of it.
    pub fn all(&self) -> Vec<(Protocol, Health)> {
        self.routes.clone()
    }

    /// The protocols to try now, the best choice first: the one in use, unless a better one has been well for a
    /// while; then the others by preference. Those whose circuit is open are left out, and if that leaves none, the
    /// one whose pause ends first is tried all the same: better a vain attempt than none.
    pub fn candidates(&self, now: Instant) -> Vec<Protocol> {
        let first = self.best(now);
        let order = std::iter::once(first).chain((0..self.routes.len()).filter(|it| *it != first));
        let routes: Vec<&(Protocol, Health)> = order.filter_map(|it| self.routes.get(it)).collect();
        let permitted: Vec<Protocol> = routes
            .iter()
            .filter(|(_, it)| it.circuit.permits(now))
            .map(|(protocol, _)| *protocol)
            .collect();
        if permitted.is_empty() {
            routes.first().map(|(protocol, _)| *protocol).into_iter().collect()
        } else {
            permitted
        }
    }

    /// Protocols better than the one in use that deserve a light probe now, so that going back is decided on facts.
    pub fn to_probe(&self, now: Instant) -> Vec<Protocol> {
        let better = self.routes.iter().take(self.current);
        better
            .filter(|(_, it)| it.circuit.permits(now) && it.denied_until.is_none_or(|until| now >= until))
            .map(|(protocol, _)| *protocol)
            .collect()
    }

    /// An attempt begins.
    pub fn attempt(&mut self, protocol: Protocol, now: Instant) {
        if let Some(health) = self.of(protocol) {
            health.circuit.attempt(now);
        }
    }

    /// A session was opened.
    pub fn connected(&mut self, protocol: Protocol, now: Instant, took: Duration) {
        if let Some(health) = self.of(protocol) {
            health.connected(now, took);
        }
    }

    /// A request was answered.
    pub fn answered(&mut self, protocol: Protocol, now: Instant, took: Duration) {
        if let Some(health) = self.of(protocol) {
            health.answered(now, took);
        }
    }

    /// It answers, and does not let us in.
    pub fn denied(&mut self, protocol: Protocol, now: Instant) {
        let policy = self.policy;
        if let Some(health) = self.of(protocol) {
            health.denied(now, &policy);
        }
    }

    /// Nobody answered.
    pub fn failed(&mut self, protocol: Protocol, now: Instant) {
        let policy = self.policy;
        if let Some(health) = self.of(protocol) {
            health.failed(now, &policy);
        }
    }

    /// This one is used from now on. Answers which one was before, if that is another.
    pub fn used(&mut self, protocol: Protocol) -> Option<Protocol> {
        let before = self.current();
        self.current = self
            .routes
            .iter()
            .position(|(it, _)| *it == protocol)
            .unwrap_or(self.current);
        before.filter(|it| *it != protocol)
    }

    fn best(&self, now: Instant) -> usize {
        let well = |health: &Health| {
            health.circuit.permits(now)
                && health
                    .well_since
                    .is_some_and(|it| now.saturating_duration_since(it) >= self.policy.well_for)
        };
        self.routes
            .iter()
            .take(self.current)
            .position(|(_, it)| well(it))
            .unwrap_or(self.current)
    }

    fn of(&mut self, protocol: Protocol) -> Option<&mut Health> {
        self.routes
            .iter_mut()
            .find(|(it, _)| *it == protocol)
            .map(|(_, health)| health)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BOTH: [Protocol; 2] = [Protocol::Netconf, Protocol::Cli];

    fn start() -> Instant {
        tokio::time::Instant::now().into_std()
    }

    /// One attempt as the driver makes it: candidates in order, the first that answers is used.
    fn attempt(selector: &mut Selector, now: Instant, netconf_is_well: bool) -> bool {
        for protocol in selector.candidates(now) {
            selector.attempt(protocol, now);
            if protocol == Protocol::Cli || netconf_is_well {
                selector.connected(protocol, now, Duration::from_millis(5));
                return selector.used(protocol).is_some();
            }
            selector.failed(protocol, now);
        }
        false
    }

    #[test]
    fn a_slow_device_is_not_switched() {
        let (mut selector, mut now) = (Selector::new(Policy::default(), &BOTH), start());
        for _ in 0..100 {
            now += Duration::from_secs(3);
            selector.answered(Protocol::Netconf, now, Duration::from_secs(2));
            assert_eq!(selector.candidates(now)[0], Protocol::Netconf);
        }
    }

    #[test]
    fn going_back_takes_a_while_of_good_health() {
        let policy = Policy::default();
        let (mut selector, mut now) = (Selector::new(policy, &BOTH), start());
        assert!(
            attempt(&mut selector, now, false),
            "the first loss leads to the other one"
        );
        assert_eq!(selector.current(), Some(Protocol::Cli));
        now += policy.longest_pause;
        selector.connected(Protocol::Netconf, now, Duration::from_millis(5)); // a probe
        assert_eq!(selector.candidates(now)[0], Protocol::Cli, "not yet");
        now += policy.well_for;
        assert_eq!(selector.candidates(now)[0], Protocol::Netconf);
    }

    #[test]
    fn what_does_not_let_us_in_is_neither_left_nor_come_back_to() {
        let policy = Policy::default();
        let (mut selector, mut now) = (Selector::new(policy, &BOTH), start());
        for _ in 0..10 {
            selector.attempt(Protocol::Netconf, now);
            selector.denied(Protocol::Netconf, now);
            assert_eq!(selector.candidates(now)[0], Protocol::Netconf, "a denial is no loss");
            now += Duration::from_secs(1);
        }
        assert!(attempt(&mut selector, now, false));
        assert_eq!(selector.current(), Some(Protocol::Cli));
        let mut probes = 0;
        for _ in 0..600 {
            now += Duration::from_secs(1);
            for protocol in selector.to_probe(now) {
                probes += 1;
                selector.attempt(protocol, now);
                selector.denied(protocol, now);
            }
            assert_eq!(selector.candidates(now)[0], Protocol::Cli, "it would not let us in");
        }
        assert!(probes <= 3, "{probes} refused logins in ten minutes");
    }

    proptest! {
        #[test]
        fn a_flapping_protocol_has_bounded_switches(wells in proptest::collection::vec(any::<bool>(), 1..400)) {
            let policy = Policy::default();
            let (mut selector, begun) = (Selector::new(policy, &BOTH), start());
            let (mut now, mut switches) = (begun, 0u64);
            for well in wells {
                now += Duration::from_secs(1);
                for protocol in selector.to_probe(now) {
                    selector.attempt(protocol, now);
                    if well { selector.connected(protocol, now, Duration::ZERO) } else { selector.failed(protocol, now) }
                }
                switches += u64::from(attempt(&mut selector, now, well));
            }
            let rounds = (now - begun).as_secs() / policy.well_for.as_secs() + 1;
            prop_assert!(switches <= 2 * rounds, "{switches} switches in {:?}", now - begun);
        }

        #[test]
        fn there_is_always_something_to_try(fails in proptest::collection::vec(any::<bool>(), 0..60)) {
            let (mut selector, mut now) = (Selector::new(Policy::default(), &BOTH), start());
            for first in fails {
                now += Duration::from_millis(700);
                prop_assert!(!selector.candidates(now).is_empty());
                let protocol = if first { Protocol::Netconf } else { Protocol::Cli };
                selector.attempt(protocol, now);
                selector.failed(protocol, now);
            }
        }
    }
}
