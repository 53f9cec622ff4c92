//! What each device promises about a change, asked once before the agent introduces itself.
//!
//! The controller plans with it. What a session really gives is said again with each vote, so a device that does not
//! answer now costs nothing but a plan that expects the least.

use std::collections::BTreeMap;
use std::sync::Arc;

use adapters_port::{Access, Deadline};
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use transaction::{DeviceId, Guarantee};

use crate::app::Served;
use crate::desk;
use crate::failure::cleaned;

/// How many devices are asked at once.
const AT_ONCE: usize = 64;

/// Whom to ask: each device, and the way to it that is preferred.
pub type Preferred = Vec<(DeviceId, Arc<dyn Access>)>;

/// The first way to each device.
#[must_use]
pub fn preferred(served: &[Served]) -> Preferred {
    let first = |it: &Served| Some((it.id, Arc::clone(it.ways.first()?)));
    served.iter().filter_map(first).collect()
}

/// What those promise that answer in time.
pub async fn asked(preferred: Preferred, by: Deadline) -> BTreeMap<DeviceId, Guarantee> {
    let asking: Vec<BoxFuture<'static, _>> = preferred
        .into_iter()
        .map(|(device, way)| ask(device, way, by).boxed())
        .collect();
    let answers = futures::stream::iter(asking).buffer_unordered(AT_ONCE);
    answers.filter_map(std::future::ready).collect().await
}

async fn ask(device: DeviceId, way: Arc<dyn Access>, by: Deadline) -> Option<(DeviceId, Guarantee)> {
    let why = match tokio::time::timeout_at(by.instant().into(), way.capabilities(by)).await {
        Ok(Ok(capabilities)) => return Some((device, desk::guarantee(capabilities.guarantee))),
        Ok(Err(error)) => cleaned(&[desk::chain(&error)]),
        Err(_) => "no answer in time".to_owned(),
    };
    tracing::warn!(%device, error = why, "what the device promises is not known");
    None
}
