//! The REST door's part about agents: who is there, what each can do, and what an operator does about it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query as Asked, State};
use axum::http::{HeaderMap, StatusCode};
use fabric_identity::Taken;
use fabric_identity::roll::{Applicant, Reason, Record};
use fabric_registry::{Presence, Query};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::pages::{Page, Paged, escaped};
use super::problem::Problem;
use super::rest::{Door, asker, parse};
use crate::agents::{Allowance, Card, clock, stands};
use crate::app::AppError;

/// The routes about agents.
pub fn routes() -> OpenApiRouter<Door> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(invite))
        .routes(routes!(approve))
        .routes(routes!(reject))
        .routes(routes!(revoke))
        .routes(routes!(hold))
        .routes(routes!(release))
        .routes(routes!(deregister))
}

/// What agents must have to be listed; several words of one kind are separated by commas.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// Can do all of these.
    capability: String,
    /// Speaks one of these.
    protocol: String,
    /// Has texts in one of these languages.
    language: String,
    /// Has all of these attributes, each as `NAME=VALUE`.
    attribute: String,
    /// Is `online`, `temporarily-offline` or `offline`.
    presence: String,
    /// How many rows at most.
    limit: Option<usize>,
    /// The name after which the page begins.
    after: Option<String>,
}

impl Wanted {
    /// The page that is asked for.
    fn page(&self) -> Page {
        Page {
            limit: self.limit,
            after: self.after.clone(),
        }
    }

    /// The path of the list, so that the next page asks for the same.
    fn path(&self) -> String {
        let asked = [
            ("capability", &self.capability),
            ("protocol", &self.protocol),
            ("language", &self.language),
            ("attribute", &self.attribute),
            ("presence", &self.presence),
        ];
        let asked = asked.iter().filter(|(_, words)| !words.is_empty());
        let pairs: Vec<String> = asked
            .map(|(name, words)| format!("{name}={}", escaped(words)))
            .collect();
        let more = if pairs.is_empty() { "" } else { "?" };
        format!("/v1/agents{more}{}", pairs.join("&"))
    }
}

/// An agent in a list.
#[derive(Debug, Serialize, ToSchema)]
struct AgentView {
    /// Its name.
    name: String,
    /// `online`, `temporarily-offline`, `offline`, `deregistered`; empty for one that was never here.
    presence: String,
    /// How it stands with the authority: `waiting`, `valid`, `held`, `revoked`, `expired`.
    standing: &'static str,
    /// The devices that it speaks for now.
    devices: Vec<String>,
    /// Those of them that it would configure and another agent keeps, each with who: `r1: edge configures it`.
    withheld: Vec<String>,
    /// What it can do.
    capabilities: BTreeSet<String>,
    /// What it says that it can do, and nobody has verified: it is not found by that.
    unverified: BTreeSet<String>,
    /// The program that it is.
    program: String,
    /// Its place in the registry.
    resource: String,
}

/// An agent with everything that is known of it.
#[derive(Debug, Serialize, ToSchema)]
struct AgentDetail {
    #[serde(flatten)]
    agent: AgentView,
    /// What it is for.
    description: String,
    /// What it speaks.
    protocols: BTreeSet<String>,
    /// The languages of its texts.
    languages: BTreeSet<String>,
    /// Where it is reached, or from where it dials.
    address: String,
    /// What else it may be found by.
    attributes: BTreeMap<String, String>,
    /// What its application says of itself and asks for, if it waits: nobody has verified it.
    application: Option<ApplicationView>,
    /// Its certificates, the one that lasts longest first.
    certificates: Vec<CertificateView>,
}

/// What an application says.
#[derive(Debug, Serialize, ToSchema)]
struct ApplicationView {
    /// The SHA-256 of its public key, as the agent shows it too: what is approved.
    key: String,
    /// The address that it came from.
    from: String,
    /// When it is forgotten, in milliseconds since 1970.
    until: u64,
    /// The organisation that it names.
    organisation: String,
    /// Who made the agent.
    developer: String,
    /// What it is for.
    function: String,
    /// What it can do.
    skills: BTreeSet<String>,
    /// The devices that it wants to speak for, by id or the beginning of ids.
    devices: Vec<String>,
    /// What it wants to do.
    may: Vec<&'static str>,
}

impl ApplicationView {
    fn of(applicant: &Applicant) -> Self {
        let claims = applicant.claims.clone();
        Self {
            key: applicant.key.clone(),
            from: applicant.from.map(|it| it.to_string()).unwrap_or_default(),
            until: milliseconds(applicant.until),
            organisation: applicant.organisation.clone(),
            developer: claims.developer,
            function: claims.function,
            skills: claims.skills,
            devices: claims.devices.iter().map(ToString::to_string).collect(),
            may: claims.may.iter().map(|it| it.word()).collect(),
        }
    }
}

