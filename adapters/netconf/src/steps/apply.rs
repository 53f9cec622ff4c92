//! Apply: make it take effect, tentatively where the server can, and look.

use crate::dialect::Style;
use crate::rpc::{Commit, Datastore, EditConfig, ErrorOption, Operation, Reply, TestOption};
use crate::session::NetconfSession;
use adapters_port::{Applied, Deadline, Record, SessionError, Staged};
use knowledge_model::Tree;

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
        let found = match self.touched(read, &paths) {
            Ok(found) => found,
            Err(_) if answer.is_ok() => return Err(self.unseen(style, record, &Tree::new(), by).await),
            Err(unread) => return Err(unread),
        };
        if answer.is_ok() && record.is_after(&found) {
            return Ok(staged.applied(self.talk.receipt()));
        }
        if answer.is_ok() {
            return Err(self.unseen(style, record, &found, by).await);
        }
        let refusal = self.talk.refusal(answer, "the change");
        if record.is_before(&found) {
            self.clean_up_after_apply(style, record, by).await;
            return Err(refusal);
        }
        // Part of it is there. Bring it back before anybody hears of the refusal.
        match self.bring_back(style, record, by).await {
            Ok(_) => Err(refusal),
            Err(worse) => Err(worse),
        }
    }

    /// The device said ok, and the change cannot be seen: lost, or hidden from this user. It is taken back as if it stood,
    /// by what does not depend on reading; where that is not answered nobody knows.
    async fn unseen(&mut self, style: Style, record: &Record, found: &Tree, by: Deadline) -> SessionError {
        let refusal = self.talk.refused(
            "the device said ok, and the change cannot be seen: it is gone, or hidden by access control; it was taken back",
        );
        let back = match style {
            Style::Persistent if record.is_before(found) => self.cancel(record, by).await,
            Style::Persistent => self.bring_back(style, record, by).await.map(drop),
            // The end of the session takes it back.
            Style::BySession => {
                self.talk.exchange.abandon();
                Ok(())
            }
            Style::Candidate | Style::RunningWhole | Style::RunningLines => {
                self.send_back(style, &record.delta.inverse(), by).await
            }
        };
        self.clean_up(by).await;
        match back {
            Ok(()) => refusal,
            Err(worse) => self.talk.unknown(worse),
        }
    }

    // Refused by a device that lets us act, a cancel says that nothing is pending.
    async fn cancel(&mut self, record: &Record, by: Deadline) -> Result<(), SessionError> {
        let cancel = Operation::cancel_commit(Some(record.persist.expose()));
        let reply = self.talk.ask(cancel, by).await?;
        if reply.errors.iter().any(|it| it.is_access() || it.is_held()) {
            return Err(self.talk.refusal(&reply, "the way back"));
        }
        Ok(())
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

    async fn clean_up_after_apply(&mut self, style: Style, record: &Record, by: Deadline) {
        // A server may refuse a confirmed commit, count it as begun, and keep everybody out until the window is over.
        if style == Style::Persistent {
            let cancel = Operation::cancel_commit(Some(record.persist.expose()));
            if self.talk.ask(cancel, by).await.is_err() {
                return;
            }
        }
        self.clean_up(by).await;
    }
}
