//! Drift that an operator told us to leave alone.

use sqlx::Row;

use super::{Store, StoreError, asked};

impl Store {
    /// Leaves drift at a path, and below it, alone from now on.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn ignore(&self, device: &str, path: &str, who: &str, at: i64) -> Result<(), StoreError> {
        let query =
            "INSERT INTO ignored (device, path, who, at) VALUES ($1, $2, $3, $4) ON CONFLICT (device, path) DO NOTHING";
        let bound = sqlx::query(query).bind(device).bind(path).bind(who).bind(at);
        bound.execute(&self.pool).await.map_err(asked("ignore drift"))?;
        Ok(())
    }

    /// Looks at drift at a path again, and says whether it was ignored.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn heed(&self, device: &str, path: &str) -> Result<bool, StoreError> {
        let query = "DELETE FROM ignored WHERE device = $1 AND path = $2";
        let bound = sqlx::query(query).bind(device).bind(path);
        let done = bound.execute(&self.pool).await.map_err(asked("heed drift"))?;
        Ok(done.rows_affected() > 0)
    }

    /// Every path that is ignored, as device and path.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn ignored(&self) -> Result<Vec<(String, String)>, StoreError> {
        let rows = sqlx::query("SELECT device, path FROM ignored ORDER BY device, path")
            .fetch_all(&self.pool)
            .await;
        let rows = rows.map_err(asked("read which drift is ignored"))?;
        Ok(rows.iter().map(|row| (row.get("device"), row.get("path"))).collect())
    }
}
