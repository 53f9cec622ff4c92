//! Mutual TLS 1.3: both sides show a certificate of the authority, in the right role, that nobody has taken back.

use crate::certificate::{Certificate, fingerprint};
use crate::{Credential, Revocations, Role};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, OtherError, RootCertStore,
    ServerConfig, SignatureScheme,
};
use std::sync::Arc;

/// Why no configuration could be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// Certificate and key do not fit, or are not understood.
    #[error("set up mutual TLS")]
    Tls(#[from] Error),
    /// The authority's certificate is not understood.
    #[error("set up who is trusted")]
    Trust(#[from] rustls::server::VerifierBuilderError),
}

/// The name of MQTT where a client says what it wants to speak (ALPN).
pub const MQTT: &[u8] = b"mqtt";

/// Whether callers must show a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Callers {
    /// They must: everywhere but at the enrolment.
    Known,
    /// They may: at the enrolment, where newcomers have none.
    Anybody,
}

/// What a client trusts.
#[derive(Debug, Clone)]
pub enum Trust {
    /// An authority that it knows.
    Authority(CertificateDer<'static>),
    /// At the first contact: the authority with this fingerprint, which the server must show.
    Fingerprint(String),
}

/// The side that is called: the controller. Callers must be agents or controllers of the same authority.
pub fn server(own: &Credential, key: &[u8], callers: Callers, revoked: Revocations) -> Result<ServerConfig, TlsError> {
    let roots = roots(&own.authority)?;
    let inner = WebPkiClientVerifier::builder_with_provider(roots.into(), provider());
    let inner = match callers {
        Callers::Known => inner.build()?,
        Callers::Anybody => inner.allow_unauthenticated().build()?,
    };
    let verifier = Arc::new(OfCallers { inner, revoked });
    let builder = ServerConfig::builder_with_provider(provider()).with_protocol_versions(&[&rustls::version::TLS13])?;
    let chain = vec![own.certificate.clone(), own.authority.clone()];
    let mut config = builder
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, private(key))?;
    // On the port of the streams, events may be spoken as well. The stream is HTTP/2, and clients in other languages insist that this is said; the enrolment is HTTP/1.1.
    config.alpn_protocols = match callers {
        Callers::Known => vec![b"h2".to_vec(), MQTT.to_vec()],
        Callers::Anybody => vec![b"http/1.1".to_vec()],
    };
    Ok(config)
}

/// The side that calls: an agent, with its certificate where it has one. Whom it calls must be a controller.
pub fn client(
    own: Option<(&Credential, &[u8])>,
    trust: Trust,
    revoked: Option<Revocations>,
) -> Result<ClientConfig, TlsError> {
    calling(own, (trust, &[Role::Controller]), revoked)
}

/// The side that publishes events or listens to them. What carries them is a controller or a broker of its authority.
pub fn client_of_events(
    own: (&Credential, &[u8]),
    trust: Trust,
    revoked: Option<Revocations>,
) -> Result<ClientConfig, TlsError> {
    calling(Some(own), (trust, &[Role::Controller, Role::Broker]), revoked)
}

fn calling(
    own: Option<(&Credential, &[u8])>,
    (trust, roles): (Trust, &'static [Role]),
    revoked: Option<Revocations>,
) -> Result<ClientConfig, TlsError> {
    let verifier = Arc::new(OfCalled {
        trust,
        roles,
        revoked,
        provider: provider(),
    });
    let builder = ClientConfig::builder_with_provider(provider()).with_protocol_versions(&[&rustls::version::TLS13])?;
    let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
    Ok(match own {
        Some((own, key)) => builder.with_client_auth_cert(vec![own.certificate.clone()], private(key))?,
        None => builder.with_no_client_auth(),
    })
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn private(key: &[u8]) -> PrivateKeyDer<'static> {
    PrivatePkcs8KeyDer::from(key.to_vec()).into()
}

fn roots(authority: &CertificateDer<'static>) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.clone())?;
    Ok(roots)
}

fn refused(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(error))))
}

/// The role is another than this side expects.
#[derive(Debug, thiserror::Error)]
#[error("the certificate is of {role}, a controller is expected", role = .0.word())]
struct OtherRole(Role);

/// What holds for either side once the chain is good: readable, ours, and not taken back.
fn standing(der: &CertificateDer<'_>, revoked: Option<&Revocations>) -> Result<Certificate, Error> {
    let certificate = Certificate::read(der).map_err(refused)?;
    match revoked {
        Some(it) if it.borrow().contains(&certificate.serial) => {
            Err(Error::InvalidCertificate(CertificateError::Revoked))
        }
        Some(_) | None => Ok(certificate),
    }
}

#[derive(Debug)]
struct OfCallers {
    inner: Arc<dyn ClientCertVerifier>,
    revoked: Revocations,
}

impl ClientCertVerifier for OfCallers {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }
    fn client_auth_mandatory(&self) -> bool {
        self.inner.client_auth_mandatory()
    }
    fn verify_client_cert(
        &self,
        holder: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.inner.verify_client_cert(holder, chain, now);
        let verified = verified.and_then(|it| standing(holder, Some(&self.revoked)).map(|_| it));
        verified.inspect_err(|error| {
            let says =
                Certificate::read(holder).map_or_else(|_| "nothing that is read".into(), |it| it.identity.holder());
            tracing::warn!(says, %error, "refused a caller's certificate");
        })
    }
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        holder: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, holder, signature)
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        holder: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, holder, signature)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

#[derive(Debug)]
struct OfCalled {
    trust: Trust,
    /// What whoever is called may be.
    roles: &'static [Role],
    revoked: Option<Revocations>,
    provider: Arc<CryptoProvider>,
}

impl OfCalled {
    fn roots(&self, chain: &[CertificateDer<'_>]) -> Result<RootCertStore, Error> {
        match &self.trust {
            Trust::Authority(authority) => roots(authority),
            Trust::Fingerprint(wanted) => {
                let authority = chain.iter().find(|it| fingerprint(it) == *wanted);
                let unknown = Error::InvalidCertificate(CertificateError::UnknownIssuer);
                roots(&authority.ok_or(unknown)?.clone().into_owned())
            }
        }
    }
}

impl ServerCertVerifier for OfCalled {
    fn verify_server_cert(
        &self,
        holder: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        _address: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let certificate = standing(holder, self.revoked.as_ref())?;
        if !self.roles.contains(&certificate.identity.role) {
            return Err(refused(OtherRole(certificate.identity.role)));
        }
        // Whoever holds a certificate of this authority for that role is it: addresses prove nothing here.
        let name = ServerName::try_from(certificate.identity.name.as_str().to_owned()).map_err(refused)?;
        let roots = Arc::new(self.roots(chain)?);
        let inner = WebPkiServerVerifier::builder_with_provider(roots, self.provider.clone()).build();
        inner
            .map_err(refused)?
            .verify_server_cert(holder, chain, &name, ocsp, now)
    }
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        holder: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, holder, signature, algorithms)
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        holder: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, holder, signature, algorithms)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
