//! What all sessions of one device share: datastores, faults, log, the sessions themselves.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use russh::Channel;
use russh::server::Msg;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::fault::{Armed, Fault, Faults, Moment};
use crate::log::{Entry, Log, Protocol};
use crate::personality::Personality;
use crate::store::{Datastores, Timer};

/// A channel with the token that cuts its connection.
pub struct Connection {
    /// The channel of the session.
    pub channel: Channel<Msg>,
    /// Cuts the connection.
    pub token: CancellationToken,
}

/// One device, seen by its sessions.
pub struct Shared {
    /// What it is.
    pub personality: Personality,
    /// Its name, which prompts show.
    pub name: String,
    /// Counts the changes of what is armed, so that who refuses or holds notices.
    pub armings: watch::Sender<u64>,
    /// By how much the timers of its terminals run faster than said.
    pub pace: u32,
    /// Ends everything.
    pub stop: CancellationToken,
    stores: Mutex<Datastores>,
    faults: Mutex<Faults>,
    log: Mutex<Log>,
    sessions: Mutex<HashMap<u32, CancellationToken>>,
    /// How many restarts are not over.
    down: AtomicU32,
    next: AtomicU32,
    started: Instant,
}

/// A lock that does not mind a holder that panicked: the data are plain values.
pub fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// A device that nobody has spoken to.
    pub fn new(personality: Personality, name: String, pace: u32, stores: Datastores) -> Shared {
        Shared {
            personality,
            name,
            pace: pace.max(1),
            armings: watch::Sender::new(0),
            stop: CancellationToken::new(),
            stores: Mutex::new(stores),
            faults: Mutex::default(),
            log: Mutex::default(),
            sessions: Mutex::default(),
            down: AtomicU32::new(0),
            next: AtomicU32::new(1),
            started: Instant::now(),
        }
    }

    /// The datastores.
    pub fn stores(&self) -> MutexGuard<'_, Datastores> {
        held(&self.stores)
    }

    /// The runtime's clock.
    pub fn now(&self) -> Instant {
        Instant::now()
    }

    /// How long the device runs.
    pub fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// A number for a session.
    pub fn number(&self) -> u32 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Registers a session.
    pub fn begin_session(&self, token: &CancellationToken) -> u32 {
        let id = self.number();
        held(&self.sessions).insert(id, token.clone());
        id
    }

    /// Forgets a session; the datastores learn of it.
    pub fn end_session(&self, id: u32) {
        held(&self.sessions).remove(&id);
        self.stores().end_session(id);
    }

    /// Cuts a session's connection; says whether there was one. Its locks are free at once.
    pub fn kill(&self, id: u32) -> bool {
        let token = held(&self.sessions).get(&id).cloned();
        let Some(token) = token else { return false };
        token.cancel();
        self.end_session(id);
        true
    }

    /// Cuts all connections.
    pub fn kill_all(&self) {
        let ids: Vec<u32> = held(&self.sessions).keys().copied().collect();
        for id in ids {
            self.kill(id);
        }
    }

    /// How many sessions are open.
    pub fn session_count(&self) -> usize {
        held(&self.sessions).len()
    }

    /// Arms the timer of a confirmed commit.
    pub fn arm(self: &Arc<Self>, timer: Timer) {
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            tokio::select! {
                () = tokio::time::sleep(timer.after) => {}
                () = shared.stop.cancelled() => return,
            }
            let expired = shared.stores().expire(timer.generation);
            if expired {
                shared.note(Protocol::Netconf, 0, "confirm-timeout", "reverted");
            }
        });
    }

    /// Adds to the log: what, what became of it, since when it was worked on.
    pub fn record(&self, (protocol, session): (Protocol, u32), operation: &str, outcome: &str, started: Instant) {
        held(&self.log).add(Entry {
            at_millis: millis(self.uptime()),
            protocol,
            session,
            operation: operation.to_owned(),
            outcome: outcome.to_owned(),
            micros: u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        });
    }

    /// Adds to the log what took no time.
    pub fn note(&self, protocol: Protocol, session: u32, operation: &str, outcome: &str) {
        self.record((protocol, session), operation, outcome, self.now());
    }

    /// How fast a session's output trickles.
    pub fn trickle(&self, protocol: Protocol) -> Option<u64> {
        self.take_fault(protocol, |fault| {
            let Fault::SlowLink { bytes_per_second } = fault else {
                return None;
            };
            Some((*bytes_per_second).max(1))
        })
    }

    /// After how many bytes of output a session ends.
    pub fn close_at(&self, protocol: Protocol) -> Option<u64> {
        self.take_fault(protocol, |fault| {
            let Fault::CloseAtByte { byte } = fault else {
                return None;
            };
            Some(*byte)
        })
    }

    /// What the log keeps.
    pub fn entries(&self) -> Vec<Entry> {
        held(&self.log).entries()
    }

    /// How often each operation was seen.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        held(&self.log).counts()
    }

    /// Empties the log.
    pub fn clear_log(&self) {
        held(&self.log).clear();
    }

    /// Arms a fault.
    pub fn inject(&self, armed: Armed) {
        held(&self.faults).arm(armed);
        let quirks = held(&self.faults).quirks();
        self.stores().quirks = quirks;
        self.armings.send_modify(|count| *count += 1);
    }

    /// Disarms all faults.
    pub fn clear_faults(&self) {
        held(&self.faults).clear();
        self.stores().quirks.clear();
        self.armings.send_modify(|count| *count += 1);
    }

    /// What is armed.
    pub fn faults(&self) -> Vec<Armed> {
        held(&self.faults).list()
    }

    /// The faults alone, without their bounds.
    pub fn armed(&self) -> Vec<Fault> {
        self.faults().into_iter().map(|it| it.fault).collect()
    }

    /// Nothing listens for so long. What is armed or disarmed meanwhile is another matter, and stays as it was left.
    pub fn go_down(self: &Arc<Self>, span: Duration) {
        self.down.fetch_add(1, Ordering::AcqRel);
        self.armings.send_modify(|count| *count += 1);
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(span).await;
            shared.down.fetch_sub(1, Ordering::AcqRel);
            shared.armings.send_modify(|count| *count += 1);
        });
    }

    /// Whether connections are refused now.
    pub fn refuses(&self, protocol: Protocol) -> bool {
        self.down.load(Ordering::Acquire) > 0 || held(&self.faults).refuses(protocol)
    }

    /// Uses the first armed fault that fits.
    pub fn take_fault<T>(&self, protocol: Protocol, fits: impl Fn(&Fault) -> Option<T>) -> Option<T> {
        held(&self.faults).take(protocol, fits)
    }

    /// Whether this fault is armed, using it once.
    pub fn hit(&self, protocol: Protocol, fault: &Fault) -> bool {
        held(&self.faults).hit(protocol, fault)
    }

    /// Lets what is held go on.
    pub fn release(&self) {
        held(&self.faults).release();
        self.armings.send_modify(|count| *count += 1);
    }

    /// Waits for as long as an operation is held.
    pub async fn released(&self, protocol: Protocol, name: &str) {
        let mut changes = self.armings.subscribe();
        while held(&self.faults).holds(protocol, name) {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// How late the answer to an operation is.
    pub fn delay(&self, protocol: Protocol, name: &str) -> Option<Duration> {
        self.take_fault(protocol, |fault| {
            let Fault::Delay { millis, operation } = fault else {
                return None;
            };
            let meant = operation.as_deref().is_none_or(|it| it == name);
            meant.then(|| Duration::from_millis(*millis))
        })
    }

    /// Whether the connection ends at this operation and moment.
    pub fn drops(&self, protocol: Protocol, name: &str, when: Moment) -> bool {
        self.hit(
            protocol,
            &Fault::Drop {
                operation: name.to_owned(),
                moment: when,
            },
        )
    }

    /// The tag with which an operation is refused.
    pub fn rejects(&self, protocol: Protocol, name: &str) -> Option<String> {
        self.take_fault(protocol, |fault| {
            let Fault::Reject { operation, tag } = fault else {
                return None;
            };
            (operation == name).then(|| tag.clone())
        })
    }

    /// The bytes that come before hello or the first prompt.
    pub fn banner(&self, protocol: Protocol) -> Option<Vec<u8>> {
        let bytes = self.take_fault(protocol, |fault| {
            let Fault::Banner { bytes } = fault else { return None };
            Some(*bytes)
        })?;
        let line = b"*** authorised use only # everything else is > forbidden ***\r\n";
        Some(line.iter().copied().cycle().take(bytes).collect())
    }

    /// The names of the nodes that access control leaves out.
    pub fn hidden(&self) -> Vec<String> {
        let faults = held(&self.faults).list();
        let name = |armed: Armed| {
            if let Fault::Hide { name } = armed.fault {
                Some(name)
            } else {
                None
            }
        };
        faults.into_iter().filter_map(name).collect()
    }

    /// How fast the counters move.
    pub fn octets_per_second(&self) -> u64 {
        let faults = held(&self.faults).list();
        let rate = faults.iter().find_map(|armed| {
            let Fault::Counters { octets_per_second } = armed.fault else {
                return None;
            };
            Some(octets_per_second)
        });
        rate.unwrap_or(0)
    }

    /// The interfaces that are down, whatever is configured.
    pub fn links_down(&self) -> Vec<String> {
        let down = |armed: Armed| {
            let Fault::LinkDown { interface } = armed.fault else {
                return None;
            };
            Some(interface)
        };
        held(&self.faults).list().into_iter().filter_map(down).collect()
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Entry as Tree;

    fn shared() -> Arc<Shared> {
        let mut known = crate::personality::PERSONALITIES.iter();
        let personality = *known.find(|it| it.netconf.is_some()).expect("there is one");
        let stores = Datastores::new(personality.netconf, Tree::root());
        Arc::new(Shared::new(personality, "r1".to_owned(), 1, stores))
    }

    #[tokio::test]
    async fn what_is_mended_or_broken_while_a_device_is_down_stays_so() {
        let shared = shared();
        let reject = || Fault::Reject {
            operation: "commit".to_owned(),
            tag: "invalid-value".to_owned(),
        };
        shared.inject(reject().into());
        shared.go_down(Duration::from_millis(50));
        assert!(shared.refuses(Protocol::Netconf));
        shared.clear_faults();
        assert!(shared.refuses(Protocol::Netconf), "mended, and not up yet");
        shared.inject(Fault::RefuseLogin.into());
        let mut changes = shared.armings.subscribe();
        changes.changed().await.expect("it comes up");
        assert!(!shared.refuses(Protocol::Netconf));
        assert_eq!(shared.armed(), [Fault::RefuseLogin]);
        assert_eq!(shared.rejects(Protocol::Netconf, "commit"), None);
    }
}
