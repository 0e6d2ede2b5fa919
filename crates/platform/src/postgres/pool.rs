//! The connections of a process, bounded in number. A connection goes back the moment its user drops it, without a
//! message to the server, and is checked only after it has been idle for a while.
use std::{
    io::{self, ErrorKind},
    sync::Arc,
    time::{Duration, Instant},
};

use deadpool::{
    Runtime,
    managed::{self, Metrics, Object, PoolError, RecycleError, RecycleResult},
};
use sqlx::{Connection, Executor, PgConnection, Row, postgres::PgConnectOptions};

use super::{error, keep_alive, state::State};

/// Longest wait for an idle connection to prove that it is alive.
const CHECK_PATIENCE: Duration = Duration::from_secs(1);
/// A connection that was used within this time is used again without a check.
const TRUSTED: Duration = Duration::from_secs(5);
/// Longest time that a connection stays without use, and that it is used at all.
const LONGEST_IDLE: Duration = Duration::from_mins(10);
const LONGEST_LIFE: Duration = Duration::from_mins(30);
/// Interval at which connections without use are looked for.
const LOOK: Duration = Duration::from_secs(30);
/// Pauses between attempts to connect to a server that starts.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(320);

pub(super) type Pooled = Object<Connector>;

#[derive(Debug, Clone)]
pub(super) struct Pool {
    connections: managed::Pool<Connector>,
    /// Longest wait for a connection.
    patience: Duration,
}

/// Makes connections, and judges idle ones.
#[derive(Debug)]
pub(super) struct Connector {
    options: PgConnectOptions,
    check_patience: Duration,
    /// Whether to wait for a server that refuses connections, as one that starts does.
    waits_for_server: bool,
    state: Arc<State>,
}

/// A connection in the pool or in use.
#[derive(Debug)]
pub(super) struct Member {
    pub connection: PgConnection,
    idle_since: Instant,
    /// Whether it has answered since it was last taken.
    pub is_proven: bool,
}

impl Member {
    /// Call it before the connection goes back.
    pub fn rest(&mut self) {
        self.idle_since = Instant::now();
        self.is_proven = false;
    }
}

/// The numbers of connections.
#[derive(Debug, Clone, Copy)]
pub struct PoolSize {
    pub all: u32,
    pub idle: usize,
    pub most: u32,
}

impl Pool {
    /// Needs the runtime in which it is used.
    pub fn new(
        options: PgConnectOptions,
        most: u32,
        patience: Duration,
        waits_for_server: bool,
        state: &Arc<State>,
    ) -> Self {
        let check_patience = CHECK_PATIENCE.min(patience / 2);
        let connector = Connector { options, check_patience, waits_for_server, state: state.clone() };
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let builder = managed::Pool::builder(connector).max_size(most).runtime(Runtime::Tokio1);
        // Only timeouts need the runtime that the builder could miss.
        let connections = builder.queue_mode(managed::QueueMode::Lifo).build().unwrap_or_else(|never| {
            unreachable!("{never}");
        });
        tokio::spawn(close_unused(connections.weak()));
        Self { connections, patience }
    }

    pub async fn acquire(&self) -> sqlx::Result<Pooled> {
        match tokio::time::timeout(self.patience, self.connections.get()).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(PoolError::Closed)) => Err(sqlx::Error::PoolClosed),
            Ok(Err(PoolError::Backend(error))) => Err(not_let_in(error)),
            Ok(Err(_)) | Err(_) => Err(sqlx::Error::PoolTimedOut),
        }
    }

    pub fn patience(&self) -> Duration {
        self.patience
    }

    pub fn size(&self) -> PoolSize {
        let status = self.connections.status();
        let count = |connections: usize| u32::try_from(connections).unwrap_or(u32::MAX);
        PoolSize { all: count(status.size), idle: status.available, most: count(status.max_size) }
    }

    /// Returns when all connections are back and closed.
    pub async fn close(&self) {
        self.connections.close();
        while self.connections.status().size > 0 {
            close(self.connections.retain(|_, _| false).removed).await;
            tokio::time::sleep(FIRST_PAUSE).await;
        }
    }
}

