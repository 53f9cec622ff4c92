//! Freeze: nothing new is committed for a while; what takes back or repairs is.

use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::app::{App, AppError, Asker, missing, stamp};
use crate::network::Known;
use crate::policy::written;

/// A freeze that holds now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Freeze {
    /// Who put it there, or the name of the policy's window.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Until when, in milliseconds since 1970; nothing means until it is lifted.
    pub until: Option<i64>,
    /// The same for people.
    pub ends: String,
}

impl Freeze {
    fn new(by: String, reason: String, until: Option<i64>) -> Self {
        let ends = until.map_or_else(|| "when it is lifted".to_owned(), written);
        Self {
            by,
            reason,
            until,
            ends,
        }
    }
}

impl App {
    /// The freezes that hold now, of all devices.
    pub async fn freezes(&self) -> Result<Vec<Freeze>, AppError> {
        let devices: Vec<Known> = self.network.lock().await.devices().cloned().collect();
        let named = self.policy.frozen(&devices, stamp());
        let window = named.map(|it| Freeze::new(format!("window {}", it.name), String::new(), Some(it.until)));
        Ok(self.lasting().await?.into_iter().chain(window).collect())
    }

    /// What an operator froze, if it is not over.
    async fn lasting(&self) -> Result<Option<Freeze>, AppError> {
        let kept = self.store.frozen().await?;
        let lasts = kept.filter(|it| it.until.is_none_or(|until| until > stamp()));
        Ok(lasts.map(|it| Freeze::new(it.who, it.reason, it.until)))
    }

    /// Whether these devices may be changed now.
    pub(crate) async fn thawed(&self, devices: &[Known]) -> Result<(), AppError> {
        let window = self.policy.frozen(devices, stamp());
        let window = window.map(|it| Freeze::new(format!("window {}", it.name), String::new(), Some(it.until)));
        match self.lasting().await?.or(window) {
            Some(freeze) => Err(AppError::Frozen { freeze }),
            None => Ok(()),
        }
    }

    /// Freezes the whole network until then.
    pub async fn freeze(&self, until: Option<i64>, reason: &str, asker: &Asker) -> Result<Freeze, AppError> {
        self.store.freeze(&asker.who, reason, until, stamp()).await?;
        let detail = json!({ "until": until, "reason": reason });
        self.note(asker, "freeze", "network", detail).await?;
        Ok(Freeze::new(asker.who.clone(), reason.to_owned(), until))
    }

    /// Lifts what an operator froze.
    pub async fn thaw(&self, asker: &Asker) -> Result<(), AppError> {
        if !self.store.thaw().await? {
            return Err(missing("freeze by an operator", "to lift"));
        }
        self.note(asker, "thaw", "network", json!({})).await
    }
}
