//! The form of the store: an older one is copied before it is brought to today's, a newer one is left untouched.

use std::path::{Path, PathBuf};

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{Connection, Row, SqliteConnection, SqlitePool};

use super::StoreError;

/// Every step from the first form to today's.
pub static STEPS: Migrator = sqlx::migrate!("src/store/migrations");

/// Today's form.
pub fn newest() -> i64 {
    STEPS.iter().map(|step| step.version).max().unwrap_or(0)
}

/// The store is of a newer program.
#[derive(Debug, thiserror::Error)]
#[error("it has form {found} and this program knows forms up to {known}: start the newer program, nothing was changed")]
pub struct Newer {
    found: i64,
    known: i64,
}

/// The form of a store as it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    /// The number of its last step.
    pub number: i64,
    /// Whether no step is missing.
    pub whole: bool,
}

/// The form of the store in `file`; nothing where there is none yet. Only reads.
///
/// # Errors
/// Where the file cannot be read, or was written by a newer program.
pub async fn found(file: &Path) -> Result<Option<Form>, StoreError> {
    if !file.exists() {
        return Ok(None);
    }
    let wrong = |source: Box<dyn std::error::Error + Send + Sync>| StoreError::Open {
        path: file.display().to_string(),
        source,
    };
    let options = SqliteConnectOptions::new().filename(file).read_only(true);
    let mut connection = SqliteConnection::connect_with(&options)
        .await
        .map_err(|error| wrong(error.into()))?;
    let table = sqlx::query("SELECT name FROM sqlite_master WHERE name = '_sqlx_migrations'");
    let table = table
        .fetch_optional(&mut connection)
        .await
        .map_err(|error| wrong(error.into()))?;
    if table.is_none() {
        return Ok(None);
    }
    let rows = sqlx::query("SELECT version FROM _sqlx_migrations ORDER BY version");
    let rows = rows
        .fetch_all(&mut connection)
        .await
        .map_err(|error| wrong(error.into()))?;
    let taken: Vec<i64> = rows.iter().map(|row| row.get("version")).collect();
    let (number, known) = (taken.last().copied().unwrap_or(0), newest());
    if number > known {
        return Err(wrong(Newer { found: number, known }.into()));
    }
    let whole = STEPS.iter().all(|step| taken.contains(&step.version));
    Ok(Some(Form { number, whole }))
}

/// Brings the store to today's form; the older one stays beside it as `store.db.FORM`.
///
/// # Errors
/// Where the copy or a step fails.
pub async fn bring_up(pool: &SqlitePool, file: &Path, found: Option<Form>) -> Result<(), StoreError> {
    let wrong = |source: Box<dyn std::error::Error + Send + Sync>| StoreError::Open {
        path: file.display().to_string(),
        source,
    };
    if let Some(older) = found.filter(|found| !found.whole) {
        let kept = beside(file, older.number);
        // What an earlier, interrupted attempt has left is replaced.
        let _ = std::fs::remove_file(&kept);
        copy(pool, &kept).await?;
        tracing::info!(from = older.number, to = newest(), kept = %kept.display(), "the store is brought to today's form");
    }
    STEPS.run(pool).await.map_err(|error| wrong(error.into()))
}

/// Where the older form is kept.
fn beside(file: &Path, form: i64) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{form:04}"));
    PathBuf::from(name)
}

/// Writes a consistent copy of the store to a file that is not there yet, while others read and write.
///
/// # Errors
/// Where the file cannot be written.
pub async fn copy(pool: &SqlitePool, to: &Path) -> Result<(), StoreError> {
    let act = "copy the store";
    sqlx::query("VACUUM INTO $1")
        .bind(to.display().to_string())
        .execute(pool)
        .await
        .map_err(|source| StoreError::Query { act, source })?;
    Ok(())
}

