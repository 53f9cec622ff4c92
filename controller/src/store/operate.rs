//! What operating the controller asks of the store.

use std::path::Path;

use sqlx::Row;

use super::{Kept, Store, StoreError, TransactionRow, asked, kept, schema, transaction_row};

impl Store {
    /// The transactions that have no ending yet, the oldest first.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn running(&self) -> Result<Vec<TransactionRow>, StoreError> {
        let query = transactions!("WHERE state = 'running' ORDER BY begun, id");
        let rows = sqlx::query(query).fetch_all(&self.pool).await;
        let rows = rows.map_err(asked("list what runs"))?;
        Ok(rows.iter().map(transaction_row).collect())
    }

    /// What became of a transaction; nothing where there is no row of it.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn state_of(&self, id: &str) -> Result<Option<String>, StoreError> {
        let query = "SELECT state FROM transaction_record WHERE id = $1";
        let row = sqlx::query(query).bind(id).fetch_optional(&self.pool).await;
        Ok(row.map_err(asked("find a transaction"))?.map(|row| row.get("state")))
    }

    /// A page of the transactions, the newest first, after the one of this id.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn transactions_after(&self, after: Option<&str>, most: i64) -> Result<Vec<TransactionRow>, StoreError> {
        let query = transactions!("WHERE $1 IS NULL OR id < $1 ORDER BY id DESC LIMIT $2");
        let rows = sqlx::query(query).bind(after).bind(most).fetch_all(&self.pool).await;
        Ok(rows
            .map_err(asked("list transactions"))?
            .iter()
            .map(transaction_row)
            .collect())
    }

    /// A page of the intents, the newest first, after the one of this time and id.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn intents_after(&self, after: Option<(i64, &str)>, most: i64) -> Result<Vec<Kept>, StoreError> {
        let query = "SELECT id, body, state, at FROM intent WHERE $1 IS NULL OR at < $1 OR (at = $1 AND id < $2) \
            ORDER BY at DESC, id DESC LIMIT $3";
        let bound = sqlx::query(query).bind(after.map(|it| it.0)).bind(after.map(|it| it.1));
        let rows = bound.bind(most).fetch_all(&self.pool).await;
        Ok(rows.map_err(asked("list intents"))?.iter().map(kept).collect())
    }

    /// When the last entry of the audit chain was written, in milliseconds since 1970.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn last_stamp(&self) -> Result<Option<i64>, StoreError> {
        let entry = self.last_audit().await?;
        Ok(entry.and_then(|row| serde_json::from_str::<serde_json::Value>(&row.body).ok()?["at"].as_i64()))
    }

    /// Writes a consistent copy to a file that is not there yet.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub async fn copy(&self, to: &Path) -> Result<(), StoreError> {
        schema::copy(&self.pool, to).await
    }
}
