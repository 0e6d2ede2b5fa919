//! A PostgreSQL that vanishes without a word: established connections lose every byte, and nobody closes them.
//! The limits are short here, so that a test waits for seconds and not for the half minute that the defaults add up to.
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use loadmaster_testkit::{Answer, Client, Gate, TestDatabase, Watch, World, WorldOptions, until};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::{book, count, expect_unavailable, order, path, reference, roomy_flight};

/// As many as a test world's pool has.
const CONNECTIONS: usize = 8;
/// A statement is given up on the client's side after one second more than on the server's.
const STATEMENT_TIMEOUT_MS: &str = "1000";
/// Wide enough for a slow machine, and far from "never".
const BOUNDED: Duration = Duration::from_secs(15);

async fn world_behind_a_gate() -> (World, Gate) {
    world_with(WorldOptions::working()).await
}

async fn world_with(options: WorldOptions) -> (World, Gate) {
    let database = TestDatabase::create().await;
    let mut gate = Gate::before(&database);
    gate.open().await;
    let options = options
        .on(&database)
        .set("database.url", &gate.url())
        .set("database.statement_timeout_ms", STATEMENT_TIMEOUT_MS)
        .set("database.acquire_timeout_ms", "500")
        .set("server.request_timeout_ms", "20000");
    (options.start().await, gate)
}

fn keyed(client: &Client, path: &str, key: &str, body: &Value) -> RequestBuilder {
    let request = client.request(Method::POST, path).header("idempotency-key", key);
    request.header("content-type", "application/json").body(body.to_string())
}

fn booking(client: &Client, key: &str, flight: &Value) -> RequestBuilder {
    keyed(client, "/api/v1/bookings", key, &marked(flight))
}

/// By this the network knows a booking's transaction from those of the product's own workers.
const MARK: &str = "porcelain, handle with care";

fn marked(flight: &Value) -> Value {
    let mut order = order(flight);
    order["description"] = MARK.into();
    order
}

/// What all clients of a test share.
#[derive(Default)]
struct Load {
    stop: AtomicBool,
    done: AtomicUsize,
    refused: AtomicUsize,
}

impl Load {
    async fn until_more(&self, more: usize) {
        let before = self.done.load(Ordering::Relaxed);
        until("there are more successes", async || self.done.load(Ordering::Relaxed) >= before + more).await;
    }

