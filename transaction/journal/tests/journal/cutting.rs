//! A journal that was cut or damaged: what comes back is a prefix of what went in, or a refusal.

use std::sync::Arc;

use transaction_journal::{Append, Entry, Epoch, Log, OpenError, Recovered};

use crate::disk::{Dice, MemoryDisk};

const SEGMENT: u64 = 8192;
/// The bytes of a file's header, which has its name only after it is whole and synced.
const HEADER: usize = 40;

fn payload(number: u64) -> Vec<u8> {
    let filler = (0..(number * 7) % 90).map(|at| (at ^ number) as u8);
    number.to_le_bytes().into_iter().chain(filler).collect()
}

fn append(numbers: std::ops::Range<u64>, epoch: u64) -> Append {
    Append {
        epoch: Epoch(epoch),
        payloads: numbers.map(payload).collect(),
    }
}

/// Twelve records in five batches under two epochs.
fn written() -> (String, Vec<u8>) {
    let disk = MemoryDisk::default();
    let (mut log, _) = Log::open(Arc::new(disk.clone()), SEGMENT).unwrap();
    for (numbers, epoch) in [(0..1, 1), (1..4, 1), (4..4, 2), (4..9, 2), (9..12, 2)] {
        for answer in log.write(&[append(numbers, epoch)]).unwrap() {
            answer.unwrap();
        }
    }
    let (name, mut bytes) = disk.files().into_iter().next().unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    bytes.truncate(end);
    (name, bytes)
}

type Opened = Result<(Log, Recovered<Vec<u8>>), OpenError>;

fn open(name: &str, bytes: Vec<u8>) -> (MemoryDisk, Opened) {
    let disk = MemoryDisk::with([(name.to_owned(), bytes)]);
    let result = Log::open(Arc::new(disk.clone()), SEGMENT);
    (disk, result)
}

fn is_prefix(entries: &[Entry<Vec<u8>>]) -> bool {
    entries
        .iter()
        .zip(0..)
        .all(|(entry, number)| entry.position.0 == number + 1 && entry.record == payload(number))
}

#[test]
fn cut_at_every_byte_it_opens_with_a_prefix_and_goes_on() {
    let (name, bytes) = written();
    let mut seen = std::collections::BTreeSet::new();
    for (cut, zeros) in (0..=bytes.len()).flat_map(|cut| [(cut, 0), (cut, 5000)]) {
        let mut cut_bytes = bytes[..cut].to_vec();
        cut_bytes.resize(cut + zeros, 0);
        let (disk, result) = open(&name, cut_bytes);
        if cut < HEADER {
            assert!(matches!(result, Err(OpenError::Damaged { .. })), "cut at {cut}");
            continue;
        }
        let (mut log, recovered) = result.unwrap_or_else(|error| panic!("cut at {cut}: {error}"));
        assert!(is_prefix(&recovered.entries), "cut at {cut}: not a prefix");
        seen.insert(recovered.entries.len());
        let count = recovered.entries.len() as u64;
        log.write(&[append(count..count + 2, 3)]).unwrap();
        drop(log);
        let (_, again) = Log::open(Arc::new(disk), SEGMENT).unwrap();
        assert!(
            is_prefix(&again.entries) && again.entries.len() as u64 == count + 2,
            "cut at {cut}: does not go on"
        );
        assert_eq!(again.torn, None, "cut at {cut}: the torn end came back");
    }
    assert_eq!(seen.len(), 13, "every number of whole records was met: {seen:?}");
}

#[test]
fn every_flipped_bit_below_the_last_sync_is_refused_and_above_it_is_told() {
    let (name, bytes) = written();
    let vouched = last_batch_start(&name, &bytes); // the last batch says that all before it is synced
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << bit;
            match open(&name, damaged).1 {
                Ok((_, recovered)) => {
                    assert!(at >= vouched, "byte {at}, bit {bit}: damage to synced records passed");
                    assert!(
                        is_prefix(&recovered.entries) && recovered.entries.len() < 12,
                        "byte {at}, bit {bit}"
                    );
                    assert!(recovered.torn.is_some(), "byte {at}, bit {bit}: not told");
                }
                Err(error) => assert!(
                    matches!(error, OpenError::Damaged { .. } | OpenError::Newer { .. }),
                    "byte {at}, bit {bit}: {error}"
                ),
            }
        }
    }
}

/// Where the last batch starts: cut there, nine whole records are left.
fn last_batch_start(name: &str, bytes: &[u8]) -> usize {
    (HEADER..bytes.len())
        .filter(|cut| {
            open(name, bytes[..*cut].to_vec())
                .1
                .is_ok_and(|(_, it)| it.torn.is_none() && it.entries.len() == 9)
        })
        .max()
        .unwrap()
}

#[test]
fn frames_that_were_doubled_dropped_or_moved_never_pass() {
    let (name, bytes) = written();
    let ends: Vec<usize> = (HEADER..=bytes.len())
        .filter(|cut| {
            open(&name, bytes[..*cut].to_vec())
                .1
                .is_ok_and(|(_, it)| it.torn.is_none())
        })
        .collect();
    let frames: Vec<&[u8]> = ends.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
    assert_eq!(frames.len(), 13, "twelve records and a fence");
    let mut dice = Dice(7);
    for round in 0..500 {
        let mut order: Vec<usize> = (0..frames.len()).collect();
        let (one, two) = (dice.below(13) as usize, dice.below(13) as usize);
        match round % 3 {
            0 => order.swap(one, two),
            1 => order.insert(one, two),
            _ => drop(order.remove(one)),
        }
        let shuffled = order.iter().flat_map(|at| frames[*at]).copied();
        let (_, result) = open(&name, bytes[..HEADER].iter().copied().chain(shuffled).collect());
        if let Ok((_, recovered)) = result {
            assert!(is_prefix(&recovered.entries), "round {round}: {order:?}");
        }
    }
}

#[test]
fn a_sealed_journal_notices_damage_to_its_very_last_record() {
    let disk = MemoryDisk::default();
    let (mut log, _) = Log::open(Arc::new(disk.clone()), SEGMENT).unwrap();
    log.write(&[append(0..3, 1)]).unwrap();
    let length = |disk: &MemoryDisk| {
        disk.files()
            .values()
            .next()
            .unwrap()
            .iter()
            .rposition(|it| *it != 0)
            .unwrap()
    };
    let end = length(&disk);
    log.seal().unwrap();
    let (name, mut bytes) = disk.files().into_iter().next().unwrap();
    bytes[end] ^= 1;
    assert!(matches!(open(&name, bytes).1, Err(OpenError::Damaged { .. })));
}
