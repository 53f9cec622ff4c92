//! The network moves on between a plan and its commit, or behind what intents own: neither is taken for how it should be.

use crate::lab::{Lab, described, expect, route, rows};
use crate::stage::Stage;

/// The id of a plan for these files.
fn planned(stage: &Stage, line: &str) -> String {
    let plan = rows(stage, line);
    plan["id"]
        .as_str()
        .unwrap_or_else(|| panic!("{line}: {plan}"))
        .to_owned()
}

/// Takes every route away by hand.
fn unroute(lab: &Lab, device: &str) {
    lab.merge(
        device,
        "<routing xmlns=\"urn:ietf:params:xml:ns:yang:ietf-routing\" xmlns:nc=\"urn:ietf:params:xml:ns:netconf:base:1.0\" nc:operation=\"remove\"/>",
    );
    assert!(!lab.running(device).contains("203.0.113.0/24"));
}

#[test]
fn what_needed_no_change_when_it_was_planned_is_not_committed_where_it_is_gone() {
    let stage = Stage::start();
    let lab = Lab::of(&stage);
    stage.write("a.yaml", &route("a", "r1", "192.0.2.1"));
    stage.write("b.yaml", &route("b", "r1, r2", "192.0.2.1"));
    expect(&stage, "commit -f a.yaml", 0, "on 1 device");

    // Planned while another intent held half of it; that one leaves before the commit.
    let plan = planned(&stage, "plan -f b.yaml");
    expect(&stage, "intent withdraw a", 0, "committed");
    let said = expect(&stage, &format!("commit {plan}"), 4, "rolled back");
    assert!(said.contains("r1") && said.contains("static-route"), "{said}");
    assert!(!lab.running("r2").contains("203.0.113.0/24"), "all or none\n{said}");
    assert_eq!(rows(&stage, "intent show b")["state"], "failed");

    // Nothing at all was to change, and a stranger takes it away.
    expect(&stage, "commit -f b.yaml", 0, "on 2 devices");
    stage.write("c.yaml", &route("c", "r2", "192.0.2.1"));
    let plan = planned(&stage, "plan -f c.yaml");
    unroute(&lab, "r2");
    expect(&stage, &format!("commit {plan}"), 4, "rolled back");
    assert_eq!(rows(&stage, "intent show c")["state"], "failed");

    // Where it still is so, an intent that changes nothing is committed, and owns what stands.
    let plan = planned(&stage, "plan -f c.yaml");
    expect(&stage, &format!("commit {plan}"), 0, "committed");
    assert!(lab.running("r2").contains("203.0.113.0/24"));
    expect(&stage, "intent withdraw b", 0, "committed");
    assert!(lab.running("r2").contains("203.0.113.0/24"), "c holds it");
    expect(&stage, "intent withdraw c", 0, "committed");
    assert!(!lab.running("r2").contains("203.0.113.0/24"));
    expect(&stage, "audit verify", 0, "entries hold");
}

#[test]
fn an_intent_that_is_asked_for_again_is_made_again_where_the_device_lost_it() {
    let stage = Stage::start();
    let lab = Lab::of(&stage);
    stage.write("a.yaml", &route("a", "r1", "192.0.2.1"));
    expect(&stage, "commit -f a.yaml", 0, "on 1 device");
    unroute(&lab, "r1");
    expect(&stage, "commit -f a.yaml", 0, "on 1 device");
    assert!(lab.running("r1").contains("192.0.2.1"));
    expect(&stage, "drift list", 0, "no drift");

    // Changed a little, with all that stood above it gone.
    unroute(&lab, "r1");
    stage.write("a.yaml", &route("a", "r1", "192.0.2.9"));
    expect(&stage, "commit -f a.yaml", 0, "on 1 device");
    assert!(lab.running("r1").contains("192.0.2.9"));

    // What nobody asks for is left as it is, and shown as drift.
    lab.describe("r1", "by hand");
    stage.write("d.yaml", &described("d", "r2", 300, "ours"));
    expect(&stage, "commit -f d.yaml", 0, "on 1 device");
    assert!(lab.running("r1").contains("by hand"));
    expect(&stage, "audit verify", 0, "entries hold");
}
