//! The roll: who may apply, who was given which certificate, and what became of it.
//!
//! Pure. Every change is an [`Entry`]; the roll is what the entries make, so that it can be rebuilt from a file of them.

mod entry;
#[cfg(test)]
mod tests;

pub use entry::{Applicant, Entry, Evidence, Grant, Reason, Record, Refusal, Status};

use crate::identity::{Identity, Name};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

/// How many applications may wait for an operator.
pub const MOST_WAITING: usize = 256;
/// How many of them may have come from one address.
pub const MOST_OF_ADDRESS: usize = 32;
/// How many certificates of one name are good at a time at most, where they come from renewals.
pub const MOST_GOOD: usize = 16;
/// How long an application waits, and how long what was approved is good for.
pub const APPLIES: Duration = Duration::from_secs(3_600);
/// How long the record of a certificate is kept after it has run out.
pub const KEPT_AFTER: Duration = Duration::from_secs(7 * 86_400);

/// A one-time token as it is remembered.
#[derive(Debug, Clone)]
struct Token {
    digest: String,
    grant: Grant,
    until: SystemTime,
    is_used: bool,
}

/// The roll.
#[derive(Debug, Clone, Default)]
pub struct Roll {
    tokens: BTreeMap<String, Token>,
    waiting: BTreeMap<Name, Applicant>,
    records: BTreeMap<String, Record>,
}

impl Roll {
    /// Takes a change in. A change about something unknown changes nothing.
    pub fn enter(&mut self, entry: Entry) {
        match entry {
            Entry::Granted {
                token,
                digest,
                grant,
                until,
            } => {
                self.tokens.insert(
                    token,
                    Token {
                        digest,
                        grant,
                        until,
                        is_used: false,
                    },
                );
            }
            Entry::Waiting {
                name,
                key,
                organisation,
                claims,
                since,
                from,
            } => {
                self.waiting.retain(|_, it| it.until >= since); // who applies makes room
                self.waiting.insert(
                    name,
                    Applicant {
                        key,
                        organisation,
                        claims,
                        since,
                        from,
                        until: since + APPLIES,
                        approved: None,
                    },
                );
            }
            Entry::Approved { name, key, grant, at } => {
                if let Some(applicant) = self.waiting.get_mut(&name).filter(|it| it.key == key) {
                    applicant.until = at.unwrap_or(applicant.since) + APPLIES;
                    applicant.approved = Some(grant);
                }
            }
            Entry::Rejected { name } => drop(self.waiting.remove(&name)),
            Entry::Voided { name } => {
                self.tokens.retain(|_, it| it.is_used || it.grant.identity.name != name);
                self.waiting.remove(&name);
            }
            Entry::Issued {
                serial,
                grant,
                until,
                token,
            } => self.issued(serial, grant, until, token),
            Entry::Became { serial, status } => {
                if let Some(record) = self.records.get_mut(&serial) {
                    record.status = status;
                }
            }
        }
    }

    fn issued(&mut self, serial: String, grant: Grant, until: SystemTime, token: Option<String>) {
        if let Some(token) = token.and_then(|it| self.tokens.get_mut(&it)) {
            token.is_used = true;
        }
        self.waiting.remove(&grant.identity.name);
        self.records.insert(
            serial,
            Record {
                grant,
                until,
                status: Status::Valid,
            },
        );
    }

    /// What a token allows; `digest` is of the secret that was shown.
    pub fn redeem(&self, token: &str, digest: &str, name: &Name, now: SystemTime) -> Result<&Grant, Refusal> {
        let token = self
            .tokens
            .get(token)
            .filter(|it| it.digest == digest)
            .ok_or(Refusal::UnknownToken)?;
        match token {
            it if it.is_used => Err(Refusal::UsedToken),
            it if it.until < now => Err(Refusal::ExpiredToken),
            it if it.grant.identity.name != *name => Err(Refusal::OtherName),
            it => Ok(&it.grant),
        }
    }

    /// What an applicant without a token gets: what was approved, or a place among those who wait.
    pub fn queue(
        &self,
        (name, key): (&Name, &str),
        from: Option<IpAddr>,
        now: SystemTime,
    ) -> Result<Option<&Grant>, Refusal> {
        if let Ok(applicant) = self.applicant(name, now) {
            return if applicant.key == key {
                Ok(applicant.approved.as_ref())
            } else {
                Err(Refusal::OtherKey)
            };
        }
        let neighbours = self.waiting(now).filter(|(_, it)| from.is_some() && it.from == from);
        if neighbours.count() >= MOST_OF_ADDRESS {
            return Err(Refusal::TooManyFromOne);
        }
        if self.waiting(now).count() >= MOST_WAITING {
            return Err(Refusal::TooManyWaiting);
        }
        Ok(None)
    }

