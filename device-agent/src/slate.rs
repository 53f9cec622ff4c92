//! One word a device that outlives the agent: over which protocol a change may lie there.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use adapters_failover::Memory;
use adapters_port::Protocol;
use futures::future::BoxFuture;
use transaction::DeviceId;

/// The words, and what they mean.
const WORDS: [(Protocol, &str); 2] = [(Protocol::Netconf, "netconf\n"), (Protocol::Cli, "cli\n")];

/// A file that holds the word, or is not there.
pub struct Slate {
    file: PathBuf,
}

impl Slate {
    /// That of this device, below the agent's state.
    pub fn of(state: &Path, device: DeviceId) -> Self {
        let file = state.join("ways").join(device.to_string());
        Self { file }
    }
}

impl Memory for Slate {
    fn recall(&self) -> Option<Protocol> {
        let word = fs::read_to_string(&self.file).ok()?;
        let known = WORDS.iter().find(|(_, it)| *it == word);
        if known.is_none() {
            tracing::warn!(file = %self.file.display(), "names no protocol and is left alone");
        }
        known.map(|(protocol, _)| *protocol)
    }

    fn keep(&self, protocol: Option<Protocol>) -> BoxFuture<'_, io::Result<()>> {
        let file = self.file.clone();
        let write = tokio::task::spawn_blocking(move || match protocol {
            Some(protocol) => write(&file, protocol),
            None => wipe(&file),
        });
        Box::pin(async move { write.await.map_err(io::Error::other)? })
    }
}

fn write(file: &Path, protocol: Protocol) -> io::Result<()> {
    let word = WORDS
        .iter()
        .find(|(it, _)| *it == protocol)
        .map_or("", |(_, word)| word);
    let folder = file.parent().unwrap_or(file);
    fs::create_dir_all(folder)?;
    let next = file.with_extension("next");
    let mut written = File::create(&next)?;
    written.write_all(word.as_bytes())?;
    written.sync_all()?;
    fs::rename(&next, file)?;
    File::open(folder)?.sync_all()
}

fn wipe(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_word_is_there_for_the_next_agent_until_it_is_wiped() {
        let folder = tempfile::tempdir().unwrap();
        let slate = || Slate::of(folder.path(), DeviceId(7));
        assert_eq!(slate().recall(), None);
        for (protocol, _) in WORDS {
            slate().keep(Some(protocol)).await.unwrap();
            assert_eq!(slate().recall(), Some(protocol));
        }
        slate().keep(None).await.unwrap();
        slate().keep(None).await.unwrap();
        assert_eq!(slate().recall(), None);
    }
}
