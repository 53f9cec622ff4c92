//! A device in memory: one datastore, two protocols, and a fault for each on command.

use adapters_failover::{Switch, Tell};
use adapters_port::{
    Access, Answer, Applied, Capabilities, Change, ChangeId, ConfigureSession, Confirmed, Deadline, Denial,
    DeviceWords, Guarantee, Observation, Observer, PersistId, Place, Protocol, Query, Receipt, Record, Reverted, Save,
    Saved, SessionError, Staged, Standing, Step, Watch,
};
use knowledge_model::{Path, Tree, Value, diff};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// Where a protocol dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dies {
    Never,
    Connecting,
    /// Connections are taken, and nothing ever comes.
    Silent,
    Denying(Denial),
    Staging,
    Applying,
    /// What it was told arrives when nobody waits for the answer any more.
    Late,
    Confirming,
}

#[derive(Clone)]
pub struct Device(Arc<Mutex<State>>);

struct State {
    running: Tree,
    guarantee: Guarantee,
    exclusive: bool,
    dies: BTreeMap<Protocol, Dies>,
    generation: BTreeMap<Protocol, u32>,
    writes: BTreeMap<Protocol, usize>,
}

impl Device {
    pub fn new(guarantee: Guarantee) -> Self {
        let (running, dies) = (Tree::new(), BTreeMap::new());
        let (generation, writes) = (BTreeMap::new(), BTreeMap::new());
        Self(Arc::new(Mutex::new(State {
            running,
            guarantee,
            exclusive: false,
            dies,
            generation,
            writes,
        })))
    }

    pub fn access(&self, protocol: Protocol) -> Way {
        Way {
            device: self.clone(),
            protocol,
        }
    }

    pub fn dies(&self, protocol: Protocol, dies: Dies) {
        self.state().dies.insert(protocol, dies);
    }

    /// Ends the sessions that are open.
    pub fn cut(&self, protocol: Protocol) {
        *self.state().generation.entry(protocol).or_default() += 1;
    }

    pub fn writes(&self, protocol: Protocol) -> usize {
        self.state().writes.get(&protocol).copied().unwrap_or(0)
    }

    pub fn holds_change(&self) -> bool {
        self.state().running.contains(&path())
    }

    pub fn takes_back(&self) {
        self.state().running = Tree::new();
    }

    /// Does its terminal take the locks of all before it stages?
    pub fn exclusive(&self, exclusive: bool) {
        self.state().exclusive = exclusive;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

#[derive(Default)]
pub struct Told(Mutex<Vec<(Protocol, Protocol)>>);

impl Told {
    pub fn switches(&self) -> Vec<(Protocol, Protocol)> {
        self.0.lock().unwrap().clone()
    }
}

impl Tell for Told {
    fn switched(&self, switch: &Switch) {
        self.0.lock().unwrap().push((switch.from, switch.to));
    }
}

pub struct Way {
    device: Device,
    protocol: Protocol,
}

struct Session {
    device: Device,
    protocol: Protocol,
    generation: u32,
}

impl Way {
    async fn silence(&self, by: Deadline) -> Result<(), SessionError> {
        if self.device.state().dies.get(&self.protocol) != Some(&Dies::Silent) {
            return Ok(());
        }
        tokio::time::sleep_until(by.instant().into()).await;
        Err(SessionError::Unreachable {
            place: Place {
                device: "pe1".to_owned(),
                protocol: self.protocol,
                step: Step::Connect,
            },
            source: "nothing came".into(),
        })
    }

    fn open(&self) -> Result<Session, SessionError> {
        let state = self.device.state();
        let place = Place {
            device: "pe1".to_owned(),
            protocol: self.protocol,
            step: Step::Connect,
        };
        match state.dies.get(&self.protocol) {
            Some(Dies::Connecting) => Err(SessionError::Unreachable {
                place,
                source: "nobody answers".into(),
            }),
            Some(&Dies::Denying(denial)) => Err(SessionError::Denied {
                place,
                denial,
                words: Box::new(DeviceWords::default()),
            }),
            Some(Dies::Never | Dies::Silent | Dies::Staging | Dies::Applying | Dies::Late | Dies::Confirming)
            | None => {
                let generation = state.generation.get(&self.protocol).copied().unwrap_or(0);
                Ok(Session {
                    device: self.device.clone(),
                    protocol: self.protocol,
                    generation,
                })
            }
        }
    }
}

impl Access for Way {
    fn protocol(&self) -> Protocol {
        self.protocol
    }

    fn capabilities(&self, by: Deadline) -> Answer<'_, Capabilities> {
        Box::pin(async move {
            self.silence(by).await?;
            drop(self.open()?);
            // The terminal of this device promises little.
            let best = self.device.state().guarantee;
            let guarantee = if self.protocol == Protocol::Netconf {
                best
            } else {
                Guarantee::Plain
            };
            let (protocol, save, announced) = (self.protocol, Save::Itself, Vec::new());
            Ok(Capabilities {
                protocol,
                guarantee,
                renew: true,
                exclusive: self.protocol == Protocol::Netconf || self.device.state().exclusive,
                save,
                watch: false,
                identity: None,
                announced,
            })
        })
    }

    fn configure(&self, by: Deadline) -> Answer<'_, Box<dyn ConfigureSession>> {
        Box::pin(async move {
            self.silence(by).await?;
            Ok(Box::new(self.open()?) as Box<dyn ConfigureSession>)
        })
    }

