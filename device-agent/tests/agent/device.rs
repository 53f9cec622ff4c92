//! A device in memory: it outlives the agent, holds a lock by session, and can take a change back by its own timer.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use adapters_port::{
    Access, Answer, Applied, Capabilities, Change, ChangeId, ConfigureSession, Confirmed, Deadline, DeviceWords,
    Guarantee, Holder, Notice, Observation, Observer, Place, Protocol, Query, Receipt, Record, Reverted, Save, Saved,
    SessionError, Staged, Standing, Step, Watch,
};
use futures::FutureExt;
use knowledge_model::{Path, Tree, Value};
use tokio::time::Instant;

/// What a device does wrong on purpose.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    #[default]
    None,
    /// It does not answer over the first way.
    Silent,
    /// It says nothing about what it can do.
    Mute,
    /// An apply never ends.
    ApplyHangs,
    /// It refuses the apply.
    RefusesApply,
}

#[derive(Default)]
pub struct State {
    /// Where somebody else was seen to have written when a change was taken back.
    pub noticed: Vec<Path>,
    pub running: Tree,
    /// An unconfirmed change, and when the device takes it back.
    pub pending: Option<(ChangeId, Tree, Instant)>,
    pub locked_by: Option<u64>,
    pub sessions: u64,
    pub asked: Vec<String>,
    pub fault: Fault,
    /// Run before the first byte of an apply.
    pub before_apply: Option<Box<dyn Fn() + Send>>,
}

/// One way to the device. Clones are ways to the same one.
#[derive(Clone)]
pub struct Device {
    pub state: Arc<Mutex<State>>,
    pub guarantee: Guarantee,
    pub protocol: Protocol,
}

impl Device {
    pub fn new(guarantee: Guarantee) -> Self {
        Self {
            state: Arc::default(),
            guarantee,
            protocol: Protocol::Netconf,
        }
    }

    /// Looks, after the device's own timer had its say.
    pub fn now(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap();
        if let Some((_, before, _)) = state.pending.take_if(|(_, _, at)| *at <= Instant::now()) {
            state.running = before;
            state.asked.push("lapsed".to_owned());
        }
        state
    }

    pub fn text(&self, path: &str) -> Option<String> {
        self.now().running.text(&path.parse().unwrap()).map(str::to_owned)
    }

    fn place(&self, step: Step) -> Place {
        Place {
            device: "r1".to_owned(),
            protocol: self.protocol,
            step,
        }
    }

    fn reach(&self, step: Step) -> Result<MutexGuard<'_, State>, SessionError> {
        let state = self.now();
        if state.fault == Fault::Silent && self.protocol == Protocol::Netconf {
            return Err(SessionError::Unreachable {
                place: self.place(step),
                source: "no answer".into(),
            });
        }
        Ok(state)
    }

    fn receipt(&self, step: Step) -> Receipt {
        Receipt::new(step, self.protocol)
    }
}

impl Access for Device {
    fn protocol(&self) -> Protocol {
        self.protocol
    }

    fn capabilities(&self, _by: Deadline) -> Answer<'_, Capabilities> {
        let capabilities = self.reach(Step::Connect).map(|_| Capabilities {
            protocol: self.protocol,
            guarantee: self.guarantee,
            renew: self.guarantee == Guarantee::Confirmed,
            exclusive: self.protocol == Protocol::Netconf,
            save: Save::Itself,
            watch: false,
            identity: None,
            announced: Vec::new(),
        });
        let mute = self.now().fault == Fault::Mute;
        async move {
            if mute {
                std::future::pending::<()>().await;
            }
            capabilities
        }
        .boxed()
    }

    fn configure(&self, _by: Deadline) -> Answer<'_, Box<dyn ConfigureSession>> {
        let session = self.reach(Step::Connect).map(|mut state| {
            state.sessions += 1;
            Box::new(Session {
                device: self.clone(),
                number: state.sessions,
            }) as Box<dyn ConfigureSession>
        });
        async { session }.boxed()
    }

    fn observe(&self, _by: Deadline) -> Answer<'_, Box<dyn Observer>> {
        let observer = self
            .reach(Step::Connect)
            .map(|_| Box::new(Reader(self.clone())) as Box<dyn Observer>);
        async { observer }.boxed()
    }
}

