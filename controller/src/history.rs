//! What stood on devices before and after each transaction, in their own words and without secrets.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use serde::Serialize;
use sha2::{Digest, Sha256};
use transaction::{DeviceId, TransactionId};
use utoipa::ToSchema;

use crate::app::{App, AppError, missing, stamp};
use crate::audit::hex;
use crate::compare::{Line, lines};
use crate::store::Native;

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// How many of each device; zero keeps nothing, and devices are not read for it.
    pub most: u32,
    /// For how long.
    pub age: Duration,
    /// For how long a plan is kept that nobody commits.
    pub plans: Duration,
}

/// Two configurations of a device, compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Comparison {
    /// The device, by name.
    pub device: String,
    /// What was compared with what.
    pub from: String,
    /// And this.
    pub to: String,
    /// The lines that differ, with a few that do not around them.
    pub lines: Vec<Line>,
}

impl App {
    /// Reads and keeps what stands on devices now. What cannot be read is said in the log, and holds nothing up.
    pub(crate) async fn snap(&self, devices: &[DeviceId], (transaction, moment): (&str, &'static str)) {
        if self.keep.most == 0 {
            return;
        }
        let snaps = devices.iter().map(|device| self.snap_one(*device, transaction, moment));
        for (device, snapped) in devices.iter().zip(join_all(snaps).await) {
            if let Err(error) = snapped {
                tracing::warn!(%device, transaction, moment, %error, "no native configuration is kept");
            }
        }
    }

    async fn snap_one(&self, device: DeviceId, transaction: &str, moment: &str) -> Result<(), AppError> {
        let mut text = self.agents.native(device).await?;
        if moment == "after"
            && let Some(next) = self.found_by_the_next(device, transaction).await?
        {
            text = next;
        }
        let native = Native {
            number: 0,
            transaction: transaction.to_owned(),
            moment: moment.to_owned(),
            digest: hex(&Sha256::digest(&text)),
            at: stamp(),
        };
        let device = device.to_string();
        self.store.keep_native(&device, &native, &text).await?;
        let age = i64::try_from(self.keep.age.as_millis()).unwrap_or(i64::MAX);
        let since = stamp().saturating_sub(age);
        Ok(self
            .store
            .forget_native(&device, i64::from(self.keep.most), since)
            .await?)
    }

    /// What the transaction after this one found on a device before it began: the reading just made may be of what that one
    /// did there already, and this is what this one left.
    async fn found_by_the_next(&self, device: DeviceId, transaction: &str) -> Result<Option<String>, AppError> {
        let device = device.to_string();
        let kept = self.store.native(&device).await?;
        let before = || kept.iter().filter(|it| it.moment == "before");
        let Some(own) = before().find(|it| it.transaction == transaction) else {
            return Ok(None);
        };
        let next = before().filter(|it| it.number > own.number && it.transaction != transaction);
        let next = next.min_by_key(|it| it.number);
        match next {
            Some(next) => Ok(self.store.native_text(&device, next.number).await?),
            None => Ok(None),
        }
    }

    /// Keeps what stands on devices after a transaction, or after all that rode it, beside everything else that goes on.
    pub(crate) fn snap_later(self: &Arc<Self>, led: TransactionId, riders: Vec<TransactionId>) {
        let app = self.clone();
        tokio::spawn(async move {
            let devices = app.touched(&riders).await;
            app.snap(&devices, (&led.to_string(), "after")).await;
        });
    }

    /// What is kept of a device, the latest first.
    pub async fn history(&self, device: &str) -> Result<Vec<Native>, AppError> {
        let known = self.device(device).await?;
        Ok(self.store.native(&known.id.to_string()).await?)
    }

    /// A device's configuration in its own words: a number that is kept, or `now`.
    pub async fn native(&self, device: &str, which: &str) -> Result<String, AppError> {
        let known = self.device(device).await?;
        if which == "now" {
            return Ok(self.agents.native(known.id).await?);
        }
        let number = which.parse().map_err(|_| missing("configuration", which))?;
        let text = self.store.native_text(&known.id.to_string(), number).await?;
        text.ok_or_else(|| missing("configuration", which))
    }

    /// What differs between two configurations of a device.
    pub async fn compare(&self, device: &str, from: &str, to: &str) -> Result<Comparison, AppError> {
        let (before, after) = (self.native(device, from).await?, self.native(device, to).await?);
        Ok(Comparison {
            device: device.to_owned(),
            from: from.to_owned(),
            to: to.to_owned(),
            lines: lines(&before, &after),
        })
    }
}
