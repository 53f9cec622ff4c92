//! Revert: back to the baseline on touched paths, from every standing, as often as it takes.

use super::stage::locks;
use crate::conversation::now;
use crate::dialect::Style;
use crate::rpc::{Commit, Datastore, EditConfig, ErrorOption, Operation, TestOption};
use crate::session::NetconfSession;
use adapters_port::{Deadline, Record, Reverted, SessionError};
use knowledge_model::{Delta, Edit, Path, Tree};
use std::time::Duration;

const ROUNDS: usize = 2;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
// A server whose timers run only while nobody asks must be left alone for more than a second.
const LONGEST_PAUSE: Duration = Duration::from_millis(1600);

impl NetconfSession {
    pub(crate) async fn do_revert(&mut self, record: &Record, by: Deadline) -> Result<Reverted, SessionError> {
        let style = self.style()?;
        self.reveal(record, by).await?;
        let reverted = self.bring_back(style, record, by).await;
        if reverted.is_err() {
            self.clean_up(by).await;
        }
        let foreign = reverted?;
        Ok(Reverted {
            receipt: self.talk.receipt(),
            foreign,
        })
    }

    /// Names what somebody else had written, and leaves the touched paths as they were before the change.
    pub(super) async fn bring_back(
        &mut self,
        style: Style,
        record: &Record,
        by: Deadline,
    ) -> Result<Vec<Path>, SessionError> {
        let paths = record.paths();
        // Before anything is taken back: what would be lost that is not ours?
        let found = self.found(&paths, by).await?;
        let foreign = record.foreign(&found);
        if !foreign.is_empty() {
            let named = foreign.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            self.talk.remark(format!(
                "somebody else wrote {named} meanwhile; it goes back to the baseline"
            ));
        }
        self.talk.unsure();
        if !record.is_before(&found) || self.may_be_pending_unseen(style) {
            self.take_back(style, record, by).await?;
        }
        self.repair(style, record, &paths, by).await?;
        self.clean_up(by).await;
        Ok(foreign)
    }

    /// A session that did not stage the change does not know whether it was applied, and what is hidden from it reads as
    /// before. A cancel of what is not pending harms nobody, where the server looks at the id that it carries.
    fn may_be_pending_unseen(&self, style: Style) -> bool {
        style == Style::Persistent && self.held.is_empty() && self.quirks.checks_persist_id
    }

    /// The device's own way, where it has one. That it failed is no news: what counts is what is there afterwards.
    async fn take_back(&mut self, style: Style, record: &Record, by: Deadline) -> Result<(), SessionError> {
        match style {
            Style::Persistent => {
                self.talk
                    .ask(Operation::cancel_commit(Some(record.persist.expose())), by)
                    .await?;
                Ok(())
            }
            Style::BySession => self.end_session(record, by).await,
            Style::Candidate | Style::RunningWhole | Style::RunningLines => Ok(()),
        }
    }

    // Without cancel-commit the end of the session is what takes the change back, soon after.
    async fn end_session(&mut self, record: &Record, by: Deadline) -> Result<(), SessionError> {
        if self.held.is_empty() {
            return Ok(());
        }
        self.talk.exchange.abandon();
        self.held.clear();
        self.talk.exchange = self.target.open(by).await?.exchange;
        let paths = record.paths();
        let mut pause = FIRST_PAUSE;
        while !record.is_before(&self.found(&paths, by).await?) && !by.remaining(now()).is_zero() {
            tokio::time::sleep(pause.min(by.remaining(now()))).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        Ok(())
    }

    async fn repair(
        &mut self,
        style: Style,
        record: &Record,
        paths: &[Path],
        by: Deadline,
    ) -> Result<(), SessionError> {
        for _ in 0..ROUNDS {
            let found = self.found(paths, by).await?;
            if record.is_before(&found) {
                return Ok(());
            }
            self.send_back(style, &way_back(record, &found), by).await?;
        }
        let found = self.found(paths, by).await?;
        if record.is_before(&found) {
            return Ok(());
        }
        let changes = paths
            .iter()
            .filter(|it| found.value(it) != record.baseline.value(it))
            .map(ToString::to_string);
        Err(SessionError::Foreign {
            place: self.talk.place(),
            changes: changes.collect(),
        })
    }

    pub(super) async fn send_back(&mut self, style: Style, delta: &Delta, by: Deadline) -> Result<(), SessionError> {
        let config = self.words(delta, by).await?;
        let fresh = !self.held.contains(&Datastore::Candidate);
        self.lock(locks(style), by).await?;
        if fresh {
            self.check_candidate(by).await?;
        }
        let rollback = self.talk.exchange.features().rollback_on_error();
        let error = if rollback {
            ErrorOption::Rollback
        } else {
            ErrorOption::Stop
        };
        let test = TestOption::Unsaid;
        let mut flight = Vec::new();
        if style.has_candidate() {
            // The candidate is ours by its lock; what a failed step left in it is ours too.
            flight.push(Operation::discard_changes());
            let target = Datastore::Candidate;
            flight.push(Operation::edit_config(EditConfig {
                target,
                test,
                error,
                config: &config,
            }));
        } else {
            let target = Datastore::Running;
            flight.push(Operation::edit_config(EditConfig {
                target,
                test,
                error,
                config: &config,
            }));
        }
        let replies = self.talk.fly(&flight, by).await?;
        if let Some(reply) = replies.iter().find(|it| !it.is_ok()) {
            return Err(self.talk.refusal(reply, "the way back"));
        }
        if style.has_candidate() {
            let reply = self.talk.ask(Operation::commit(Commit::Plain), by).await?;
            if !reply.is_ok() {
                return Err(self.talk.refusal(&reply, "the way back"));
            }
        }
        Ok(())
    }

    async fn found(&mut self, paths: &[Path], by: Deadline) -> Result<Tree, SessionError> {
        let read = self.read_touched(paths)?;
        let reply = self.talk.ask(read, by).await?;
        self.touched(&reply, paths)
    }
}

/// From what is there to the baseline, on touched paths.
fn way_back(record: &Record, found: &Tree) -> Delta {
    let mut delta = Delta::new();
    for (path, edit) in record.delta.iter() {
        let (now, before) = (found.value(path), edit.before.as_ref());
        if now != before {
            delta.insert(
                path.clone(),
                Edit {
                    before: now.cloned(),
                    after: before.cloned(),
                },
            );
        }
    }
    delta
}
