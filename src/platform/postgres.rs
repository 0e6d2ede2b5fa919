//! The one way to the book of record: a bounded pool, the only `begin`, commits that tell the truth, bounded retries.
mod error;
mod grants;

use std::{
    hash::{BuildHasher, RandomState},
    io,
    str::FromStr,
    time::Duration,
};

use super::{
    settings,
    telemetry::{self, Traced, metric},
};
use anyhow::Context;
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use sqlx::{
    Connection, PgConnection, PgPool, Postgres, SqlSafeStr,
    migrate::Migrator,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};

pub use error::{DbError, Transient, Unreachable};

/// What statements run on.
pub type PgSession = PgConnection;
pub type Tx = sqlx::Transaction<'static, Postgres>;

static MIGRATIONS: Migrator = sqlx::migrate!();

/// No statement of a request runs longer; no request waits longer for a row; nobody sits in a transaction. Where several
/// wait for one row, one waits for the place in front and then for the row, each time as long: twice must be less than a
/// statement may take, else the wait would end as if the database were slow.
const STATEMENT_TIMEOUT: &str = "8s";
const LOCK_TIMEOUT: &str = "3s";
const IDLE_IN_TRANSACTION_TIMEOUT: &str = "10s";

/// Of each process, besides `database.max_connections` and one for questions about health.
const DUTY_CONNECTIONS: u32 = 3;

/// Longest wait for the first connection.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);
/// Longest wait for a connection to say that it is fit for use again.
const RELEASE_PATIENCE: Duration = Duration::from_secs(2);

#[derive(Debug, Clone)]
pub struct Database {
    pool: PgPool,
    /// One connection apart for questions about health: a busy pool is no sick database.
    probes: PgPool,
    /// A few connections apart for what runs beside the requests: a rush of them must not make leases run out.
    duties: PgPool,
    pooler: bool,
    /// Whether requests wait for these connections.
    is_serving: bool,
}

