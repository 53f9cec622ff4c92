//! What operating the controller takes beside its work: catching up after a stop, a short journal, backups.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::Mutex;
use transaction::{Ending, TransactionId};

use crate::app::{App, AppError, Asker, ended, holds, read_plan};
use crate::backup::{self, SealedFile};
use crate::commit::{Bounded, Restored};
use crate::store::TransactionRow;

/// What the controller stands on.
pub struct Operation {
    /// Where everything durable is.
    pub state: PathBuf,
    /// What was decided, kept short.
    pub journal: Arc<Bounded>,
    /// Under which epoch this run speaks.
    pub epoch: u64,
    /// The last restore, if there was one.
    pub restored: Option<Restored>,
    /// One backup at a time.
    pub saving: Mutex<()>,
}

impl Operation {
    /// The store says how a transaction ended: the journal need not any longer.
    pub fn settled(&self, transaction: TransactionId) {
        self.journal.kept(transaction);
        let journal = self.journal.clone();
        tokio::spawn(async move { journal.tidy().await });
    }
}

impl App {
    /// What a former run of the program left at `running` and the hub does not run: what the journal says of it, or that
    /// it never began. After a restore nothing is said of what may have gone on since: its devices are asked.
    pub async fn catch_up(&self, endings: HashMap<TransactionId, Ending>) -> Result<(), AppError> {
        for row in self.store.running().await? {
            let Ok(transaction) = row.id.parse::<TransactionId>() else {
                continue;
            };
            match endings.get(&transaction) {
                Some(ending) => {
                    let (state, reason) = ended(ending, &self.agents);
                    self.settled(transaction, state, holds(ending), &reason).await?;
                }
                None if self.hub.track(transaction).is_some() => {}
                None if self.operation.restored.is_some_and(|it| it.covers(transaction)) => {
                    self.doubt(transaction, &row).await?;
                }
                None => {
                    let reason = "the controller stopped before it began";
                    self.settled(transaction, "rolled-back", false, reason).await?;
                }
            }
        }
        for transaction in self.operation.journal.settled() {
            let state = self.store.state_of(&transaction.to_string()).await?;
            if state.is_none_or(|state| state != "running") {
                self.operation.settled(transaction);
            }
        }
        Ok(())
    }

    /// A transaction that the backup has no record of: it had not begun then, and may have since.
    async fn doubt(&self, transaction: TransactionId, row: &TransactionRow) -> Result<(), AppError> {
        let missing = || AppError::Missing {
            kind: "plan",
            key: row.plan.clone(),
        };
        let kept = self.store.plan(&row.plan).await?.ok_or_else(missing)?;
        let asker = Asker {
            who: row.asked_by.clone(),
            door: "rest",
        };
        let charge = self.charge(transaction, &read_plan(&kept)?, &asker)?;
        self.hub.doubt_anew(charge).await;
        Ok(())
    }

    /// Takes a backup, sealed with a passphrase.
    pub async fn backup(&self, passphrase: String, asker: &Asker) -> Result<SealedFile, AppError> {
        let _one = self.operation.saving.lock().await;
        self.note(asker, "backup", "controller", serde_json::Value::Null)
            .await?;
        let Operation {
            state, journal, epoch, ..
        } = &self.operation;
        let taken = backup::take(state, &self.store, journal, *epoch, passphrase).await;
        taken.map_err(|error| {
            let causes = std::iter::successors(std::error::Error::source(&error), |cause| cause.source());
            AppError::Inside(causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}")))
        })
    }
}
