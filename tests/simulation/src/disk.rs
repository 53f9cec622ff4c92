//! A disk that separates what was written from what was synced, names of files included, and a journal on it.

use crate::chance::Chance;
use crate::planted::planted;

#[derive(Debug, Clone)]
struct File<R> {
    synced: Vec<R>,
    unsynced: Vec<R>,
}

/// A journal in one file that is sometimes rewritten. Of a crash it may find any subset of what was not synced, but
/// its checksums let it read only up to the first record that is missing.
#[derive(Debug, Clone)]
pub struct Journal<R> {
    files: Vec<File<R>>,
    /// The file that bears the name now, and the one that bears it if the directory is lost.
    named: usize,
    named_synced: usize,
}

impl<R: Clone> Default for Journal<R> {
    fn default() -> Self {
        Self {
            files: vec![File {
                synced: Vec::new(),
                unsynced: Vec::new(),
            }],
            named: 0,
            named_synced: 0,
        }
    }
}

impl<R: Clone> Journal<R> {
    /// Writes; durable only after a sync.
    pub fn append(&mut self, record: R) {
        self.files[self.named].unsynced.push(record);
    }

    /// Makes durable what was written.
    pub fn sync(&mut self) {
        if !planted("no-sync") {
            self.sync_file(self.named);
        }
    }

    fn sync_file(&mut self, at: usize) {
        let file = &mut self.files[at];
        file.synced.append(&mut file.unsynced);
    }

    /// First step of a compaction: writes a new file. Returns it.
    pub fn rewrite(&mut self, records: Vec<R>) -> usize {
        self.files.push(File {
            synced: Vec::new(),
            unsynced: records,
        });
        self.files.len() - 1
    }

    /// Second step: syncs it.
    pub fn sync_rewritten(&mut self, file: usize) {
        if !planted("no-sync") {
            self.sync_file(file);
        }
    }

    /// Third step: gives it the name.
    pub fn rename(&mut self, file: usize) {
        self.named = file;
    }

    /// Last step: makes the name durable.
    pub fn sync_directory(&mut self) {
        if !planted("rename-without-sync") {
            self.named_synced = self.named;
        }
    }

    /// Opens it after a death: what is read now must not be lost by a later crash.
    pub fn open(&mut self) {
        self.sync();
        self.sync_directory();
    }

    /// What can be read now.
    pub fn records(&self) -> Vec<R> {
        let file = &self.files[self.named];
        file.synced.iter().chain(&file.unsynced).cloned().collect()
    }

    /// Whether a record that holds is read after every crash that could happen now.
    pub fn is_durable(&self, holds: impl Fn(&R) -> bool) -> bool {
        let kept = |at: usize| self.files[at].synced.iter().any(&holds);
        kept(self.named) && kept(self.named_synced)
    }

    /// The power is cut: as many of the unsynced are kept as can be read, since the first that is missing ends the reading.
    pub fn cut(&mut self, chance: &mut Chance) {
        if self.named != self.named_synced && chance.permille(500) {
            self.named = self.named_synced;
        }
        self.named_synced = self.named;
        let file = &mut self.files[self.named];
        let unsynced = std::mem::take(&mut file.unsynced);
        let kept = unsynced.into_iter().take_while(|_| chance.permille(500));
        file.synced.extend(kept);
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
}
