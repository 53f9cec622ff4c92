//! The agent's side of the enrolment.

use super::envelope::{EnvelopeError, certificates};
use crate::certificate::{Certificate, CertificateError, fingerprint};
use crate::roll::Reason;
use crate::tls::{self, TlsError, Trust};
use crate::{Claims, Credential, Name, Revocations};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::http::request::Builder;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use rcgen::{CertificateParams, DnType, KeyPair, PublicKeyData, SanType};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError as Bad, ClientConfig};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How long one operation may take.
const WITHIN: Duration = Duration::from_secs(30);
/// The largest answer that is read.
const LARGEST: usize = 512 << 10;

/// Why an enrolment has not succeeded.
#[derive(Debug, thiserror::Error)]
pub enum EstError {
    /// The authority's side was not reached, or is not who it should be.
    #[error("reach the enrolment at {address}")]
    Unreachable {
        /// Where.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// No answer in time.
    #[error("reach the enrolment at {address}: no answer in 30 s")]
    Silent {
        /// Where.
        address: String,
    },
    /// The conversation broke off.
    #[error("speak with the enrolment")]
    Http(#[from] hyper::Error),
    /// The request could not be written.
    #[error("write a request to the enrolment")]
    Request(#[from] hyper::http::Error),
    /// The answer is too long or broke off.
    #[error("read the answer of the enrolment")]
    Answer(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// An operator must approve first; come again later.
    #[error("the application waits for approval")]
    Waiting,
    /// The authority said no.
    #[error("the authority refused with {code}: {words}")]
    Refused {
        /// The status.
        code: StatusCode,
        /// In its words.
        words: String,
    },
    /// The answer is no envelope of certificates.
    #[error("read the certificates of the enrolment")]
    Envelope(#[from] EnvelopeError),
    /// The answer does not hold what was asked for.
    #[error("read the certificates of the enrolment: {what}")]
    Content {
        /// What is wrong.
        what: &'static str,
    },
    /// The certificate is not understood.
    #[error("read the issued certificate")]
    Certificate(#[from] CertificateError),
    /// TLS could not be set up.
    #[error("set up the connection to the enrolment")]
    Tls(#[from] TlsError),
    /// The application could not be made.
    #[error("make an application")]
    Application(#[from] rcgen::Error),
}

/// Who applies, with what it says of itself.
#[derive(Debug, Clone)]
pub struct Applying {
    /// The name that is applied for.
    pub name: Name,
    /// The organisation that it belongs to; empty: it names none.
    pub organisation: String,
    /// What else it says, and what it asks for.
    pub claims: Claims,
}

impl Applying {
    /// Somebody who says nothing but the name.
    pub fn new(name: Name) -> Self {
        Self {
            name,
            organisation: String::new(),
            claims: Claims::default(),
        }
    }
}

/// Where an agent enrols, and how it knows the authority.
#[derive(Debug, Clone)]
pub struct Enrolment {
    /// Host and port of the enrolment.
    pub address: String,
    /// The fingerprint of the authority's certificate: SHA-256 in small hexadecimal digits.
    pub fingerprint: String,
}

impl Enrolment {
    /// Applies for a certificate for `name` with `key`; with a one-time token, or to wait for an operator.
    pub async fn enrol(&self, name: &Name, key: &KeyPair, token: Option<&str>) -> Result<Credential, EstError> {
        self.enrol_as(&Applying::new(name.clone()), key, token).await
    }

    /// The same, with what the applicant says of itself and asks for.
    pub async fn enrol_as(&self, who: &Applying, key: &KeyPair, token: Option<&str>) -> Result<Credential, EstError> {
        let name = &who.name;
        let config = tls::client(None, Trust::Fingerprint(self.fingerprint.clone()), None)?;
        let mut request = Request::post("/.well-known/est/simpleenroll");
        if let Some(token) = token {
            let pair = BASE64_STANDARD.encode(format!("{name}:{token}"));
            request = request.header("authorization", format!("Basic {pair}"));
        }
        self.apply(config, request, who, key).await
    }

    /// Renews a certificate that is still valid, with a new key.
    /// Who shows a certificate that stands on the list is told nothing.
    pub async fn renew(
        &self,
        own: (&Credential, &[u8]),
        key: &KeyPair,
        revoked: Option<Revocations>,
    ) -> Result<Credential, EstError> {
        let name = Certificate::read(&own.0.certificate)?.identity.name;
        let config = tls::client(Some(own), Trust::Fingerprint(self.fingerprint.clone()), revoked)?;
        let request = Request::post("/.well-known/est/simplereenroll");
        self.apply(config, request, &Applying::new(name), key).await
    }

    /// Takes back all certificates of this agent, by its own word and for good.
    pub async fn revoke(&self, own: (&Credential, &[u8]), reason: Reason) -> Result<(), EstError> {
        let config = tls::client(Some(own), Trust::Fingerprint(self.fingerprint.clone()), None)?;
        let word = serde_json::to_vec(&reason).unwrap_or_default(); // a word is written in any case
        let request = Request::post("/.well-known/entente/revoke").header("host", &self.address);
        self.ask(config, request.body(Full::from(word))?).await.map(drop)
    }

    /// The signed revocation list in DER.
    pub async fn list(&self) -> Result<Vec<u8>, EstError> {
        let config = tls::client(None, Trust::Fingerprint(self.fingerprint.clone()), None)?;
        let request = Request::get("/.well-known/entente/crl").header("host", &self.address);
        Ok(self.ask(config, request.body(Full::default())?).await?.to_vec())
    }

    async fn apply(
        &self,
        config: ClientConfig,
        request: Builder,
        who: &Applying,
        key: &KeyPair,
    ) -> Result<Credential, EstError> {
        let application = application(who, key)?;
        let request = request
            .header("host", &self.address)
            .header("content-type", "application/pkcs10")
            .header("content-transfer-encoding", "base64");
        let body = Full::from(BASE64_STANDARD.encode(application));
        let answer = self.ask(config, request.body(body)?).await?;
        let certificate = issued(&decoded(&answer)?, key)?;
        let until = Certificate::read(&certificate)?.not_after;
        let authority = self.authority().await?;
        Ok(Credential {
            certificate,
            authority,
            until,
        })
    }

    /// The authority's own certificate, known by its fingerprint.
    pub async fn authority(&self) -> Result<CertificateDer<'static>, EstError> {
        let config = tls::client(None, Trust::Fingerprint(self.fingerprint.clone()), None)?;
        let request = Request::get("/.well-known/est/cacerts").header("host", &self.address);
        let answer = decoded(&self.ask(config, request.body(Full::default())?).await?)?;
        let found = certificates(&answer)?;
        let authority = found.into_iter().find(|it| fingerprint(it) == self.fingerprint);
        let what = "the authority's is missing";
        Ok(CertificateDer::from(
            authority.ok_or(EstError::Content { what })?.to_vec(),
        ))
    }

    async fn ask(&self, config: ClientConfig, request: Request<Full<Bytes>>) -> Result<Bytes, EstError> {
        let answer = tokio::time::timeout(WITHIN, exchange(&self.address, config, request)).await;
        answer.map_err(|_| EstError::Silent {
            address: self.address.clone(),
        })?
    }
}

/// The one certificate that was issued, if it is for the key.
fn issued(envelope: &[u8], key: &KeyPair) -> Result<CertificateDer<'static>, EstError> {
    let what = "exactly one is expected, for the key that was applied with";
    match certificates(envelope)?.as_slice() {
        [own] if Certificate::read(own)?.key == key.public_key_raw() => Ok(CertificateDer::from(own.to_vec())),
        [] | [_, ..] => Err(EstError::Content { what }),
    }
}

fn decoded(answer: &[u8]) -> Result<Vec<u8>, EstError> {
    let plain: Vec<u8> = answer.iter().copied().filter(|it| !it.is_ascii_whitespace()).collect();
    let what = "they are not in base64";
    BASE64_STANDARD.decode(plain).map_err(|_| EstError::Content { what })
}

/// What an operator knows a key by: the SHA-256 of the public key, as a SubjectPublicKeyInfo.
pub fn digest(key: &KeyPair) -> String {
    fingerprint(&key.subject_public_key_info())
}

/// An application, signed with its key, in DER.
pub(crate) fn application(who: &Applying, key: &KeyPair) -> Result<Vec<u8>, rcgen::Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, who.name.as_str());
    if !who.organisation.is_empty() {
        params
            .distinguished_name
            .push(DnType::OrganizationName, who.organisation.as_str());
    }
    for uri in who.claims.uris() {
        params.subject_alt_names.push(SanType::URI(uri.as_str().try_into()?));
    }
    Ok(params.serialize_request(key)?.der().to_vec())
}

/// Dials a controller: nodelay, mutual TLS.
pub async fn dial(address: &str, config: Arc<ClientConfig>) -> io::Result<TlsStream<TcpStream>> {
    let io = TcpStream::connect(address).await?;
    io.set_nodelay(true)?;
    let name = ServerName::try_from("controller").map_err(io::Error::other)?; // the verifier goes by the role
    let connected = TlsConnector::from(config).connect(name, io).await;
    connected.map_err(|error| clocks_apart(&error).map_or(error, io::Error::other))
}

/// By how much this clock and that of the authority are apart at least, if that is why a certificate is not taken.
fn clocks_apart(error: &io::Error) -> Option<ClocksApart> {
    let rustls::Error::InvalidCertificate(reason) = error.get_ref()?.downcast_ref()? else {
        return None;
    };
    let apart = |later: UnixTime, sooner: UnixTime| later.as_secs().saturating_sub(sooner.as_secs());
    if let Bad::NotValidYetContext { time, not_before } = reason {
        let seconds = apart(*not_before, *time);
        return Some(ClocksApart::Behind { seconds });
    }
    if let Bad::ExpiredContext { time, not_after } = reason {
        let seconds = apart(*time, *not_after);
        return Some(ClocksApart::Ahead { seconds });
    }
    None
}

/// A certificate is good at another time than this clock shows.
#[derive(Debug, thiserror::Error)]
enum ClocksApart {
    /// Its time has not come.
    #[error(
        "the clock here is at least {seconds} s behind the authority's: its certificate is not good yet; set the one that is wrong"
    )]
    Behind {
        /// By how much.
        seconds: u64,
    },
    /// Its time is over.
    #[error(
        "the certificate shown ended {seconds} s ago by the clock here: the clock is ahead by at least that, or the certificate was not renewed"
    )]
    Ahead {
        /// How long ago.
        seconds: u64,
    },
}

async fn exchange(address: &str, config: ClientConfig, request: Request<Full<Bytes>>) -> Result<Bytes, EstError> {
    let unreachable = |source| EstError::Unreachable {
        address: address.to_owned(),
        source,
    };
    let io = dial(address, Arc::new(config)).await.map_err(unreachable)?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(io)).await?;
    let connection = async {
        let _ = connection.await; // its error comes back with the answer as well
        std::future::pending::<std::convert::Infallible>().await
    };
    let conversation = async {
        let answer = sender.send_request(request).await?;
        let code = answer.status();
        let body = Limited::new(answer.into_body(), LARGEST)
            .collect()
            .await
            .map_err(EstError::Answer)?
            .to_bytes();
        match code {
            StatusCode::OK => Ok(body),
            StatusCode::ACCEPTED => Err(EstError::Waiting),
            code => Err(EstError::Refused {
                code,
                words: words(&body),
            }),
        }
    };
    tokio::select! {
        answer = conversation => answer,
        never = connection => match never {},
    }
}

fn words(body: &[u8]) -> String {
    String::from_utf8_lossy(body)
        .chars()
        .filter(|it| !it.is_control())
        .take(256)
        .collect()
}
