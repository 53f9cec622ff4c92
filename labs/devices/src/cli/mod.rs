//! Terminals as devices show them: prompts, modes, failure marks.

use std::sync::Arc;

use crate::personality::Dialect;
use crate::shared::{Connection, Shared};

/// Serves a terminal until one side ends it.
pub async fn serve(shared: Arc<Shared>, _: Dialect, connection: Connection) {
    let id = shared.begin_session(&connection.token);
    let _ = connection.channel.close().await;
    shared.end_session(id);
}