/// A certificate on the roll.
#[derive(Debug, Serialize, ToSchema)]
struct CertificateView {
    /// Its serial number.
    serial: String,
    /// `valid`, `held`, `revoked` or `expired`.
    standing: &'static str,
    /// When it runs out, in milliseconds since 1970.
    until: u64,
    /// What the holder may do, and for which devices, as it stands in the certificate.
    names: Vec<String>,
    /// The organisation that was verified.
    organisation: String,
    /// Who made the agent.
    developer: String,
    /// What it is for.
    function: String,
    /// What it can do.
    skills: Vec<String>,
}

/// What an agent is started with.
#[derive(Debug, Serialize, ToSchema)]
struct Invitation {
    /// The agent's name.
    name: String,
    /// The one-time token; it is shown once and good for an hour.
    token: String,
    /// The fingerprint of the authority's certificate.
    fingerprint: String,
    /// Where the agent dials.
    address: String,
    /// Where it enrols.
    enrolment: String,
}

/// Why certificates are taken back.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct Revocation {
    /// `key-compromise`, `cessation`, `affiliation-changed` or `unspecified`.
    #[schema(value_type = Option<String>)]
    reason: Option<Reason>,
}

/// What was changed.
#[derive(Debug, Serialize, ToSchema)]
struct Changed {
    /// The agent's name.
    name: String,
    /// How many certificates.
    certificates: usize,
    /// How many invitations were withdrawn.
    invitations: usize,
}

impl Changed {
    fn of(name: String, taken: Taken) -> Self {
        let Taken {
            certificates,
            invitations,
        } = taken;
        Self {
            name,
            certificates,
            invitations,
        }
    }
}

/// The agents that have what is asked for, and those that wait for an operator.
#[utoipa::path(get, path = "/v1/agents", params(Wanted), responses((status = 200, body = [AgentView]), (status = 422, body = Problem)))]
async fn list(State(door): State<Door>, Asked(wanted): Asked<Wanted>) -> Result<Paged<AgentView>, Problem> {
    let cards = door.app.agents_found(query(&wanted)?);
    let rows = cards.into_iter().map(|it| view(&door, it));
    wanted.page().of(&wanted.path(), rows, |it| it.name.clone())
}

/// One agent with everything that is known of it.
#[utoipa::path(get, path = "/v1/agents/{name}", responses((status = 200, body = AgentDetail), (status = 404, body = Problem)))]
async fn show(State(door): State<Door>, Path(name): Path<String>) -> Result<Json<AgentDetail>, Problem> {
    let card = door.app.agent(&name)?;
    let said = card.profile.as_ref().map(|it| it.registration.clone());
    let (application, certificates) = (
        card.applicant.as_ref().map(ApplicationView::of),
        card.certificates.iter().map(certificate).collect(),
    );
    let plain = |take: fn(&fabric_registry::Registration) -> String| said.as_ref().map(take).unwrap_or_default();
    let words =
        |take: fn(&fabric_registry::Registration) -> BTreeSet<String>| said.as_ref().map(take).unwrap_or_default();
    Ok(Json(AgentDetail {
        description: plain(|it| it.description.clone()),
        protocols: words(|it| it.protocols.clone()),
        languages: words(|it| it.languages.clone()),
        address: plain(|it| it.address.clone()),
        attributes: said.as_ref().map(|it| it.attributes.clone()).unwrap_or_default(),
        application,
        certificates,
        agent: view(&door, card),
    }))
}

