//! Connections that are used up, held or cut.
use std::{sync::Arc, time::Duration};

use loadmaster_platform::postgres::{DbError, commit};
use loadmaster_testkit::{
    Answer, Brake, Client, Dice, Gate, NewFlight, TestDatabase, Watch, World, WorldOptions, until, until_blocked,
};
use serde_json::Value;
use sqlx::{Executor, Row};
use tokio::sync::Barrier;

use super::{Holding, book, count, expect_unavailable, order, path, reference, roomy_flight};

/// As many as a test world's pool has.
const CONNECTIONS: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn begins_that_are_dropped_leave_no_session_in_a_transaction() {
    // Begins go on after they were dropped, and may still stand in line.
    let world = WorldOptions::patient().with_workers().start().await;
    let begins = 10_000;
    let running: Vec<_> = (0..begins)
        .map(|number| {
            let db = world.db.clone();
            tokio::spawn(async move {
                let mut dice = Dice::of(4385, number);
                let begin = tokio::spawn(async move { db.begin().await.map(drop) });
                // Some are dropped before they ask for a connection, some while the server answers, some too late.
                tokio::time::sleep(Duration::from_micros(dice.below(4000))).await;
                begin.abort();
                _ = begin.await;
            })
        })
        .collect();
    for task in running {
        task.await.unwrap();
    }
    let mut watch = Watch::over(&world.database).await;
    watch.until_quiet().await;

    // All connections can still be had at once, and what is committed on them stays.
    let flight = roomy_flight(&world, "AI101").await;
    let all = Arc::new(Barrier::new(CONNECTIONS));
    let using: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (db, all) = (world.db.clone(), all.clone());
            tokio::spawn(async move {
                let mut tx = db.begin().await.unwrap();
                all.wait().await;
                let fresh = "select now() = statement_timestamp()";
                assert!(!sqlx::query_scalar::<_, bool>(fresh).fetch_one(&mut *tx).await.unwrap(), "no begin was sent");
            })
        })
        .collect();
    for task in using {
        task.await.unwrap();
    }
    let customer = world.customer().await;
    for _ in 0..CONNECTIONS * 2 {
        book(&customer, &flight).await.expect(201);
    }
    assert_eq!(count(&mut world.database.owner().await, "bookings").await, CONNECTIONS * 2);
    world.audit().await;
}

/// Work on a transaction that is cut off wherever it waits: while it begins, writes, or commits.
#[tokio::test]
async fn a_connection_left_inside_a_transaction_is_not_used_again() {
    let world = World::working().await;
    let mut watch = Watch::over(&world.database).await;
    for cut_after in 0..40 {
        let db = world.db.clone();
        let work = async move {
            let mut tx = db.begin().await.unwrap();
            sqlx::query("select pg_sleep(0.001)").execute(&mut *tx).await.unwrap();
            commit(tx).await.unwrap();
        };
        let mut work = Box::pin(work);
        // As a client that hangs up drops the work on its request.
        for _ in 0..cut_after % 8 {
            if tokio::time::timeout(Duration::from_micros(300), &mut work).await.is_ok() {
                break;
            }
        }
        drop(work);
        for _ in 0..CONNECTIONS {
            let mut session = world.db.read().await.unwrap();
            // Inside a transaction the time stands still.
            let asked = sqlx::raw_sql("select now() <> statement_timestamp()").fetch_one(&mut *session).await;
            assert!(!asked.unwrap().get::<bool, _>(0), "after {cut_after}");
        }
    }
    watch.until_quiet().await;
    watch.assert_none_forgotten().await;
}

