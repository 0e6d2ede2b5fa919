//! Receivers that fail, come back, or do not.
use std::collections::BTreeMap;

use chrono::TimeDelta;
use loadmaster_testkit::{
    NewFlight, World,
    freight::{instant, order, text},
    until,
};
use serde_json::{Value, json};

use super::{
    as_time_goes_on, at, colleagues, deliveries, details,
    receiver::{Mode, Receiver},
    sending, shown, until_status, webhook_to,
};

#[tokio::test]
async fn a_receiver_that_was_away_gets_all_in_order() {
    let world = World::with(sending()).await;
    let receiver = Receiver::start(Mode::Status(200)).await;
    let (operator, customer) = colleagues(&world).await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(100_000.0).leaves_in_hours(200)).await;
    let webhook = webhook_to(&operator, &receiver, json!({})).await;
    let mut bookings = Vec::new();
    for _ in 0..5 {
        bookings.push(customer.book(order(&[&flight])).await);
    }
    until("they arrive", async || receiver.count() == 5).await;
    until("and are recorded", async || shown(&operator, &webhook).await["waiting"] == 0).await;
    receiver.turn(Mode::Status(500));
    for round in 0..10 {
        for booking in &bookings {
            let change = json!({"weight_kg": 101 + round});
            customer.patch(&loadmaster_testkit::freight::path_of(booking), change).await.expect(200);
        }
        world.clock.advance(TimeDelta::seconds(12));
    }
    until_status(&operator, &webhook, "FAILING").await;
    let failing = shown(&operator, &webhook).await;
    assert!(failing["failing_since"].is_string());
    assert_eq!(operator.get("/api/v1/webhooks").await.expect(200)[0]["failing_since"], failing["failing_since"]);
    let tried = receiver.count() - 5;
    assert!(tried < 40, "{tried} attempts at a receiver that is left in peace");
    until("all wait", async || shown(&operator, &webhook).await["waiting"] == 50).await;
    let before = receiver.count();
    receiver.turn(Mode::Status(200));
    as_time_goes_on(&world, TimeDelta::seconds(5), "all arrive", async || {
        shown(&operator, &webhook).await["waiting"] == 0
    })
    .await;
    let mut last: BTreeMap<String, u64> = BTreeMap::new();
    let after = &receiver.received()[before..];
    for got in after {
        let before = last.insert(got.subject(), got.sequence());
        assert!(before.is_none_or(|before| before < got.sequence()), "{} {before:?} {}", got.subject(), got.sequence());
    }
    assert_eq!(last.values().copied().collect::<Vec<_>>(), [11; 5]);
    assert!(after.len() >= 50, "{}", after.len());
    let active = shown(&operator, &webhook).await;
    assert_eq!((&active["status"], &active["failing_since"]), (&json!("ACTIVE"), &Value::Null));
    super::counts_agree(&world).await;
    world.audit().await;
}

#[tokio::test]
async fn after_an_outage_the_oldest_is_sent_first_and_of_too_many_the_oldest_fails() {
    let world = World::with(sending()).await;
    let receiver = Receiver::start(Mode::Status(200)).await;
    let (operator, customer) = colleagues(&world).await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(100_000.0).leaves_in_hours(200)).await;
    let webhook = webhook_to(&operator, &receiver, json!({})).await;
    operator.poke(&format!("{}/test", at(&webhook))).await.expect(202);
    until("it is known to be good", async || shown(&operator, &webhook).await["last_success_at"].is_string()).await;
    receiver.turn(Mode::Status(500));
    let mut references = Vec::new();
    for _ in 0..6 {
        references.push(text(&customer.book(order(&[&flight])).await, "ref_id").to_owned());
    }
    until_status(&operator, &webhook, "FAILING").await;
    until("those that were tried wait longer", async || {
        let tried = "select id::text from webhook_deliveries where status = 'WAITING' and next_attempt_at > created_at";
        world.texts(tried).await.len() >= 5
    })
    .await;
    for _ in 0..6 {
        references.push(text(&customer.book(order(&[&flight])).await, "ref_id").to_owned());
    }
    until("all wait", async || shown(&operator, &webhook).await["waiting"] == 12).await;
    // As if these were very many.
    world.sql("update webhooks set waiting = 100000").await;
    references.push(text(&customer.book(order(&[&flight])).await, "ref_id").to_owned());
    until("the oldest has failed", async || {
        let failed = world.texts("select subject from webhook_deliveries where status = 'FAILED'").await;
        failed == references[..1]
    })
    .await;
    world.sql("update webhooks set waiting = 12").await;
    let before = receiver.count();
    receiver.turn(Mode::Status(200));
    as_time_goes_on(&world, TimeDelta::seconds(5), "all arrive", async || {
        shown(&operator, &webhook).await["waiting"] == 0
    })
    .await;
    let arrived: Vec<String> = receiver.received()[before..].iter().map(super::receiver::Received::subject).collect();
    // The first shows that the receiver is back; of the rest four are under way at once.
    let expected: Vec<&String> = references[1..].iter().filter(|reference| **reference != arrived[0]).collect();
    for (place, reference) in expected.into_iter().enumerate() {
        let came = arrived[1..].iter().position(|arrived| arrived == reference).expect("it has arrived");
        assert!(came.abs_diff(place) < 4, "{reference} is number {place} and came as number {came}: {arrived:?}");
    }
}

