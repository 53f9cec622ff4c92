//! Confirm and revert: over the protocol that has brought the change this far, or over another where that is safe.

use super::FailoverSession;
use super::configure::Open;
use super::route::{Shared, now};
use crate::core::{Means, Situation, Verdict, Want, leads_elsewhere, may};
use adapters_port::{
    Access, Applied, Confirmed, Deadline, Observer, Place, Protocol, Record, Reverted, SessionError, Standing, Step,
};

/// Another way to a change that was brought this far over one that is lost.
struct Elsewhere {
    open: Open,
    standing: Standing,
    /// For the receipt.
    remarks: Vec<String>,
}

impl FailoverSession {
    pub(super) async fn do_confirm(&mut self, applied: &Applied, by: Deadline) -> Result<Confirmed, SessionError> {
        let record = applied.record();
        self.adopt(record);
        let first = self.shared.patience(by, self.shared.has_others(record.protocol));
        let lost = match self.same(record, Want::Confirm, first).await {
            Ok(mut open) => {
                let confirmed = open.session.confirm(applied, first).await;
                self.keep(open, confirmed.as_ref().err());
                match confirmed {
                    Err(error) if leads_elsewhere(&error) => error,
                    answer => return self.ended(answer).await,
                }
            }
            Err(error) => error,
        };
        let Elsewhere {
            mut open,
            standing,
            remarks,
        } = self.elsewhere(record, Want::Confirm, lost, by).await?;
        let protocol = open.protocol;
        match standing {
            Standing::Applied(applied) => {
                let mut confirmed = open.session.confirm(&applied, by).await;
                if let Ok(confirmed) = &mut confirmed {
                    let remark = format!("applied over {}, confirmed over {protocol}", record.protocol);
                    confirmed.receipt.remarks.extend(remarks.into_iter().chain([remark]));
                }
                self.ended(confirmed).await
            }
            Standing::Untouched => {
                let message = "the device has taken the change back before it was confirmed".to_owned();
                self.ended(Err(self.shared.refused(protocol, Step::Confirm, message)))
                    .await
            }
            standing @ (Standing::Staged(_) | Standing::Confirmed | Standing::Unknown { .. }) => {
                Err(self.strange(protocol, Step::Confirm, &standing))
            }
        }
    }

    pub(super) async fn do_revert(&mut self, record: &Record, by: Deadline) -> Result<Reverted, SessionError> {
        self.adopt(record);
        let first = self.shared.patience(by, self.shared.has_others(record.protocol));
        let lost = match self.same(record, Want::Revert, first).await {
            Ok(mut open) => {
                let reverted = open.session.revert(record, first).await;
                self.keep(open, reverted.as_ref().err());
                match reverted {
                    Err(error) if leads_elsewhere(&error) => error,
                    answer => return self.ended(answer).await,
                }
            }
            Err(error) => error,
        };
        // Revert reads for itself, whatever the standing.
        let Elsewhere { mut open, remarks, .. } = self.elsewhere(record, Want::Revert, lost, by).await?;
        let mut reverted = open.session.revert(record, by).await;
        if let Ok(reverted) = &mut reverted {
            let remark = format!("applied over {}, reverted over {}", record.protocol, open.protocol);
            reverted.receipt.remarks.extend(remarks.into_iter().chain([remark]));
        }
        self.ended(reverted).await
    }

    /// Another way where that is safe now, with where the change stands as seen from there.
    async fn elsewhere(
        &mut self,
        record: &Record,
        want: Want,
        lost: SessionError,
        by: Deadline,
    ) -> Result<Elsewhere, SessionError> {
        if !leads_elsewhere(&lost) {
            return Err(lost);
        }
        let exclusive = match self.shared.situation(|it| may(it, want, Means::Other, now())) {
            Verdict::Yes | Verdict::AfterReading => false,
            // A revert that begins with locks is refused until the other session is gone.
            Verdict::OnceClean if want == Want::Revert => true,
            // Until the device has had its chance to take it back nobody else writes; the caller asks again later.
            Verdict::NotBefore(_) | Verdict::OnceClean | Verdict::Never => return Err(lost),
        };
        let mut routes = self.shared.others(record.protocol).into_iter().peekable();
        while let Some(route) = routes.next() {
            match self.shared.found(&*route, record, routes.peek().is_some(), by).await {
                Ok((open, _)) if exclusive && !open.capabilities.exclusive => {}
                Ok((open, standing)) => {
                    let remarks = self.shared.using(open.protocol, Some(&lost)).into_iter().collect();
                    return Ok(Elsewhere {
                        open,
                        standing,
                        remarks,
                    });
                }
                Err(error) if leads_elsewhere(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Err(lost)
    }

    async fn ended<T>(&mut self, answer: Result<T, SessionError>) -> Result<T, SessionError> {
        if answer.is_ok() {
            self.shared.situation(Situation::ended);
            self.shared.forget().await;
        }
        answer
    }

    fn strange(&self, protocol: Protocol, step: Step, standing: &Standing) -> SessionError {
        let place = Place {
            device: self.shared.device.clone(),
            protocol,
            step,
        };
        let changes = match standing {
            Standing::Unknown { foreign, reason } if foreign.is_empty() => vec![reason.clone()],
            Standing::Unknown { foreign, .. } => foreign.iter().map(ToString::to_string).collect(),
            Standing::Untouched | Standing::Staged(_) | Standing::Applied(_) | Standing::Confirmed => {
                vec!["the change stands where it should not".to_owned()]
            }
        };
        SessionError::Foreign { place, changes }
    }
}

impl Shared {
    /// A session over this way, and where the change stands as seen from it.
    async fn found(
        &self,
        route: &dyn Access,
        record: &Record,
        others: bool,
        by: Deadline,
    ) -> Result<(Open, Standing), SessionError> {
        let by = self.patience(by, others);
        let open = self.open(route, others, by).await?;
        let mut observer = self.look(route, others, by).await?;
        let standing = Observer::resume(&mut *observer, record, by).await?;
        Ok((open, standing))
    }
}
