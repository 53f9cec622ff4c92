//! A receiver's ear: verifies, writes down what it believes before anybody acts on it, and passes on what is wanted.

use crate::{Counts, Event, Filter, Memory, MemoryFile, Reason, Terms, Verifier};
use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::time::SystemTime;

/// Why an event was not heard.
#[derive(Debug, thiserror::Error)]
pub enum Unheard {
    /// It is not believed.
    #[error("refused an event: {0}")]
    Refused(Reason),
    /// It is none that this receiver wants.
    #[error("passed over an event")]
    Unwanted,
    /// It cannot be remembered, so it must not take effect. When it comes again it is new.
    #[error("remember an event")]
    Disk(#[from] io::Error),
}

/// One receiver's ear.
pub struct Hearing {
    verifier: Verifier,
    file: MemoryFile,
    filter: Filter,
}

impl Hearing {
    /// Opens an ear that believes what `authority` vouches for and remembers in a file.
    pub fn open(
        authority: Vec<u8>,
        filter: Filter,
        memory: (&Path, Memory),
        terms: Terms,
        now: SystemTime,
    ) -> io::Result<Self> {
        let (file, memory) = MemoryFile::open(memory.0, memory.1, now)?;
        Ok(Self {
            verifier: Verifier::new(authority, terms, memory),
            file,
            filter,
        })
    }

    /// What an event says, if it is believed, new and wanted.
    pub fn hear(&mut self, bytes: &[u8], revoked: &BTreeSet<String>, now: SystemTime) -> Result<Event, Unheard> {
        let one = self.hear_all(&[bytes], revoked, now).pop();
        one.unwrap_or(Err(Unheard::Unwanted)) // for each there is a verdict
    }

    /// The same for many, in their order. What is believed of them is written down at once.
    pub fn hear_all(
        &mut self,
        all: &[&[u8]],
        revoked: &BTreeSet<String>,
        now: SystemTime,
    ) -> Vec<Result<Event, Unheard>> {
        let verdicts = self.verifier.verify_all(all, revoked, now);
        let written = self.file.keep(self.verifier.memory());
        let verdict = |it: Result<Event, Reason>| {
            let event = it.map_err(Unheard::Refused)?;
            if let Err(error) = &written {
                return Err(Unheard::Disk(io::Error::new(error.kind(), error.to_string())));
            }
            if self.filter.wants(&event) {
                Ok(event)
            } else {
                Err(Unheard::Unwanted)
            }
        };
        verdicts.into_iter().map(verdict).collect()
    }

    /// How many events were believed and how many not.
    pub fn counts(&self) -> &Counts {
        self.verifier.counts()
    }
}
