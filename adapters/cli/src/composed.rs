//! A device of several command lines: a router whose routing is one platform's and whose filters are another's.
//!
//! It is one participant. Each part owns the paths that no part before it has a rule for; the promise is the weakest of
//! all. What one part refuses is taken back on the others before anybody hears of it.

use crate::access::CliAccess;
use crate::observer::CliObserver;
use crate::session::CliSession;
use adapters_platform::Platform;
use adapters_port::{
    Access, Answer, Applied, Capabilities, Change, ConfigureSession, Confirmed, Deadline, Guarantee, Observation,
    Observer, Place, Protocol, Query, Receipt, Record, Reverted, Save, Saved, SessionError, Staged, Standing, Step,
    Watch,
};
use knowledge_model::{Delta, Path, Tree, Value};
use std::sync::Arc;
use std::time::Duration;

/// One command line of a composed device.
pub struct Part {
    /// What it speaks, and so what it owns.
    pub platform: Arc<Platform>,
    /// The way to it.
    pub access: CliAccess,
}

/// The way to a device of several command lines.
pub struct Composed {
    device: String,
    parts: Arc<Vec<Part>>,
}

impl Composed {
    /// A device of these parts: what two of them could own is the earlier one's.
    pub fn new(device: impl Into<String>, parts: Vec<Part>) -> Self {
        Self {
            device: device.into(),
            parts: Arc::new(parts),
        }
    }
}

/// Which part owns a path.
fn owner(parts: &[Part], path: &Path) -> Option<usize> {
    parts.iter().position(|it| it.platform.supports(path))
}

/// What of a change is each part's.
fn split(parts: &[Part], delta: &Delta) -> Vec<Delta> {
    let mut deltas: Vec<Delta> = parts.iter().map(|_| Delta::new()).collect();
    for (path, edit) in delta.iter() {
        // What nobody owns is for the first to refuse, in its own words.
        let part = owner(parts, path).unwrap_or(0);
        deltas[part].insert(path.clone(), edit.clone());
    }
    deltas
}

/// What of a record is one part's.
fn part_of(record: &Record, delta: Delta) -> Record {
    let owned = |path: &Path| delta.edit(path).is_some();
    let baseline = record.baseline.iter().filter(|(path, _)| owned(path));
    let baseline = baseline.map(|(path, value)| (path.clone(), value.clone())).collect();
    Record {
        baseline,
        delta,
        ..record.clone()
    }
}

impl Access for Composed {
    fn protocol(&self) -> Protocol {
        Protocol::Cli
    }

    fn capabilities(&self, by: Deadline) -> Answer<'_, Capabilities> {
        Box::pin(async move {
            let mut whole: Option<Capabilities> = None;
            for part in self.parts.iter() {
                let own = part.access.capabilities(by).await?;
                whole = Some(match whole {
                    None => own,
                    Some(other) => Capabilities {
                        guarantee: other.guarantee.weakest(own.guarantee),
                        renew: other.renew && own.renew,
                        exclusive: other.exclusive && own.exclusive,
                        save: match (other.save, own.save) {
                            (Save::Itself, Save::Itself) => Save::Itself,
                            (Save::AtConfirm, _) | (_, Save::AtConfirm) => Save::AtConfirm,
                        },
                        ..other
                    },
                });
            }
            whole.ok_or_else(|| empty(&self.device, Step::Connect))
        })
    }

    fn configure(&self, by: Deadline) -> Answer<'_, Box<dyn ConfigureSession>> {
        Box::pin(async move {
            let mut sessions = Vec::new();
            for part in self.parts.iter() {
                sessions.push(part.access.session(by).await?);
            }
            Ok(Box::new(ComposedSession {
                parts: Arc::clone(&self.parts),
                sessions,
                staged: Vec::new(),
            }) as Box<dyn ConfigureSession>)
        })
    }

    fn observe(&self, by: Deadline) -> Answer<'_, Box<dyn Observer>> {
        Box::pin(async move {
            let mut observers = Vec::new();
            for part in self.parts.iter() {
                observers.push(part.access.observer(by).await?);
            }
            Ok(Box::new(ComposedObserver {
                parts: Arc::clone(&self.parts),
                observers,
            }) as Box<dyn Observer>)
        })
    }
}

