//! A change over whichever protocol is well, and over no second one while the first may still act.

use super::route::{Shared, now};
use crate::core::{Means, Situation, Verdict, Want, leads_elsewhere, may, may_begin};
use adapters_port::{
    Answer, Applied, Capabilities, Change, ConfigureSession, Confirmed, Deadline, Demand, Protocol, Record, Reverted,
    SessionError, Staged, Step,
};
use std::sync::Arc;
use std::time::Duration;

/// What a change is staged with over one protocol: its window, and the promise below which it is not staged.
pub trait Terms: Send + Sync {
    /// How long a device with these capabilities waits for a confirm; none where the change itself says it.
    fn window(&self, capabilities: &Capabilities) -> Option<Duration>;

    /// What the caller insists on.
    fn demand(&self) -> Option<Demand>;
}

/// No terms but those of the change itself.
struct Plain;

impl Terms for Plain {
    fn window(&self, _capabilities: &Capabilities) -> Option<Duration> {
        None
    }

    fn demand(&self) -> Option<Demand> {
        None
    }
}

/// One change on one device, over one protocol at a time.
pub struct FailoverSession {
    pub(super) shared: Arc<Shared>,
    pub(super) current: Option<Open>,
}

/// The session that holds the change.
pub(super) struct Open {
    pub(super) protocol: Protocol,
    pub(super) session: Box<dyn ConfigureSession>,
    pub(super) capabilities: Capabilities,
}

