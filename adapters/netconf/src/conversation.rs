//! An exchange that knows which device and step it serves: it keeps the receipt and tells failures apart.

use crate::rpc::{Exchange, ExchangeError, Operation, Reply};
use crate::secrets::Revealed;
use adapters_port::{Cause, Deadline, Denial, DeviceWords, Holder, Place, Protocol, Receipt, SessionError, Step};
use std::time::Instant;

pub(crate) struct Conversation {
    pub(crate) exchange: Exchange,
    pub(crate) revealed: Revealed,
    device: String,
    receipt: Receipt,
    begun: Instant,
    sure: bool,
}

impl Conversation {
    pub(crate) fn new(exchange: Exchange, device: String) -> Self {
        let receipt = Receipt::new(Step::Connect, Protocol::Netconf);
        Self {
            exchange,
            revealed: Revealed::default(),
            device,
            receipt,
            begun: now(),
            sure: true,
        }
    }

    /// Begins a step: its receipt is empty, and a failure means that nothing happened.
    pub(crate) fn begin(&mut self, step: Step) {
        self.receipt = Receipt::new(step, Protocol::Netconf);
        self.begun = now();
        self.sure = true;
    }

    /// From here on a lost answer means that nobody knows.
    pub(crate) fn unsure(&mut self) {
        self.sure = false;
    }

    /// Ends a step.
    pub(crate) fn receipt(&mut self) -> Receipt {
        self.receipt.took = now() - self.begun;
        self.receipt.clone()
    }

    pub(crate) fn remark(&mut self, remark: impl Into<String>) {
        let remark = remark.into();
        tracing::info!(device = %self.device, %remark, "remark");
        self.receipt.remarks.push(remark);
    }

    pub(crate) fn place(&self) -> Place {
        Place {
            device: self.device.clone(),
            protocol: Protocol::Netconf,
            step: self.receipt.step,
        }
    }

    pub(crate) async fn ask(&mut self, operation: Operation, by: Deadline) -> Result<Reply, SessionError> {
        let mut replies = self.fly(&[operation], by).await?;
        replies.pop().ok_or_else(|| self.lost(ExchangeError::GivenUp))
    }

    /// A flight. Fails only where no answers came; what they say is the caller's business.
    pub(crate) async fn fly(&mut self, operations: &[Operation], by: Deadline) -> Result<Vec<Reply>, SessionError> {
        self.receipt
            .asked
            .extend(operations.iter().map(|it| it.name().to_owned()));
        let replies = self.exchange.flight(operations, by).await.map_err(|it| self.lost(it))?;
        for reply in &replies {
            let said = reply
                .warnings
                .iter()
                .chain(&reply.errors)
                .map(|it| self.revealed.redact(it.words()));
            self.receipt
                .words
                .extend(said.map(|it| it.to_string()).collect::<Vec<_>>());
        }
        Ok(replies)
    }

    /// What an error of the exchange means at this point of the step.
    pub(crate) fn lost(&self, error: ExchangeError) -> SessionError {
        let place = self.place();
        if !self.sure {
            return SessionError::Unknown {
                place,
                source: error.into(),
            };
        }
        if error.is_malformed() {
            return SessionError::Malformed {
                place,
                source: error.into(),
            };
        }
        SessionError::Unreachable {
            place,
            source: error.into(),
        }
    }

    /// What an `rpc-error` means, whatever it is about.
    pub(crate) fn refusal(&self, reply: &Reply, about: &str) -> SessionError {
        let (place, words) = (self.place(), Box::new(self.revealed.redact(reply.words())));
        let first = reply.errors.first();
        if first.is_some_and(|it| it.is_access()) {
            return SessionError::Denied {
                place,
                denial: Denial::AccessControl,
                words,
            };
        }
        if let Some(held) = first.filter(|it| it.is_held()) {
            let session = held.session.clone().filter(|it| it != "0");
            return SessionError::Busy {
                place,
                holder: Holder {
                    session,
                    what: about.to_owned(),
                    dirty: false,
                },
                words,
            };
        }
        if first.is_some_and(|it| it.is_unsupported()) {
            return SessionError::Unsupported {
                place,
                what: format!("{about}: {words}"),
            };
        }
        SessionError::Refused { place, words }
    }

    /// The device takes what it does not show to us.
    pub(crate) fn hidden(&self, paths: &[String]) -> SessionError {
        let message =
            "the device takes this and does not show it to this user, so that nobody could tell whether it is there";
        let words = DeviceWords {
            message: message.to_owned(),
            path: Some(paths.join(", ")),
            ..DeviceWords::default()
        };
        SessionError::Denied {
            place: self.place(),
            denial: Denial::AccessControl,
            words: Box::new(words),
        }
    }

    /// The device said one thing and shows another: nobody knows.
    pub(crate) fn unknown(&self, source: impl Into<Cause>) -> SessionError {
        SessionError::Unknown {
            place: self.place(),
            source: source.into(),
        }
    }

    /// A refusal in our own words.
    pub(crate) fn refused(&self, message: impl Into<String>) -> SessionError {
        let words = DeviceWords {
            message: message.into(),
            ..DeviceWords::default()
        };
        SessionError::Refused {
            place: self.place(),
            words: Box::new(self.revealed.redact(words)),
        }
    }

    pub(crate) fn unsupported(&self, what: impl Into<String>) -> SessionError {
        SessionError::Unsupported {
            place: self.place(),
            what: what.into(),
        }
    }

    pub(crate) fn malformed(&self, source: impl Into<Cause>) -> SessionError {
        SessionError::Malformed {
            place: self.place(),
            source: source.into(),
        }
    }
}

pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
