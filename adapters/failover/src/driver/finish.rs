//! Confirm and revert: over the protocol that has brought the change this far, or over another where that is safe.

use super::FailoverSession;
use super::route::now;
use crate::core::{Means, Verdict, Want, leads_elsewhere, may};
use adapters_port::{
    Access, Applied, Confirmed, Deadline, Observer, Place, Protocol, Record, Reverted, SessionError, Standing, Step,
};
use std::sync::Arc;

impl FailoverSession {
    pub(super) async fn do_confirm(&mut self, applied: &Applied, by: Deadline) -> Result<Confirmed, SessionError> {
        let record = applied.record();
        self.adopt(record);
        let lost = match self.same(record, by).await {
            Ok(mut session) => {
                let confirmed = session.confirm(applied, by).await;
                self.keep(record.protocol, session, confirmed.as_ref().err());
                match confirmed {
                    Err(error) if leads_elsewhere(&error) => error,
                    answer => return self.ended(answer),
                }
            }
            Err(error) => error,
        };
        let (route, standing) = self.elsewhere(record, Want::Confirm, lost, by).await?;
        let protocol = route.protocol();
        match standing {
            Standing::Applied(applied) => {
                let mut session = route.configure(by).await?;
                let mut confirmed = session.confirm(&applied, by).await;
                if let Ok(confirmed) = &mut confirmed {
                    confirmed
                        .receipt
                        .remarks
                        .push(format!("applied over {}, confirmed over {protocol}", record.protocol));
                }
                self.ended(confirmed)
            }
            Standing::Untouched => {
                let message = "the device has taken the change back before it was confirmed".to_owned();
                self.ended(Err(self.shared.refused(protocol, Step::Confirm, message)))
            }
            standing @ (Standing::Staged(_) | Standing::Confirmed | Standing::Unknown { .. }) => {
                Err(self.strange(protocol, Step::Confirm, &standing))
            }
        }
    }

    pub(super) async fn do_revert(&mut self, record: &Record, by: Deadline) -> Result<Reverted, SessionError> {
        self.adopt(record);
        let lost = match self.same(record, by).await {
            Ok(mut session) => {
                let reverted = session.revert(record, by).await;
                self.keep(record.protocol, session, reverted.as_ref().err());
                match reverted {
                    Err(error) if leads_elsewhere(&error) => error,
                    answer => return self.ended(answer),
                }
            }
            Err(error) => error,
        };
        let (route, _) = self.elsewhere(record, Want::Revert, lost, by).await?;
        // Revert reads for itself, whatever the standing.
        let mut session = route.configure(by).await?;
        let mut reverted = session.revert(record, by).await;
        if let Ok(reverted) = &mut reverted {
            let remark = format!("applied over {}, reverted over {}", record.protocol, route.protocol());
            reverted.receipt.remarks.push(remark);
        }
        self.ended(reverted)
    }

    /// Another way where that is safe now, with where the change stands as seen from there.
    async fn elsewhere(
        &mut self,
        record: &Record,
        want: Want,
        lost: SessionError,
        by: Deadline,
    ) -> Result<(Arc<dyn Access>, Standing), SessionError> {
        if !leads_elsewhere(&lost) {
            return Err(lost);
        }
        match may(&self.situation, want, Means::Other, now()) {
            Verdict::Yes | Verdict::AfterReading => {}
            // Until the device has had its chance to take it back nobody else writes; the caller asks again later.
            Verdict::NotBefore(_) | Verdict::OnceClean | Verdict::Never => return Err(lost),
        }
        for route in self.shared.others(record.protocol) {
            let standing = match self.shared.look(&*route, by).await {
                Ok(mut observer) => Observer::resume(&mut *observer, record, by).await,
                Err(error) => Err(error),
            };
            match standing {
                Ok(standing) => {
                    self.shared.using(route.protocol(), Some(&lost));
                    return Ok((route, standing));
                }
                Err(error) if leads_elsewhere(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Err(lost)
    }

    fn ended<T>(&mut self, answer: Result<T, SessionError>) -> Result<T, SessionError> {
        if answer.is_ok() {
            self.situation.ended();
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
