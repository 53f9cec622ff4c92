//! A file of people that is made to take memory takes little more than it is long.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail by panicking")]

use knowledge_model::{Inventory, Schema};

/// The largest memory that this process ever had, in bytes.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:")).unwrap();
    1024 * line.trim().trim_end_matches(" kB").parse::<usize>().unwrap()
}

const HOSTILE: &str = "ENTENTE_HOSTILE";
/// As long as a file of people may be.
const LENGTH: usize = 16 << 20;
/// What a file may take beside its text. Each value is kept with its place, and only so many are.
const BOUND: usize = 256 << 20;

fn hostile(kind: &str) -> String {
    match kind {
        "lists" => format!("[{}]", "[],".repeat(LENGTH / 3 - 1)),
        "mappings" => format!("[{}]", "{a: b},".repeat(LENGTH / 7 - 1)),
        "items" => "- a\n".repeat(LENGTH / 4),
        "keys" => (0..LENGTH / 11).map(|it| format!("{it:08}: \n")).collect(),
        "devices" => format!("version: 1\ndevices: [{}]", "{},".repeat(LENGTH / 3 - 8)),
        "faults" => format!("version: 1\ngroups: {{g: [{}]}}", "x,".repeat(LENGTH / 2 - 16)),
        "nested" => "[".repeat(LENGTH),
        "steps" => "- ".repeat(LENGTH / 2),
        _ => "version: 1\n".to_owned(),
    }
}

/// Each is read in a process of its own, so that its memory can be told.
#[test]
fn a_hostile_inventory_takes_bounded_memory() {
    if let Ok(kind) = std::env::var(HOSTILE) {
        let text = hostile(&kind);
        let faults = Inventory::read(&text, Schema::canonical()).err().unwrap_or_default();
        println!("length {} peak {} faults {}", text.len(), peak(), faults.len());
        return;
    }
    let run = |kind: &str| -> [usize; 3] {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        let child = child.args(["--exact", "a_hostile_inventory_takes_bounded_memory", "--nocapture"]);
        let output = child.env(HOSTILE, kind).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = said.lines().find(|it| it.contains("length ")).expect(&said);
        let words = line.split_whitespace().filter_map(|it| it.parse().ok());
        words.collect::<Vec<_>>().try_into().expect(line)
    };
    let [_, least, none] = run("nothing");
    assert_eq!(none, 0);
    for kind in [
        "lists", "mappings", "items", "keys", "devices", "faults", "nested", "steps",
    ] {
        let [length, peak, faults] = run(kind);
        assert!(length <= LENGTH && length > LENGTH - 256, "{kind}: {length} bytes");
        assert!(faults >= 1, "{kind} was taken");
        let more = peak.saturating_sub(least + length);
        println!("{kind}: {} MiB, {faults} faults", more >> 20);
        assert!(more < BOUND, "{kind}: {} MiB beside the text", more >> 20);
    }
}
