//! What stood on devices before and after each transaction, in their own words and without secrets.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use serde::Serialize;
use sha2::{Digest, Sha256};
use transaction::DeviceId;
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
    pub(crate) async fn snap(&self, devices: &[DeviceId], transaction: &str, moment: &'static str) {
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
        let text = self.agents.native(device).await?;
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

    /// Keeps what stands on devices after a transaction, beside everything else that goes on.
    pub(crate) fn snap_later(self: &Arc<Self>, devices: Vec<DeviceId>, transaction: String) {
        let app = self.clone();
        tokio::spawn(async move { app.snap(&devices, &transaction, "after").await });
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
