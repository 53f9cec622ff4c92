//! Who is connected, who wants what, and what waits for whom. Nothing here reads a socket or a clock.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::packet::{Code, Publish};
use super::recent::WORTH;
use super::rights::{Rights, is_filter, matches};
use crate::filter::ROOT;

/// Whose session it is: the holder of the certificate, and the name that the client gave itself.
pub(super) type Key = (String, String);

/// The longest filter that is taken, in bytes: topics of events are shorter.
const LONGEST_FILTER: usize = 640;

/// How much is kept.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// Sessions, connected or remembered.
    pub sessions: usize,
    /// Sessions of one holder.
    pub of_one: usize,
    /// Subscriptions of one session.
    pub subscriptions: usize,
    /// Messages that wait for one session.
    pub waiting: usize,
    /// Their bytes.
    pub bytes: usize,
    /// Messages that one session has not acknowledged.
    pub unacknowledged: u16,
    /// How long a session is remembered without its client.
    pub remembered: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            sessions: 10_000,
            of_one: 16,
            subscriptions: 4_096,
            waiting: 1_000,
            bytes: 4 << 20,
            unacknowledged: 64,
            remembered: Duration::from_secs(3_600),
        }
    }
}

/// What has happened so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Sessions whose client is here.
    pub connected: usize,
    /// What clients have subscribed to.
    pub subscriptions: usize,
    /// Messages that were taken.
    pub published: u64,
    /// Messages that were handed to clients.
    pub delivered: u64,
    /// Messages that a client was not allowed to publish.
    pub refused: u64,
    /// Messages that were dropped because too many waited for a client.
    pub dropped: u64,
}

/// One message on its way to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Delivery {
    pub(super) message: Arc<Publish>,
    pub(super) number: Option<u16>,
    pub(super) again: bool,
}

struct Session {
    rights: Rights,
    subscriptions: HashMap<String, u8>,
    /// Which of the former process's messages it was handed.
    handed: BTreeSet<usize>,
    waiting: VecDeque<(Arc<Publish>, u8)>,
    /// How many bytes wait.
    bytes: usize,
    unacknowledged: VecDeque<(u16, Arc<Publish>)>,
    next: u16,
    window: u16,
    largest: u32,
    /// Which connection has it; none: it is only remembered.
    connection: Option<u64>,
    /// Until when it is remembered.
    until: Duration,
    expiry: Duration,
}

/// A client that has connected.
pub(super) struct Attached {
    pub(super) resumed: bool,
    pub(super) expiry: Duration,
    /// The connection that had the session before.
    pub(super) before: Option<u64>,
}

/// How a client connects.
pub(super) struct Arrival {
    pub(super) connection: u64,
    pub(super) clean: bool,
    pub(super) expiry: Duration,
    pub(super) window: u16,
    pub(super) largest: u32,
}

/// All sessions, and an index by what they want.
#[derive(Default)]
pub(super) struct Exchange {
    bounds: Bounds,
    sessions: HashMap<Key, Session>,
    /// Who wants events of one device, by the level of the device.
    exact: HashMap<String, BTreeSet<Key>>,
    /// Who has a wildcard in the place of the device.
    open: BTreeSet<Key>,
    /// What a former process acknowledged and perhaps did not hand to everybody: who subscribes now is handed it.
    former: Vec<Arc<Publish>>,
    traffic: Traffic,
}

impl Exchange {
    pub(super) fn new(bounds: Bounds, former: Vec<Publish>) -> Self {
        Self {
            bounds,
            former: former.into_iter().map(Arc::new).collect(),
            ..Self::default()
        }
    }

    /// A client is here: it goes on with its session, or begins one.
    pub(super) fn attach(
        &mut self,
        key: &Key,
        rights: Rights,
        arrival: &Arrival,
        now: Duration,
    ) -> Result<Attached, Code> {
        self.forget(now);
        let before = self.sessions.get(key).and_then(|it| it.connection);
        if arrival.clean || !self.sessions.contains_key(key) {
            self.remove(key);
            self.make_room(key)?;
        }
        let fresh = !self.sessions.contains_key(key);
        let expiry = arrival.expiry.min(self.bounds.remembered);
        let session = self.sessions.entry(key.clone()).or_insert_with(|| Session {
            rights: rights.clone(),
            subscriptions: HashMap::new(),
            handed: BTreeSet::new(),
            waiting: VecDeque::new(),
            bytes: 0,
            unacknowledged: VecDeque::new(),
            next: 0,
            window: 1,
            largest: u32::MAX,
            connection: None,
            until: now,
            expiry,
        });
        session.rights = rights;
        session.window = arrival.window.min(self.bounds.unacknowledged);
        (session.largest, session.expiry) = (arrival.largest, expiry);
        session.connection = Some(arrival.connection);
        Ok(Attached {
            resumed: !fresh,
            expiry,
            before,
        })
    }

