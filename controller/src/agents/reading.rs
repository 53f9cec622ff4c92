//! Readings of devices: asked of one agent, and taken from that one, part by part, within a bound.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fabric_wire::v1::{self, Scope, Step, answer::Outcome, downward};
use knowledge_model::Tree;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use transaction::DeviceId;

use super::{Agents, inward};

/// How long a device may take to be read.
const READ_WITHIN: Duration = Duration::from_secs(30);
/// How long an agent that is away for a while is waited for.
const BACK_WITHIN: Duration = Duration::from_secs(10);
/// The largest reading that is taken, in bytes; each of its parts and entries counts as that many more.
const LARGEST: (usize, usize) = (32 << 20, 64);
/// How many parts of a reading may wait to be taken.
const PARTS: usize = 1_024;

/// Why a device could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// No agent that may observe it has joined.
    #[error("no agent speaks for {device}: start one that may observe it, or see `entente agent list`")]
    Unspoken {
        /// The device.
        device: String,
    },
    /// The agent that may observe it is away for a while.
    #[error("{agent}, which configures {device}, is away: try again once it is back, see `entente agent list`")]
    Away {
        /// The device.
        device: String,
        /// Its agent.
        agent: String,
    },
    /// What a transaction tries out on it cannot be told from what is decided.
    #[error("nobody knows what transaction {transaction} tries out on {device}: {words}")]
    Veiled {
        /// The device.
        device: String,
        /// The transaction.
        transaction: String,
        /// Why not.
        words: String,
    },
    /// The agent did not answer in time.
    #[error("no answer about {device} in {seconds} s")]
    Late {
        /// The device.
        device: String,
        /// How long was waited.
        seconds: u64,
    },
    /// The agent says why not.
    #[error("cannot read {device}: {words}")]
    Fault {
        /// The device.
        device: String,
        /// In the agent's or the device's words.
        words: String,
    },
}

type Part = Result<v1::Reading, String>;

/// A reading under way.
#[derive(Debug)]
struct Waiting {
    /// The agent that was asked: nobody else answers.
    asked: String,
    parts: mpsc::Sender<Part>,
    account: Account,
}

/// What has come of a reading so far.
#[derive(Debug)]
struct Account {
    left: usize,
    parts: u32,
}

impl Account {
    fn new() -> Self {
        Self {
            left: LARGEST.0,
            parts: 0,
        }
    }

    /// Takes the next part in, if it is the next one and there is room for it. An agent of the first release does not
    /// count its parts.
    fn take(&mut self, reading: &v1::Reading) -> Result<(), String> {
        self.parts += 1;
        if reading.part != 0 && reading.part != self.parts {
            return Err(format!("part {} of the reading is missing", self.parts));
        }
        let left = self.left.checked_sub(size(reading));
        self.left = left.ok_or_else(|| format!("the reading has more than {} bytes", LARGEST.0))?;
        Ok(())
    }
}

fn size(reading: &v1::Reading) -> usize {
    let value = |it: &v1::Observed| match it.value.as_ref().and_then(|it| it.kind.as_ref()) {
        Some(v1::value::Kind::Scalar(text) | v1::value::Kind::Credential(text)) => text.len(),
        Some(v1::value::Kind::Present(_)) | None => 0,
    };
    let entry = |it: &v1::Observed| LARGEST.1 + it.path.len() + value(it);
    LARGEST.1 + reading.native.len() + reading.entries.iter().map(entry).sum::<usize>()
}

/// Who waits for what agents read.
#[derive(Debug, Default)]
pub struct Readings(Mutex<HashMap<(DeviceId, u32), Waiting>>);

impl Readings {
    fn lock(&self) -> MutexGuard<'_, HashMap<(DeviceId, u32), Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What an agent was asked it knows nothing of any more: nobody waits for it.
    pub(super) fn forget(&self, name: &str) {
        self.lock().retain(|_, it| it.asked != name);
    }

    /// Passes a part on to whoever waits for it. A reading of which a part cannot be taken is over.
    pub(super) fn answered(&self, name: &str, device: DeviceId, attempt: u32, answer: v1::Answer) {
        let mut all = self.lock();
        let Some(waiting) = all.get_mut(&(device, attempt)).filter(|it| it.asked == name) else {
            return;
        };
        let part = match answer.outcome {
            Some(Outcome::Reading(reading)) => waiting.account.take(&reading).map(|()| reading),
            Some(Outcome::Fault(fault)) => Err(inward::words(&fault)),
            Some(_) | None => Err("the agent gave no reading".to_owned()),
        };
        let is_over = part.is_err();
        if waiting.parts.try_send(part).is_err() || is_over {
            all.remove(&(device, attempt)); // who waits finds the end of what has come
        }
    }
}

