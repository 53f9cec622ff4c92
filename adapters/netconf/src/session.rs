//! One exclusive session: the device steps over NETCONF, as the server's abilities allow.

use crate::conversation::Conversation;
use crate::dialect::{Quirks, Style};
use crate::rpc::{Datastore, Filter, Operation, Reply, WithDefaults};
use crate::schema::Schemas;
use crate::target::Target;
use crate::xml::differences;
use adapters_port::{
    Answer, Applied, Change, ConfigureSession, Confirmed, Deadline, DeviceWords, Holder, Record, Reverted,
    SessionError, Staged, Step,
};
use knowledge_model::{Delta, Path, Tree};
use std::sync::Arc;

/// A session that holds the locks of one change.
pub struct NetconfSession {
    pub(crate) target: Arc<Target>,
    pub(crate) talk: Conversation,
    pub(crate) quirks: Quirks,
    pub(crate) style: Option<Style>,
    pub(crate) held: Vec<Datastore>,
    schemas: Option<Arc<Schemas>>,
}

impl NetconfSession {
    pub(crate) fn new(target: Arc<Target>, talk: Conversation, schemas: Option<Arc<Schemas>>) -> Self {
        let quirks = target.quirks(&talk.exchange);
        let style = Style::of(talk.exchange.features());
        Self {
            target,
            talk,
            quirks,
            style,
            held: Vec::new(),
            schemas,
        }
    }

    /// Holds what a change sets to the device's own modules, before anything is locked or sent.
    pub(crate) async fn hold(&mut self, delta: &Delta, by: Deadline) -> Result<(), SessionError> {
        let Some(schemas) = self.schemas.clone() else {
            return Ok(());
        };
        let set = delta.iter().filter(|(_, edit)| edit.after.is_some());
        let set: Delta = set.map(|(path, edit)| (path.clone(), edit.clone())).collect();
        if set.is_empty() {
            return Ok(());
        }
        let words = self.words(&set, by).await?;
        schemas.hold(&mut self.talk, &words, by).await
    }

    /// The column that this server stands in.
    pub(crate) fn style(&self) -> Result<Style, SessionError> {
        self.style.ok_or_else(|| {
            self.talk
                .unsupported("neither a candidate nor a running that may be written")
        })
    }

    /// Locks, first and alone. All of these or none.
    pub(crate) async fn lock(&mut self, stores: &[Datastore], by: Deadline) -> Result<(), SessionError> {
        let wanted: Vec<Datastore> = stores.iter().copied().filter(|it| !self.held.contains(it)).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let locks: Vec<Operation> = wanted.iter().map(|it| Operation::lock(*it)).collect();
        let replies = self.talk.fly(&locks, by).await?;
        let mut refusal = None;
        for (store, reply) in wanted.iter().zip(&replies) {
            if reply.is_ok() {
                self.held.push(*store);
            } else if refusal.is_none() {
                refusal = Some(self.lock_refusal(*store, reply));
            }
        }
        let Some(refusal) = refusal else { return Ok(()) };
        // Nothing but our own locks is given back: no edit, no discard.
        self.release(by).await;
        Err(refusal)
    }

    /// Frees whatever is held. A session that cannot is closed, which frees it too.
    pub(crate) async fn release(&mut self, by: Deadline) {
        let unlocks = self.unlocks();
        if unlocks.is_empty() || !self.talk.exchange.is_usable() {
            self.held.clear();
            return;
        }
        match self.talk.fly(&unlocks, by).await {
            Ok(replies) => self.released(&replies),
            Err(_) => self.held.clear(),
        }
    }

    /// The unlocks that end a step, the last locked first.
    pub(crate) fn unlocks(&self) -> Vec<Operation> {
        self.held.iter().rev().map(|it| Operation::unlock(*it)).collect()
    }

    /// Takes note of the answers to `unlocks`.
    pub(crate) fn released(&mut self, replies: &[Reply]) {
        self.held.clear();
        if replies.iter().any(|it| !it.is_ok()) {
            self.talk
                .remark("a lock was not given back in good order; the session is closed, which frees it");
            self.talk.exchange.abandon();
        }
    }

    /// Empties the candidate of our own edit, and frees the locks.
    pub(crate) async fn clean_up(&mut self, by: Deadline) {
        if self.held.contains(&Datastore::Candidate) && self.talk.exchange.is_usable() {
            let discarded = self.talk.ask(Operation::discard_changes(), by).await;
            if !discarded.is_ok_and(|it| it.is_ok()) {
                self.talk.exchange.abandon();
            }
        }
        self.release(by).await;
    }

    /// Where a lock does not prove it: is the candidate what running is?
    pub(crate) async fn check_candidate(&mut self, by: Deadline) -> Result<(), SessionError> {
        if self.quirks.lock_proves_clean || !self.held.contains(&Datastore::Candidate) {
            return Ok(());
        }
        let changes = self.candidate_changes(by).await?;
        if changes.is_empty() {
            return Ok(());
        }
        let words = DeviceWords {
            more: changes,
            ..DeviceWords::default()
        };
        let holder = Holder {
            session: None,
            what: Datastore::Candidate.name().to_owned(),
            dirty: true,
        };
        Err(SessionError::Busy {
            place: self.talk.place(),
            holder,
            words: Box::new(words),
        })
    }

    /// Where candidate and running differ, by name.
    pub(crate) async fn candidate_changes(&mut self, by: Deadline) -> Result<Vec<String>, SessionError> {
        self.differing(Datastore::Candidate, by).await
    }

