//! An authority, a controller and a thousand agents, each with a certificate: all of it in one folder.

use std::path::Path;
use std::time::SystemTime;

use anyhow::Context;
use fabric_identity::{Authority, Credential, Identity, LifeTimes, Permission, Role};
use rcgen::KeyPair;

use super::STREAMS;

/// A certificate with its key in DER.
pub struct Own {
    pub credential: Credential,
    pub key: Vec<u8>,
}

#[expect(clippy::disallowed_methods, reason = "a benchmark stands at the edge")]
pub fn now() -> SystemTime {
    SystemTime::now()
}

pub fn name(number: usize) -> String {
    format!("agent-{number}")
}

/// Makes everybody. Keys are of the kind that our agents make.
pub fn write(folder: &Path) -> anyhow::Result<()> {
    write_some(folder, STREAMS)
}

/// The same with so many agents.
pub fn write_some(folder: &Path, agents: usize) -> anyhow::Result<()> {
    let authority = Authority::open(folder, LifeTimes::default(), now())?;
    let make = |name: &str, role| -> anyhow::Result<()> {
        let algorithm = match role {
            Role::Agent => &rcgen::PKCS_ED25519,
            Role::Controller | Role::Broker => &rcgen::PKCS_ECDSA_P256_SHA256,
        };
        let key = KeyPair::generate_for(algorithm)?;
        let identity = Identity {
            name: name.parse()?,
            role,
            devices: ["*".parse()?].into(),
            may: Permission::ALL.into(),
        };
        let own = authority.issue_own(identity, &key, &[], now())?;
        std::fs::write(folder.join(format!("{name}.der")), &own.certificate)?;
        std::fs::write(folder.join(format!("{name}.key")), key.serialized_der())?;
        Ok(())
    };
    make("controller", Role::Controller)?;
    (0..agents).try_for_each(|number| make(&name(number), Role::Agent))
}

/// One of them.
pub fn read(folder: &Path, name: &str) -> anyhow::Result<Own> {
    let file = |end: &str| std::fs::read(folder.join(format!("{name}{end}"))).with_context(|| format!("read {name}"));
    let authority = std::fs::read(folder.join("authority.der"))?;
    let credential = Credential {
        certificate: file(".der")?.into(),
        authority: authority.into(),
        until: now(),
    };
    let key = file(".key")?;
    Ok(Own { credential, key })
}
