//! Somebody changes devices by hand: it is seen where an intent wants something, and nowhere else.

use crate::lab::{Lab, described, expect, rows};
use crate::stage::Stage;

const PATH: &str = "interface[eth1]/description";

#[test]
fn drift_is_seen_repaired_accepted_released_and_ignored() {
    let stage = Stage::start();
    let lab = Lab::of(&stage);
    expect(&stage, "drift list", 0, "no drift");

    // What no intent wants is nobody's business; what one wants is drift, and named with the intent.
    lab.edit("r2", "<enabled>false</enabled>");
    expect(&stage, "drift list", 0, "no drift");
    lab.describe("r1", "by hand");
    lab.describe("r6", "by hand");
    let drift = rows(&stage, "drift list");
    assert_eq!(drift.as_array().map(Vec::len), Some(2), "{drift}");
    assert_eq!(
        (
            &drift[0]["device"],
            &drift[0]["path"],
            &drift[0]["wanted"],
            &drift[0]["found"]
        ),
        (
            &"r1".into(),
            &PATH.into(),
            &"uplink to the core".into(),
            &"by hand".into()
        )
    );

    // Repair is a plan like any; what is foreign stays.
    let said = expect(&stage, "drift repair r1 --dry-run", 0, "repair of r1");
    assert!(said.contains("by hand → uplink to the core"), "{said}");
    assert!(lab.running("r1").contains("by hand"));
    expect(&stage, "drift repair r1", 0, "on 1 device");
    assert!(lab.running("r1").contains("uplink to the core"));
    expect(&stage, "drift repair r1", 0, "nothing to change");

    // Ignored drift is left alone by list and repair, until it is looked at again.
    expect(&stage, &format!("drift ignore r6 {PATH}"), 0, "left alone");
    expect(&stage, "drift list", 0, "no drift");
    assert_eq!(rows(&stage, "drift show r6")[0]["ignored"], true);
    expect(&stage, "drift repair r6", 0, "nothing to change");
    expect(&stage, &format!("drift ignore r6 {PATH} --off"), 0, "looked at again");
    expect(&stage, &format!("drift ignore r6 {PATH} --off"), 8, "no ignored path");

    // Accepted: the intent wants what is there from now on, the device is not touched, and its own baseline is kept.
    let before = lab.running("r6");
    expect(&stage, &format!("drift accept r6 {PATH}"), 0, "no drift is left");
    assert_eq!(before, lab.running("r6"));
    lab.describe("r6", "by another hand");
    assert_eq!(rows(&stage, "drift list")[0]["wanted"], "by hand");
    expect(&stage, "drift repair r6", 0, "on 1 device");
    assert!(lab.running("r6").contains("by hand"));

    // Released: nobody wants anything there any more.
    lab.describe("r6", "his");
    expect(
        &stage,
        &format!("drift accept r6 {PATH} --release"),
        0,
        "no drift is left",
    );
    lab.describe("r6", "his own");
    expect(&stage, "drift list", 0, "no drift");
    expect(&stage, &format!("drift accept r6 {PATH}"), 9, "has no drift");
    expect(&stage, "drift accept r6 interface[", 3, "is no path");

    // A repair that was planned before its intent changed is not committed after.
    lab.describe("r1", "by hand");
    let plan = rows(&stage, "drift repair r1 --dry-run");
    stage.write("c.yaml", &described("c", "r1", 300, "by hand"));
    expect(&stage, "commit -f c.yaml", 0, "committed");
    let line = format!("commit {}", plan["id"].as_str().unwrap());
    expect(&stage, &line, 9, "is stale");
    assert!(lab.running("r1").contains("by hand"));
    expect(&stage, "audit verify", 0, "entries hold");
}
