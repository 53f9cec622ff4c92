//! What devices hold and may count on: what a transaction under way tries out on them is not decided, and no plan, no drift
//! and no acceptance is made from it.

use std::collections::HashMap;

use knowledge_model::{Delta, Tree};
use transaction::DeviceId;

use crate::agents::ReadError;
use crate::app::{App, AppError, read_plan, stamp};
use crate::commit::Agents as _;
use crate::store::{Kept, TransactionRow};

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
        let veiled = self.tried_out(&mut read, since).await?;
        each.extend(read.into_iter().map(|(device, tree)| (device, Ok(tree))));
        each.extend(veiled.into_iter().map(|(device, error)| (device, Err(error))));
        Ok(each)
    }

    /// Takes out of readings begun at a moment what transactions tried out that ran since and have not been committed: on
    /// their paths stands what stood before them. Who only waited for its devices tried out nothing, and hides nothing.
    pub(crate) async fn undecided_out(&self, read: &mut HashMap<DeviceId, Tree>, since: i64) -> Result<(), AppError> {
        let veiled = self.tried_out(read, since).await?;
        veiled.into_values().next().map_or(Ok(()), |error| Err(error.into()))
    }

    /// The same; the devices of which that cannot be said are no more among the readings, and come with the reason.
    async fn tried_out(
        &self,
        read: &mut HashMap<DeviceId, Tree>,
        since: i64,
    ) -> Result<HashMap<DeviceId, ReadError>, AppError> {
        let mut undecided = self.store.plans_undecided(since).await?;
        undecided.retain(|(transaction, _)| {
            let track = transaction.id.parse().ok().and_then(|it| self.hub.track(it));
            track.is_none_or(|it| it.has_begun())
        });
        Ok(all_out(&undecided, read, &|device| self.agents.name(device)))
    }
}

/// Takes out of readings what these transactions try out. Of the devices of a plan that cannot be read nothing can be said; all
/// others still count.
fn all_out(
    undecided: &[(TransactionRow, Kept)],
    read: &mut HashMap<DeviceId, Tree>,
    called: &dyn Fn(DeviceId) -> String,
) -> HashMap<DeviceId, ReadError> {
    let mut veiled = HashMap::new();
    for (transaction, kept) in undecided {
        let Err(error) = plan_out(kept, read) else { continue };
        // Where not even its devices can be told it may have any.
        let named: Option<Vec<String>> = serde_json::from_str(&transaction.devices).ok();
        tracing::error!(transaction = transaction.id, ?named, %error, "nobody knows what it tries out there");
        read.retain(|device, _| {
            let name = called(*device);
            let is_named = named.as_ref().is_none_or(|it| it.contains(&name));
            if is_named {
                let error = ReadError::Veiled {
                    device: name,
                    transaction: transaction.id.clone(),
                    words: error.to_string(),
                };
                veiled.insert(*device, error);
            }
            !is_named
        });
    }
    veiled
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
    fn a_plan_that_cannot_be_read_hides_its_own_devices_and_no_others() {
        let undecided = |devices: &[&str]| {
            let row = TransactionRow {
                id: "7".to_owned(),
                plan: "p".to_owned(),
                state: "running".to_owned(),
                devices: serde_json::to_string(devices).unwrap(),
                ..TransactionRow::default()
            };
            let kept = Kept {
                id: "p".to_owned(),
                body: "no plan".to_owned(),
                state: "committing".to_owned(),
                at: 0,
            };
            (row, kept)
        };
        let called = |device: DeviceId| format!("pe{}", device.0);
        let readings = || (1..=3).map(|it| (DeviceId(it), Tree::new())).collect::<HashMap<_, _>>();
        let mut read = readings();
        let veiled = all_out(&[undecided(&["pe2", "pe9"])], &mut read, &called);
        assert_eq!(veiled.keys().collect::<Vec<_>>(), [&DeviceId(2)]);
        assert!(read.contains_key(&DeviceId(1)) && read.contains_key(&DeviceId(3)) && read.len() == 2);
        let words = veiled[&DeviceId(2)].to_string();
        assert!(words.contains("transaction 7") && words.contains("pe2"), "{words}");
        let mut read = readings();
        assert!(all_out(&[undecided(&["pe9"])], &mut read, &called).is_empty());
        assert_eq!(read.len(), 3);
    }

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
