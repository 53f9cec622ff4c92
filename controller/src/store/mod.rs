//! What the controller remembers: SQLite in the state directory.
//!
//! Queries keep to what SQLite and PostgreSQL both understand. The decision of a transaction stands in the
//! journal, wherever that is kept, and a row of `transaction_record` follows it.

/// A query for transactions, with what carried them.
macro_rules! transactions {
    ($which:literal) => {
        concat!(
            "SELECT transaction_record.*, ride.carrier AS carrier FROM transaction_record ",
            "LEFT JOIN ride ON ride.rider = transaction_record.id ",
            $which
        )
    };
}

mod journal;

mod access;
mod cases;
mod debts;
mod faults;
mod ignored;
mod learned;
mod model_use;
mod native;
mod operate;
mod rides;
mod said;
pub mod schema;
mod uncommitted;
mod was;

pub use access::{AnswerRow, TokenRow};

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{QueryBuilder, Row, Sqlite, SqlitePool};

pub use debts::{Maintained, Owed};
pub use journal::{LeadError, TableJournal};
pub use learned::{LearnedRow, SetRow};
pub use native::Native;
pub use said::Said;
pub use was::Was;

/// How many rows one statement names at most.
const ROWS: usize = 1000;

/// The store cannot do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be opened or is of a newer program.
    #[error("open the store at {path}")]
    Open {
        /// Its file.
        path: String,
        /// What the database said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A query failed.
    #[error("{act} in the store")]
    Query {
        /// What was to be done.
        act: &'static str,
        /// What the database said.
        source: sqlx::Error,
    },
}

impl StoreError {
    /// Whether the disk is full.
    pub fn is_full(&self) -> bool {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(self);
        while let Some(error) = cause {
            // SQLite has only words for it by the time its error comes here.
            if error.to_string().contains("database or disk is full") {
                return true;
            }
            cause = error.source();
        }
        false
    }
}

/// A row that is kept as a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its id.
    pub id: String,
    /// The document, as JSON.
    pub body: String,
    /// Where it is in its life.
    pub state: String,
    /// When it was made, in milliseconds since 1970.
    pub at: i64,
}

/// An intent on its way into the store.
#[derive(Debug, Clone)]
pub struct NewIntent {
    /// Its id.
    pub id: String,
    /// What its sender calls it.
    pub name: Option<String>,
    /// Its class.
    pub class: String,
    /// The envelope, as JSON.
    pub body: String,
    /// Who asked.
    pub asked_by: String,
    /// When.
    pub at: i64,
}

/// One transaction as people see it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TransactionRow {
    /// Its id.
    pub id: String,
    /// The plan.
    pub plan: String,
    /// `running`, `committed`, `rolled-back` or `torn`.
    pub state: String,
    /// Why, where it did not commit.
    pub reason: String,
    /// The devices, as a JSON list of names.
    pub devices: String,
    /// Who asked.
    pub asked_by: String,
    /// When it began.
    pub begun: i64,
    /// When it ended.
    pub ended: Option<i64>,
    /// The transaction that carried it, together with others.
    pub carrier: Option<String>,
    /// What went wrong on its devices, as a JSON list.
    pub faults: String,
}

/// One link of the audit chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Counts from 1.
    pub position: i64,
    /// The entry, as canonical JSON.
    pub body: String,
    /// Hash over the previous hash and the body.
    pub hash: String,
    /// Signature over the hash.
    pub signature: String,
}

/// The open store.
#[derive(Debug, Clone)]
pub struct Store {
    pool: SqlitePool,
}

fn asked(act: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
    move |source| StoreError::Query { act, source }
}

impl Store {
    /// Opens the store in `folder`, and brings an older one to today's form.
    ///
    /// # Errors
    /// Where the file cannot be used, or was written by a newer program: then it is left untouched.
    pub async fn open(folder: &Path) -> Result<Self, StoreError> {
        let file = folder.join("store.db");
        let found = schema::found(&file).await?;
        let options = SqliteConnectOptions::new()
            .filename(&file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(5));
        let path = file.display().to_string();
        let wrong = |source: Box<dyn std::error::Error + Send + Sync>| StoreError::Open {
            path: path.clone(),
            source,
        };
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .acquire_timeout(Duration::from_secs(10));
        let pool = pool.connect_with(options).await.map_err(|error| wrong(error.into()))?;
        schema::bring_up(&pool, &file, found).await?;
        Ok(Self { pool })
    }