    fn make_room(&self, key: &Key) -> Result<(), Code> {
        let of_one = self.sessions.keys().filter(|it| it.0 == key.0).count();
        if self.sessions.len() >= self.bounds.sessions || of_one >= self.bounds.of_one {
            return Err(Code::ServerBusy);
        }
        Ok(())
    }

    /// A connection has ended; another one may have the session by now.
    pub(super) fn detach(&mut self, key: &Key, connection: u64, expiry: Option<Duration>, now: Duration) {
        let Some(session) = self
            .sessions
            .get_mut(key)
            .filter(|it| it.connection == Some(connection))
        else {
            return;
        };
        session.connection = None;
        if let Some(expiry) = expiry {
            session.expiry = expiry.min(self.bounds.remembered);
        }
        session.until = now + session.expiry;
        if session.expiry.is_zero() {
            self.remove(key);
        }
    }

    /// Forgets whoever was away for too long.
    pub(super) fn forget(&mut self, now: Duration) {
        if now > WORTH {
            self.former.clear();
        }
        let over = |it: &Session| it.connection.is_none() && it.until < now;
        let gone: Vec<Key> = self
            .sessions
            .iter()
            .filter(|(_, it)| over(it))
            .map(|(key, _)| key.clone())
            .collect();
        gone.iter().for_each(|key| self.remove(key));
    }

    fn remove(&mut self, key: &Key) {
        let Some(session) = self.sessions.remove(key) else {
            return;
        };
        for filter in session.subscriptions.keys() {
            self.unindex(key, filter);
        }
        self.open.remove(key);
    }

    /// The quality that is given to a subscription.
    pub(super) fn subscribe(&mut self, key: &Key, filter: &str, quality: u8) -> Result<u8, Code> {
        let session = self.sessions.get_mut(key).ok_or(Code::Specific)?;
        if filter.starts_with("$share/") {
            return Err(Code::Shared);
        }
        if filter.len() > LONGEST_FILTER || !is_filter(filter) {
            return Err(Code::Filter);
        }
        if !session.rights.asks(filter) {
            return Err(Code::NotAuthorized);
        }
        if session.subscriptions.len() >= self.bounds.subscriptions {
            return Err(Code::Quota);
        }
        session.subscriptions.insert(filter.to_owned(), quality);
        if quality > 0 {
            session.hand(&self.former, filter, &self.bounds);
        }
        match exact(filter) {
            Some(level) => drop(self.exact.entry(level.to_owned()).or_default().insert(key.clone())),
            None => drop(self.open.insert(key.clone())),
        }
        Ok(quality)
    }

    /// Whether there was such a subscription.
    pub(super) fn unsubscribe(&mut self, key: &Key, filter: &str) -> bool {
        let Some(session) = self.sessions.get_mut(key) else {
            return false;
        };
        if session.subscriptions.remove(filter).is_none() {
            return false;
        }
        let same = exact(filter);
        if !session.subscriptions.keys().any(|it| exact(it) == same) {
            self.unindex(key, filter);
        }
        true
    }

    fn unindex(&mut self, key: &Key, filter: &str) {
        match exact(filter) {
            None => drop(self.open.remove(key)),
            Some(level) => {
                if let Some(keys) = self.exact.get_mut(level) {
                    keys.remove(key);
                    if keys.is_empty() {
                        self.exact.remove(level);
                    }
                }
            }
        }
    }

