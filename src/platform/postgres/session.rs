use std::{
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::stream::Stream;
use sqlx::{
    Describe, Either, Execute, Executor, PgConnection, Postgres, SqlSafeStr, SqlStr,
    pool::PoolConnection,
    postgres::{PgQueryResult, PgRow, PgStatement, PgTransactionManager, PgTypeInfo},
};
use sqlx_core::transaction::TransactionManager;
use tokio::time::{Sleep, timeout};

use super::{error::Verdict, state::State};

type Outcome<'e, T> = Pin<Box<dyn Future<Output = sqlx::Result<T>> + Send + 'e>>;
type Rows<'e, T> = Pin<Box<dyn Stream<Item = sqlx::Result<T>> + Send + 'e>>;

/// A connection on which no statement waits for ever. The server bounds each statement; when it does not respond at
/// all, this side gives up a little later with [`sqlx::Error::Io`] of the kind `TimedOut`, closes the connection
/// without a farewell message and frees its place in the pool. Every statement of the product runs on one of these.
pub struct PgSession {
    connection: Held,
    watch: Watch,
}

enum Held {
    Pooled(PoolConnection<Postgres>),
    Own(PgConnection),
}

/// State of a session beside its connection.
struct Watch {
    /// Longest silence that is tolerated: for a whole statement, or for the next row of a stream.
    bound: Duration,
    fitness: Fitness,
    /// State of the database, if this is a pool connection.
    state: Option<Arc<State>>,
    /// Whether a request writes here.
    is_serving: bool,
}

/// The fate of a connection when its session ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fitness {
    /// It goes back to the pool.
    Fit,
    /// It works, but leads to a server that refuses work: it is closed at once, too.
    Unwanted,
    /// It is dead or silent: it is closed at once, and nothing more is sent.
    Broken,
}

impl PgSession {
    pub(super) fn pooled(
        connection: PoolConnection<Postgres>,
        bound: Duration,
        state: Arc<State>,
        is_serving: bool,
    ) -> Self {
        let watch = Watch { bound, fitness: Fitness::Fit, state: Some(state), is_serving };
        Self { connection: Held::Pooled(connection), watch }
    }

    /// Wraps a connection of no pool; the connection ends with this session.
    pub fn own(connection: PgConnection, bound: Duration) -> Self {
        let watch = Watch { bound, fitness: Fitness::Fit, state: None, is_serving: false };
        Self { connection: Held::Own(connection), watch }
    }

    /// Sets the bound for the statements from now on.
    pub(super) fn set_bound(&mut self, bound: Duration) {
        self.watch.bound = bound;
    }

    /// Returns whether the connection still answers, as far as is known.
    pub(super) fn is_alive(&self) -> bool {
        self.watch.fitness != Fitness::Broken
    }

    pub(super) async fn begin(&mut self, statement: &'static str) -> sqlx::Result<()> {
        let (connection, watch) = self.parts();
        watch.over(PgTransactionManager::begin(connection, Some(statement.into_sql_str()))).await
    }

    pub(super) async fn commit(&mut self) -> sqlx::Result<()> {
        let (connection, watch) = self.parts();
        watch.over(PgTransactionManager::commit(connection)).await?;
        if let Some(state) = watch.state.as_ref().filter(|_| watch.is_serving) {
            state.wrote();
        }
        Ok(())
    }

    pub(super) async fn rollback(&mut self) -> sqlx::Result<()> {
        let (connection, watch) = self.parts();
        watch.over(PgTransactionManager::rollback(connection)).await
    }

    /// Queues a rollback; it is sent with the next command.
    pub(super) fn start_rollback(&mut self) {
        PgTransactionManager::start_rollback(self.parts().0);
    }

    /// Marks the connection as unusable.
    pub(super) fn give_up(&mut self) {
        self.watch.fitness = Fitness::Broken;
    }

    /// Ends a session without a pool, and its open transaction.
    pub async fn close(mut self) {
        // The server logs a client that disconnects inside a transaction.
        _ = sqlx::raw_sql("rollback").execute(&mut self).await;
    }

    fn parts(&mut self) -> (&mut PgConnection, &mut Watch) {
        let connection = match &mut self.connection {
            Held::Pooled(connection) => &mut **connection,
            Held::Own(connection) => connection,
        };
        (connection, &mut self.watch)
    }
}

