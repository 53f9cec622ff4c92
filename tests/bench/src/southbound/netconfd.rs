//! Real servers: netconfd, each in a folder of its own.

use std::process::Command;

use anyhow::{Context, ensure};

use super::{Address, Job, ours};

/// Running servers; they end with this value.
pub struct Servers {
    servers: Vec<(tempfile::TempDir, Address)>,
    user: String,
    key: String,
}

impl Servers {
    pub fn start(count: usize) -> anyhow::Result<Self> {
        let mut all = Self {
            servers: Vec::new(),
            user: String::new(),
            key: String::new(),
        };
        for _ in 0..count.max(1) {
            let (folder, port) = (tempfile::tempdir()?, tests_real::free_port()?);
            let mut command = Command::new(tests_real::root().join("labs/real/netconfd"));
            command.arg("start").arg(folder.path()).arg(port.to_string());
            let output = command.output()?;
            ensure!(
                output.status.success(),
                "netconfd: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            let said: serde_json::Value = serde_json::from_slice(&output.stdout)?;
            // One key opens all of them: the first one's.
            if all.key.is_empty() {
                all.user = said["user"].as_str().context("no user")?.to_owned();
                all.key = said["key"].as_str().context("no key")?.to_owned();
            } else {
                let own = std::fs::read(format!("{}.pub", all.key))?;
                std::fs::write(folder.path().join("authorized_keys"), own)?;
            }
            let host = "127.0.0.1".to_owned();
            all.servers.push((folder, Address { host, port }));
        }
        Ok(all)
    }

    pub fn job(&self, warm: bool) -> anyhow::Result<Job> {
        let addresses = self.servers.iter().map(|(_, address)| address.clone()).collect();
        Ok(Job {
            user: self.user.clone(),
            key: Some(self.key.clone()),
            validate: false,
            ..ours::job(addresses, warm)?
        })
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        for (folder, _) in &self.servers {
            let script = tests_real::root().join("labs/real/netconfd");
            // What is left behind is named by its folder.
            let _ = Command::new(script).arg("stop").arg(folder.path()).output();
        }
    }
}
