//! Rules that were learned, and which of them held when.

use sqlx::Row;

use super::{Store, StoreError, asked};

/// A rule as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LearnedRow {
    /// Counts from 1.
    pub number: i64,
    /// The rule, as JSON.
    pub body: String,
    /// `candidate`, `active` or `withdrawn`.
    pub state: String,
    /// Who proposed it.
    pub proposed_by: String,
    /// When.
    pub at: i64,
}

/// The rules that held from some moment on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetRow {
    /// Counts from 1.
    pub version: i64,
    /// The numbers of the rules, in the order in which they were activated, as a JSON list.
    pub rules: String,
    /// What made it: `activate 3`, `withdraw 2`, `revert to 1`.
    pub what: String,
    /// Who.
    pub who: String,
    /// When.
    pub at: i64,
}

impl Store {
    /// Keeps a new rule as a candidate and gives its number.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn add_rule(&self, body: &str, by: &str, at: i64) -> Result<i64, StoreError> {
        let query = "INSERT INTO learned_rule (number, body, state, proposed_by, at) \
            SELECT COALESCE(MAX(number), 0) + 1, $1, 'candidate', $2, $3 FROM learned_rule RETURNING number";
        let bound = sqlx::query(query).bind(body).bind(by).bind(at);
        let row = bound
            .fetch_one(&self.pool)
            .await
            .map_err(asked("keep a learned rule"))?;
        Ok(row.get("number"))
    }

    /// Every rule, the earliest first.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn learned(&self) -> Result<Vec<LearnedRow>, StoreError> {
        let rows = sqlx::query("SELECT * FROM learned_rule ORDER BY number")
            .fetch_all(&self.pool)
            .await;
        let rule = |row: &sqlx::sqlite::SqliteRow| LearnedRow {
            number: row.get("number"),
            body: row.get("body"),
            state: row.get("state"),
            proposed_by: row.get("proposed_by"),
            at: row.get("at"),
        };
        Ok(rows
            .map_err(asked("read the learned rules"))?
            .iter()
            .map(rule)
            .collect())
    }

    /// Every set of rules, the earliest first.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn learned_sets(&self) -> Result<Vec<SetRow>, StoreError> {
        let rows = sqlx::query("SELECT * FROM learned_set ORDER BY version")
            .fetch_all(&self.pool)
            .await;
        let set = |row: &sqlx::sqlite::SqliteRow| SetRow {
            version: row.get("version"),
            rules: row.get("rules"),
            what: row.get("what"),
            who: row.get("who"),
            at: row.get("at"),
        };
        Ok(rows
            .map_err(asked("read the sets of learned rules"))?
            .iter()
            .map(set)
            .collect())
    }

    /// Keeps a new set and moves the rules that it changes, together or not at all.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn add_learned_set(&self, set: &SetRow, moved: &[(i64, &str)]) -> Result<(), StoreError> {
        let act = "keep a set of learned rules";
        let mut transaction = self.pool.begin().await.map_err(asked(act))?;
        let query = "INSERT INTO learned_set (version, rules, what, who, at) VALUES ($1, $2, $3, $4, $5)";
        let bound = sqlx::query(query).bind(set.version).bind(&set.rules).bind(&set.what);
        let bound = bound.bind(&set.who).bind(set.at);
        bound.execute(&mut *transaction).await.map_err(asked(act))?;
        for (number, state) in moved {
            let bound = sqlx::query("UPDATE learned_rule SET state = $2 WHERE number = $1")
                .bind(number)
                .bind(*state);
            bound.execute(&mut *transaction).await.map_err(asked(act))?;
        }
        transaction.commit().await.map_err(asked(act))
    }

    /// Moves a candidate that never held out of the way.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn drop_candidate(&self, number: i64) -> Result<(), StoreError> {
        let query = "UPDATE learned_rule SET state = 'withdrawn' WHERE number = $1 AND state = 'candidate'";
        let bound = sqlx::query(query).bind(number);
        bound.execute(&self.pool).await.map_err(asked("withdraw a candidate"))?;
        Ok(())
    }
}
