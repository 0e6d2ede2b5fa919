//! What is sent, to whom, and what becomes of it.
use chrono::TimeDelta;
use loadmaster_testkit::{
    NewFlight, World,
    freight::{each, order, path_of, text},
    until,
};
use serde_json::{Value, json};

use super::{
    WEBHOOKS, at, colleagues, deliveries, details,
    receiver::{Mode, Receiver},
    sending, shown, webhook_to,
};

#[tokio::test]
async fn a_bookings_messages_arrive_signed_in_order_and_always_the_same() {
    let world = World::with(sending()).await;
    let receiver = Receiver::start(Mode::Status(200)).await;
    let (operator, customer) = colleagues(&world).await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let webhook = webhook_to(&operator, &receiver, json!({})).await;
    let secret = text(&webhook, "secret");
    let booking = customer.book(order(&[&flight])).await;
    operator.walk(&booking, &["depart", "arrive", "deliver"]).await;
    until("all arrive", async || receiver.count() == 4).await;
    let requests = receiver.received();
    for (got, sequence) in requests.iter().zip(1..) {
        assert_eq!((got.subject().as_str(), got.sequence()), (text(&booking, "ref_id"), sequence));
        assert_eq!(got.headers["content-type"], "application/cloudevents+json");
        assert_eq!(got.headers["webhook-id"], got.event()["id"].as_str().unwrap());
        assert_eq!(got.headers["webhook-timestamp"], world.now().timestamp().to_string());
        assert_eq!((got.headers["host"].clone(), got.signatures()), (receiver.address.to_string(), 1));
        assert!(got.is_signed_by(secret));
        assert!(!got.is_signed_with(secret, &got.body.replacen("booking", "Booking", 1)), "one byte decides");
        for absent in ["cookie", "authorization", "traceparent"] {
            assert!(!got.headers.contains_key(absent), "{absent}");
        }
        assert_eq!(got.headers["accept-encoding"], "identity");
    }
    until("all is recorded", async || shown(&operator, &webhook).await["waiting"] == 0).await;
    let sent = deliveries(&operator, &webhook, "&status=DELIVERED").await;
    assert_eq!(sent.len(), 4);
    let last = details(&operator, &webhook, &sent[0]).await;
    assert_eq!(last["message"], requests[3].event());
    assert_eq!((&last["attempt_count"], &last["next_attempt_at"]), (&json!(1), &Value::Null));
    let attempt = &last["attempts"][0];
    assert_eq!(
        (&attempt["outcome"], &attempt["http_status"], &attempt["response"]),
        (&json!("delivered"), &json!(200), &json!("answr"))
    );
    assert_eq!(shown(&operator, &webhook).await["last_success_at"], json!(world.now()));

    // Sent again, it is the same.
    let resend = format!("{}/deliveries/{}/resend", at(&webhook), text(&sent[0], "id"));
    assert_eq!(operator.poke(&resend).await.expect(202)["status"], "WAITING");
    until("it comes again", async || receiver.count() == 5).await;
    let again = receiver.received().pop().unwrap();
    assert_eq!((&again.body, &again.headers["webhook-id"]), (&requests[3].body, &requests[3].headers["webhook-id"]));
    until("it is recorded", async || {
        details(&operator, &webhook, &sent[0]).await["attempts"].as_array().unwrap().len() == 2
    })
    .await;
    super::counts_agree(&world).await;
    world.audit().await;
}

