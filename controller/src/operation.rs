//! What operating the controller takes beside its work: catching up after a stop, a short journal, backups.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use transaction::{Ending, TransactionId};

use crate::app::{App, AppError, Asker, Each, ended, read_plan};
use crate::backup::{self, SealedFile};
use crate::commit::{Bounded, Restored, now};
use crate::logging::Logging;
use crate::metrics::{self, Metrics};
use crate::store::TransactionRow;
use crate::traces::{Span, Traces};

/// How often a controller that stops looks whether all is over.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

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
    /// What is counted.
    pub metrics: Metrics,
    /// What is logged.
    pub logging: Logging,
    /// Who is told of spans, if anybody is.
    pub traces: Option<Traces>,
    /// Cancelled once nothing new is begun.
    pub stopping: CancellationToken,
}

impl Operation {
    /// What a run of the controller begins with.
    pub fn new(
        state: PathBuf,
        journal: Arc<Bounded>,
        epoch: u64,
        restored: Option<Restored>,
        logging: Logging,
    ) -> Self {
        Self {
            state,
            journal,
            epoch,
            restored,
            saving: Mutex::default(),
            metrics: Metrics::default(),
            logging,
            traces: None,
            stopping: CancellationToken::new(),
        }
    }

    /// The store says how a transaction ended: it is counted, and the journal need not know any longer.
    pub fn settled(&self, transaction: TransactionId, row: &TransactionRow, state: &str) {
        self.metrics.count(metrics::ENDED, &[state]);
        if let Some(traces) = &self.traces {
            traces.tell(Span {
                trace: transaction.0,
                id: low(transaction.0),
                parent: None,
                name: "transaction".to_owned(),
                begun: u64::try_from(row.begun).unwrap_or_default(),
                ended: now().0,
                known: vec![
                    ("entente.transaction", row.id.clone()),
                    ("entente.plan", row.plan.clone()),
                    ("entente.ending", state.to_owned()),
                    ("entente.devices", row.devices.clone()),
                ],
                failed: state != "committed",
            });
        }
        self.journal.kept(transaction);
        let journal = self.journal.clone();
        tokio::spawn(async move { journal.tidy().await });
    }
}

/// The half of an id that is drawn at random.
fn low(id: u128) -> u64 {
    u64::try_from(id & u128::from(u64::MAX)).unwrap_or(1)
}

impl App {
    /// What a former run of the program left at `running` and the hub does not run: what the journal says of it, or that
    /// it never began. After a restore nothing is said of what may have gone on since: its devices are asked.
    pub async fn catch_up(&self, endings: HashMap<TransactionId, (TransactionId, Ending)>) -> Result<(), AppError> {
        let mut carried: HashMap<TransactionId, Vec<String>> = HashMap::new();
        for (rider, (led, _)) in endings.iter().filter(|(rider, (led, _))| *rider != led) {
            carried.entry(*led).or_default().push(rider.to_string());
        }
        for (led, riders) in carried {
            self.store.keep_rides(&led.to_string(), &riders).await?;
        }
        for row in self.store.running().await? {
            let Ok(transaction) = row.id.parse::<TransactionId>() else {
                continue;
            };
            match endings.get(&transaction) {
                Some((led, ending)) => {
                    let reason = ended(ending, &self.agents).1;
                    let mut each = Each::of(transaction, &reason);
                    self.settled(*led, Some(ending), &mut each).await?;
                }
                None if self.hub.track(transaction).is_some() => {}
                None if self.operation.restored.is_some_and(|it| it.covers(transaction)) => {
                    self.doubt(transaction, &row).await?;
                }
                None => {
                    let reason = "the controller stopped before it began";
                    let mut each = Each::of(transaction, reason);
                    self.settled(transaction, None, &mut each).await?;
                }
            }
        }
        for transaction in self.operation.journal.settled() {
            let state = self.store.state_of(&transaction.to_string()).await?;
            if state.is_none_or(|state| state != "running") {
                self.operation.journal.kept(transaction);
            }
        }
        self.operation.journal.tidy().await;
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
            proven: true,
        };
        let charge = self.charge(transaction, &read_plan(&kept)?, &asker).await?;
        self.hub.doubt_anew(charge).await;
        Ok(())
    }

    /// Everything that is counted, with what stands now.
    pub async fn counted(&self) -> String {
        let (running, waiting) = self.hub.load();
        let joined = self.agents.joined();
        let spoken: usize = joined.iter().map(|agent| agent.devices.len()).sum();
        let devices = self.network.lock().await.devices().count();
        let number = |count: usize| count as u64;
        self.operation.metrics.text(&[
            (metrics::AGENTS, number(joined.len())),
            (metrics::DEVICES, number(devices)),
            (metrics::SPOKEN, number(spoken)),
            (metrics::RUNNING, number(running)),
            (metrics::WAITING, number(waiting)),
            (metrics::REWRITTEN, self.operation.journal.rewritten()),
        ])
    }

    /// Begins nothing new and waits until what is open has ended, at most so long.
    pub async fn drain(&self, within: Duration) {
        self.operation.stopping.cancel();
        let open = self.hub.open();
        tracing::info!(
            open = open.len(),
            "stopping: waiting for what is open; interrupt again to stop at once"
        );
        for transaction in &open {
            let row = self.store.transaction(&transaction.to_string()).await;
            let devices = row.ok().flatten().map(|row| row.devices).unwrap_or_default();
            tracing::info!(%transaction, devices, "open");
        }
        let ended = async {
            while !self.hub.open().is_empty() || self.store.running().await.is_ok_and(|rows| !rows.is_empty()) {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        if tokio::time::timeout(within, ended).await.is_err() {
            let open = self.hub.open().len();
            tracing::warn!(
                open,
                "stopping with transactions open: the next start goes on with them"
            );
        }
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