#[tokio::test]
async fn pauses_between_attempts_grow_and_one_bad_message_blocks_nothing() {
    let world = World::with(sending().set("webhooks.retry_seconds", "5,300,1800")).await;
    let receiver = Receiver::start(Mode::Status(200)).await;
    let (operator, customer) = colleagues(&world).await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let webhook = webhook_to(&operator, &receiver, json!({})).await;
    let bad = customer.book(order(&[&flight])).await;
    until("it arrives", async || receiver.count() == 1).await;
    receiver.turn(Mode::Refuses(vec![text(&bad, "ref_id").to_owned()]));
    operator.walk(&bad, &["depart"]).await;
    let of_bad = format!("&subject={}&status=WAITING", text(&bad, "ref_id"));
    let mut before = world.now();
    for (number, pause) in [5, 300, 1800].into_iter().zip(1..).map(|(pause, number)| (number, pause)) {
        until("it was tried", async || {
            deliveries(&operator, &webhook, &of_bad).await.first().is_some_and(|it| it["attempt_count"] == number)
        })
        .await;
        // Others go on meanwhile, and so does nobody call the receiver failing.
        let other = customer.book(order(&[&flight])).await;
        until("the other arrives", async || {
            receiver.received().last().is_some_and(|got| got.subject() == text(&other, "ref_id"))
        })
        .await;
        let next = instant(&deliveries(&operator, &webhook, &of_bad).await[0]["next_attempt_at"]) - before;
        let (least, most) = (TimeDelta::milliseconds(pause * 900), TimeDelta::milliseconds(pause * 1100 + 1));
        assert!(next >= least && next <= most, "{next} after attempt {number}");
        world.clock.advance(next);
        before = world.now();
    }
    let failed = format!("&subject={}&status=FAILED", text(&bad, "ref_id"));
    until("it has failed", async || deliveries(&operator, &webhook, &failed).await.len() == 1).await;
    let delivery = deliveries(&operator, &webhook, &failed).await.remove(0);
    assert_eq!(details(&operator, &webhook, &delivery).await["attempts"].as_array().unwrap().len(), 4);
    assert_eq!(shown(&operator, &webhook).await["status"], "ACTIVE");
}

