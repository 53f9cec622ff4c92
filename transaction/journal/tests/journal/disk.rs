//! A disk in memory that tells synced from unsynced, bytes and names alike, and whose power can be cut at any call.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use transaction_journal::{Disk, DiskFile};

/// Bytes that a crash keeps or loses together.
const SECTOR: usize = 64;

#[derive(Clone)]
enum Change {
    Write(u64, Vec<u8>),
    Resize(u64),
}

#[derive(Clone)]
enum Naming {
    Put(String, usize),
    Move(String, String, usize),
    Remove(String),
}

#[derive(Default, Clone)]
struct Inode {
    synced: Vec<u8>,
    unsynced: Vec<Change>,
}

#[derive(Default)]
struct State {
    inodes: Vec<Inode>,
    names: BTreeMap<String, usize>,
    unsynced: Vec<Naming>,
    calls: u64,
    syncs: u64,
}

/// What a disk does wrong on purpose.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    #[default]
    None,
    /// This sync fails, the process lives on.
    SyncFails(u64),
    /// Syncing a file does nothing.
    ForgetsSync,
    /// Syncing names does nothing.
    ForgetsNames,
}

/// The disk; clones are the same one.
#[derive(Clone, Default)]
pub struct MemoryDisk {
    state: Arc<Mutex<State>>,
    flaw: Flaw,
    cut: Option<u64>,
}

impl MemoryDisk {
    pub fn with(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Self {
        let disk = Self::default();
        {
            let mut state = disk.state.lock().unwrap();
            for (name, synced) in files {
                let inode = state.inodes.len();
                state.inodes.push(Inode {
                    synced,
                    unsynced: Vec::new(),
                });
                state.names.insert(name, inode);
            }
        }
        disk
    }

    pub fn flawed(mut self, flaw: Flaw) -> Self {
        self.flaw = flaw;
        self
    }

    /// The same disk for a process that is killed after so many calls of its own.
    pub fn killed_after(&self, calls: u64) -> Self {
        Self {
            cut: Some(self.calls() + calls),
            ..self.clone()
        }
    }

    pub fn calls(&self) -> u64 {
        self.state.lock().unwrap().calls
    }

    pub fn syncs(&self) -> u64 {
        self.state.lock().unwrap().syncs
    }

    /// All files as a running process sees them.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let state = self.state.lock().unwrap();
        state
            .seen()
            .into_iter()
            .map(|(name, inode)| (name, state.inodes[inode].seen()))
            .collect()
    }

    /// What the next machine finds after this one lost power: any subset of what was not synced.
    pub fn after_power_cut(&self, seed: u64) -> Self {
        let state = self.state.lock().unwrap();
        let mut dice = Dice(seed);
        // at times all or nothing is kept: extremes that a fair coin seldom shows
        let odds = [0, 100, 50, 80][dice.below(4) as usize];
        let mut names = state.names.clone();
        for naming in &state.unsynced {
            if dice.below(100) < odds {
                apply(&mut names, naming);
            }
        }
        let contents: Vec<Vec<u8>> = state
            .inodes
            .iter()
            .map(|inode| inode.survive(&mut dice, odds))
            .collect();
        Self::with(names.into_iter().map(|(name, inode)| (name, contents[inode].clone())))
    }

    fn call(&self) -> io::Result<std::sync::MutexGuard<'_, State>> {
        let mut state = self.state.lock().unwrap();
        state.calls += 1;
        let off = self.cut.is_some_and(|call| state.calls > call);
        if off {
            Err(io::Error::other("this process was killed"))
        } else {
            Ok(state)
        }
    }
}

impl State {
    fn seen(&self) -> BTreeMap<String, usize> {
        let mut names = self.names.clone();
        self.unsynced.iter().for_each(|naming| apply(&mut names, naming));
        names
    }

    fn inode(&self, name: &str) -> io::Result<usize> {
        self.seen()
            .get(name)
            .copied()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

fn apply(names: &mut BTreeMap<String, usize>, naming: &Naming) {
    match naming {
        Naming::Put(name, inode) => {
            names.insert(name.clone(), *inode);
        }
        Naming::Move(from, to, inode) => {
            names.remove(from);
            names.insert(to.clone(), *inode);
        }
        Naming::Remove(name) => {
            names.remove(name);
        }
    }
}

impl Inode {
    fn seen(&self) -> Vec<u8> {
        let mut bytes = self.synced.clone();
        for change in &self.unsynced {
            match change {
                Change::Write(offset, written) => put(&mut bytes, *offset, written),
                Change::Resize(length) => bytes.resize(*length as usize, 0),
            }
        }
        bytes
    }

    fn survive(&self, dice: &mut Dice, odds: u64) -> Vec<u8> {
        let mut bytes = self.synced.clone();
        for change in &self.unsynced {
            match change {
                Change::Resize(length) if dice.below(100) < odds => bytes.resize(*length as usize, 0),
                Change::Resize(_) => {}
                Change::Write(offset, written) => {
                    for (at, sector) in written.chunks(SECTOR).enumerate() {
                        if dice.below(100) < odds {
                            put(&mut bytes, offset + (at * SECTOR) as u64, sector);
                        }
                    }
                }
            }
        }
        bytes
    }
}

fn put(bytes: &mut Vec<u8>, offset: u64, written: &[u8]) {
    let offset = offset as usize;
    if bytes.len() < offset + written.len() {
        bytes.resize(offset + written.len(), 0);
    }
    bytes[offset..offset + written.len()].copy_from_slice(written);
}

impl Disk for MemoryDisk {
    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.call()?.seen().into_keys().collect())
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let state = self.call()?;
        Ok(state.inodes[state.inode(name)?].seen())
    }

    fn open(&self, name: &str, fresh: bool) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.call()?;
        let inode = if fresh {
            let inode = state.inodes.len();
            state.inodes.push(Inode::default());
            state.unsynced.push(Naming::Put(name.to_owned(), inode));
            inode
        } else {
            state.inode(name)?
        };
        drop(state);
        Ok(Box::new(MemoryFile {
            disk: self.clone(),
            inode,
        }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.call()?;
        let inode = state.inode(from)?;
        state.unsynced.push(Naming::Move(from.to_owned(), to.to_owned(), inode));
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.call()?;
        state.inode(name)?;
        state.unsynced.push(Naming::Remove(name.to_owned()));
        Ok(())
    }

    fn sync_names(&self) -> io::Result<()> {
        let mut state = self.call()?;
        if self.flaw != Flaw::ForgetsNames {
            state.names = state.seen();
            state.unsynced.clear();
        }
        Ok(())
    }
}

struct MemoryFile {
    disk: MemoryDisk,
    inode: usize,
}

impl DiskFile for MemoryFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.disk.call()?.inodes[self.inode]
            .unsynced
            .push(Change::Write(offset, bytes.to_vec()));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.call()?;
        state.syncs += 1;
        if self.disk.flaw == Flaw::SyncFails(state.syncs) {
            return Err(io::Error::other("the medium failed"));
        }
        if self.disk.flaw != Flaw::ForgetsSync {
            let inode = &mut state.inodes[self.inode];
            inode.synced = inode.seen();
            inode.unsynced.clear();
        }
        Ok(())
    }

    fn resize(&self, length: u64) -> io::Result<()> {
        self.disk.call()?.inodes[self.inode]
            .unsynced
            .push(Change::Resize(length));
        Ok(())
    }
}

/// Seeded chance (splitmix64).
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        value ^ (value >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.roll() % bound
    }
}
