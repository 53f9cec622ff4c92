//! The intents that hold, as they were asked for.

use intents::{Envelope, Library, Named, read_one};
use knowledge_model::document;

use crate::plan::PlannedIntent;
use crate::store::{Kept, Store, StoreError};

/// How many intents are looked at.
const MOST: i64 = 100_000;

/// The intents that hold, by their ids; what an older program kept without what was asked is left out.
pub async fn holding(store: &Store, library: &Library) -> Result<Vec<(String, Named)>, StoreError> {
    let kept = store.intents_after(None, MOST).await?;
    Ok(kept
        .iter()
        .filter(|it| it.state == "active")
        .filter_map(|it| named(it, library))
        .collect())
}

fn named(kept: &Kept, library: &Library) -> Option<(String, Named)> {
    let intent: PlannedIntent = serde_json::from_str(&kept.body).ok()?;
    let envelope = as_asked(&intent, library)?;
    let name = intent.name.clone().unwrap_or_else(|| short(&intent));
    Some((kept.id.clone(), Named { name, envelope }))
}

/// What operators see of an intent without a name.
fn short(intent: &PlannedIntent) -> String {
    // The first half of an id is the time at which it was given.
    let end = intent.id.len().saturating_sub(12);
    format!("{} {}", intent.class, intent.id.get(end..).unwrap_or(&intent.id))
}

/// An intent as it was asked for; none where its class is no longer there.
fn as_asked(intent: &PlannedIntent, library: &Library) -> Option<Envelope> {
    let node = document::read(&intent.asked.to_string()).ok()?;
    read_one(&node, library).ok()
}
