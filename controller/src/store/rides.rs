//! Which transactions rode another one together.

use sqlx::Row;

use super::{Store, StoreError, asked};

impl Store {
    /// Keeps that a transaction rode another.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn keep_ride(&self, rider: &str, carrier: &str) -> Result<(), StoreError> {
        let query = "INSERT INTO ride (rider, carrier) VALUES ($1, $2) ON CONFLICT (rider) DO NOTHING";
        let bound = sqlx::query(query).bind(rider).bind(carrier);
        bound
            .execute(&self.pool)
            .await
            .map_err(asked("keep what a transaction rode"))?;
        Ok(())
    }

    /// The transactions that rode this one, in the order in which they were asked for; none where it was asked for itself.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn riders(&self, carrier: &str) -> Result<Vec<String>, StoreError> {
        let query = "SELECT rider FROM ride WHERE carrier = $1 ORDER BY rider";
        let rows = sqlx::query(query).bind(carrier).fetch_all(&self.pool).await;
        let rows = rows.map_err(asked("read what rode a transaction"))?;
        Ok(rows.iter().map(|row| row.get("rider")).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_rode_is_found_in_order_and_kept_once() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        for rider in ["b", "a", "b"] {
            store.keep_ride(rider, "c").await.unwrap();
        }
        assert_eq!(store.riders("c").await.unwrap(), ["a", "b"]);
        assert!(store.riders("a").await.unwrap().is_empty());
    }
}
