//! Whole transactions whose journal is cut at every byte: whoever comes back brings every device to one and the same end,
//! and never takes back what somebody was told to keep.

#[path = "../contract/story.rs"]
mod story;

use std::sync::Arc;

use story::{Agent, Records, STORIES, comes_back};
use transaction_journal::{Append, Epoch, Json, Log, Record};

use crate::disk::MemoryDisk;

const SEGMENT: u64 = 16_384;

/// What stood on the disk before and after one record was written, and the agents at that moment.
struct Written {
    from: usize,
    to: usize,
    agents: Vec<Agent>,
}

fn length(disk: &MemoryDisk) -> usize {
    let files = disk.files();
    let bytes = files.values().next().unwrap();
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
}

/// One transaction from its beginning to its end; what was written and when, and the file.
fn whole(takes: &[bool]) -> (Vec<Written>, String, Vec<u8>) {
    let disk = MemoryDisk::default();
    let (mut log, _) = Log::open(Arc::new(disk.clone()), SEGMENT).unwrap();
    let mut written = Vec::new();
    for (record, agents) in story::whole(takes) {
        let (from, mut payload) = (length(&disk), Vec::new());
        Json(record).encode(&mut payload).unwrap();
        let append = Append {
            epoch: Epoch(1),
            payloads: vec![payload],
        };
        log.write(&[append]).unwrap();
        let to = length(&disk);
        written.push(Written { from, to, agents });
    }
    let (name, mut bytes) = disk.files().into_iter().next().unwrap();
    bytes.truncate(length(&disk));
    (written, name, bytes)
}

/// What is on record after the cut.
fn recovered(name: &str, bytes: &[u8]) -> Vec<Records> {
    let disk = MemoryDisk::with([(name.to_owned(), bytes.to_vec())]);
    let (_, found) = Log::open(Arc::new(disk), SEGMENT).unwrap();
    let records = found
        .entries
        .iter()
        .map(|it| Json::<Records>::decode(&it.record).unwrap().0);
    records.collect()
}

#[test]
fn cut_at_every_byte_of_a_transaction_all_devices_come_to_one_end() {
    for (takes, expected) in STORIES {
        let (written, name, bytes) = whole(takes);
        for (nth, Written { from, to, agents }) in written.iter().enumerate() {
            assert!(to - from > 60, "a record of {} bytes", to - from);
            for cut in *from..=*to {
                let end = comes_back(cut, &recovered(&name, &bytes[..cut]), agents.clone());
                let whole = usize::from(cut == *to);
                assert_eq!(end, expected[nth + whole], "cut at {cut} of {from}..{to}");
            }
        }
    }
}
