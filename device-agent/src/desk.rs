//! The work on one device: what a participant asks for, done over the adapters' sessions.
//!
//! A desk holds the one exclusive session of its device and the evidence of the last step. Both are lost when the
//! process dies; what comes back out of [`adapters_port::Observer::resume`] then stands for them.

mod outcome;

pub(crate) use outcome::{chain, guarantee};

use std::collections::BTreeMap;
use std::time::Duration;

use adapters_failover::{Failover, FailoverSession, Terms};
use adapters_port::{
    Access, Applied, Capabilities, Change, ChangeId, ConfigureSession, Deadline, PersistId, Receipt, Record,
    SessionError, Staged, Standing, Step,
};
use knowledge_model::{Path, Tree};
use transaction::participant::{Operation, Outcome};
use transaction::{Demand, DeviceId, Lease, TransactionId};

use crate::evidence;
use crate::failure::Failure;
use crate::part::Part;

/// Beyond a step's own deadline, how long its call may take to notice.
const GRACE: Duration = Duration::from_secs(2);

/// What the coordinator said of the transaction that is worked on.
#[derive(Debug, Clone)]
pub struct Errand {
    /// Which one.
    pub transaction: TransactionId,
    /// Its lease, once a stage has brought it.
    pub lease: Option<Lease>,
    /// The promise below which nothing is staged.
    pub demand: Demand,
}

impl Terms for Errand {
    fn window(&self, capabilities: &Capabilities) -> Option<Duration> {
        self.lease.as_ref().map(|lease| lease.span(capabilities.renew))
    }

    fn demand(&self) -> Option<adapters_port::Demand> {
        outcome::demand(self.demand)
    }
}

/// What a piece of work came to.
#[derive(Debug)]
pub struct Work {
    /// For the participant.
    pub outcome: Outcome,
    /// What the device was asked and what it said, where it got that far.
    pub receipt: Option<Receipt>,
    /// Where somebody else had written meanwhile: he is named to the operator, whatever became of the transaction.
    pub foreign: Vec<Path>,
    /// Why it was not done, in full.
    pub failure: Option<Failure>,
}

/// What is in hand of the change under way.
enum Held {
    Nothing,
    Staged(Staged),
    Applied(Applied),
}

/// One device's sessions.
pub struct Desk {
    device: DeviceId,
    name: String,
    failover: Failover,
    random: fn() -> u128,
    session: Option<FailoverSession>,
    held: Held,
}

type Done = Result<Work, SessionError>;

impl Desk {
    /// A desk without a session. `random` makes the tokens of confirmed commits.
    pub fn new(device: DeviceId, name: String, failover: Failover, random: fn() -> u128) -> Self {
        Self {
            device,
            name,
            failover,
            random,
            session: None,
            held: Held::Nothing,
        }
    }

    /// Whether a session is open, and with it perhaps locks.
    pub fn is_open(&self) -> bool {
        self.session.is_some()
    }

    /// Does what a participant asks for. Always answers: what does not end in time is unknown, its session closed.
    ///
    /// Where a stranger's work is in the way no lock is left, whatever is applied: a person has to get at the device.
    pub async fn perform(&mut self, work: Operation<Part>, errand: &Errand, by: Deadline) -> Work {
        let done = self.in_time(work, errand, by).await;
        if matches!(done.outcome, Outcome::Foreign { .. }) {
            self.close();
        }
        done
    }

    async fn in_time(&mut self, work: Operation<Part>, errand: &Errand, by: Deadline) -> Work {
        let step = outcome::step(&work);
        let end = tokio::time::Instant::from_std(by.instant()) + GRACE;
        match tokio::time::timeout_at(end, self.attempt(work, errand, by)).await {
            Ok(Ok(work)) => work,
            Ok(Err(error)) => {
                let failure = Failure::of(&error);
                tracing::warn!(device = self.name, %step, error = failure.reason, "the device's step failed");
                if outcome::ends_session(step, &error) {
                    self.close();
                }
                let outcome = outcome::of(step, &error, failure.reason.clone());
                Work {
                    failure: Some(failure),
                    ..done(outcome)
                }
            }
            Err(_) => {
                self.close();
                let failure = Failure::late(&step.to_string());
                tracing::warn!(device = self.name, %step, "the device's step did not end in time");
                let reason = failure.reason.clone();
                Work {
                    failure: Some(failure),
                    ..done(Outcome::Unknown { reason })
                }
            }
        }
    }