    fn observe(&self, by: Deadline) -> Answer<'_, Box<dyn Observer>> {
        Box::pin(async move {
            self.silence(by).await?;
            Ok(Box::new(self.open()?) as Box<dyn Observer>)
        })
    }
}

impl Session {
    /// Dies here, if it is to; counts what is written.
    fn act(&self, step: Step, change: impl FnOnce(&mut State)) -> Result<Receipt, SessionError> {
        let mut state = self.device.state();
        let place = Place {
            device: "pe1".to_owned(),
            protocol: self.protocol,
            step,
        };
        if state.generation.get(&self.protocol).copied().unwrap_or(0) != self.generation {
            return Err(SessionError::Unreachable {
                place,
                source: "cut".into(),
            });
        }
        let dies = state.dies.get(&self.protocol).copied().unwrap_or(Dies::Never);
        if step != Step::Read {
            *state.writes.entry(self.protocol).or_default() += 1;
        }
        if dies == Dies::Staging && step == Step::Stage {
            return Err(SessionError::Unreachable {
                place,
                source: "dead".into(),
            });
        }
        change(&mut state);
        // What arrived took effect; only the answer is lost.
        if (matches!(dies, Dies::Applying | Dies::Late) && step == Step::Apply)
            || (dies == Dies::Confirming && step == Step::Confirm)
        {
            return Err(SessionError::Unknown {
                place,
                source: "dead".into(),
            });
        }
        Ok(Receipt::new(step, self.protocol))
    }
}

impl ConfigureSession for Session {
    fn stage<'a>(&'a mut self, change: &'a Change, _by: Deadline) -> Answer<'a, Staged> {
        Box::pin(async move {
            let receipt = self.act(Step::Stage, |_| {})?;
            let guarantee = self.device.state().guarantee;
            Ok(Staged::attest(
                Record::new(change, self.protocol, guarantee, Tree::new()),
                receipt,
            ))
        })
    }

    fn apply(&mut self, staged: Staged, by: Deadline) -> Answer<'_, Applied> {
        Box::pin(async move {
            let late = self.device.state().dies.get(&self.protocol) == Some(&Dies::Late);
            if late {
                tokio::time::sleep_until(by.instant().into()).await;
            }
            let delta = staged.record().delta.clone();
            let receipt = self.act(Step::Apply, |it| it.running.apply(&delta).unwrap())?;
            Ok(staged.applied(receipt))
        })
    }

    fn renew<'a>(&'a mut self, _applied: &'a Applied, _by: Deadline) -> Answer<'a, ()> {
        Box::pin(async move { self.act(Step::Renew, |_| {}).map(drop) })
    }

    fn confirm<'a>(&'a mut self, _applied: &'a Applied, _by: Deadline) -> Answer<'a, Confirmed> {
        Box::pin(async move {
            let receipt = self.act(Step::Confirm, |_| {})?;
            Ok(Confirmed {
                receipt,
                saved: Saved::Itself,
            })
        })
    }

    fn revert<'a>(&'a mut self, _record: &'a Record, _by: Deadline) -> Answer<'a, Reverted> {
        Box::pin(async move {
            let receipt = self.act(Step::Revert, |it| it.running = Tree::new())?;
            Ok(Reverted {
                receipt,
                foreign: Vec::new(),
            })
        })
    }
}

impl Observer for Session {
    fn read<'a>(&'a mut self, _paths: &'a [Path], _by: Deadline) -> Answer<'a, Tree> {
        Box::pin(async move {
            self.act(Step::Read, |_| {})?;
            Ok(self.device.state().running.clone())
        })
    }

    fn native(&mut self, _by: Deadline) -> Answer<'_, String> {
        Box::pin(async move {
            self.act(Step::Read, |_| {})?;
            Ok(format!("{:?}", self.device.state().running))
        })
    }

    fn query<'a>(&'a mut self, _query: &'a Query, _by: Deadline) -> Answer<'a, Vec<Observation>> {
        Box::pin(async move { Ok(Vec::new()) })
    }

    fn watch<'a>(&'a mut self, _query: &'a Query, _by: Deadline) -> Answer<'a, Box<dyn Watch>> {
        let place = Place {
            device: "pe1".to_owned(),
            protocol: self.protocol,
            step: Step::Watch,
        };
        Box::pin(async move {
            Err(SessionError::Unsupported {
                place,
                what: "notifications".to_owned(),
            })
        })
    }

    fn resume<'a>(&'a mut self, record: &'a Record, _by: Deadline) -> Answer<'a, Standing> {
        Box::pin(async move {
            let receipt = self.act(Step::Read, |_| {})?;
            let after = record.is_after(&self.device.state().running);
            Ok(if after {
                Standing::Applied(Applied::found(record.clone(), receipt))
            } else {
                Standing::Untouched
            })
        })
    }
}

fn path() -> Path {
    Path::root().child("system").child("hostname")
}

pub fn change() -> Change {
    let mut after = Tree::new();
    after.insert(path(), Value::scalar("pe1"));
    let (id, delta, window) = (ChangeId(1), diff(&Tree::new(), &after), Duration::from_secs(120));
    Change {
        id,
        delta,
        stands: Default::default(),
        window,
        persist: PersistId::new(1),
        comment: String::new(),
    }
}

pub fn soon() -> Deadline {
    Deadline::after(tokio::time::Instant::now().into_std(), Duration::from_secs(20))
}
