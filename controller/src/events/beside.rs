//! A broker beside the controller: its certificate, who is shut out, and who may publish and hear what there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::time::{Duration, SystemTime};

use fabric_events::{ROOT, level};
use fabric_identity::identity::Pattern;
use fabric_identity::roll::{Record, Refusal, Status};
use fabric_identity::{AuthorityError, Permission, Role};
use serde_json::json;

use crate::agents::{CONTROLLER, clock, invalid};
use crate::app::{App, AppError, Asker};

/// The longest time that a certificate of a broker is good for.
const LONGEST: Duration = Duration::from_secs(90 * 86_400);

/// What a broker is set up with; certificates in DER.
#[derive(Debug, Clone)]
pub struct Beside {
    /// The authority's certificate.
    pub authority: Vec<u8>,
    /// The signed list of what is taken back.
    pub revoked: Vec<u8>,
    /// Who may publish and hear what, in mosquitto's words.
    pub access: String,
}

impl App {
    /// What a broker needs to know, as it is now.
    pub fn beside(&self) -> Result<Beside, AppError> {
        let now = clock();
        let revoked = self.authority.list(now);
        Ok(Beside {
            authority: self.authority.certificate().to_vec(),
            revoked: revoked.map_err(|error| AppError::Inside(format!("the authority failed: {error}")))?,
            access: access(&self.authority.records(), now),
        })
    }

    /// Issues the certificate of a broker that is reached at these names and addresses, to who holds the key of the
    /// request; in DER.
    pub async fn vouch(
        &self,
        request: &[u8],
        addresses: &[String],
        lasts: Duration,
        asker: &Asker,
    ) -> Result<Vec<u8>, AppError> {
        if lasts.is_zero() || lasts > LONGEST {
            return Err(invalid("how long the certificate is to be good for", "1 to 90 days"));
        }
        let issued = self.authority.issue_broker(request, addresses, lasts, clock());
        let issued = issued.map_err(|error| match error {
            AuthorityError::Application(error) => invalid(&crate::start::chain(&error), "a PKCS #10 request in PEM"),
            AuthorityError::Refused(refusal @ Refusal::TakenName) => {
                invalid(&refusal.to_string(), "take another common name")
            }
            AuthorityError::Sign(error) => {
                invalid(&format!("no certificate can say that: {error}"), "names and addresses")
            }
            error @ (AuthorityError::Refused(_)
            | AuthorityError::Waiting
            | AuthorityError::Disk { .. }
            | AuthorityError::Roll { .. }
            | AuthorityError::Random) => AppError::Inside(format!("the authority failed: {error}")),
        })?;
        let detail = json!({ "addresses": addresses, "days": lasts.as_secs() / 86_400 });
        self.note(asker, "vouch", "broker", detail).await?;
        Ok(issued.certificate.to_vec())
    }
}

/// Who may do what at a broker, as mosquitto reads it: the controller all, each agent what is about its own devices or
/// about none. Who is not named here may nothing.
fn access(records: &[(String, Record)], now: SystemTime) -> String {
    let mut agents: BTreeMap<&str, (BTreeSet<&Pattern>, bool)> = BTreeMap::new();
    for (_, record) in records {
        let identity = &record.grant.identity;
        if identity.role == Role::Agent && record.status == Status::Valid && record.until >= now {
            let (devices, publishes) = agents.entry(identity.name.as_str()).or_default();
            devices.extend(&identity.devices);
            *publishes |= identity.may.contains(&Permission::Publish);
        }
    }
    let mut text = format!("user {CONTROLLER}\ntopic readwrite {ROOT}/#\n");
    for (name, (devices, publishes)) in agents {
        let word = if publishes { "readwrite" } else { "read" };
        let _ = writeln!(text, "\nuser {name}\ntopic {word} {ROOT}/+/+/_"); // a string takes whatever is written
        for pattern in devices.into_iter().map(ToString::to_string) {
            let _ = match pattern.strip_suffix('*') {
                None => writeln!(text, "topic {word} {ROOT}/+/+/{}", level(&pattern)),
                Some("") => writeln!(text, "topic {word} {ROOT}/+/+/+"),
                Some(_) => writeln!(text, "# {pattern} cannot be said here: name each device"),
            };
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use fabric_identity::Identity;
    use fabric_identity::roll::{Evidence, Grant};

    fn record(name: &str, devices: &[&str], status: Status, may: &[Permission]) -> (String, Record) {
        let identity = Identity {
            name: name.parse().unwrap(),
            role: Role::Agent,
            devices: devices.iter().map(|it| it.parse().unwrap()).collect(),
            may: may.iter().copied().collect(),
        };
        let grant = Grant {
            identity,
            evidence: Evidence::default(),
        };
        let until = SystemTime::UNIX_EPOCH + Duration::from_secs(100);
        (name.to_owned(), Record { grant, until, status })
    }

    #[test]
    fn each_agent_may_what_is_its_own_and_who_is_shut_out_nothing() {
        let since = SystemTime::UNIX_EPOCH;
        let records = [
            record("east", &["pe1"], Status::Valid, &Permission::ALL),
            record("ear", &["*"], Status::Valid, &[Permission::Observe]),
            record("west", &["pe*"], Status::Valid, &Permission::ALL),
            record("gone", &["pe2"], Status::Held { since }, &Permission::ALL),
        ];
        let text = access(&records[..], since);
        assert!(
            text.starts_with("user controller\ntopic readwrite entente/v1/event/#\n"),
            "{text}"
        );
        assert!(
            text.contains(
                "user east\ntopic readwrite entente/v1/event/+/+/_\ntopic readwrite entente/v1/event/+/+/pe1\n"
            ),
            "{text}"
        );
        assert!(
            text.contains("user ear\ntopic read entente/v1/event/+/+/_\ntopic read entente/v1/event/+/+/+\n"),
            "{text}"
        );
        assert!(
            text.contains("# pe* cannot be said here") && !text.contains("gone") && !text.contains("pe2"),
            "{text}"
        );
        let late = since + Duration::from_secs(101);
        assert!(
            !access(&records[..], late).contains("east"),
            "what has run out counts no longer"
        );
    }
}