impl Database {
    /// Opens the serving pool. One connection is made at once, so that a wrong address is known at the start.
    pub async fn open(url: &SecretString, settings: &settings::Database) -> anyhow::Result<Self> {
        let pooler = settings.transaction_pooler;
        let mut options = connect_options(url)?;
        let socket = options.get_socket().map(|path| path.display().to_string());
        let port = socket.is_none().then(|| options.get_port());
        telemetry::name_database(socket.as_deref().unwrap_or(options.get_host()), port, options.get_database());
        // Behind a transaction pooler no prepared statement outlives its transaction, and start-up options are refused.
        options = if pooler {
            options.statement_cache_capacity(0)
        } else {
            options.options([
                ("statement_timeout", STATEMENT_TIMEOUT),
                ("lock_timeout", LOCK_TIMEOUT),
                ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION_TIMEOUT),
            ])
        };
        // The pool would try again until its patience ends and then know only that; one attempt tells the cause.
        // That it let us in is all that matters.
        _ = connect(&options, url).await?.close().await;
        let pool = |connections| {
            PgPoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(settings.acquire_timeout())
                .after_release(|connection, _| {
                    let fit = tokio::time::timeout(RELEASE_PATIENCE, is_outside_transaction(connection));
                    Box::pin(async move { Ok(fit.await.unwrap_or(false)) })
                })
                .connect_lazy_with(options.clone())
        };
        let (probes, duties) = (pool(1), pool(DUTY_CONNECTIONS));
        Ok(Self { pool: pool(settings.connections()), probes, duties, pooler, is_serving: true })
    }

    /// The same database by the connections that are kept for what runs beside the requests.
    #[must_use]
    pub fn for_duties(&self) -> Self {
        Self { pool: self.duties.clone(), is_serving: false, ..self.clone() }
    }

    /// The same database by the connection that is kept for questions about health.
    #[must_use]
    pub fn for_probes(&self) -> Self {
        Self { pool: self.probes.clone(), is_serving: false, ..self.clone() }
    }

    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// A connection for reading. Never write through it: a single statement outside a transaction can be lost.
    pub async fn read(&self) -> Result<Reading, DbError> {
        if self.pooler {
            return Ok(Reading::Transaction(self.begin().await?));
        }
        Ok(Reading::Plain(acquire(&self.pool, self.is_serving).await?))
    }

    /// A connection for reading several things as of one moment: between two statements of [`Self::read`] another caller
    /// may commit.
    pub async fn snapshot(&self) -> Result<Reading, DbError> {
        Ok(Reading::Transaction(self.begin_with("begin isolation level repeatable read, read only").await?))
    }

    /// A transaction that writes.
    pub async fn begin(&self) -> Result<Tx, DbError> {
        self.begin_with("begin").await
    }

    /// The only way to begin. It runs in a task of its own: a `begin` that is dropped half-way can leave the session
    /// inside a transaction that the client library does not know of (sqlx 4385, 4393).
    async fn begin_with(&self, statement: &'static str) -> Result<Tx, DbError> {
        let (pool, pooler, is_serving) = (self.pool.clone(), self.pooler, self.is_serving);
        let beginning = async move {
            let connection = acquire(&pool, is_serving).await?;
            let begun = async {
                #[allow(clippy::disallowed_methods, reason = "this is the helper")]
                let begun = Tx::begin(connection, Some(statement.into_sql_str())).await;
                if let Err(error) = &begun {
                    telemetry::call_failed(error::sql_state(error).as_deref());
                }
                begun
            };
            let mut tx = begun.within(telemetry::transaction_begin()).await?;
            if pooler {
                let limits = format!(
                    "set local statement_timeout = '{STATEMENT_TIMEOUT}'; set local lock_timeout = '{LOCK_TIMEOUT}'; \
                     set local idle_in_transaction_session_timeout = '{IDLE_IN_TRANSACTION_TIMEOUT}'"
                );
                sqlx::raw_sql(sqlx::AssertSqlSafe(limits)).execute(&mut *tx).await?;
            }
            Ok(tx)
        };
        match tokio::spawn(beginning.in_same_trace()).await {
            Ok(begun) => begun,
            Err(_) => Err(DbError::Sql(sqlx::Error::WorkerCrashed)),
        }
    }

    /// True when every migration of this build is in the database (a newer database is fine).
    pub async fn is_migrated(&self) -> Result<bool, DbError> {
        Ok(is_current(self.migration_version().await?))
    }

    /// The newest migration in the database; 0 for an empty one.
    pub async fn migration_version(&self) -> Result<i64, DbError> {
        let patience = self.probes.options().get_acquire_timeout();
        let asked = tokio::time::timeout(patience, self.ask_migration_version());
        Ok(asked.await.unwrap_or(Err(sqlx::Error::PoolTimedOut))?)
    }

    async fn ask_migration_version(&self) -> sqlx::Result<i64> {
        while self.probes.size() > 0 {
            if let Some(mut kept) = self.probes.try_acquire() {
                match migration_version(&mut kept).await {
                    Ok(version) => return Ok(version),
                    Err(_) => break,
                }
            }
            // It is used or being given back: no reason for another, which there may be no room for.
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        // The pool tries a server that refuses connections again until its patience ends; one attempt knows at once.
        _ = PgConnection::connect_with(&self.probes.connect_options()).await?.close().await;
        migration_version(&mut *self.probes.acquire().await?).await
    }

    /// Makes the monthly partitions from `now` on, twelve months ahead; returns how many were made.
    pub async fn ensure_partitions(&self, now: DateTime<Utc>) -> Result<i64, DbError> {
        let tables = partitioned_tables(&mut *self.read().await?).await?;
        let mut made = 0;
        for table in tables {
            let mut tx = self.begin().await?;
            made += ensure_partitions(&mut tx, &table, now).await?;
            commit(tx).await?;
        }
        Ok(made)
    }

    pub async fn close(&self) {
        self.probes.close().await;
        self.duties.close().await;
        self.pool.close().await;
    }
}

