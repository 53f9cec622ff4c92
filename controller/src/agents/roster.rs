//! The registry on the live streams: who joins is registered, who lives is heard, and all of it outlives a restart.

pub(super) mod book;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fabric_identity::{Authority, Certificate, Name, Revocations};
use fabric_registry::{Change, Presence, Profile, Query, Refusal, Registration, Registry, ResourceId, Terms};
use fabric_wire::Place;
use fabric_wire::hello::KEEPS_TO;
use fabric_wire::v1::{Fault, Hello, Registered, Retry, Update};
use tokio::time::Instant;
use uuid::Uuid;

use book::Book;

/// How often it is looked who was not heard for too long.
const LOOK: Duration = Duration::from_secs(1);
/// What an agent that joins speaks in any case.
const PROTOCOL: &str = "entente.v1";
/// The language of an agent that names none: that of the wire.
const LANGUAGE: &str = "en";

/// Which agents there are, what they can do, and whether they live.
pub struct Roster {
    registry: Mutex<Registry>,
    book: Mutex<Book>,
    authority: Arc<Authority>,
    heartbeat: Duration,
    events: String,
    begun: Instant,
}

impl Roster {
    /// The roster as a former run of the program left it; `events` is where agents publish.
    pub fn open(path: &Path, terms: Terms, events: String, authority: Arc<Authority>) -> std::io::Result<Arc<Self>> {
        let (book, profiles) = Book::open(path)?;
        let heartbeat = terms.heartbeat;
        let registry = Registry::restored(terms, profiles, Duration::ZERO);
        Ok(Arc::new(Self {
            registry: Mutex::new(registry),
            book: Mutex::new(book),
            authority,
            heartbeat,
            events,
            begun: Instant::now(),
        }))
    }

    /// How often an agent that lives is taken note of.
    pub fn heartbeat(&self) -> Duration {
        self.heartbeat
    }

    /// Registers an agent that says hello, or says why not.
    pub fn register(&self, hello: &Hello, certificate: &Certificate, from: SocketAddr) -> Result<Place, Box<Fault>> {
        let said = said(hello, certificate, from).verified(&self.skills(&certificate.serial));
        if !said.unverified.is_empty() {
            tracing::info!(agent = %said.name, unverified = ?said.unverified, "says that it can do what nobody has verified: it is not found by that");
        }
        let fresh = ResourceId(Uuid::now_v7().as_u128());
        let mut registry = self.lock();
        let registered = registry.register(said, certificate, fresh, self.begun.elapsed());
        let (resource, changes) = registered.map_err(|refusal| {
            tracing::warn!(agent = %certificate.identity.name, %refusal, "registration failed");
            Box::new(fault(&refusal))
        })?;
        self.keep(&registry, &changes);
        Ok(Place {
            resource: resource.to_string(),
            events: self.events.clone(),
        })
    }

    /// What an agent says about itself from now on.
    pub fn update(&self, name: &str, update: Update) -> Registered {
        self.answered(name, |registry, profile, now| {
            let registration = Registration {
                name: profile.registration.name.clone(),
                description: update.description,
                capabilities: update.capabilities.into_iter().collect(),
                unverified: BTreeSet::new(),
                protocols: spoken(update.protocols),
                languages: languages(update.languages),
                address: update.address,
                attributes: update.attributes.into_iter().collect(),
            };
            let registration = registration.verified(&self.skills(&profile.certificate));
            registry.update(profile.resource, registration, now)
        })
    }

    /// What an operator has verified that the holder of a certificate can do, where he has verified anything. What its program
    /// keeps to when devices agree is not his to verify: an agent that is updated keeps to more.
    fn skills(&self, serial: &str) -> Vec<String> {
        let mut skills = self.authority.evidence(serial).unwrap_or_default().skills;
        if !skills.is_empty() {
            skills.extend(KEEPS_TO.map(str::to_owned));
        }
        skills
    }

    /// Takes an agent out of what is found.
    pub fn deregister(&self, name: &str) -> Registered {
        self.answered(name, |registry, profile, now| {
            registry.deregister(profile.resource, &profile.registration.name, now)
        })
    }

    fn answered(
        &self,
        name: &str,
        act: impl FnOnce(&mut Registry, Profile, Duration) -> Result<Vec<Change>, Refusal>,
    ) -> Registered {
        let mut registry = self.lock();
        let profile = name.parse().ok().and_then(|name: Name| registry.named(&name).cloned());
        let Some(profile) = profile else {
            return Registered {
                resource: String::new(),
                fault: Some(fault(&Refusal::Unknown)),
            };
        };
        let resource = profile.resource.to_string();
        let done = act(&mut registry, profile, self.begun.elapsed());
        let fault = match done {
            Ok(changes) => {
                self.keep(&registry, &changes);
                None
            }
            Err(refusal) => Some(fault(&refusal)),
        };
        Registered { resource, fault }
    }

    /// An agent was heard.
    pub fn heard(&self, name: &str) {
        self.note(name, Registry::heard);
    }

