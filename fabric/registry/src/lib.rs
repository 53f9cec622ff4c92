//! Which agents there are, what they can do, and whether they live.
//!
//! Pure: the time comes in as what a monotonic clock has counted, ids come in from the driver, changes come out.

mod discovery;
mod pace;
mod presence;
mod profile;

pub use discovery::Query;
use pace::Pace;
pub use pace::{MOST_CHANGES, WINDOW};
pub use presence::{Presence, Terms};
pub use profile::{Profile, Registration, ResourceId, ResourceIdError};

use fabric_identity::{Certificate, Name, Role};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How many agents are registered at most.
pub const MOST_AGENTS: usize = 10_000;

/// Why an agent is not registered, updated or deregistered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The certificate does not show that this is the agent.
    #[error("failed identity verification: {0}")]
    Identity(&'static str),
    /// Something that must be said is not said.
    #[error("missing information: {}", .0.join(", "))]
    Missing(Vec<&'static str>),
    /// Something is said in a form that is not taken.
    #[error("information that is not taken: {0}")]
    Malformed(&'static str),
    /// It changes what it says too often.
    #[error("more than {MOST_CHANGES} changes in a minute")]
    TooOften,
    /// There is no room.
    #[error("too many agents are registered")]
    Full,
    /// No agent has this resource id.
    #[error("no agent has this resource id")]
    Unknown,
    /// The agent was deregistered; it may register again.
    #[error("the agent is deregistered")]
    Deregistered,
}

/// Something that others may want to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// An agent is new, or has come back after it had deregistered.
    Joined(ResourceId),
    /// What an agent says about itself has changed.
    Updated(ResourceId),
    /// An agent's presence is another.
    Became(ResourceId, Presence),
}

/// All agents that have ever registered, by resource id.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    terms: Terms,
    profiles: BTreeMap<ResourceId, Profile>,
    names: BTreeMap<Name, ResourceId>,
    shut_out: BTreeSet<String>,
    paces: BTreeMap<ResourceId, Pace>,
}

impl Registry {
    /// An empty registry.
    pub fn new(terms: Terms) -> Self {
        Self {
            terms,
            ..Self::default()
        }
    }

    /// The registry as it was before a restart. Nobody could be heard meanwhile, so whoever was there is given
    /// the time to come back before anything is said about it.
    pub fn restored(terms: Terms, profiles: impl IntoIterator<Item = Profile>, now: Duration) -> Self {
        let mut registry = Self::new(terms);
        for mut profile in profiles {
            profile.heard = now + registry.terms.restart_grace;
            registry
                .names
                .insert(profile.registration.name.clone(), profile.resource);
            registry.profiles.insert(profile.resource, profile);
        }
        registry
    }

    /// The certificates that are taken back: their holders cannot register, and are offline at once.
    pub fn shut_out(&mut self, serials: BTreeSet<String>, now: Duration) -> Vec<Change> {
        self.shut_out = serials;
        let out = |it: &&mut Profile| self.shut_out.contains(&it.certificate);
        let shut = self.profiles.values_mut().filter(out);
        shut.filter_map(|it| it.becomes(Presence::Offline, now)).collect()
    }

    /// Registers an agent, or again one that is known by its name: it keeps its resource id. `fresh` is the id for a
    /// new one.
    pub fn register(
        &mut self,
        registration: Registration,
        certificate: &Certificate,
        fresh: ResourceId,
        now: Duration,
    ) -> Result<(ResourceId, Vec<Change>), Refusal> {
        self.verify(&registration, certificate)?;
        registration.check()?;
        let known = self.names.get(&registration.name).copied();
        if known.is_none() && self.profiles.len() >= MOST_AGENTS {
            return Err(Refusal::Full);
        }
        let resource = known.unwrap_or(fresh);
        let changes = |it: &Profile| it.presence == Presence::Deregistered || it.registration != registration;
        if self.profiles.get(&resource).is_some_and(changes) && !self.takes_change(resource, now) {
            return Err(Refusal::TooOften);
        }
        let before = self.profiles.remove(&resource);
        self.names.insert(registration.name.clone(), resource);
        let joined = before.as_ref().is_none_or(|it| it.presence == Presence::Deregistered);
        let mut changes = Vec::new();
        if joined {
            changes.push(Change::Joined(resource));
        } else if before.as_ref().is_some_and(|it| it.registration != registration) {
            changes.push(Change::Updated(resource));
        }
        let serial = certificate.serial.clone();
        let presence = before.map_or(Presence::Offline, |it| it.presence);
        let mut profile = Profile {
            resource,
            registration,
            certificate: serial,
            presence,
            since: now,
            heard: now,
        };
        changes.extend(profile.becomes(Presence::Online, now));
        self.profiles.insert(resource, profile);
        Ok((resource, changes))
    }

