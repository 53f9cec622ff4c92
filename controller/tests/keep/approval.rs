//! Plans that somebody else must approve, and times at which nothing is committed.

use crate::lab::{Lab, expect, latest, route, rows};
use crate::stage::Stage;

/// What a person of this name gets for a line, with the admin token.
fn by(stage: &Stage, who: &str, line: &str, code: i32, expected: &str) -> String {
    with(stage, (who, None), line, code, expected)
}

/// What a person gets for a line with a token of his own.
fn with(stage: &Stage, (who, token): (&str, Option<&str>), line: &str, code: i32, expected: &str) -> String {
    let (ended, said) = stage.run_with(who, token, line);
    assert_eq!(ended, code, "{who}: entente {line}\n{said}");
    assert!(
        said.contains(expected),
        "{who}: entente {line}: {expected:?} is missing in\n{said}"
    );
    said
}

fn planned(stage: &Stage, who: &str, file: &str) -> String {
    let (code, said) = stage.run_as(who, &format!("plan -f {file} --output json"));
    assert_eq!(code, 0, "{said}");
    let plan: serde_json::Value = serde_json::from_str(&said).unwrap();
    plan["id"].as_str().unwrap().to_owned()
}

#[test]
fn what_is_risky_is_committed_once_somebody_else_approved_it_and_nothing_else_changed() {
    let policy = "version: 1\napproval:\n  - { name: second-look, risk: low, devices: [r1], asked-by: [amy, ben], by: [ben, cid] }\n";
    let stage = Stage::start_with(&[("ENTENTE_POLICY", policy)]);
    let lab = Lab::of(&stage);
    stage.write("a.yaml", &route("a", "r1", "192.0.2.1"));
    let said = by(
        &stage,
        "amy",
        "plan -f a.yaml",
        0,
        "approval second-look: 0 of 1, by ben, cid",
    );
    assert!(said.contains("entente plan approve"), "{said}");
    let plan = planned(&stage, "amy", "a.yaml");
    let commit = format!("commit {plan}");
    by(&stage, "amy", &commit, 7, "second-look: 1 more by ben, cid");

    // Nobody approves his own, and who may not does not count.
    by(&stage, "amy", &format!("plan approve {plan}"), 7, "somebody else");
    let approve = format!("plan approve {plan}");
    let [ben, cid, dan] = ["ben", "cid", "dan"].map(|who| (who, stage.token(who, "approver")));
    let (ben, cid, dan) = ((ben.0, Some(&*ben.1)), (cid.0, Some(&*cid.1)), (dan.0, Some(&*dan.1)));
    with(&stage, dan, &approve, 0, "0 of 1");
    by(&stage, "amy", &commit, 7, "1 more");
    with(&stage, ben, &format!("{approve} --hash 0"), 9, "another hash");
    // Who only calls himself ben has four eyes with nobody.
    by(&stage, "ben", &approve, 7, "does not say who approves");
    by(&stage, "amy", &commit, 7, "1 more");
    with(&stage, ben, &approve, 0, "1 of 1");
    by(&stage, "amy", &commit, 0, "on 1 device");
    assert!(lab.running("r1").contains("203.0.113.0/24"));

    // What is refused is never committed; what nobody has to approve is committed at once.
    stage.write("a.yaml", &route("a", "r1", "192.0.2.2"));
    let refused = planned(&stage, "amy", "a.yaml");
    with(&stage, cid, &format!("plan refuse {refused} --reason no"), 0, "refused");
    by(&stage, "amy", &format!("commit {refused}"), 9, "is refused");
    stage.write("b.yaml", &route("b", "r2", "192.0.2.2"));
    by(&stage, "amy", "commit -f b.yaml", 0, "on 1 device");

    // The approval of a stale plan approves nothing, and one given before is of no use after.
    let (early, late) = (planned(&stage, "amy", "a.yaml"), planned(&stage, "amy", "a.yaml"));
    with(&stage, ben, &format!("plan approve {early}"), 0, "1 of 1");
    stage.write("c.yaml", &route("a", "r1", "192.0.2.3"));
    by(&stage, "dan", "commit -f c.yaml", 0, "on 1 device");
    with(&stage, ben, &format!("plan approve {late}"), 9, "is stale");
    let (code, said) = stage.run_as("amy", &format!("commit {early}"));
    assert!(code == 4 || code == 9, "{code} {said}");
    assert!(lab.running("r1").contains("192.0.2.3"), "{said}");
    by(&stage, "amy", "audit verify", 0, "entries hold");
}

#[test]
fn a_freeze_stops_what_is_new_and_not_what_takes_back_or_repairs() {
    let stage = Stage::start();
    let lab = Lab::of(&stage);
    stage.write("a.yaml", &route("a", "r1", "192.0.2.1"));
    by(&stage, "amy", "commit -f a.yaml", 0, "on 1 device");
    let first = latest(&stage);

    by(&stage, "amy", "freeze on --until 2h --reason audit", 0, "frozen until");
    let frozen = rows(&stage, "freeze show");
    assert_eq!(
        (&frozen[0]["by"], &frozen[0]["reason"]),
        (&"amy".into(), &"audit".into())
    );
    stage.write("a.yaml", &route("a", "r1", "192.0.2.2"));
    let said = by(&stage, "ben", "commit -f a.yaml", 7, "by amy (audit)");
    assert!(said.contains("is frozen until 20"), "{said}");
    lab.describe("r2", "by hand");
    by(&stage, "ben", "drift repair r2", 0, "on 1 device");
    by(&stage, "ben", &format!("rollback {first}"), 0, "on 1 device");
    by(&stage, "ben", "freeze off", 0, "lifted");
    by(&stage, "ben", "freeze off", 8, "no freeze by an operator");
    by(&stage, "ben", "commit -f a.yaml", 0, "on 1 device");
    by(&stage, "ben", "freeze on --until soon", 3, "is no end");
    expect(&stage, "audit verify", 0, "entries hold");
}

#[test]
fn a_window_of_the_policy_freezes_its_devices() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.yaml");
    let window = "{ name: feast, from: 2020-01-01T00:00:00Z, until: 2120-01-01T00:00:00Z, devices: [r9] }";
    std::fs::write(&file, format!("version: 1\nfreeze: [{window}]\n")).unwrap();
    // The demo commits an intent for all of its devices, r9 among them.
    let mut demo = std::process::Command::new(env!("CARGO_BIN_EXE_entente"));
    let demo = demo
        .args(["demo", "--once"])
        .env("ENTENTE_POLICY", &file)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&demo.stderr).into_owned();
    assert!(!demo.status.success());
    assert!(
        said.contains("frozen until 2120-01-01T00:00:00Z by window feast"),
        "{said}"
    );
}