struct Session {
    device: Device,
    number: u64,
}

impl Session {
    fn lock(&self, step: Step) -> Result<MutexGuard<'_, State>, SessionError> {
        let mut state = self.device.reach(step)?;
        match state.locked_by {
            Some(other) if other != self.number => Err(SessionError::Busy {
                place: self.device.place(step),
                holder: Holder {
                    session: Some(other.to_string()),
                    what: "running".to_owned(),
                    dirty: false,
                },
                words: Box::default(),
            }),
            Some(_) | None => {
                state.locked_by = Some(self.number);
                Ok(state)
            }
        }
    }

    /// A stranger's work on the touched paths is left to him, and the lock stays with the session.
    fn spare(&self, record: &Record, state: &State, step: Step) -> Result<(), SessionError> {
        let foreign = record.foreign(&state.running);
        if foreign.is_empty() {
            return Ok(());
        }
        Err(SessionError::Foreign {
            place: self.device.place(step),
            changes: foreign.iter().map(ToString::to_string).collect(),
        })
    }

    fn stage(&self, change: &Change) -> Result<Staged, SessionError> {
        let state = self.lock(Step::Stage)?;
        let moved = |(path, edit): &(&Path, &knowledge_model::Edit)| state.running.value(path) != edit.before.as_ref();
        let paths: Vec<Path> = change
            .delta
            .iter()
            .filter(moved)
            .map(|(path, _)| path.clone())
            .collect();
        if !paths.is_empty() {
            return Err(SessionError::Stale {
                place: self.device.place(Step::Stage),
                paths,
            });
        }
        let mut baseline = Tree::new();
        for (path, _) in change.delta.iter() {
            if let Some(value) = state.running.value(path) {
                baseline.insert(path.clone(), value.clone());
            }
        }
        let record = Record::new(change, self.device.protocol, self.device.guarantee, baseline);
        Ok(Staged::attest(record, self.device.receipt(Step::Stage)))
    }

    fn apply(&self, staged: Staged) -> Result<Applied, SessionError> {
        let mut state = self.lock(Step::Apply)?;
        if let Some(look) = &state.before_apply {
            look();
        }
        if state.fault == Fault::RefusesApply {
            let words = Box::new(DeviceWords {
                message: "no room".to_owned(),
                more: vec!["neighbor 192.0.2.1 password s3cret\u{7}".to_owned()],
                ..DeviceWords::default()
            });
            return Err(SessionError::Refused {
                place: self.device.place(Step::Apply),
                words,
            });
        }
        let before = state.running.clone();
        state.running.apply(&staged.record().delta).unwrap();
        if self.device.guarantee == Guarantee::Confirmed {
            let until = Instant::now() + staged.record().window;
            state.pending = Some((staged.record().id, before, until));
        }
        state.asked.push("apply".to_owned());
        Ok(staged.applied(self.device.receipt(Step::Apply)))
    }

    fn renew(&self, applied: &Applied) -> Result<(), SessionError> {
        let mut state = self.lock(Step::Renew)?;
        state.asked.push("renew".to_owned());
        self.spare(applied.record(), &state, Step::Renew)?;
        let window = applied.record().window;
        match &mut state.pending {
            Some((id, _, until)) if *id == applied.record().id => {
                *until = Instant::now() + window;
                Ok(())
            }
            Some(_) | None => Err(SessionError::Unknown {
                place: self.device.place(Step::Renew),
                source: "nothing pending".into(),
            }),
        }
    }

    fn confirm(&self, applied: &Applied) -> Result<Confirmed, SessionError> {
        let mut state = self.lock(Step::Confirm)?;
        state.asked.push("confirm".to_owned());
        if self.device.guarantee == Guarantee::Confirmed && state.pending.take().is_none() {
            let source = "persistent confirmed commit not active".into();
            return Err(SessionError::Unknown {
                place: self.device.place(Step::Confirm),
                source,
            });
        }
        self.spare(applied.record(), &state, Step::Confirm)?;
        Ok(Confirmed {
            receipt: self.device.receipt(Step::Confirm),
            saved: Saved::Itself,
        })
    }

    fn revert(&self, record: &Record) -> Result<Reverted, SessionError> {
        let mut state = self.lock(Step::Revert)?;
        state.asked.push("revert".to_owned());
        self.spare(record, &state, Step::Revert)?;
        state.pending = None;
        for (path, edit) in record.delta.iter() {
            match &edit.before {
                Some(value) => drop(state.running.insert(path.clone(), value.clone())),
                None => drop(state.running.remove(path)),
            }
        }
        Ok(Reverted {
            receipt: self.device.receipt(Step::Revert),
            foreign: state.noticed.clone(),
        })
    }
}

