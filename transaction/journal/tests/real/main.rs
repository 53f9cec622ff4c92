//! The order of system calls, as strace saw it: a decision is on the disk before the first byte that speaks of it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops at the first surprise"
)]

use std::io::Write;
use std::process::{Command, Stdio};

use transaction_journal::{Epoch, FileJournal, Journal, Options};

const CHILD: &str = "ENTENTE_JOURNAL_DIRECTORY";
const DECISIONS: usize = 20;

/// Not a test of its own: what the test below runs under strace. It decides, and then says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_that_decides() {
    let Some(directory) = std::env::var_os(CHILD) else {
        return;
    };
    let (journal, _) = FileJournal::<Vec<u8>>::open(directory.as_ref(), Options::default()).unwrap();
    for number in 0..DECISIONS {
        journal
            .append(Epoch(1), vec![format!("decided {number:04}").into_bytes()])
            .await
            .unwrap();
        std::io::stdout()
            .write_all(format!("confirm {number:04}\n").as_bytes())
            .unwrap();
    }
}

#[test]
fn a_decision_is_synced_before_the_first_byte_of_its_confirm() {
    if !tests_real::wanted("a_decision_is_synced_before_the_first_byte_of_its_confirm") {
        return;
    }
    let strace = tests_real::program(&["strace"]).expect("strace is installed");
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let child = Command::new(&strace)
        .args(["-f", "-s", "300", "-e", "trace=write,pwrite64,fdatasync", "-o"])
        .arg(&trace)
        .arg(std::env::current_exe().unwrap())
        .args(["child_that_decides", "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD, folder.path().join("journal"))
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(child.success());
    let trace = std::fs::read_to_string(trace).unwrap();
    for number in 0..DECISIONS {
        let events = events(&trace, number);
        assert_eq!(
            events,
            ["written", "sync begun", "synced", "confirmed"],
            "decision {number}:\n{trace}"
        );
    }
    tests_real::operations(tests_real::Part::Strace, DECISIONS as u64);
}

/// What happened from the write of a decision to the first byte of its confirm, in order.
fn events(trace: &str, number: usize) -> Vec<&'static str> {
    let (decided, confirm) = (format!("decided {number:04}"), format!("\"confirm {number:04}"));
    let mut events = Vec::new();
    for line in trace.lines().skip_while(|line| !line.contains(&decided)) {
        if line.contains(&decided) {
            events.push("written");
        } else if line.contains("fdatasync(") {
            events.push("sync begun");
            events.extend(line.ends_with("= 0").then_some("synced"));
        } else if line.contains("fdatasync resumed") && line.ends_with("= 0") {
            events.push("synced");
        } else if line.contains(&confirm) {
            events.push("confirmed");
            break;
        }
    }
    events
}