    /// Says whose lines a save at the end would make last too: what running and startup differed in before us.
    pub(crate) async fn name_unsaved(&mut self, by: Deadline) -> Result<(), SessionError> {
        const SHOWN: usize = 8;
        if !self.talk.exchange.features().startup() {
            return Ok(());
        }
        let unsaved = self.differing(Datastore::Startup, by).await?;
        if !unsaved.is_empty() {
            let more = unsaved.len().saturating_sub(SHOWN);
            let named = unsaved.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
            self.talk.remark(format!(
                "somebody's changes were not saved before, and a confirm saves them too: {named}{}",
                if more == 0 {
                    String::new()
                } else {
                    format!(" and {more} more")
                }
            ));
        }
        Ok(())
    }

    /// Where another datastore and running differ, by name.
    async fn differing(&mut self, other: Datastore, by: Deadline) -> Result<Vec<String>, SessionError> {
        let all = |store| Operation::read_config(store, &Filter::All, WithDefaults::Unsaid);
        let replies = self.talk.fly(&[all(Datastore::Running), all(other)], by).await?;
        match replies.as_slice() {
            [running, found] => match (running.data(), found.data()) {
                (Some(running), Some(found)) => Ok(differences(running, found)),
                (None, _) => Err(self.talk.refusal(running, "reading running")),
                (_, None) => Err(self.talk.refusal(found, &format!("reading {}", other.name()))),
            },
            _ => Err(self.talk.malformed("two reads, and not two answers")),
        }
    }

    /// The read of running that shows what a change touches.
    pub(crate) fn read_touched(&self, paths: &[Path]) -> Result<Operation, SessionError> {
        self.read_touched_in(Datastore::Running, paths)
    }

    /// The same of any datastore.
    pub(crate) fn read_touched_in(&self, store: Datastore, paths: &[Path]) -> Result<Operation, SessionError> {
        let filter = self
            .target
            .dialect
            .filter(paths)
            .map_err(|it| self.talk.unsupported(it.to_string()))?;
        Ok(Operation::read_config(
            store,
            &Filter::Subtree(filter),
            WithDefaults::Unsaid,
        ))
    }

    /// What such a read says, on touched paths and below, secrets concealed.
    pub(crate) fn touched(&self, reply: &Reply, paths: &[Path]) -> Result<Tree, SessionError> {
        touched(&self.talk, &self.target, reply, paths)
    }

    /// Resolves the secrets of a change, so that what is read back can be compared.
    pub(crate) async fn reveal(&mut self, record: &Record, by: Deadline) -> Result<(), SessionError> {
        let revealed = self
            .talk
            .revealed
            .reveal(&record.delta, &*self.target.secrets, by)
            .await;
        revealed.map(drop).map_err(|it| self.talk.refused(it.to_string()))
    }

    /// The edit in the device's words.
    pub(crate) async fn words(&mut self, delta: &Delta, by: Deadline) -> Result<String, SessionError> {
        let revealed = self.talk.revealed.reveal(delta, &*self.target.secrets, by).await;
        let clear = revealed.map_err(|it| self.talk.refused(it.to_string()))?;
        self.target
            .dialect
            .edit_for(&clear, self.talk.exchange.features())
            .map_err(|it| self.talk.unsupported(it.to_string()))
    }

    fn lock_refusal(&self, store: Datastore, reply: &Reply) -> SessionError {
        let refusal = self.talk.refusal(reply, store.name());
        // For a lock every refusal but access control means that somebody else is there first.
        let SessionError::Refused { place, words } = refusal else {
            return refusal;
        };
        let session = reply
            .errors
            .first()
            .and_then(|it| it.session.clone())
            .filter(|it| it != "0");
        let holder = Holder {
            session,
            what: store.name().to_owned(),
            dirty: false,
        };
        SessionError::Busy { place, holder, words }
    }
}

/// What a read says, on these paths and below, secrets concealed.
pub(crate) fn touched(
    talk: &Conversation,
    target: &Target,
    reply: &Reply,
    paths: &[Path],
) -> Result<Tree, SessionError> {
    let Some(data) = reply.data().filter(|_| reply.is_ok()) else {
        return Err(talk.refusal(reply, "reading running"));
    };
    let read = target.dialect.read(data).map_err(|it| talk.malformed(it))?;
    Ok(talk.revealed.conceal(within(&read, paths), paths.iter()))
}

/// What stands at these paths and below.
pub(crate) fn within(tree: &Tree, paths: &[Path]) -> Tree {
    let entries = paths.iter().flat_map(|path| tree.under(path));
    entries.map(|(path, value)| (path.clone(), value.clone())).collect()
}

impl ConfigureSession for NetconfSession {
    fn stage<'a>(&'a mut self, change: &'a Change, by: Deadline) -> Answer<'a, Staged> {
        Box::pin(async move {
            self.talk.begin(Step::Stage);
            self.do_stage(change, by).await
        })
    }

    fn apply(&mut self, staged: Staged, by: Deadline) -> Answer<'_, Applied> {
        Box::pin(async move {
            self.talk.begin(Step::Apply);
            self.do_apply(staged, by).await
        })
    }

    fn renew<'a>(&'a mut self, applied: &'a Applied, by: Deadline) -> Answer<'a, ()> {
        Box::pin(async move {
            self.talk.begin(Step::Renew);
            self.do_renew(applied.record(), by).await
        })
    }

    fn confirm<'a>(&'a mut self, applied: &'a Applied, by: Deadline) -> Answer<'a, Confirmed> {
        Box::pin(async move {
            self.talk.begin(Step::Confirm);
            self.do_confirm(applied.record(), by).await
        })
    }

    fn revert<'a>(&'a mut self, record: &'a Record, by: Deadline) -> Answer<'a, Reverted> {
        Box::pin(async move {
            self.talk.begin(Step::Revert);
            self.do_revert(record, by).await
        })
    }
}