    /// How many invitations of a name are good.
    pub fn invitations(&self, name: &Name, now: SystemTime) -> usize {
        let good = |it: &&Token| !it.is_used && it.until >= now && it.grant.identity.name == *name;
        self.tokens.values().filter(good).count()
    }

    /// What a renewal may say: the same as the certificate that it renews.
    pub fn renew(&self, serial: &str, name: &Name, now: SystemTime) -> Result<&Grant, Refusal> {
        let record = self.record(serial)?;
        match record.status {
            _ if record.grant.identity.name != *name => Err(Refusal::OtherName),
            _ if record.until < now => Err(Refusal::Standing("expired")),
            Status::Held { .. } => Err(Refusal::Standing("held")),
            Status::Revoked { .. } => Err(Refusal::Standing("revoked")),
            Status::Valid if self.current(name, now).len() >= MOST_GOOD => Err(Refusal::TooManyGood),
            Status::Valid => Ok(&record.grant),
        }
    }

    /// The certificates that a revocation or a hold of a name is about: all that are not revoked and not expired.
    pub fn current(&self, name: &Name, now: SystemTime) -> Vec<&str> {
        let of_name = |record: &Record| record.grant.identity.name == *name && record.until >= now;
        let live = |record: &Record| !matches!(record.status, Status::Revoked { .. });
        self.records
            .iter()
            .filter(|(_, it)| of_name(it) && live(it))
            .map(|(serial, _)| serial.as_str())
            .collect()
    }

    /// Forgets what has run out long ago.
    pub fn forget(&mut self, now: SystemTime) {
        self.records.retain(|_, it| it.until + KEPT_AFTER >= now);
    }

    /// Whether somebody of another role has that name.
    pub fn is_taken(&self, identity: &Identity, now: SystemTime) -> bool {
        let other = |it: &Record| it.grant.identity.name == identity.name && it.grant.identity.role != identity.role;
        self.records.values().any(|it| other(it) && it.until >= now)
    }

    /// A certificate's record.
    pub fn record(&self, serial: &str) -> Result<&Record, Refusal> {
        self.records.get(serial).ok_or(Refusal::UnknownCertificate)
    }

    /// All certificates by serial number.
    pub fn records(&self) -> impl Iterator<Item = (&str, &Record)> {
        self.records.iter().map(|(serial, record)| (serial.as_str(), record))
    }

    /// All who wait, by name.
    pub fn waiting(&self, now: SystemTime) -> impl Iterator<Item = (&Name, &Applicant)> {
        self.waiting.iter().filter(move |(_, it)| it.until >= now)
    }

    /// Who of a name waits.
    pub fn applicant(&self, name: &Name, now: SystemTime) -> Result<&Applicant, Refusal> {
        let waits = self.waiting.get(name).filter(|it| it.until >= now);
        waits.ok_or(Refusal::NobodyWaits)
    }

    /// The serial numbers of all certificates that are taken back for now or for good.
    pub fn taken_back(&self) -> BTreeSet<String> {
        let back = self.records.iter().filter(|(_, it)| it.status != Status::Valid);
        back.map(|(serial, _)| serial.clone()).collect()
    }

    /// The shortest list of entries that makes this roll, without what has run out long ago.
    pub fn entries(&self, now: SystemTime) -> Vec<Entry> {
        let mut entries = Vec::new();
        for (token, it) in self.tokens.iter().filter(|(_, it)| !it.is_used && it.until >= now) {
            let (token, digest, grant) = (token.clone(), it.digest.clone(), it.grant.clone());
            entries.push(Entry::Granted {
                token,
                digest,
                grant,
                until: it.until,
            });
        }
        for (serial, it) in self.records.iter().filter(|(_, it)| it.until + KEPT_AFTER >= now) {
            let (serial, status) = (serial.clone(), it.status);
            entries.push(Entry::Issued {
                serial: serial.clone(),
                grant: it.grant.clone(),
                until: it.until,
                token: None,
            });
            if status != Status::Valid {
                entries.push(Entry::Became { serial, status });
            }
        }
        for (name, it) in self.waiting(now) {
            let (name, key, organisation) = (name.clone(), it.key.clone(), it.organisation.clone());
            entries.push(Entry::Waiting {
                name: name.clone(),
                key: key.clone(),
                organisation,
                claims: it.claims.clone(),
                since: it.since,
                from: it.from,
            });
            let at = it.until.checked_sub(APPLIES);
            let approved = it.approved.clone();
            entries.extend(approved.map(|grant| Entry::Approved { name, key, grant, at }));
        }
        entries
    }
}