    /// Keeps an intent in this state; one of the same id is replaced.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn keep_intent(&self, intent: &NewIntent, state: &str) -> Result<(), StoreError> {
        let query = "INSERT INTO intent (id, name, class, body, state, asked_by, at) VALUES ($1, $2, $3, $4, $5, $6, $7) \
            ON CONFLICT (id) DO UPDATE SET name = excluded.name, body = excluded.body, state = excluded.state, \
            asked_by = excluded.asked_by, at = excluded.at";
        let bound = sqlx::query(query)
            .bind(&intent.id)
            .bind(&intent.name)
            .bind(&intent.class)
            .bind(&intent.body);
        let bound = bound.bind(state).bind(&intent.asked_by).bind(intent.at);
        bound.execute(&self.pool).await.map_err(asked("keep an intent"))?;
        Ok(())
    }

    /// Moves an intent on in its life.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn move_intent(&self, id: &str, state: &str) -> Result<(), StoreError> {
        let query = "UPDATE intent SET state = $2 WHERE id = $1";
        let bound = sqlx::query(query).bind(id).bind(state);
        bound.execute(&self.pool).await.map_err(asked("move an intent"))?;
        Ok(())
    }

    /// One intent by its id or name; of those of one name the active one, else the newest.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn intent(&self, key: &str) -> Result<Option<Kept>, StoreError> {
        let query = "SELECT id, body, state, at FROM intent WHERE id = $1 OR name = $1 \
            ORDER BY CASE WHEN state = 'active' THEN 0 ELSE 1 END, at DESC LIMIT 1";
        let row = sqlx::query(query)
            .bind(key)
            .fetch_optional(&self.pool)
            .await
            .map_err(asked("find an intent"))?;
        Ok(row.as_ref().map(kept))
    }

    /// Keeps a plan as `open`.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn add_plan(&self, id: &str, hash: &str, body: &str, at: i64) -> Result<(), StoreError> {
        let query = "INSERT INTO plan (id, hash, body, state, at) VALUES ($1, $2, $3, 'open', $4)";
        let bound = sqlx::query(query).bind(id).bind(hash).bind(body).bind(at);
        bound.execute(&self.pool).await.map_err(asked("keep a plan"))?;
        Ok(())
    }

    /// Moves a plan from one state to another, and says whether it was there.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn move_plan(&self, id: &str, from: &str, to: &str) -> Result<bool, StoreError> {
        let query = "UPDATE plan SET state = $3 WHERE id = $1 AND state = $2";
        let bound = sqlx::query(query).bind(id).bind(from).bind(to);
        let done = bound.execute(&self.pool).await.map_err(asked("move a plan"))?;
        Ok(done.rows_affected() == 1)
    }

    /// One plan.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn plan(&self, id: &str) -> Result<Option<Kept>, StoreError> {
        let query = "SELECT id, body, state, at FROM plan WHERE id = $1";
        let row = sqlx::query(query)
            .bind(id)
            .fetch_optional(&self.pool)
            .await
            .map_err(asked("find a plan"))?;
        Ok(row.as_ref().map(kept))
    }

    /// The plans of transactions in this state, in the order in which these began.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn plans_of(&self, state: &str) -> Result<Vec<Kept>, StoreError> {
        let query = "SELECT plan.id AS id, plan.body AS body, plan.state AS state, plan.at AS at FROM plan \
            JOIN transaction_record ON transaction_record.plan = plan.id \
            WHERE transaction_record.state = $1 ORDER BY transaction_record.begun, transaction_record.id";
        let rows = sqlx::query(query).bind(state).fetch_all(&self.pool).await;
        Ok(rows.map_err(asked("find plans"))?.iter().map(kept).collect())
    }

    /// Who owns what on each device, as it was last kept.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn ownership(&self) -> Result<Vec<(String, String)>, StoreError> {
        let rows = sqlx::query("SELECT device, body FROM ownership ORDER BY device")
            .fetch_all(&self.pool)
            .await;
        let rows = rows.map_err(asked("read who owns what"))?;
        Ok(rows.iter().map(|row| (row.get("device"), row.get("body"))).collect())
    }

    /// Keeps who owns what on these devices, on all or on none.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn keep_ownership(&self, owned: &[(String, String)]) -> Result<(), StoreError> {
        let act = "keep who owns what";
        let mut hold = self.pool.begin().await.map_err(asked(act))?;
        for some in owned.chunks(ROWS) {
            let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO ownership (device, body) ");
            query.push_values(some, |mut row, (device, body)| {
                row.push_bind(device).push_bind(body);
            });
            query.push(" ON CONFLICT (device) DO UPDATE SET body = excluded.body");
            query.build().execute(&mut *hold).await.map_err(asked(act))?;
        }
        hold.commit().await.map_err(asked(act))
    }

    /// Keeps that a transaction runs.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn begin(&self, row: &TransactionRow) -> Result<(), StoreError> {
        let query = "INSERT INTO transaction_record (id, plan, state, reason, devices, asked_by, begun) VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let bound = sqlx::query(query)
            .bind(&row.id)
            .bind(&row.plan)
            .bind(&row.state)
            .bind(&row.reason);
        let bound = bound.bind(&row.devices).bind(&row.asked_by).bind(row.begun);
        bound.execute(&self.pool).await.map_err(asked("keep a transaction"))?;
        Ok(())
    }

    /// Keeps how a transaction ended.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn end(&self, id: &str, state: &str, reason: &str, at: i64) -> Result<(), StoreError> {
        let query = "UPDATE transaction_record SET state = $2, reason = $3, ended = $4 WHERE id = $1";
        let bound = sqlx::query(query).bind(id).bind(state).bind(reason).bind(at);
        bound.execute(&self.pool).await.map_err(asked("end a transaction"))?;
        Ok(())
    }

    /// One transaction.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn transaction(&self, id: &str) -> Result<Option<TransactionRow>, StoreError> {
        let query = transactions!("WHERE id = $1");
        let row = sqlx::query(query)
            .bind(id)
            .fetch_optional(&self.pool)
            .await
            .map_err(asked("find a transaction"))?;
        Ok(row.as_ref().map(transaction_row))
    }

    /// The last link of the audit chain.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn last_audit(&self) -> Result<Option<AuditRow>, StoreError> {
        let query = "SELECT * FROM audit ORDER BY position DESC LIMIT 1";
        let row = sqlx::query(query)
            .fetch_optional(&self.pool)
            .await
            .map_err(asked("read the audit chain"))?;
        Ok(row.as_ref().map(audit_row))
    }

    /// Adds a link to the audit chain.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn add_audit(&self, row: &AuditRow) -> Result<(), StoreError> {
        let query = "INSERT INTO audit (position, body, hash, signature) VALUES ($1, $2, $3, $4)";
        let bound = sqlx::query(query)
            .bind(row.position)
            .bind(&row.body)
            .bind(&row.hash)
            .bind(&row.signature);
        bound
            .execute(&self.pool)
            .await
            .map_err(asked("add to the audit chain"))?;
        Ok(())
    }

    /// Links of the audit chain from `position` on.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn audit(&self, position: i64, most: i64) -> Result<Vec<AuditRow>, StoreError> {
        let query = "SELECT * FROM audit WHERE position >= $1 ORDER BY position LIMIT $2";
        let bound = sqlx::query(query).bind(position).bind(most);
        let rows = bound
            .fetch_all(&self.pool)
            .await
            .map_err(asked("read the audit chain"))?;
        Ok(rows.iter().map(audit_row).collect())
    }
}

fn kept(row: &sqlx::sqlite::SqliteRow) -> Kept {
    Kept {
        id: row.get("id"),
        body: row.get("body"),
        state: row.get("state"),
        at: row.get("at"),
    }
}

fn transaction_row(row: &sqlx::sqlite::SqliteRow) -> TransactionRow {
    TransactionRow {
        id: row.get("id"),
        plan: row.get("plan"),
        state: row.get("state"),
        reason: row.get("reason"),
        devices: row.get("devices"),
        asked_by: row.get("asked_by"),
        begun: row.get("begun"),
        ended: row.get("ended"),
        carrier: row.get("carrier"),
        faults: row.get("faults"),
    }
}

fn audit_row(row: &sqlx::sqlite::SqliteRow) -> AuditRow {
    AuditRow {
        position: row.get("position"),
        body: row.get("body"),
        hash: row.get("hash"),
        signature: row.get("signature"),
    }
}
