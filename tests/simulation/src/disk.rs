//! A disk that separates what was written from what was synced, names of files apart, and a journal on it.
//!
//! A record is a frame of one to four sectors, and a crash keeps *any subset* of the sectors and of the names that were
//! not synced. Whoever reads goes from frame to frame and stops at the first that is not whole, as checksums tell it; what
//! lies behind that is cut off before anything new is written there.

use crate::chance::Chance;
use crate::planted::planted;
use std::collections::BTreeMap;

/// One sector of one frame: which writing it belongs to, and which part of how many it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sector {
    frame: u64,
    part: usize,
    of: usize,
}

/// A sector written and not synced; none: it is emptied.
type Write = (usize, Option<Sector>);

#[derive(Debug, Clone)]
struct Frame<R> {
    number: u64,
    record: R,
    sectors: usize,
}

#[derive(Debug, Clone)]
struct File<R> {
    /// What is on the medium.
    medium: Vec<Option<Sector>>,
    unsynced: Vec<Write>,
    /// What is read now, and how much of it stands on the medium whole.
    frames: Vec<Frame<R>>,
    durable: usize,
    /// Everything that was ever written here, by its number.
    ever: BTreeMap<u64, Frame<R>>,
}

/// A change of a name that is not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Naming {
    /// A new file got the name that nobody reads.
    Made,
    /// It got the journal's.
    Moved(usize),
}

/// A journal in one file that is sometimes rewritten.
#[derive(Debug, Clone)]
pub struct Journal<R> {
    files: Vec<File<R>>,
    /// The file that bears the name on the medium, and what was done to names since.
    named_synced: usize,
    namings: Vec<Naming>,
    written: u64,
}

impl<R> Default for File<R> {
    fn default() -> Self {
        Self {
            medium: Vec::new(),
            unsynced: Vec::new(),
            frames: Vec::new(),
            durable: 0,
            ever: BTreeMap::new(),
        }
    }
}

impl<R: Clone> Default for Journal<R> {
    fn default() -> Self {
        Self {
            files: vec![File::default()],
            named_synced: 0,
            namings: Vec::new(),
            written: 0,
        }
    }
}

impl<R: Clone> File<R> {
    fn end(&self) -> usize {
        self.frames.iter().map(|it| it.sectors).sum()
    }

    fn write(&mut self, number: u64, record: R) {
        let (at, sectors) = (self.end(), 1 + usize::try_from(number * 7 % 4).unwrap_or(0));
        let sector = |part| Sector {
            frame: number,
            part,
            of: sectors,
        };
        self.unsynced
            .extend((0..sectors).map(|part| (at + part, Some(sector(part)))));
        let frame = Frame {
            number,
            record,
            sectors,
        };
        self.ever.insert(number, frame.clone());
        self.frames.push(frame);
    }

    fn put(&mut self, (at, sector): Write) {
        if self.medium.len() <= at {
            self.medium.resize(at + 1, None);
        }
        self.medium[at] = sector;
    }

    fn sync(&mut self) {
        for write in std::mem::take(&mut self.unsynced) {
            self.put(write);
        }
        self.durable = self.frames.len();
    }

    /// The power is cut, and these of the unsynced sectors reach the medium. Then it is read again.
    fn keep(&mut self, mut kept: impl FnMut(Write) -> bool) {
        for write in std::mem::take(&mut self.unsynced) {
            if kept(write) {
                self.put(write);
            }
        }
        self.frames = self.on_medium();
        self.durable = self.frames.len();
    }

    /// What a reader finds who knows nothing but the medium: frames that are whole and count up, to the first that is not.
    fn on_medium(&self) -> Vec<Frame<R>> {
        let (mut frames, mut at, mut last) = (Vec::new(), 0, 0);
        while let Some(Some(first)) = self.medium.get(at)
            && first.frame > last
            && self.is_whole(at, *first)
            && let Some(frame) = self.ever.get(&first.frame)
        {
            (at, last) = (at + first.of, first.frame);
            frames.push(frame.clone());
        }
        frames
    }

    fn is_whole(&self, at: usize, first: Sector) -> bool {
        (0..first.of).all(|part| self.medium.get(at + part) == Some(&Some(Sector { part, ..first })))
    }

    /// Empties what lies behind the last whole frame: else a new frame that ends where an old one begins would bring it
    /// back.
    fn cut_off(&mut self) {
        let end = self.end();
        self.unsynced.extend((end..self.medium.len()).map(|at| (at, None)));
    }
}

impl<R: Clone> Journal<R> {
    fn named(&self) -> usize {
        let moved = self.namings.iter().rev().find_map(|it| match it {
            Naming::Moved(file) => Some(*file),
            Naming::Made => None,
        });
        moved.unwrap_or(self.named_synced)
    }

    fn file(&mut self) -> &mut File<R> {
        let named = self.named();
        &mut self.files[named]
    }

    /// Writes; durable only after a sync.
    pub fn append(&mut self, record: R) {
        self.written += 1;
        let number = self.written;
        self.file().write(number, record);
    }

    /// Makes durable what was written.
    pub fn sync(&mut self) {
        if !planted("no-sync") {
            self.file().sync();
        }
    }

    /// First step of a compaction: writes a new file. Returns it.
    pub fn rewrite(&mut self, records: Vec<R>) -> usize {
        let mut file = File::default();
        for record in records {
            self.written += 1;
            file.write(self.written, record);
        }
        self.files.push(file);
        self.namings.push(Naming::Made);
        self.files.len() - 1
    }

    /// Second step: syncs it.
    pub fn sync_rewritten(&mut self, file: usize) {
        if !planted("no-sync") {
            self.files[file].sync();
        }
    }