/// Makes a one-time token for a new agent and the devices that it may speak for.
#[utoipa::path(post, path = "/v1/agents/{name}/invitation", request_body(content = Allowance, content_type = "application/json"),
    responses((status = 201, body = Invitation), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn invite(
    State(door): State<Door>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<Invitation>), Problem> {
    let token = door.app.invite(&name, parse(&body)?, &asker(&headers)).await?;
    let (address, enrolment) = (door.app.doors.0.to_string(), door.app.doors.1.to_string());
    let fingerprint = door.app.authority.fingerprint();
    let invitation = Invitation {
        name,
        token,
        fingerprint,
        address,
        enrolment,
    };
    Ok((StatusCode::CREATED, Json(invitation)))
}

/// Approves an agent that waits without a token, and whose key is the one named here: its next call gets a certificate that says what stands here.
#[utoipa::path(post, path = "/v1/agents/{name}/approve", request_body(content = Allowance, content_type = "application/json"),
    responses((status = 204), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn approve(
    State(door): State<Door>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Problem> {
    door.app.approve(&name, parse(&body)?, &asker(&headers)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Turns away an agent that waits.
#[utoipa::path(post, path = "/v1/agents/{name}/reject", responses((status = 204), (status = 404, body = Problem)))]
async fn reject(State(door): State<Door>, Path(name): Path<String>, headers: HeaderMap) -> Result<StatusCode, Problem> {
    door.app.reject(&name, &asker(&headers)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes back all certificates of an agent for good, with its invitations and its application: its stream ends at once.
#[utoipa::path(post, path = "/v1/agents/{name}/revoke", request_body(content = Revocation, content_type = "application/json"),
    responses((status = 200, body = Changed), (status = 404, body = Problem)))]
async fn revoke(
    State(door): State<Door>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Changed>, Problem> {
    let revocation: Revocation = if body.is_empty() {
        Revocation::default()
    } else {
        parse(&body)?
    };
    let reason = revocation.reason.unwrap_or(Reason::Unspecified);
    let taken = door.app.revoke(&name, reason, &asker(&headers)).await?;
    Ok(Json(Changed::of(name, taken)))
}

/// Takes back all certificates of an agent until they are released, and its invitations and its application for good:
/// its stream ends at once.
#[utoipa::path(post, path = "/v1/agents/{name}/hold", responses((status = 200, body = Changed), (status = 404, body = Problem)))]
async fn hold(
    State(door): State<Door>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Changed>, Problem> {
    let taken = door.app.hold(&name, &asker(&headers)).await?;
    Ok(Json(Changed::of(name, taken)))
}

/// Gives back what was held by mistake.
#[utoipa::path(post, path = "/v1/agents/{name}/release", responses((status = 200, body = Changed), (status = 404, body = Problem)))]
async fn release(
    State(door): State<Door>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Changed>, Problem> {
    let taken = Taken {
        certificates: door.app.release(&name, &asker(&headers)).await?,
        invitations: 0,
    };
    Ok(Json(Changed::of(name, taken)))
}

/// Takes an agent out of what is found, until it joins again.
#[utoipa::path(post, path = "/v1/agents/{name}/deregister", responses((status = 204), (status = 404, body = Problem)))]
async fn deregister(
    State(door): State<Door>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    door.app.deregister(&name, &asker(&headers)).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn query(wanted: &Wanted) -> Result<Query, AppError> {
    let words = |text: &str| {
        text.split(',')
            .map(str::trim)
            .filter(|it| !it.is_empty())
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let attribute = |it: String| {
        let pair = it
            .split_once('=')
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        pair.ok_or_else(|| unclear(&it, "an attribute is NAME=VALUE"))
    };
    let presence = |it: String| {
        let known = [Presence::Online, Presence::TemporarilyOffline, Presence::Offline];
        let found = known.into_iter().find(|known| known.word() == it);
        found.ok_or_else(|| unclear(&it, "online, temporarily-offline or offline"))
    };
    Ok(Query {
        capabilities: words(&wanted.capability).into_iter().collect(),
        protocols: words(&wanted.protocol).into_iter().collect(),
        languages: words(&wanted.language).into_iter().collect(),
        attributes: words(&wanted.attribute)
            .into_iter()
            .map(attribute)
            .collect::<Result<_, _>>()?,
        presence: words(&wanted.presence)
            .into_iter()
            .map(presence)
            .collect::<Result<_, _>>()?,
    })
}

/// A word of a query that says nothing.
pub(super) fn unclear(given: &str, hint: &str) -> AppError {
    AppError::Invalid(vec![knowledge_model::document::Fault {
        at: knowledge_model::document::Mark { line: 1, column: 1 },
        what: format!("{given:?} is not understood"),
        hint: hint.to_owned(),
    }])
}

fn view(door: &Door, card: Card) -> AgentView {
    use crate::commit::Agents as _;
    let standing = card.standing(clock());
    let devices = card.joined.iter().flat_map(|it| &it.devices);
    let withheld = door.app.agents.withheld(card.name.as_str()).into_iter();
    let withheld = withheld.map(|it| format!("{}: {} configures it", door.app.agents.name(it.device), it.keeper));
    AgentView {
        standing,
        withheld: withheld.collect(),
        devices: devices.map(|it| door.app.agents.name(it.id)).collect(),
        presence: card
            .profile
            .as_ref()
            .map(|it| it.presence.word().to_owned())
            .unwrap_or_default(),
        capabilities: card
            .profile
            .as_ref()
            .map(|it| it.registration.capabilities.clone())
            .unwrap_or_default(),
        unverified: card
            .profile
            .as_ref()
            .map(|it| it.registration.unverified.clone())
            .unwrap_or_default(),
        program: card.joined.map(|it| it.program).unwrap_or_default(),
        resource: card.profile.map(|it| it.resource.to_string()).unwrap_or_default(),
        name: card.name.to_string(),
    }
}

fn certificate((serial, record): &(String, Record)) -> CertificateView {
    let evidence = &record.grant.evidence;
    CertificateView {
        serial: serial.clone(),
        standing: stands(record, clock()),
        until: milliseconds(record.until),
        names: record.grant.identity.uris(),
        organisation: evidence.organisation.clone(),
        developer: evidence.developer.clone(),
        function: evidence.function.clone(),
        skills: evidence.skills.clone(),
    }
}

fn milliseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
