//! The list of behaviours against every simulated NETCONF device, over real SSH, in the words of a platform file.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

#[path = "simulated/faults.rs"]
mod faults;
#[path = "simulated/first.rs"]
mod first;
#[path = "simulated/hidden.rs"]
mod hidden;
#[path = "simulated/modules.rs"]
mod modules;
#[path = "simulated/saved.rs"]
mod saved;
#[path = "simulated/subject.rs"]
mod subject;

use adapters_port::conformance::{self, BEHAVIOURS, Outcome};
use subject::Simulated;

#[tokio::test]
async fn every_personality_behaves() {
    let mut columns = Vec::new();
    for personality in [
        "confirmed",
        "base-1.0",
        "confirmed-1.0",
        "candidate",
        "running",
        "running-startup",
        "running-bare",
    ] {
        let subject = Simulated::start(personality).await;
        let outcomes = conformance::run(&subject).await;
        assert_eq!(
            subject.device.lock_holder(labs_devices::Store::Running),
            None,
            "{personality} is left locked"
        );
        columns.push((personality.to_owned(), outcomes));
    }
    let matrix = conformance::matrix(&columns);
    println!("{matrix}");
    is_documented("NETCONF on simulated devices", &matrix);
    for (personality, outcomes) in &columns {
        for (behaviour, outcome) in outcomes {
            assert!(
                !matches!(outcome, Outcome::Fails(_)),
                "{personality}: {behaviour}: {outcome:?}\n{matrix}"
            );
        }
        let held = outcomes
            .iter()
            .filter(|(_, outcome)| *outcome == Outcome::Holds)
            .count();
        assert!(
            held >= BEHAVIOURS.len() - 3,
            "{personality} offers too little to say so\n{matrix}"
        );
    }
}

/// The page on platforms shows the matrix of this build; `ENTENTE_WRITE_DOCS=1` writes it there.
fn is_documented(mark: &str, matrix: &str) {
    let file = tests_real::root().join("docs/platforms.md");
    let page = std::fs::read_to_string(&file).unwrap();
    let wanted = conformance::documented(&page, mark, matrix).expect("a mark for this matrix");
    if std::env::var_os("ENTENTE_WRITE_DOCS").is_some() {
        std::fs::write(&file, &wanted).unwrap();
    }
    let page = std::fs::read_to_string(&file).unwrap();
    assert!(
        page == wanted,
        "docs/platforms.md is stale: run this test with ENTENTE_WRITE_DOCS=1"
    );
}
