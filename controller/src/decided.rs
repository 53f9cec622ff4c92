//! What devices hold and may count on: what a transaction under way tries out on them is not decided, and no plan, no drift
//! and no acceptance is made from it.

use std::collections::HashMap;

use knowledge_model::{Delta, Tree};
use transaction::DeviceId;

use crate::agents::ReadError;
use crate::app::{App, AppError, read_plan, stamp};
use crate::commit::Agents as _;
use crate::store::Kept;

impl App {
    /// What stands on a device, but for what is only tried out there.
    pub(crate) async fn read_decided(&self, device: DeviceId) -> Result<Tree, AppError> {
        let since = stamp();
        let there = self.agents.read(device, Vec::new()).await?;
        let mut read = HashMap::from([(device, there)]);
        self.undecided_out(&mut read, since).await?;
        Ok(read.remove(&device).unwrap_or_default())
    }

    /// The same of several devices, each for itself.
    pub(crate) async fn read_each(
        &self,
        devices: &[DeviceId],
    ) -> Result<HashMap<DeviceId, Result<Tree, ReadError>>, AppError> {
        let since = stamp();
        let reads = devices
            .iter()
            .map(|device| async move { (*device, self.agents.read(*device, Vec::new()).await) });
        let mut each = HashMap::with_capacity(devices.len());
        let mut read = HashMap::with_capacity(devices.len());
        for (device, found) in futures::future::join_all(reads).await {
            match found {
                Ok(tree) => drop(read.insert(device, tree)),
                Err(error) => drop(each.insert(device, Err(error))),
            }
        }
        self.undecided_out(&mut read, since).await?;
        each.extend(read.into_iter().map(|(device, tree)| (device, Ok(tree))));
        Ok(each)
    }

    /// Takes out of readings begun at a moment what transactions tried out that ran since and have not been committed: on
    /// their paths stands what stood before them. Who only waited for its devices tried out nothing, and hides nothing.
    pub(crate) async fn undecided_out(&self, read: &mut HashMap<DeviceId, Tree>, since: i64) -> Result<(), AppError> {
        for (transaction, kept) in self.store.plans_undecided(since).await? {
            let track = transaction.id.parse().ok().and_then(|it| self.hub.track(it));
            if track.is_some_and(|it| !it.has_begun()) {
                continue;
            }
            if let Err(error) = plan_out(&kept, read) {
                let named: Vec<String> = serde_json::from_str(&transaction.devices).unwrap_or_default();
                tracing::error!(transaction = transaction.id, ?named, %error, "nobody knows what it tries out there");
                // Of its devices nothing can be said; all others still count.
                if read.keys().any(|it| named.contains(&self.agents.name(*it))) {
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

/// Takes out of readings what a plan makes.
fn plan_out(kept: &Kept, read: &mut HashMap<DeviceId, Tree>) -> Result<(), AppError> {
    let plan = read_plan(kept)?;
    for device in &plan.devices {
        let Ok(id) = device.id.parse::<DeviceId>() else {
            continue;
        };
        if let Some(tree) = read.get_mut(&id) {
            let delta = device.delta().map_err(|error| AppError::Inside(error.to_string()))?;
            take_out(tree, &delta);
        }
    }
    Ok(())
}

/// Where a change shows in full on a path, what stood there before it.
fn take_out(tree: &mut Tree, delta: &Delta) {
    for (path, edit) in delta.iter() {
        if tree.value(path) == edit.after.as_ref() {
            match &edit.before {
                Some(value) => tree.insert(path.clone(), value.clone()),
                None => tree.remove(path),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use knowledge_model::{Edit, Value};

    #[test]
    fn what_is_tried_out_is_taken_out_and_nothing_else_is() {
        let path = |text: &str| text.parse::<knowledge_model::Path>().unwrap();
        let (mtu, text) = (path("interface[e]/mtu"), path("interface[e]/description"));
        let edit = |before: Option<&str>, after: Option<&str>| Edit {
            before: before.map(Value::from),
            after: after.map(Value::from),
        };
        let delta: Delta = [
            (mtu.clone(), edit(Some("1500"), Some("9000"))),
            (text.clone(), edit(None, Some("ours"))),
        ]
        .into_iter()
        .collect();
        let mut tree = Tree::new();
        tree.insert(mtu.clone(), Value::from("9000"));
        tree.insert(text.clone(), Value::from("a stranger's"));
        take_out(&mut tree, &delta);
        assert_eq!(tree.text(&mtu), Some("1500"));
        assert_eq!(tree.text(&text), Some("a stranger's"));
        tree.insert(text.clone(), Value::from("ours"));
        take_out(&mut tree, &delta);
        assert_eq!(tree.text(&text), None);
    }
}
