//! One look at a device: its configuration, or what it says of itself.

use adapters_failover::Failover;
use adapters_port::{Access, Deadline, SessionError};
use knowledge_model::Path;

use crate::failure::Failure;
use crate::link::{Reading, Source};
use crate::reach;
use crate::state;

/// What stands there, or why it cannot be said. Nothing named means everything.
pub(crate) async fn read(way: &Failover, source: Source, paths: &[Path], by: Deadline) -> Result<Reading, Failure> {
    let all = [Path::root()];
    let paths = if paths.is_empty() { &all[..] } else { paths };
    match tokio::time::timeout_at(by.instant().into(), look(way, source, paths, by)).await {
        Ok(Ok(reading)) => Ok(reading),
        Ok(Err(error)) => Err(Failure::of(&error)),
        Err(_) => Err(Failure::late("the reading")),
    }
}

async fn look(way: &Failover, source: Source, paths: &[Path], by: Deadline) -> Result<Reading, SessionError> {
    match source {
        Source::Running => {
            let mut observer = way.observe(by).await?;
            observer.read(paths, by).await.map(Reading::Canonical)
        }
        Source::Native => {
            let mut observer = way.observe(by).await?;
            observer.native(by).await.map(Reading::Native)
        }
        Source::State => state::read(way, paths, by).await.map(Reading::Canonical),
        Source::Ways => Ok(Reading::Canonical(reach::ways(way, by).await)),
    }
}
