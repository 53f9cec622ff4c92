//! The certificate authority: keeps its key and the roll on disk, signs, and tells everybody at once who is shut out.

mod book;
mod form;

use crate::application::{Application, ApplicationError};
use crate::certificate::{fingerprint, hexadecimal};
use crate::identity::{Identity, Name, Role};
use crate::roll::{Applicant, Entry, Evidence, Grant, Reason, Record, Refusal, Roll, Status};
use aws_lc_rs::rand;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use book::Book;
use rcgen::{Issuer, KeyPair, PublicKeyData, SanType, SubjectPublicKeyInfo};
use rustls::pki_types::CertificateDer;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::sync::watch;

/// How long certificates are valid.
#[derive(Debug, Clone)]
pub struct LifeTimes {
    /// Of agents and controllers.
    pub holder: Duration,
    /// Of the authority itself.
    pub authority: Duration,
    /// How far back a certificate begins, for clocks that are behind.
    pub backdated: Duration,
    /// How long a revocation list is good for.
    pub list: Duration,
}

impl Default for LifeTimes {
    fn default() -> Self {
        let hours = |it: u64| Duration::from_secs(it * 3_600);
        Self {
            holder: hours(24),
            authority: hours(24 * 3_650),
            backdated: hours(1),
            list: hours(1),
        }
    }
}

