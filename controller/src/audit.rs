//! The chain that shows tampering: each entry is hashed with its predecessor and signed.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result, bail};
use ed25519_dalek::{Signature, Signer, SigningKey, Verifier, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;

use crate::store::{AuditRow, Store};

/// What happened, and who was behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// Who.
    pub who: String,
    /// Through which door.
    pub door: String,
    /// What, in the words of the command line: `plan`, `commit`, `committed`.
    pub what: String,
    /// What it was done to.
    pub object: String,
    /// The rest.
    pub detail: serde_json::Value,
}

/// The chain, open for writing.
#[derive(Debug)]
pub struct Audit {
    store: Store,
    key: SigningKey,
    last: Mutex<(i64, String)>,
}

impl Audit {
    /// Opens the chain; the key is made on the first start and stays in `folder` with mode 0600.
    pub async fn open(store: Store, folder: &Path) -> Result<Self> {
        let key = signing_key(&folder.join("audit.key"))?;
        let last = store
            .last_audit()
            .await?
            .map_or((0, String::new()), |row| (row.position, row.hash));
        Ok(Self {
            store,
            key,
            last: Mutex::new(last),
        })
    }

    /// Adds an entry; when this returns it is durable.
    pub async fn add(&self, entry: &Entry) -> Result<()> {
        let mut last = self.last.lock().await;
        let body = serde_json_canonicalizer::to_string(entry).context("write an audit entry")?;
        let (position, hash) = (last.0 + 1, link(&last.1, &body));
        let signature = hex(&self.key.sign(hash.as_bytes()).to_bytes());
        self.store
            .add_audit(&AuditRow {
                position,
                body,
                hash: hash.clone(),
                signature,
            })
            .await?;
        *last = (position, hash);
        Ok(())
    }

    /// The public key, in hexadecimal digits.
    pub fn public_key(&self) -> String {
        hex(self.key.verifying_key().as_bytes())
    }
}

/// Checks a whole chain and gives the number of its entries.
///
/// # Errors
/// The first position at which it does not hold, and why.
pub fn verify(rows: &[AuditRow], public_key: &str) -> Result<usize> {
    let key: [u8; 32] = unhex(public_key)
        .and_then(|bytes| bytes.try_into().ok())
        .context("the public key is not 32 bytes")?;
    let key = VerifyingKey::from_bytes(&key).context("the public key is none")?;
    let mut previous = String::new();
    for (row, position) in rows.iter().zip(1..) {
        if row.position != position {
            bail!("entry {position} is missing");
        }
        if link(&previous, &row.body) != row.hash {
            bail!("entry {position} was altered: its hash does not follow from what came before");
        }
        let signature = unhex(&row.signature).and_then(|bytes| Signature::from_slice(&bytes).ok());
        let signature = signature.with_context(|| format!("entry {position} has no signature"))?;
        key.verify(row.hash.as_bytes(), &signature)
            .with_context(|| format!("entry {position} was not signed by this controller"))?;
        previous.clone_from(&row.hash);
    }
    Ok(rows.len())
}

fn link(previous: &str, body: &str) -> String {
    hex(&Sha256::new()
        .chain_update(previous)
        .chain_update([0])
        .chain_update(body)
        .finalize())
}

fn signing_key(file: &Path) -> Result<SigningKey> {
    if file.exists() {
        let text = fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
        let bytes: [u8; 32] = unhex(text.trim())
            .and_then(|bytes| bytes.try_into().ok())
            .with_context(|| format!("{} holds no key", file.display()))?;
        return Ok(SigningKey::from_bytes(&bytes));
    }
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).context("draw a key")?;
    let mut out = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .with_context(|| format!("make {}", file.display()))?;
    out.write_all(hex(&seed).as_bytes())
        .and_then(|()| out.sync_all())
        .with_context(|| format!("write {}", file.display()))?;
    Ok(SigningKey::from_bytes(&seed))
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes from hexadecimal digits.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn chain(folder: &Path) -> (Vec<AuditRow>, String) {
        let store = Store::open(folder).await.unwrap();
        let audit = Audit::open(store.clone(), folder).await.unwrap();
        for at in 0..4 {
            let entry = Entry {
                at,
                who: "amy".into(),
                door: "rest".into(),
                what: "plan".into(),
                object: format!("p{at}"),
                detail: serde_json::Value::Null,
            };
            audit.add(&entry).await.unwrap();
        }
        (store.audit(1, 100).await.unwrap(), audit.public_key())
    }

    #[tokio::test]
    async fn tampering_shows() {
        let folder = tempfile::tempdir().unwrap();
        let (rows, key) = chain(folder.path()).await;
        assert_eq!(verify(&rows, &key).unwrap(), 4);
        let mut altered = rows.clone();
        altered[1].body = altered[1].body.replace("amy", "eve");
        assert!(
            verify(&altered, &key)
                .unwrap_err()
                .to_string()
                .contains("entry 2 was altered")
        );
        let mut shortened = rows.clone();
        shortened.remove(2);
        assert!(
            verify(&shortened, &key)
                .unwrap_err()
                .to_string()
                .contains("entry 3 is missing")
        );
        let mut resigned = rows.clone();
        resigned[3].signature = rows[2].signature.clone();
        assert!(
            verify(&resigned, &key)
                .unwrap_err()
                .to_string()
                .contains("entry 4 was not signed")
        );
    }

    #[tokio::test]
    async fn the_chain_goes_on_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        chain(folder.path()).await;
        let (rows, key) = chain(folder.path()).await;
        assert_eq!(verify(&rows, &key).unwrap(), 8);
    }
}