    /// Lets go of the session and of everything that hangs on it.
    pub fn close(&mut self) {
        self.session = None;
        self.held = Held::Nothing;
    }

    async fn attempt(&mut self, work: Operation<Part>, errand: &Errand, by: Deadline) -> Done {
        match work {
            Operation::Stage { change, comment } => self.stage(change, comment, errand, by).await,
            Operation::Restage { change } => self.restage(change, errand, by).await,
            Operation::Apply { change, .. } if change.delta.is_empty() => {
                self.look_again(change, errand, Outcome::Applied, by).await
            }
            Operation::Apply { change, evidence, .. } => {
                let record = self.record(change, &evidence, errand, by).await?;
                self.apply(&record, by).await
            }
            Operation::Renew { change, evidence, .. } => {
                let record = self.record(change, &evidence, errand, by).await?;
                self.renew(&record, by).await
            }
            Operation::Confirm { change, evidence } => {
                let record = self.record(change, &evidence, errand, by).await?;
                self.confirm(&record, by).await
            }
            Operation::Revert { change, evidence } => {
                let evidence = evidence.unwrap_or_default();
                let record = self.record(change, &evidence, errand, by).await?;
                self.revert(&record, by).await
            }
            Operation::Read { change, .. } if change.delta.is_empty() => {
                // What changes nothing is in effect from when it is applied until it is taken back.
                let standing = transaction::Standing::Applied;
                self.look_again(change, errand, Outcome::Stands { standing }, by).await
            }
            Operation::Read { change, evidence } => {
                let record = self.record(change, &evidence, errand, by).await?;
                self.read(&record, by).await
            }
        }
    }

    /// Stages over the best protocol that is well.
    async fn stage(&mut self, part: Part, comment: String, errand: &Errand, by: Deadline) -> Done {
        self.close();
        let change = self.change(part, comment, errand);
        if change.delta.is_empty() {
            return self.look_on(&change, by).await;
        }
        let mut session = self.failover.session();
        let staged = session.stage_on(errand, &change, by).await?;
        let outcome = Outcome::Staged {
            evidence: evidence::write(staged.record()),
            guarantee: guarantee(staged.record().guarantee),
            renews: session.capabilities().is_some_and(|it| it.renew),
        };
        let receipt = Some(staged.receipt().clone());
        self.session = Some(session);
        self.held = Held::Staged(staged);
        Ok(Work {
            receipt,
            ..done(outcome)
        })
    }

    /// Stages what changes nothing: no session is opened and nothing is locked or saved for it, it is looked whether all
    /// stands that has to.
    async fn look_on(&mut self, change: &Change, by: Deadline) -> Done {
        let capabilities = self.failover.capabilities(by).await?;
        if let Some(what) = self.moved(change, by).await? {
            return Ok(done(Outcome::Stale { what }));
        }
        let record = Record::new(change, capabilities.protocol, capabilities.guarantee, Tree::new());
        Ok(done(Outcome::Staged {
            evidence: evidence::write(&record),
            guarantee: guarantee(capabilities.guarantee),
            renews: capabilities.renew,
        }))
    }

    /// Looks once more at what changes nothing, as others are read once more when they apply: where all stands that has to, it
    /// ends so.
    async fn look_again(&mut self, part: Part, errand: &Errand, stands: Outcome, by: Deadline) -> Done {
        let change = self.change(part, String::new(), errand);
        let moved = self.moved(&change, by).await?;
        Ok(done(moved.map_or(stands, |what| Outcome::Stale { what })))
    }

    /// What has to stand on the device and does not, if anything.
    async fn moved(&mut self, change: &Change, by: Deadline) -> Result<Option<String>, SessionError> {
        if change.stands.is_empty() {
            return Ok(None);
        }
        let seen = self.failover.observe(by).await?.read(&change.looked_at(), by).await?;
        let moved = change.moved(&seen);
        Ok((!moved.is_empty()).then(|| list(&moved)))
    }