    /// Hands a message to everybody who wants it and may have it; answers with it and whose connections
    /// have something to send.
    pub(super) fn publish(&mut self, key: &Key, message: Publish) -> Result<(Arc<Publish>, Vec<u64>), Code> {
        let allowed = self
            .sessions
            .get(key)
            .is_some_and(|it| it.rights.publishes(&message.topic));
        if !allowed {
            self.traffic.refused += 1;
            return Err(Code::NotAuthorized);
        }
        self.traffic.published += 1;
        let sent = if message.number.is_some() { 1 } else { 0 };
        let level = message.topic.rsplit('/').next().unwrap_or_default();
        let mut wanting: BTreeSet<&Key> = self.open.iter().collect();
        wanting.extend(self.exact.get(level).into_iter().flatten());
        let (message, mut awake) = (Arc::new(message), Vec::new());
        for key in wanting {
            let Some(session) = self.sessions.get_mut(key) else {
                continue;
            };
            let asked = session
                .subscriptions
                .iter()
                .filter(|(filter, _)| matches(filter, &message.topic));
            let Some(quality) = asked.map(|(_, quality)| *quality).max() else {
                continue;
            };
            if !session.rights.hears(&message.topic) {
                continue;
            }
            let bytes = session.bytes + size(&message);
            if session.waiting.len() >= self.bounds.waiting || bytes > self.bounds.bytes {
                self.traffic.dropped += 1;
                if self.traffic.dropped.is_power_of_two() {
                    tracing::warn!(
                        holder = key.0,
                        client = key.1,
                        dropped = self.traffic.dropped,
                        "too many events wait for a receiver"
                    );
                }
                continue;
            }
            session.bytes = bytes;
            session.waiting.push_back((message.clone(), quality.min(sent)));
            awake.extend(session.connection);
        }
        Ok((message, awake))
    }

    /// What was sent before and not acknowledged, for a connection that goes on with a session.
    pub(super) fn again(&self, key: &Key) -> Vec<Delivery> {
        let session = self.sessions.get(key);
        let all = session.into_iter().flat_map(|it| &it.unacknowledged);
        all.map(|(number, message)| Delivery {
            message: message.clone(),
            number: Some(*number),
            again: true,
        })
        .collect()
    }

    /// What a connection may be sent now.
    pub(super) fn take(&mut self, key: &Key, connection: u64) -> Vec<Delivery> {
        let Some(session) = self
            .sessions
            .get_mut(key)
            .filter(|it| it.connection == Some(connection))
        else {
            return Vec::new();
        };
        let mut taken = Vec::new();
        while let Some((message, quality)) = session.waiting.front() {
            let numbered = *quality > 0;
            if numbered && session.unacknowledged.len() >= usize::from(session.window) {
                break;
            }
            let size = size(message);
            let message = message.clone();
            session.waiting.pop_front();
            session.bytes -= size;
            if u32::try_from(size).unwrap_or(u32::MAX) > session.largest {
                self.traffic.dropped += 1; // it said that it takes nothing so large
                continue;
            }
            let number = numbered.then(|| session.number());
            session.unacknowledged.extend(number.map(|it| (it, message.clone())));
            self.traffic.delivered += 1;
            taken.push(Delivery {
                message,
                number,
                again: false,
            });
        }
        taken
    }

    /// A client has taken a message.
    pub(super) fn acknowledge(&mut self, key: &Key, number: u16) {
        if let Some(session) = self.sessions.get_mut(key) {
            session.unacknowledged.retain(|(it, _)| *it != number);
        }
    }

    pub(super) fn traffic(&self) -> Traffic {
        Traffic {
            connected: self.sessions.values().filter(|it| it.connection.is_some()).count(),
            subscriptions: self.sessions.values().map(|it| it.subscriptions.len()).sum(),
            ..self.traffic
        }
    }
}

impl Session {
    /// Hands on what a former process acknowledged, each message once.
    fn hand(&mut self, former: &[Arc<Publish>], filter: &str, bounds: &Bounds) {
        for (number, message) in former.iter().enumerate() {
            let wanted = matches(filter, &message.topic) && self.rights.hears(&message.topic);
            let bytes = self.bytes + size(message);
            let room = self.waiting.len() < bounds.waiting && bytes <= bounds.bytes;
            if wanted && room && self.handed.insert(number) {
                self.bytes = bytes;
                self.waiting.push_back((message.clone(), 1));
            }
        }
    }

    /// A number that no unacknowledged message has.
    fn number(&mut self) -> u16 {
        loop {
            self.next = self.next.checked_add(1).unwrap_or(1);
            if self.unacknowledged.iter().all(|(it, _)| *it != self.next) {
                return self.next;
            }
        }
    }
}

/// How many bytes a message takes on its way, or a few less.
fn size(message: &Publish) -> usize {
    message.payload.len() + message.topic.len() + message.properties.len() + 16
}

/// The level of the device, where a filter names one.
fn exact(filter: &str) -> Option<&str> {
    let mut levels = filter.strip_prefix(ROOT)?.strip_prefix('/')?.split('/').skip(2);
    let level = levels.next().filter(|it| !matches!(*it, "+" | "#"))?;
    levels.next().is_none().then_some(level)
}