impl ConfigureSession for Session {
    fn stage<'a>(&'a mut self, change: &'a Change, _by: Deadline) -> Answer<'a, Staged> {
        let result = Session::stage(self, change);
        async { result }.boxed()
    }

    fn apply(&mut self, staged: Staged, _by: Deadline) -> Answer<'_, Applied> {
        let hangs = self.device.now().fault == Fault::ApplyHangs;
        let result = Session::apply(self, staged);
        async move {
            if hangs {
                tokio::time::sleep(Duration::from_secs(3600)).await;
            }
            result
        }
        .boxed()
    }

    fn renew<'a>(&'a mut self, applied: &'a Applied, _by: Deadline) -> Answer<'a, ()> {
        let result = Session::renew(self, applied);
        async { result }.boxed()
    }

    fn confirm<'a>(&'a mut self, applied: &'a Applied, _by: Deadline) -> Answer<'a, Confirmed> {
        let result = Session::confirm(self, applied);
        async { result }.boxed()
    }

    fn revert<'a>(&'a mut self, record: &'a Record, _by: Deadline) -> Answer<'a, Reverted> {
        let result = Session::revert(self, record);
        async { result }.boxed()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let mut state = self.device.state.lock().unwrap();
        state.locked_by.take_if(|it| *it == self.number);
    }
}

struct Reader(Device);

impl Observer for Reader {
    fn read<'a>(&'a mut self, paths: &'a [Path], _by: Deadline) -> Answer<'a, Tree> {
        let result = self.0.reach(Step::Read).map(|state| {
            let mut tree = Tree::new();
            for (path, value) in paths.iter().filter_map(|path| Some((path, state.running.value(path)?))) {
                tree.insert(path.clone(), value.clone());
            }
            tree
        });
        async { result }.boxed()
    }

    fn native(&mut self, _by: Deadline) -> Answer<'_, String> {
        let result = self.0.reach(Step::Read).map(|state| {
            let line = |(path, value): (&Path, &Value)| format!("{path} {value}\n");
            state.running.iter().map(line).collect()
        });
        async { result }.boxed()
    }

    fn query<'a>(&'a mut self, _query: &'a Query, _by: Deadline) -> Answer<'a, Vec<Observation>> {
        async { Ok(Vec::new()) }.boxed()
    }

    fn watch<'a>(&'a mut self, _query: &'a Query, _by: Deadline) -> Answer<'a, Box<dyn Watch>> {
        async { Ok(Box::new(Quiet) as Box<dyn Watch>) }.boxed()
    }

    fn resume<'a>(&'a mut self, record: &'a Record, _by: Deadline) -> Answer<'a, Standing> {
        let device = self.0.clone();
        let result = self.0.reach(Step::Resume).map(|state| {
            let ours = state.pending.as_ref().is_some_and(|(id, _, _)| *id == record.id);
            let by_agent = device.guarantee != Guarantee::Confirmed;
            if record.is_after(&state.running) && (ours || by_agent) {
                Standing::Applied(Applied::found(record.clone(), device.receipt(Step::Resume)))
            } else if record.is_after(&state.running) {
                Standing::Confirmed
            } else if record.is_before(&state.running) {
                Standing::Untouched
            } else {
                Standing::Unknown {
                    foreign: record.foreign(&state.running),
                    reason: "neither".to_owned(),
                }
            }
        });
        async { result }.boxed()
    }
}

struct Quiet;

impl Watch for Quiet {
    fn next(&mut self, _by: Deadline) -> Answer<'_, Option<Notice>> {
        async { Ok(None) }.boxed()
    }
}
