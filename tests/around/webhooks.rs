//! Webhooks: real receivers, over TCP and TLS, on a network whose names and addresses are the test's.
mod alerts;
mod crash;
mod ending;
mod failing;
mod fairness;
mod keeping;
pub mod receiver;
mod replayed;
mod secrets;
mod sending;
mod unwanted;
mod urls;

use chrono::TimeDelta;
use loadmaster_accounts::Role;
use loadmaster_testkit::{Client, World, WorldOptions, freight::text, until};
use serde_json::{Value, json};
use uuid::Uuid;

use receiver::Receiver;

pub const WEBHOOKS: &str = "/api/v1/webhooks";

/// A world that sends, also to receivers of the test if an operator says so.
pub fn sending() -> WorldOptions {
    // Time goes on for days.
    let options = WorldOptions::working().set("auth.access_token_minutes", "500000");
    options.set("webhooks.trusted_networks", "127.0.0.0/8")
}

pub fn at(webhook: &Value) -> String {
    format!("{WEBHOOKS}/{}", text(webhook, "id"))
}

/// An operator and a customer of one organization: the customer's bookings are what the operator's webhooks get.
pub async fn colleagues(world: &World) -> (Client, Client) {
    let organization = Uuid::new_v4();
    let operator = world.caller_in(Role::Operator, Uuid::new_v4(), organization).await;
    let customer = world.caller_in(Role::Customer, Uuid::new_v4(), organization).await;
    (operator, customer)
}

/// A webhook that goes to a receiver of the test; an operator's, who may send there.
pub async fn webhook_to(operator: &Client, receiver: &Receiver, more: Value) -> Value {
    let wanted = loadmaster_testkit::freight::with(json!({"url": receiver.url()}), more);
    operator.post(WEBHOOKS, wanted).await.expect(201)
}

pub async fn shown(client: &Client, webhook: &Value) -> Value {
    client.get(&at(webhook)).await.expect(200)
}

pub async fn until_status(client: &Client, webhook: &Value, status: &str) -> Value {
    until(&format!("the webhook is {status}"), async || shown(client, webhook).await["status"] == status).await;
    shown(client, webhook).await
}

pub async fn deliveries(client: &Client, webhook: &Value, query: &str) -> Vec<Value> {
    let path = format!("{}/deliveries?limit=100{query}", at(webhook));
    client.get(&path).await.expect(200).as_array().unwrap().clone()
}

pub async fn details(client: &Client, webhook: &Value, delivery: &Value) -> Value {
    client.get(&format!("{}/deliveries/{}", at(webhook), text(delivery, "id"))).await.expect(200)
}

/// Waits until all that has happened was queued for those that want it.
pub async fn heard(world: &World) {
    until("the sink has heard everything", async || {
        let behind = "select 1::text from outbox_sinks where name = 'webhooks'
                      and position >= (select coalesce(max(id), 0) from outbox)";
        !world.texts(behind).await.is_empty()
    })
    .await;
}

/// What is counted of each webhook is what is there.
pub async fn counts_agree(world: &World) {
    let wrong = "select id::text from webhooks w
                 where waiting <> (select count(*) from webhook_deliveries d
                                   where d.webhook_id = w.id and d.status = 'WAITING')
                    or (waiting > 0) <> (due_at is not null)";
    assert_eq!(world.texts(wrong).await, Vec::<String>::new());
}

/// Lets time go on until something has happened.
pub async fn as_time_goes_on(world: &World, step: TimeDelta, what: &str, mut condition: impl AsyncFnMut() -> bool) {
    until(what, async || {
        world.clock.advance(step);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        condition().await
    })
    .await;
}
