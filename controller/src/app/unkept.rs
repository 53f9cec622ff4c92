//! What the store has to say: offered in turn, and again until it takes it. Meanwhile it stands in the journal, so that the next
//! start knows it too.

use std::collections::VecDeque;
use std::time::Duration;

use transaction::{DeviceId, Ending, TransactionId};

use super::{App, AppError};

/// How soon the store is offered again what it did not take.
pub const AGAIN: Duration = Duration::from_secs(2);

/// What the store has to say.
#[derive(Debug)]
pub enum News {
    /// How a transaction ended.
    Ended(Ended),
    /// That a device is not owed the end of this transaction any longer.
    Cleared(TransactionId, DeviceId),
}

/// What it does not say yet, in the order in which it happened.
pub type Unkept = VecDeque<News>;

/// How a transaction ended.
#[derive(Debug)]
pub struct Ended {
    /// The name under which its devices know it.
    pub led: TransactionId,
    /// Those that rode it.
    pub riders: Vec<TransactionId>,
    /// How; nothing if it was never admitted.
    pub ending: Option<Ending>,
    /// It, or each that rode it.
    pub each: Vec<Each>,
}

/// One transaction that ended, and what of that was done already.
#[derive(Debug)]
pub struct Each {
    /// Which.
    pub transaction: TransactionId,
    /// Why it ended so.
    pub reason: String,
    /// It was learnt from.
    pub learnt: bool,
    /// The audit chain names it.
    pub noted: bool,
}

impl Each {
    /// Nothing was done yet.
    pub fn of(transaction: TransactionId, reason: &str) -> Self {
        Self {
            transaction,
            reason: reason.to_owned(),
            learnt: false,
            noted: false,
        }
    }
}

impl Ended {
    /// Of one that nothing rides.
    pub fn alone(transaction: TransactionId, ending: Option<Ending>, reason: &str) -> Self {
        Self {
            led: transaction,
            riders: Vec::new(),
            ending,
            each: vec![Each::of(transaction, reason)],
        }
    }
}

impl App {
    /// Keeps this in the store, behind what that did not take yet: what ended later is not stored before.
    pub(super) async fn keep_in_turn(&self, news: News) {
        let mut unkept = self.unkept.lock().await;
        unkept.push_back(news);
        self.offer(&mut unkept).await;
    }

    /// Offers the store again what it did not take.
    pub(super) async fn keep_again(&self) {
        let mut unkept = self.unkept.lock().await;
        self.offer(&mut unkept).await;
    }

    async fn offer(&self, unkept: &mut Unkept) {
        while let Some(news) = unkept.front_mut() {
            let taken = match news {
                News::Ended(over) => self.is_end_kept(over).await,
                News::Cleared(transaction, device) => self.cleared(*transaction, *device).await,
            };
            if !taken {
                return;
            }
            unkept.pop_front();
        }
    }

    /// Whether the store took it. Who rode stands whole before the first of them is over, for what a device is then owed is
    /// repaired for all of them. What the store does not know of at all stays in the journal, and in nobody's way.
    async fn is_end_kept(&self, over: &mut Ended) -> bool {
        let led = over.led;
        let riders: Vec<String> = over.riders.iter().map(ToString::to_string).collect();
        if let Err(error) = self.store.keep_rides(&led.to_string(), &riders).await {
            tracing::error!(%led, %error, "cannot keep what rode a transaction: tried again");
            return false;
        }
        let mut known = true;
        for each in &mut over.each {
            let transaction = each.transaction;
            match self.settled(led, over.ending.as_ref(), each).await {
                Ok(()) => {}
                Err(error @ AppError::Missing { .. }) => {
                    tracing::error!(%transaction, %error, "cannot keep how a transaction ended");
                    known = false;
                }
                Err(error) => {
                    tracing::error!(%transaction, %error, "cannot keep how a transaction ended: tried again");
                    return false;
                }
            }
        }
        if known {
            self.operation.journal.kept(led);
        }
        true
    }
}
