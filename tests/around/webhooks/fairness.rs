//! Receivers that hang do not delay others.
use std::time::{Duration, Instant};

use loadmaster_testkit::{World, rounds, until};
use serde_json::json;

use super::{
    at, colleagues,
    receiver::{Mode, Receiver},
    sending, webhook_to,
};

/// Many hanging receivers: seconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn beside_receivers_that_hang_a_good_one_is_not_delayed() {
    let hanging = rounds(80, 200);
    let world = World::with(sending().set("webhooks.max_per_organization", "1000")).await;
    let (operator, _) = colleagues(&world).await;
    let (bad, good) = (Receiver::start(Mode::Hangs).await, Receiver::start(Mode::Status(200)).await);
    let sound = webhook_to(&operator, &good, json!({})).await;
    let test = async |webhook| {
        operator.poke(&format!("{}/test", at(webhook))).await.expect(202);
    };
    test(&sound).await;
    until("the good one is known to be good", async || {
        super::shown(&operator, &sound).await["last_success_at"].is_string()
    })
    .await;
    let mut dead = Vec::new();
    for _ in 0..hanging {
        dead.push(webhook_to(&operator, &bad, json!({})).await);
    }
    for webhook in &dead {
        test(webhook).await;
    }
    until("they hang", async || bad.most_at_once() == 16).await;
    let mut longest = Duration::ZERO;
    for number in 2..12 {
        let asked = Instant::now();
        test(&sound).await;
        until("it arrives", async || good.count() == number).await;
        longest = longest.max(asked.elapsed());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(bad.most_at_once(), 16, "they share their places");
    println!("longest delay beside {hanging} receivers that hang: {longest:?}");
}

/// Sixteen receivers hold all places, until others wait for one: half a second.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn receivers_that_were_good_and_hang_lose_their_places_to_others() {
    let world = World::with(sending().set("webhooks.max_per_organization", "1000")).await;
    let (operator, customer) = colleagues(&world).await;
    let flight = world.flight(loadmaster_testkit::NewFlight::new("AI101", "DEL", "LHR").weight(100_000.0)).await;
    let (bad, good) = (Receiver::start(Mode::Status(200)).await, Receiver::start(Mode::Status(200)).await);
    let mut webhooks = Vec::new();
    for _ in 0..16 {
        webhooks.push(webhook_to(&operator, &bad, json!({})).await);
    }
    webhooks.push(webhook_to(&operator, &good, json!({"types": ["loadmaster.flight.*"], "scope": "all"})).await);
    for webhook in &webhooks {
        operator.poke(&format!("{}/test", at(webhook))).await.expect(202);
    }
    until("all are known to be good", async || {
        let good = "select id::text from webhooks where not is_doubtful";
        world.texts(good).await.len() == 17
    })
    .await;
    bad.turn(Mode::Hangs);
    for _ in 0..5 {
        customer.book(loadmaster_testkit::freight::order(&[&flight])).await;
    }
    until("they hold all places", async || bad.most_at_once() == 64).await;
    operator.poke(&format!("{}/test", at(&webhooks[16]))).await.expect(202);
    until("it arrives", async || good.count() == 2).await;
    // No attempt has taken all the time that it may: none was over before.
    let over = world.texts("select outcome from webhook_attempts where outcome <> 'delivered'").await;
    assert_eq!(over, Vec::<String>::new());
    assert!(bad.most_at_once() <= 64);
    bad.turn(Mode::Status(200));
    super::as_time_goes_on(&world, chrono::TimeDelta::seconds(5), "what was broken off arrives", async || {
        world.texts("select id::text from webhook_deliveries where status <> 'DELIVERED'").await.is_empty()
    })
    .await;
    super::counts_agree(&world).await;
}

#[tokio::test]
async fn a_good_receiver_gets_four_at_once_and_one_of_each_subject() {
    let world = World::with(sending()).await;
    let (operator, customer) = colleagues(&world).await;
    let flight = world.flight(loadmaster_testkit::NewFlight::new("AI101", "DEL", "LHR").weight(100_000.0)).await;
    let receiver = Receiver::start(Mode::Status(200)).await;
    let webhook = webhook_to(&operator, &receiver, json!({})).await;
    operator.poke(&format!("{}/test", at(&webhook))).await.expect(202);
    until("it is known to be good", async || super::shown(&operator, &webhook).await["last_success_at"].is_string())
        .await;
    receiver.turn(Mode::Hangs);
    let booking = customer.book(loadmaster_testkit::freight::order(&[&flight])).await;
    operator.walk(&booking, &["depart", "arrive"]).await;
    for _ in 0..6 {
        customer.book(loadmaster_testkit::freight::order(&[&flight])).await;
    }
    until("four hang", async || receiver.most_at_once() == 4).await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(receiver.most_at_once(), 4);
    let mut subjects: Vec<String> =
        receiver.received()[1..].iter().take(4).map(super::receiver::Received::subject).collect();
    subjects.sort();
    subjects.dedup();
    assert_eq!(subjects.len(), 4, "one of each subject");
}
