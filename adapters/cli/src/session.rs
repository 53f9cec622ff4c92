//! The device steps on a command line.
//!
//! A plain command line takes a change line by line, and nobody but the agent takes it back: the lock is the agent's
//! own, stage reads, compares and renders, apply stops at the first refusal and reads back, revert sends the difference
//! to the baseline until there is none. A command line that commits collects the lines and takes them as a whole.

use crate::device::{Device, Side, with};
use crate::locks::Held;
use crate::target::{Target, guarantee};
use crate::terminal::Terminal;
use crate::vault::Vault;
use adapters_platform::{Reading, Script};
use adapters_port::{
    Answer, Applied, Change, ConfigureSession, Confirmed, Deadline, DeviceWords, Holder, Protocol, Receipt, Record,
    Reverted, Saved, SessionError, Staged, Step,
};
use knowledge_model::{Delta, Path, Tree, diff};
use std::sync::Arc;
use tokio::time::Instant;

/// How often the difference to the baseline is sent before the device is given up.
const ROUNDS: usize = 3;

/// One exclusive session for changing a device.
pub struct CliSession {
    pub(crate) device: Device,
    pub(crate) held: Option<Held>,
    pub(crate) script: Script,
    /// Lines of ours lie where a commit would take them.
    pub(crate) loaded: bool,
    /// Everybody else is kept out.
    pub(crate) excluding: bool,
}

impl CliSession {
    pub(crate) fn new(target: Arc<Target>, terminal: Terminal) -> Self {
        Self {
            device: Device {
                target,
                terminal,
                vault: Vault::default(),
                last: Reading::default(),
            },
            held: None,
            script: Script::default(),
            loaded: false,
            excluding: false,
        }
    }

    async fn stage_change(&mut self, change: &Change, by: Deadline) -> Result<Staged, SessionError> {
        let started = Instant::now();
        self.hold(Step::Stage)?;
        self.supports(&change.delta)?;
        self.learn(&change.delta, Step::Stage, by).await?;
        self.exclude(Step::Stage, by).await?;
        let current = self.reread(change, by).await?;
        let target = with(&current, &change.delta, Side::After);
        let platform = &self.device.target.platform;
        let rendered = platform.render(&diff(&current, &target), &current);
        self.script = rendered.map_err(|error| self.device.unsupported(Step::Stage, error.to_string()))?;
        self.device.spares(&self.script, Step::Stage)?;
        for reference in self.script.lines().iter().flat_map(|line| line.text.references()) {
            if self.device.vault.resolve(reference).is_none() {
                return Err(self
                    .device
                    .unsupported(Step::Stage, format!("no secret is known as {reference}")));
            }
        }
        self.load(by).await?;
        let baseline = touched(&current, &change.delta);
        let facts = self.device.target.platform.facts();
        let mut record = Record::new(change, Protocol::Cli, guarantee(facts), baseline);
        record.window = self.window(change.window);
        let mut receipt = self.receipt(Step::Stage, started, self.device.terminal.session().show.clone());
        receipt.remarks.push(format!("{} lines", self.script.lines().len()));
        Ok(Staged::attest(record, receipt))
    }

    /// What is there now, which is what the plan was made from wherever it looked.
    pub(crate) async fn reread(&mut self, change: &Change, by: Deadline) -> Result<Tree, SessionError> {
        let current = self.device.read(Step::Stage, by).await?;
        let as_before = self.device.is(&current, &change.delta, Side::Before);
        if as_before && self.device.stand(&current, &change.stands) {
            return Ok(current);
        }
        let mut paths = change.moved(&current);
        paths.extend(moved(&current, &change.delta));
        Err(SessionError::Stale {
            place: self.device.target.place(Step::Stage),
            paths,
        })
    }

