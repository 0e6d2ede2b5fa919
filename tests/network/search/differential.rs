//! A kept answer is what an answer from the tables would be, while everything changes.
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use loadmaster_testkit::{
    Client, Dice, NewFlight, World,
    freight::{at_once, order, path_of, text},
    rounds, until,
};
use serde_json::{Value, json};

use super::fresh::{PAIRS, Three, answers, answers_match, schedule};

/// Changes bookings and flights at random.
async fn meddle(client: Client, flights: Vec<Value>, seed: usize) {
    let mut dice = Dice::new(u64::try_from(seed).unwrap());
    let mut mine: Vec<Value> = Vec::new();
    for _ in 0..12 {
        let flight = dice.pick(&flights);
        let path = format!("/api/v1/flights/{}", text(flight, "id"));
        match dice.below(6) {
            0..=2 => {
                let answer = client.post("/api/v1/bookings", order(&[flight])).await;
                if answer.status == 201 {
                    mine.push(answer.body);
                }
            }
            3 => {
                if let Some(booking) = mine.pop() {
                    client.poke(&format!("{}/cancel", path_of(&booking))).await;
                }
            }
            4 => {
                let minutes = 30 + dice.below(300);
                client.patch(&path, json!({"cutoff_minutes": minutes})).await;
            }
            _ => {
                let weight = 2000 + dice.below(2000);
                client.patch(&path, json!({"capacity": {"weight_kg": weight}})).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn when_all_is_quiet_every_instance_shows_what_the_tables_say() {
    let three = Three::start(None).await;
    let all = schedule(&three.here).await;
    let flights = vec![all.direct, all.first, all.second, all.freighter];
    let elsewhere = three.there.admin().await;
    for round in 0..rounds(3, 6) {
        let stop = Arc::new(AtomicBool::new(false));
        // Searching all the while, so that much is kept, of every moment.
        let looking: Vec<_> = [&three.here, &three.there]
            .map(|world| {
                let (client, stop) = (world.anonymous(), stop.clone());
                tokio::spawn(async move {
                    while !stop.load(Ordering::Relaxed) {
                        client
                            .get("/api/v1/routes?origin=DEL&destination=LHR&departure_date=2026-11-21")
                            .await
                            .expect(200);
                        // Leaves the machine to those who change something.
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                })
            })
            .into_iter()
            .collect();
        let clients = [&three.admin, &elsewhere];
        at_once((0..4_usize).map(|number| meddle(clients[number % 2].clone(), flights.clone(), 10 * round + number)))
            .await;
        // What was changed elsewhere is told here soon, what was changed here at once.
        meddle(three.admin.clone(), flights.clone(), 1000 + round).await;
        stop.store(true, Ordering::Relaxed);
        for looking in looking {
            looking.await.unwrap();
        }
        let expected = answers(&three.plain).await;
        for world in [&three.there, &three.here] {
            until("it tells what the tables say", async || answers_match(world, &PAIRS, &expected).await).await;
        }
    }
    three.here.audit().await;
}

/// The kilograms left on the only flight, as a search tells them.
async fn told(world: &World) -> i64 {
    let answer = world.anonymous().get("/api/v1/routes?origin=DEL&destination=LHR&departure_date=2026-11-21").await;
    let options = answer.expect(200);
    options[0]["available"]["weight_kg"].as_i64().expect("whole kilograms")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_search_never_shows_more_space_than_was_left_when_it_began() {
    let world = World::working().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(100_000.0)).await;
    let (begun, done) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicI64::new(0)));
    let (customer, order) = (world.customer().await, order(&[&flight]));
    let booking = (0..8).map(|_| {
        let (customer, order, begun, done) = (customer.clone(), order.clone(), begun.clone(), done.clone());
        async move {
            for _ in 0..25 {
                begun.fetch_add(1, Ordering::SeqCst);
                customer.book(order.clone()).await;
                done.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    let booking = tokio::spawn(at_once(booking.collect::<Vec<_>>().into_iter()));
    let mut looks = 0;
    while !booking.is_finished() {
        let before = done.load(Ordering::SeqCst);
        let left = told(&world).await;
        let after = begun.load(Ordering::SeqCst);
        assert!(left <= 100_000 - 100 * before, "{left} kg are told after {before} bookings");
        assert!(left >= 100_000 - 100 * after, "{left} kg are told before {after} bookings");
        looks += 1;
    }
    booking.await.unwrap();
    assert_eq!(told(&world).await, 100_000 - 100 * 200);
    assert!(looks > 10, "{looks} looks");
}
