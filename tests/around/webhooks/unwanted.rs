//! Messages that nobody wants cost no statement, and a webhook that begins to want them misses none.
use std::collections::BTreeSet;

use loadmaster_testkit::{
    NewFlight, TestDatabase, World,
    freight::{order, text},
    rounds, until,
};
use serde_json::json;

use super::{
    colleagues, deliveries,
    receiver::{Mode, Receiver},
    sending, webhook_to,
};

/// Waits until a sink has heard everything.
async fn heard(world: &World, sink: &str) {
    let all = format!(
        "select 1::text from outbox_sinks where name = '{sink}'
         and position >= (select coalesce(max(id), 0) from outbox)"
    );
    until(&format!("{sink} has heard everything"), async || !world.texts(&all).await.is_empty()).await;
}

/// What finds the webhooks of messages, and what asks for their wishes.
const FINDS: &str = "with wanting as not materialized";
const ASKS: &str = "l.webhooks as state";
/// What finds the contacts of bookings.
const CONTACTS: &str = "from booking_contacts k";

#[tokio::test]
async fn messages_without_subscribers_cost_no_statement() {
    let world = sending().on(&TestDatabase::counting().await).start().await;
    let receiver = Receiver::start(Mode::Status(200)).await;
    let (operator, customer) = colleagues(&world).await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(100_000.0)).await;
    for _ in 0..20 {
        customer.book(order(&[&flight])).await;
    }
    heard(&world, "webhooks").await;
    heard(&world, "notifications").await;
    assert_eq!(world.executed(FINDS).await, 0, "there is no webhook");
    assert_eq!(world.executed(CONTACTS).await, 0, "no booking names a contact");

    webhook_to(&operator, &receiver, json!({"types": ["loadmaster.payment.*", "loadmaster.booking.cancelled.v1"]}))
        .await;
    let before = world.executed(ASKS).await;
    let mut last = None;
    for _ in 0..20 {
        last = Some(customer.book(order(&[&flight])).await);
        heard(&world, "webhooks").await;
    }
    assert_eq!(world.executed(FINDS).await, 0, "nobody wants new bookings");
    assert!(world.executed(ASKS).await - before <= 2, "its wishes are read once");
    customer.walk(&last.unwrap(), &["cancel"]).await;
    until("the cancellation arrives", async || receiver.count() == 1).await;
    assert!(world.executed(FINDS).await >= 1, "statements are counted");
}

#[tokio::test]
async fn messages_of_an_organization_that_no_webhook_belongs_to_cost_no_statement() {
    let world = sending().on(&TestDatabase::counting().await).start().await;
    let receiver = Receiver::start(Mode::Status(200)).await;
    let (operator, customer) = colleagues(&world).await;
    webhook_to(&operator, &receiver, json!({"types": ["loadmaster.*"]})).await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(100_000.0)).await;
    heard(&world, "webhooks").await;
    let (stranger, before) = (world.customer().await, world.executed(FINDS).await);
    let wanted = json!({"flight_ids": [flight["id"]], "weight_kg": 100});
    let held = stranger.post("/api/v1/holds", wanted.clone()).await.expect(201);
    stranger.post(&format!("/api/v1/holds/{}/commit", text(&held, "id")), json!({"pieces": 1})).await.expect(201);
    let booked = stranger.book(order(&[&flight])).await;
    stranger.walk(&booked, &["cancel"]).await;
    heard(&world, "webhooks").await;
    assert_eq!(world.executed(FINDS).await, before, "no webhook is the stranger's");
    // Each kind of message of its own organization arrives: about a hold twice, and about bookings.
    let so_far = receiver.count();
    let held = customer.post("/api/v1/holds", wanted).await.expect(201);
    customer.post(&format!("/api/v1/holds/{}/commit", text(&held, "id")), json!({"pieces": 1})).await.expect(201);
    let booked = customer.book(order(&[&flight])).await;
    customer.walk(&booked, &["cancel"]).await;
    until("all five arrive", async || receiver.count() == so_far + 5).await;
}

#[tokio::test]
async fn a_first_contact_gets_a_request_for_consent() {
    let world = World::working().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(100_000.0)).await;
    let customer = world.customer().await;
    customer.book(order(&[&flight])).await;
    heard(&world, "notifications").await;
    let contact = json!({"contacts": [{"name": "Cora", "role": "notify", "email": "cora@example.com"}]});
    customer.book(loadmaster_testkit::freight::with(order(&[&flight]), contact)).await;
    heard(&world, "notifications").await;
    let asked = "select p.address from notifications n join contact_points p on p.id = n.contact_point_id
                 where n.type = 'contact_question'";
    assert_eq!(world.texts(asked).await, ["cora@example.com"]);
}

#[tokio::test]
async fn a_webhook_gets_every_message_committed_after_its_creation_was_answered() {
    let world = World::with(sending()).await;
    // Either process may deliver to the sink; webhooks are created in both.
    let other = sending().on(&world.database).start().await;
    let receiver = Receiver::start(Mode::Status(200)).await;
    for round in 0..rounds(6, 60) {
        let flight = world.flight(NewFlight::new(&format!("AI{}", 100 + round), "DEL", "LHR").weight(100_000.0)).await;
        let (creator, booker) = if round % 2 == 0 { (&world, &other) } else { (&other, &world) };
        let organization = uuid::Uuid::new_v4();
        let operator = creator.caller_in(loadmaster_accounts::Role::Operator, uuid::Uuid::new_v4(), organization).await;
        let id = uuid::Uuid::new_v4();
        creator.caller_in(loadmaster_accounts::Role::Customer, id, organization).await;
        let customer =
            booker.anonymous().with_token(&booker.token(loadmaster_accounts::Role::Customer, id, organization));
        // Messages flow before, during and after.
        let flow = {
            let (customer, flight) = (customer.clone(), flight.clone());
            tokio::spawn(async move {
                for _ in 0..15 {
                    customer.book(order(&[&flight])).await;
                }
            })
        };
        let wanted = json!({"types": ["loadmaster.booking.booked.v1"]});
        let webhook = webhook_to(&operator, &receiver, wanted).await;
        let after: BTreeSet<String> = {
            let mut made = BTreeSet::new();
            for _ in 0..5 {
                made.insert(text(&customer.book(order(&[&flight])).await, "ref_id").to_owned());
            }
            made
        };
        flow.await.unwrap();
        heard(&world, "webhooks").await;
        let queued = deliveries(&operator, &webhook, "").await;
        let queued: BTreeSet<String> = queued.iter().map(|one| text(one, "subject").to_owned()).collect();
        let missed: Vec<_> = after.difference(&queued).collect();
        assert!(missed.is_empty(), "round {round}: {missed:?} of {after:?}");
        // Nobody wants anything any more: the next one is news again.
        operator.delete(&super::at(&webhook)).await.expect(204);
    }
}