/// Opens a copy for one look, without changing its form.
///
/// # Errors
/// Where it is none.
pub async fn look(file: &Path) -> Result<SqlitePool, StoreError> {
    let options = SqliteConnectOptions::new().filename(file);
    let opened = SqlitePoolOptions::new().max_connections(1).connect_with(options).await;
    opened.map_err(|error| StoreError::Open {
        path: file.display().to_string(),
        source: error.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    fn fixtures() -> PathBuf {
        PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default()).join("tests/fixtures/store")
    }

    /// A store of an older form, from the statements that were dumped from one.
    async fn older(folder: &Path, form: i64) -> PathBuf {
        let statements = std::fs::read_to_string(fixtures().join(format!("{form:04}.sql"))).unwrap();
        let file = folder.join("store.db");
        let options = SqliteConnectOptions::new().filename(&file).create_if_missing(true);
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(statements))
            .execute(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
        file
    }

    #[tokio::test]
    async fn every_older_form_is_copied_and_brought_up() {
        if std::env::var_os("ENTENTE_FIXTURES").is_some() {
            dump().await;
        }
        let of_file =
            |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().path().file_stem()?.to_str()?.parse().ok();
        let forms: Vec<i64> = std::fs::read_dir(fixtures()).unwrap().filter_map(of_file).collect();
        let remedy = "write it: ENTENTE_FIXTURES=1 cargo test -p controller every_older_form";
        assert!(forms.contains(&newest()), "no fixture of form {}; {remedy}", newest());
        for form in forms {
            let folder = tempfile::tempdir().unwrap();
            let file = older(folder.path(), form).await;
            let before = found(&file).await.unwrap().expect("a form");
            assert_eq!(before.number, form, "fixture {form:04}");
            let store = Store::open(folder.path()).await.unwrap();
            let plan = store.plan("p1").await.unwrap().expect("the plan of the fixture");
            assert_eq!((plan.state.as_str(), plan.at), ("open", 7), "fixture {form:04}");
            assert_eq!(store.last_audit().await.unwrap().unwrap().position, 1);
            let now = found(&file).await.unwrap().expect("a form");
            assert!(now.whole && now.number == newest(), "{now:?}");
            let kept = beside(&file, form);
            assert_eq!(kept.exists(), !before.whole, "fixture {form:04}");
            if kept.exists() {
                assert_eq!(found(&kept).await.unwrap(), Some(before), "the copy is as it was");
            }
        }
    }

    #[tokio::test]
    async fn a_newer_form_is_refused_and_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let file = older(folder.path(), newest()).await;
        let options = SqliteConnectOptions::new().filename(&file);
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        let newer = "INSERT INTO _sqlx_migrations SELECT 9999, description, installed_on, success, checksum, execution_time \
            FROM _sqlx_migrations LIMIT 1";
        sqlx::query(newer).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        let before = std::fs::read(&file).unwrap();
        let error = Store::open(folder.path()).await.unwrap_err();
        let said = std::error::Error::source(&error).unwrap().to_string();
        assert!(said.contains("form 9999") && said.contains("newer program"), "{said}");
        assert_eq!(std::fs::read(&file).unwrap(), before);
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            1,
            "nothing lies beside it"
        );
    }

    /// Writes the fixture of today's form, unless it is there: forms that were released never change.
    async fn dump() {
        let file = fixtures().join(format!("{:04}.sql", newest()));
        if file.exists() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        store.add_plan("p1", "h", "{}", 7).await.unwrap();
        let audit = crate::store::AuditRow {
            position: 1,
            body: "{}".to_owned(),
            hash: "h".to_owned(),
            signature: "s".to_owned(),
        };
        store.add_audit(&audit).await.unwrap();
        let program = "import sqlite3,sys\nfor line in sqlite3.connect(sys.argv[1]).iterdump(): print(line)";
        let store_file = folder.path().join("store.db");
        let output = std::process::Command::new("python3")
            .args(["-c", program])
            .arg(store_file)
            .output();
        std::fs::write(file, output.unwrap().stdout).unwrap();
    }
}