    /// Stages what is left of a decided change, wherever on its way the device stands.
    async fn restage(&mut self, part: Part, errand: &Errand, by: Deadline) -> Done {
        self.close();
        let seen = self.failover.observe(by).await?.read(&part.paths(), by).await?;
        let foreign = part.foreign(&seen);
        if !foreign.is_empty() {
            return Ok(done(Outcome::Stale { what: list(&foreign) }));
        }
        // It is decided: what stands beside it does not count any more.
        let rest = Part {
            delta: part.rest(&seen),
            stands: BTreeMap::new(),
            ..part
        };
        self.stage(rest, "repair".to_owned(), errand, by).await
    }

    async fn apply(&mut self, record: &Record, by: Deadline) -> Done {
        if record.delta.is_empty() {
            return Ok(done(Outcome::Applied)); // of what was decided nothing was left to do
        }
        let held = std::mem::replace(&mut self.held, Held::Nothing);
        let (Some(session), Held::Staged(staged)) = (self.session.as_mut(), held) else {
            return Ok(refused("what was staged is gone with its session"));
        };
        if staged.record().id != record.id {
            return Ok(refused("another change is staged"));
        }
        let applied = session.apply(staged, by).await?;
        let receipt = Some(applied.receipt().clone());
        self.held = Held::Applied(applied);
        Ok(Work {
            receipt,
            ..done(Outcome::Applied)
        })
    }

    async fn renew(&mut self, record: &Record, by: Deadline) -> Done {
        #[cfg(torture)]
        if crate::halt::planted("timer-not-renewed") {
            return Ok(done(Outcome::Renewed));
        }
        if record.delta.is_empty() {
            return Ok(done(Outcome::Renewed));
        }
        let applied = match self.applied(record, by).await? {
            Found::Applied(applied) => applied,
            Found::Confirmed(_) => return Ok(unknown("the change stays already")),
            Found::Not(work) => return Ok(work),
        };
        let session = self.session();
        let result = session.renew(&applied, by).await;
        self.held = Held::Applied(applied);
        result.map(|()| done(Outcome::Renewed))
    }

    async fn confirm(&mut self, record: &Record, by: Deadline) -> Done {
        if record.delta.is_empty() {
            return Ok(done(Outcome::Confirmed { saved: true }));
        }
        let applied = match self.applied(record, by).await? {
            Found::Applied(applied) | Found::Confirmed(applied) => applied,
            Found::Not(work) => return Ok(work),
        };
        let session = self.session();
        match session.confirm(&applied, by).await {
            Ok(confirmed) => {
                self.close();
                let saved = outcome::saved(&self.name, &confirmed.saved);
                Ok(Work {
                    receipt: Some(confirmed.receipt),
                    ..done(Outcome::Confirmed { saved })
                })
            }
            Err(error) => {
                self.held = Held::Applied(applied);
                Err(error)
            }
        }
    }

    async fn revert(&mut self, record: &Record, by: Deadline) -> Done {
        // Without a session the agent has come back, and believes that there is nothing to take back.
        #[cfg(torture)]
        if self.session.is_none() && crate::halt::planted("no-read-back") {
            return Ok(done(Outcome::Reverted));
        }
        if record.delta.is_empty() {
            return Ok(done(Outcome::Reverted));
        }
        let session = self.session();
        let reverted = session.revert(record, by).await?;
        self.close();
        if !reverted.foreign.is_empty() {
            let paths = list(&reverted.foreign);
            tracing::warn!(device = self.name, paths, "somebody else wrote here meanwhile");
        }
        Ok(Work {
            receipt: Some(reverted.receipt),
            foreign: reverted.foreign,
            ..done(Outcome::Reverted)
        })
    }