    /// Repeats a request with the same key until it succeeds.
    async fn insist(&self, request: RequestBuilder) -> Value {
        loop {
            let began = Instant::now();
            let answer = Answer::of(request.try_clone().unwrap()).await;
            assert!(began.elapsed() < BOUNDED, "answered after {:?}: {}", began.elapsed(), answer.text);
            match answer.status.as_u16() {
                200 | 201 => {
                    self.done.fetch_add(1, Ordering::Relaxed);
                    return answer.body;
                }
                503 => {
                    expect_unavailable(answer);
                    self.refused.fetch_add(1, Ordering::Relaxed);
                }
                409 | 504 => _ = self.refused.fetch_add(1, Ordering::Relaxed),
                other => panic!("{other}: {}", answer.text),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Books, cancels every other booking and reads, each under a key of its own, until told to stop. Answers how many
/// bookings it made.
async fn keep_working(client: Client, flight: Value, load: Arc<Load>, name: usize) -> usize {
    let mut made = 0;
    while !load.stop.load(Ordering::Relaxed) {
        let booking = load.insist(booking(&client, &format!("book-{name}-{made}"), &flight)).await;
        let path = path(&reference(&booking));
        made += 1;
        if made % 2 == 0 {
            let (key, cancel) = (format!("cancel-{name}-{made}"), format!("{path}/cancel"));
            load.insist(keyed(&client, &cancel, &key, &json!({}))).await;
        }
        load.insist(client.request(Method::GET, &path)).await;
    }
    made
}

/// All of them can be had at once.
async fn expect_whole_pool(world: &World) {
    let mut all = Vec::new();
    for _ in 0..CONNECTIONS {
        let began = Instant::now();
        // One that a client has just let go may still be on its way back.
        until("there is a connection", async || match world.db.begin().await {
            Ok(tx) => {
                all.push(tx);
                true
            }
            Err(_) => false,
        })
        .await;
        assert!(began.elapsed() < BOUNDED);
    }
}

/// Takes some seconds: the statements under way are waited for until their limit strikes.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn when_the_database_falls_silent_under_load_all_are_answered_and_service_comes_back_by_itself() {
    let (world, gate) = world_behind_a_gate().await;
    let (flight, customer) = (roomy_flight(&world, "AI101").await, world.customer().await);
    let load = Arc::new(Load::default());
    let working: Vec<_> =
        (0..12).map(|name| tokio::spawn(keep_working(customer.clone(), flight.clone(), load.clone(), name))).collect();
    load.until_more(60).await;

    gate.fall_silent();
    let client = world.anonymous();
    until("it is not ready", async || client.get("/readyz").await.status == 503).await;
    assert_eq!(client.get("/health").await.expect(503)["status"], "unhealthy");
    client.get("/livez").await.expect(200);
    // Each client has been told so, at least once.
    let refused = load.refused.load(Ordering::Relaxed);
    until("all are refused", async || load.refused.load(Ordering::Relaxed) >= refused + 12).await;

    gate.speak_again();
    let began = Instant::now();
    load.until_more(1).await;
    assert!(began.elapsed() < BOUNDED, "the first success came after {:?}", began.elapsed());
    until("it is ready again", async || client.get("/readyz").await.status == 200).await;
    load.until_more(60).await;
    load.stop.store(true, Ordering::Relaxed);
    let mut made = 0;
    for client in working {
        made += client.await.unwrap();
    }

    assert_eq!(count(&mut world.database.owner().await, "bookings").await, made, "each key had one effect");
    expect_whole_pool(&world).await;
    world.audit().await;
}

/// Takes some seconds, as above. The flight has so little room that those who want it wait in line.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_lines_for_a_flight_and_a_booking_are_free_again_after_a_silence() {
    let (world, gate) = world_behind_a_gate().await;
    let customer = world.customer().await;
    let flight = world.flight(loadmaster_testkit::NewFlight::new("AI101", "DEL", "LHR").weight(90.0)).await;
    let made = path(&reference(&book(&customer, &flight).await.expect(201)));
    let cancel = format!("{made}/cancel");

    gate.fall_silent_after_the_commit_of(MARK.as_bytes());
    let first = tokio::spawn(Answer::of(booking(&customer, "first", &flight)));
    gate.until_struck().await;
    let began = Instant::now();
    let again = Answer::of(booking(&customer, "first", &flight));
    let (again, second, cancelled, first) =
        tokio::join!(again, book(&customer, &flight), customer.poke(&cancel), first);
    assert!(began.elapsed() < BOUNDED);
    // While the first is at work its repetition is told so; else the database is as silent for it as for the others.
    assert!([409, 503].contains(&again.status.as_u16()), "{}", again.text);
    for answer in [second, cancelled] {
        expect_unavailable(answer);
    }
    let first = first.unwrap();
    assert!(first.body["detail"].as_str().unwrap().contains("may or may not"), "{}", first.text);
    expect_unavailable(first);

    gate.speak_again();
    let load = Load::default();
    let first = load.insist(booking(&customer, "first", &flight)).await;
    load.insist(booking(&customer, "second", &flight)).await;
    load.insist(keyed(&customer, &cancel, "third", &json!({}))).await;
    assert_eq!(customer.get(&path(&reference(&first))).await.expect(200)["status"], "BOOKED");
    assert_eq!(count(&mut world.database.owner().await, "bookings").await, 3);
    expect_whole_pool(&world).await;
    world.audit().await;
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_503_and_its_key_gives_the_one_effect() {
    let (world, gate) = world_behind_a_gate().await;
    let (flight, customer) = (roomy_flight(&world, "AI101").await, world.customer().await);
    book(&customer, &flight).await.expect(201);

    // Without a key nobody can know.
    gate.lose_the_answer_to_the_commit_of(MARK.as_bytes());
    let answer = customer.post("/api/v1/bookings", marked(&flight)).await;
    assert!(answer.body["detail"].as_str().unwrap().contains("may or may not"), "{}", answer.text);
    expect_unavailable(answer);
    assert_eq!(count(&mut world.database.owner().await, "bookings").await, 2, "it was made");

    // With a key the product looks it up by another connection.
    gate.lose_the_answer_to_the_commit_of(MARK.as_bytes());
    let kept = Answer::of(booking(&customer, "key", &flight)).await.expect(201);
    let again = Answer::of(booking(&customer, "key", &flight)).await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.expect(201), kept);
    assert_eq!(count(&mut world.database.owner().await, "bookings").await, 3);
    expect_whole_pool(&world).await;
    world.audit().await;
}

/// The numbers of references come in blocks, and the first booking fetches one.
#[tokio::test]
async fn a_block_of_references_that_does_not_come_is_503_and_the_next_booking_fetches_another() {
    let (world, gate) = world_behind_a_gate().await;
    let (flight, customer) = (roomy_flight(&world, "AI101").await, world.customer().await);
    gate.lose_the_answer_to(b"booking_ref_blocks");
    expect_unavailable(book(&customer, &flight).await);
    gate.until_struck().await;
    until("bookings are made again", async || book(&customer, &flight).await.status == 201).await;
    assert_eq!(count(&mut world.database.owner().await, "bookings").await, 1);
    expect_whole_pool(&world).await;
}

/// A caller that hangs up in the middle of a read, or a worker that gives up, leaves a connection with an answer to come.
#[tokio::test]
async fn a_connection_that_is_left_in_the_middle_of_a_silent_statement_is_not_lost_to_the_pool() {
    let (world, gate) = world_behind_a_gate().await;
    for _ in 0..CONNECTIONS {
        gate.lose_the_answer_to(b"select 4711");
        let reading = tokio::spawn({
            let db = world.db.clone();
            async move {
                let mut connection = db.read().await.unwrap();
                _ = sqlx::query("select 4711").execute(&mut *connection).await;
            }
        });
        gate.until_struck().await;
        reading.abort();
        _ = reading.await;
    }
    expect_whole_pool(&world).await;
    let mut watch = Watch::over(&world.database).await;
    assert!(watch.sessions().await >= i64::try_from(CONNECTIONS).unwrap());
}