/// Its connections were idle when it went away: the first request on each finds that out.
#[tokio::test]
async fn connections_that_died_while_they_were_idle_cost_no_answer() {
    let world = World::working().await;
    let (flight, customer) = (roomy_flight(&world, "AI101").await, world.customer().await);
    let booking = book(&customer, &flight).await.expect(201);
    for _ in 0..5 {
        let asked: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                let (customer, path) = (customer.clone(), path(&reference(&booking)));
                tokio::spawn(async move { customer.get(&path).await.expect(200) })
            })
            .collect();
        for asked in asked {
            asked.await.unwrap();
        }
        let end = "select pg_terminate_backend(pid) from pg_stat_activity
                   where datname = current_database() and pid <> pg_backend_pid() and state = 'idle'";
        sqlx::query(end).execute(&mut world.database.owner().await).await.unwrap();
        customer.get(&path(&reference(&booking))).await.expect(200);
        customer.get("/api/v1/bookings").await.expect(200);
        book(&customer, &flight).await.expect(201);
    }
    world.audit().await;
}

#[tokio::test]
async fn with_all_connections_in_use_callers_get_retry_after_and_are_served_then() {
    let world = WorldOptions::working().set("database.acquire_timeout_ms", "300").start().await;
    let (flight, customer) = (roomy_flight(&world, "AI101").await, world.customer().await);
    let booking = book(&customer, &flight).await.expect(201);
    let mut held = Vec::new();
    for _ in 0..CONNECTIONS {
        held.push(world.db.begin().await.unwrap());
    }

    // The booking desk has connections of its own.
    book(&customer, &flight).await.expect(201);
    expect_unavailable(customer.get("/api/v1/bookings").await);
    expect_unavailable(customer.poke(&format!("{}/cancel", path(&reference(&booking)))).await);
    // The database is well: asking how it is needs none of those connections.
    for probe in ["/readyz", "/livez", "/health"] {
        world.anonymous().get(probe).await.expect(200);
    }

    drop(held);
    book(&customer, &flight).await.expect(201);
    world.anonymous().get("/readyz").await.expect(200);
    assert_eq!(count(&mut world.database.owner().await, "bookings").await, 3);
    world.audit().await;
}

#[tokio::test]
async fn callers_queueing_for_one_flight_hold_no_connection() {
    let world = WorldOptions::patient().with_workers().set("database.acquire_timeout_ms", "300").start().await;
    let (flight, other) = (roomy_flight(&world, "AI101").await, roomy_flight(&world, "AI103").await);
    let customer = world.customer().await;
    let holding = Holding::flight(&world, &flight).await;
    let queueing: Vec<_> = (0..4 * CONNECTIONS)
        .map(|_| {
            let (customer, flight) = (customer.clone(), flight.clone());
            tokio::spawn(async move { book(&customer, &flight).await })
        })
        .collect();
    until_blocked(&customer, u64::try_from(4 * CONNECTIONS).unwrap()).await;

    customer.get("/api/v1/bookings").await.expect(200);
    book(&customer, &other).await.expect(201);
    assert!(queueing.iter().all(|booking| !booking.is_finished()), "the others still wait");

    holding.let_go().await;
    for booking in queueing {
        booking.await.unwrap().expect(201);
    }
    assert_eq!(count(&mut world.database.owner().await, "bookings").await, 4 * CONNECTIONS + 1);
    world.audit().await;
}

#[tokio::test]
async fn a_row_that_is_not_given_back_in_time_is_503_and_nothing_is_written() {
    let world = WorldOptions::working().set("database.statement_timeout_ms", "1000").start().await;
    let flight = roomy_flight(&world, "AI101").await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let [kept, other] = [(); 2].map(|()| book(&customer, &flight));
    let [kept, other] = [kept.await, other.await].map(|made| path(&reference(&made.expect(201))));
    let holding = Holding::flight(&world, &flight).await;

    let (cancel, depart) = (format!("{other}/cancel"), format!("{kept}/depart"));
    let (booked, cancelled, departed) =
        tokio::join!(book(&customer, &flight), customer.poke(&cancel), operator.poke(&depart));
    for answer in [booked, cancelled, departed] {
        expect_unavailable(answer);
    }

    holding.let_go().await;
    for path in [&kept, &other] {
        assert_eq!(customer.get(path).await.expect(200)["version"], 1);
    }
    assert_eq!(count(&mut world.database.owner().await, "bookings").await, 2);
    book(&customer, &flight).await.expect(201);
    operator.poke(&depart).await.expect(200);
    world.audit().await;
}

