//! TLS between the command line and REST: needed where REST is not on loopback.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use fabric_identity::{Authority, Identity, Role};
use rcgen::KeyPair;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::agents::clock;
use crate::config::Config;
use crate::exit::Exit;
use crate::intake::listen::{self, Shown};

/// How often a certificate of our own is made anew: a third of the time that one is good for.
const RENEWAL: Duration = Duration::from_secs(8 * 3600);

/// Whether REST is served under TLS.
fn wanted(config: &Config) -> bool {
    config.tls.is_some() || !config.listen.ip().is_loopback()
}

/// Where the command line finds the controller of these settings.
pub fn address(config: &Config) -> String {
    let (mut listen, scheme) = (config.listen, if wanted(config) { "https" } else { "http" });
    if listen.ip().is_unspecified() {
        listen.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    format!("{scheme}://{listen}")
}

/// How REST is served; nothing on loopback, unless a certificate is named.
pub fn server(config: &Config, authority: &Arc<Authority>) -> Result<Option<Arc<ServerConfig>>> {
    if !wanted(config) {
        return Ok(None);
    }
    let shown = match &config.tls {
        Some((certificate, key)) => Shown::new(named(certificate, key)?),
        None => {
            let shown = Shown::new(own(config, authority)?);
            tokio::spawn(renewed(shown.clone(), config.clone(), authority.clone()));
            shown
        }
    };
    Ok(Some(listen::tls(shown).context("set up TLS")?))
}

async fn renewed(shown: Arc<Shown>, config: Config, authority: Arc<Authority>) {
    loop {
        tokio::time::sleep(RENEWAL).await;
        match own(&config, &authority) {
            Ok(key) => shown.replace(key),
            Err(error) => tracing::error!("the certificate of REST cannot be renewed: {error:#}"),
        }
    }
}

/// A certificate of the controller's own authority.
fn own(config: &Config, authority: &Authority) -> Result<CertifiedKey> {
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).context("make a key")?;
    let identity = Identity {
        name: "controller".parse()?,
        role: Role::Controller,
        devices: BTreeSet::new(),
        may: BTreeSet::new(),
    };
    let mut names = config.agents_names.clone();
    names.push(config.listen.ip().to_string());
    let own = authority
        .issue_own(identity, &key, &names, clock())
        .context("issue the certificate of REST")?;
    let chain = vec![own.certificate, own.authority];
    certified(chain, PrivatePkcs8KeyDer::from(key.serialize_der()).into())
}

/// The certificate of the settings.
fn named(certificate: &Path, key: &Path) -> Result<CertifiedKey> {
    certified(chain(certificate)?, private(key)?)
}

fn certified(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<CertifiedKey> {
    let key = aws_lc_rs::default_provider()
        .key_provider
        .load_private_key(key)
        .context("read the key")?;
    Ok(CertifiedKey::new(chain, key))
}

fn chain(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let wrong = |why: String| Exit::Invalid.because(format!("{} holds no certificate in PEM: {why}", file.display()));
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = read.map_err(|error| wrong(error.to_string()))?;
    if chain.is_empty() {
        return Err(wrong("nothing is in it".to_owned()));
    }
    Ok(chain)
}

fn private(file: &Path) -> Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_file(file)
        .map_err(|error| Exit::Invalid.because(format!("{} holds no key in PEM: {error}", file.display())))
}

/// What is in DER as a text that other programs read (PEM).
pub fn armored(label: &str, der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let lines: Vec<&str> = (0..text.len())
        .step_by(64)
        .filter_map(|at| text.get(at..text.len().min(at + 64)))
        .collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// The one certificate of a PEM text.
pub fn certificate(text: &str) -> Option<CertificateDer<'static>> {
    CertificateDer::from_pem_slice(text.as_bytes()).ok()
}

/// How the command line calls: it trusts the authority of ENTENTE_AUTHORITY, else that of the state directory, and shows
/// the certificate of ENTENTE_CERTIFICATE where there is one.
pub fn client(config: &Config) -> Result<ClientConfig> {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let mut roots = RootCertStore::empty();
    let trusted = match variable("ENTENTE_AUTHORITY") {
        Some(file) => chain(&file)?,
        None => {
            let file = config.state.join("authority/authority.der");
            let der = std::fs::read(&file).map_err(|error| {
                Exit::Denied.because(format!(
                    "no authority to trust ({}: {error}): set ENTENTE_AUTHORITY to its certificate in PEM",
                    file.display()
                ))
            })?;
            vec![CertificateDer::from(der)]
        }
    };
    for certificate in trusted {
        roots.add(certificate).context("trust the authority")?;
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .context("set up TLS")?
        .with_root_certificates(roots);
    match (variable("ENTENTE_CERTIFICATE"), variable("ENTENTE_KEY")) {
        (Some(certificate), Some(key)) => builder
            .with_client_auth_cert(chain(&certificate)?, private(&key)?)
            .context("show the certificate"),
        (Some(_), None) => Err(Exit::Invalid.because("ENTENTE_CERTIFICATE is set and ENTENTE_KEY is not: set both")),
        (None, _) => Ok(builder.with_no_client_auth()),
    }
}