    /// Changes what an agent says about itself; its name stays. Who calls has made sure that it is the agent.
    pub fn update(
        &mut self,
        resource: ResourceId,
        registration: Registration,
        now: Duration,
    ) -> Result<Vec<Change>, Refusal> {
        if self.profiles.contains_key(&resource) && !self.takes_change(resource, now) {
            return Err(Refusal::TooOften);
        }
        let profile = self.profiles.get_mut(&resource).ok_or(Refusal::Unknown)?;
        if profile.presence == Presence::Deregistered {
            return Err(Refusal::Deregistered);
        }
        if profile.registration.name != registration.name {
            return Err(Refusal::Identity("the resource id is another agent's"));
        }
        if self.shut_out.contains(&profile.certificate) {
            return Err(Refusal::Identity("the certificate is taken back"));
        }
        registration.check()?;
        let mut changes = profile.hear(now);
        if profile.registration != registration {
            profile.registration = registration;
            changes.push(Change::Updated(resource));
        }
        Ok(changes)
    }

    /// Takes an agent out of what can be discovered; its profile stays for the record.
    pub fn deregister(&mut self, resource: ResourceId, by: &Name, now: Duration) -> Result<Vec<Change>, Refusal> {
        let profile = self.profiles.get_mut(&resource).ok_or(Refusal::Unknown)?;
        if profile.registration.name != *by {
            return Err(Refusal::Identity("the resource id is another agent's"));
        }
        Ok(profile.becomes(Presence::Deregistered, now).into_iter().collect())
    }

    /// An agent was heard. Who has deregistered is not brought back by that.
    pub fn heard(&mut self, name: &Name, now: Duration) -> Vec<Change> {
        self.of_name(name).map(|it| it.hear(now)).unwrap_or_default()
    }

    /// An agent's stream has ended: it may be back at once.
    pub fn lost(&mut self, name: &Name, now: Duration) -> Vec<Change> {
        let lost = self.of_name(name).filter(|it| it.presence == Presence::Online);
        lost.and_then(|it| it.becomes(Presence::TemporarilyOffline, now))
            .into_iter()
            .collect()
    }

    /// Time has passed: who was not heard for too long is offline, first for the time being, then for good.
    pub fn passed(&mut self, now: Duration) -> Vec<Change> {
        let terms = &self.terms;
        self.profiles.values_mut().filter_map(|it| it.age(terms, now)).collect()
    }

    /// The agents that have what is asked for, in the order of their names.
    pub fn discover(&self, query: &Query) -> Vec<&Profile> {
        self.names
            .values()
            .filter_map(|it| self.profiles.get(it))
            .filter(|it| query.matches(it))
            .collect()
    }

    /// One agent's profile.
    pub fn profile(&self, resource: ResourceId) -> Option<&Profile> {
        self.profiles.get(&resource)
    }

    /// The profile of a name.
    pub fn named(&self, name: &Name) -> Option<&Profile> {
        self.profile(*self.names.get(name)?)
    }

    /// All profiles, for the store.
    pub fn profiles(&self) -> impl Iterator<Item = &Profile> {
        self.profiles.values()
    }

    fn takes_change(&mut self, resource: ResourceId, now: Duration) -> bool {
        self.paces.entry(resource).or_default().takes(now)
    }

    fn of_name(&mut self, name: &Name) -> Option<&mut Profile> {
        let resource = self.names.get(name)?;
        self.profiles.get_mut(resource)
    }

    fn verify(&self, registration: &Registration, certificate: &Certificate) -> Result<(), Refusal> {
        if self.shut_out.contains(&certificate.serial) {
            return Err(Refusal::Identity("the certificate is taken back"));
        }
        if certificate.identity.role != Role::Agent {
            return Err(Refusal::Identity("the certificate is not an agent's"));
        }
        if certificate.identity.name != registration.name {
            return Err(Refusal::Identity("the certificate is another agent's"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