    async fn apply_staged(&mut self, staged: Staged, by: Deadline) -> Result<Applied, SessionError> {
        let started = Instant::now();
        let script = std::mem::take(&mut self.script);
        let words = if self.loaded {
            self.take(staged.record().window, by).await?
        } else {
            self.device.type_script(&script, Step::Apply, by).await?
        };
        let delta = &staged.record().delta;
        let current = self.device.read(Step::Apply, by).await?;
        if !self.device.is(&current, delta, Side::After) {
            let paths: Vec<String> = delta
                .iter()
                .filter(|(path, edit)| current.value(path) != edit.after.as_ref())
                .map(|(path, _)| path.to_string())
                .collect();
            return Err(SessionError::Refused {
                place: self.device.target.place(Step::Apply),
                words: Box::new(DeviceWords {
                    message: "every line was taken, and the configuration reads otherwise".to_owned(),
                    path: Some(paths.join(", ")),
                    more: words,
                    ..DeviceWords::default()
                }),
            });
        }
        let asked = script.lines().iter().map(|line| line.text.to_string()).collect();
        let mut receipt = self.receipt(Step::Apply, started, asked);
        receipt.words = words;
        Ok(staged.applied(receipt))
    }

    async fn confirm_applied(&mut self, record: &Record, by: Deadline) -> Result<Confirmed, SessionError> {
        let started = Instant::now();
        let elsewhere = record.protocol != Protocol::Cli;
        if elsewhere {
            // What came over another protocol reads the same while it is pending and the device's timer is late. Locks
            // that nobody is granted as long as a commit is pending tell them apart, where there are any.
            self.exclude(Step::Confirm, by).await?;
        }
        let mut asked = self.keep_trial(record, by).await?;
        if let Err(gone) = self.stays(record, by).await {
            if elsewhere {
                self.let_in(by).await;
            }
            return Err(gone);
        }
        let save = self.device.terminal.session().save.clone();
        let saved = match self.device.send(&save, Step::Confirm, by).await {
            Ok(_) if save.is_empty() => Saved::Itself,
            Ok(_) => Saved::Yes,
            Err(SessionError::Refused { words, .. }) => Saved::NotYet(words.message),
            Err(error) => return Err(error),
        };
        asked.extend(save);
        self.let_in(by).await;
        Ok(Confirmed {
            receipt: self.receipt(Step::Confirm, started, asked),
            saved,
        })
    }

    /// A confirm that came too late is taken like one that came in time: what the device holds is what counts.
    async fn stays(&mut self, record: &Record, by: Deadline) -> Result<(), SessionError> {
        self.learn(&record.delta, Step::Confirm, by).await?;
        let current = self.device.read(Step::Confirm, by).await?;
        if self.device.is(&current, &record.delta, Side::After) {
            return Ok(());
        }
        let place = self.device.target.place(Step::Confirm);
        if !self.device.is(&current, &record.delta, Side::Before) {
            let foreign = self.device.foreign(&current, &record.delta);
            let changes = foreign.iter().map(ToString::to_string).collect();
            return Err(SessionError::Foreign { place, changes });
        }
        let message = "the device has taken the change back before it was confirmed".to_owned();
        Err(SessionError::Refused {
            place,
            words: Box::new(DeviceWords {
                message,
                ..DeviceWords::default()
            }),
        })
    }

    async fn revert_to(&mut self, record: &Record, by: Deadline) -> Result<Reverted, SessionError> {
        let started = Instant::now();
        self.hold(Step::Revert)?;
        self.learn(&record.delta, Step::Revert, by).await?;
        self.exclude(Step::Revert, by).await?;
        self.unload(by).await?;
        self.end_trial(record, by).await?;
        let mut asked = Vec::new();
        let mut foreign: Option<Vec<Path>> = None;
        for _ in 0..ROUNDS {
            let current = self.device.read(Step::Revert, by).await?;
            let strange = foreign.get_or_insert_with(|| self.device.foreign(&current, &record.delta));
            let baseline = with(&current, &back(&current, record, strange), Side::After);
            let script = self.device.script(&current, &baseline, Step::Revert)?;
            if script.is_empty() {
                self.let_in(by).await;
                return Ok(Reverted {
                    receipt: self.receipt(Step::Revert, started, asked),
                    foreign: foreign.unwrap_or_default(),
                });
            }
            asked.extend(script.lines().iter().map(|line| line.text.to_string()));
            self.device.type_script(&script, Step::Revert, by).await?;
            if let Some(commit) = self.device.terminal.session().commit.clone() {
                let leave = self.device.terminal.session().leave.clone();
                let commands: Vec<String> = [commit.confirm].into_iter().chain(leave).collect();
                self.device.send(&commands, Step::Revert, by).await?;
            }
        }
        Err(SessionError::Refused {
            place: self.device.target.place(Step::Revert),
            words: Box::new(DeviceWords {
                message: format!("after {ROUNDS} rounds the configuration is not what it was"),
                ..DeviceWords::default()
            }),
        })
    }

