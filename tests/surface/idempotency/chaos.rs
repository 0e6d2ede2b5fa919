//! Two servers, one of which is killed while a hundred requests, or a thousand, are on their way.
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use chrono::{TimeDelta, Utc};
use loadmaster_testkit::{
    Answer, Client, Dice, NewFlight, OwnRedis, Process, TestDatabase, World, WorldOptions,
    freight::{BOOKINGS, at_once, order, text, with},
    is_long, until,
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{HEADER, effects};

/// Requests that wait for a connection while the other server is gone are answered all the same, though a thousand of them come
/// from one address.
const PATIENT: [&str; 4] = [
    "database.acquire_timeout_ms=60000",
    "server.request_timeout_ms=60000",
    "server.max_in_flight=4000",
    "server.max_connections_per_address=4000",
];

/// Requests with each key.
const EACH: usize = 10;

const KEYS: usize = 100;

/// Where the servers are now, and how many were told what became of their wish.
#[derive(Clone)]
struct Crowd {
    bases: Arc<Mutex<[String; 2]>>,
    client: Client,
    flights: Arc<[Value; 2]>,
    told: Arc<AtomicUsize>,
}

impl Crowd {
    /// Asks one server or the other until it is told; answers the key and the booking's reference.
    async fn insist(self, number: usize) -> (usize, String) {
        let (key, mut dice) = (number % KEYS, Dice::of(31, number));
        let wish = with(order(&[&self.flights[key % 2]]), json!({"weight_kg": 1, "volume_m3": 0.01}));
        loop {
            let base = dice.pick(&*self.bases.lock().unwrap()).clone();
            let client = Client { base, ..self.client.clone() };
            let request = client.request(Method::POST, BOOKINGS).header(HEADER, format!("key-{key}")).json(&wish);
            if let Some(reference) = understood(request.timeout(Duration::from_mins(1)).send().await).await {
                self.told.fetch_add(1, Ordering::Relaxed);
                return (key, reference);
            }
            tokio::time::sleep(Duration::from_millis(100 + dice.below(100))).await;
        }
    }
}

/// The booking's reference; `None` when it has to be asked again, for nobody knows or somebody is at it.
async fn understood(answer: reqwest::Result<reqwest::Response>) -> Option<String> {
    let answer = answer.ok()?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let whole = answer.text().await.ok()?;
    let body = serde_json::from_str(&whole).unwrap_or(Value::Null);
    let answer = Answer { status, headers, text: whole, body };
    let code = match status.as_u16() {
        201 => return Some(text(&answer.body, "ref_id").to_owned()),
        409 => "idempotency_in_progress",
        504 => "timeout",
        _ => "unavailable",
    };
    answer.expect_problem(if matches!(status.as_u16(), 409 | 504) { status.as_u16() } else { 503 }, code);
    None
}

/// The processes have the machine's clock.
async fn flights(world: &World) -> Arc<[Value; 2]> {
    let now = chrono::DateTime::from_timestamp(Utc::now().timestamp(), 0).unwrap();
    world.clock.set(now);
    let departure = (now + TimeDelta::hours(24)).to_rfc3339();
    let flight = async |number, weight| {
        world.flight(NewFlight::new(number, "DEL", "LHR").departs(&departure).weight(weight)).await
    };
    let half = f64::from(u32::try_from(KEYS / 2).unwrap());
    Arc::new([flight("AI101", 100_000.0).await, flight("AI103", half).await])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_requests_under_each_key_make_one_booking_for_each_key_though_servers_are_killed() {
    if !is_long() {
        return;
    }
    let (database, redis) = (TestDatabase::create().await, OwnRedis::start().await);
    let world = WorldOptions::patient().with_workers().without_redis().on(&database).start().await;
    let flights = flights(&world).await;
    let start = || Process::start(&database, &redis, &PATIENT);
    let (mut one, mut other) = (start().await, start().await);
    let crowd = Crowd {
        bases: Arc::new(Mutex::new([one.base.clone(), other.base.clone()])),
        client: world.customer().await,
        flights: flights.clone(),
        told: Arc::default(),
    };
    let asking = tokio::spawn(at_once((0..KEYS * EACH).map({
        let crowd = crowd.clone();
        move |number| crowd.clone().insist(number)
    })));
    let until_told =
        async |count: usize| until("some have been told", async || crowd.told.load(Ordering::Relaxed) >= count).await;
    until_told(1).await;
    one.child.kill().await.unwrap();
    // It comes back at another address. The other dies when half of the requests are still on their way.
    let other_dies = async {
        until_told(KEYS * EACH / 2).await;
        other.child.kill().await.unwrap();
    };
    let (one_again, ()) = tokio::join!(start(), other_dies);
    crowd.bases.lock().unwrap()[0].clone_from(&one_again.base);
    let other_again = start().await;
    crowd.bases.lock().unwrap()[1].clone_from(&other_again.base);
    let told = asking.await.unwrap();

    let mut references = BTreeMap::<usize, BTreeSet<String>>::new();
    for (key, reference) in told {
        references.entry(key).or_default().insert(reference);
    }
    assert_eq!(references.len(), KEYS);
    assert!(references.values().all(|of_one| of_one.len() == 1), "{references:?}");
    let written = effects(&world).await;
    assert!(
        written.contains(&format!("bookings {KEYS}")) && written.contains(&format!("events {KEYS}")),
        "{written:?}"
    );
    assert_eq!(world.available(&flights[1]).await["weight_kg"], 0);
    world.audit().await;
}
