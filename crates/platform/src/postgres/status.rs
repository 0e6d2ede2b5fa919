use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{Database, DbError, MIGRATIONS, PgSession};

/// The status that a database reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatabaseStatus {
    /// The newest migration; 0 for an empty database.
    pub version: i64,
    /// It is a standby, or was set to read-only.
    pub is_read_only: bool,
}

impl Database {
    /// Returns whether every migration of this build is in the database (a newer database is fine).
    pub async fn is_migrated(&self) -> Result<bool, DbError> {
        Ok(is_current(self.migration_version().await?))
    }

    /// Returns the newest migration in the database; 0 for an empty one.
    pub async fn migration_version(&self) -> Result<i64, DbError> {
        Ok(self.status().await?.version)
    }

    /// Returns the database's status, read through the connection reserved for health checks.
    pub async fn status(&self) -> Result<DatabaseStatus, DbError> {
        let asked = tokio::time::timeout(self.probes.patience(), self.ask_status());
        let found = asked.await.unwrap_or(Err(DbError::Sql(sqlx::Error::PoolTimedOut)))?;
        self.state.is_read_only(found.is_read_only);
        Ok(found)
    }

    async fn ask_status(&self) -> Result<DatabaseStatus, DbError> {
        let this = self.for_probes();
        if self.pooler {
            // Outside a transaction each message may go to another session.
            return Ok(read_status(&mut *this.begin().await?).await?);
        }
        let mut kept = this.session(self.probes.acquire().await?);
        match read_status(&mut kept).await {
            Ok(found) if !found.is_read_only => return Ok(found),
            // A session that was opened while the database was read-only stays so, and a lost one says nothing.
            _ => kept.give_up(),
        }
        drop(kept);
        Ok(read_status(&mut this.session(self.probes.acquire().await?)).await?)
    }
}

/// Returns whether a database whose newest migration is this one has all that this build needs.
pub fn is_current(version: i64) -> bool {
    MIGRATIONS.iter().all(|migration| migration.version <= version)
}

/// Returns the same as [`Database::is_migrated`], for a connection's database.
pub async fn is_migrated(db: &mut PgSession) -> sqlx::Result<bool> {
    Ok(is_current(read_status(db).await?.version))
}

/// Returns how many sessions the serving role has in a connection's database.
pub async fn serving_sessions(db: &mut PgConnection) -> sqlx::Result<i64> {
    let sessions =
        "select count(*) from pg_stat_activity where (usename = 'loadmaster_app' or application_name = 'loadmaster')
         and datname = current_database() and pid <> pg_backend_pid()";
    sqlx::query_scalar(sessions).fetch_one(db).await
}

/// Returns what the database's clock shows.
pub async fn clock(db: &mut PgSession) -> sqlx::Result<DateTime<Utc>> {
    sqlx::query_scalar("select clock_timestamp()").fetch_one(db).await
}

async fn read_status(db: &mut PgSession) -> sqlx::Result<DatabaseStatus> {
    // On a standby every transaction is read-only.
    let question = "select to_regclass('_sqlx_migrations') is not null, current_setting('transaction_read_only')::bool";
    let (is_there, is_read_only): (bool, bool) = sqlx::query_as(question).fetch_one(&mut *db).await?;
    if !is_there {
        return Ok(DatabaseStatus { version: 0, is_read_only });
    }
    let version: Option<i64> =
        sqlx::query_scalar("select max(version) from _sqlx_migrations where success").fetch_one(db).await?;
    Ok(DatabaseStatus { version: version.unwrap_or_default(), is_read_only })
}