    async fn read(&mut self, record: &Record, by: Deadline) -> Done {
        #[cfg(torture)]
        if crate::halt::planted("no-read-back") {
            let standing = transaction::Standing::Untouched;
            return Ok(done(Outcome::Stands { standing }));
        }
        let standing = match self.resume(record, by).await? {
            Standing::Untouched => transaction::Standing::Untouched,
            Standing::Confirmed => transaction::Standing::Confirmed,
            Standing::Staged(staged) => {
                // without the session that staged it, nothing may be applied; the next step brings it back
                drop(staged);
                transaction::Standing::Staged
            }
            Standing::Applied(applied) => {
                self.held = Held::Applied(applied);
                transaction::Standing::Applied
            }
            Standing::Unknown { foreign, reason } if !foreign.is_empty() => {
                let what = format!("{}: {reason}", list(&foreign));
                return Ok(done(Outcome::Foreign { what }));
            }
            #[cfg(torture)]
            Standing::Unknown { .. } if crate::halt::planted("unknown-as-committed") => {
                transaction::Standing::Confirmed
            }
            Standing::Unknown { .. } => transaction::Standing::Unknown,
        };
        Ok(done(Outcome::Stands { standing }))
    }

    /// The evidence of an apply: in hand, or found again on the device.
    async fn applied(&mut self, record: &Record, by: Deadline) -> Result<Found, SessionError> {
        match std::mem::replace(&mut self.held, Held::Nothing) {
            Held::Applied(applied) if applied.record().id == record.id => return Ok(Found::Applied(applied)),
            Held::Applied(_) | Held::Staged(_) | Held::Nothing => {}
        }
        Ok(match self.resume(record, by).await? {
            Standing::Applied(applied) => Found::Applied(applied),
            // a confirm may be repeated, and a save that was missed is then made up for
            Standing::Confirmed => {
                let receipt = Receipt::new(Step::Resume, record.protocol);
                Found::Confirmed(Applied::found(record.clone(), receipt))
            }
            Standing::Untouched | Standing::Staged(_) => Found::Not(unknown("the change is not in effect")),
            Standing::Unknown { foreign, reason } if foreign.is_empty() => Found::Not(unknown(&reason)),
            Standing::Unknown { foreign, reason } => {
                let what = format!("{}: {reason}", list(&foreign));
                Found::Not(done(Outcome::Foreign { what }))
            }
        })
    }

    /// Reading is safe over every protocol, whichever is well.
    async fn resume(&mut self, record: &Record, by: Deadline) -> Result<Standing, SessionError> {
        self.failover.observe(by).await?.resume(record, by).await
    }

    fn session(&mut self) -> &mut FailoverSession {
        self.session.get_or_insert_with(|| self.failover.session())
    }

    /// What staging left, or, for a change whose staging never ended or was forgotten, what the plan saw.
    async fn record(
        &mut self,
        part: Part,
        evidence: &str,
        errand: &Errand,
        by: Deadline,
    ) -> Result<Record, SessionError> {
        if !evidence.is_empty() {
            return evidence::read(evidence).map_err(|error| outcome::unreadable(&self.name, error));
        }
        let capabilities = self.failover.capabilities(by).await?;
        let before = part.before();
        let change = self.change(part, "repair".to_owned(), errand);
        let (protocol, guarantee) = (capabilities.protocol, capabilities.guarantee);
        Ok(Record::new(&change, protocol, guarantee, before))
    }

    fn change(&self, part: Part, comment: String, errand: &Errand) -> Change {
        let id = ChangeId(errand.transaction.0 ^ self.device.0.rotate_left(64));
        let window = errand
            .lease
            .as_ref()
            .map_or(Duration::from_secs(120), |lease| lease.whole);
        Change {
            id,
            delta: part.delta,
            stands: part.stands,
            window,
            persist: PersistId::new((self.random)()),
            comment,
        }
    }
}

/// What is known of an apply.
enum Found {
    Applied(Applied),
    Confirmed(Applied),
    Not(Work),
}

/// Work that asked nothing of the device.
fn done(outcome: Outcome) -> Work {
    Work {
        outcome,
        receipt: None,
        foreign: Vec::new(),
        failure: None,
    }
}

fn refused(reason: &str) -> Work {
    done(Outcome::Refused {
        reason: reason.to_owned(),
    })
}

fn unknown(reason: &str) -> Work {
    done(Outcome::Unknown {
        reason: reason.to_owned(),
    })
}

fn list(paths: &[Path]) -> String {
    let shown: Vec<String> = paths.iter().take(8).map(ToString::to_string).collect();
    shown.join(", ")
}