/// One of the pool's connections. How long requests wait for one is told, also when they wait in vain or give up.
async fn acquire(pool: &PgPool, is_serving: bool) -> sqlx::Result<PoolConnection<Postgres>> {
    let waiting = async {
        let _waiting = is_serving.then(|| metric::POOL_WAIT.time());
        let acquired = pool.acquire().await;
        if acquired.is_err() {
            telemetry::fail("unavailable");
        }
        acquired
    };
    waiting.within(telemetry::part("wait for connection")).await
}

/// A connection that only reads; behind a transaction pooler a transaction of its own.
#[derive(Debug)]
pub enum Reading {
    Plain(PoolConnection<Postgres>),
    Transaction(Tx),
}

impl std::ops::Deref for Reading {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        match self {
            Self::Plain(connection) => connection,
            Self::Transaction(tx) => tx,
        }
    }
}

impl std::ops::DerefMut for Reading {
    fn deref_mut(&mut self) -> &mut PgConnection {
        match self {
            Self::Plain(connection) => connection,
            Self::Transaction(tx) => tx,
        }
    }
}

/// For the rest of this transaction: what goes over much may take longer than a request's statement.
pub async fn allow_long_statements(tx: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::raw_sql("set local statement_timeout = '120s'").execute(tx).await.map(drop)
}

/// Commits, and says so when nobody can know whether it happened. Only an error about the transaction itself (data,
/// constraint, state, serialization, a row that was waited for in vain) says that it did not; a server that is shutting down may have committed before it
/// said so.
pub async fn commit(tx: Tx) -> Result<(), DbError> {
    #[cfg(feature = "sabotage")]
    if super::sabotage::makes(super::sabotage::Fault::EarlyAnswer) {
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(200)).await;
            tx.commit().await
        });
        return Ok(());
    }
    tx.commit().await.map_err(|error| match DbError::from(error) {
        refused if refused.sql_state().is_some_and(|s| s == "55P03" || ["22", "23", "25", "40"].contains(&&s[..2])) => {
            refused
        }
        DbError::Sql(other) | DbError::OutcomeUnknown(other) => {
            metric::UNKNOWN_OUTCOMES.increment(1);
            DbError::OutcomeUnknown(other)
        }
    })
}

/// Runs a whole unit of work, and again when the database chose it as a victim: everything is rebuilt each time.
pub async fn retrying<T, E, F>(mut work: impl FnMut() -> F) -> Result<T, E>
where
    E: Transient,
    F: Future<Output = Result<T, E>>,
{
    const ATTEMPTS: u32 = 6;
    for attempt in 1..ATTEMPTS {
        match work().await {
            Err(error) if error.is_transient() => {
                metric::TRANSACTION_RETRIES.increment(1);
                // Two victims must not meet again.
                let jitter = RandomState::new().hash_one(attempt) % 10;
                tokio::time::sleep(Duration::from_millis(u64::from(attempt) * 5 + jitter)).await;
            }
            outcome => return outcome,
        }
    }
    work().await
}

/// Asks the server whether this connection is still inside a transaction: there `now()` stands still.
async fn is_outside_transaction(connection: &mut PgConnection) -> bool {
    let inside: Result<bool, _> =
        sqlx::Executor::fetch_one(connection, sqlx::raw_sql("select now() <> statement_timestamp()"))
            .await
            .and_then(|row| sqlx::Row::try_get(&row, 0));
    if matches!(inside, Ok(true)) {
        tracing::warn!("discarding a connection that was left inside a transaction");
    }
    matches!(inside, Ok(false))
}

fn connect_options(url: &SecretString) -> anyhow::Result<PgConnectOptions> {
    let options = PgConnectOptions::from_str(url.expose_secret())
        .with_context(|| format!("{} is not a PostgreSQL address", masked(url)))?;
    Ok(options.application_name("loadmaster"))
}

fn masked(url: &SecretString) -> String {
    settings::without_password(url.expose_secret())
}