/// One session for each part.
struct ComposedSession {
    parts: Arc<Vec<Part>>,
    sessions: Vec<CliSession>,
    /// What each part has staged, by its place.
    staged: Vec<(usize, Staged)>,
}

impl ComposedSession {
    async fn do_stage(&mut self, change: &Change, by: Deadline) -> Result<Staged, SessionError> {
        self.staged.clear();
        let mut receipt = Receipt::new(Step::Stage, Protocol::Cli);
        let (mut baseline, mut guarantee) = (Tree::new(), Guarantee::Confirmed);
        for (at, delta) in split(&self.parts, &change.delta).into_iter().enumerate() {
            let own = |(path, _): &(&Path, &Option<Value>)| owner(&self.parts, path).unwrap_or(0) == at;
            let stands = change.stands.iter().filter(own);
            let stands = stands.map(|(path, value)| (path.clone(), value.clone())).collect();
            let change = Change {
                delta,
                stands,
                ..change.clone()
            };
            if change.delta.is_empty() {
                // Nothing is staged there: it is looked whether all stands that has to.
                if !change.stands.is_empty()
                    && let Err(moved) = self.sessions[at].reread(&change, by).await
                {
                    self.let_go(by).await;
                    return Err(moved);
                }
                continue;
            }
            let staged = match self.sessions[at].stage(&change, by).await {
                Ok(staged) => staged,
                Err(refusal) => {
                    self.let_go(by).await;
                    return Err(refusal);
                }
            };
            guarantee = guarantee.weakest(staged.record().guarantee);
            for (path, value) in staged.record().baseline.iter() {
                baseline.insert(path.clone(), value.clone());
            }
            merge(&mut receipt, staged.receipt());
            self.staged.push((at, staged));
        }
        let record = Record::new(change, Protocol::Cli, guarantee, baseline);
        Ok(Staged::attest(record, receipt))
    }

    /// Nothing was applied: what was staged is let go, and a part that cannot say so is closed with this session.
    async fn let_go(&mut self, by: Deadline) {
        for (at, staged) in std::mem::take(&mut self.staged) {
            if let Err(error) = self.sessions[at].revert(staged.record(), by).await {
                tracing::warn!(%error, "what was staged on one part of the device was not let go");
            }
        }
    }

    async fn do_apply(&mut self, whole: Staged, by: Deadline) -> Result<Applied, SessionError> {
        let mut receipt = Receipt::new(Step::Apply, Protocol::Cli);
        let mut done: Vec<(usize, Record)> = Vec::new();
        for (at, staged) in std::mem::take(&mut self.staged) {
            let record = staged.record().clone();
            match self.sessions[at].apply(staged, by).await {
                Ok(applied) => {
                    merge(&mut receipt, applied.receipt());
                    done.push((at, record));
                }
                Err(mut refusal) => {
                    // Each is brought back, whatever becomes of another one.
                    for (at, record) in done.iter().rev() {
                        if let Err(error) = self.sessions[*at].revert(record, by).await {
                            refusal = worse(refusal, error);
                        }
                    }
                    return Err(refusal);
                }
            }
        }
        Ok(whole.applied(receipt))
    }

