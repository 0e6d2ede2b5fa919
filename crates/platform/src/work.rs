//! The only way to write. A [`Command`] decides and writes in a [`Transaction`]; the unit of work begins it, enters the
//! command's `Idempotency-Key`, stores its answer, commits, and runs the follow-up. It retries conflicts, and
//! determines by the key the outcome of a commit that was not confirmed.
//!
//! What decides many requests together uses the same transaction, and no other way to commit.
mod batch;
mod request;
mod transaction;

use std::{pin::Pin, time::Duration};

use super::{
    idempotency::{Answer, Key, Repetition},
    postgres::{Database, DbError, MAX_RETRIES, PgSession, Transient, pause_before_retry},
    tasks::Tasks,
    telemetry::{Traced, metric, span},
    web::Problem,
};

pub use batch::{BatchRequest, ForEach};
pub use request::{ChangeRequest, CreateRequest, Judged};
pub use transaction::{Committed, Transaction};

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
        let (db, tasks) = (self.db.clone(), self.tasks.clone());
        let running = Box::pin(run(db, keyed));
        let answering = async move { running.await.map(|(answer, _)| answer) };
        Box::pin(async move { tasks.to_the_end(answering).await })
    }

    /// Runs a command like [`Self::run`], for a caller that goes on with what was done. That is `None` if the answer is one
    /// that was stored.
    pub async fn run_and_show<C>(&self, keyed: Keyed<C>) -> Result<(Answer, Option<C::Done>), Problem>
    where
        C: Command + 'static,
        C::Done: 'static,
    {
        self.tasks.to_the_end(Box::pin(run(self.db.clone(), keyed))).await
    }

    /// Runs a command to its end, then rolls back: returns what it would have done. Nothing is stored under a key, and
    /// [`Command::concluded`] does not run.
    pub async fn rehearse<C>(&self, command: C) -> Result<C::Done, Problem>
    where
        C: Command + 'static,
        C::Done: 'static,
    {
        let (db, tasks) = (self.db.clone(), self.tasks.clone());
        let rehearsal = async move {
            let mut work = Work::new(command, Key::none(), None);
            work.is_rehearsal = true;
            work.settle(&db).in_span(span(C::NAME)).await;
            let outcome = work.outcome.take();
            outcome.unwrap_or_else(|| Err(DbError::from(sqlx::Error::WorkerCrashed).into())).map_err(Into::into)
        };
        tasks.to_the_end(Box::pin(rehearsal)).await
    }
}

async fn run<C: Command>(
    db: Database,
    Keyed { command, key, answer }: Keyed<C>,
) -> Result<(Answer, Option<C::Done>), Problem> {
    // A key that is in use in this process is refused immediately, without a query.
    let Some(_in_use) = key.start() else { return Err(Repetition::InProgress.into()) };
    let mut work = Work::new(command, key, Some(answer));
    work.settle(&db).in_span(span(C::NAME)).await;
    work.conclude().await
}

/// Runs a command without a key, for a caller that waits for it: at the command line.
pub async fn run_alone<C: Command>(db: &Database, command: C) -> Result<C::Done, C::Error> {
    let mut work = Work::new(command, Key::none(), None);
    Box::pin(work.settle(db).in_span(span(C::NAME))).await;
    let outcome = work.outcome.take().unwrap_or_else(|| Err(DbError::from(sqlx::Error::WorkerCrashed).into()));
    work.command.concluded(outcome.as_ref()).await;
    outcome
}

/// A command during its attempts.
struct Work<C: Command> {
    command: C,
    key: Key,
    answer: Option<AnswerOf<C::Done>>,
    /// Each attempt is rolled back.
    is_rehearsal: bool,
    conflicts: u32,
    /// The answer stored under the key, if the commit succeeds.
    kept: Option<Answer>,
    /// `None` until it is settled, and again before a retry.
    outcome: Option<Result<C::Done, C::Error>>,
}

impl<C: Command> Work<C> {
    fn new(command: C, key: Key, answer: Option<AnswerOf<C::Done>>) -> Self {
        Self { command, key, answer, is_rehearsal: false, conflicts: 0, kept: None, outcome: None }
    }

    /// Makes attempts until the command has its outcome.
    async fn settle(&mut self, db: &Database) {
        loop {
            let attempt = match Box::pin(self.command.prepare(&self.key)).await {
                Ok(()) => Box::pin(self.attempt(db)).await,
                Err(error) => Err(error),
            };
            self.outcome = Some(attempt);
            match self.try_again() {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return,
            }
        }
    }

    /// Makes one attempt, in one transaction.
    async fn attempt(&mut self, db: &Database) -> Result<C::Done, C::Error> {
        let mut tx = Transaction::begin(db).await?;
        match self.write(&mut tx).await {
            Ok(done) if self.is_rehearsal => {
                tx.roll_back().await;
                Ok(done)
            }
            Ok(done) => {
                tx.commit().await?;
                #[cfg(debug_assertions)]
                crate::sabotage::step("command committed");
                Ok(done)
            }
            Err(error) => {
                tx.roll_back().await;
                Err(error)
            }
        }
    }

    async fn write(&mut self, tx: &mut Transaction) -> Result<C::Done, C::Error> {
        for entered in tx.enter(&[&self.key]).await? {
            entered?;
        }
        // Boxed, so that the levels above move a pointer instead of the command's whole future.
        let done = Box::pin(self.command.decide(tx)).await?;
        if let Some(answer) = &self.answer {
            let answer = answer(&done);
            if answer.is_final() {
                tx.keep(&[(&self.key, &answer)]).await?;
            }
            self.kept = Some(answer);
        }
        Ok(done)
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

    /// Returns the answer, and what was done for it. The cause of a failure may be the effect itself: made earlier, by another
    /// process meanwhile, or by a commit that was not confirmed.
    async fn conclude(mut self) -> Result<(Answer, Option<C::Done>), Problem> {
        let Some(outcome) = self.outcome.take() else { return Err(Problem::internal(&"a command without an outcome")) };
        self.command.concluded(outcome.as_ref()).await;
        match outcome {
            Ok(done) => {
                let answer = self.kept.ok_or_else(|| Problem::internal(&"a command without an answer"))?;
                Ok((answer, Some(done)))
            }
            Err(error) => Ok((self.key.resolve(error.into(), self.kept.as_ref()).await?, None)),
        }
    }
}
