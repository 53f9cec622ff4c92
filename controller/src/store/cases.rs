//! What went wrong before, as documents.

use sqlx::Row;

use super::{Store, StoreError, asked};

impl Store {
    /// Keeps a case, in the place of an earlier form of it.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn keep_case(&self, id: &str, at: i64, body: &str) -> Result<(), StoreError> {
        let query = "INSERT INTO case_record (id, at, body) VALUES ($1, $2, $3) \
            ON CONFLICT (id) DO UPDATE SET at = excluded.at, body = excluded.body";
        let bound = sqlx::query(query).bind(id).bind(at).bind(body);
        bound.execute(&self.pool).await.map_err(asked("keep a case"))?;
        Ok(())
    }

    /// Forgets a case.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn forget_case(&self, id: &str) -> Result<(), StoreError> {
        let bound = sqlx::query("DELETE FROM case_record WHERE id = $1").bind(id);
        bound.execute(&self.pool).await.map_err(asked("forget a case"))?;
        Ok(())
    }

    /// All cases, the earliest first.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn cases(&self) -> Result<Vec<String>, StoreError> {
        let rows = sqlx::query("SELECT body FROM case_record ORDER BY at, id")
            .fetch_all(&self.pool)
            .await;
        Ok(rows
            .map_err(asked("read the cases"))?
            .iter()
            .map(|row| row.get("body"))
            .collect())
    }
}