#[tokio::test]
async fn a_booking_whose_session_is_killed_is_503_and_nothing_is_written() {
    let world = World::working().await;
    let (flight, customer) = (roomy_flight(&world, "AI101").await, world.customer().await);
    let mut brake = Brake::on(&world.database).await;
    let booking = tokio::spawn({
        let (customer, flight) = (customer.clone(), flight.clone());
        async move { book(&customer, &flight).await }
    });
    brake.until_stopped(1).await;

    brake.kill().await;

    expect_unavailable(booking.await.unwrap());
    brake.release().await;
    let mut owner = world.database.owner().await;
    for table in ["bookings", "booking_refs", "booking_legs", "booking_events"] {
        assert_eq!(count(&mut owner, table).await, 0, "{table}");
    }
    book(&customer, &flight).await.expect(201);
    world.audit().await;
}

/// Books and cancels without end until told to stop; answers what was acknowledged: each booking, and whether its cancel
/// was (`None`: tried, outcome unknown).
async fn keep_busy(
    client: Client,
    flight: serde_json::Value,
    stop: Arc<std::sync::atomic::AtomicBool>,
) -> Vec<(String, Option<bool>)> {
    let mut acknowledged = Vec::new();
    while !stop.load(std::sync::atomic::Ordering::Relaxed) {
        let answer = book(&client, &flight).await;
        if answer.status != 201 {
            expect_unavailable(answer);
            continue;
        }
        let reference = reference(&answer.body);
        let mut cancelled = Some(false);
        if acknowledged.len() % 2 == 0 {
            let answer = client.poke(&format!("{}/cancel", path(&reference))).await;
            cancelled = if answer.status == 200 { Some(true) } else { None };
            if answer.status != 200 {
                expect_unavailable(answer);
            }
        }
        acknowledged.push((reference, cancelled));
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sessions_killed_at_random_lose_nothing_that_was_acknowledged() {
    let world = World::working().await;
    let (flight, customer) = (roomy_flight(&world, "AI101").await, world.customer().await);
    let mut watch = Watch::over(&world.database).await;
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let busy: Vec<_> =
        (0..6).map(|_| tokio::spawn(keep_busy(customer.clone(), flight.clone(), stop.clone()))).collect();
    let (mut killed, mut dice) = (0, Dice::new(57));
    while killed < 60 && !busy.iter().any(tokio::task::JoinHandle::is_finished) {
        tokio::time::sleep(Duration::from_millis(dice.below(40))).await;
        killed += watch.kill_all().await;
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    let mut acknowledged = Vec::new();
    for client in busy {
        acknowledged.extend(client.await.unwrap());
    }

    assert!(!acknowledged.is_empty());
    for (reference, cancelled) in acknowledged {
        let booking = customer.get(&path(&reference)).await.expect(200);
        match cancelled {
            Some(true) => assert_eq!(booking["status"], "CANCELLED"),
            Some(false) => assert_eq!(booking["status"], "BOOKED"),
            None => {}
        }
    }
    watch.until_quiet().await;
    world.audit().await;
}

#[tokio::test]
async fn an_amendment_that_is_the_victim_of_a_deadlock_is_tried_again() {
    // The server looks for circles so late that ours is closed by then, on a slow machine too, and before it gives up
    // waiting at all: the test takes as long.
    let database = TestDatabase::create().await;
    let later = format!("alter database {} set deadlock_timeout = '4s'", database.name);
    database.owner().await.execute(sqlx::AssertSqlSafe(later)).await.unwrap();
    let world = WorldOptions::patient().with_workers().on(&database).start().await;
    let flights = two_legs(&world).await;
    let customer = world.customer().await;
    let booking = customer.post("/api/v1/bookings", on_both(&flights)).await.expect(201);
    let path = path(&reference(&booking));
    let mut watch = Watch::over(&database).await;

    // Another program, which knows nothing of our order, holds the second flight …
    let mut other = Holding::flight(&world, &flights[1]).await;
    other.0.execute("set deadlock_timeout = '60s'").await.unwrap();
    let amending = tokio::spawn(async move { customer.patch(&path, serde_json::json!({"weight_kg": 20})).await });
    watch.until_waiting(1).await;
    // … and gets the first only when the amendment has been chosen as the victim and has let go.
    other.lock(&flights[0]).await;
    assert!(!amending.is_finished(), "it is tried again");
    other.let_go().await;

    assert_eq!(amending.await.unwrap().expect(200)["weight_kg"], 20);
    world.audit().await;
}

/// A booking lets go of all that it has locked before others could wait for it in a circle.
#[tokio::test]
async fn a_booking_that_waits_for_a_locked_flight_holds_no_other() {
    let world = WorldOptions::patient().with_workers().start().await;
    let flights = two_legs(&world).await;
    let customer = world.customer().await;
    let mut other = Holding::flight(&world, &flights[1]).await;
    let booking = tokio::spawn({
        let (customer, wish) = (customer.clone(), on_both(&flights));
        async move { customer.post("/api/v1/bookings", wish).await }
    });
    until_blocked(&customer, 1).await;
    other.lock(&flights[0]).await;
    assert!(!booking.is_finished());
    other.let_go().await;

    let booking = booking.await.unwrap().expect(201);
    assert_eq!(booking["flight_ids"].as_array().unwrap().len(), 2);
    let row = sqlx::query("select count(*), count(distinct booking_id) from booking_legs");
    let row = row.fetch_one(&mut world.database.owner().await).await.unwrap();
    assert_eq!((row.get::<i64, _>(0), row.get::<i64, _>(1)), (2, 1));
    world.audit().await;
}

/// Two flights, of which the second has the higher id and follows the first.
async fn two_legs(world: &World) -> [Value; 2] {
    let first = world.flight(NewFlight::new("AI101", "DEL", "BOM").leaves_in_hours(24)).await;
    [first, world.flight(NewFlight::new("AI102", "BOM", "LHR").leaves_in_hours(34)).await]
}

fn on_both(flights: &[Value; 2]) -> Value {
    let mut wish = order(&flights[0]);
    wish["flight_ids"] = serde_json::json!([flights[0]["id"], flights[1]["id"]]);
    wish
}

/// The limits above are real: an answer that never comes is not waited for.
#[tokio::test]
async fn a_request_that_takes_too_long_is_504_and_what_it_began_is_finished() {
    // Longer than what goes before takes on a slow machine.
    let world = WorldOptions::working().set("server.request_timeout_ms", "1500").start().await;
    let (flight, customer) = (roomy_flight(&world, "AI101").await, world.customer().await);
    let mut watch = Watch::over(&world.database).await;
    let mut brake = Brake::on(&world.database).await;
    let answer: Answer = book(&customer, &flight).await;
    answer.expect_problem(504, "timeout");
    brake.until_stopped(1).await;
    brake.release().await;
    watch.until_quiet().await;
    assert_eq!(count(&mut world.database.owner().await, "bookings").await, 1);
    world.audit().await;
}

#[tokio::test]
async fn a_database_that_refuses_connections_is_known_to_at_once() {
    let database = TestDatabase::create().await;
    let mut gate = Gate::before(&database);
    gate.open().await;
    let world = WorldOptions::working().on(&database).set("database.url", &gate.url()).start().await;
    let client = world.anonymous();
    until("it is ready", async || client.get("/readyz").await.status == 200).await;
    gate.shut().await;
    for _ in 0..2 {
        // The cause is told: the pool would have tried again until its patience ended, and known only that.
        let error = world.db.migration_version().await.unwrap_err();
        assert!(matches!(&error, DbError::Sql(sqlx::Error::Io(_))), "{error:?}");
        expect_unavailable(client.get("/readyz").await);
        assert_eq!(client.get("/health").await.expect(503)["status"], "unhealthy");
    }
    gate.open().await;
    until("it is ready again", async || client.get("/readyz").await.status == 200).await;
    assert_eq!(client.get("/health").await.expect(200)["status"], "healthy");
}
