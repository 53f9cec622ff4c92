//! Apply: make it take effect, tentatively where the server can, and look.

use crate::dialect::Style;
use crate::rpc::{Commit, Datastore, EditConfig, ErrorOption, Operation, Reply, TestOption};
use crate::session::NetconfSession;
use adapters_port::{Applied, Deadline, Record, SessionError, Staged};

impl NetconfSession {
    pub(crate) async fn do_apply(&mut self, staged: Staged, by: Deadline) -> Result<Applied, SessionError> {
        let style = self.style()?;
        let (record, paths) = (staged.record(), staged.record().paths());
        if self.held.is_empty() {
            return Err(self
                .talk
                .refused("staged in another session, whose locks are gone: stage again"));
        }
        let apply = self.effect(style, record, by).await?;
        let read = self.read_touched(&paths)?;
        let mut flight = vec![apply, read];
        if self.quirks.lock_blocks_revert && matches!(style, Style::Persistent | Style::BySession) {
            flight.push(Operation::unlock(Datastore::Running));
        }
        self.talk.unsure();
        let replies = self.talk.fly(&flight, by).await?;
        if replies.get(2).is_some_and(Reply::is_ok) {
            self.held.retain(|it| *it != Datastore::Running);
        }
        let [answer, read, ..] = replies.as_slice() else {
            return Err(self.talk.malformed("two questions, and not two answers"));
        };
        let found = self.touched(read, &paths)?;
        if answer.is_ok() && record.is_after(&found) {
            return Ok(staged.applied(self.talk.receipt()));
        }
        let refusal = if answer.is_ok() {
            self.talk.refused("the device said ok, and the change is not there")
        } else {
            self.talk.refusal(answer, "the change")
        };
        if record.is_before(&found) {
            self.clean_up_after_apply(style, record, answer.is_ok(), by).await;
            return Err(refusal);
        }
        // Part of it is there. Bring it back before anybody hears of the refusal.
        match self.bring_back(style, record, by).await {
            Ok(_) => Err(refusal),
            Err(worse) => Err(worse),
        }
    }

    async fn effect(&mut self, style: Style, record: &Record, by: Deadline) -> Result<Operation, SessionError> {
        let window = record.window;
        Ok(match style {
            Style::Persistent => Operation::commit(Commit::Begin {
                window,
                persist: record.persist.expose(),
            }),
            Style::BySession => Operation::commit(Commit::BySession { window }),
            Style::Candidate => Operation::commit(Commit::Plain),
            Style::RunningWhole | Style::RunningLines => {
                let config = self.words(&record.delta, by).await?;
                let error = if style == Style::RunningWhole {
                    ErrorOption::Rollback
                } else {
                    ErrorOption::Stop
                };
                let (target, test) = (Datastore::Running, TestOption::Unsaid);
                Operation::edit_config(EditConfig {
                    target,
                    test,
                    error,
                    config: &config,
                })
            }
        })
    }

    async fn clean_up_after_apply(&mut self, style: Style, record: &Record, pending: bool, by: Deadline) {
        // A server may refuse a confirmed commit, count it as begun, and keep everybody out until the window is over.
        if style == Style::Persistent {
            let cancel = Operation::cancel_commit(Some(record.persist.expose()));
            if self.talk.ask(cancel, by).await.is_err() {
                return;
            }
        }
        self.clean_up(by).await;
        if pending && style == Style::BySession {
            self.talk.exchange.abandon();
        }
    }
}
