//! What devices are owed from torn transactions, and devices that people work on.

use sqlx::Row;

use super::{Store, StoreError, asked};

/// What a device is owed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    /// The device's id.
    pub device: String,
    /// The transaction whose end it did not reach.
    pub transaction: String,
    /// Whether it was decided to keep the change, not to take it back.
    pub confirm: bool,
    /// What came in the way.
    pub reason: String,
    /// The operator who took it on himself.
    pub waived_by: Option<String>,
}

/// A device that somebody works on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Maintained {
    /// The device's id.
    pub device: String,
    /// Who.
    pub who: String,
    /// Why.
    pub reason: String,
}

impl Store {
    /// Keeps what a device is owed.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn owe(&self, owed: &Owed, at: i64) -> Result<(), StoreError> {
        let query = "INSERT INTO debt (device, transaction_id, confirm, reason, at) VALUES ($1, $2, $3, $4, $5) \
            ON CONFLICT (device, transaction_id) DO NOTHING";
        let bound = sqlx::query(query)
            .bind(&owed.device)
            .bind(&owed.transaction)
            .bind(i64::from(owed.confirm))
            .bind(&owed.reason)
            .bind(at);
        bound
            .execute(&self.pool)
            .await
            .map_err(asked("keep what a device is owed"))?;
        Ok(())
    }

    /// Everything that devices are owed, the earliest first.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn owed(&self) -> Result<Vec<Owed>, StoreError> {
        let rows = sqlx::query("SELECT * FROM debt ORDER BY at, transaction_id")
            .fetch_all(&self.pool)
            .await;
        let owed = |row: &sqlx::sqlite::SqliteRow| Owed {
            device: row.get("device"),
            transaction: row.get("transaction_id"),
            confirm: row.get::<i64, _>("confirm") != 0,
            reason: row.get("reason"),
            waived_by: row.get("waived_by"),
        };
        Ok(rows
            .map_err(asked("read what devices are owed"))?
            .iter()
            .map(owed)
            .collect())
    }

    /// Keeps that an operator takes everything on himself that a device is owed; how many debts that is.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn waive(&self, device: &str, who: &str) -> Result<u64, StoreError> {
        let query = "UPDATE debt SET waived_by = $2 WHERE device = $1 AND waived_by IS NULL";
        let done = sqlx::query(query).bind(device).bind(who).execute(&self.pool).await;
        Ok(done.map_err(asked("waive what a device is owed"))?.rows_affected())
    }

    /// A device is no longer owed the end of a transaction; whether any other device still is.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn clear_debt(&self, device: &str, transaction: &str) -> Result<bool, StoreError> {
        let act = "clear what a device is owed";
        let query = "DELETE FROM debt WHERE device = $1 AND transaction_id = $2";
        let bound = sqlx::query(query).bind(device).bind(transaction);
        bound.execute(&self.pool).await.map_err(asked(act))?;
        let query = "SELECT COUNT(*) AS others FROM debt WHERE transaction_id = $1";
        let row = sqlx::query(query).bind(transaction).fetch_one(&self.pool).await;
        Ok(row.map_err(asked(act))?.get::<i64, _>("others") > 0)
    }

    /// Keeps that somebody works on a device.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn maintain(&self, maintained: &Maintained, at: i64) -> Result<(), StoreError> {
        let query = "INSERT INTO maintenance (device, who, reason, at) VALUES ($1, $2, $3, $4) \
            ON CONFLICT (device) DO UPDATE SET who = excluded.who, reason = excluded.reason, at = excluded.at";
        let bound = sqlx::query(query)
            .bind(&maintained.device)
            .bind(&maintained.who)
            .bind(&maintained.reason)
            .bind(at);
        bound
            .execute(&self.pool)
            .await
            .map_err(asked("keep a device in maintenance"))?;
        Ok(())
    }

    /// Nobody works on a device any more; whether anybody did.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn end_maintenance(&self, device: &str) -> Result<bool, StoreError> {
        let bound = sqlx::query("DELETE FROM maintenance WHERE device = $1").bind(device);
        let done = bound.execute(&self.pool).await.map_err(asked("end maintenance"))?;
        Ok(done.rows_affected() > 0)
    }

    /// The devices that somebody works on.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn maintained(&self) -> Result<Vec<Maintained>, StoreError> {
        let rows = sqlx::query("SELECT * FROM maintenance ORDER BY device")
            .fetch_all(&self.pool)
            .await;
        let maintained = |row: &sqlx::sqlite::SqliteRow| Maintained {
            device: row.get("device"),
            who: row.get("who"),
            reason: row.get("reason"),
        };
        Ok(rows
            .map_err(asked("read who is in maintenance"))?
            .iter()
            .map(maintained)
            .collect())
    }
}
