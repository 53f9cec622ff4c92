//! What devices held when they were last read, kept as one file a device, so that a plan can be made without them.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use knowledge_model::{Tree, Value};
use serde::{Deserialize, Serialize};
use transaction::DeviceId;

use crate::network::Network;

/// The largest file that is read.
const LENGTH: u64 = 64 * 1024 * 1024;

/// One entry, as `entente device get NAME --output json` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Where.
    pub path: String,
    #[serde(default)]
    /// What stands there; nothing for an entry that is only there.
    pub value: Option<String>,
}

/// The folder with what was last read.
#[derive(Debug, Clone)]
pub struct LastKnown {
    folder: PathBuf,
}

impl LastKnown {
    /// Inside a state directory.
    pub fn inside(state: &Path) -> Self {
        Self {
            folder: state.join("configurations"),
        }
    }

    /// Keeps what a device holds now.
    pub fn keep(&self, device: DeviceId, tree: &Tree) -> Result<()> {
        fs::create_dir_all(&self.folder).with_context(|| format!("make {}", self.folder.display()))?;
        let entries: Vec<Entry> = tree
            .iter()
            .map(|(path, value)| Entry {
                path: path.to_string(),
                value: value.text().map(str::to_owned),
            })
            .collect();
        let file = self.folder.join(format!("{device}.json"));
        let new = file.with_extension("new");
        // Whole or not at all, but not synced: a plan for a thousand devices would wait for a thousand syncs, and what a
        // power failure takes is read again.
        fs::write(&new, serde_json::to_vec(&entries)?)
            .and_then(|()| fs::rename(&new, &file))
            .with_context(|| format!("keep {}", file.display()))
    }

    /// What each of these devices held; a device that was never read, or whose file a failure of power broke, is not there.
    pub fn load(&self, network: &Network) -> HashMap<DeviceId, Tree> {
        let mut known = HashMap::new();
        for device in network.devices() {
            let file = self.folder.join(format!("{}.json", device.id));
            if !file.is_file() {
                continue;
            }
            match parse::<Vec<Entry>>(&file).and_then(|entries| tree(&entries, &file)) {
                Ok(tree) => drop(known.insert(device.id, tree)),
                Err(error) => tracing::warn!(device = device.name, "what it held is not known: {error:#}"),
            }
        }
        known
    }
}

/// What devices held, from one file: the names of devices, each with its entries.
pub fn from_file(file: &Path, network: &Network) -> Result<HashMap<DeviceId, Tree>> {
    let devices: HashMap<String, Vec<Entry>> = parse(file)?;
    let mut known = HashMap::new();
    for (name, entries) in devices {
        let device = network
            .named(&name)
            .with_context(|| format!("{} names {name}, which is not in the inventory", file.display()))?;
        known.insert(device.id, tree(&entries, file)?);
    }
    Ok(known)
}

fn parse<T: serde::de::DeserializeOwned>(file: &Path) -> Result<T> {
    let length = fs::metadata(file)
        .with_context(|| format!("read {}", file.display()))?
        .len();
    anyhow::ensure!(
        length <= LENGTH,
        "{} has {length} bytes, more than {LENGTH}",
        file.display()
    );
    let text = crate::command::read(file)?;
    serde_json::from_str(&text).with_context(|| format!("read {}", file.display()))
}

/// The configuration that these entries are.
pub fn tree(entries: &[Entry], file: &Path) -> Result<Tree> {
    let mut tree = Tree::new();
    for Entry { path, value } in entries {
        let path = path
            .parse()
            .with_context(|| format!("{}: {path:?} is no path", file.display()))?;
        let value = value.as_deref().map_or(Value::Present, Value::scalar);
        tree.insert(path, value);
    }
    Ok(tree)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let inventory = folder.path().join("inventory.yaml");
        let id = "0193a5b0-0000-7000-8000-000000000001";
        let text = format!(
            "version: 1\ndevices:\n  - {{id: {id}, name: r1, address: 192.0.2.1, platforms: [frr], protocols: [cli]}}\n"
        );
        fs::write(&inventory, text).unwrap();
        let network = Network::load(&inventory).unwrap();
        let mut held = Tree::new();
        held.insert("interface[eth1]".parse().unwrap(), Value::Present);
        held.insert("interface[eth1]/mtu".parse().unwrap(), Value::scalar("9000"));
        let kept = LastKnown::inside(folder.path());
        assert!(kept.load(&network).is_empty());
        kept.keep(id.parse().unwrap(), &held).unwrap();
        assert_eq!(kept.load(&network).into_values().collect::<Vec<_>>(), [held.clone()]);
        let broken = folder.path().join(format!("configurations/{id}.json"));
        fs::write(&broken, "").unwrap();
        assert!(kept.load(&network).is_empty(), "a broken file is as none");
        let file = folder.path().join("known.json");
        fs::write(
            &file,
            r#"{"r1": [{"path": "interface[eth1]"}, {"path": "interface[eth1]/mtu", "value": "9000"}]}"#,
        )
        .unwrap();
        assert_eq!(
            from_file(&file, &network).unwrap().into_values().collect::<Vec<_>>(),
            [held]
        );
        fs::write(&file, r#"{"r9": []}"#).unwrap();
        assert!(from_file(&file, &network).unwrap_err().to_string().contains("r9"));
    }
}
