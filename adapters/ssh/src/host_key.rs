//! Is the device the one that it was? Host keys on record, in the file format that everybody uses.

use russh::keys::{Algorithm, PublicKey, known_hosts};
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// What is done with a device that is seen for the first time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FirstUse {
    /// Its key is put on record.
    #[default]
    Record,
    /// It is refused until somebody puts its key on record.
    Refuse,
}

/// Why a host key is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum HostKeyError {
    /// Another key is on record.
    #[error("{host} shows {shown}, and another key is on record in {}", file.display())]
    Changed {
        /// The device.
        host: String,
        /// The fingerprint that it shows.
        shown: String,
        /// Where the record is.
        file: PathBuf,
    },
    /// None is on record, and first use is refused.
    #[error("{host} shows {shown}, and no key is on record in {}", file.display())]
    Unknown {
        /// The device.
        host: String,
        /// The fingerprint that it shows.
        shown: String,
        /// Where the record would be.
        file: PathBuf,
    },
    /// The record cannot be read or written.
    #[error("host keys in {} cannot be read or recorded", file.display())]
    File {
        /// Which file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The host keys on record, in one `known_hosts` file, read once.
#[derive(Debug)]
pub struct HostKeys {
    file: PathBuf,
    first_use: FirstUse,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    by_host: HashMap<String, Vec<PublicKey>>,
    hashed: bool,
}

impl HostKeys {
    /// Reads the record; a file that does not exist is an empty one.
    pub fn open(file: impl Into<PathBuf>, first_use: FirstUse) -> Result<Self, HostKeyError> {
        let file = file.into();
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(HostKeyError::File { file, source }),
        };
        Ok(Self {
            file,
            first_use,
            known: Mutex::new(Known::read(&text)),
        })
    }

    /// Accepts a key that is on record, or puts it there at first use. A key of another kind than the recorded
    /// one is a changed key: else whoever stands between would only have to offer another kind.
    pub fn check(&self, host: &str, port: u16, key: &PublicKey) -> Result<(), HostKeyError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let recorded = self.recorded(&mut known, host, port)?;
        let shown = || key.fingerprint(Default::default()).to_string();
        let (host_port, file) = (name(host, port), self.file.clone());
        if recorded.iter().any(|it| it.key_data() == key.key_data()) {
            return Ok(());
        }
        if !recorded.is_empty() {
            return Err(HostKeyError::Changed {
                host: host_port,
                shown: shown(),
                file,
            });
        }
        match self.first_use {
            FirstUse::Refuse => Err(HostKeyError::Unknown {
                host: host_port,
                shown: shown(),
                file,
            }),
            FirstUse::Record => {
                known_hosts::learn_known_hosts_path(host, port, key, &self.file).map_err(|it| HostKeyError::File {
                    file,
                    source: io::Error::other(it),
                })?;
                tracing::info!(host = %host_port, key = %shown(), "host key recorded at first use");
                known.by_host.entry(host_port).or_default().push(key.clone());
                Ok(())
            }
        }
    }

    /// The kinds of key on record for a device.
    pub(super) fn kinds(&self, host: &str, port: u16) -> Vec<Algorithm> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let recorded = self.recorded(&mut known, host, port).unwrap_or_default();
        recorded.iter().map(PublicKey::algorithm).collect()
    }

    fn recorded(&self, known: &mut Known, host: &str, port: u16) -> Result<Vec<PublicKey>, HostKeyError> {
        let host_port = name(host, port);
        if let Some(keys) = known.by_host.get(&host_port) {
            return Ok(keys.clone());
        }
        if !known.hashed {
            return Ok(Vec::new());
        }
        let keys = hashed(&self.file, host, port)?;
        if !keys.is_empty() {
            known.by_host.insert(host_port, keys.clone());
        }
        Ok(keys)
    }
}

impl Known {
    fn read(text: &str) -> Self {
        let mut known = Self::default();
        for line in text
            .lines()
            .map(str::trim)
            .filter(|it| !it.is_empty() && !it.starts_with('#'))
        {
            let mut words = line.split_ascii_whitespace();
            let (Some(hosts), Some(_kind), Some(key)) = (words.next(), words.next(), words.next()) else {
                continue;
            };
            let Ok(key) = russh::keys::parse_public_key_base64(key) else {
                continue;
            };
            for host in hosts.split(',') {
                if host.starts_with("|1|") {
                    known.hashed = true;
                } else {
                    known.by_host.entry(host.to_owned()).or_default().push(key.clone());
                }
            }
        }
        known
    }
}

fn hashed(file: &Path, host: &str, port: u16) -> Result<Vec<PublicKey>, HostKeyError> {
    let keys = known_hosts::known_host_keys_path(host, port, file).map_err(|it| HostKeyError::File {
        file: file.to_owned(),
        source: io::Error::other(it),
    })?;
    Ok(keys.into_iter().map(|(_, key)| key).collect())
}

fn name(host: &str, port: u16) -> String {
    if port == 22 {
        host.to_owned()
    } else {
        format!("[{host}]:{port}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use russh::keys::PrivateKey;

    fn key(seed: u8) -> PublicKey {
        let pair = russh::keys::ssh_key::private::Ed25519Keypair::from_seed(&[seed; 32]);
        PrivateKey::from(pair).public_key().clone()
    }

    #[test]
    fn first_use_is_recorded_and_a_change_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("known_hosts");
        let keys = HostKeys::open(&file, FirstUse::Record).unwrap();
        keys.check("pe1", 830, &key(1)).unwrap();
        keys.check("pe1", 830, &key(1)).unwrap();
        assert!(matches!(
            keys.check("pe1", 830, &key(2)),
            Err(HostKeyError::Changed { .. })
        ));
        keys.check("pe1", 22, &key(2)).unwrap();
        let again = HostKeys::open(&file, FirstUse::Refuse).unwrap();
        again.check("pe1", 830, &key(1)).unwrap();
        assert!(matches!(
            again.check("pe1", 830, &key(2)),
            Err(HostKeyError::Changed { .. })
        ));
        assert!(matches!(
            again.check("pe2", 830, &key(2)),
            Err(HostKeyError::Unknown { .. })
        ));
    }

    #[test]
    fn another_kind_of_key_is_a_changed_key() {
        let folder = tempfile::tempdir().unwrap();
        let keys = HostKeys::open(folder.path().join("known_hosts"), FirstUse::Record).unwrap();
        keys.check("pe1", 830, &key(1)).unwrap();
        let curve = "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBAx3YWIXVDFzVJ3d8LLSEG/WfNTvXfQEzXxOVCZDnLNzEXTrNSJOGfqC8K9RN2aVZxMqrqWqOKKHlWUNR2LqGPM=";
        if let Ok(other) = russh::keys::parse_public_key_base64(curve) {
            assert!(matches!(
                keys.check("pe1", 830, &other),
                Err(HostKeyError::Changed { .. })
            ));
        }
    }
}
