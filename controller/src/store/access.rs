//! Tokens and certificates that are let in, and answers that are kept for who asks twice.

use sqlx::Row;

use super::{Store, StoreError, asked};

/// Somebody who is let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// Its id, no secret.
    pub id: String,
    /// Whose it is.
    pub name: String,
    /// `viewer`, `operator`, `approver` or `admin`.
    pub role: String,
    /// `token` or `certificate`.
    pub kind: String,
    /// The digest of the token, or of the certificate.
    pub digest: String,
    /// Who made it.
    pub made_by: String,
    /// When, in milliseconds since 1970.
    pub made: i64,
    /// When it was revoked, if it was.
    pub revoked: Option<i64>,
}

/// An answer that is kept under an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerRow {
    /// The digest of what was asked.
    pub request: String,
    /// The status; nothing while it is being answered.
    pub status: Option<i64>,
    /// The content type.
    pub kind: String,
    /// What was said.
    pub body: String,
}

fn token_row(row: &sqlx::sqlite::SqliteRow) -> TokenRow {
    TokenRow {
        id: row.get("id"),
        name: row.get("name"),
        role: row.get("role"),
        kind: row.get("kind"),
        digest: row.get("digest"),
        made_by: row.get("made_by"),
        made: row.get("made"),
        revoked: row.get("revoked"),
    }
}

impl Store {
    /// Lets somebody in.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn add_token(&self, row: &TokenRow) -> Result<(), StoreError> {
        let query =
            "INSERT INTO token (id, name, role, kind, digest, made_by, made) VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let bound = sqlx::query(query)
            .bind(&row.id)
            .bind(&row.name)
            .bind(&row.role)
            .bind(&row.kind);
        let bound = bound.bind(&row.digest).bind(&row.made_by).bind(row.made);
        bound.execute(&self.pool).await.map_err(asked("keep a token"))?;
        Ok(())
    }

    /// Who has this digest and is not revoked.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn token(&self, digest: &str) -> Result<Option<TokenRow>, StoreError> {
        let query = "SELECT * FROM token WHERE digest = $1 AND revoked IS NULL";
        let row = sqlx::query(query).bind(digest).fetch_optional(&self.pool).await;
        Ok(row.map_err(asked("find a token"))?.as_ref().map(token_row))
    }

    /// Everybody who is or was let in, after this id.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn tokens(&self, after: &str, most: i64) -> Result<Vec<TokenRow>, StoreError> {
        let query = "SELECT * FROM token WHERE id > $1 ORDER BY id LIMIT $2";
        let rows = sqlx::query(query).bind(after).bind(most).fetch_all(&self.pool).await;
        Ok(rows.map_err(asked("list tokens"))?.iter().map(token_row).collect())
    }

    /// Shuts somebody out from now on, by id or name; says who that was.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn revoke(&self, key: &str, at: i64) -> Result<Vec<TokenRow>, StoreError> {
        let query = "UPDATE token SET revoked = $2 WHERE (id = $1 OR name = $1) AND revoked IS NULL RETURNING *";
        let rows = sqlx::query(query).bind(key).bind(at).fetch_all(&self.pool).await;
        Ok(rows.map_err(asked("revoke a token"))?.iter().map(token_row).collect())
    }

    /// Takes a key for a request; gives what stands there where it is taken already.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn take_key(
        &self,
        caller: &str,
        key: &str,
        request: &str,
        at: i64,
    ) -> Result<Option<AnswerRow>, StoreError> {
        let query = "INSERT INTO answer (caller, key, request, kind, body, at) VALUES ($1, $2, $3, '', '', $4) ON CONFLICT DO NOTHING";
        let bound = sqlx::query(query).bind(caller).bind(key).bind(request).bind(at);
        let done = bound.execute(&self.pool).await.map_err(asked("take a key"))?;
        if done.rows_affected() == 1 {
            return Ok(None);
        }
        let query = "SELECT * FROM answer WHERE caller = $1 AND key = $2";
        let row = sqlx::query(query)
            .bind(caller)
            .bind(key)
            .fetch_optional(&self.pool)
            .await;
        let row = row.map_err(asked("find an answer"))?;
        Ok(row.map(|row| AnswerRow {
            request: row.get("request"),
            status: row.get("status"),
            kind: row.get("kind"),
            body: row.get("body"),
        }))
    }

    /// Keeps what was answered under a key.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn keep_answer(&self, caller: &str, key: &str, answer: &AnswerRow) -> Result<(), StoreError> {
        let query = "UPDATE answer SET status = $3, kind = $4, body = $5 WHERE caller = $1 AND key = $2";
        let bound = sqlx::query(query).bind(caller).bind(key).bind(answer.status);
        let bound = bound.bind(&answer.kind).bind(&answer.body);
        bound.execute(&self.pool).await.map_err(asked("keep an answer"))?;
        Ok(())
    }

    /// Gives a key back: what was asked under it was not done.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn free_key(&self, caller: &str, key: &str) -> Result<(), StoreError> {
        let bound = sqlx::query("DELETE FROM answer WHERE caller = $1 AND key = $2")
            .bind(caller)
            .bind(key);
        bound.execute(&self.pool).await.map_err(asked("free a key"))?;
        Ok(())
    }

    /// Forgets answers of before this time, and the oldest beyond `most`.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn forget_answers(&self, before: i64, most: i64) -> Result<(), StoreError> {
        let query = "DELETE FROM answer WHERE at < $1 OR at < \
            (SELECT COALESCE(MIN(at), 0) FROM (SELECT at FROM answer ORDER BY at DESC LIMIT $2) AS newest)";
        let bound = sqlx::query(query).bind(before).bind(most);
        bound.execute(&self.pool).await.map_err(asked("forget answers"))?;
        Ok(())
    }
}
