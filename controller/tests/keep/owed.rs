//! What a device is owed after a torn end: nothing else is committed to it before it was repaired, or an operator took it
//! on himself.

use serde_json::json;

use crate::lab::{Lab, described, expect, latest, route, rows, until};
use crate::stage::Stage;

/// Commits to three devices; while one takes its time the others break, so that they never hear their confirm.
fn tear(stage: &Stage, lab: &Lab) -> String {
    stage.write("a.yaml", &route("a", "r1, r2, r7", "192.0.2.1"));
    lab.hold("r7");
    let reject = json!({ "fault": "reject", "operation": "commit", "tag": "invalid-value" });
    let (code, said) = std::thread::scope(|scope| {
        let commit = scope.spawn(|| stage.run("commit -f a.yaml"));
        for device in ["r1", "r2"] {
            until("it to have applied", || lab.running(device).contains("192.0.2.1"));
            lab.fault(device, &reject);
        }
        lab.release("r7");
        commit.join().unwrap()
    });
    assert_eq!(code, 5, "{said}");
    assert!(said.contains("decided to confirm, look at r1"), "{said}");
    // r2 goes on refusing. Its timer covers the whole transaction, for nobody has shown that it may be renewed.
    lab.mend("r1");
    lab.mend("r7");
    latest(stage)
}

#[test]
fn what_devices_are_owed_is_repaired_or_waived_before_anything_else() {
    let terms = [
        ("ENTENTE_TERMS_LEASE", "15s"),
        ("ENTENTE_TERMS_IN_DOUBT", "6s"),
        ("ENTENTE_TERMS_REPAIR", "22s"),
    ];
    let stage = Stage::start_with(&terms);
    let lab = Lab::of(&stage);
    expect(&stage, "device repair r1", 8, "no debt to r1");
    let torn = tear(&stage, &lab);
    assert!(lab.running("r7").contains("192.0.2.1"), "it was decided to confirm");
    let standing = rows(&stage, "device standing");
    for (at, device) in ["r1", "r2"].into_iter().enumerate() {
        assert_eq!(standing[at]["device"], device);
        let owed = standing[at]["owed"][0].as_str().unwrap();
        assert!(owed.contains(&format!("confirm of {torn}")), "{standing}");
    }

    // Nothing else is committed to them first, and who is refused is told what to do.
    stage.write("b.yaml", &route("b", "r1, r2", "192.0.2.8"));
    let (code, said) = stage.run("commit -f b.yaml");
    assert!(code == 4 && said.contains("r1 is owed the end of"), "{code} {said}");
    assert!(
        said.contains("entente device repair") && said.contains("entente device waive"),
        "{said}"
    );

    // Repaired: it has what was decided, and is as any other device.
    expect(&stage, "device repair r1", 0, "what r1 is owed");
    assert!(lab.running("r1").contains("192.0.2.1"), "it has what was decided");
    until("the debt to be cleared", || {
        rows(&stage, "device standing")[0]["device"] == "r2"
    });

    // It comes back from a reboot with what it had saved: the change that it never confirmed is gone.
    lab.act("r2", &json!({ "act": "restart", "down_millis": 500 }));
    until("the change to be gone", || !lab.running("r2").contains("192.0.2.1"));
    lab.mend("r2");
    // Waived: a person took it on himself, once.
    expect(&stage, "device waive r2", 0, "1 waived");
    expect(&stage, "device waive r2", 0, "is owed nothing");
    let standing = rows(&stage, "device standing");
    assert!(
        standing[0]["owed"][0].as_str().unwrap().contains("waived by operator"),
        "{standing}"
    );
    // Its next transaction begins without it, and what was decided there is not made up for behind anybody's back.
    stage.write("d.yaml", &described("d", "r2", 200, "after-the-waiver"));
    until("r2 to be up", || stage.run("plan -f d.yaml").0 == 0);
    expect(&stage, "commit -f d.yaml", 0, "on 1 device");
    assert!(lab.running("r2").contains("after-the-waiver"));
    assert!(!lab.running("r2").contains("192.0.2.1"));
    until("the debt to be cleared", || {
        stage.run("device standing").1.contains("no device is")
    });
    expect(&stage, "audit verify", 0, "entries hold");
}
