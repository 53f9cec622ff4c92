//! Stage: lock, reread, edit, have it checked.

use crate::dialect::Style;
use crate::rpc::{Datastore, EditConfig, ErrorOption, Operation, Reply, TestOption};
use crate::session::{NetconfSession, within};
use crate::target::guarantee;
use adapters_port::{Change, Deadline, Protocol, Record, SessionError, Staged};
use knowledge_model::{Path, Tree};

impl NetconfSession {
    pub(crate) async fn do_stage(&mut self, change: &Change, by: Deadline) -> Result<Staged, SessionError> {
        let style = self.style()?;
        let paths: Vec<Path> = change.delta.iter().map(|(path, _)| path.clone()).collect();
        let edit = self.words(&change.delta, by).await?;
        self.hold(&change.delta, by).await?;
        let mut flight = vec![self.read_touched(&change.looked_at())?];
        flight.extend(self.checks(style, &edit));
        if style.has_candidate() {
            flight.push(self.read_touched_in(Datastore::Candidate, &paths)?);
        }
        self.name_unsaved(by).await?;
        self.lock(locks(style), by).await?;
        let staged = match self.check_candidate(by).await {
            Ok(()) => self.check(change, (style, &paths), &flight, by).await,
            // Nothing of ours is in there yet: give the locks back and leave the stranger's work alone.
            Err(dirty) => {
                self.release(by).await;
                return Err(dirty);
            }
        };
        match staged {
            Ok(baseline) => {
                let record = Record::new(change, Protocol::Netconf, guarantee(Some(style)), baseline);
                Ok(Staged::attest(record, self.talk.receipt()))
            }
            Err(refusal) => {
                self.clean_up(by).await;
                Err(refusal)
            }
        }
    }

    // Reread, edit and validate share a flight: under the locks the candidate is ours, whatever the reread says.
    async fn check(
        &mut self,
        change: &Change,
        (style, paths): (Style, &[Path]),
        flight: &[Operation],
        by: Deadline,
    ) -> Result<Tree, SessionError> {
        let replies = self.talk.fly(flight, by).await?;
        let Some((read, checks)) = replies.split_first() else {
            return Err(self.talk.malformed("a flight without an answer"));
        };
        let (checks, shown) = match checks.split_last() {
            Some((shown, checks)) if style.has_candidate() => (checks, Some(shown)),
            Some(_) | None => (checks, None),
        };
        let found = self.touched(read, &change.looked_at())?;
        let moved: Vec<Path> = moved(change, &found).into_iter().chain(change.moved(&found)).collect();
        if !moved.is_empty() {
            return Err(SessionError::Stale {
                place: self.talk.place(),
                paths: moved,
            });
        }
        let refused = |reply: &&Reply| !reply.is_ok();
        let baseline = within(&found, paths);
        if let Some(reply) = checks.iter().find(refused) {
            return Err(self.talk.refusal(reply, "the change"));
        }
        match shown {
            Some(shown) => self.can_be_seen(change, shown, paths).map(|()| baseline),
            None => Ok(baseline),
        }
    }

    // What access control hides is left out without a word, and afterwards nobody could tell whether the change is there.
    // The candidate holds it now: what does not show there will not show in running.
    fn can_be_seen(&self, change: &Change, shown: &Reply, paths: &[Path]) -> Result<(), SessionError> {
        if !shown.is_ok() {
            return Ok(());
        }
        let seen = self.touched(shown, paths)?;
        let set = change.delta.iter().filter(|(_, edit)| edit.after.is_some());
        let hidden: Vec<String> = set
            .filter(|(path, _)| !seen.contains(path))
            .map(|(path, _)| path.to_string())
            .collect();
        if hidden.is_empty() {
            return Ok(());
        }
        Err(self.talk.hidden(&hidden))
    }

    fn checks(&self, style: Style, config: &str) -> Vec<Operation> {
        let features = self.talk.exchange.features();
        let error = if features.rollback_on_error() {
            ErrorOption::Rollback
        } else {
            ErrorOption::Stop
        };
        let edit = |target, test| {
            Operation::edit_config(EditConfig {
                target,
                test,
                error,
                config,
            })
        };
        match style {
            Style::Persistent | Style::BySession | Style::Candidate => {
                let mut checks = vec![edit(Datastore::Candidate, TestOption::Unsaid)];
                if features.validate() && !self.quirks.skip_validate {
                    checks.push(Operation::validate(Datastore::Candidate));
                }
                checks
            }
            Style::RunningWhole | Style::RunningLines if features.test_only() => {
                vec![edit(Datastore::Running, TestOption::TestOnly)]
            }
            Style::RunningWhole | Style::RunningLines => Vec::new(),
        }
    }
}

/// What is locked for a change.
pub(super) fn locks(style: Style) -> &'static [Datastore] {
    if style.has_candidate() {
        &[Datastore::Running, Datastore::Candidate]
    } else {
        &[Datastore::Running]
    }
}

/// Where the device is no longer what the plan was made from: touched paths that changed, and entries that
/// somebody put inside what is to be removed.
fn moved(change: &Change, found: &Tree) -> Vec<Path> {
    let mut moved = Vec::new();
    for (path, edit) in change.delta.iter() {
        if found.value(path) != edit.before.as_ref() {
            moved.push(path.clone());
        } else if edit.before.is_some() && edit.after.is_none() {
            let inside = found.under(path).map(|(inside, _)| inside);
            moved.extend(
                inside
                    .filter(|it| *it != path && change.delta.edit(it).is_none())
                    .cloned(),
            );
        }
    }
    moved
}
