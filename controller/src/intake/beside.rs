//! REST about a broker beside the controller: its certificate, and what it must know.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use rustls::pki_types::CertificateSigningRequestDer;
use rustls::pki_types::pem::PemObject;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::problem::Problem;
use super::rest::{Door, asker, parse};
use crate::agents::invalid;
use crate::secure::armored;

/// The most names and addresses of one broker.
const MOST: usize = 16;

/// What a broker must know, certificates in PEM.
#[derive(Debug, Serialize, ToSchema)]
struct BesideView {
    /// The authority's certificate.
    authority: String,
    /// The signed list of certificates that are taken back; it is good for an hour.
    revoked: String,
    /// Who may publish and hear what, as mosquitto reads it.
    access: String,
}

/// Who applies for the certificate of a broker.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Request {
    /// A PKCS #10 request in PEM; its common name becomes the broker's, its key never leaves the broker.
    request: String,
    /// The names and addresses at which the broker is reached.
    #[serde(default)]
    addresses: Vec<String>,
    /// For how many days the certificate is good.
    #[serde(default = "thirty")]
    days: u32,
}

fn thirty() -> u32 {
    30
}

/// The certificate of a broker.
#[derive(Debug, Serialize, ToSchema)]
struct Issued {
    /// In PEM.
    certificate: String,
}

/// The routes.
pub fn routes() -> OpenApiRouter<Door> {
    OpenApiRouter::new().routes(routes!(beside)).routes(routes!(vouch))
}

/// What a broker beside the controller must know, as it is now.
#[utoipa::path(get, path = "/v1/broker", responses((status = 200, body = BesideView)))]
async fn beside(State(door): State<Door>) -> Result<Json<BesideView>, Problem> {
    let beside = door.app.beside()?;
    Ok(Json(BesideView {
        authority: armored("CERTIFICATE", &beside.authority),
        revoked: armored("X509 CRL", &beside.revoked),
        access: beside.access,
    }))
}

/// Issues the certificate of a broker beside the controller.
#[utoipa::path(post, path = "/v1/broker/certificate", request_body(content = Request, content_type = "application/json"),
    responses((status = 201, body = Issued), (status = 422, body = Problem)))]
async fn vouch(
    State(door): State<Door>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<Issued>), Problem> {
    let Request {
        request,
        addresses,
        days,
    } = parse(&body)?;
    if addresses.len() > MOST {
        return Err(invalid("too many addresses", "at most 16").into());
    }
    let request = CertificateSigningRequestDer::from_pem_slice(request.as_bytes());
    let request = request.map_err(|_| invalid("there is no request", "a PKCS #10 request in PEM"))?;
    let lasts = Duration::from_secs(u64::from(days) * 86_400);
    let issued = door.app.vouch(&request, &addresses, lasts, &asker(&headers)).await?;
    let certificate = armored("CERTIFICATE", &issued);
    Ok((StatusCode::CREATED, Json(Issued { certificate })))
}
