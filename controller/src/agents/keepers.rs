//! Who keeps which device, on disk: a line for each that has changed hands, so that it is known after a restart before anybody
//! has joined.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};

use fabric_identity::lines::Lines;
use serde::{Deserialize, Serialize};
use transaction::DeviceId;

use super::roster::book::{lines, rewritten};

/// How many bytes are added before the file is written anew in its shortest form.
const BYTES: u64 = 1 << 20;

/// A device and its keeper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    device: String,
    agent: String,
}

/// The file.
pub struct Keepers {
    file: Lines,
    path: PathBuf,
    kept: BTreeMap<String, Kept>,
    /// How long its shortest form was.
    shortest: u64,
}

impl Keepers {
    /// Opens the file, with what it holds.
    pub fn open(path: &Path) -> io::Result<(Self, HashMap<DeviceId, String>)> {
        let lines: Vec<Kept> = lines(path)?;
        let kept: BTreeMap<String, Kept> = lines.into_iter().map(|it| (it.device.clone(), it)).collect();
        let file = rewritten(path, kept.values())?;
        let keepers = kept
            .values()
            .filter_map(|it| Some((it.device.parse().ok()?, it.agent.clone())))
            .collect();
        let opened = Self {
            shortest: file.length(),
            file,
            path: path.to_owned(),
            kept,
        };
        Ok((opened, keepers))
    }

    /// Keeps that an agent keeps these devices from now on.
    pub fn write(&mut self, agent: &str, devices: &[DeviceId]) -> io::Result<()> {
        let mut text = Vec::new();
        for device in devices {
            let kept = Kept {
                device: device.to_string(),
                agent: agent.to_owned(),
            };
            serde_json::to_writer(&mut text, &kept)?;
            text.push(b'\n');
            self.kept.insert(kept.device.clone(), kept);
        }
        self.file.add(&text)?;
        if self.file.length() - self.shortest >= BYTES {
            self.file = rewritten(&self.path, self.kept.values())?;
            self.shortest = self.file.length();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_keeper_of_a_device_is_known_when_it_is_opened_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keepers.jsonl");
        let (mut keepers, none) = Keepers::open(&path).expect("opens");
        assert!(none.is_empty());
        keepers.write("edge", &[DeviceId(1), DeviceId(2)]).expect("writes");
        keepers.write("other", &[DeviceId(2)]).expect("writes");
        drop(keepers);
        // A line that was cut off is none.
        let mut text = std::fs::read(&path).expect("is there");
        text.extend_from_slice(b"{\"device\":");
        std::fs::write(&path, text).expect("writes");
        let (mut keepers, kept) = Keepers::open(&path).expect("opens");
        let expected = [(DeviceId(1), "edge".to_owned()), (DeviceId(2), "other".to_owned())];
        assert_eq!(kept, HashMap::from(expected));
        keepers.write("edge", &vec![DeviceId(2); 20_000]).expect("writes");
        assert!(std::fs::metadata(&path).expect("is there").len() < BYTES + 1_000);
    }
}