/// Whether a database whose newest migration is this one has all that this build needs.
pub fn is_current(version: i64) -> bool {
    MIGRATIONS.iter().all(|migration| migration.version <= version)
}

async fn migration_version(db: &mut PgConnection) -> sqlx::Result<i64> {
    let there: bool =
        sqlx::query_scalar("select to_regclass('_sqlx_migrations') is not null").fetch_one(&mut *db).await?;
    if !there {
        return Ok(0);
    }
    let version: Option<i64> =
        sqlx::query_scalar("select max(version) from _sqlx_migrations where success").fetch_one(db).await?;
    Ok(version.unwrap_or_default())
}

/// As [`Database::is_migrated`], of a connection's database.
pub async fn is_migrated(db: &mut PgConnection) -> sqlx::Result<bool> {
    Ok(is_current(migration_version(db).await?))
}

/// When the connection's transaction began, by the database's clock.
pub async fn now(db: &mut PgConnection) -> sqlx::Result<DateTime<Utc>> {
    sqlx::query_scalar("select now()").fetch_one(db).await
}

/// A session apart that sees one moment, writes nothing and may take its time over it; it ends with its connection.
pub async fn connect_snapshot(url: &SecretString, pooler: bool) -> anyhow::Result<PgConnection> {
    let options = connect_options(url)?;
    // Behind a transaction pooler no prepared statement outlives its transaction.
    let options = if pooler { options.statement_cache_capacity(0) } else { options };
    let mut connection = connect(&options, url).await?;
    let begin = "begin isolation level repeatable read, read only; set local statement_timeout = 0;
                 set local idle_in_transaction_session_timeout = 0; set local work_mem = '64MB'";
    sqlx::raw_sql(begin).execute(&mut connection).await.map_err(|error| unreachable(&options, url, error))?;
    Ok(connection)
}

/// A single connection as the owner, for migrations and other administrative work.
pub async fn connect_owner(url: &SecretString) -> anyhow::Result<PgConnection> {
    Ok(connect(&connect_options(url)?, url).await?)
}

/// One attempt in bounded time: an address that swallows packets answers never.
async fn connect(options: &PgConnectOptions, url: &SecretString) -> Result<PgConnection, Unreachable> {
    let attempt = tokio::time::timeout(CONNECT_PATIENCE, PgConnection::connect_with(options)).await;
    let silent = || {
        let text = format!("no answer within {} s", CONNECT_PATIENCE.as_secs());
        Err(io::Error::new(io::ErrorKind::TimedOut, text).into())
    };
    attempt.unwrap_or_else(|_| silent()).map_err(|cause| unreachable(options, url, cause))
}

fn unreachable(options: &PgConnectOptions, url: &SecretString, cause: sqlx::Error) -> Unreachable {
    Unreachable::new(masked(url), options.get_socket().is_some(), cause)
}

/// Applies what is missing, makes partitions ahead, and gives the serving role its rights.
/// An older binary accepts a newer schema.
pub async fn migrate(owner: &mut PgConnection, now: DateTime<Utc>) -> anyhow::Result<()> {
    let mut migrator = sqlx::migrate!();
    migrator.set_ignore_missing(true);
    migrator.run_direct(None, owner, false).await.context("migrating the database failed")?;
    for table in partitioned_tables(owner).await? {
        let mut tx = owner.begin().await?;
        ensure_partitions(&mut tx, &table, now).await?;
        tx.commit().await?;
    }
    let mut tx = owner.begin().await?;
    grants::grant_serving_role(&mut tx).await.context("granting the serving role its rights failed")?;
    tx.commit().await?;
    Ok(())
}

async fn partitioned_tables(db: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar("select table_name from partitioned_tables order by table_name").fetch_all(db).await
}

async fn ensure_partitions(db: &mut PgConnection, table: &str, now: DateTime<Utc>) -> sqlx::Result<i64> {
    sqlx::query_scalar("select count(*) from ensure_partitions($1, $2, 12)").bind(table).bind(now).fetch_one(db).await
}
