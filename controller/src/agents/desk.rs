//! What an operator sees of agents and does about them: invite, approve, reject, hold, release, revoke, deregister.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use fabric_identity::identity::{IdentityError, Pattern};
use fabric_identity::roll::{Applicant, Evidence, Grant, Reason, Record, Refusal, Status};
use fabric_identity::{AuthorityError, Identity, Name, Permission, Role, Taken};
use fabric_registry::{Presence, Profile, Query};
use knowledge_model::document::{Fault, Mark};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{CONTROLLER, Joined, clock};
use crate::app::{App, AppError, Asker, missing};

/// How long an invitation is good for.
const INVITED: Duration = Duration::from_secs(3600);

/// What an operator allows an agent, and what he has verified about whoever stands behind it.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Allowance {
    /// Names of devices of the inventory that it may speak for.
    pub devices: Vec<String>,
    /// What it may do: `configure`, `observe`, `publish`; nothing named: all of it.
    pub may: Vec<String>,
    /// The organisation that it belongs to.
    pub organisation: String,
    /// Who made it.
    pub developer: String,
    /// What it is for.
    pub function: String,
    /// What it can do.
    pub skills: Vec<String>,
    /// The digest of the key of the application that is approved, as both sides show it; an invitation has none.
    pub key: String,
}

/// An agent with everything that is known of it.
#[derive(Debug, Clone)]
pub struct Card {
    /// Its name.
    pub name: Name,
    /// What the registry knows.
    pub profile: Option<Profile>,
    /// What it said when it joined; none if it is not here.
    pub joined: Option<Joined>,
    /// Its application, if it waits for an operator.
    pub applicant: Option<Applicant>,
    /// Its certificates by serial number, the one that lasts longest first.
    pub certificates: Vec<(String, Record)>,
}

impl Card {
    /// How it stands with the authority: `waiting`, `valid`, `held`, `revoked`, `expired`, or `unknown`.
    pub fn standing(&self, now: SystemTime) -> &'static str {
        match self.certificates.first() {
            None if self.applicant.is_some() => "waiting",
            None => "unknown",
            Some((_, record)) => stands(record, now),
        }
    }
}

/// How a certificate stands.
pub fn stands(record: &Record, now: SystemTime) -> &'static str {
    match record.status {
        Status::Revoked { .. } => "revoked",
        Status::Held { .. } => "held",
        Status::Valid if record.until < now => "expired",
        Status::Valid => "valid",
    }
}

impl App {
    /// The agents that have what is asked for; where nothing is asked for, also those that wait for an operator.
    pub fn agents_found(&self, mut query: Query) -> Vec<Card> {
        let everybody = query == Query::default();
        if query.presence.is_empty() {
            query.presence = [Presence::Online, Presence::TemporarilyOffline, Presence::Offline].into();
        }
        let found = self.roster.discover(&query);
        let mut names: BTreeSet<Name> = found.into_iter().map(|it| it.registration.name).collect();
        if everybody {
            names.extend(self.authority.waiting(clock()).into_iter().map(|(name, _)| name));
        }
        self.cards(names)
    }

    /// One agent, also one that was never here but has a certificate or applies for one.
    pub fn agent(&self, name: &str) -> Result<Card, AppError> {
        let parsed: Name = name.parse().map_err(|_| missing("agent", name))?;
        let known = |it: &Card| it.profile.is_some() || it.applicant.is_some() || !it.certificates.is_empty();
        let card = self.cards([parsed].into()).into_iter().find(known);
        card.ok_or_else(|| missing("agent", name))
    }

    fn cards(&self, names: BTreeSet<Name>) -> Vec<Card> {
        let mut joined = self.agents.joined();
        let mut waiting = self.authority.waiting(clock());
        let records = self.authority.records();
        let card = |name: Name| {
            let of_name =
                |(_, it): &&(String, Record)| it.grant.identity.name == name && it.grant.identity.role == Role::Agent;
            let mut certificates: Vec<_> = records.iter().filter(of_name).cloned().collect();
            certificates.sort_by_key(|(_, it)| std::cmp::Reverse(it.until));
            Card {
                profile: self.roster.named(&name),
                joined: take(&mut joined, |it| it.name == name.as_str()),
                applicant: take(&mut waiting, |(it, _)| *it == name).map(|(_, it)| it),
                certificates,
                name,
            }
        };
        names.into_iter().map(card).collect()
    }

    /// Makes a one-time token for a new agent.
    pub async fn invite(&self, name: &str, allowance: Allowance, asker: &Asker) -> Result<String, AppError> {
        if !allowance.key.is_empty() {
            return Err(invalid(
                "an invitation is for no key",
                "leave `key` out: the agent makes its key itself",
            ));
        }
        let detail = json!({ "devices": allowance.devices });
        let grant = self.granted(name, allowance).await?;
        let token = self.authority.grant(grant, clock() + INVITED);
        let token = token.map_err(|error| refused(error, name))?;
        self.note(asker, "invite", name, detail).await?;
        Ok(token)
    }

    /// Approves an agent that waits, as what the operator says.
    pub async fn approve(&self, name: &str, allowance: Allowance, asker: &Asker) -> Result<(), AppError> {
        let (key, detail) = (
            allowance.key.clone(),
            json!({ "devices": allowance.devices, "key": allowance.key }),
        );
        if key.is_empty() {
            let hint = "give `key` as `entente agent show` and the agent's own log show it";
            return Err(invalid("whose key is approved is not said", hint));
        }
        let grant = self.granted(name, allowance).await?;
        let approved = self.authority.approve(grant, &key, clock());
        approved.map_err(|error| refused(error, name))?;
        self.note(asker, "approve", name, detail).await
    }

