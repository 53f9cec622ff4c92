//! What stood on devices around transactions, in their own words and without secrets.

use serde::Serialize;
use sqlx::Row;
use utoipa::ToSchema;

use super::{Store, StoreError, asked};

/// A configuration that is kept, without its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Native {
    /// Counts up for each device.
    pub number: i64,
    /// The transaction that it was kept for.
    pub transaction: String,
    /// `before` or `after` it.
    pub moment: String,
    /// The digest of the text: equal configurations have equal ones.
    pub digest: String,
    /// When it was read, in milliseconds since 1970.
    pub at: i64,
}

impl Store {
    /// Keeps a configuration under the device's next number.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn keep_native(&self, device: &str, native: &Native, text: &str) -> Result<(), StoreError> {
        let act = "keep a native configuration";
        let query = "INSERT INTO native_text (digest, body) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING";
        let bound = sqlx::query(query).bind(&native.digest).bind(text);
        bound.execute(&self.pool).await.map_err(asked(act))?;
        let query = "INSERT INTO native (device, number, transaction_id, moment, digest, at) \
            SELECT $1, COALESCE(MAX(number), 0) + 1, $2, $3, $4, $5 FROM native WHERE device = $1";
        let bound = sqlx::query(query)
            .bind(device)
            .bind(&native.transaction)
            .bind(&native.moment)
            .bind(&native.digest)
            .bind(native.at);
        bound.execute(&self.pool).await.map_err(asked(act))?;
        Ok(())
    }

    /// Forgets what is older than `since` and all but the latest `most` of a device, but never the latest of all.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn forget_native(&self, device: &str, most: i64, since: i64) -> Result<(), StoreError> {
        let act = "forget native configurations";
        let query = "DELETE FROM native WHERE device = $1 AND number < (SELECT MAX(number) FROM native WHERE device = $1) \
            AND (at < $3 OR number <= (SELECT MAX(number) FROM native WHERE device = $1) - $2)";
        let bound = sqlx::query(query).bind(device).bind(most).bind(since);
        bound.execute(&self.pool).await.map_err(asked(act))?;
        let query = "DELETE FROM native_text WHERE digest NOT IN (SELECT digest FROM native)";
        sqlx::query(query).execute(&self.pool).await.map_err(asked(act))?;
        Ok(())
    }

    /// What is kept of a device, the latest first.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn native(&self, device: &str) -> Result<Vec<Native>, StoreError> {
        let query = "SELECT * FROM native WHERE device = $1 ORDER BY number DESC";
        let rows = sqlx::query(query).bind(device).fetch_all(&self.pool).await;
        let native = |row: &sqlx::sqlite::SqliteRow| Native {
            number: row.get("number"),
            transaction: row.get("transaction_id"),
            moment: row.get("moment"),
            digest: row.get("digest"),
            at: row.get("at"),
        };
        Ok(rows
            .map_err(asked("list native configurations"))?
            .iter()
            .map(native)
            .collect())
    }

    /// The text of one number of a device.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn native_text(&self, device: &str, number: i64) -> Result<Option<String>, StoreError> {
        let query = "SELECT body FROM native_text JOIN native ON native.digest = native_text.digest \
            WHERE native.device = $1 AND native.number = $2";
        let row = sqlx::query(query)
            .bind(device)
            .bind(number)
            .fetch_optional(&self.pool)
            .await;
        Ok(row
            .map_err(asked("read a native configuration"))?
            .map(|row| row.get("body")))
    }
}