/// Who asked waits no longer once this is dropped, whatever became of it.
struct Asked<'a>(&'a Readings, (DeviceId, u32));

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.0.lock().remove(&self.1);
    }
}

impl Agents {
    /// Reads what stands at `paths` of a device; everything that can be read where none is named.
    pub async fn read(&self, device: DeviceId, paths: Vec<String>) -> Result<Tree, ReadError> {
        self.query(device, v1::Source::Running, paths).await.map(|read| read.0)
    }

    /// Reads all that can be read of a device; an agent that is away for a moment is waited for.
    pub async fn read_patiently(&self, device: DeviceId) -> Result<Tree, ReadError> {
        patiently(self.arrivals.subscribe(), BACK_WITHIN, || self.read(device, Vec::new())).await
    }

    /// Why nobody can be asked about a device.
    pub(super) fn unspoken(&self, device: DeviceId) -> ReadError {
        let (agent, device) = (self.away(device), self.called(device));
        match agent {
            Some(agent) => ReadError::Away { device, agent },
            None => ReadError::Unspoken { device },
        }
    }

    /// What a device says of itself under these names, as entries.
    pub async fn state(&self, device: DeviceId, names: Vec<String>) -> Result<Tree, ReadError> {
        self.query(device, v1::Source::State, names).await.map(|read| read.0)
    }

    /// Reads a device's configuration in its own words; its agent has hidden the secrets.
    pub async fn native(&self, device: DeviceId) -> Result<String, ReadError> {
        self.query(device, v1::Source::Native, Vec::new())
            .await
            .map(|read| read.1)
    }

    /// How a device is reached, as entries: its agent asks it now, over each of its protocols.
    pub async fn ways(&self, device: DeviceId) -> Result<Tree, ReadError> {
        self.query(device, v1::Source::Ways, Vec::new())
            .await
            .map(|read| read.0)
    }

    async fn query(
        &self,
        device: DeviceId,
        source: v1::Source,
        paths: Vec<String>,
    ) -> Result<(Tree, String), ReadError> {
        let attempt = self.count.fetch_add(1, Ordering::Relaxed);
        let _asked = Asked(&self.readings, (device, attempt));
        let read = tokio::time::timeout(READ_WITHIN, self.gather((device, attempt), source, paths)).await;
        read.unwrap_or_else(|_| {
            Err(ReadError::Late {
                device: self.called(device),
                seconds: READ_WITHIN.as_secs(),
            })
        })
    }

    async fn gather(
        &self,
        (device, attempt): (DeviceId, u32),
        source: v1::Source,
        paths: Vec<String>,
    ) -> Result<(Tree, String), ReadError> {
        let query = v1::Query {
            source: source as i32,
            paths,
            within_milliseconds: u64::try_from(READ_WITHIN.as_millis()).unwrap_or(u64::MAX),
        };
        let scope = Scope {
            device: device.to_string(),
            step: Step::Query as i32,
            attempt,
            ..Scope::default()
        };
        let unspoken = || self.unspoken(device);
        let (asked, outlet) = self.observer(device).ok_or_else(unspoken)?;
        let (sender, mut parts) = mpsc::channel(PARTS);
        let waiting = Waiting {
            asked,
            parts: sender,
            account: Account::new(),
        };
        self.readings.lock().insert((device, attempt), waiting);
        outlet
            .offer(Some(scope), downward::Body::Query(query))
            .map_err(|_| unspoken())?;
        gathered(&mut parts).await.map_err(|words| ReadError::Fault {
            device: self.called(device),
            words,
        })
    }
}

/// Reads again whenever somebody has arrived, for as long as the agent is away and waited for.
async fn patiently<Read: Future<Output = Result<Tree, ReadError>>>(
    mut arrivals: watch::Receiver<u64>,
    within: Duration,
    read: impl Fn() -> Read,
) -> Result<Tree, ReadError> {
    let by = Instant::now() + within;
    loop {
        let found = read().await;
        let is_away = matches!(found, Err(ReadError::Away { .. }));
        if !is_away || !matches!(tokio::time::timeout_at(by, arrivals.changed()).await, Ok(Ok(()))) {
            return found;
        }
    }
}

