//! A change over whichever protocol is well, and over no second one while the first may still act.

use super::route::{Shared, now};
use crate::core::{Means, Phase, Situation, Verdict, Want, leads_elsewhere, may};
use adapters_port::{
    Answer, Applied, Change, ConfigureSession, Confirmed, Deadline, Protocol, Record, Reverted, SessionError, Staged,
    Step,
};
use std::sync::Arc;

/// One change on one device, over one protocol at a time.
pub struct FailoverSession {
    pub(super) shared: Arc<Shared>,
    pub(super) current: Option<(Protocol, Box<dyn ConfigureSession>)>,
    pub(super) situation: Situation,
}

impl FailoverSession {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            current: None,
            situation: Situation::new(),
        }
    }

    async fn do_stage(&mut self, change: &Change, by: Deadline) -> Result<Staged, SessionError> {
        let mut last: Option<SessionError> = None;
        let candidates = self.shared.selector().candidates(now());
        for protocol in candidates {
            if let Some(error) = last.take() {
                last = Some(self.clear_to_stage(error, by).await?);
            }
            let Some(route) = self.shared.route(protocol) else {
                continue;
            };
            let (session, capabilities) = match self.shared.open(&*route, by).await {
                Ok(opened) => opened,
                Err(error) if leads_elsewhere(&error) => {
                    last = Some(error);
                    continue;
                }
                Err(error) => return Err(error),
            };
            self.shared.enough(&capabilities, Step::Stage)?;
            let remark = self.shared.using(protocol, last.as_ref());
            match self.stage_over(protocol, session, change, by).await {
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

    async fn stage_over(
        &mut self,
        protocol: Protocol,
        mut session: Box<dyn ConfigureSession>,
        change: &Change,
        by: Deadline,
    ) -> Result<Staged, SessionError> {
        self.situation.staging(protocol);
        let begun = now();
        let staged = session.stage(change, by).await;
        self.shared.measured(protocol, begun, staged.as_ref().err());
        match &staged {
            Ok(_) => self.current = Some((protocol, session)),
            Err(error) if leads_elsewhere(error) => self.current = None,
            Err(_) => {
                self.current = Some((protocol, session));
                self.situation.ended();
            }
        }
        staged
    }

    // Switching away from a session that may hold a lock and an edit takes proof that it holds neither.
    async fn clear_to_stage(&mut self, lost: SessionError, by: Deadline) -> Result<SessionError, SessionError> {
        if may(&self.situation, Want::Stage, Means::Other, now()) == Verdict::Yes {
            return Ok(lost);
        }
        let Some(cleanliness) = self.shared.cleanliness.clone() else {
            return Err(lost);
        };
        match cleanliness.is_clean(by).await {
            Ok(true) => {
                self.situation.proven_clean();
                Ok(lost)
            }
            Ok(false) | Err(_) => Err(lost),
        }
    }

    async fn do_apply(&mut self, staged: Staged, by: Deadline) -> Result<Applied, SessionError> {
        let Some((protocol, session)) = &mut self.current else {
            return Err(self
                .shared
                .refused(staged.record().protocol, Step::Apply, "staged in no session".to_owned()));
        };
        let (guarantee, window) = (staged.record().guarantee, staged.record().window);
        self.situation.applying(guarantee, window, now());
        let begun = now();
        let applied = session.apply(staged, by).await;
        self.shared.measured(*protocol, begun, applied.as_ref().err());
        match &applied {
            // The device counts from when it took the commit, which is no later than now.
            Ok(_) => self.situation.applying(guarantee, window, now()),
            Err(error) if leads_elsewhere(error) => self.current = None,
            Err(_) => self.situation.ended(),
        }
        applied
    }

    async fn do_renew(&mut self, applied: &Applied, by: Deadline) -> Result<(), SessionError> {
        let record = applied.record();
        self.adopt(record);
        let mut session = self.same(record, by).await?;
        let renewed = session.renew(applied, by).await;
        // Also a renewal that nobody answered may have begun the window anew.
        if renewed.as_ref().err().is_none_or(leads_elsewhere) {
            self.situation.applying(record.guarantee, record.window, now());
        }
        self.keep(record.protocol, session, renewed.as_ref().err());
        renewed
    }

    /// A change that another process applied: how long its window still lasts is not known, so all of it counts.
    pub(super) fn adopt(&mut self, record: &Record) {
        if self.situation.phase == Phase::Nothing {
            self.situation.staging(record.protocol);
            self.situation.applying(record.guarantee, record.window, now());
        }
    }

    /// The session at hand, or a new one over the protocol that has brought the change this far.
    pub(super) async fn same(
        &mut self,
        record: &Record,
        by: Deadline,
    ) -> Result<Box<dyn ConfigureSession>, SessionError> {
        if let Some((protocol, session)) = self.current.take()
            && protocol == record.protocol
        {
            return Ok(session);
        }
        match self.shared.route(record.protocol) {
            Some(route) => self.shared.open(&*route, by).await.map(|(session, _)| session),
            None => Err(self.shared.nowhere(Step::Connect)),
        }
    }

    /// Keeps a session unless it is lost.
    pub(super) fn keep(
        &mut self,
        protocol: Protocol,
        session: Box<dyn ConfigureSession>,
        error: Option<&SessionError>,
    ) {
        match error {
            Some(error) if leads_elsewhere(error) => self.shared.selector().failed(protocol, now()),
            Some(_) | None => self.current = Some((protocol, session)),
        }
    }
}

impl ConfigureSession for FailoverSession {
    fn stage<'a>(&'a mut self, change: &'a Change, by: Deadline) -> Answer<'a, Staged> {
        Box::pin(self.do_stage(change, by))
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