    /// Third step: gives it the name.
    pub fn rename(&mut self, file: usize) {
        self.namings.push(Naming::Moved(file));
    }

    /// Last step: makes the name durable.
    pub fn sync_directory(&mut self) {
        if !planted("rename-without-sync") {
            self.named_synced = self.named();
            self.namings.clear();
        }
    }

    /// Opens it after a death: what is read now must not be lost by a later crash, and what lay behind it must not come
    /// back.
    pub fn open(&mut self) {
        self.file().cut_off();
        self.sync();
        self.sync_directory();
    }

    /// What can be read now.
    pub fn records(&self) -> Vec<R> {
        self.read().cloned().collect()
    }

    /// The same, to look at.
    pub fn read(&self) -> impl Iterator<Item = &R> {
        self.files[self.named()].frames.iter().map(|it| &it.record)
    }

    /// Whether a record that holds is read after every crash that could happen now: whichever file comes to bear the
    /// name, and if nothing of what is not synced is kept.
    pub fn is_durable(&self, holds: impl Fn(&R) -> bool) -> bool {
        let kept = |at: usize| {
            let file = &self.files[at];
            file.frames[..file.durable].iter().any(|it| holds(&it.record))
        };
        let moved = self.namings.iter().all(|it| match it {
            Naming::Moved(file) => kept(*file),
            Naming::Made => true,
        });
        moved && kept(self.named_synced)
    }

    /// One change of a name at least is lost, and of the others any: whichever was moved last and is kept bears the name.
    fn lose_names(&mut self, dice: &mut Chance) {
        let surely = dice.below(
            self.namings
                .iter()
                .filter(|it| matches!(it, Naming::Moved(_)))
                .count()
                .max(1) as u64,
        );
        let mut moved = 0;
        self.namings.retain(|it| match it {
            Naming::Made => dice.permille(500),
            Naming::Moved(_) => {
                moved += 1;
                moved - 1 != surely && dice.permille(500)
            }
        });
    }

    /// The power is cut: of what is not synced any subset is kept, of sectors and of names.
    pub fn cut(&mut self, chance: &mut Chance) {
        // Drawn apart, so that a world whose disk is cut elsewhere goes on as it did.
        let mut dice = Chance::new(chance.clone().any() ^ self.written);
        if self.named() != self.named_synced && chance.permille(500) {
            self.lose_names(&mut dice);
        }
        let named = self.named();
        (self.named_synced, self.namings) = (named, Vec::new());
        for at in 0..self.files.len() {
            if at == named {
                self.files[at].keep_some(chance, &mut dice);
            } else {
                self.files[at].keep(|_| dice.permille(500));
            }
        }
    }
}

impl<R: Clone> File<R> {
    /// So many frames are kept whole; the next one is not, and of it and of all behind it any sectors are.
    fn keep_some(&mut self, chance: &mut Chance, dice: &mut Chance) {
        let fresh = &self.frames[self.durable.min(self.frames.len())..];
        let whole = fresh.iter().take_while(|_| chance.permille(500)).count();
        let kept: Vec<u64> = fresh.iter().take(whole).map(|it| it.number).collect();
        let torn = fresh.get(whole).map(|it| (it.number, dice.below(it.sectors as u64)));
        self.keep(|(_, sector)| match (sector, torn) {
            (Some(it), _) if kept.contains(&it.frame) => true,
            (Some(it), Some((frame, lost))) if it.frame == frame => it.part as u64 != lost && dice.permille(500),
            (Some(_) | None, _) => dice.permille(500),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_keeps_what_was_synced() {
        for seed in 0..64 {
            let mut journal = Journal::default();
            journal.append(1);
            journal.sync();
            journal.append(2);
            assert!(!journal.is_durable(|it| *it == 2));
            journal.cut(&mut Chance::new(seed));
            assert_eq!(journal.records()[0], 1);
        }
    }

    #[test]
    fn a_name_is_durable_only_with_its_directory() {
        let mut journal = Journal::default();
        let file = journal.rewrite(vec![1]);
        journal.sync_rewritten(file);
        journal.rename(file);
        assert!(
            !journal.is_durable(|it| *it == 1),
            "the old file bears the name if the directory is lost"
        );
        journal.sync_directory();
        assert!(journal.is_durable(|it| *it == 1));
    }

    /// Several names that were never synced: any of the files may bear the name after a cut, and the last one need not.
    #[test]
    fn of_several_renames_any_subset_is_kept() {
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..200 {
            let mut journal = Journal::default();
            journal.append(0);
            journal.sync();
            for number in 1..4 {
                let file = journal.rewrite(vec![number]);
                journal.sync_rewritten(file);
                journal.rename(file);
            }
            journal.cut(&mut Chance::new(seed));
            seen.extend(journal.records());
        }
        assert_eq!(seen, (0..4).collect());
    }

    /// Any subset: later frames survive on the medium where an earlier one did not, and are never read.
    #[test]
    fn a_hole_ends_what_is_read_and_what_lies_behind_it_never_comes_back() {
        let mut holes = 0;
        for seed in 0..300 {
            let mut journal = Journal::default();
            (0..6).for_each(|it| journal.append(it));
            journal.cut(&mut Chance::new(seed));
            let read = journal.records();
            assert!(read.iter().copied().eq(0..read.len()), "a prefix: {read:?}");
            let end = journal.files[0].end();
            holes += usize::from(journal.files[0].medium.iter().skip(end).flatten().count() > 0);
            journal.open();
            (10..16).for_each(|it| journal.append(it));
            journal.sync();
            journal.cut(&mut Chance::new(seed));
            let expected: Vec<usize> = read.iter().copied().chain(10..16).collect();
            assert_eq!(journal.records(), expected);
        }
        assert!(holes > 100, "only {holes} cuts left something behind a hole");
    }
}