impl FailoverSession {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, current: None }
    }

    /// What the session that holds the change can do; none before anything is staged.
    pub fn capabilities(&self) -> Option<&Capabilities> {
        self.current.as_ref().map(|it| &it.capabilities)
    }

    /// Stages over the best protocol that is well, on its terms.
    ///
    /// # Errors
    /// As a stage; a promise below what is demanded is a refusal, whatever other protocol might promise.
    pub async fn stage_on(&mut self, terms: &dyn Terms, change: &Change, by: Deadline) -> Result<Staged, SessionError> {
        let mut last: Option<SessionError> = None;
        let candidates = self.shared.selector().candidates(now());
        for (at, protocol) in candidates.iter().copied().enumerate() {
            let others = at + 1 < candidates.len();
            let by = self.shared.patience(by, others);
            let Some(route) = self.shared.route(protocol) else {
                continue;
            };
            let opened = match self.shared.open(&*route, others, by).await {
                Ok(opened) => opened,
                Err(error) if leads_elsewhere(&error) => {
                    last = Some(error);
                    continue;
                }
                Err(error) => return Err(error),
            };
            self.shared
                .enough(&opened.capabilities, terms.demand(), last.as_ref())?;
            let means = self.shared.situation(|it| it.means(protocol));
            if !self
                .shared
                .situation(|it| may_begin(it, means, opened.capabilities.exclusive, now()))
            {
                return Err(last.unwrap_or_else(|| self.shared.unproven(protocol)));
            }
            let remark = self.shared.using(protocol, last.as_ref());
            let mut change = change.clone();
            change.window = terms.window(&opened.capabilities).unwrap_or(change.window);
            match self.stage_over(opened, &change, by).await {
                Ok(mut staged) => {
                    remark.into_iter().for_each(|it| staged.remark(it));
                    return Ok(staged);
                }
                Err(error) if leads_elsewhere(&error) => last = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(last.unwrap_or_else(|| self.shared.nowhere(Step::Stage)))
    }

    async fn stage_over(&mut self, mut open: Open, change: &Change, by: Deadline) -> Result<Staged, SessionError> {
        self.shared.remember(open.protocol).await?;
        let before = self.shared.situation(|it| *it);
        self.shared.situation(|it| it.staging(change.id, open.protocol));
        let begun = now();
        let staged = open.session.stage(change, by).await;
        self.shared.measured(open.protocol, begun, staged.as_ref().err());
        match &staged {
            Ok(_) => self.current = Some(open),
            Err(error) if leads_elsewhere(error) => self.current = None,
            // It was reread under locks, which proves that an earlier session is gone too.
            Err(SessionError::Stale { .. }) => self.shared.situation(Situation::ended),
            // Refused, and nothing of ours was left: as before, whatever an earlier session may have left.
            Err(_) => self.shared.situation(|it| *it = before),
        }
        if staged.is_err() {
            self.shared.forget().await;
        }
        staged
    }

    async fn do_apply(&mut self, staged: Staged, by: Deadline) -> Result<Applied, SessionError> {
        let Some(open) = &mut self.current else {
            let words = "staged in no session".to_owned();
            return Err(self.shared.refused(staged.record().protocol, Step::Apply, words));
        };
        let (guarantee, window) = (staged.record().guarantee, staged.record().window);
        self.shared.situation(|it| it.applying(guarantee, window, now()));
        let begun = now();
        let applied = open.session.apply(staged, by).await;
        self.shared.measured(open.protocol, begun, applied.as_ref().err());
        match &applied {
            // The device counts from when it took the commit, which is no later than now.
            Ok(_) => self.shared.situation(|it| it.applying(guarantee, window, now())),
            // What nobody answered may have arrived as late as when the session was closed, and nothing of it arrives
            // once that is done.
            Err(error) if leads_elsewhere(error) => {
                self.current = None;
                self.shared.situation(|it| it.unanswered(guarantee, window, now()));
            }
            Err(_) => {
                self.shared.situation(Situation::ended);
                self.shared.forget().await;
            }
        }
        applied
    }

    async fn do_renew(&mut self, applied: &Applied, by: Deadline) -> Result<(), SessionError> {
        let record = applied.record();
        self.adopt(record);
        let mut open = self.same(record, Want::Continue, by).await?;
        let renewed = open.session.renew(applied, by).await;
        let unsure = renewed.as_ref().err().is_none_or(leads_elsewhere);
        self.keep(open, renewed.as_ref().err());
        // Also a renewal that nobody answered may have begun the window anew, as late as when its session was closed.
        if unsure {
            self.shared
                .situation(|it| it.applying(record.guarantee, record.window, now()));
        }
        renewed
    }

    /// A change that another process applied: how long its window still lasts is not known, so all of it counts.
    pub(super) fn adopt(&mut self, record: &Record) {
        self.shared.situation(|it| {
            if !it.is_about(record.id) {
                it.staging(record.id, record.protocol);
                it.applying(record.guarantee, record.window, now());
            }
        });
    }

    /// The session at hand, or a new one over the protocol that has brought the change this far. What that protocol alone
    /// can end in time is tried over it also while it is otherwise left alone.
    pub(super) async fn same(&mut self, record: &Record, want: Want, by: Deadline) -> Result<Open, SessionError> {
        let elsewhere = self.shared.situation(|it| may(it, want, Means::Other, now()));
        let alone = want != Want::Revert && !matches!(elsewhere, Verdict::Yes | Verdict::AfterReading);
        if let Some(open) = self.current.take()
            && open.protocol == record.protocol
        {
            return Ok(open);
        }
        match self.shared.route(record.protocol) {
            Some(_) if !alone && self.shared.is_left_alone(record.protocol) => {
                Err(self.shared.left_alone(record.protocol))
            }
            Some(route) => {
                let others = self.shared.has_others(record.protocol);
                self.shared.open(&*route, others, by).await
            }
            None => Err(self.shared.nowhere(Step::Connect)),
        }
    }

    /// Keeps a session unless it is lost.
    pub(super) fn keep(&mut self, open: Open, error: Option<&SessionError>) {
        match error {
            Some(error) if leads_elsewhere(error) => self.shared.selector().failed(open.protocol, now()),
            Some(_) | None => self.current = Some(open),
        }
    }
}

impl Situation {
    /// Is this protocol the one that has brought the change this far?
    pub(super) fn means(&self, protocol: Protocol) -> Means {
        match self.protocol {
            Some(staged) if staged != protocol => Means::Other,
            Some(_) | None => Means::Same,
        }
    }
}

impl ConfigureSession for FailoverSession {
    fn stage<'a>(&'a mut self, change: &'a Change, by: Deadline) -> Answer<'a, Staged> {
        Box::pin(self.stage_on(&Plain, change, by))
    }

    fn apply(&mut self, staged: Staged, by: Deadline) -> Answer<'_, Applied> {
        Box::pin(self.do_apply(staged, by))
    }

    fn renew<'a>(&'a mut self, applied: &'a Applied, by: Deadline) -> Answer<'a, ()> {
        Box::pin(self.do_renew(applied, by))
    }

    fn confirm<'a>(&'a mut self, applied: &'a Applied, by: Deadline) -> Answer<'a, Confirmed> {
        Box::pin(self.do_confirm(applied, by))
    }

    fn revert<'a>(&'a mut self, record: &'a Record, by: Deadline) -> Answer<'a, Reverted> {
        Box::pin(self.do_revert(record, by))
    }
}
