//! What intents wanted before each transaction: what a rollback brings back.

use sqlx::{QueryBuilder, Row, Sqlite};

use super::{ROWS, Store, StoreError, asked};

/// What one intent wanted of one device before a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Was {
    /// The transaction.
    pub transaction: String,
    /// The device's id.
    pub device: String,
    /// The intent's id.
    pub intent: String,
    /// The wish, as JSON; nothing if it wanted nothing there.
    pub wish: Option<String>,
    /// The intent as it was kept, as JSON, in the first row that is about it; nothing if it was not active.
    pub body: Option<String>,
    /// When the transaction was found true, in milliseconds since 1970.
    pub at: i64,
}

impl Store {
    /// Keeps what was wanted before a transaction, all of it or nothing; what is kept already is the truth and stays.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn keep_was(&self, was: &[Was]) -> Result<(), StoreError> {
        let act = "keep what was wanted";
        let mut hold = self.pool.begin().await.map_err(asked(act))?;
        for some in was.chunks(ROWS) {
            let mut query =
                QueryBuilder::<Sqlite>::new("INSERT INTO was (transaction_id, device, intent, wish, body, at) ");
            query.push_values(some, |mut row, was| {
                row.push_bind(&was.transaction)
                    .push_bind(&was.device)
                    .push_bind(&was.intent)
                    .push_bind(&was.wish)
                    .push_bind(&was.body)
                    .push_bind(was.at);
            });
            query.push(" ON CONFLICT (transaction_id, device, intent) DO NOTHING");
            query.build().execute(&mut *hold).await.map_err(asked(act))?;
        }
        hold.commit().await.map_err(asked(act))
    }

    /// What was wanted before a transaction.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn was_before(&self, transaction: &str) -> Result<Vec<Was>, StoreError> {
        let query = "SELECT * FROM was WHERE transaction_id = $1 ORDER BY device, intent";
        let rows = sqlx::query(query).bind(transaction).fetch_all(&self.pool).await;
        Ok(rows.map_err(asked("read what was wanted"))?.iter().map(was).collect())
    }

    /// What other transactions than this one changed since `at`, the latest first.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn was_since(&self, transaction: &str, at: i64) -> Result<Vec<Was>, StoreError> {
        let query =
            "SELECT * FROM was WHERE at >= $2 AND transaction_id <> $1 ORDER BY at DESC, transaction_id DESC, intent";
        let rows = sqlx::query(query)
            .bind(transaction)
            .bind(at)
            .fetch_all(&self.pool)
            .await;
        Ok(rows.map_err(asked("read what was wanted"))?.iter().map(was).collect())
    }
}

fn was(row: &sqlx::sqlite::SqliteRow) -> Was {
    Was {
        transaction: row.get("transaction_id"),
        device: row.get("device"),
        intent: row.get("intent"),
        wish: row.get("wish"),
        body: row.get("body"),
        at: row.get("at"),
    }
}
