//! A plan that was made without a controller is carried here: it is made anew, and refused where the network moved on.

use intents::read_one;
use knowledge_model::document;

use crate::app::{App, AppError, Asker, Wishes};
use crate::plan::{Plan, moved};

impl App {
    /// The plan that takes the place of a carried one.
    ///
    /// # Errors
    /// Where the plan was tampered with, or would be another one now: every difference.
    pub async fn carry(&self, carried: Plan, asker: &Asker) -> Result<Plan, AppError> {
        if carried.digest() != carried.hash {
            return Err(AppError::Changed { id: carried.id });
        }
        let library = self.library();
        let mut envelopes = Vec::new();
        for intent in &carried.intents {
            let node = document::read(&intent.asked.to_string()).map_err(AppError::Invalid)?;
            envelopes.push(read_one(&node, &library).map_err(AppError::Invalid)?);
        }
        let wishes = Wishes {
            ungated: carried.gate.off,
            forced: carried.forced,
            first: carried.first(),
        };
        let plan = self.considered(envelopes, carried.withdraws.clone(), wishes).await?;
        let moved = moved(&carried, &plan);
        if !moved.is_empty() {
            return Err(AppError::Stale(moved));
        }
        self.issue(plan, asker).await
    }
}
