//! In which order devices change: all at once, or some first, and the others once it is seen what became of those.

use std::collections::BTreeSet;

use super::document::{DevicePlan, Plan};
use super::make::PlanError;
use crate::network::Network;

/// Lets devices change first: those that somebody named, and `more`.
///
/// # Errors
/// Every name that is not in the inventory.
pub fn order(
    plan: &mut Plan,
    named: &[String],
    more: impl Iterator<Item = String>,
    network: &Network,
) -> Result<(), PlanError> {
    let unknown = named.iter().filter(|name| network.named(name).is_none());
    let unknown: Vec<String> = unknown
        .map(|name| format!("{name} was to go first, and no device is named so"))
        .collect();
    if !unknown.is_empty() {
        return Err(PlanError::Invalid(unknown));
    }
    let first: BTreeSet<String> = named.iter().cloned().chain(more).collect();
    plan.notices.extend(idle(plan, named));
    set_first(plan, &first);
    Ok(())
}

/// What is to be said of devices that were to go first, and on which nothing changes.
fn idle(plan: &Plan, named: &[String]) -> Vec<String> {
    let changing = || plan.devices.iter().filter(|it| !it.entries.is_empty());
    let idle = named.iter().filter(|name| changing().all(|it| it.name != **name));
    idle.map(|name| format!("{name} was to go first, and nothing changes on it"))
        .collect()
}

/// Lets these devices change before all others that change. Where nothing changes on them, or on nobody else, there is one
/// wave. Who only looks on looks for the last time when the last ones apply.
fn set_first(plan: &mut Plan, first: &BTreeSet<String>) {
    let changes = |it: &&DevicePlan| !it.entries.is_empty();
    let leads = |it: &DevicePlan| changes(&it) && first.contains(&it.name);
    let leading = plan.devices.iter().filter(|it| leads(it)).count();
    let in_two = leading > 0 && leading < plan.devices.iter().filter(changes).count();
    for device in &mut plan.devices {
        device.wave = u16::from(in_two && !leads(device));
    }
}

impl Plan {
    /// The names of the devices that change, wave by wave, the first wave first.
    #[must_use]
    pub fn waves(&self) -> Vec<Vec<String>> {
        let changing = || self.devices.iter().filter(|it| !it.entries.is_empty());
        let numbers: BTreeSet<u16> = changing().map(|it| it.wave).collect();
        let names = |wave: u16| changing().filter(move |it| it.wave == wave).map(|it| it.name.clone());
        numbers.into_iter().map(|wave| names(wave).collect()).collect()
    }

    /// The devices that change before others; none where all change at once.
    #[must_use]
    pub fn first(&self) -> Vec<String> {
        match self.waves().as_slice() {
            [first, _, ..] => first.clone(),
            [] | [_] => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn plan(changing: &[(&str, bool)]) -> Plan {
        let entry =
            json!({ "path": "interface[eth1]/mtu", "before": null, "after": "9000", "bare": false, "owners": [] });
        let device = |(name, changes): &(&str, bool)| {
            let entries = if *changes { vec![entry.clone()] } else { Vec::new() };
            json!({ "id": "", "name": name, "guarantee": "plain", "demand": null, "wave": 0, "entries": entries,
                "preview": "", "rollback": "", "wishes": [], "stood": [] })
        };
        let devices: Vec<_> = changing.iter().map(device).collect();
        serde_json::from_value(
            json!({ "id": "", "hash": "", "intents": [], "withdraws": [], "devices": devices,
            "risk": "low", "guarantee": null }),
        )
        .unwrap()
    }

    fn check(changing: &[(&str, bool)], first: &[&str], waves: &[&[&str]]) {
        let mut plan = plan(changing);
        set_first(&mut plan, &first.iter().map(|it| (*it).to_owned()).collect());
        assert_eq!(plan.waves(), waves, "{first:?} of {changing:?}");
        let several = plan.waves().len() > 1;
        assert_eq!(plan.first().is_empty(), !several);
        let idle: Vec<_> = changing.iter().filter(|(_, changes)| !changes).collect();
        for (name, _) in idle {
            let device = plan.devices.iter().find(|it| it.name == *name).unwrap();
            assert_eq!(device.wave, u16::from(several), "who only looks on looks last");
        }
    }

    #[test]
    fn who_goes_first_is_a_wave_of_its_own() {
        let three = [("r1", true), ("r2", true), ("r3", true)];
        check(&three, &["r2"], &[&["r2"], &["r1", "r3"]]);
        check(&three, &["r3", "r1"], &[&["r1", "r3"], &["r2"]]);
        check(&three, &[], &[&["r1", "r2", "r3"]]);
        check(&three, &["r1", "r2", "r3"], &[&["r1", "r2", "r3"]]);
        check(&[("r1", true)], &["r1"], &[&["r1"]]);
        check(&[], &["r1"], &[]);
    }

    #[test]
    fn who_changes_nothing_goes_before_nobody() {
        let idle = [("r1", false), ("r2", true), ("r3", true)];
        check(&idle, &["r1"], &[&["r2", "r3"]]);
        check(&idle, &["r1", "r2"], &[&["r2"], &["r3"]]);
        let named = ["r1", "r2"].map(str::to_owned);
        assert_eq!(
            super::idle(&plan(&idle), &named),
            ["r1 was to go first, and nothing changes on it"]
        );
    }

    #[test]
    fn the_order_is_what_was_approved() {
        let mut plan = plan(&[("r1", true), ("r2", true)]);
        let at_once = plan.digest();
        set_first(&mut plan, &BTreeSet::from(["r1".to_owned()]));
        assert_ne!(plan.digest(), at_once);
    }
}
