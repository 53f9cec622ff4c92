//! The power is cut before every single call to the disk, while records are written, files change and old ones are
//! compacted away, and a crash keeps any subset of what was not synced.

use std::collections::BTreeSet;
use std::sync::Arc;

use transaction_journal::{Append, Epoch, Log, compact};

use crate::disk::{Flaw, MemoryDisk};

/// Small, so that files change often.
const SEGMENT: u64 = 700;
const ROUNDS: u64 = 30;

/// What was promised before the power went.
#[derive(Default)]
struct Promised {
    /// Records whose append was begun.
    begun: u64,
    /// Records whose append was answered.
    answered: u64,
    /// Records that a begun compaction may have dropped.
    let_go: BTreeSet<u64>,
}

/// Two of three records may go once they are old.
fn stays(number: u64, now: u64) -> bool {
    number.is_multiple_of(3) || number + 6 > now
}

fn payload(number: u64) -> Vec<u8> {
    let mut bytes = number.to_le_bytes().to_vec();
    bytes.resize(8 + (number % 5) as usize * 40, number as u8);
    bytes
}

fn number(record: &[u8]) -> u64 {
    u64::from_le_bytes(record[..8].try_into().unwrap())
}

/// Writes until the power goes.
fn work(disk: &MemoryDisk) -> Promised {
    let mut promised = Promised::default();
    let mut log = match Log::open(Arc::new(disk.clone()), SEGMENT) {
        Ok((log, _)) => log,
        Err(_) => return promised,
    };
    for round in 0..ROUNDS {
        let count = 1 + round % 3;
        let numbers = promised.begun..promised.begun + count;
        promised.begun += count;
        let append = Append {
            epoch: Epoch(round / 10),
            payloads: numbers.map(payload).collect(),
        };
        if log.write(&[append]).is_err() {
            return promised;
        }
        promised.answered = promised.begun;
        if round % 7 == 6 {
            let now = promised.begun;
            promised.let_go.extend((0..now).filter(|number| !stays(*number, now)));
            if compact(&mut log, &mut |entry| stays(number(&entry.record), now)).is_err() {
                return promised;
            }
        }
    }
    promised
}

/// Says what is wrong with what the machine finds when it comes up again.
fn verdict(disk: &MemoryDisk, promised: &Promised) -> Result<(), String> {
    let (mut log, recovered) = Log::open(Arc::new(disk.clone()), SEGMENT).map_err(|error| format!("{error}"))?;
    let found: Vec<u64> = recovered.entries.iter().map(|entry| number(&entry.record)).collect();
    if recovered
        .entries
        .iter()
        .any(|it| it.record != payload(it.position.0 - 1))
        || !found.is_sorted()
    {
        return Err(format!("invented or reordered: {found:?}"));
    }
    let reached = found
        .last()
        .map_or(promised.answered, |last| promised.answered.max(last + 1));
    if reached > promised.begun {
        return Err(format!("{reached} records, {} were begun", promised.begun));
    }
    let missing: Vec<u64> = (0..reached)
        .filter(|it| found.binary_search(it).is_err() && !promised.let_go.contains(it))
        .collect();
    if !missing.is_empty() {
        return Err(format!("lost {missing:?} of {} answered", promised.answered));
    }
    let next = log.position().0;
    if next < promised.answered {
        return Err(format!("goes on at {next} after {}", promised.answered));
    }
    let append = Append {
        epoch: Epoch(9),
        payloads: vec![payload(next)],
    };
    log.write(&[append]).map_err(|error| error.to_string())?;
    drop(log);
    let (_, again) = Log::open(Arc::new(disk.clone()), SEGMENT).map_err(|error| format!("second start: {error}"))?;
    let count = again.entries.len();
    if count != found.len() + 1 {
        Err(format!("{count} records at the second start"))
    } else {
        Ok(())
    }
}

fn faults(flaw: Flaw, seeds: u64) -> (u64, Option<String>) {
    let whole = MemoryDisk::default();
    work(&whole);
    let calls = whole.calls();
    for call in 0..=calls {
        let disk = MemoryDisk::default().flawed(flaw);
        let promised = work(&disk.killed_after(call));
        for seed in 0..seeds {
            if let Err(error) = verdict(&disk.after_power_cut(seed * 1000 + call), &promised) {
                return (calls, Some(format!("power cut at call {call}, seed {seed}: {error}")));
            }
        }
    }
    (calls, None)
}

#[test]
fn no_power_cut_between_two_calls_loses_what_was_answered() {
    let (calls, fault) = faults(Flaw::None, 40);
    println!("{calls} calls");
    assert_eq!(fault, None);
    assert!(
        calls > 150,
        "only {calls} calls: the work is too small to prove anything"
    );
}

#[test]
fn a_disk_that_forgets_to_sync_is_found_out() {
    assert!(faults(Flaw::ForgetsSync, 40).1.is_some());
}

#[test]
fn a_directory_that_forgets_to_sync_is_found_out() {
    assert!(faults(Flaw::ForgetsNames, 40).1.is_some());
}

/// The process is killed, its successor finds what was never synced, and the power goes while that one recovers.
#[test]
fn a_power_cut_while_recovering_from_a_kill_loses_nothing() {
    let whole = MemoryDisk::default();
    work(&whole);
    for call in 0..=whole.calls() {
        for again in 0..12 {
            let disk = MemoryDisk::default();
            let promised = work(&disk.killed_after(call));
            let opened = Log::open(Arc::new(disk.killed_after(again)), SEGMENT).is_ok();
            for seed in 0..4 {
                if let Err(error) = verdict(&disk.after_power_cut(seed + call * 100 + again), &promised) {
                    panic!("killed at call {call}, power cut {again} calls later (opened: {opened}): {error}");
                }
            }
        }
    }
}

/// What a start has answered with may be acted upon: it must be durable by then.
#[test]
fn what_a_start_found_is_there_at_the_next_after_a_power_cut() {
    let whole = MemoryDisk::default();
    work(&whole);
    for call in 0..=whole.calls() {
        let disk = MemoryDisk::default();
        work(&disk.killed_after(call));
        let (log, found) = Log::open(Arc::new(disk.clone()), SEGMENT).unwrap();
        drop(log);
        for seed in 0..8 {
            let (_, again) = Log::open(Arc::new(disk.after_power_cut(seed)), SEGMENT).unwrap();
            assert_eq!(again.entries, found.entries, "killed at call {call}");
        }
    }
}