#[tokio::test]
async fn one_that_fails_for_too_long_is_reported_and_disabled_and_a_resend_brings_all() {
    let world = World::with(sending().set("webhooks.give_up_minutes", "1")).await;
    let receiver = Receiver::start(Mode::Status(503)).await;
    let (operator, customer) = colleagues(&world).await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let webhook = webhook_to(&operator, &receiver, json!({})).await;
    let watching = Receiver::start(Mode::Status(200)).await;
    webhook_to(&operator, &watching, json!({"types": ["loadmaster.webhook.*"]})).await;
    for _ in 0..3 {
        customer.book(order(&[&flight])).await;
    }
    until("all wait", async || shown(&operator, &webhook).await["waiting"] == 3).await;
    let told = async || -> Vec<Value> {
        let told = world.texts("select payload::text from outbox where aggregate = 'webhook' order by id").await;
        told.iter().map(|text| serde_json::from_str(text).unwrap()).collect()
    };
    as_time_goes_on(&world, TimeDelta::seconds(1), "it is reported", async || told().await.len() == 1).await;
    let reported = &told().await[0];
    assert_eq!(reported["type"], "loadmaster.webhook.failing.v1");
    assert_eq!(
        reported["data"].as_object().unwrap().keys().collect::<Vec<_>>(),
        ["disabled_reason", "failing_since", "status", "webhook_id"]
    );
    as_time_goes_on(&world, TimeDelta::seconds(1), "it is disabled", async || told().await.len() == 2).await;
    let off = shown(&operator, &webhook).await;
    assert_eq!(
        (&off["status"], &off["disabled_reason"], &off["waiting"]),
        (&json!("DISABLED"), &json!("failing"), &json!(0))
    );
    let age = world.now() - instant(&off["failing_since"]);
    assert!(age >= TimeDelta::minutes(1) && age < TimeDelta::minutes(2), "{age}");
    assert_eq!(deliveries(&operator, &webhook, "&status=FAILED").await.len(), 3);
    until("another webhook of the organization is told", async || watching.count() == 2).await;
    assert_eq!(watching.received()[1].event()["type"], "loadmaster.webhook.disabled.v1");
    receiver.turn(Mode::Status(200));
    operator.patch(&at(&webhook), json!({"status": "ACTIVE"})).await.expect(200);
    let before = receiver.count();
    let since = json!({"since": "2026-11-01T00:00:00Z"});
    assert_eq!(operator.post(&format!("{}/resend", at(&webhook)), since).await.expect(202)["queued"], 3);
    until("all come", async || receiver.count() == before + 3).await;
    super::counts_agree(&world).await;
    world.audit().await;
}

#[tokio::test]
async fn a_message_that_alone_fails_does_not_disable_while_others_can_arrive() {
    let world =
        World::with(sending().set("webhooks.give_up_minutes", "1").set("webhooks.retry_seconds", "1,1,1,1,1,1,600"))
            .await;
    let receiver = Receiver::start(Mode::Status(200)).await;
    let (operator, customer) = colleagues(&world).await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let webhook = webhook_to(&operator, &receiver, json!({})).await;
    let bad = customer.book(order(&[&flight])).await;
    until("it arrives", async || receiver.count() == 1).await;
    receiver.turn(Mode::Refuses(vec![text(&bad, "ref_id").to_owned()]));
    operator.walk(&bad, &["depart"]).await;
    as_time_goes_on(&world, TimeDelta::milliseconds(600), "it rests", async || {
        shown(&operator, &webhook).await["status"] == "FAILING"
    })
    .await;
    let good = customer.book(order(&[&flight])).await;
    as_time_goes_on(&world, TimeDelta::seconds(1), "the other arrives", async || {
        receiver.received().iter().any(|got| got.subject() == text(&good, "ref_id"))
    })
    .await;
    until_status(&operator, &webhook, "ACTIVE").await;
}

#[tokio::test]
async fn what_is_older_than_thirty_days_is_deleted() {
    let world = World::with(sending()).await;
    let receiver = Receiver::start(Mode::Status(200)).await;
    let (operator, customer) = colleagues(&world).await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (kept, deleted) =
        (webhook_to(&operator, &receiver, json!({})).await, webhook_to(&operator, &receiver, json!({})).await);
    customer.book(order(&[&flight])).await;
    until("it arrives at both", async || receiver.count() == 2).await;
    until("it is recorded", async || shown(&operator, &kept).await["waiting"] == 0).await;
    until("and at the other", async || shown(&operator, &deleted).await["waiting"] == 0).await;
    operator.delete(&at(&deleted)).await;
    let rows = async || {
        let rows = "select count(*)::text from webhooks union all select count(*)::text from webhook_deliveries
                    union all select count(*)::text from webhook_attempts union all
                    select count(*)::text from webhook_messages";
        world.texts(rows).await
    };
    loadmaster_testkit::jobs::run_again(&world, "old_webhook_deliveries").await;
    assert_eq!(rows().await, ["1", "1", "1", "1"]);
    world.clock.advance(TimeDelta::days(31));
    loadmaster_testkit::jobs::run_again(&world, "old_webhook_deliveries").await;
    assert_eq!(rows().await, ["1", "0", "0", "0"]);
}
