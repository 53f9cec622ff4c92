//! The roll: who may apply, who was given which certificate, and what became of it.
//!
//! Pure. Every change is an [`Entry`]; the roll is what the entries make, so that it can be rebuilt from a file of them.

use crate::identity::{Identity, Name};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

/// How many applications may wait for an operator.
pub const MOST_WAITING: usize = 256;
/// How long the record of a certificate is kept after it has run out.
pub const KEPT_AFTER: Duration = Duration::from_secs(7 * 86_400);

/// What the operator has verified about whoever stands behind an agent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// The organisation that it belongs to.
    pub organisation: String,
    /// Who made it.
    pub developer: String,
    /// What it is for.
    pub function: String,
    /// What it can do, in the words of the registry.
    pub skills: Vec<String>,
}

/// What an operator allows an applicant to become.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// What its certificate will say.
    pub identity: Identity,
    /// What was verified.
    pub evidence: Evidence,
}

/// Why a certificate is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Somebody else may hold the key.
    KeyCompromise,
    /// The agent is out of service for good.
    Cessation,
    /// Its organisation has left.
    AffiliationChanged,
    /// No reason is given.
    Unspecified,
}

/// How a certificate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Issued, and nobody has taken it back.
    Valid,
    /// Taken back until released.
    Held {
        /// Since when.
        since: SystemTime,
    },
    /// Taken back for good.
    Revoked {
        /// Since when.
        since: SystemTime,
        /// Why.
        reason: Reason,
    },
}

/// One change of the roll.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the fields are those of the records that the entries make")]
pub enum Entry {
    /// A one-time token was made; of its secret only a digest is kept.
    Granted {
        token: String,
        digest: String,
        grant: Grant,
        until: SystemTime,
    },
    /// Somebody without a token waits for approval; the digest is of the key.
    Waiting {
        name: Name,
        key: String,
        organisation: String,
        since: SystemTime,
    },
    /// An operator has approved who waits.
    Approved { name: Name, key: String, grant: Grant },
    /// An operator has turned away who waits.
    Rejected { name: Name },
    /// A certificate was issued.
    Issued {
        serial: String,
        grant: Grant,
        until: SystemTime,
        token: Option<String>,
    },
    /// A certificate was taken back or given back.
    Became { serial: String, status: Status },
}

/// Why something is not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such token, or the secret is another.
    #[error("the token is not known")]
    UnknownToken,
    /// It was used before.
    #[error("the token was used before")]
    UsedToken,
    /// It has run out.
    #[error("the token has run out")]
    ExpiredToken,
    /// It was made for somebody else.
    #[error("the token was made for another name")]
    OtherName,
    /// The organisation that applies is not the one that was verified.
    #[error("the application names another organisation than was verified")]
    OtherOrganisation,
    /// An application of that name with another key waits.
    #[error("another application of that name waits for approval")]
    OtherKey,
    /// Too many wait.
    #[error("too many applications wait for approval")]
    TooManyWaiting,
    /// Nobody of that name waits.
    #[error("no application of that name waits for approval")]
    NobodyWaits,
    /// No such certificate.
    #[error("the certificate is not known")]
    UnknownCertificate,
    /// The certificate cannot be renewed or changed so.
    #[error("the certificate is {0}")]
    Standing(&'static str),
}

/// A one-time token as it is remembered.
#[derive(Debug, Clone)]
struct Token {
    digest: String,
    grant: Grant,
    until: SystemTime,
    is_used: bool,
}

/// Who waits for an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applicant {
    /// The digest of the key.
    pub key: String,
    /// The organisation that was named, as it was named.
    pub organisation: String,
    /// Since when.
    pub since: SystemTime,
    /// What was approved, if it was.
    pub approved: Option<Grant>,
}

