//! What was believed before, so that it is not believed twice: bounded, and kept over a restart.

use crate::Reason;
use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// One believed event: a digest of its source and id, and until when it must be remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recollection {
    digest: [u8; 16],
    source: [u8; 8],
    until: u64,
}

/// The memory of one verifier.
#[derive(Debug, Clone)]
pub struct Memory {
    most: usize,
    most_of_one: usize,
    until: HashMap<[u8; 16], Recollection>,
    by_end: BTreeMap<u64, Vec<[u8; 16]>>,
    of_one: HashMap<[u8; 8], usize>,
    unwritten: Vec<Recollection>,
}

impl Memory {
    /// Remembers at most `most` events, and at most `most_of_one` of one sender, so that nobody fills it alone.
    pub fn new(most: usize, most_of_one: usize) -> Self {
        let (until, by_end, of_one) = (HashMap::new(), BTreeMap::new(), HashMap::new());
        Self {
            most,
            most_of_one,
            until,
            by_end,
            of_one,
            unwritten: Vec::new(),
        }
    }

    /// Remembers an event until a time; refuses one that it knows, and any when it is full: nothing is forgotten early.
    pub fn remember(&mut self, source: &str, id: &str, until: SystemTime, now: SystemTime) -> Result<(), Reason> {
        self.forget(seconds(now));
        let (digest, source) = (digested(&format!("{source}\n{id}")), digested(source));
        if self.until.contains_key(&digest) {
            return Err(Reason::Replayed);
        }
        if self.until.len() >= self.most || self.of_one.get(&source).is_some_and(|it| *it >= self.most_of_one) {
            return Err(Reason::Flooded);
        }
        let recollection = Recollection {
            digest,
            source,
            until: seconds(until),
        };
        self.unwritten.push(recollection.clone());
        self.take_in(recollection);
        Ok(())
    }

    /// How many events are remembered.
    pub fn len(&self) -> usize {
        self.until.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.until.is_empty()
    }

    pub(crate) fn unwritten(&mut self) -> Vec<Recollection> {
        std::mem::take(&mut self.unwritten)
    }

    fn take_in(&mut self, it: Recollection) {
        if self.until.contains_key(&it.digest) {
            return;
        }
        self.by_end.entry(it.until).or_default().push(it.digest);
        *self.of_one.entry(it.source).or_default() += 1;
        self.until.insert(it.digest, it);
    }

    fn forget(&mut self, now: u64) {
        while let Some(entry) = self.by_end.first_entry().filter(|it| *it.key() < now) {
            for digest in entry.remove() {
                let gone = self.until.remove(&digest);
                let Some(left) = gone.and_then(|it| self.of_one.get_mut(&it.source)) else {
                    continue;
                };
                *left -= 1;
            }
            self.of_one.retain(|_, left| *left > 0);
        }
    }
}

fn digested<const N: usize>(text: &str) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&digest::digest(&digest::SHA256, text.as_bytes()).as_ref()[..N]);
    bytes
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or(Duration::ZERO)
        .as_secs()
}

/// The file that carries a memory over a restart: 32 bytes an event. What is not written down before an event takes
/// effect may take effect twice, so a caller writes first.
pub struct MemoryFile {
    file: File,
}

const RECORD: usize = 32;

impl MemoryFile {
    /// Opens the file, fills a memory with what must still be remembered, and writes the file anew without the rest.
    pub fn open(path: &Path, mut memory: Memory, now: SystemTime) -> io::Result<(Self, Memory)> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(it) if it.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(it) => return Err(it),
        };
        for record in bytes.chunks_exact(RECORD) {
            let recollection = decoded(record);
            if recollection.until >= seconds(now) && memory.until.len() < memory.most {
                memory.take_in(recollection);
            }
        }
        let draft = path.with_extension("new");
        let all: Vec<u8> = memory.until.values().flat_map(encoded).collect();
        let mut file = File::create(&draft)?;
        file.write_all(&all)?;
        file.sync_all()?;
        fs::rename(&draft, path)?;
        Ok((
            Self {
                file: OpenOptions::new().append(true).open(path)?,
            },
            memory,
        ))
    }

    /// Writes down what was believed.
    pub fn write(&mut self, believed: &[Recollection]) -> io::Result<()> {
        let bytes: Vec<u8> = believed.iter().flat_map(encoded).collect();
        self.file.write_all(&bytes)
    }

    /// Makes sure that a power cut does not take what was written.
    pub fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }
}

fn encoded(it: &Recollection) -> [u8; RECORD] {
    let mut record = [0; RECORD];
    record[..16].copy_from_slice(&it.digest);
    record[16..24].copy_from_slice(&it.source);
    record[24..].copy_from_slice(&it.until.to_be_bytes());
    record
}

fn decoded(record: &[u8]) -> Recollection {
    let (mut digest, mut source, mut until) = ([0; 16], [0; 8], [0; 8]);
    digest.copy_from_slice(&record[..16]);
    source.copy_from_slice(&record[16..24]);
    until.copy_from_slice(&record[24..RECORD]);
    Recollection {
        digest,
        source,
        until: u64::from_be_bytes(until),
    }
}
