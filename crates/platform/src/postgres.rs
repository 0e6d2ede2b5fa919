//! The only access to the database: a bounded pool, the only `begin`, commits that report their true outcome, bounded
//! retries.
mod archive;
mod batches;
mod error;
mod grants;
mod keep_alive;
mod migrate;
mod months;
mod pool;
mod replica;
mod retry;
mod session;
mod state;
mod statement;
mod status;
mod transaction;

use std::{
    io,
    ops::Deref,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::{
    settings,
    telemetry::{self, Traced, metric},
};
use anyhow::Context;
use chrono::{DateTime, Utc};
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use sqlx::{
    Connection, PgConnection, PgExecutor, Postgres, SqlSafeStr, SqlStr,
    migrate::Migrator,
    postgres::{PgArguments, PgConnectOptions},
    query::Query,
};

pub use archive::{Month, Partition, archive_month, count_before, partitions, see_archive, see_tables};
pub use error::{DbError, Transient, Unreachable};
pub use grants::Tables;
pub use migrate::migrate;
pub use months::{IdMonths, PLANNED_LENGTH, column, planned_list};
pub use pool::PoolSize;
pub use replica::{LogPosition, Recency, ReplicaState, ReplicaStatus};
pub use retry::{MAX_RETRIES, pause_before_retry, retrying};
pub use session::PgSession;
pub use state::Refusal;
pub use status::{DatabaseStatus, clock, is_current, is_migrated, serving_sessions};
pub use transaction::{ReadConnection, Tx, commit};

use pool::{Pool, Pooled};
use replica::Replica;
use state::State;

/// A statement with its parameters, ready to be executed.
pub type Statement = Query<'static, Postgres, PgArguments>;

static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations");

/// Time that this side waits for an answer beyond the server's bound on a statement.
const SILENCE: Duration = Duration::from_secs(1);
/// Longest statement over a large amount of data, enforced by the server.
const LONG_STATEMENT: Duration = Duration::from_mins(2);
/// Longest silence between two rows of a separate session: nobody waits for it, and a query over all data may take
/// long.
const SNAPSHOT_SILENCE: Duration = Duration::from_hours(1);

/// Per process, in addition to `database.max_connections` and one connection for health checks.
const DUTY_CONNECTIONS: u32 = 3;

/// Longest wait for the first connection.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);

/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Database(Arc<Parts>);

/// What it consists of.
#[derive(Debug, Clone)]
pub struct Parts {
    pool: Pool,
    /// One separate connection for health checks: a busy pool does not mean a sick database.
    probes: Pool,
    /// A few separate connections for background work: a rush of requests must not make leases expire.
    background: Pool,
    /// Connections that have one user each.
    own: Arc<Mutex<Vec<Pool>>>,
    options: PgConnectOptions,
    pooler: bool,
    /// Whether requests wait for these connections.
    is_serving: bool,
    limits: Limits,
    /// Longest wait for an answer.
    bound: Duration,
    state: Arc<State>,
    replica: Option<Arc<Replica>>,
}

/// Bounds enforced by the server: on a statement of a request, on a wait for a row, and on an idle transaction. Where
/// several transactions wait for one row, each waits first for the place in front and then for the row, each time up to
/// the bound: twice that bound must be less than the bound on a statement, otherwise the wait would end as if the
/// database were slow.
#[derive(Debug, Clone, Copy)]
struct Limits {
    statement: Duration,
    lock: Duration,
}

impl Limits {
    fn of(statement: Duration) -> Self {
        Self { statement, lock: statement * 3 / 8 }
    }

    /// Returns the settings of a session; times are in milliseconds. Rows are looked up by key: with the price of a
    /// page out of order at the server's default, meant for turning disks, a small table's plan reads it whole, and is
    /// kept while the table grows. No statement runs long enough to be worth compiling, or other processes of the server: to
    /// start them takes ten milliseconds, and the cores are for other requests.
    fn settings(self) -> [(&'static str, String); 6] {
        [
            ("statement_timeout", self.statement.as_millis().to_string()),
            ("lock_timeout", self.lock.as_millis().to_string()),
            ("idle_in_transaction_session_timeout", (self.statement + SILENCE * 2).as_millis().to_string()),
            ("random_page_cost", "1.1".to_owned()),
            ("jit", "off".to_owned()),
            ("max_parallel_workers_per_gather", "0".to_owned()),
        ]
    }
}

impl Deref for Database {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl From<Parts> for Database {
    fn from(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Database {
    /// Opens the serving pool. Makes one connection immediately, so that a wrong address is reported at start-up.
    pub async fn open(url: &SecretString, settings: &settings::Database) -> anyhow::Result<Self> {
        let options = connect_options(url)?;
        let socket = options.get_socket().map(|path| path.display().to_string());
        let port = socket.is_none().then(|| options.get_port());
        telemetry::name_database(socket.as_deref().unwrap_or(options.get_host()), port, options.get_database());
        let this = Self::unconnected(options, settings);
        // The pool would retry until its patience ends and then report only that; a single attempt reports the cause.
        // Only the successful login matters.
        _ = connect(&this.options, url).await?.close().await;
        let Some(read_url) = &settings.read_url else { return Ok(this) };
        let replica = Replica::new(read_url, settings, this.for_positions())?;
        Ok(Parts { replica: Some(Arc::new(replica)), ..Parts::clone(&this) }.into())
    }

    /// Prepares the connections without making any.
    fn unconnected(options: PgConnectOptions, settings: &settings::Database) -> Self {
        let (pooler, limits) = (settings.transaction_pooler, Limits::of(settings.statement_timeout()));
        let options = if pooler { pooled(options) } else { options.options(limits.settings()) };
        let state = Arc::<State>::default();
        let patience = settings.acquire_timeout();
        let pool = |connections, waits| Pool::new(options.clone(), connections, patience, waits, &state);
        // A health check reports a refusal at once.
        let (probes, background) = (pool(1, false), pool(DUTY_CONNECTIONS, true));
        let pool = pool(settings.connections(), true);
        let bound = limits.statement + SILENCE;
        let own = Arc::default();
        Parts { pool, probes, background, own, options, pooler, is_serving: true, limits, bound, state, replica: None }
            .into()
    }

    /// Returns the same database through one connection reserved for questions about its log.
    fn for_positions(&self) -> Self {
        let pool = Pool::new(self.options.clone(), 1, self.pool.patience(), false, &self.state);
        self.own.lock().unwrap_or_else(PoisonError::into_inner).push(pool.clone());
        Parts { pool, ..Parts::clone(&self.for_probes()) }.into()
    }

    /// Uses the role and the password in this address for connections from now on.
    pub fn renew_login(&self, url: &SecretString) -> anyhow::Result<()> {
        let (options, known) = (connect_options(url)?, &self.options);
        let is_same = options.get_host() == known.get_host()
            && options.get_port() == known.get_port()
            && options.get_socket() == known.get_socket()
            && options.get_database() == known.get_database();
        anyhow::ensure!(is_same, "{} is another database, which takes effect with the next start", masked(url));
        self.state.log_in_as(login_of(url)?);
        Ok(())
    }

    /// The same for the standby that answers reads.
    pub fn renew_replica_login(&self, url: &SecretString) -> anyhow::Result<()> {
        self.replica.as_ref().map_or(Ok(()), |replica| replica.db.renew_login(url))
    }

    /// Returns the same database through one connection of the caller's own, made when it is first used. It keeps the
    /// plans of its statements for any parameters, by key, as tables grow, and waits no longer than `lock` for a row.
    #[must_use]
    pub fn own_connection(&self, lock: Duration) -> Self {
        let limits = Limits { lock, ..self.limits };
        let mut options = self.options.clone();
        if !self.pooler {
            let kept = [("plan_cache_mode", "force_generic_plan"), ("enable_seqscan", "off")];
            options = options.options(limits.settings()).options(kept);
        }
        let pool = Pool::new(options, 1, self.pool.patience(), true, &self.state);
        self.own.lock().unwrap_or_else(PoisonError::into_inner).push(pool.clone());
        Parts { pool, limits, ..Parts::clone(self) }.into()
    }

    /// Returns the longest time for which a transaction waits for a row.
    pub fn lock_patience(&self) -> Duration {
        self.limits.lock
    }

    /// Returns the same database through the connections reserved for background work.
    #[must_use]
    pub fn for_background(&self) -> Self {
        Parts { pool: self.background.clone(), is_serving: false, ..Parts::clone(self) }.into()
    }

    /// Returns the same database through the connection reserved for health checks. A health check waits no longer
    /// than for a connection, and a silent connection must be closed by then.
    #[must_use]
    pub fn for_probes(&self) -> Self {
        let bound = self.bound.min(self.probes.patience() * 3 / 4);
        // A late answer within so short a bound says nothing about the other connections.
        Parts { pool: self.probes.clone(), is_serving: false, bound, state: Arc::default(), ..Parts::clone(self) }
            .into()
    }

    fn session(&self, connection: Pooled) -> PgSession {
        PgSession::pooled(connection, self.bound, self.state.clone(), self.is_serving).behind(self.pooler)
    }

    /// Returns why the database recently refused writes, as far as this process has observed.
    pub fn refusal(&self) -> Option<Refusal> {
        self.state.refusal()
    }

    /// Returns how many connections requests have and use.
    pub fn pool_size(&self) -> PoolSize {
        self.pool.size()
    }

    /// Returns a connection for reading. Never write through it: a single statement outside a transaction can be lost.
    pub async fn read(&self) -> Result<ReadConnection, DbError> {
        if self.pooler {
            return Ok(ReadConnection::Transaction(self.begin().await?));
        }
        Ok(ReadConnection::Plain(self.acquire().await?.with_spare(&self.pool)))
    }

    /// Returns a connection that reads several things as of one moment: between two statements of [`Self::read`]
    /// another caller may commit.
    pub async fn snapshot(&self) -> Result<ReadConnection, DbError> {
        Ok(ReadConnection::Transaction(self.begin_with("begin isolation level repeatable read, read only").await?))
    }

    /// Begins a transaction that writes.
    pub async fn begin(&self) -> Result<Tx, DbError> {
        self.begin_with("begin").await
    }

    /// Begins a transaction; the only way to do so. It runs in its own task: a `begin` that is dropped half-way can
    /// leave the session inside a transaction that the client library does not know of (sqlx 4385, 4393).
    async fn begin_with(&self, statement: &'static str) -> Result<Tx, DbError> {
        let this = self.clone();
        let beginning = async move {
            let mut statement = statement.into_sql_str();
            if this.pooler {
                let limits = this.limits.settings().map(|(name, value)| format!("; set local {name} = {value}"));
                statement = sqlx::AssertSqlSafe(format!("{}{}", statement.as_str(), limits.concat())).into_sql_str();
            }
            Ok(this.try_begin(statement).await?)
        };
        match tokio::spawn(beginning.in_same_trace()).await {
            Ok(begun) => begun,
            Err(_) => Err(DbError::Sql(sqlx::Error::WorkerCrashed)),
        }
    }

    /// Tries another connection if the first was lost while it was idle.
    async fn try_begin(&self, statement: SqlStr) -> sqlx::Result<Tx> {
        let session = self.acquire().await?;
        let may_be_lost = !session.is_proven();
        match begin_on(session, statement.clone()).await {
            Err(error) if may_be_lost && session::is_lost(&error) => {
                self.state.distrust();
                begin_on(self.acquire().await?, statement).await
            }
            begun => begun,
        }
    }

    /// Takes a connection from the pool. Records how long requests wait for one, including waits that fail or are
    /// abandoned.
    async fn acquire(&self) -> sqlx::Result<PgSession> {
        let waiting = async {
            let _waiting = self.is_serving.then(|| metric::POOL_WAIT.time());
            let acquired = self.pool.acquire().await;
            if acquired.is_err() {
                telemetry::fail("unavailable");
            }
            acquired
        };
        waiting.in_span(telemetry::span("wait for connection")).await.map(|connection| self.session(connection))
    }

    /// Creates the monthly partitions from `now` on, twelve months ahead; returns how many were created.
    pub async fn ensure_partitions(&self, now: DateTime<Utc>) -> Result<i64, DbError> {
        let tables = partitioned_tables(&mut *self.read().await?).await?;
        let mut made = 0;
        for table in tables {
            let mut tx = self.begin().await?;
            made += ensure_partitions(&mut *tx, &table, now).await?;
            commit(tx).await?;
        }
        Ok(made)
    }

    pub async fn close(&self) {
        if let Some(replica) = &self.replica {
            Box::pin(replica.db.close()).await;
        }
        self.probes.close().await;
        self.background.close().await;
        let own = std::mem::take(&mut *self.own.lock().unwrap_or_else(PoisonError::into_inner));
        for pool in own {
            pool.close().await;
        }
        self.pool.close().await;
    }
}

async fn begin_on(session: PgSession, statement: SqlStr) -> sqlx::Result<Tx> {
    let beginning = async {
        let begun = Tx::begin(session, statement).await;
        if let Err(error) = &begun {
            telemetry::call_failed(error::sql_state(error).as_deref());
        }
        begun
    };
    beginning.in_span(telemetry::transaction_begin()).await
}

/// Allows, for the rest of this transaction, statements that take longer than a request's.
pub async fn allow_long_statements(tx: &mut PgSession) -> sqlx::Result<()> {
    tx.set_bound(LONG_STATEMENT + SILENCE);
    sqlx::raw_sql("set local statement_timeout = '120s'").execute(tx).await.map(drop)
}

/// Has the plans of statements kept, for the rest of this transaction, whatever their parameters: statements about tables with
/// many partitions take longer to plan than to execute. They are by key, as tables grow.
pub async fn keep_plans(tx: &mut PgSession) -> sqlx::Result<()> {
    let keep = "set local plan_cache_mode = force_generic_plan; set local enable_seqscan = off";
    sqlx::raw_sql(keep).execute(tx).await.map(drop)
}

/// Limits, for the rest of this transaction, each wait for a lock.
pub async fn limit_lock_waits(tx: &mut PgSession, longest: Duration) -> sqlx::Result<()> {
    let limit = format!("set local lock_timeout = {}", longest.as_millis());
    sqlx::raw_sql(sqlx::AssertSqlSafe(limit)).execute(tx).await.map(drop)
}

fn connect_options(url: &SecretString) -> anyhow::Result<PgConnectOptions> {
    let options = PgConnectOptions::from_str(url.expose_secret())
        .with_context(|| format!("{} is not a PostgreSQL address", masked(url)))?;
    Ok(options.application_name("loadmaster"))
}

/// Returns the credentials in an address, wherever they stand in it.
fn login_of(url: &SecretString) -> anyhow::Result<state::Login> {
    let role = connect_options(url)?.get_username().to_owned();
    let url = url::Url::parse(url.expose_secret()).with_context(|| format!("{} is not an address", masked(url)))?;
    let named = url.query_pairs().find(|(name, _)| name == "password").map(|(_, value)| value.into_owned());
    let password = url.password().map(|text| percent_decode_str(text).decode_utf8_lossy().into_owned());
    Ok((role, named.or(password)))
}

/// Behind a transaction pooler no prepared statement outlives its transaction, and start-up parameters are refused. The
/// one for floating-point digits changes nothing since PostgreSQL 12.
fn pooled(options: PgConnectOptions) -> PgConnectOptions {
    options.statement_cache_capacity(0).extra_float_digits(None)
}

fn masked(url: &SecretString) -> String {
    settings::without_password(url.expose_secret())
}

/// Returns when the connection's transaction began, by the database's clock.
pub async fn now(db: &mut PgSession) -> sqlx::Result<DateTime<Utc>> {
    sqlx::query_scalar("select now()").fetch_one(db).await
}

/// Opens a separate session that sees one moment, writes nothing and has no time limit as a whole; it ends with its
/// connection.
pub async fn connect_snapshot(url: &SecretString, pooler: bool) -> anyhow::Result<PgSession> {
    let options = connect_options(url)?;
    let options = if pooler { pooled(options) } else { options };
    let mut session = PgSession::own(connect(&options, url).await?, SNAPSHOT_SILENCE).behind(pooler);
    let begin = "begin isolation level repeatable read, read only; set local statement_timeout = 0;
                 set local idle_in_transaction_session_timeout = 0; set local work_mem = '64MB'";
    sqlx::raw_sql(begin).execute(&mut session).await.map_err(|error| unreachable(&options, url, error))?;
    Ok(session)
}

/// Opens a single connection as the owner, for migrations and other administrative work.
pub async fn connect_owner(url: &SecretString) -> anyhow::Result<PgConnection> {
    Ok(connect(&connect_options(url)?, url).await?)
}

/// Makes one attempt in bounded time: an address that drops packets never answers.
async fn connect(options: &PgConnectOptions, url: &SecretString) -> Result<PgConnection, Unreachable> {
    let attempt = tokio::time::timeout(CONNECT_PATIENCE, PgConnection::connect_with(options)).await;
    let silent = || {
        let text = format!("no answer within {} s", CONNECT_PATIENCE.as_secs());
        Err(io::Error::new(io::ErrorKind::TimedOut, text).into())
    };
    let connection = attempt.unwrap_or_else(|_| silent()).map_err(|cause| unreachable(options, url, cause))?;
    if options.get_socket().is_none() {
        keep_alive::keep_alive(options.get_port());
    }
    Ok(connection)
}

fn unreachable(options: &PgConnectOptions, url: &SecretString, cause: sqlx::Error) -> Unreachable {
    Unreachable::new(masked(url), options.get_socket().is_some(), cause)
}

async fn partitioned_tables(db: impl PgExecutor<'_>) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar("select table_name from partitioned_tables order by table_name").fetch_all(db).await
}

async fn ensure_partitions(db: impl PgExecutor<'_>, table: &str, now: DateTime<Utc>) -> sqlx::Result<i64> {
    sqlx::query_scalar("select count(*) from ensure_partitions($1, $2, 12)").bind(table).bind(now).fetch_one(db).await
}
