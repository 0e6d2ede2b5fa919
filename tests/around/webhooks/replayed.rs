//! `loadmaster outbox replay` to one webhook.
use std::collections::BTreeMap;

use loadmaster_testkit::{
    TestDatabase,
    command::loadmaster,
    freight::{order, text, two_flights, with},
    until,
};
use serde_json::{Value, json};

use super::{
    at, colleagues,
    receiver::{Mode, Received, Receiver},
    sending, webhook_to,
};

fn by_id(events: impl Iterator<Item = Value>) -> BTreeMap<String, Value> {
    events.map(|event| (text(&event, "id").to_owned(), event)).collect()
}

/// Nothing is replayed to the webhook, nor would be: the command says why.
async fn expect_refused(database: &TestDatabase, webhook: &Value, reason: &str) {
    let sink = format!("webhook:{}", text(webhook, "id"));
    for more in [&[][..], &["--dry-run"]] {
        let arguments = [&["outbox", "replay", "--sink", &sink], more].concat();
        let complaint = loadmaster(&arguments).on(database).run().await.complained();
        assert!(complaint.contains(reason), "{complaint}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_replay_to_a_webhook_that_sleeps_or_has_ended_is_refused_with_the_reason() {
    let world = sending().start().await;
    let receiver = Receiver::start(Mode::Status(200)).await;
    let [flight, _] = two_flights(&world).await;
    let (operator, customer) = colleagues(&world).await;
    let key = operator.post("/api/v1/api-keys", json!({"name": "erp"})).await.expect(201);
    let program = world.anonymous().with_token(text(&key, "key"));
    let (own, programs) =
        (webhook_to(&operator, &receiver, json!({})).await, webhook_to(&program, &receiver, json!({})).await);
    customer.book(order(&[&flight])).await;
    until("both have come", async || receiver.count() == 2).await;
    operator.delete(&format!("/api/v1/api-keys/{}", text(&key, "id"))).await.expect(204);
    expect_refused(&world.database, &programs, "is disabled (key_ended), and nothing queues for it").await;
    let (admin, me) = (world.admin().await, operator.get("/api/v1/auth/me").await.expect(200));
    let user = format!("/api/v1/users/{}", text(&me, "id"));
    admin.patch(&user, json!({"disabled": true})).await.expect(200);
    expect_refused(&world.database, &own, "sleeps (user_disabled), and nothing queues for it").await;
    assert_eq!(world.texts("select id::text from webhook_messages where is_replay").await, Vec::<String>::new());
    // Taken over, it gets them.
    admin.patch(&at(&own), json!({"status": "ACTIVE"})).await.expect(200);
    let sink = format!("webhook:{}", text(&own, "id"));
    let told = loadmaster(&["outbox", "replay", "--sink", &sink]).on(&world.database).run().await.succeeded();
    assert!(told.contains(" messages were queued for the webhook"), "{told}");
    world.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_webhook_gets_its_own_messages_again_also_those_that_the_outbox_has_forgotten() {
    let world = sending().start().await;
    let receiver = Receiver::start(Mode::Status(200)).await;
    let flights = two_flights(&world).await;
    let (operator, customer) = colleagues(&world).await;
    let webhook = webhook_to(&operator, &receiver, json!({})).await;
    let booking = customer.book(order(&[&flights[0], &flights[1]])).await;
    operator.walk(&booking, &["depart", "arrive"]).await;
    // Somebody else's.
    world.customer().await.book(order(&[&flights[1]])).await;
    until("three messages have come", async || receiver.count() == 3).await;
    let first = by_id(receiver.received().iter().map(Received::event));

    let sink = format!("webhook:{}", text(&webhook, "id"));
    let replay = async |more: &[&str]| {
        let arguments = [&["outbox", "replay", "--sink", &sink], more].concat();
        loadmaster(&arguments).on(&world.database).run().await.succeeded()
    };
    // Bookings and flights; the webhook gets those of its organization alone.
    world.sql("delete from outbox").await;
    assert_eq!(replay(&["--dry-run"]).await, "3 of 6 messages would be queued for the webhook; it gets no others.\n");
    assert_eq!(replay(&[]).await, "3 of 6 messages were queued for the webhook; it gets no others.\n");
    // The command has the machine's time.
    world.clock.advance(chrono::Utc::now() - world.now() + chrono::TimeDelta::minutes(5));
    until("they have come again", async || receiver.count() == 6).await;
    let requests = receiver.received();
    let again: Vec<_> = requests[3..].iter().map(Received::event).collect();
    let sequences: Vec<_> = again.iter().map(|event| text(event, "sequence").to_owned()).collect();
    assert_eq!(sequences, ["1", "2", "3"]);
    let expected = by_id(first.values().map(|event| with(event.clone(), json!({"replayed": true}))));
    assert_eq!(by_id(again.into_iter()), expected);
    let secret = text(&webhook, "secret");
    assert!(requests.iter().all(|request| request.is_signed_by(secret)));

    operator.patch(&at(&webhook), json!({"status": "DISABLED"})).await.expect(200);
    expect_refused(&world.database, &webhook, "is disabled (manual), and nothing queues for it").await;
    let unknown = format!("webhook:{}", uuid::Uuid::new_v4());
    for (sink, code) in [(unknown.as_str(), 1), ("webhook:", 2), ("webhook:x", 2), ("webhooks", 2)] {
        let done = loadmaster(&["outbox", "replay", "--sink", sink]).on(&world.database).run().await;
        assert_eq!(done.code, code, "{sink}");
    }
    world.shutdown().await;
}
