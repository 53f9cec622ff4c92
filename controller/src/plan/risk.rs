//! What may go wrong with a plan: more than with the intents that it makes true.

use intents::Risk;
use knowledge_model::Delta;

use super::document::Plan;
use super::stirs;
use crate::policy::risk_of;

/// The risk of a plan whose intents alone are this risky, with the risks of what it takes away, replaces or brings back.
/// What nobody looks at before it stays is a step riskier where there would be something to look at, and what may cut an
/// agent's way to its device is as risky as can be.
pub fn weighed(plan: &Plan, moved: impl IntoIterator<Item = Risk>) -> Risk {
    let asked = risk_of(&plan.risk).unwrap_or(Risk::High);
    let risk = moved.into_iter().fold(asked, Risk::max);
    let deltas: Vec<Delta> = plan.devices.iter().filter_map(|it| it.delta().ok()).collect();
    if plan.forced && plan.devices.iter().any(|device| !device.cuts.is_empty()) {
        return Risk::High;
    }
    match risk {
        Risk::Low if plan.gate.off && deltas.iter().any(stirs) => Risk::Medium,
        Risk::Medium | Risk::High if plan.gate.off && deltas.iter().any(stirs) => Risk::High,
        Risk::Low | Risk::Medium | Risk::High => risk,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn plan(path: &str, cuts: &[&str]) -> Plan {
        let entry = json!({ "path": path, "before": null, "after": "1", "bare": false, "owners": [] });
        let device = json!({ "id": "", "name": "r1", "guarantee": "plain", "demand": null, "wave": 0, "entries": [entry],
            "preview": "", "rollback": "", "cuts": cuts, "wishes": [], "stood": [] });
        serde_json::from_value(
            json!({ "id": "", "hash": "", "intents": [], "withdraws": [], "devices": [device],
            "risk": "low", "guarantee": null }),
        )
        .unwrap()
    }

    #[test]
    fn what_is_taken_away_unlooked_at_or_forced_counts() {
        let quiet = plan("system/hostname", &[]);
        assert_eq!(weighed(&quiet, []), Risk::Low);
        assert_eq!(weighed(&quiet, [Risk::High, Risk::Low]), Risk::High);
        let mut stirring = plan("interface[eth1]/mtu", &[]);
        assert_eq!(weighed(&stirring, []), Risk::Low);
        stirring.gate.off = true;
        assert_eq!(weighed(&stirring, []), Risk::Medium);
        assert_eq!(weighed(&stirring, [Risk::Medium]), Risk::High);
        let mut unlooked = quiet;
        unlooked.gate.off = true;
        assert_eq!(weighed(&unlooked, []), Risk::Low, "there was nothing to look at");
        let mut cut = plan("interface[eth0]/enabled", &["the way to it"]);
        assert_eq!(weighed(&cut, []), Risk::Low);
        cut.forced = true;
        assert_eq!(weighed(&cut, []), Risk::High);
    }
}
