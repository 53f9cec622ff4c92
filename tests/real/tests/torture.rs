//! What a torment writes has the fields that are told of it, and each thing that must not be makes it a bad run.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::process::Command;

/// Without devices: a tormentor who killed at every point, and a client whose transactions were all committed.
const PROGRAM: &str = r#"
import collections, sys, types
sys.path.insert(0, sys.argv[1])
import torture
torture.versions = dict
client = types.SimpleNamespace(name="group-0", devices=[types.SimpleNamespace(name="r1")], transactions=20, committed=20,
                               rolled_back=0, torn=[], failure=None, slowest=1.25)
kills = collections.Counter(torture.DEMANDED)
tormentor = types.SimpleNamespace(kills=kills, visits=kills, total=len(kills), in_flight_kills=len(kills))
judge = types.SimpleNamespace(operations={"frr": 3})
network = types.SimpleNamespace(tormentor=tormentor, done={}, events={}, judge=judge)
found = torture.summary(network, [client], [])
told = ["kills", "transactions", "committed", "rolled_back", "torn", "split", "locks_left", "unhit_points"]
assert [found[it] for it in told] == [len(kills), 20, 20, 0, 0, 0, 0, []], found
assert found["real"] == {"frr": {"version": "simulated", "operations": 3}}, found
assert torture.verdict(found, 3) == []
bad = {
    "only 9 of 20 transactions were committed": {"committed": 9},
    "only 11 transactions in 3 minutes": {"transactions": 11, "committed": 11},
    "kills found a transaction in flight": {"kills_in_flight": len(kills) * 8 // 10},
    "never killed at: agent: x": {"unhit_points": ["agent: x"]},
    "group-0 with r1 committed nothing": {"by_client": {"group-0": {"devices": ["r1"], "transactions": 9, "committed": 0}}},
    "r1 and r2 differ": {"failures": ["r1 and r2 differ"]},
}
for why, change in bad.items():
    assert len(torture.verdict(found | change, 3)) == 1 and why in torture.verdict(found | change, 3)[0], (why, change)
client.failure = "r1: a lock was left"
assert torture.summary(network, [client], [])["locks_left"] == 1
client.failure = "r1 and r2 differ"
assert torture.summary(network, [client], [])["split"] == 1
"#;

#[test]
fn a_torment_is_good_only_where_nothing_is_wrong_and_says_what_was_found() {
    if !tests_real::wanted("a_torment_is_good_only_where_nothing_is_wrong_and_says_what_was_found") {
        return;
    }
    let output = Command::new(tests_real::python())
        .arg("-c")
        .arg(PROGRAM)
        .arg(tests_real::root().join("tests/torture"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
