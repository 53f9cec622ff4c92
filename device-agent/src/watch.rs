//! Whether the devices still answer: looked at now and then, and told when it changes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use adapters_port::{Access, Deadline};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use transaction::DeviceId;

use crate::events::Teller;

/// How many devices are looked at at once.
const AT_ONCE: usize = 16;
/// How long a device may take to answer.
const WITHIN: Duration = Duration::from_secs(10);

/// A device and the way to it that is looked at.
pub type Watched = (DeviceId, Arc<dyn Access>);

/// Looks at every device once in each period until told to stop, and tells each that no longer answers, or does again.
pub async fn watch(devices: Vec<Watched>, every: Duration, teller: Arc<Teller>, stop: CancellationToken) {
    let mut standing: BTreeMap<DeviceId, bool> = BTreeMap::new();
    let mut period = tokio::time::interval(every);
    period.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while stop.run_until_cancelled(period.tick()).await.is_some() {
        for some in devices.chunks(AT_ONCE) {
            let mut looks = JoinSet::new();
            for (device, way) in some.iter().cloned() {
                looks.spawn(async move { (device, look(way.as_ref()).await) });
            }
            while let Some(looked) = looks.join_next().await {
                let Ok((device, seen)) = looked else { continue };
                let (is_up, words) = match seen {
                    Ok(()) => (true, "the device answers"),
                    Err(ref words) => (false, words.as_str()),
                };
                // A device that answers at the first look is no news.
                if standing.insert(device, is_up).unwrap_or(true) != is_up {
                    tracing::warn!(%device, is_up, words, "the way to a device has changed");
                    teller.link(device, "management", is_up, words);
                }
            }
        }
    }
}

async fn look(way: &dyn Access) -> Result<(), String> {
    let by = Deadline::after(Instant::now().into_std(), WITHIN);
    match tokio::time::timeout_at(by.instant().into(), way.observe(by)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer in {} s", WITHIN.as_secs())),
    }
}
