//! The unit of work. The commands of this file write numbers into a table of their own.
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use axum::{
    extract::{FromRequest, FromRequestParts},
    http::{Request, StatusCode},
};
use loadmaster_platform::{
    idempotency::{Answer, Idempotent, Key, Repetition},
    postgres::{DbError, PgSession, Transient},
    web::{Body, PRIVATE, Problem, code},
    work::{Command, Keyed, Transaction, run_alone},
};
use loadmaster_testkit::World;
use uuid::Uuid;

async fn world() -> World {
    let world = World::working().await;
    world
        .sql(
            "create table numbers (number int, transaction xid8 default pg_current_xact_id());
             grant insert on numbers to loadmaster_app;
             alter table numbers add constraint unique_number unique (number) deferrable initially deferred",
        )
        .await;
    world
}

/// Writes a number. Zero is refused after it was written.
struct Put {
    number: i32,
    /// How often the database prefers another transaction.
    conflicts: usize,
    decided: Arc<AtomicUsize>,
}

#[derive(Debug, thiserror::Error)]
enum PutError {
    #[error("zero")]
    Zero,
    #[error(transparent)]
    Repeated(#[from] Repetition),
    #[error(transparent)]
    Database(#[from] DbError),
}

impl Transient for PutError {
    fn is_transient(&self) -> bool {
        matches!(self, Self::Database(cause) if cause.is_transient())
    }
}

impl From<PutError> for Problem {
    fn from(error: PutError) -> Self {
        match error {
            PutError::Zero => Self::new(code::INVALID_TRANSITION, "Zero is no number."),
            PutError::Repeated(cause) => cause.into(),
            PutError::Database(cause) => cause.into(),
        }
    }
}

impl Command for Put {
    const NAME: &'static str = "put";
    type Done = i32;
    type Error = PutError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<i32, PutError> {
        self.decided.fetch_add(1, Relaxed);
        sqlx::query("insert into numbers (number) values ($1)")
            .bind(self.number)
            .execute(&mut *tx)
            .await
            .map_err(DbError::from)?;
        if self.conflicts > 0 {
            self.conflicts -= 1;
            let victim = "do $$ begin raise exception 'chosen' using errcode = '40001'; end $$";
            sqlx::raw_sql(victim).execute(tx).await.map_err(DbError::from)?;
        }
        if self.number == 0 { Err(PutError::Zero) } else { Ok(self.number) }
    }
}

fn put(number: i32) -> Put {
    Put { number, conflicts: 0, decided: Arc::default() }
}

async fn key(world: &World, text: &str) -> Key {
    let request = Request::post("/api/v1/numbers").header("idempotency-key", text).body(()).unwrap();
    let (mut parts, ()) = request.into_parts();
    let Ok(idempotent) = Idempotent::from_request_parts(&mut parts, world.state()).await;
    let Ok(body) = Body::from_request(Request::new(text.to_owned().into()), &()).await;
    idempotent.key(Uuid::nil(), &body).unwrap()
}

fn keyed(command: Put, key: Key) -> Keyed<Put> {
    Keyed { command, key, answer: Box::new(|number| Answer::new(StatusCode::OK, number, PRIVATE)) }
}

/// `replayed`, `done`, or the code of the problem.
fn told(outcome: &Result<Answer, Problem>) -> &'static str {
    match outcome {
        Ok(answer) if answer.is_replayed() => "replayed",
        Ok(_) => "done",
        Err(problem) => problem.code().as_str(),
    }
}

async fn run(world: &World, command: Put, key: Key) -> &'static str {
    told(&world.state().unit_of_work.run(keyed(command, key)).await)
}

async fn numbers(world: &World) -> Vec<String> {
    world.texts("select number::text from numbers order by number").await
}

#[tokio::test]
async fn a_refused_command_has_written_nothing() {
    let world = world().await;
    assert_eq!(run(&world, put(0), Key::none()).await, "invalid_transition");
    assert_eq!(run(&world, put(1), Key::none()).await, "done");
    assert_eq!(numbers(&world).await, ["1"]);
}

#[tokio::test]
async fn one_to_which_the_database_prefers_another_transaction_is_decided_again_but_not_for_ever() {
    let world = world().await;
    let command = Put { conflicts: 3, ..put(2) };
    let decided = command.decided.clone();
    assert_eq!((run(&world, command, Key::none()).await, decided.load(Relaxed)), ("done", 4));
    let stubborn = Put { conflicts: 100, ..put(3) };
    let decided = stubborn.decided.clone();
    assert_eq!((run(&world, stubborn, Key::none()).await, decided.load(Relaxed)), ("unavailable", 6));
    assert_eq!(numbers(&world).await, ["2"]);
}

#[tokio::test]
async fn a_commit_that_fails_is_the_outcome_of_its_command() {
    let world = world().await;
    run_alone(&world.db, put(1)).await.unwrap();
    assert_eq!(run(&world, put(1), Key::none()).await, "internal");
    assert_eq!(numbers(&world).await, ["1"]);
}

#[tokio::test]
async fn one_transaction_enters_many_keys_and_keeps_an_answer_for_each() {
    let world = world().await;
    assert_eq!(run(&world, put(1), key(&world, "a").await).await, "done");
    let keys = [key(&world, "a").await, Key::none(), key(&world, "b").await, key(&world, "c").await];
    let mut tx = Transaction::begin(&world.db).await.unwrap();
    let entered = tx.enter(&keys.each_ref()).await.unwrap();
    let entered: Vec<_> = entered.iter().map(|entered| entered.as_ref().err().map(ToString::to_string)).collect();
    assert!(entered[0].is_some() && entered[1..].iter().all(Option::is_none), "{entered:?}");
    // Whoever comes with one of these keys is refused until the end.
    let mut other = Transaction::begin(&world.db).await.unwrap();
    let late = other.enter(&[&keys[3], &key(&world, "d").await]).await.unwrap();
    assert!(matches!(late[..], [Err(Repetition::InProgress), Ok(())]), "{late:?}");
    other.roll_back().await;
    let answers = [2, 3].map(|number| Answer::new(StatusCode::OK, &number, PRIVATE));
    tx.keep(&[(&keys[1], &answers[0]), (&keys[2], &answers[0]), (&keys[3], &answers[1])]).await.unwrap();
    tx.commit().await.unwrap();
    for (text, expected) in [("a", "replayed"), ("b", "replayed"), ("c", "replayed"), ("e", "done")] {
        assert_eq!(run(&world, put(9), key(&world, text).await).await, expected, "{text}");
    }
}

#[tokio::test]
async fn a_transaction_that_is_rolled_back_leaves_its_keys_free() {
    let world = world().await;
    let key_of_both = key(&world, "a").await;
    let mut tx = Transaction::begin(&world.db).await.unwrap();
    assert!(tx.enter(&[&key_of_both]).await.unwrap()[0].is_ok());
    tx.keep(&[(&key_of_both, &Answer::new(StatusCode::OK, &1, PRIVATE))]).await.unwrap();
    tx.roll_back().await;
    assert_eq!(run(&world, put(1), key(&world, "a").await).await, "done");
}