    /// Turns away an agent that waits.
    pub async fn reject(&self, name: &str, asker: &Asker) -> Result<(), AppError> {
        let named = name.parse().map_err(|_| missing("application of", name))?;
        self.authority
            .reject(&named, clock())
            .map_err(|error| refused(error, name))?;
        self.note(asker, "reject", name, json!({})).await
    }

    /// Takes back all certificates of an agent for good, with its invitations and its application: its stream ends at
    /// once.
    pub async fn revoke(&self, name: &str, reason: Reason, asker: &Asker) -> Result<Taken, AppError> {
        let taken = self.changed(name, |it| self.authority.revoke(it, reason, clock()))?;
        self.note(
            asker,
            "revoke",
            name,
            json!({ "reason": reason, "certificates": taken.certificates, "invitations": taken.invitations }),
        )
        .await?;
        Ok(taken)
    }

    /// Takes back all certificates of an agent until they are released, and its invitations and its application for
    /// good: its stream ends at once.
    pub async fn hold(&self, name: &str, asker: &Asker) -> Result<Taken, AppError> {
        let taken = self.changed(name, |it| self.authority.hold(it, clock()))?;
        let detail = json!({ "certificates": taken.certificates, "invitations": taken.invitations });
        self.note(asker, "hold", name, detail).await?;
        Ok(taken)
    }

    /// Gives back what was held.
    pub async fn release(&self, name: &str, asker: &Asker) -> Result<usize, AppError> {
        let given = self.changed(name, |it| self.authority.release(it, clock()))?;
        self.note(asker, "release", name, json!({ "certificates": given }))
            .await?;
        Ok(given)
    }

    /// Takes an agent out of what is found, until it joins again.
    pub async fn deregister(&self, name: &str, asker: &Asker) -> Result<(), AppError> {
        let registered = self.roster.deregister(name);
        if registered.fault.is_some() {
            return Err(missing("agent", name));
        }
        self.note(asker, "deregister", name, json!({ "resource": registered.resource }))
            .await
    }

    fn changed<T>(&self, name: &str, change: impl FnOnce(&Name) -> Result<T, AuthorityError>) -> Result<T, AppError> {
        let named: Name = name.parse().map_err(|_| missing("certificate of", name))?;
        if name == CONTROLLER {
            return Err(invalid(
                "that is the controller itself",
                "its certificates end by themselves within a day",
            ));
        }
        change(&named).map_err(|error| refused(error, name))
    }

    async fn granted(&self, name: &str, allowance: Allowance) -> Result<Grant, AppError> {
        let network = self.network.lock().await;
        let id = |name: &String| {
            let known = network.named(name).map(|it| it.id.to_string());
            known.ok_or_else(|| missing("device", name))
        };
        let ids = allowance.devices.iter().map(id).collect::<Result<Vec<_>, _>>()?;
        drop(network);
        let may = permitted(&allowance.may)?;
        let evidence = Evidence {
            organisation: allowance.organisation,
            developer: allowance.developer,
            function: allowance.function,
            skills: allowance.skills,
        };
        if !sound(&evidence) {
            return Err(invalid(
                "the evidence is too long or has control characters",
                "at most 128 bytes each, 64 skills",
            ));
        }
        let identity = identity(name, &ids, may);
        let identity = identity.map_err(|error| invalid(&error.to_string(), "small letters, digits and dashes"))?;
        Ok(Grant { identity, evidence })
    }
}

fn take<T>(all: &mut Vec<T>, wanted: impl FnMut(&T) -> bool) -> Option<T> {
    let at = all.iter().position(wanted)?;
    Some(all.swap_remove(at))
}

fn permitted(words: &[String]) -> Result<BTreeSet<Permission>, AppError> {
    if words.is_empty() {
        return Ok(Permission::ALL.into());
    }
    let known = |word: &String| {
        let permission = Permission::ALL.into_iter().find(|it| it.word() == word);
        permission.ok_or_else(|| invalid(&format!("no permission {word:?}"), "configure, observe, publish"))
    };
    words.iter().map(known).collect()
}

fn sound(evidence: &Evidence) -> bool {
    let Evidence {
        organisation,
        developer,
        function,
        skills,
    } = evidence;
    let plain = |it: &String| it.len() <= 128 && !it.chars().any(char::is_control);
    skills.len() <= 64 && [organisation, developer, function].into_iter().chain(skills).all(plain)
}

fn identity(name: &str, devices: &[String], may: BTreeSet<Permission>) -> Result<Identity, IdentityError> {
    let devices = devices
        .iter()
        .map(|it| it.parse::<Pattern>())
        .collect::<Result<_, _>>()?;
    Ok(Identity {
        name: name.parse()?,
        role: Role::Agent,
        devices,
        may,
    })
}

/// What was given makes no sense, and what would.
pub fn invalid(what: &str, hint: &str) -> AppError {
    let at = Mark { line: 1, column: 1 };
    AppError::Invalid(vec![Fault {
        at,
        what: what.to_owned(),
        hint: hint.to_owned(),
    }])
}

fn refused(error: AuthorityError, name: &str) -> AppError {
    match error {
        AuthorityError::Refused(Refusal::NobodyWaits) => missing("application of", name),
        AuthorityError::Refused(Refusal::UnknownCertificate) => missing("certificate of", name),
        AuthorityError::Refused(refusal) => invalid(&refusal.to_string(), ""),
        AuthorityError::Application(_)
        | AuthorityError::Waiting
        | AuthorityError::Disk { .. }
        | AuthorityError::Roll { .. }
        | AuthorityError::Sign(_)
        | AuthorityError::Random => AppError::Inside(format!("the authority failed: {error}")),
    }
}