/// Closes connections that nobody uses any more, for as long as the pool exists.
async fn close_unused(pool: managed::WeakPool<Connector>) {
    loop {
        tokio::time::sleep(LOOK).await;
        let Some(pool) = pool.upgrade() else { return };
        let is_needed = |member: &Member, metrics: Metrics| {
            member.idle_since.elapsed() < LONGEST_IDLE && metrics.age() < LONGEST_LIFE
        };
        let unused = pool.retain(is_needed).removed;
        drop(pool);
        close(unused).await;
    }
}

async fn close(members: Vec<Member>) {
    for member in members {
        _ = tokio::time::timeout(CHECK_PATIENCE, member.connection.close()).await;
    }
}

/// Turns the server's refusal of a session into a refused connection, whatever reason it gives.
fn not_let_in(error: sqlx::Error) -> sqlx::Error {
    match error {
        refused @ sqlx::Error::Database(_) => io::Error::new(ErrorKind::ConnectionRefused, refused).into(),
        other => other,
    }
}

impl managed::Manager for Connector {
    type Type = Member;
    type Error = sqlx::Error;

    async fn create(&self) -> sqlx::Result<Member> {
        // Seldom and large: within each future that may want a connection it would make all of them large.
        Box::pin(self.connect()).await
    }

    async fn recycle(&self, member: &mut Member, metrics: &Metrics) -> RecycleResult<sqlx::Error> {
        let idle_for = member.idle_since.elapsed();
        if self.state.is_distrusted(idle_for) || metrics.age() >= LONGEST_LIFE {
            return Err(RecycleError::message("not to be used again"));
        }
        if idle_for >= TRUSTED {
            if !Box::pin(self.is_well(&mut member.connection)).await {
                return Err(RecycleError::message("lost"));
            }
            member.is_proven = true;
        }
        Ok(())
    }
}

impl Connector {
    /// Waits for a server that starts; its caller's patience bounds that.
    async fn connect(&self) -> sqlx::Result<Member> {
        let mut pause = FIRST_PAUSE;
        let connection = loop {
            let renewed = self.state.login().map(|(role, password)| {
                let options = self.options.clone().username(&role);
                if let Some(password) = password { options.password(&password) } else { options }
            });
            match PgConnection::connect_with(renewed.as_ref().unwrap_or(&self.options)).await {
                Err(error) if self.waits_for_server && is_starting(&error) => tokio::time::sleep(pause).await,
                connected => break connected?,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        };
        if self.options.get_socket().is_none() {
            let port = self.options.get_port();
            _ = tokio::task::spawn_blocking(move || keep_alive::keep_alive(port)).await;
        }
        Ok(Member { connection, idle_since: Instant::now(), is_proven: true })
    }

    /// Returns whether an idle connection is alive and outside a transaction: inside one `now()` does not advance. A
    /// silent one casts doubt on the others.
    async fn is_well(&self, connection: &mut PgConnection) -> bool {
        let asked = connection.fetch_one(sqlx::raw_sql("select now() <> statement_timestamp()"));
        match tokio::time::timeout(self.check_patience, asked).await {
            Ok(Ok(row)) => {
                let is_outside = matches!(row.try_get(0), Ok(false));
                if !is_outside {
                    tracing::warn!("an idle connection to the database was inside a transaction; closing it");
                }
                is_outside
            }
            Ok(Err(error)) => {
                tracing::info!(%error, "an idle connection to the database was lost");
                false
            }
            Err(_) => {
                tracing::warn!(
                    "an idle connection to the database does not answer; closing every connection that is idle now"
                );
                self.state.fell_silent();
                false
            }
        }
    }
}

/// Returns whether the server refuses connections as one does that starts or has no space for the moment.
fn is_starting(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() == ErrorKind::ConnectionRefused,
        // 08P01 is what PgBouncer says while it cannot reach its server.
        error => matches!(error::sql_state(error).as_deref(), Some("53300" | "57P03" | "08P01")),
    }
}