    /// An agent's stream has ended.
    pub fn lost(&self, name: &str) {
        self.note(name, Registry::lost);
    }

    fn note(&self, name: &str, note: impl FnOnce(&mut Registry, &Name, Duration) -> Vec<Change>) {
        let Ok(name) = name.parse::<Name>() else { return };
        let mut registry = self.lock();
        let changes = note(&mut registry, &name, self.begun.elapsed());
        self.keep(&registry, &changes);
    }

    /// Whether an agent's certificate is taken back.
    pub fn is_shut_out(&self, name: &str) -> bool {
        let profile = name.parse().ok().and_then(|it: Name| self.named(&it));
        profile.is_some_and(|it| self.revocations().borrow().contains(&it.certificate))
    }

    /// Whose certificates are taken back, now and from now on.
    pub fn revocations(&self) -> Revocations {
        self.authority.revocations()
    }

    /// Whether an agent that is away is waited for: it was there a while ago, and nobody has said that it is not to come.
    pub fn is_expected(&self, name: &str) -> bool {
        let profile = name.parse().ok().and_then(|it: Name| self.named(&it));
        let presence = profile.map(|it| it.presence);
        matches!(presence, Some(Presence::Online | Presence::TemporarilyOffline)) && !self.is_shut_out(name)
    }

    /// The agents that have what is asked for.
    pub fn discover(&self, query: &Query) -> Vec<Profile> {
        self.lock().discover(query).into_iter().cloned().collect()
    }

    /// One agent's profile.
    pub fn named(&self, name: &Name) -> Option<Profile> {
        self.lock().named(name).cloned()
    }

    /// Lets time pass, and shuts out whoever's certificate is taken back. Never ends.
    pub async fn watch(self: Arc<Self>) {
        let mut revoked = self.revocations();
        let mut look = tokio::time::interval(LOOK);
        self.shut_out((**revoked.borrow_and_update()).clone());
        loop {
            tokio::select! {
                _ = look.tick() => {
                    let mut registry = self.lock();
                    let changes = registry.passed(self.begun.elapsed());
                    self.keep(&registry, &changes);
                }
                Ok(()) = revoked.changed() => self.shut_out((**revoked.borrow_and_update()).clone()),
            }
        }
    }

    fn shut_out(&self, serials: BTreeSet<String>) {
        let mut registry = self.lock();
        let changes = registry.shut_out(serials, self.begun.elapsed());
        self.keep(&registry, &changes);
    }

    /// Tells what has changed, and keeps what must outlive a restart. Who is away for a while may be so because this
    /// very program stops: that is not kept, so that nobody is taken for absent after a restart.
    fn keep(&self, registry: &Registry, changes: &[Change]) {
        for change in changes {
            let (resource, lasting) = match change {
                Change::Joined(resource) | Change::Updated(resource) => (*resource, true),
                Change::Became(resource, presence) => (*resource, *presence != Presence::TemporarilyOffline),
            };
            let Some(profile) = registry.profile(resource) else {
                continue;
            };
            let (agent, presence) = (&profile.registration.name, profile.presence);
            tracing::info!(%agent, %resource, ?presence, ?change, "the registry has changed");
            if lasting && let Err(error) = self.book.lock().unwrap_or_else(PoisonError::into_inner).write(profile) {
                tracing::error!(%agent, %error, "cannot keep what the registry knows: it is lost with a restart");
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a hello says, with what goes without saying where an older agent leaves it out.
fn said(hello: &Hello, certificate: &Certificate, from: SocketAddr) -> Registration {
    let or = |text: &str, other: String| if text.trim().is_empty() { other } else { text.to_owned() };
    Registration {
        name: certificate.identity.name.clone(),
        description: or(&hello.description, hello.program.clone()),
        capabilities: hello.capabilities.iter().cloned().collect(),
        unverified: BTreeSet::new(),
        protocols: spoken(hello.protocols.clone()),
        languages: languages(hello.languages.clone()),
        address: or(&hello.address, from.to_string()),
        attributes: hello.attributes.clone().into_iter().collect(),
    }
}

fn spoken(protocols: Vec<String>) -> BTreeSet<String> {
    protocols.into_iter().chain([PROTOCOL.to_owned()]).collect()
}

fn languages(named: Vec<String>) -> BTreeSet<String> {
    if named.is_empty() {
        [LANGUAGE.to_owned()].into()
    } else {
        named.into_iter().collect()
    }
}

fn fault(refusal: &Refusal) -> Fault {
    let (code, retry) = match refusal {
        Refusal::Identity(_) => ("denied", Retry::Never),
        Refusal::Missing(_) | Refusal::Malformed(_) => ("malformed", Retry::Never),
        Refusal::Full | Refusal::TooOften => ("overloaded", Retry::Later),
        Refusal::Unknown | Refusal::Deregistered => ("unknown", Retry::Never),
    };
    Fault {
        code: code.to_owned(),
        retry: retry.into(),
        detail: format!("registration failed: {refusal}"),
        ..Fault::default()
    }
}
