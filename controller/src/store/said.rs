//! What people said about plans, and what they froze.

use serde::Serialize;
use sqlx::Row;
use utoipa::ToSchema;

use super::{Kept, Store, StoreError, TransactionRow, asked, kept, transaction_row};

/// What somebody said about a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Said {
    /// Who.
    pub who: String,
    /// Whether it was a yes.
    pub approved: bool,
    /// The hash of the plan that was looked at.
    pub hash: String,
    /// Why.
    pub reason: String,
    /// When, in milliseconds since 1970.
    pub at: i64,
}

/// A freeze by an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frozen {
    /// Who.
    pub who: String,
    /// Why.
    pub reason: String,
    /// Until when, in milliseconds since 1970; nothing means until it is lifted.
    pub until: Option<i64>,
}

impl Store {
    /// Keeps who asked for a plan.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn keep_plan_asker(&self, plan: &str, who: &str) -> Result<(), StoreError> {
        let query = "UPDATE plan SET asked_by = $2 WHERE id = $1";
        let bound = sqlx::query(query).bind(plan).bind(who);
        bound
            .execute(&self.pool)
            .await
            .map_err(asked("keep who asked for a plan"))?;
        Ok(())
    }

    /// Who asked for a plan; empty where that is not known.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn plan_asker(&self, plan: &str) -> Result<String, StoreError> {
        let query = "SELECT asked_by FROM plan WHERE id = $1";
        let row = sqlx::query(query).bind(plan).fetch_optional(&self.pool).await;
        let row = row.map_err(asked("find who asked for a plan"))?;
        Ok(row.map(|row| row.get("asked_by")).unwrap_or_default())
    }

    /// Keeps what somebody says about a plan; his last word counts.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn say(&self, plan: &str, said: &Said) -> Result<(), StoreError> {
        let query = "INSERT INTO said (plan, who, approved, hash, reason, at) VALUES ($1, $2, $3, $4, $5, $6) \
            ON CONFLICT (plan, who) DO UPDATE SET approved = excluded.approved, hash = excluded.hash, \
            reason = excluded.reason, at = excluded.at";
        let bound = sqlx::query(query)
            .bind(plan)
            .bind(&said.who)
            .bind(i64::from(said.approved))
            .bind(&said.hash)
            .bind(&said.reason)
            .bind(said.at);
        bound.execute(&self.pool).await.map_err(asked("keep what was said"))?;
        Ok(())
    }

    /// What was said about a plan.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn said(&self, plan: &str) -> Result<Vec<Said>, StoreError> {
        let query = "SELECT * FROM said WHERE plan = $1 ORDER BY at, who";
        let rows = sqlx::query(query).bind(plan).fetch_all(&self.pool).await;
        let said = |row: &sqlx::sqlite::SqliteRow| Said {
            who: row.get("who"),
            approved: row.get::<i64, _>("approved") != 0,
            hash: row.get("hash"),
            reason: row.get("reason"),
            at: row.get("at"),
        };
        Ok(rows.map_err(asked("read what was said"))?.iter().map(said).collect())
    }

    /// The transactions that were committed since a plan was made, or are under way, with their plans.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn committed_since(&self, plan: &str) -> Result<Vec<(String, Kept)>, StoreError> {
        let query = "SELECT plan.id AS id, plan.body AS body, plan.state AS state, plan.at AS at, \
            transaction_record.id AS by_transaction FROM plan \
            JOIN transaction_record ON transaction_record.plan = plan.id \
            WHERE transaction_record.state = 'running' OR (transaction_record.state = 'committed' \
            AND transaction_record.ended >= (SELECT at FROM plan AS made WHERE made.id = $1)) \
            ORDER BY transaction_record.begun, transaction_record.id";
        let rows = sqlx::query(query).bind(plan).fetch_all(&self.pool).await;
        let rows = rows.map_err(asked("find what was committed"))?;
        Ok(rows.iter().map(|row| (row.get("by_transaction"), kept(row))).collect())
    }

    /// The transactions that run or wait, or that ended since a moment and hold nowhere, with their plans; the latest first.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn plans_undecided(&self, since: i64) -> Result<Vec<(TransactionRow, Kept)>, StoreError> {
        let query = "SELECT plan.body AS body, plan.at AS at, transaction_record.*, NULL AS carrier FROM plan \
            JOIN transaction_record ON transaction_record.plan = plan.id \
            WHERE transaction_record.state = 'running' \
            OR (transaction_record.state = 'rolled-back' AND transaction_record.ended >= $1) \
            ORDER BY transaction_record.begun DESC, transaction_record.id DESC";
        let rows = sqlx::query(query).bind(since).fetch_all(&self.pool).await;
        let rows = rows.map_err(asked("find what is undecided"))?;
        let plan = |row| Kept {
            id: transaction_row(row).plan,
            ..kept(row)
        };
        Ok(rows.iter().map(|row| (transaction_row(row), plan(row))).collect())
    }

    /// Keeps that an operator froze the network.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn freeze(&self, who: &str, reason: &str, until: Option<i64>, at: i64) -> Result<(), StoreError> {
        let query = "INSERT INTO freeze (name, who, reason, until, at) VALUES ('network', $1, $2, $3, $4) \
            ON CONFLICT (name) DO UPDATE SET who = excluded.who, reason = excluded.reason, until = excluded.until, at = excluded.at";
        let bound = sqlx::query(query).bind(who).bind(reason).bind(until).bind(at);
        bound.execute(&self.pool).await.map_err(asked("freeze the network"))?;
        Ok(())
    }

    /// Forgets what an operator froze, and says whether anything was.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn thaw(&self) -> Result<bool, StoreError> {
        let done = sqlx::query("DELETE FROM freeze WHERE name = 'network'")
            .execute(&self.pool)
            .await;
        Ok(done.map_err(asked("lift a freeze"))?.rows_affected() > 0)
    }

    /// What an operator froze.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn frozen(&self) -> Result<Option<Frozen>, StoreError> {
        let row = sqlx::query("SELECT * FROM freeze WHERE name = 'network'")
            .fetch_optional(&self.pool)
            .await;
        let row = row.map_err(asked("read what is frozen"))?;
        Ok(row.map(|row| Frozen {
            who: row.get("who"),
            reason: row.get("reason"),
            until: row.get("until"),
        }))
    }
}
