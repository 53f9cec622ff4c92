//! The built-in broker: MQTT 5 over mutual TLS, for events and nothing else.
//!
//! It speaks what events need: at most once and at least once, sessions that outlive a connection, bounded queues. The
//! login is the certificate; what a client may publish and hear follows from the scope in it. It retains nothing, takes no
//! wills and knows no topics but those of events.

mod bytes;
mod connection;
mod exchange;
mod packet;
mod recent;
mod rights;

pub use exchange::{Bounds, Traffic};
pub use packet::{Malformed, Packet, framed, read};

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use fabric_identity::{Acceptor, Caller};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;

use crate::event::LARGEST;
use exchange::{Arrival, Attached, Exchange, Key};
use packet::{Code, Publish};
use recent::Recent;
use rights::Rights;

/// How many calls to a connection may wait: one that says that there is more, which says it for all, and the last one.
const CALLS: usize = 2;

/// How much the broker serves.
#[derive(Debug, Clone)]
pub struct Limits {
    /// How much it keeps.
    pub bounds: Bounds,
    /// Connections at once.
    pub connections: usize,
    /// Messages a second that one holder of a certificate may publish for long, over all of its connections.
    pub rate: f64,
    /// Messages that one holder may publish at once.
    pub burst: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bounds: Bounds::default(),
            connections: 4_096,
            rate: 1_000.0,
            burst: 4_000.0,
        }
    }
}

/// Hears every message that was taken, before it is acknowledged: all at once that one client has sent at once.
pub type Ear = Arc<dyn Fn(&[&[u8]]) -> Result<(), Deaf> + Send + Sync>;

/// What was said cannot be kept at present: who said it is told so, and says it again later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("keep what was said")]
pub struct Deaf;

enum Call {
    /// Something waits for the client.
    More,
    /// The client has connected again.
    TakenOver,
}

/// A broker.
pub struct Broker {
    exchange: Mutex<Exchange>,
    /// What is acknowledged, for the next process; nothing where none shall know.
    recent: Mutex<Option<Recent>>,
    connections: Mutex<HashMap<u64, mpsc::Sender<Call>>>,
    count: AtomicU64,
    ear: Ear,
    begun: Instant,
    places: Arc<Semaphore>,
    bounds: Bounds,
    largest: usize,
    rate: f64,
    burst: f64,
    /// What each holder may still publish at once, and when that was counted: over all of its connections.
    tokens: Mutex<HashMap<String, (f64, Instant)>>,
}

/// How many holders are counted at once before those who publish nothing are forgotten.
const COUNTED: usize = 4_096;

impl Broker {
    /// A broker that nobody has called yet. `ear` hears what is published within this process: at once, without a
    /// connection, and before the publisher is told that the message was taken.
    pub fn new(limits: Limits, ear: Ear) -> Arc<Self> {
        Self::with((limits, ear), None, Vec::new())
    }

    /// The same, and what it acknowledges is kept in a file for as long as it can be believed: who listens to a broker that
    /// was started anew hears it from that one.
    pub fn remembering(limits: Limits, ear: Ear, (path, clock): (&Path, fn() -> SystemTime)) -> io::Result<Arc<Self>> {
        let (recent, former) = Recent::open(path, clock)?;
        Ok(Self::with((limits, ear), Some(recent), former))
    }

    fn with((limits, ear): (Limits, Ear), recent: Option<Recent>, former: Vec<Publish>) -> Arc<Self> {
        Arc::new(Self {
            exchange: Mutex::new(Exchange::new(limits.bounds.clone(), former)),
            recent: Mutex::new(recent),
            connections: Mutex::default(),
            count: AtomicU64::new(1),
            ear,
            begun: Instant::now(),
            places: Arc::new(Semaphore::new(limits.connections)),
            bounds: limits.bounds,
            largest: LARGEST + 4_096,
            rate: limits.rate.max(1.0),
            burst: limits.burst.max(1.0),
            tokens: Mutex::default(),
        })
    }

    /// Serves whoever calls, until the acceptor ends. May be called again with another one: sessions stay.
    pub async fn serve(self: &Arc<Self>, mut callers: Acceptor) {
        while let Some(caller) = callers.next().await {
            self.take(caller);
        }
    }