    async fn do_confirm(&mut self, record: &Record, by: Deadline) -> Result<Confirmed, SessionError> {
        let mut whole = Confirmed {
            receipt: Receipt::new(Step::Confirm, Protocol::Cli),
            saved: Saved::Itself,
        };
        let mut failed = None;
        for (at, delta) in split(&self.parts, &record.delta).into_iter().enumerate() {
            if delta.is_empty() {
                continue;
            }
            let part = Applied::found(part_of(record, delta), Receipt::new(Step::Confirm, Protocol::Cli));
            let confirmed = match self.sessions[at].confirm(&part, by).await {
                Ok(confirmed) => confirmed,
                Err(error) => {
                    failed = worst(failed, error);
                    continue;
                }
            };
            merge(&mut whole.receipt, &confirmed.receipt);
            whole.saved = match (whole.saved, confirmed.saved) {
                (Saved::NotYet(words), _) | (_, Saved::NotYet(words)) => Saved::NotYet(words),
                (Saved::Yes, _) | (_, Saved::Yes) => Saved::Yes,
                (Saved::Itself, Saved::Itself) => Saved::Itself,
            };
        }
        failed.map_or(Ok(whole), Err)
    }

    /// The last that came is the first that goes.
    async fn do_revert(&mut self, record: &Record, by: Deadline) -> Result<Reverted, SessionError> {
        self.staged.clear();
        let mut whole = Reverted {
            receipt: Receipt::new(Step::Revert, Protocol::Cli),
            foreign: Vec::new(),
        };
        let mut failed = None;
        for (at, delta) in split(&self.parts, &record.delta).into_iter().enumerate().rev() {
            if delta.is_empty() {
                continue;
            }
            match self.sessions[at].revert(&part_of(record, delta), by).await {
                Ok(reverted) => {
                    merge(&mut whole.receipt, &reverted.receipt);
                    whole.foreign.extend(reverted.foreign);
                }
                Err(error) => failed = worst(failed, error),
            }
        }
        failed.map_or(Ok(whole), Err)
    }
}

impl ConfigureSession for ComposedSession {
    fn stage<'a>(&'a mut self, change: &'a Change, by: Deadline) -> Answer<'a, Staged> {
        Box::pin(self.do_stage(change, by))
    }

    fn apply(&mut self, staged: Staged, by: Deadline) -> Answer<'_, Applied> {
        Box::pin(self.do_apply(staged, by))
    }

    fn renew<'a>(&'a mut self, applied: &'a Applied, by: Deadline) -> Answer<'a, ()> {
        Box::pin(async move {
            for session in &mut self.sessions {
                session.renew(applied, by).await?;
            }
            Ok(())
        })
    }

    fn confirm<'a>(&'a mut self, applied: &'a Applied, by: Deadline) -> Answer<'a, Confirmed> {
        Box::pin(self.do_confirm(applied.record(), by))
    }

    fn revert<'a>(&'a mut self, record: &'a Record, by: Deadline) -> Answer<'a, Reverted> {
        Box::pin(self.do_revert(record, by))
    }
}

/// One session for reading for each part.
struct ComposedObserver {
    parts: Arc<Vec<Part>>,
    observers: Vec<CliObserver>,
}

impl ComposedObserver {
    async fn stand(&mut self, record: &Record, by: Deadline) -> Result<Standing, SessionError> {
        let (mut untouched, mut applied, mut foreign, mut reasons) = (0, 0, Vec::new(), Vec::new());
        for (at, delta) in split(&self.parts, &record.delta).into_iter().enumerate() {
            if delta.is_empty() {
                continue;
            }
            match self.observers[at].resume(&part_of(record, delta), by).await? {
                Standing::Untouched => untouched += 1,
                Standing::Applied(_) | Standing::Confirmed => applied += 1,
                Standing::Staged(_) => {}
                Standing::Unknown { foreign: paths, reason } => {
                    foreign.extend(paths);
                    reasons.push(reason);
                }
            }
        }
        Ok(match (untouched, applied, reasons.is_empty()) {
            (_, 0, true) => Standing::Untouched,
            (0, _, true) => Standing::Applied(Applied::found(
                record.clone(),
                Receipt::new(Step::Resume, Protocol::Cli),
            )),
            (_, _, true) => Standing::Unknown {
                foreign,
                reason: "one part of the device holds the change and another one does not".to_owned(),
            },
            (_, _, false) => Standing::Unknown {
                foreign,
                reason: reasons.join("; "),
            },
        })
    }
}

