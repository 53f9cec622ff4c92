//! Which transactions rode another one together.

use sqlx::Row;

use super::{Store, StoreError, asked};

impl Store {
    /// Keeps that these rode one transaction: all of them, or none where the store fails.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn keep_rides(&self, carrier: &str, riders: &[String]) -> Result<(), StoreError> {
        let act = "keep what rode a transaction";
        if riders.is_empty() {
            return Ok(());
        }
        let mut hold = self.pool.begin().await.map_err(asked(act))?;
        for rider in riders {
            let query = "INSERT INTO ride (rider, carrier) VALUES ($1, $2) ON CONFLICT (rider) DO NOTHING";
            let bound = sqlx::query(query).bind(rider).bind(carrier);
            bound.execute(&mut *hold).await.map_err(asked(act))?;
        }
        hold.commit().await.map_err(asked(act))
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
    async fn who_rode_is_found_in_order_and_kept_once_and_all_together() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        let riders = ["b", "a", "b"].map(str::to_owned);
        store.keep_rides("c", &riders).await.unwrap();
        store.keep_rides("d", &[]).await.unwrap();
        assert_eq!(store.riders("c").await.unwrap(), ["a", "b"]);
        assert!(store.riders("a").await.unwrap().is_empty());

        let refuse =
            "CREATE TRIGGER refuses BEFORE INSERT ON ride WHEN NEW.rider = 'y' BEGIN SELECT RAISE(ABORT, 'no'); END";
        sqlx::query(refuse).execute(&store.pool).await.unwrap();
        let riders = ["x", "y", "z"].map(str::to_owned);
        assert!(store.keep_rides("e", &riders).await.is_err());
        assert!(store.riders("e").await.unwrap().is_empty(), "all of them or none");
    }
}
