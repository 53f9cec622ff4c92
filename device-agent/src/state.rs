//! What a device says of itself, as entries: sessions, links, neighbours.

use adapters_platform::{Measure, Seen};
use adapters_port::{Access, Deadline, Observation, Query, Reading, SessionError};
use knowledge_model::{Path, Tree};

/// Reads what stands below the names that begin these paths. What the device has no word for is left out.
pub(crate) async fn read(way: &dyn Access, paths: &[Path], by: Deadline) -> Result<Tree, SessionError> {
    let mut observer = way.observe(by).await?;
    let mut tree = Tree::new();
    for path in paths {
        let Some(step) = path.steps().next() else { continue };
        match observer.query(&Query::of(step.name), by).await {
            Ok(seen) => {
                for (path, value) in seen.into_iter().filter_map(entry) {
                    tree.insert(path, value);
                }
            }
            Err(error @ (SessionError::Unsupported { .. } | SessionError::Refused { .. })) => {
                tracing::debug!(name = step.name, %error, "the device does not say this of itself");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(tree)
}

fn entry(seen: Observation) -> Option<(Path, knowledge_model::Value)> {
    let value = match seen.reading {
        Reading::Number(number) => Measure::Number(number),
        Reading::Word(word) => Measure::Word(word),
        Reading::Unknown => return None,
    };
    let (name, labels) = (seen.name, seen.labels);
    Seen { name, labels, value }.entry()
}
