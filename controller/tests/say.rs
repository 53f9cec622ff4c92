//! Sentences in English and Chinese, from words to devices.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod stage;

use stage::Stage;

#[test]
fn a_sentence_is_read_shown_planned_and_committed() {
    let stage = Stage::start();
    let check = |line: &str, code: i32, expected: &[&str]| {
        let (found, said) = stage.run(line);
        assert_eq!(found, code, "entente {line}\n{said}");
        for part in expected {
            assert!(said.contains(part), "entente {line}: {part:?} is missing in\n{said}");
        }
        said
    };
    check(
        "say \"set the mtu of r1 eth1 to 1400\"",
        0,
        &[
            "interface.set",
            "mtu = 1400",
            "→ 1400",
            "nothing was done yet: `entente commit ",
        ],
    );
    let held = stage.run("device get r1").1;
    assert!(!held.contains("1400"), "a reading changes nothing\n{held}");
    check(
        "say --yes \"set the mtu of r1 eth1 to 1400\"",
        0,
        &["committed", "on 1 device"],
    );
    assert!(stage.run("device get r1").1.contains("1400"));
    check(
        "say --yes 把r2的eth1的MTU设为1300",
        0,
        &["interface.set", "mtu = 1300", "committed"],
    );
    assert!(stage.run("device get r2").1.contains("1300"));

    // What is missing is asked for, in the language of the sentence; what is no intent is refused.
    check("say \"set the mtu of r1 eth1\"", 15, &["?"]);
    check("say \"please order two pizzas\"", 3, &["not understood"]);
    check("say \"set the mtu of r99 eth1 to 1400\"", 15, &["r99"]);
    // A question is answered, and what a platform cannot say is said.
    check("say \"list all intents\"", 0, &["intent.lifecycle", "interface.set"]);
    check("say \"limit eth1 on r1 to 10M\"", 3, &["ietf cannot say"]);

    // A later sentence of one conversation may refer to what was confirmed.
    let said = check(
        "say --yes --conversation talk \"shut down eth1 on r3\"",
        0,
        &["committed"],
    );
    assert!(said.contains("conversation talk"), "{said}");
    check(
        "say --yes --conversation talk \"the same for r5\"",
        0,
        &["admin = down", "r5", "committed"],
    );
    // Said or written, it is the same intent: the file changes nothing any more.
    stage.write(
        "said.yaml",
        "class: interface.set\nslots: { interface: 'r2:eth1', mtu: 1300 }\n",
    );
    let said = check("plan -f said.yaml", 0, &["interface.set for r2"]);
    assert!(!said.contains("→ 1300"), "{said}");
    let (code, said) = stage.run("audit verify");
    assert_eq!(code, 0, "{said}");
}
