//! What a language model was asked in each hour of the clock.

use sqlx::Row;

use super::{Store, StoreError, asked};
use crate::advice::Used;

/// How many hours a day has.
const DAY: i64 = 24;

impl Store {
    /// The calls of an hour, and the tokens of the day that ends with it.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn model_use(&self, hour: i64) -> Result<Used, StoreError> {
        let query = "SELECT hour, calls, tokens FROM model_use WHERE hour > $1 AND hour <= $2";
        let bound = sqlx::query(query).bind(hour - DAY).bind(hour);
        let rows = bound
            .fetch_all(&self.pool)
            .await
            .map_err(asked("read what the language model cost"))?;
        let mut used = Used::default();
        for row in &rows {
            let number = |name: &str| u64::try_from(row.get::<i64, _>(name)).unwrap_or(0);
            used.tokens += number("tokens");
            if row.get::<i64, _>("hour") == hour {
                used.calls = number("calls");
            }
        }
        Ok(used)
    }

    /// Adds calls and tokens to an hour; hours that no budget looks at are forgotten.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn add_model_use(&self, hour: i64, calls: i64, tokens: u64) -> Result<(), StoreError> {
        let act = "keep what the language model cost";
        let query = "INSERT INTO model_use (hour, calls, tokens) VALUES ($1, $2, $3) \
            ON CONFLICT (hour) DO UPDATE SET calls = model_use.calls + excluded.calls, \
            tokens = model_use.tokens + excluded.tokens";
        let tokens = i64::try_from(tokens).unwrap_or(i64::MAX / 2);
        let bound = sqlx::query(query).bind(hour).bind(calls).bind(tokens);
        bound.execute(&self.pool).await.map_err(asked(act))?;
        let bound = sqlx::query("DELETE FROM model_use WHERE hour < $1").bind(hour - 2 * DAY);
        bound.execute(&self.pool).await.map_err(asked(act))?;
        Ok(())
    }
}
