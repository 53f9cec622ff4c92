//! What nobody comes back to is forgotten after a while: plans that are never committed.

use std::sync::Arc;
use std::time::Duration;

use crate::app::{App, stamp};

/// How often it is looked at.
const EVERY: Duration = Duration::from_secs(3600);

impl App {
    /// Forgets plans that nobody commits, now and every hour.
    pub(crate) async fn lapse(self: Arc<Self>) {
        loop {
            let age = i64::try_from(self.keep.plans.as_millis()).unwrap_or(i64::MAX);
            match self.store.forget_plans(stamp().saturating_sub(age)).await {
                Ok(0) => {}
                Ok(plans) => tracing::info!(plans, "forgot plans that nobody has committed"),
                Err(error) => tracing::warn!(%error, "cannot forget plans that nobody has committed"),
            }
            tokio::time::sleep(EVERY).await;
        }
    }
}
