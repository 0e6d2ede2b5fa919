//! The only way to write. A [`Command`] decides and writes in a transaction; the unit of work begins it, enters the
//! command's `Idempotency-Key`, stores its answer, commits, and runs the follow-up. It retries conflicts, and
//! determines by the key the outcome of a commit that was not confirmed.
//!
//! One command or many share a transaction: each has its own outcome, and a refused one rolls back only its own writes.
mod request;

use std::{pin::Pin, time::Duration};

use super::{
    idempotency::{Answer, Key, Repetition},
    postgres::{Database, DbError, MAX_RETRIES, PgSession, Transient, Tx, commit, pause_before_retry},
    tasks::Tasks,
    telemetry::{Traced, metric, span},
    web::Problem,
};

pub use request::{ChangeRequest, Judged};

/// A change that is made in one transaction, or not at all.
pub trait Command: Send {
    /// The name of its span.
    const NAME: &'static str;
    type Done: Send + Sync;
    type Error: From<DbError> + From<Repetition> + Transient + Into<Problem> + Send + Sync;

    /// Reads and waits for locks, while no connection is held. Runs before each attempt.
    fn prepare(&mut self, _key: &Key) -> impl Future<Output = Result<(), Self::Error>> + Send {
        std::future::ready(Ok(()))
    }

    /// Locks rows, decides by their current state, and writes. The caller begins and ends the transaction.
    fn decide(&mut self, tx: &mut PgSession) -> impl Future<Output = Result<Self::Done, Self::Error>> + Send;

    /// Returns whether this error only means that the preparation is out of date. It is then repeated, for as long as
    /// [`Self::prepare`] allows.
    fn is_out_of_date(&self, _error: &Self::Error) -> bool {
        false
    }

    /// Runs once, after the commit or after the last attempt.
    fn concluded(&mut self, _outcome: Result<&Self::Done, &Self::Error>) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }
}

type AnswerOf<T> = Box<dyn Fn(&T) -> Answer + Send + Sync>;

/// A command of a request, with its key and the function that builds its answer.
pub struct Keyed<C: Command> {
    pub command: C,
    pub key: Key,
    pub answer: AnswerOf<C::Done>,
}

/// A running command.
pub type Running = Pin<Box<dyn Future<Output = Result<Answer, Problem>> + Send>>;

/// Runs commands. Cheap to clone.
#[derive(Clone)]
pub struct UnitOfWork {
    db: Database,
    tasks: Tasks,
}

impl UnitOfWork {
    pub fn new(db: Database, tasks: Tasks) -> Self {
        Self { db, tasks }
    }

    /// Runs a command once per key, and to the end even when the caller disconnects.
    pub fn run<C>(&self, keyed: Keyed<C>) -> Running
    where
        C: Command + 'static,
    {
        let (this, tasks) = (self.clone(), self.tasks.clone());
        Box::pin(async move {
            let work = Box::pin(async move { Ok::<_, Problem>(this.run_all(vec![keyed]).await) });
            let mut outcomes = tasks.to_the_end(work).await?;
            outcomes.pop().unwrap_or_else(|| Err(Problem::internal(&"a command without an outcome")))
        })
    }

    /// Runs commands in one transaction. Returns their answers, in the same order.
    pub async fn run_all<C: Command>(&self, batch: Vec<Keyed<C>>) -> Vec<Result<Answer, Problem>> {
        // A key that is in use in this process is refused immediately, without a query.
        let in_use: Vec<_> = batch.iter().map(|keyed| keyed.key.start()).collect();
        let started = batch.into_iter().zip(&in_use).filter(|(_, in_use)| in_use.is_some());
        let mut members: Vec<_> =
            started.map(|(Keyed { command, key, answer }, _)| Member::new(command, key, Some(answer))).collect();
        settle(&self.db, &mut members).in_span(span(C::NAME)).await;
        let mut members = members.into_iter();
        let mut answers = Vec::with_capacity(in_use.len());
        for in_use in &in_use {
            answers.push(match in_use.as_ref().and_then(|_| members.next()) {
                Some(member) => member.conclude().await,
                None => Err(Repetition::InProgress.into()),
            });
        }
        answers
    }
}

/// Runs a command without a key, for a caller that waits for it: at the command line.
pub async fn run_alone<C: Command>(db: &Database, command: C) -> Result<C::Done, C::Error> {
    let mut members = [Member::new(command, Key::none(), None)];
    settle(db, &mut members).in_span(span(C::NAME)).await;
    let [mut member] = members;
    let outcome = member.outcome.take().unwrap_or_else(|| Err(DbError::from(sqlx::Error::WorkerCrashed).into()));
    member.command.concluded(outcome.as_ref()).await;
    outcome
}

/// A command during its attempts.
struct Member<C: Command> {
    command: C,
    key: Key,
    answer: Option<AnswerOf<C::Done>>,
    conflicts: u32,
    /// The answer stored under the key, if the commit succeeds.
    kept: Option<Answer>,
    /// `None` until it is settled, and again before a retry.
    outcome: Option<Result<C::Done, C::Error>>,
    is_committed: bool,
}

