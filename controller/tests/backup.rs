//! A backup is taken while transactions go on, fifty more follow, one is in doubt when everything is lost: no split.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod network;

use network::Network;

#[test]
fn what_the_backup_does_not_know_is_asked_of_the_devices() {
    let mut network = Network::start(&[2, 1]);
    network.describe("first.yaml", "r1, r2, r3", "eth1", "first");
    let (code, said) = network.entente("commit -f first.yaml");
    assert_eq!(code, 0, "{said}\n{}", network.logs());

    // Open when the backup is taken: it commits afterwards, and its device forgets it over what follows.
    network.hold("r2", "commit");
    network.describe("open.yaml", "r2", "eth2", "during");
    let open = network.commit("open.yaml");
    network.told(&open, &["r2", "stage done"]);
    let (code, said) = network.entente("backup saved.backup");
    assert_eq!(code, 0, "{said}\n{}", network.logs());
    let before = network.entente(&format!("transaction show {open} --output json")).1;
    assert!(
        before.contains("running"),
        "the backup was to be taken while it runs\n{before}"
    );
    network.heal("r2");
    assert_eq!(network.ended(&open), "committed");
    let sealed = std::fs::read(network.path("saved.backup")).unwrap();
    let key = std::fs::read(network.path("state/authority/authority.key")).unwrap();
    assert!(!sealed.windows(40).any(|it| it == &key[40..80]), "the key is sealed");

    fifty_more(&network);

    // r3 holds it and its agent is gone; then r1 confirms it; then the controller is lost with its disk.
    let doubt = leave_in_doubt(&mut network);
    let (code, said) = network.entente("restore saved.backup");
    assert_eq!(code, 9, "a state directory in use is not overwritten\n{said}");
    std::fs::rename(network.path("state"), network.path("lost")).unwrap();
    let wrong = network
        .command("entente")
        .args(["restore", "saved.backup"])
        .env("ENTENTE_PASSPHRASE", "wrong horse")
        .output();
    assert_eq!(network::said(&wrong.unwrap()).0, 3);
    assert!(!network.path("state").exists());
    let (code, said) = network.entente("restore saved.backup");
    assert!(code == 0 && said.contains(&format!("in doubt: {open}")), "{said}");

    network.start_controller();
    network.start_agent(1);
    network.joined();
    network.until("r3 to be told", || {
        (network.done("r3", "commit") >= doubt.commits + 2).then_some(())
    });
    assert!(
        network.holds("r1", "doubtful") && network.holds("r3", "doubtful"),
        "a split\n{}",
        network.logs()
    );
    assert!(
        network
            .logs()
            .contains("asked about a transaction that the backup does not know")
    );
    assert_eq!(
        network.ended(&open),
        "committed",
        "its device said so\n{}",
        network.logs()
    );
    assert!(
        network.holds("r2", "during") && network.holds("r2", "more-48"),
        "nothing was reverted blindly"
    );

    // It goes on from there, with the devices as they are.
    network.describe("after.yaml", "r1, r2, r3", "eth9", "after");
    let (code, said) = network.entente("commit -f after.yaml");
    assert_eq!(code, 0, "{said}\n{}", network.logs());
    assert_eq!(network.entente("audit verify").0, 0);
}

fn fifty_more(network: &Network) {
    for number in 0..50 {
        let device = if number % 2 == 0 { "r2" } else { "r1" };
        let interface = format!("eth{}", number % 4 + 3);
        network.describe("more.yaml", device, &interface, &format!("more-{number}"));
        let transaction = network.commit("more.yaml");
        assert_eq!(network.ended(&transaction), "committed", "{}", network.logs());
    }
}

struct Doubt {
    /// How often r3 had committed before.
    commits: usize,
}

fn leave_in_doubt(network: &mut Network) -> Doubt {
    let commits = network.done("r3", "commit");
    let first = network.done("r1", "commit");
    network.hold("r1", "commit");
    network.describe("doubt.yaml", "r1, r3", "eth8", "doubtful");
    let transaction = network.commit("doubt.yaml");
    network.told(&transaction, &["r3", "apply done"]);
    network.kill_agent(1);
    network.release("r1");
    network.until("r1 to confirm", || {
        (network.done("r1", "commit") >= first + 2).then_some(())
    });
    network.kill_controller();
    network.heal("r1");
    Doubt { commits }
}