impl Observer for ComposedObserver {
    fn read<'a>(&'a mut self, paths: &'a [Path], by: Deadline) -> Answer<'a, Tree> {
        Box::pin(async move {
            let mut whole = Tree::new();
            for (at, observer) in self.observers.iter_mut().enumerate() {
                let tree = observer.read(paths, by).await?;
                // What another part owns may show here too, as the kernel shows the addresses that FRR was given.
                for (path, value) in tree
                    .into_iter()
                    .filter(|(path, _)| owner(&self.parts, path) == Some(at))
                {
                    whole.insert(path, value);
                }
            }
            Ok(whole)
        })
    }

    fn native(&mut self, by: Deadline) -> Answer<'_, String> {
        Box::pin(async move {
            let mut whole = String::new();
            for observer in &mut self.observers {
                whole.push_str(&observer.native(by).await?);
            }
            Ok(whole)
        })
    }

    fn query<'a>(&'a mut self, query: &'a Query, by: Deadline) -> Answer<'a, Vec<Observation>> {
        Box::pin(async move {
            let (mut seen, mut last) = (Vec::new(), None);
            for observer in &mut self.observers {
                match observer.query(query, by).await {
                    Ok(observations) => seen.extend(observations),
                    Err(unsupported @ SessionError::Unsupported { .. }) => last = Some(unsupported),
                    Err(error) => return Err(error),
                }
            }
            match last {
                Some(unsupported) if seen.is_empty() => Err(unsupported),
                Some(_) | None => Ok(seen),
            }
        })
    }

    fn watch<'a>(&'a mut self, query: &'a Query, by: Deadline) -> Answer<'a, Box<dyn Watch>> {
        match self.observers.first_mut() {
            Some(observer) => observer.watch(query, by),
            None => Box::pin(std::future::ready(Err(empty("the device", Step::Watch)))),
        }
    }

    fn resume<'a>(&'a mut self, record: &'a Record, by: Deadline) -> Answer<'a, Standing> {
        Box::pin(self.stand(record, by))
    }
}

/// The one of two errors that leaves less known; the first where that is the same.
fn worse(first: SessionError, second: SessionError) -> SessionError {
    if unsure(&second) > unsure(&first) {
        second
    } else {
        first
    }
}

fn worst(so_far: Option<SessionError>, error: SessionError) -> Option<SessionError> {
    Some(match so_far {
        Some(so_far) => worse(so_far, error),
        None => error,
    })
}

fn unsure(error: &SessionError) -> u8 {
    match error {
        SessionError::Unknown { .. } => 4,
        SessionError::Malformed { .. } => 3,
        SessionError::Unreachable { .. } => 2,
        SessionError::Foreign { .. } | SessionError::Busy { .. } => 1,
        SessionError::Refused { .. }
        | SessionError::Stale { .. }
        | SessionError::Denied { .. }
        | SessionError::Unsupported { .. } => 0,
    }
}

fn merge(whole: &mut Receipt, part: &Receipt) {
    whole.asked.extend(part.asked.iter().cloned());
    whole.words.extend(part.words.iter().cloned());
    whole.remarks.extend(part.remarks.iter().cloned());
    whole.took = whole.took.saturating_add(part.took).min(Duration::MAX);
}

fn empty(device: &str, step: Step) -> SessionError {
    SessionError::Unsupported {
        place: Place {
            device: device.to_owned(),
            protocol: Protocol::Cli,
            step,
        },
        what: "no part is configured".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_less_known_is_what_is_told() {
        let place = || Place {
            device: "r1".to_owned(),
            protocol: Protocol::Cli,
            step: Step::Apply,
        };
        let refused = || SessionError::Refused {
            place: place(),
            words: Box::default(),
        };
        let unknown = || SessionError::Unknown {
            place: place(),
            source: "no answer".into(),
        };
        assert!(matches!(worse(refused(), unknown()), SessionError::Unknown { .. }));
        assert!(matches!(worse(unknown(), refused()), SessionError::Unknown { .. }));
        assert!(matches!(worst(None, refused()), Some(SessionError::Refused { .. })));
    }
}