    fn hold(&mut self, step: Step) -> Result<(), SessionError> {
        if self.held.is_none() {
            let target = &self.device.target;
            self.held = target.locks.take(&target.device);
        }
        match self.held {
            Some(_) => Ok(()),
            None => Err(SessionError::Busy {
                place: self.device.target.place(step),
                holder: Holder {
                    session: None,
                    what: "the agent's lock of the device".to_owned(),
                    dirty: false,
                },
                words: Box::default(),
            }),
        }
    }

    fn supports(&self, delta: &Delta) -> Result<(), SessionError> {
        let platform = &self.device.target.platform;
        match delta.iter().find(|(path, _)| !platform.supports(path)) {
            None => Ok(()),
            Some((path, _)) => {
                let what = format!("{} has no command for {path}", platform.name());
                Err(self.device.unsupported(Step::Stage, what))
            }
        }
    }

    async fn learn(&mut self, delta: &Delta, step: Step, by: Deadline) -> Result<(), SessionError> {
        let secrets = Arc::clone(&self.device.target.secrets);
        let learned = self.device.vault.learn(delta, secrets.as_ref(), by).await;
        learned.map_err(|error| self.device.unsupported(step, error.to_string()))
    }

    fn receipt(&self, step: Step, started: Instant, asked: Vec<String>) -> Receipt {
        Receipt {
            asked,
            took: started.elapsed(),
            ..Receipt::new(step, Protocol::Cli)
        }
    }
}

/// The paths that are not what the change was made from.
fn moved(current: &Tree, delta: &Delta) -> Vec<Path> {
    let moved = delta
        .iter()
        .filter(|(path, edit)| current.value(path) != edit.before.as_ref());
    moved.map(|(path, _)| path.clone()).collect()
}

/// The touched paths as they are.
fn touched(current: &Tree, delta: &Delta) -> Tree {
    let found = delta
        .iter()
        .filter_map(|(path, _)| Some((path.clone(), current.value(path)?.clone())));
    found.collect()
}

/// From what is there to what was there when the change was staged, on touched paths alone. What a stranger wrote
/// meanwhile is his: it stays, and is named.
fn back(current: &Tree, record: &Record, foreign: &[Path]) -> Delta {
    let mut baseline = current.clone();
    for (path, _) in record.delta.iter().filter(|(path, _)| !foreign.contains(path)) {
        match record.baseline.value(path) {
            Some(value) => baseline.insert(path.clone(), value.clone()),
            None => baseline.remove(path),
        };
    }
    diff(current, &baseline)
}

impl ConfigureSession for CliSession {
    fn stage<'a>(&'a mut self, change: &'a Change, by: Deadline) -> Answer<'a, Staged> {
        Box::pin(async move {
            let staged = self.stage_change(change, by).await;
            if staged.is_err() {
                self.let_in(by).await;
            }
            staged
        })
    }

    fn apply(&mut self, staged: Staged, by: Deadline) -> Answer<'_, Applied> {
        Box::pin(self.apply_staged(staged, by))
    }

    fn renew<'a>(&'a mut self, _applied: &'a Applied, _by: Deadline) -> Answer<'a, ()> {
        // On a plain command line the timer is the agent's; a trial is given its whole window at once.
        Box::pin(std::future::ready(Ok(())))
    }

    fn confirm<'a>(&'a mut self, applied: &'a Applied, by: Deadline) -> Answer<'a, Confirmed> {
        Box::pin(self.confirm_applied(applied.record(), by))
    }

    fn revert<'a>(&'a mut self, record: &'a Record, by: Deadline) -> Answer<'a, Reverted> {
        Box::pin(async move {
            let reverted = self.revert_to(record, by).await;
            if reverted.is_err() {
                self.let_in(by).await;
            }
            reverted
        })
    }
}
