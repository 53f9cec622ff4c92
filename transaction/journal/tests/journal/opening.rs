//! What is refused at the door: newer formats, a directory in use, a missing file, a record of another kind.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use transaction_journal::{Append, Directory, Epoch, FileJournal, Journal, Json, Log, OpenError, Options};

use crate::disk::MemoryDisk;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
enum Decision {
    Confirm { transaction: u64 },
}

fn fill(disk: &MemoryDisk, rounds: u64) -> Log {
    let (mut log, _) = Log::open(Arc::new(disk.clone()), 200).unwrap();
    for round in 0..rounds {
        log.write(&[Append {
            epoch: Epoch(1),
            payloads: vec![vec![round as u8; 60]],
        }])
        .unwrap();
    }
    log
}

#[test]
fn a_newer_format_is_refused_and_no_byte_is_changed() {
    let disk = MemoryDisk::default();
    drop(fill(&disk, 9));
    let mut files = disk.files();
    assert!(files.len() > 2, "{:?}", files.keys());
    let (newest, bytes) = files.iter_mut().next_back().unwrap();
    bytes[8] += 1;
    let newest = newest.clone();
    files.insert("00000000000000000077.log.tmp".to_owned(), vec![1, 2, 3]);
    let disk = MemoryDisk::with(files.clone());
    match Log::open(Arc::new(disk.clone()), 200) {
        Err(OpenError::Newer { file, version }) => assert_eq!((file, version), (newest, 2)),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("opened"),
    }
    assert_eq!(disk.files(), files);
}

#[test]
fn a_missing_file_is_named_and_no_byte_is_changed() {
    let disk = MemoryDisk::default();
    drop(fill(&disk, 9));
    let mut files = disk.files();
    let gone = files.keys().nth(1).unwrap().clone();
    files.remove(&gone);
    let disk = MemoryDisk::with(files.clone());
    assert!(matches!(
        Log::open(Arc::new(disk.clone()), 200),
        Err(OpenError::Missing { .. })
    ));
    assert_eq!(disk.files(), files);
}

#[test]
fn a_directory_has_one_holder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let first = FileJournal::<Vec<u8>>::open(&path, Options::default()).unwrap();
    assert!(matches!(
        FileJournal::<Vec<u8>>::open(&path, Options::default()),
        Err(OpenError::Locked { .. })
    ));
    drop(first);
    FileJournal::<Vec<u8>>::open(&path, Options::default()).unwrap();
}

#[test]
fn only_its_owner_reads_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    drop(Log::open(Arc::new(Directory::open(&path).unwrap().unwrap()), 1000).unwrap());
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    for file in std::fs::read_dir(&path).unwrap() {
        assert_eq!(file.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn typed_records_come_back_with_position_and_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, empty) = FileJournal::open(folder.path(), Options::default()).unwrap();
    assert!(empty.entries.is_empty());
    let decision = |transaction| Json(Decision::Confirm { transaction });
    journal.append(Epoch(4), vec![decision(1), decision(2)]).await.unwrap();
    drop(journal);
    let (_journal, found) = FileJournal::<Json<Decision>>::open(folder.path(), Options::default()).unwrap();
    let found: Vec<_> = found
        .entries
        .into_iter()
        .map(|it| (it.position.0, it.epoch.0, it.record))
        .collect();
    assert_eq!(found, [(1, 4, decision(1)), (2, 4, decision(2))]);
}

#[tokio::test]
async fn a_record_of_another_kind_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = FileJournal::open(folder.path(), Options::default()).unwrap();
    journal
        .append(Epoch(0), vec![br#"{"Future":{}}"#.to_vec()])
        .await
        .unwrap();
    drop(journal);
    let error = FileJournal::<Json<Decision>>::open(folder.path(), Options::default())
        .err()
        .unwrap();
    assert_eq!(error.to_string(), "journal record 1 cannot be read");
}