impl<C: Command> Member<C> {
    fn new(command: C, key: Key, answer: Option<AnswerOf<C::Done>>) -> Self {
        Self { command, key, answer, conflicts: 0, kept: None, outcome: None, is_committed: false }
    }

    const fn is_open(&self) -> bool {
        self.outcome.is_none()
    }

    const fn is_to_be_committed(&self) -> bool {
        matches!(self.outcome, Some(Ok(_))) && !self.is_committed
    }

    async fn prepare(&mut self) {
        if let Err(error) = Box::pin(self.command.prepare(&self.key)).await {
            self.outcome = Some(Err(error));
        }
    }

    /// Locks the command's key until the end of the transaction.
    async fn enter(&mut self, tx: &mut PgSession) -> Result<(), DbError> {
        match self.key.enter_in_tx(tx).await {
            Ok(()) => Ok(()),
            Err(Repetition::Database(error)) => Err(error),
            Err(repetition) => {
                self.outcome = Some(Err(repetition.into()));
                Ok(())
            }
        }
    }

    async fn decide(&mut self, tx: &mut PgSession) {
        // Boxed, so that the levels above move a pointer instead of the command's whole future.
        self.outcome = Some(Box::pin(self.command.decide(tx)).await);
    }

    async fn keep(&mut self, tx: &mut PgSession) -> Result<(), DbError> {
        if let (Some(Ok(done)), Some(answer)) = (&self.outcome, &self.answer) {
            let answer = answer(done);
            self.key.keep_in_tx(tx, &answer).await?;
            self.kept = Some(answer);
        }
        Ok(())
    }

    /// Records the failure of its transaction.
    fn fail(&mut self, error: DbError) {
        self.outcome = Some(Err(error.into()));
    }

    /// Returns the pause before the next attempt, if there is one.
    fn try_again(&mut self) -> Option<Duration> {
        let Some(Err(error)) = &self.outcome else { return None };
        let pause = if self.command.is_out_of_date(error) {
            Duration::ZERO
        } else if error.is_transient() && self.conflicts < MAX_RETRIES {
            metric::TRANSACTION_RETRIES.increment(1);
            self.conflicts += 1;
            pause_before_retry(self.conflicts)
        } else {
            return None;
        };
        self.outcome = None;
        Some(pause)
    }

    /// Returns the answer. The cause of a failure may be the effect itself: made earlier, by another process meanwhile,
    /// or by a commit that was not confirmed.
    async fn conclude(mut self) -> Result<Answer, Problem> {
        let Some(outcome) = self.outcome.take() else { return Err(Problem::internal(&"a command without an outcome")) };
        self.command.concluded(outcome.as_ref()).await;
        match outcome {
            Ok(_) => self.kept.ok_or_else(|| Problem::internal(&"a command without an answer")),
            Err(error) => self.key.resolve(error.into(), self.kept.as_ref()).await,
        }
    }
}

/// Makes attempts until each command has its outcome.
async fn settle<C: Command>(db: &Database, members: &mut [Member<C>]) {
    loop {
        for member in members.iter_mut().filter(|member| member.is_open()) {
            member.prepare().await;
        }
        if members.iter().any(Member::is_open)
            && let Err(error) = attempt(db, members).await
        {
            fail(members, error);
        }
        match members.iter_mut().filter_map(Member::try_again).max() {
            Some(pause) => tokio::time::sleep(pause).await,
            None => return,
        }
    }
}

/// Records for its commands that the transaction failed, or that its outcome is unknown.
fn fail<C: Command>(members: &mut [Member<C>], mut error: DbError) {
    for member in members.iter_mut().filter(|member| member.is_open() || member.is_to_be_committed()) {
        let copy = error.copy();
        member.fail(std::mem::replace(&mut error, copy));
    }
}

/// Makes one attempt, in one transaction for all open commands.
async fn attempt<C: Command>(db: &Database, members: &mut [Member<C>]) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    match write(&mut tx, members).await {
        Ok(()) if members.iter().any(Member::is_to_be_committed) => {
            commit(tx).await?;
            for member in members.iter_mut() {
                member.is_committed |= member.is_to_be_committed();
            }
            Ok(())
        }
        // A transaction that is only dropped lives on for a while, with its locks. A lost connection takes it along.
        outcome => {
            _ = tx.rollback().await;
            outcome
        }
    }
}

async fn write<C: Command>(tx: &mut Tx, members: &mut [Member<C>]) -> Result<(), DbError> {
    for member in members.iter_mut().filter(|member| member.is_open()) {
        member.enter(tx).await?;
    }
    let is_shared = members.iter().filter(|member| member.is_open()).count() > 1;
    for member in members.iter_mut().filter(|member| member.is_open()) {
        if !is_shared {
            member.decide(tx).await;
            continue;
        }
        statement(tx, "savepoint command").await?;
        member.decide(tx).await;
        let end =
            if member.is_to_be_committed() { "release savepoint command" } else { "rollback to savepoint command" };
        statement(tx, end).await?;
    }
    for member in members.iter_mut().filter(|member| member.is_to_be_committed()) {
        member.keep(tx).await?;
    }
    Ok(())
}

async fn statement(tx: &mut PgSession, text: &'static str) -> Result<(), DbError> {
    sqlx::raw_sql(text).execute(tx).await.map(drop).map_err(DbError::from)
}
