//! Clients that do not wait and do not give up.
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use loadmaster_testkit::{
    Answer, Client, Dice, NewFlight, World, WorldOptions,
    freight::{at_once, order, text, with},
    rounds,
};
use serde_json::{Value, json};

use super::{book, effects, kept};

const EACH: usize = 10;

fn keys() -> usize {
    rounds(12, 100)
}

/// Asks until it is told what became of its wish; answers the booking's reference and whether it was a repetition.
async fn until_told(client: Client, key: String, wish: Value) -> (String, String, bool) {
    loop {
        let answer: Answer = book(&client, &key, &wish).await;
        match answer.status.as_u16() {
            201 => {
                let is_repeated = answer.header("idempotency-replayed").is_some();
                return (key, text(&answer.body, "ref_id").to_owned(), is_repeated);
            }
            409 => drop(answer.expect_problem(409, "idempotency_in_progress")),
            // On a slow machine.
            504 => drop(answer.expect_problem(504, "timeout")),
            _ => drop(answer.expect_problem(503, "unavailable")),
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_requests_under_each_key_at_two_instances_make_one_booking_for_each_key() {
    let one = WorldOptions::patient().start().await;
    let other = WorldOptions::patient().on(&one.database).start().await;
    // One has room to spare; the other exactly for those who shall have it, so that a repetition finds it full.
    let roomy = one.flight(NewFlight::new("AI101", "DEL", "LHR").weight(100_000.0)).await;
    let exactly = f64::from(u32::try_from(keys() / 2).unwrap());
    let tight = one.flight(NewFlight::new("AI103", "DEL", "LHR").weight(exactly)).await;
    let customer = one.customer().await;
    let clients = [customer.clone(), other.same(&customer)];
    let mut asked: Vec<usize> = (0..keys() * EACH).collect();
    let mut dice = Dice::new(5);
    for at in (1..asked.len()).rev() {
        asked.swap(at, usize::try_from(dice.below(at as u64 + 1)).unwrap());
    }
    let flights = Arc::new([roomy, tight]);
    let requests = asked.into_iter().map(|number| {
        let (key, client) = (number % keys(), clients[number / keys() % 2].clone());
        let wish = with(order(&[&flights[key % 2]]), json!({"weight_kg": 1, "volume_m3": 0.01}));
        until_told(client, format!("key-{key}"), wish)
    });
    let told = at_once(requests).await;

    let mut references = BTreeMap::<String, BTreeSet<String>>::new();
    for (key, reference, _) in &told {
        references.entry(key.clone()).or_default().insert(reference.clone());
    }
    assert_eq!(told.len(), keys() * EACH);
    // Who was told that it took too long finds it made when he asks again.
    let mut first = BTreeSet::new();
    let again: Vec<_> =
        told.iter().filter(|(key, _, is_repeated)| !is_repeated && !first.insert(key.clone())).collect();
    assert!(again.is_empty(), "each was made once: {again:?}");
    assert_eq!(references.len(), keys());
    assert!(references.values().all(|of_one| of_one.len() == 1), "{references:?}");
    assert_eq!(references.values().flatten().collect::<BTreeSet<_>>().len(), keys());
    let written = effects(&one).await;
    assert!(
        written.contains(&format!("bookings {}", keys())) && written.contains(&format!("events {}", keys())),
        "{written:?}"
    );
    assert_eq!(kept(&one).await, keys().to_string());
    assert_eq!(one.available(&flights[1]).await["weight_kg"], 0);
    one.audit().await;
}

/// Of many steps under one key one is taken, though all came at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn forty_requests_for_one_step_take_it_once() {
    let one = WorldOptions::patient().set("locks.attempts", "10000").start().await;
    let other = WorldOptions::patient().set("locks.attempts", "10000").on(&one.database).start().await;
    let flight = one.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let operator = one.operator().await;
    let booking = operator.book(order(&[&flight])).await;
    let path = loadmaster_testkit::freight::path_of(&booking);
    let clients = [operator.clone(), other.same(&operator)];
    for (step, version) in [("depart", 2), ("arrive", 3), ("deliver", 4)] {
        let answers = at_once((0..40).map(|number| {
            let (client, path) = (clients[number % 2].clone(), format!("{path}/{step}"));
            async move {
                loop {
                    let answer = super::poke(&client, "k", &path).await;
                    if answer.status == 200 {
                        return answer;
                    }
                    answer.expect_problem(409, "idempotency_in_progress");
                    tokio::time::sleep(Duration::from_millis(60)).await;
                }
            }
        }))
        .await;
        assert!(answers.iter().all(|answer| answer.text == answers[0].text));
        let made = answers.iter().filter(|answer| answer.header("idempotency-replayed").is_none());
        assert_eq!(made.count(), 1, "{step}");
        assert_eq!(answers[0].body["version"], version, "{step}");
    }
    assert_told(&one, &operator, &path).await;
}

async fn assert_told(world: &World, operator: &Client, path: &str) {
    let history = operator.get(&format!("{path}/history")).await.expect(200);
    assert_eq!(history["timeline"].as_array().unwrap().len(), 4);
    world.audit().await;
}