    /// Serves one caller, beside all others.
    pub fn take(self: &Arc<Self>, caller: Caller) {
        let Ok(place) = self.places.clone().try_acquire_owned() else {
            return tracing::warn!(address = %caller.address, "turned a client of the broker away: too many are connected");
        };
        let broker = self.clone();
        tokio::spawn(async move {
            connection::converse(broker, caller).await;
            drop(place);
        });
    }

    /// Ends every connection. Who calls has ended the acceptors before.
    pub fn close(&self) {
        self.calls().clear();
    }

    /// What has happened so far.
    pub fn traffic(&self) -> Traffic {
        self.exchange().traffic()
    }

    fn exchange(&self) -> MutexGuard<'_, Exchange> {
        self.exchange.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn calls(&self) -> MutexGuard<'_, HashMap<u64, mpsc::Sender<Call>>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connection(&self) -> (u64, mpsc::Receiver<Call>) {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let (sender, calls) = mpsc::channel(CALLS);
        self.calls().insert(number, sender);
        (number, calls)
    }

    fn disconnected(&self, connection: u64) {
        self.calls().remove(&connection);
    }

    fn attach(&self, key: &Key, rights: Rights, arrival: &Arrival) -> Result<Attached, Code> {
        let attached = self.exchange().attach(key, rights, arrival, self.begun.elapsed())?;
        if let Some(before) = attached.before {
            self.call(before, Call::TakenOver);
        }
        Ok(attached)
    }

    fn detach(&self, key: &Key, connection: u64, expiry: Option<Duration>) {
        self.disconnected(connection);
        self.exchange().detach(key, connection, expiry, self.begun.elapsed());
    }

    /// Hands on what one client has sent at once; answers for each message whether it was taken.
    fn publish(&self, key: &Key, messages: Vec<Publish>) -> Vec<Result<(), Code>> {
        let (mut taken, mut awake, mut answers) = (Vec::new(), BTreeSet::new(), Vec::with_capacity(messages.len()));
        let mut exchange = self.exchange();
        for message in messages {
            answers.push(exchange.publish(key, message).map(|(message, connections)| {
                taken.push(message);
                awake.extend(connections);
            }));
        }
        drop(exchange);
        let payloads: Vec<&[u8]> = taken.iter().map(|it| it.payload.as_slice()).collect();
        if !payloads.is_empty() && ((self.ear)(&payloads).is_err() || self.keep(&taken).is_err()) {
            let taken = answers.iter_mut().filter(|it| it.is_ok());
            taken.for_each(|it| *it = Err(Code::Unspecified));
        }
        awake
            .into_iter()
            .for_each(|connection| self.call(connection, Call::More));
        answers
    }

    /// Keeps what is about to be acknowledged for whoever does not hear it from this process.
    fn keep(&self, taken: &[Arc<Publish>]) -> Result<(), Deaf> {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(recent) = recent.as_mut() else { return Ok(()) };
        let acknowledged = taken
            .iter()
            .map(AsRef::as_ref)
            .filter(|it: &&Publish| it.number.is_some());
        recent.keep(acknowledged).map_err(|error| {
            tracing::error!(%error, "an event is put off: it cannot be kept for others");
            Deaf
        })
    }

    /// How long a holder who publishes one more message must wait, so that it keeps to what is granted.
    fn wait_of(&self, holder: &str) -> Duration {
        let now = Instant::now();
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let left = |(left, at): &(f64, Instant)| {
            let earned = now.duration_since(*at).as_secs_f64() * self.rate;
            (left + earned).min(self.burst)
        };
        if tokens.len() > COUNTED {
            tokens.retain(|_, it| left(it) < self.burst);
        }
        let after = tokens.get(holder).map_or(self.burst, left) - 1.0;
        tokens.insert(holder.to_owned(), (after, now));
        Duration::from_secs_f64((-after / self.rate).max(0.0))
    }

    /// There is something for a connection to do. If that waits to be heard already, it is enough.
    fn call(&self, connection: u64, call: Call) {
        let mut calls = self.calls();
        let Some(sender) = calls.get(&connection) else { return };
        let last = matches!(call, Call::TakenOver);
        if last || sender.capacity() == CALLS {
            let _ = sender.try_send(call); // there is room: only this function sends, one call after the other
        }
        if last {
            calls.remove(&connection);
        }
    }
}
