//! Renew and confirm: put the end off, or make the change stay.

use super::stage::locks;
use crate::dialect::Style;
use crate::rpc::{Commit, Datastore, Operation, Reply};
use crate::session::NetconfSession;
use adapters_port::{Confirmed, Deadline, Record, Saved, SessionError};

impl NetconfSession {
    pub(crate) async fn do_renew(&mut self, record: &Record, by: Deadline) -> Result<(), SessionError> {
        let style = self.style()?;
        if style != Style::Persistent || !self.quirks.renew {
            return Err(self
                .talk
                .unsupported("putting off the moment at which it takes a change back"));
        }
        self.secure(style, by).await?;
        self.talk.unsure();
        let extend = Commit::Extend {
            window: record.window,
            persist: record.persist.expose(),
        };
        let reply = self.talk.ask(Operation::commit(extend), by).await?;
        if reply.is_ok() {
            Ok(())
        } else {
            Err(self.talk.refusal(&reply, "the renewal"))
        }
    }

    pub(crate) async fn do_confirm(&mut self, record: &Record, by: Deadline) -> Result<Confirmed, SessionError> {
        let style = self.style()?;
        self.reveal(record, by).await?;
        self.secure(style, by).await?;
        let paths = record.paths();
        let save = self.talk.exchange.features().startup();
        let mut flight = match style {
            Style::Persistent => vec![Operation::commit(Commit::Persisted {
                id: record.persist.expose(),
            })],
            Style::BySession => vec![Operation::commit(Commit::Plain)],
            Style::Candidate | Style::RunningWhole | Style::RunningLines => Vec::new(),
        };
        let asked = flight.len();
        flight.push(self.read_touched(&paths)?);
        if !save {
            flight.extend(self.unlocks());
        }
        self.talk.unsure();
        let replies = self.talk.fly(&flight, by).await?;
        if !save {
            self.released(replies.get(asked + 1..).unwrap_or_default());
        }
        let (answers, rest) = replies.split_at(asked);
        let Some(read) = rest.first() else {
            return Err(self.talk.malformed("a flight without an answer"));
        };
        let stays = self.stays(record, (style, answers.first(), read), by).await;
        let saved = match (&stays, save) {
            (Ok(()), true) => self.save(by).await,
            (Ok(()), false) => Saved::Itself,
            (Err(_), _) => Saved::NotYet(String::new()),
        };
        self.release(by).await;
        stays.map(|()| Confirmed {
            receipt: self.talk.receipt(),
            saved,
        })
    }

    // A repeated confirm is answered like one that came too late, so what the device holds is what counts.
    async fn stays(
        &mut self,
        record: &Record,
        (style, answer, read): (Style, Option<&Reply>, &Reply),
        by: Deadline,
    ) -> Result<(), SessionError> {
        let refused = answer.filter(|it| !it.is_ok());
        let found = match self.touched(read, &record.paths()) {
            Err(unread) if answer.is_some() && refused.is_none() => return Err(self.talk.unknown(unread)),
            found => found?,
        };
        if let Some(reply) = refused.filter(|it| it.errors.iter().any(|it| it.is_held() || it.is_access())) {
            return Err(self.talk.refusal(reply, "the confirm"));
        }
        if record.is_after(&found) {
            return match refused {
                Some(reply) => self.confirmed_before(style, reply, by).await,
                None => Ok(()),
            };
        }
        if record.is_before(&found) && answer.is_some() && refused.is_none() {
            return Err(self.talk.unknown(
                "the device said ok to the confirm, and the change cannot be seen: access control may hide it",
            ));
        }
        if record.is_before(&found) {
            return Err(self
                .talk
                .refused("the device has taken the change back before it was confirmed"));
        }
        let changes = record.foreign(&found).iter().map(ToString::to_string).collect();
        Err(SessionError::Foreign {
            place: self.talk.place(),
            changes,
        })
    }

    // What is pending reads the same as what was confirmed. A commit without an id tells them apart: of a clean candidate
    // it changes nothing, and while a change is pending under an id it is refused.
    async fn confirmed_before(&mut self, style: Style, refused: &Reply, by: Deadline) -> Result<(), SessionError> {
        let refusal = self.talk.refusal(refused, "the confirm");
        if style != Style::Persistent {
            return Err(refusal);
        }
        self.secure(style, by).await?;
        if !self.talk.ask(Operation::commit(Commit::Plain), by).await?.is_ok() {
            return Err(refusal);
        }
        self.talk
            .remark("the device knows of no pending change and holds ours: it was confirmed before");
        Ok(())
    }

    // A confirm takes along whatever lies in the candidate. The session that applied holds its lock; one that came
    // later takes it, which a stranger's edit refuses. Running cannot be locked while a confirmed commit is pending,
    // and some servers then lock nothing at all: there we look first and are quick.
    async fn secure(&mut self, style: Style, by: Deadline) -> Result<(), SessionError> {
        if !self.held.is_empty() {
            return Ok(());
        }
        let stores = if style == Style::Persistent {
            &[Datastore::Candidate][..]
        } else {
            locks(style)
        };
        let busy = match self.lock(stores, by).await {
            Ok(()) => match self.check_candidate(by).await {
                Ok(()) => return Ok(()),
                Err(dirty) => {
                    self.release(by).await;
                    dirty
                }
            },
            Err(busy) => busy,
        };
        let SessionError::Busy { holder, .. } = &busy else {
            return Err(busy);
        };
        let held_by_somebody = holder.session.is_some();
        if !style.has_candidate() {
            return Err(busy);
        }
        let changes = self.candidate_changes(by).await?;
        if !changes.is_empty() {
            return Err(SessionError::Foreign {
                place: self.talk.place(),
                changes,
            });
        }
        if held_by_somebody || style != Style::Persistent {
            return Err(busy);
        }
        self.talk
            .remark("no lock is granted while a confirmed commit is pending; the candidate was compared instead");
        Ok(())
    }

    async fn save(&mut self, by: Deadline) -> Saved {
        match self
            .talk
            .ask(Operation::copy_config(Datastore::Running, Datastore::Startup), by)
            .await
        {
            Ok(reply) if reply.is_ok() => Saved::Yes,
            Ok(reply) => Saved::NotYet(self.talk.revealed.redact(reply.words()).to_string()),
            Err(error) => Saved::NotYet(error.to_string()),
        }
    }
}
