use std::{
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use async_stream::try_stream;
use futures_util::stream::{Stream, StreamExt};
use sqlx::{
    Connection, Describe, Either, Execute, Executor, PgConnection, Postgres, SqlStr,
    postgres::{PgQueryResult, PgRow, PgStatement, PgTransactionManager, PgTypeInfo},
};
use sqlx_core::transaction::TransactionManager;
use tokio::time::{Sleep, timeout};

use super::{
    error::Verdict,
    pool::{Pool, Pooled},
    state::State,
    statement::{Nameless, Statement},
};

type Outcome<'e, T> = Pin<Box<dyn Future<Output = sqlx::Result<T>> + Send + 'e>>;
type Rows<'e, T> = Pin<Box<dyn Stream<Item = sqlx::Result<T>> + Send + 'e>>;

/// A connection on which no statement waits for ever. The server bounds each statement; when it does not respond at
/// all, this side gives up a little later with [`sqlx::Error::Io`] of the kind `TimedOut`, closes the connection
/// without a farewell message and frees its place in the pool. Every statement of the product runs on one of these.
pub struct PgSession {
    /// Taken when the session is dropped.
    connection: Option<Held>,
    watch: Watch,
    /// Whether statements are parsed anew each time. Behind a transaction pooler a name may belong to a statement of another
    /// client, or to none.
    is_nameless: bool,
    /// Where to get another connection, if the first statement finds this one lost: for reads outside transactions.
    spare: Option<Pool>,
}

enum Held {
    Pooled(Pooled),
    Own(PgConnection),
}

/// State of a session beside its connection.
struct Watch {
    /// Longest silence that is tolerated: for a whole statement, or for the next row of a stream.
    bound: Duration,
    fitness: Fitness,
    /// No statement is under way, and nothing waits to be sent.
    is_settled: bool,
    transaction: Transaction,
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

/// What is known of the transaction in a session. Only [`PgSession::begin`] begins one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Transaction {
    None,
    /// There is one, or there may be one: a connection is never used again in this state.
    Open,
    /// It is rolled back with the next message.
    Ending,
}

impl Watch {
    fn new(bound: Duration, state: Option<Arc<State>>, is_serving: bool) -> Self {
        Self { bound, fitness: Fitness::Fit, is_settled: true, transaction: Transaction::None, state, is_serving }
    }
}

impl PgSession {
    pub(super) fn pooled(connection: Pooled, bound: Duration, state: Arc<State>, is_serving: bool) -> Self {
        let watch = Watch::new(bound, Some(state), is_serving);
        Self { connection: Some(Held::Pooled(connection)), watch, is_nameless: false, spare: None }
    }

    /// Repeats the first statement on another connection if this one was lost while it was idle. Only for statements
    /// that write nothing.
    #[must_use]
    pub(super) fn with_spare(mut self, pool: &Pool) -> Self {
        self.spare = (!self.is_proven()).then(|| pool.clone());
        self
    }

    /// Returns whether the connection has answered since it was taken.
    pub(super) fn is_proven(&self) -> bool {
        !matches!(&self.connection, Some(Held::Pooled(member)) if !member.is_proven)
    }

    /// Wraps a connection of no pool; the connection ends with this session.
    pub fn own(connection: PgConnection, bound: Duration) -> Self {
        let watch = Watch::new(bound, None, false);
        Self { connection: Some(Held::Own(connection)), watch, is_nameless: false, spare: None }
    }

    /// Gives no statement a name if `pooler`: the connection leads to a transaction pooler.
    #[must_use]
    pub(super) fn behind(mut self, pooler: bool) -> Self {
        self.is_nameless = pooler;
        self
    }

    /// Sets the bound for the statements from now on.
    pub(super) fn set_bound(&mut self, bound: Duration) {
        self.watch.bound = bound;
    }

    /// Returns whether the connection still answers, as far as is known.
    pub(super) fn is_alive(&self) -> bool {
        self.watch.fitness != Fitness::Broken
    }

    pub(super) async fn begin(&mut self, statement: SqlStr) -> sqlx::Result<()> {
        let (connection, watch) = self.parts();
        // Before it is sent: a begin that is cut off may have begun.
        watch.transaction = Transaction::Open;
        watch.over(PgTransactionManager::begin(connection, Some(statement))).await
    }

    pub(super) async fn commit(&mut self) -> sqlx::Result<()> {
        let (connection, watch) = self.parts();
        watch.over(PgTransactionManager::commit(connection)).await?;
        watch.transaction = Transaction::None;
        if let Some(state) = watch.state.as_ref().filter(|_| watch.is_serving) {
            state.wrote();
        }
        Ok(())
    }

    pub(super) async fn rollback(&mut self) -> sqlx::Result<()> {
        let (connection, watch) = self.parts();
        watch.over(PgTransactionManager::rollback(connection)).await?;
        watch.transaction = Transaction::None;
        Ok(())
    }

    /// Queues a rollback; it is sent with the next command.
    pub(super) fn start_rollback(&mut self) {
        let (connection, watch) = self.parts();
        PgTransactionManager::start_rollback(connection);
        watch.is_settled = false;
        watch.transaction = Transaction::Ending;
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

    #[allow(clippy::expect_used, reason = "only drop takes the connection")]
    fn parts(&mut self) -> (&mut PgConnection, &mut Watch) {
        let connection = match self.connection.as_mut().expect("a connection") {
            Held::Pooled(member) => &mut member.connection,
            Held::Own(connection) => connection,
        };
        (connection, &mut self.watch)
    }

    /// Takes another connection in place of this lost one. Those that were idle when it was lost are lost as well.
    async fn replace(&mut self, pool: &Pool) -> sqlx::Result<()> {
        if let Some(state) = &self.watch.state {
            state.distrust();
        }
        self.watch.fitness = Fitness::Broken;
        // It gives up its place, and stays here until there is another, so that there is always a connection.
        if let Some(Held::Pooled(lost)) = self.connection.take() {
            self.connection = Some(Held::Own(Pooled::take(lost).connection));
        }
        self.connection = Some(Held::Pooled(pool.acquire().await?));
        self.watch.fitness = Fitness::Fit;
        self.watch.is_settled = true;
        Ok(())
    }
}

/// Returns whether the connection was lost, other than by falling silent: that has taken its time already.
pub(super) fn is_lost(error: &sqlx::Error) -> bool {
    let is_silence = matches!(error, sqlx::Error::Io(error) if error.kind() == io::ErrorKind::TimedOut);
    Verdict::of(error) == Verdict::Lost && !is_silence
}

impl Watch {
    async fn over<T>(&mut self, work: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
        if self.fitness == Fitness::Broken {
            return Err(self.silent());
        }
        self.is_settled = false;
        match timeout(self.bound, work).await {
            Ok(outcome) => {
                self.is_settled = true;
                outcome.inspect_err(|error| self.judge(error))
            }
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
    /// Does not block. A connection that is free of work goes back at once; where something is still to be sent or
    /// received, a task waits for it, in bounded time, and the connection keeps its place until then: each place is one
    /// session at the server.
    fn drop(&mut self) {
        let Some(Held::Pooled(mut member)) = self.connection.take() else { return };
        let watch = &self.watch;
        match (watch.fitness, watch.transaction, tokio::runtime::Handle::try_current()) {
            (Fitness::Fit, Transaction::None, _) if watch.is_settled => member.rest(),
            (Fitness::Fit, Transaction::None | Transaction::Ending, Ok(runtime)) => {
                let bound = watch.bound;
                runtime.spawn(async move {
                    if matches!(timeout(bound, member.connection.ping()).await, Ok(Ok(()))) {
                        member.rest();
                    } else {
                        drop(Pooled::take(member));
                    }
                });
            }
            (Fitness::Fit, Transaction::Open, _) => {
                tracing::warn!("a connection was returned inside an open transaction; closing it");
                drop(Pooled::take(member));
            }
            _ => drop(Pooled::take(member)),
        }
    }
}

/// Runs a statement; if it finds the connection lost, and there is a spare, once more on another one.
macro_rules! run {
    ($session:ident, $method:ident, $query:ident) => {{
        let Some(spare) = $session.spare.take() else {
            let is_nameless = $session.is_nameless;
            let (connection, watch) = $session.parts();
            if is_nameless {
                return Box::pin(watch.over(connection.$method(Nameless($query))));
            }
            return Box::pin(watch.over(connection.$method($query)));
        };
        Box::pin(async move {
            let statement = Statement::of($query)?;
            let (connection, watch) = $session.parts();
            match watch.over(connection.$method(statement.clone())).await {
                Err(error) if is_lost(&error) => $session.replace(&spare).await?,
                outcome => return outcome,
            }
            let (connection, watch) = $session.parts();
            watch.over(connection.$method(statement)).await
        })
    }};
}

impl<'c> Executor<'c> for &'c mut PgSession {
    type Database = Postgres;

    fn execute<'e, 'q: 'e, E>(self, query: E) -> Outcome<'e, PgQueryResult>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        run!(self, execute, query)
    }

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> Rows<'e, Either<PgQueryResult, PgRow>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let Some(spare) = self.spare.take() else {
            let is_nameless = self.is_nameless;
            let (connection, watch) = self.parts();
            if is_nameless {
                return Box::pin(Watched::new(connection.fetch_many(Nameless(query)), watch));
            }
            return Box::pin(Watched::new(connection.fetch_many(query), watch));
        };
        Box::pin(try_stream! {
            let statement = Statement::of(query)?;
            {
                let (connection, watch) = self.parts();
                let mut rows = Watched::new(connection.fetch_many(statement.clone()), watch);
                let first = rows.next().await;
                if !matches!(&first, Some(Err(error)) if is_lost(error)) {
                    let mut next = first;
                    while let Some(row) = next {
                        yield row?;
                        next = rows.next().await;
                    }
                    return;
                }
            }
            self.replace(&spare).await?;
            let (connection, watch) = self.parts();
            let mut rows = Watched::new(connection.fetch_many(statement), watch);
            while let Some(row) = rows.next().await {
                yield row?;
            }
        })
    }

    fn fetch_all<'e, 'q: 'e, E>(self, query: E) -> Outcome<'e, Vec<PgRow>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        run!(self, fetch_all, query)
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> Outcome<'e, Option<PgRow>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        run!(self, fetch_optional, query)
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

impl<'e, T> Watched<'e, T> {
    fn new(rows: Rows<'e, T>, watch: &'e mut Watch) -> Self {
        watch.is_settled = false;
        Self { rows, watch, patience: None }
    }
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
            match &row {
                None => this.watch.is_settled = true,
                Some(Err(error)) => this.watch.judge(error),
                Some(Ok(_)) => {}
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