impl Watch {
    async fn over<T>(&mut self, work: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
        if self.fitness == Fitness::Broken {
            return Err(self.silent());
        }
        match timeout(self.bound, work).await {
            Ok(outcome) => outcome.inspect_err(|error| self.judge(error)),
            Err(_) => Err(self.strike()),
        }
    }

    /// Records that the server did not respond in time, and returns the error.
    fn strike(&mut self) -> sqlx::Error {
        self.fitness = Fitness::Broken;
        if let Some(state) = &self.state {
            state.fell_silent();
        }
        let seconds = self.bound.as_secs_f64();
        tracing::warn!(seconds, "the database did not answer a statement in time; closing its connection");
        self.silent()
    }

    fn silent(&self) -> sqlx::Error {
        let text = format!("no answer within {} s", self.bound.as_secs_f64());
        io::Error::new(io::ErrorKind::TimedOut, text).into()
    }

    fn judge(&mut self, error: &sqlx::Error) {
        let verdict = Verdict::of(error);
        if let (Some(state), Some(refusal)) = (&self.state, verdict.refusal()) {
            state.refused(refusal);
        }
        match verdict {
            Verdict::Lost => self.fitness = Fitness::Broken,
            Verdict::Refused(_) if self.fitness == Fitness::Fit => self.fitness = Fitness::Unwanted,
            Verdict::OfStatement | Verdict::Refused(_) => {}
        }
    }
}

impl fmt::Debug for PgSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgSession").finish_non_exhaustive()
    }
}

impl Drop for PgSession {
    /// Does not block: a task returns the connection to the pool, in bounded time.
    fn drop(&mut self) {
        let Held::Pooled(connection) = &mut self.connection else { return };
        // From here on this future owns the connection: dropping it closes the socket and frees the place in the pool.
        let returning = connection.return_to_pool();
        let runtime = tokio::runtime::Handle::try_current();
        match (self.watch.fitness, runtime) {
            (Fitness::Fit, Ok(runtime)) => {
                // The connection keeps its place until the server has finished its work: each place is one session
                // there.
                runtime.spawn(timeout(self.watch.bound, returning));
            }
            _ => drop(returning),
        }
    }
}

impl<'c> Executor<'c> for &'c mut PgSession {
    type Database = Postgres;

    fn execute<'e, 'q: 'e, E>(self, query: E) -> Outcome<'e, PgQueryResult>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let (connection, watch) = self.parts();
        Box::pin(watch.over(connection.execute(query)))
    }

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> Rows<'e, Either<PgQueryResult, PgRow>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let (connection, watch) = self.parts();
        Box::pin(Watched { rows: connection.fetch_many(query), watch, patience: None })
    }

    fn fetch_all<'e, 'q: 'e, E>(self, query: E) -> Outcome<'e, Vec<PgRow>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let (connection, watch) = self.parts();
        Box::pin(watch.over(connection.fetch_all(query)))
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> Outcome<'e, Option<PgRow>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let (connection, watch) = self.parts();
        Box::pin(watch.over(connection.fetch_optional(query)))
    }

    fn prepare_with<'e>(self, sql: SqlStr, parameters: &'e [PgTypeInfo]) -> Outcome<'e, PgStatement>
    where
        'c: 'e,
    {
        let (connection, watch) = self.parts();
        Box::pin(watch.over(connection.prepare_with(sql, parameters)))
    }

    fn describe<'e>(self, sql: SqlStr) -> Outcome<'e, Describe<Postgres>>
    where
        'c: 'e,
    {
        let (connection, watch) = self.parts();
        Box::pin(watch.over(connection.describe(sql)))
    }
}

/// A stream of rows; the bound applies to the wait for each row.
struct Watched<'e, T> {
    rows: Rows<'e, T>,
    watch: &'e mut Watch,
    patience: Option<Pin<Box<Sleep>>>,
}

impl<T> Stream for Watched<'_, T> {
    type Item = sqlx::Result<T>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.watch.fitness == Fitness::Broken {
            return Poll::Ready(None);
        }
        if let Poll::Ready(row) = this.rows.as_mut().poll_next(context) {
            this.patience = None;
            if let Some(Err(error)) = &row {
                this.watch.judge(error);
            }
            return Poll::Ready(row);
        }
        let bound = this.watch.bound;
        let patience = this.patience.get_or_insert_with(|| Box::pin(tokio::time::sleep(bound)));
        match patience.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Some(Err(this.watch.strike()))),
            Poll::Pending => Poll::Pending,
        }
    }
}
