//! What operating the controller asks of the store.

use std::path::Path;

use sqlx::Row;

use super::{Store, StoreError, TransactionRow, asked, schema, transaction_row};

impl Store {
    /// The transactions that have no ending yet, the oldest first.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn running(&self) -> Result<Vec<TransactionRow>, StoreError> {
        let query = "SELECT * FROM transaction_record WHERE state = 'running' ORDER BY begun, id";
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

    /// Writes a consistent copy to a file that is not there yet.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub async fn copy(&self, to: &Path) -> Result<(), StoreError> {
        schema::copy(&self.pool, to).await
    }
}
