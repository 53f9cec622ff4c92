//! Operating the controller over REST: backups.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::io::AsyncReadExt;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::problem::Problem;
use super::rest::{Door, asker, parse};
use crate::app::AppError;
use crate::backup::SealedFile;

/// The shortest passphrase that seals a backup.
const SHORTEST: usize = 8;
/// How much of a file is sent at once.
const PIECE: usize = 64 * 1024;

/// The routes.
pub fn routes() -> OpenApiRouter<Door> {
    OpenApiRouter::new().routes(routes!(backup))
}

/// What a backup is sealed with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BackupRequest {
    /// The passphrase, without which nobody reads it; at least 8 characters.
    #[schema(min_length = 8)]
    passphrase: String,
}

/// Takes a backup of everything durable, consistent while transactions go on, sealed with a passphrase.
#[utoipa::path(post, path = "/v1/backup", request_body(content = BackupRequest, content_type = "application/json"),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>), (status = 422, body = Problem)))]
async fn backup(State(door): State<Door>, headers: HeaderMap, body: Bytes) -> Result<Response, Problem> {
    let request: BackupRequest = parse(&body)?;
    if request.passphrase.chars().count() < SHORTEST {
        return Err(Problem::invalid(format!(
            "the passphrase is shorter than {SHORTEST} characters: take a longer one"
        )));
    }
    let sealed = door.app.backup(request.passphrase, &asker(&headers)).await?;
    let inside = |error: std::io::Error| AppError::Inside(format!("send the backup: {error}"));
    let file = tokio::fs::File::open(&sealed.path).await.map_err(inside)?;
    let length = file.metadata().await.map_err(inside)?.len();
    let kind = header::HeaderValue::from_static("application/octet-stream");
    let headers = [(header::CONTENT_TYPE, kind), (header::CONTENT_LENGTH, length.into())];
    Ok((headers, Body::from_stream(pieces(file, sealed))).into_response())
}

/// The file piece by piece; it goes when the last piece is sent.
fn pieces(file: tokio::fs::File, sealed: SealedFile) -> impl futures::Stream<Item = std::io::Result<Bytes>> {
    futures::stream::unfold((file, sealed), |(mut file, sealed)| async move {
        let mut piece = vec![0; PIECE];
        match file.read(&mut piece).await {
            Ok(0) => None,
            Ok(length) => {
                piece.truncate(length);
                Some((Ok(piece.into()), (file, sealed)))
            }
            Err(error) => Some((Err(error), (file, sealed))),
        }
    })
}