async fn gathered(parts: &mut mpsc::Receiver<Part>) -> Result<(Tree, String), String> {
    let (mut tree, mut native) = (Tree::new(), String::new());
    while let Some(part) = parts.recv().await {
        let reading = part?;
        for observed in reading.entries {
            let (path, value) = inward::observed(observed).ok_or("the agent sent a path that is none")?;
            tree.insert(path, value);
        }
        native.push_str(&reading.native);
        if !reading.more {
            return Ok((tree, native));
        }
    }
    Err("the agent left, or sent more at once than is taken".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(part: u32, native: usize) -> v1::Reading {
        v1::Reading {
            part,
            native: "x".repeat(native),
            more: true,
            ..v1::Reading::default()
        }
    }

    fn answer(reading: v1::Reading) -> v1::Answer {
        v1::Answer {
            outcome: Some(Outcome::Reading(reading)),
            ..v1::Answer::default()
        }
    }

    fn waiting(readings: &Readings, parts: usize) -> mpsc::Receiver<Part> {
        let (sender, receiver) = mpsc::channel(parts);
        let waiting = Waiting {
            asked: "edge".to_owned(),
            parts: sender,
            account: Account::new(),
        };
        readings.lock().insert((DeviceId(1), 7), waiting);
        receiver
    }

    #[test]
    fn a_reading_is_taken_whole_or_not_at_all() {
        let mut account = Account::new();
        assert_eq!(account.take(&reading(1, 1)), Ok(()));
        assert_eq!(
            account.take(&reading(3, 1)),
            Err("part 2 of the reading is missing".to_owned())
        );
        let mut account = Account::new();
        assert_eq!(account.take(&reading(0, 1)), Ok(()), "the first release does not count");
        assert_eq!(account.take(&reading(0, 1)), Ok(()));
    }

    #[test]
    fn a_reading_has_so_many_bytes_and_no_more() {
        let mut account = Account::new();
        let entry = v1::Observed {
            path: "p".repeat(1 << 20),
            value: None,
        };
        let part = v1::Reading {
            entries: vec![entry; 4],
            more: true,
            ..v1::Reading::default()
        };
        let taken = (0..100).take_while(|_| account.take(&part).is_ok()).count();
        assert_eq!(taken, 7, "32 MiB are not quite eight times four");
        let mut account = Account::new();
        let empty = v1::Reading {
            entries: vec![v1::Observed::default(); 100_000],
            more: true,
            ..v1::Reading::default()
        };
        let taken = (0..100).take_while(|_| account.take(&empty).is_ok()).count();
        assert_eq!(taken, 5, "entries count even if they say nothing");
    }

    #[tokio::test]
    async fn who_is_away_for_a_moment_is_waited_for_and_no_longer() {
        let away = || ReadError::Away {
            device: "pe1".to_owned(),
            agent: "edge".to_owned(),
        };
        let (arrivals, soon) = (watch::Sender::new(0), Duration::from_millis(50));
        let tries = std::cell::Cell::new(0);
        let read = |enough: u32| {
            let (tries, arrivals) = (&tries, &arrivals);
            move || async move {
                tries.set(tries.get() + 1);
                if tries.get() >= enough {
                    return Ok(Tree::new());
                }
                arrivals.send_modify(|it| *it += 1); // another one has joined
                Err(away())
            }
        };
        assert_eq!(
            patiently(arrivals.subscribe(), Duration::from_secs(60), read(3)).await,
            Ok(Tree::new())
        );
        assert_eq!(tries.get(), 3);
        let since = Instant::now();
        let stays_away = || async { Err(away()) };
        assert_eq!(patiently(arrivals.subscribe(), soon, stays_away).await, Err(away()));
        assert!(since.elapsed() >= soon);
        let unspoken = || ReadError::Unspoken {
            device: "pe1".to_owned(),
        };
        let nobody = || async { Err(unspoken()) };
        let never = Duration::from_secs(3_600);
        let read = patiently(arrivals.subscribe(), never, nobody).await;
        assert_eq!(read, Err(unspoken()), "where nobody is to come nobody is waited for");
    }

    #[test]
    fn only_who_was_asked_answers() {
        let readings = Readings::default();
        let mut parts = waiting(&readings, 4);
        readings.answered("monitor", DeviceId(1), 7, answer(reading(1, 1)));
        assert!(parts.try_recv().is_err());
        readings.answered("edge", DeviceId(1), 7, answer(reading(1, 1)));
        assert!(parts.try_recv().is_ok());
    }

    #[tokio::test]
    async fn a_part_that_finds_no_room_ends_the_reading() {
        let readings = Readings::default();
        let mut parts = waiting(&readings, 2);
        for part in 1..=4 {
            let mut next = reading(part, 1);
            next.more = part < 4;
            readings.answered("edge", DeviceId(1), 7, answer(next));
        }
        assert!(readings.lock().is_empty(), "the last part is not taken for the third");
        let gathered = gathered(&mut parts).await;
        assert!(gathered.is_err_and(|words| words.contains("the agent left")));
    }
}