/// A certificate on the roll.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What it says and what was verified.
    pub grant: Grant,
    /// When it runs out.
    pub until: SystemTime,
    /// How it stands.
    pub status: Status,
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
                since,
            } => {
                self.waiting.insert(
                    name,
                    Applicant {
                        key,
                        organisation,
                        since,
                        approved: None,
                    },
                );
            }
            Entry::Approved { name, key, grant } => {
                if let Some(applicant) = self.waiting.get_mut(&name).filter(|it| it.key == key) {
                    applicant.approved = Some(grant);
                }
            }
            Entry::Rejected { name } => drop(self.waiting.remove(&name)),
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
    pub fn queue(&self, name: &Name, key: &str) -> Result<Option<&Grant>, Refusal> {
        match self.waiting.get(name) {
            Some(applicant) if applicant.key != key => Err(Refusal::OtherKey),
            Some(applicant) => Ok(applicant.approved.as_ref()),
            None if self.waiting.len() >= MOST_WAITING => Err(Refusal::TooManyWaiting),
            None => Ok(None),
        }
    }

    /// What a renewal may say: the same as the certificate that it renews.
    pub fn renew(&self, serial: &str, name: &Name, now: SystemTime) -> Result<&Grant, Refusal> {
        let record = self.record(serial)?;
        match record.status {
            _ if record.grant.identity.name != *name => Err(Refusal::OtherName),
            _ if record.until < now => Err(Refusal::Standing("expired")),
            Status::Held { .. } => Err(Refusal::Standing("held")),
            Status::Revoked { .. } => Err(Refusal::Standing("revoked")),
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

    /// A certificate's record.
    pub fn record(&self, serial: &str) -> Result<&Record, Refusal> {
        self.records.get(serial).ok_or(Refusal::UnknownCertificate)
    }

    /// All certificates by serial number.
    pub fn records(&self) -> impl Iterator<Item = (&str, &Record)> {
        self.records.iter().map(|(serial, record)| (serial.as_str(), record))
    }

    /// All who wait, by name.
    pub fn waiting(&self) -> impl Iterator<Item = (&Name, &Applicant)> {
        self.waiting.iter()
    }

    /// Who of a name waits.
    pub fn applicant(&self, name: &Name) -> Result<&Applicant, Refusal> {
        self.waiting.get(name).ok_or(Refusal::NobodyWaits)
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
        for (name, it) in &self.waiting {
            let (name, key, organisation) = (name.clone(), it.key.clone(), it.organisation.clone());
            entries.push(Entry::Waiting {
                name: name.clone(),
                key: key.clone(),
                organisation,
                since: it.since,
            });
            entries.extend(it.approved.clone().map(|grant| Entry::Approved { name, key, grant }));
        }
        entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Role;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn name(text: &str) -> Name {
        text.parse().expect("a name")
    }

    fn grant() -> Grant {
        let identity = Identity {
            name: name("edge-1"),
            role: Role::Agent,
            devices: BTreeSet::new(),
            may: BTreeSet::new(),
        };
        Grant {
            identity,
            evidence: Evidence::default(),
        }
    }

    fn roll() -> Roll {
        let mut roll = Roll::default();
        roll.enter(Entry::Granted {
            token: "t".into(),
            digest: "d".into(),
            grant: grant(),
            until: at(100),
        });
        roll
    }

    fn issue(roll: &mut Roll) {
        roll.enter(Entry::Issued {
            serial: "01".into(),
            grant: grant(),
            until: at(1_000),
            token: Some("t".into()),
        });
    }

    #[test]
    fn a_token_is_good_once_in_time_and_for_its_name() {
        let mut roll = roll();
        assert_eq!(roll.redeem("t", "d", &name("edge-1"), at(50)), Ok(&grant()));
        assert_eq!(
            roll.redeem("t", "x", &name("edge-1"), at(50)),
            Err(Refusal::UnknownToken)
        );
        assert_eq!(roll.redeem("t", "d", &name("edge-2"), at(50)), Err(Refusal::OtherName));
        assert_eq!(
            roll.redeem("t", "d", &name("edge-1"), at(101)),
            Err(Refusal::ExpiredToken)
        );
        issue(&mut roll);
        assert_eq!(roll.redeem("t", "d", &name("edge-1"), at(50)), Err(Refusal::UsedToken));
    }

    #[test]
    fn a_renewal_needs_a_certificate_that_is_valid_and_ones_own() {
        let mut roll = roll();
        issue(&mut roll);
        assert_eq!(roll.renew("01", &name("edge-1"), at(500)), Ok(&grant()));
        assert_eq!(roll.renew("01", &name("edge-2"), at(500)), Err(Refusal::OtherName));
        assert_eq!(
            roll.renew("02", &name("edge-1"), at(500)),
            Err(Refusal::UnknownCertificate)
        );
        assert_eq!(
            roll.renew("01", &name("edge-1"), at(1_001)),
            Err(Refusal::Standing("expired"))
        );
        roll.enter(Entry::Became {
            serial: "01".into(),
            status: Status::Held { since: at(5) },
        });
        assert_eq!(
            roll.renew("01", &name("edge-1"), at(500)),
            Err(Refusal::Standing("held"))
        );
        assert_eq!(roll.taken_back().len(), 1);
        roll.enter(Entry::Became {
            serial: "01".into(),
            status: Status::Valid,
        });
        assert!(roll.taken_back().is_empty());
    }

    #[test]
    fn an_applicant_waits_with_its_key_until_it_is_approved() {
        let mut roll = Roll::default();
        assert_eq!(roll.queue(&name("edge-1"), "k"), Ok(None));
        let (key, organisation) = ("k".to_owned(), String::new());
        roll.enter(Entry::Waiting {
            name: name("edge-1"),
            key: key.clone(),
            organisation,
            since: at(1),
        });
        assert_eq!(roll.queue(&name("edge-1"), "other"), Err(Refusal::OtherKey));
        roll.enter(Entry::Approved {
            name: name("edge-1"),
            key: "other".into(),
            grant: grant(),
        });
        assert_eq!(roll.queue(&name("edge-1"), "k"), Ok(None), "another key was approved");
        roll.enter(Entry::Approved {
            name: name("edge-1"),
            key,
            grant: grant(),
        });
        assert_eq!(roll.queue(&name("edge-1"), "k"), Ok(Some(&grant())));
    }

    #[test]
    fn the_shortest_list_of_entries_makes_the_same_roll() {
        let mut roll = roll();
        issue(&mut roll);
        roll.enter(Entry::Became {
            serial: "01".into(),
            status: Status::Held { since: at(5) },
        });
        let mut again = Roll::default();
        roll.entries(at(500)).into_iter().for_each(|it| again.enter(it));
        assert_eq!(again.records, roll.records);
        assert_eq!(
            again.redeem("t", "d", &name("edge-1"), at(50)),
            Err(Refusal::UnknownToken),
            "used is forgotten"
        );
        assert!(roll.entries(at(1_000) + KEPT_AFTER + Duration::from_secs(1)).is_empty());
    }
}
