//! Commands that share a transaction. Those of this file write numbers into a table of their own.
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use axum::{
    extract::{FromRequest, FromRequestParts},
    http::{Request, StatusCode},
};
use loadmaster::platform::{
    idempotency::{Answer, Idempotent, Key, Repetition},
    postgres::{DbError, PgSession, Transient},
    web::{Body, PRIVATE, Problem, code},
    work::{Command, Keyed, run_alone},
};
use uuid::Uuid;

use crate::support::World;

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
fn told(outcomes: &[Result<Answer, Problem>]) -> Vec<&'static str> {
    outcomes
        .iter()
        .map(|outcome| match outcome {
            Ok(answer) if answer.is_replayed() => "replayed",
            Ok(_) => "done",
            Err(problem) => problem.code().as_str(),
        })
        .collect()
}

#[tokio::test]
async fn each_command_of_a_transaction_has_its_own_outcome_and_a_refused_one_has_written_nothing() {
    let world = world().await;
    let batch = [1, 0, 2].map(|number| keyed(put(number), Key::none()));
    let outcomes = world.state().unit_of_work.run_all(batch.into()).await;
    assert_eq!(told(&outcomes), ["done", "invalid_transition", "done"]);
    assert_eq!(world.texts("select number::text from numbers order by number").await, ["1", "2"]);
    assert_eq!(world.texts("select distinct transaction::text from numbers").await.len(), 1);
}

#[tokio::test]
async fn one_to_which_the_database_prefers_another_transaction_is_decided_again_and_the_others_are_not() {
    let world = world().await;
    let commands = [(1, 0), (2, 3)].map(|(number, conflicts)| Put { conflicts, ..put(number) });
    let decided = [commands[0].decided.clone(), commands[1].decided.clone()];
    let batch = commands.map(|command| keyed(command, Key::none()));
    assert_eq!(told(&world.state().unit_of_work.run_all(batch.into()).await), ["done", "done"]);
    assert_eq!(decided.map(|decided| decided.load(Relaxed)), [1, 4]);
    assert_eq!(world.texts("select number::text from numbers order by number").await, ["1", "2"]);
    // It is not tried for ever.
    let stubborn = Put { conflicts: 100, ..put(3) };
    let decided = stubborn.decided.clone();
    let outcomes = world.state().unit_of_work.run_all(vec![keyed(stubborn, Key::none())]).await;
    assert_eq!((told(&outcomes), decided.load(Relaxed)), (vec!["unavailable"], 6));
}

#[tokio::test]
async fn a_commit_that_fails_is_the_outcome_of_all_that_were_part_of_it() {
    let world = world().await;
    run_alone(&world.db, put(1)).await.unwrap();
    let batch = [0, 1, 2].map(|number| keyed(put(number), Key::none()));
    let outcomes = world.state().unit_of_work.run_all(batch.into()).await;
    assert_eq!(told(&outcomes)[0], "invalid_transition");
    assert!(outcomes[1..].iter().all(Result::is_err));
    assert_eq!(world.texts("select number::text from numbers").await, ["1"]);
}

#[tokio::test]
async fn keys_are_entered_and_answers_kept_for_each() {
    let world = world().await;
    let unit = &world.state().unit_of_work;
    unit.run(keyed(put(1), key(&world, "a").await)).await.unwrap();
    let batch = vec![
        keyed(put(1), key(&world, "a").await),
        keyed(put(2), key(&world, "b").await),
        keyed(put(3), key(&world, "b").await),
        keyed(put(0), key(&world, "c").await),
    ];
    let outcomes = unit.run_all(batch).await;
    assert_eq!(told(&outcomes), ["replayed", "done", "idempotency_in_progress", "invalid_transition"]);
    let batch = ["a", "b", "c"].map(async |text| keyed(put(4), key(&world, text).await));
    let outcomes = unit.run_all(futures_util::future::join_all(batch).await).await;
    assert_eq!(told(&outcomes), ["replayed", "replayed", "done"]);
    assert_eq!(world.texts("select number::text from numbers order by number").await, ["1", "2", "4"]);
}
