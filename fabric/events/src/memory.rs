//! What was believed before, so that it is not believed twice: bounded, and kept over a restart.

use crate::Reason;
use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
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
    /// What need not be remembered any more, the oldest first. It is, as long as there is room: who signs anew what he
    /// has sent before, because nobody told him that it came, is not believed twice.
    aged: VecDeque<Recollection>,
    old: HashSet<[u8; 16]>,
    unwritten: Vec<Recollection>,
}

impl Memory {
    /// Remembers at most `most` events, and at most `most_of_one` of one sender, so that nobody fills it alone; beside
    /// them a quarter as many that need not be remembered.
    pub fn new(most: usize, most_of_one: usize) -> Self {
        Self {
            most,
            most_of_one,
            until: HashMap::new(),
            by_end: BTreeMap::new(),
            of_one: HashMap::new(),
            aged: VecDeque::new(),
            old: HashSet::new(),
            unwritten: Vec::new(),
        }
    }

    /// Remembers an event until a time at least; refuses one that it knows, and any when it is full: nothing is
    /// forgotten early. No sender has more room than is left for all others, so that a few cannot fill it either.
    pub fn remember(&mut self, source: &str, id: &str, until: SystemTime, now: SystemTime) -> Result<(), Reason> {
        self.forget(seconds(now));
        let (digest, source) = (digested(&format!("{source}\n{id}")), digested(source));
        if self.until.contains_key(&digest) || self.old.contains(&digest) {
            return Err(Reason::Replayed);
        }
        let room = self.most_of_one.min(self.most - self.until.len().min(self.most));
        if self.of_one.get(&source).copied().unwrap_or_default() >= room {
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

    fn unwritten(&mut self) -> Vec<Recollection> {
        std::mem::take(&mut self.unwritten)
    }

    /// As if these had never been believed: they could not be written down, and come again.
    fn take_back(&mut self, believed: &[Recollection]) {
        for it in believed {
            if self.until.remove(&it.digest).is_some() {
                self.one_less(it.source);
            }
        }
    }

    fn one_less(&mut self, source: [u8; 8]) {
        if let Entry::Occupied(mut count) = self.of_one.entry(source) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
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
                if let Some(gone) = self.until.remove(&digest) {
                    self.one_less(gone.source);
                    self.age(gone);
                }
            }
        }
    }

    fn age(&mut self, it: Recollection) {
        if self.old.insert(it.digest) {
            self.aged.push_back(it);
        }
        while self.aged.len() > self.most / 4 {
            if let Some(gone) = self.aged.pop_front() {
                self.old.remove(&gone.digest);
            }
        }
    }

    /// All that it would know after a restart.
    fn all(&self) -> impl Iterator<Item = &Recollection> {
        self.aged.iter().chain(self.until.values())
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
    path: PathBuf,
    file: File,
    /// How many bytes of it are good.
    length: u64,
}

const RECORD: usize = 32;
/// How many times what is remembered the file may hold before it is written anew, and what it may hold at least.
const TIMES: u64 = 4;
const AT_LEAST: u64 = 1 << 20;

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
            if recollection.until < seconds(now) {
                memory.age(recollection);
            } else if memory.until.len() < memory.most {
                memory.take_in(recollection);
            }
        }
        let (file, length) = rewritten(path, &memory)?;
        let path = path.to_owned();
        Ok((Self { path, file, length }, memory))
    }

    /// Writes down what was believed. What cannot be written the memory forgets.
    pub fn keep(&mut self, memory: &mut Memory) -> io::Result<()> {
        let believed = memory.unwritten();
        if believed.is_empty() {
            return Ok(());
        }
        let written = self.write(&believed, memory);
        if written.is_err() {
            memory.take_back(&believed);
        }
        written
    }

    fn write(&mut self, believed: &[Recollection], memory: &Memory) -> io::Result<()> {
        let remembered = (memory.all().size_hint().0 * RECORD) as u64;
        if self.length > AT_LEAST.max(remembered * TIMES) {
            (self.file, self.length) = rewritten(&self.path, memory)?;
            return Ok(());
        }
        let bytes: Vec<u8> = believed.iter().flat_map(encoded).collect();
        let written = self.file.write_all(&bytes);
        match written {
            Ok(()) => self.length += bytes.len() as u64,
            Err(_) => self.file.set_len(self.length)?, // half a record would spoil all that come after it
        }
        written
    }

    /// Makes sure that a power cut does not take what was written.
    pub fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// The file with what a memory knows and nothing else, and its length.
fn rewritten(path: &Path, memory: &Memory) -> io::Result<(File, u64)> {
    let draft = path.with_extension("new");
    let all: Vec<u8> = memory.all().flat_map(encoded).collect();
    let mut file = File::create(&draft)?;
    file.write_all(&all)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    let file = OpenOptions::new().append(true).open(path)?;
    Ok((file, all.len() as u64))
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