#[tokio::test]
async fn each_organization_gets_its_own_and_only_what_it_subscribed_to() {
    let world = World::with(sending()).await;
    let [own, lanes, types, foreign, all] = [(); 5].map(|()| Receiver::start(Mode::Status(200)));
    let (own, lanes, types, foreign, all) = tokio::join!(own, lanes, types, foreign, all);
    let (operator, customer) = colleagues(&world).await;
    let stranger = world.operator().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let wanted = json!({"types": ["loadmaster.booking.*", "loadmaster.hold.*", "loadmaster.waitlist.*"]});
    webhook_to(&operator, &own, wanted.clone()).await;
    webhook_to(&operator, &lanes, json!({"origins": ["JFK"], "types": ["loadmaster.*"]})).await;
    webhook_to(&operator, &types, json!({"types": ["loadmaster.booking.cancelled.v1"], "destinations": ["LHR"]})).await;
    webhook_to(&stranger, &foreign, wanted).await;
    webhook_to(&stranger, &all, json!({"types": ["loadmaster.*"], "scope": "all", "destinations": ["LHR", "BOM"]}))
        .await;
    let booking = customer.book(order(&[&flight])).await;
    let hold = customer.post("/api/v1/holds", json!({"flight_ids": [flight["id"]], "weight_kg": 10})).await.expect(201);
    let waiting =
        customer.post("/api/v1/waitlist", json!({"flight_ids": [flight["id"]], "weight_kg": 990.5})).await.expect(201);
    let guest = world.caller(loadmaster_accounts::Role::Guest).await;
    let of_guest =
        guest.post("/api/v1/holds", json!({"flight_ids": [flight["id"]], "weight_kg": 10})).await.expect(201);
    customer.walk(&booking, &["cancel"]).await;
    let elsewhere = world.flight(NewFlight::new("AI107", "LHR", "JFK")).await;
    let late = world.flight(NewFlight::new("AI105", "JFK", "BOM")).await;
    let subjects = |receiver: &Receiver| -> Vec<String> {
        let mut all: Vec<_> =
            receiver.received().iter().map(|got| format!("{} {}", got.subject(), got.event()["type"])).collect();
        all.sort();
        all.dedup();
        all
    };
    let has = |receiver: &Receiver, subject: &Value, kind: &str| {
        let wanted = format!("{} \"loadmaster.{kind}.v1\"", subject.as_str().unwrap());
        subjects(receiver).contains(&wanted)
    };
    until("everything has arrived", async || {
        has(&all, &booking["ref_id"], "booking.cancelled")
            && has(&all, &of_guest["id"], "hold.created")
            && has(&all, &late["id"], "flight.created")
            && types.count() == 1
            && has(&own, &waiting["id"], "waitlist.waiting")
            && has(&own, &hold["id"], "hold.created")
            && has(&own, &booking["ref_id"], "booking.cancelled")
    })
    .await;
    assert!(!subjects(&own).iter().any(|it| it.starts_with(text(&of_guest, "id"))), "a guest's belongs to nobody");
    assert_eq!((foreign.count(), lanes.count(), types.count()), (0, 0, 1));
    assert!(!has(&all, &elsewhere["id"], "flight.created"), "it goes elsewhere");
    super::counts_agree(&world).await;
    world.audit().await;
}

#[tokio::test]
async fn answers_decide_by_their_status_and_are_bounded() {
    let world = World::with(sending()).await;
    let (operator, _) = colleagues(&world).await;
    let elsewhere = Receiver::start(Mode::Status(200)).await;
    let moved = format!("location: {}\r\n", elsewhere.url());
    let cases = [
        (Mode::Status(204), "delivered", Some(204)),
        (Mode::Status(404), "rejected", Some(404)),
        (Mode::With(302, moved), "redirected", Some(302)),
        (Mode::Hangs, "timeout", None),
        (Mode::Closes, "unreachable", None),
        (Mode::Drips, "delivered", Some(200)),
        (Mode::DripsHead, "timeout", None),
        (Mode::Floods, "delivered", Some(200)),
        (Mode::LongHead(20_000), "rejected", None),
        (Mode::LongHead(40_000), "rejected", None),
    ];
    let mut made = Vec::new();
    for (mode, outcome, status) in cases {
        let receiver = Receiver::start(mode).await;
        let webhook = webhook_to(&operator, &receiver, json!({})).await;
        operator.poke(&format!("{}/test", at(&webhook))).await.expect(202);
        made.push((receiver, webhook, outcome, status));
    }
    for (receiver, webhook, outcome, status) in &made {
        until(outcome, async || deliveries(&operator, webhook, "").await[0]["attempt_count"].as_i64() >= Some(1)).await;
        let delivery = deliveries(&operator, webhook, "&type=loadmaster.webhook.*").await.remove(0);
        let attempt = details(&operator, webhook, &delivery).await["attempts"][0].clone();
        assert_eq!((&attempt["outcome"], &attempt["http_status"]), (&json!(outcome), &json!(status)), "{attempt}");
        assert!(attempt["duration_ms"].as_i64().unwrap() < 10_000, "{attempt}");
        let is_delivered = *outcome == "delivered";
        assert_eq!(delivery["status"], if is_delivered { "DELIVERED" } else { "WAITING" });
        assert!(receiver.written() < 4 << 20, "{}", receiver.written());
        assert!(attempt["response"].as_str().unwrap_or_default().chars().count() <= 512);
    }
    assert_eq!(elsewhere.count(), 0, "a redirect is not followed");
}

