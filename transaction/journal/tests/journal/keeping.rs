//! The file journal keeps to what every journal keeps to.

#[path = "../contract/mod.rs"]
mod contract;

use std::path::{Path, PathBuf};

use contract::{Any, Place};
use transaction_journal::{Epoch, FileJournal, Journal, Options, Recovered};

/// A directory.
struct Folder(PathBuf);

impl Place for Folder {
    const SHARED: bool = false;

    fn at(folder: &Path) -> Self {
        Self(folder.join("journal"))
    }

    async fn lead(&self) -> (Any, Recovered<Vec<u8>>) {
        let (journal, found) = FileJournal::open(&self.0, Options::default()).unwrap();
        let epoch = Epoch(found.epoch.0 + 1);
        journal.append(epoch, Vec::new()).await.unwrap();
        (Box::new(journal), Recovered { epoch, ..found })
    }
}

contract::tests!(Folder);