/// Why the authority has not done something.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// It must not.
    #[error("refused")]
    Refused(#[from] Refusal),
    /// The application is not good.
    #[error("refused the application")]
    Application(#[from] ApplicationError),
    /// The applicant must come again when an operator has approved.
    #[error("the application waits for approval")]
    Waiting,
    /// The disk failed.
    #[error("{act} {}", path.display())]
    Disk {
        /// What was tried.
        act: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file says something that is not understood.
    #[error("read line {line} of {}", path.display())]
    Roll {
        /// Which file.
        path: PathBuf,
        /// Which line.
        line: usize,
        /// Why not.
        source: serde_json::Error,
    },
    /// The signing failed.
    #[error("sign a certificate")]
    Sign(#[from] rcgen::Error),
    /// No random bytes.
    #[error("draw random bytes")]
    Random,
}

/// A certificate that was issued, with what a holder shows beside it.
#[derive(Debug, Clone)]
pub struct Credential {
    /// The holder's certificate in DER.
    pub certificate: CertificateDer<'static>,
    /// The authority's certificate in DER.
    pub authority: CertificateDer<'static>,
    /// Until when it is valid.
    pub until: SystemTime,
}

/// What was taken back of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// How many certificates.
    pub certificates: usize,
    /// How many invitations that nobody has used.
    pub invitations: usize,
}

/// The serial numbers that are shut out, told to everybody the moment they change.
pub type Revocations = watch::Receiver<Arc<BTreeSet<String>>>;

/// The certificate authority of one domain.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    times: LifeTimes,
    state: Mutex<Book>,
    revoked: watch::Sender<Arc<BTreeSet<String>>>,
}

impl Authority {
    /// Opens the authority in a folder; the first time it makes its key, which only its owner can read.
    pub fn open(folder: &Path, times: LifeTimes, now: SystemTime) -> Result<Self, AuthorityError> {
        let disk = |act, path: &Path| {
            let path = path.to_owned();
            move |source| AuthorityError::Disk { act, path, source }
        };
        fs::create_dir_all(folder).map_err(disk("make the folder", folder))?;
        let (key_path, certificate_path) = (folder.join("authority.key"), folder.join("authority.der"));
        if !certificate_path.exists() {
            let (key, certificate) = form::authority(&times, now)?;
            book::write_secret(&key_path, key.serialize_pem().as_bytes()).map_err(disk("write", &key_path))?;
            book::write_secret(&certificate_path, &certificate).map_err(disk("write", &certificate_path))?;
        }
        let key = KeyPair::from_pem(&fs::read_to_string(&key_path).map_err(disk("read", &key_path))?)?;
        let certificate = fs::read(&certificate_path).map_err(disk("read", &certificate_path))?;
        let certificate = CertificateDer::from(certificate);
        let issuer = Issuer::from_ca_cert_der(&certificate, key)?;
        let path = folder.join("roll.jsonl");
        let state = book::open(path, now)?;
        let revoked = watch::Sender::new(Arc::new(state.roll.taken_back()));
        Ok(Self {
            issuer,
            certificate,
            times,
            state: Mutex::new(state),
            revoked,
        })
    }

    /// The authority's own certificate in DER.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// What an agent is given to know the authority by.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.certificate)
    }

    /// Who is shut out, now and from now on.
    pub fn revocations(&self) -> Revocations {
        self.revoked.subscribe()
    }

    /// Makes a one-time token for one name, scope and time. It is shown once; only a digest of it is kept.
    pub fn grant(&self, grant: Grant, until: SystemTime) -> Result<String, AuthorityError> {
        let (token, secret) = (
            hexadecimal(&random::<8>()?),
            BASE64_URL_SAFE_NO_PAD.encode(random::<32>()?),
        );
        let digest = fingerprint(secret.as_bytes());
        self.state().record(vec![Entry::Granted {
            token: token.clone(),
            digest,
            grant,
            until,
        }])?;
        Ok(format!("{token}.{secret}"))
    }

    /// Issues a certificate to who shows a token.
    pub fn enrol(&self, request: &[u8], token: &str, now: SystemTime) -> Result<Credential, AuthorityError> {
        let application = Application::read(request)?;
        let mut state = self.state();
        let (id, secret) = token.split_once('.').ok_or(Refusal::UnknownToken)?;
        let grant = state
            .roll
            .redeem(id, &fingerprint(secret.as_bytes()), &application.name, now)?
            .clone();
        self.issue(&mut state, &application, (grant, Some(id.to_owned())), now)
    }

    /// Issues a certificate to who was approved, and lets anybody else wait for an operator.
    pub fn apply(&self, request: &[u8], from: Option<IpAddr>, now: SystemTime) -> Result<Credential, AuthorityError> {
        let application = Application::read(request)?;
        let mut state = self.state();
        let key = fingerprint(&application.key);
        if let Some(grant) = state.roll.queue((&application.name, &key), from, now)?.cloned() {
            return self.issue(&mut state, &application, (grant, None), now);
        }
        if state.roll.applicant(&application.name, now).is_err() {
            let organisation = application.organisation.unwrap_or_default();
            state.record(vec![Entry::Waiting {
                name: application.name,
                key,
                organisation,
                claims: application.claims,
                since: now,
                from,
            }])?;
        }
        Err(AuthorityError::Waiting)
    }

    /// Issues a new certificate to who holds a valid one; what it says stays the same.
    pub fn renew(&self, request: &[u8], serial: &str, now: SystemTime) -> Result<Credential, AuthorityError> {
        let application = Application::read(request)?;
        let mut state = self.state();
        state.roll.forget(now);
        let grant = state.roll.renew(serial, &application.name, now)?.clone();
        self.issue(&mut state, &application, (grant, None), now)
    }

    /// Issues a certificate to a part of this very program: the controller's own. `addresses` are further names by
    /// which it is reached.
    pub fn issue_own(
        &self,
        identity: Identity,
        key: &KeyPair,
        addresses: &[String],
        now: SystemTime,
    ) -> Result<Credential, AuthorityError> {
        let grant = Grant {
            identity,
            evidence: Evidence {
                function: "controller".into(),
                ..Evidence::default()
            },
        };
        let (lasts, mut state) = (self.times.holder, self.state());
        self.certify(&mut state, (grant, None), (key, addresses), (now, now + lasts))
    }

    /// Issues a certificate to a broker that carries events beside the controller: by its own key, for the names and
    /// addresses at which it is reached. It is good for `lasts`.
    pub fn issue_broker(
        &self,
        request: &[u8],
        addresses: &[String],
        lasts: Duration,
        now: SystemTime,
    ) -> Result<Credential, AuthorityError> {
        let Application { name, key, .. } = Application::read(request)?;
        let grant = Grant {
            identity: Identity {
                name,
                role: Role::Broker,
                devices: BTreeSet::new(),
                may: BTreeSet::new(),
            },
            evidence: Evidence {
                function: "broker".into(),
                ..Evidence::default()
            },
        };
        let key = SubjectPublicKeyInfo::from_der(&key)?;
        let mut state = self.state();
        self.certify(&mut state, (grant, None), (&key, addresses), (now, now + lasts))
    }

    /// Approves who waits with this key, as what the operator says. Somebody else may have applied since he looked.
    pub fn approve(&self, grant: Grant, key: &str, now: SystemTime) -> Result<(), AuthorityError> {
        let mut state = self.state();
        let name = grant.identity.name.clone();
        let waits = state.roll.applicant(&name, now)?.key.clone();
        if !waits.eq_ignore_ascii_case(key) {
            return Err(Refusal::OtherApplicant(waits).into());
        }
        let (key, at) = (waits, Some(now));
        state.record(vec![Entry::Approved { name, key, grant, at }])
    }

    /// Turns away who waits.
    pub fn reject(&self, name: &Name, now: SystemTime) -> Result<(), AuthorityError> {
        let mut state = self.state();
        state.roll.applicant(name, now)?;
        state.record(vec![Entry::Rejected { name: name.clone() }])
    }

    /// Takes back all certificates of a name for good, and its invitations and its application with them. Connections
    /// end at once.
    pub fn revoke(&self, name: &Name, reason: Reason, now: SystemTime) -> Result<Taken, AuthorityError> {
        self.take_back(name, now, |_| Some(Status::Revoked { since: now, reason }))
    }

    /// Takes back all certificates of a name until they are released, and its invitations and its application for good.
    pub fn hold(&self, name: &Name, now: SystemTime) -> Result<Taken, AuthorityError> {
        self.take_back(name, now, |it| {
            (it == Status::Valid).then_some(Status::Held { since: now })
        })
    }

    /// Gives back what was held by mistake.
    pub fn release(&self, name: &Name, now: SystemTime) -> Result<usize, AuthorityError> {
        let mut state = self.state();
        let given = changes(&state.roll, name, now, |it| {
            matches!(it, Status::Held { .. }).then_some(Status::Valid)
        })?;
        self.changed(&mut state, given)
    }

    /// How a certificate stands.
    pub fn status(&self, serial: &str) -> Result<Record, AuthorityError> {
        Ok(self.state().roll.record(serial)?.clone())
    }

    /// All certificates that are on the roll, by serial number.
    pub fn records(&self) -> Vec<(String, Record)> {
        self.state()
            .roll
            .records()
            .map(|(serial, record)| (serial.to_owned(), record.clone()))
            .collect()
    }

    /// What was verified about the holder of a certificate.
    pub fn evidence(&self, serial: &str) -> Option<Evidence> {
        let state = self.state();
        let record = state.roll.record(serial).ok()?;
        Some(record.grant.evidence.clone())
    }

    /// All who wait for an operator.
    pub fn waiting(&self, now: SystemTime) -> Vec<(Name, Applicant)> {
        self.state()
            .roll
            .waiting(now)
            .map(|(name, it)| (name.clone(), it.clone()))
            .collect()
    }

    /// The signed revocation list in DER.
    pub fn list(&self, now: SystemTime) -> Result<Vec<u8>, AuthorityError> {
        let params = form::list(&self.times, self.state().roll.records(), now);
        Ok(params.signed_by(&self.issuer)?.der().to_vec())
    }

    /// Takes certificates back, and closes the other ways in.
    fn take_back(
        &self,
        name: &Name,
        now: SystemTime,
        become_what: impl Fn(Status) -> Option<Status>,
    ) -> Result<Taken, AuthorityError> {
        let mut state = self.state();
        let mut entries = changes(&state.roll, name, now, become_what)?;
        let taken = Taken {
            certificates: entries.len(),
            invitations: state.roll.invitations(name, now),
        };
        if taken.invitations > 0 || state.roll.applicant(name, now).is_ok() {
            entries.push(Entry::Voided { name: name.clone() });
        }
        self.changed(&mut state, entries)?;
        Ok(taken)
    }

    fn changed(&self, state: &mut Book, entries: Vec<Entry>) -> Result<usize, AuthorityError> {
        if entries.is_empty() {
            return Err(Refusal::UnknownCertificate.into());
        }
        let count = entries.len();
        state.record(entries)?;
        self.revoked.send_replace(Arc::new(state.roll.taken_back()));
        Ok(count)
    }

    fn issue(
        &self,
        state: &mut Book,
        application: &Application,
        (grant, token): (Grant, Option<String>),
        now: SystemTime,
    ) -> Result<Credential, AuthorityError> {
        let verified = &grant.evidence.organisation;
        if application
            .organisation
            .as_ref()
            .is_some_and(|it| !verified.is_empty() && it != verified)
        {
            return Err(Refusal::OtherOrganisation.into());
        }
        let (said, known) = (&application.claims.developer, &grant.evidence.developer);
        if !said.is_empty() && !known.is_empty() && said != known {
            return Err(Refusal::OtherDeveloper.into());
        }
        if let Some(what) = application.claims.beyond(&grant) {
            return Err(Refusal::Beyond(what).into());
        }
        let key = SubjectPublicKeyInfo::from_der(&application.key)?;
        self.certify(state, (grant, token), (&key, &[]), (now, now + self.times.holder))
    }

    /// Signs, and puts it on the roll. A name belongs to one kind of holder, so that taking it back is about one.
    fn certify(
        &self,
        state: &mut Book,
        (grant, token): (Grant, Option<String>),
        (key, addresses): (&impl PublicKeyData, &[String]),
        (now, until): (SystemTime, SystemTime),
    ) -> Result<Credential, AuthorityError> {
        if state.roll.is_taken(&grant.identity, now) {
            return Err(Refusal::TakenName.into());
        }
        let mut params = form::holder(&self.times, &grant, &random::<16>()?, (now, until))?;
        for address in addresses {
            params.subject_alt_names.push(match address.parse::<IpAddr>() {
                Ok(address) => SanType::IpAddress(address),
                Err(_) => SanType::DnsName(address.as_str().try_into()?),
            });
        }
        let certificate = params.signed_by(key, &self.issuer)?.der().clone();
        let serial = hexadecimal(&params.serial_number.map(|it| it.to_bytes()).unwrap_or_default());
        state.record(vec![Entry::Issued {
            serial,
            grant,
            until,
            token,
        }])?;
        Ok(Credential {
            certificate,
            authority: self.certificate.clone(),
            until,
        })
    }

    fn state(&self) -> MutexGuard<'_, Book> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What becomes of the certificates of a name that are not revoked and not expired.
fn changes(
    roll: &Roll,
    name: &Name,
    now: SystemTime,
    become_what: impl Fn(Status) -> Option<Status>,
) -> Result<Vec<Entry>, Refusal> {
    let mut entries = Vec::new();
    for serial in roll.current(name, now) {
        let status = become_what(roll.record(serial)?.status);
        entries.extend(status.map(|status| Entry::Became {
            serial: serial.to_owned(),
            status,
        }));
    }
    Ok(entries)
}

pub(crate) fn random<const N: usize>() -> Result<[u8; N], AuthorityError> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| AuthorityError::Random)?;
    Ok(bytes)
}