#[tokio::test]
async fn gone_disables_and_busy_receivers_get_their_pause() {
    let world = World::with(sending()).await;
    let (operator, customer) = colleagues(&world).await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (gone, busy) = (
        Receiver::start(Mode::Status(410)).await,
        Receiver::start(Mode::With(503, "retry-after: 600\r\n".to_owned())).await,
    );
    let (left, asked) = (webhook_to(&operator, &gone, json!({})).await, webhook_to(&operator, &busy, json!({})).await);
    let booking = customer.book(order(&[&flight])).await;
    let off = super::until_status(&operator, &left, "DISABLED").await;
    assert_eq!((&off["disabled_reason"], &off["waiting"]), (&json!("gone"), &json!(0)));
    let told = "select payload::text from outbox where aggregate = 'webhook'";
    let told = world.texts(told).await;
    assert_eq!(told.len(), 1);
    let told: Value = serde_json::from_str(&told[0]).unwrap();
    assert_eq!((&told["type"], &told["subject"]), (&json!("loadmaster.webhook.disabled.v1"), &left["id"]));
    assert_eq!((&told["data"]["disabled_reason"], &told["data"]["status"]), (&json!("gone"), &json!("DISABLED")));

    until("it was tried", async || deliveries(&operator, &asked, "").await[0]["attempt_count"] == 1).await;
    operator.walk(&booking, &["depart"]).await;
    busy.turn(Mode::Status(200));
    world.clock.advance(TimeDelta::seconds(599));
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(busy.count(), 1, "not before the pause ends");
    world.clock.advance(TimeDelta::seconds(2));
    until("both arrive", async || busy.count() == 3).await;

    // What came while it was disabled comes on demand.
    operator.walk(&booking, &["arrive"]).await;
    until("it is noted", async || deliveries(&operator, &left, "").await.len() == 3).await;
    assert_eq!(shown(&operator, &left).await["waiting"], 0);
    assert_eq!(each(&json!(deliveries(&operator, &left, "").await), "status"), ["FAILED"; 3]);
    gone.turn(Mode::Status(200));
    operator.patch(&at(&left), json!({"status": "ACTIVE"})).await.expect(200);
    let resend = format!("{}/resend", at(&left));
    assert_eq!(operator.post(&resend, json!({"since": "2026-11-01T00:00:00Z"})).await.expect(202)["queued"], 3);
    until("all came", async || gone.count() == 4).await;
    let sequences: Vec<u64> = gone.received()[1..].iter().map(super::receiver::Received::sequence).collect();
    assert_eq!(sequences, [1, 2, 3]);
    until("they are recorded", async || shown(&operator, &left).await["waiting"] == 0).await;
    assert_eq!(operator.post(&resend, json!({"since": "2026-11-01T00:00:00Z"})).await.expect(202)["queued"], 0);
    let all = json!({"since": "2026-11-01T00:00:00Z", "only": "all"});
    assert_eq!(operator.post(&resend, all).await.expect(202)["queued"], 3);
    until("they come again", async || gone.count() == 7).await;
    operator.get(&path_of(&booking)).await.expect(200);
    customer.get(WEBHOOKS).await.expect(200);
}
