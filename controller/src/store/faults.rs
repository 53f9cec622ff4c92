//! What went wrong on the devices of transactions, part by part.

use std::collections::HashMap;

use sqlx::Row;

use super::{Store, StoreError, asked};

impl Store {
    /// Keeps what went wrong on the devices of a transaction, as a JSON list.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn keep_faults(&self, transaction: &str, faults: &str) -> Result<(), StoreError> {
        let query = "UPDATE transaction_record SET faults = $2 WHERE id = $1";
        let bound = sqlx::query(query).bind(transaction).bind(faults);
        bound.execute(&self.pool).await.map_err(asked("keep faults"))?;
        Ok(())
    }

    /// What went wrong on the devices of these transactions, each a JSON list; of those that are not kept nothing.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn faults_of(&self, transactions: &[&str]) -> Result<HashMap<String, String>, StoreError> {
        let ids = serde_json::json!(transactions).to_string();
        let query = "SELECT id, faults FROM transaction_record WHERE id IN (SELECT value FROM json_each($1))";
        let rows = sqlx::query(query).bind(ids).fetch_all(&self.pool).await;
        let rows = rows.map_err(asked("read faults"))?;
        Ok(rows.iter().map(|row| (row.get("id"), row.get("faults"))).collect())
    }
}
