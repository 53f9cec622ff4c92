//! Whether the network is still what a plan was made from.

use std::collections::BTreeMap;

use super::document::{DevicePlan, Plan, PlannedEntry, Stood};

/// Where a plan that was made elsewhere, or long ago, differs from the one that would be made now; empty where it is as
/// true as it was. Ids, guarantees and previews do not count.
pub fn moved(then: &Plan, now: &Plan) -> Vec<String> {
    let named = |plan: &Plan| -> BTreeMap<String, DevicePlan> {
        plan.devices
            .iter()
            .map(|device| (device.name.clone(), device.clone()))
            .collect()
    };
    let (then, now) = (named(then), named(now));
    let mut moved = Vec::new();
    for name in then.keys().filter(|name| !now.contains_key(*name)) {
        moved.push(format!("{name}: nothing is asked of it any more"));
    }
    for (name, device) in &now {
        match then.get(name) {
            Some(before) => moved.extend(on_device(before, device)),
            None => moved.push(format!("{name}: the plan knows nothing of it")),
        }
    }
    moved
}

fn on_device(then: &DevicePlan, now: &DevicePlan) -> Vec<String> {
    let stood = |device: &DevicePlan| -> BTreeMap<String, Stood> {
        device.stood.iter().map(|it| (it.path.clone(), it.clone())).collect()
    };
    let (was, is) = (stood(then), stood(now));
    let shown = |stood: Option<&Stood>| match stood {
        Some(Stood { there: true, value, .. }) => value.clone().unwrap_or_else(|| "present".to_owned()),
        Some(_) | None => "absent".to_owned(),
    };
    // What only one of the two looked at is no difference by itself: who owns what decides where planning looks.
    let mut moved: Vec<String> = was
        .keys()
        .filter(|path| is.contains_key(*path) && shown(was.get(*path)) != shown(is.get(*path)))
        .map(|path| {
            let (before, after) = (shown(was.get(path)), shown(is.get(path)));
            format!("{}: {path} was {before} and is {after}", now.name)
        })
        .collect();
    let change = |device: &DevicePlan| -> BTreeMap<String, (Option<String>, Option<String>)> {
        let entry = |it: &PlannedEntry| (it.path.clone(), (it.before.clone(), it.after.clone()));
        device.entries.iter().map(entry).collect()
    };
    if moved.is_empty() && change(then) != change(now) {
        moved.push(format!(
            "{}: what would change is no longer what the plan says",
            now.name
        ));
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(value: &str, after: &str) -> Plan {
        let stood = |there| Stood {
            path: "interface[eth1]/mtu".to_owned(),
            there,
            value: there.then(|| value.to_owned()),
        };
        let entry = PlannedEntry {
            path: "interface[eth1]/mtu".to_owned(),
            before: Some(value.to_owned()),
            after: Some(after.to_owned()),
            bare: false,
            owners: Vec::new(),
        };
        let device = DevicePlan {
            id: String::new(),
            name: "r1".to_owned(),
            guarantee: value.to_owned(),
            demand: None,
            wave: 0,
            entries: vec![entry],
            preview: after.to_owned(),
            rollback: String::new(),
            wishes: Vec::new(),
            stood: vec![stood(true)],
            cuts: Vec::new(),
        };
        serde_json::from_value(serde_json::json!({
            "id": value, "hash": "", "intents": [], "withdraws": [], "devices": [device], "risk": "low", "guarantee": null
        }))
        .unwrap()
    }

    #[test]
    fn a_network_that_moved_on_is_noticed() {
        assert!(moved(&plan("1500", "9000"), &plan("1500", "9000")).is_empty());
        assert_eq!(
            moved(&plan("1500", "9000"), &plan("1400", "9000")),
            ["r1: interface[eth1]/mtu was 1500 and is 1400"]
        );
        assert_eq!(moved(&plan("1500", "9000"), &plan("1500", "8000")).len(), 1);
        let mut other = plan("1500", "9000");
        other.devices.clear();
        assert_eq!(
            moved(&plan("1500", "9000"), &other),
            ["r1: nothing is asked of it any more"]
        );
        assert_eq!(
            moved(&other, &plan("1500", "9000")),
            ["r1: the plan knows nothing of it"]
        );
    }
}
