//! Payments with the provider `test`, and credit of organizations, where nothing is booked.
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use loadmaster::app::AuditOptions;
use loadmaster_accounts::Role;
use loadmaster_kernel::{Money, PaymentId, PaymentOperationId};
use loadmaster_payments::{Charge, NewPayment, Payment, PaymentService, charge_in_tx, insert_in_tx};
use loadmaster_platform::postgres::commit;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{Answer, Client, World, WorldOptions, breaches};

/// Where webhooks of the provider `http` arrive.
pub const WEBHOOKS: &str = "/api/v1/payments/webhooks/http";
/// Signs the webhooks of the provider `test`, and of others.
pub const WEBHOOK_SECRET: &str = "a new secret of the provider";
/// Longest wait for an answer that comes.
pub const SOON: Duration = Duration::from_secs(8);

/// An amount of US dollars, in cents.
pub fn usd(minor: i64) -> Money {
    Money::new(minor, "USD".parse().unwrap())
}

/// A world in which the provider `test` is asked.
pub fn with_test() -> WorldOptions {
    WorldOptions::default().set("payments.provider", "test").set("payments.webhook_secrets", WEBHOOK_SECRET)
}

/// A booking that a guest has made on this flight and not paid, by way of a server that lets guests pay later.
pub async fn unpaid_of_guest(world: &World, flight: &Value) -> Value {
    let lenient = with_test().set("payments.guests_on_invoice", "true").on(&world.database).start().await;
    let guest = lenient.caller(Role::Guest).await;
    let wanted = json!({"flight_ids": [flight["id"]], "weight_kg": 1, "contact": {"email": "gus@example.com"}});
    let hold = guest.hold(wanted).await;
    let booking = guest.commit(&hold, json!({"pieces": 1})).await;
    lenient.shutdown().await;
    booking
}

/// Sends a webhook of the provider `test`, as it would.
pub async fn signed_webhook(world: &World, id: &str, reference: &str) -> Answer {
    Webhook::about(id, reference).send_to(world, "/api/v1/payments/webhooks/test").await
}

/// A payment that nobody has been asked for yet.
pub fn new_payment(user: Uuid, organization: Uuid, amount: Money) -> NewPayment {
    NewPayment {
        id: Uuid::now_v7().into(),
        organization_id: organization.into(),
        created_by: user.into(),
        hold_id: None,
        booking: None,
        amount,
        request_hash: None,
        attempt: 1,
    }
}

/// Writes a payment and its promise, as the transaction before the provider is asked does.
pub async fn promise(world: &World, new: NewPayment) -> (PaymentId, PaymentOperationId) {
    let payments: PaymentService = world.state().service().unwrap();
    let provider = payments.provider().expect("a provider").as_str();
    let operation = Uuid::now_v7().into();
    let (payment, authorize) = Payment::opened(new, provider, operation, world.now());
    let mut tx = world.db.begin().await.unwrap();
    insert_in_tx(&mut tx, &[(payment.clone(), authorize)]).await.unwrap();
    commit(tx).await.unwrap();
    (payment.id, operation)
}

/// Pays by a token; waits for the first answer.
pub async fn pay(world: &World, new: NewPayment, token: &str) -> PaymentId {
    let payments: PaymentService = world.state().service().unwrap();
    let (payment, operation) = promise(world, new).await;
    let attempt = payments.at_once(operation, Some(token.into()));
    assert!(attempt.within(SOON).await, "{token} is answered");
    payment
}

/// A payment by a token of the provider `test`, of any organization, as staff sees it.
pub async fn any_payment(world: &World, token: &str) -> Value {
    let payment = pay(world, new_payment(Uuid::new_v4(), Uuid::new_v4(), usd(10_000)), token).await;
    world.operator().await.get(&path_of(payment)).await.expect(200)
}

impl World {
    /// Makes the outcome of a payment's authorization one that nobody knows.
    pub async fn forget_outcome(&self, payment: &Value) {
        let id = payment["id"].as_str().unwrap();
        let unresolved =
            "update payment_operations set status = 'UNRESOLVED', next_attempt_at = null where payment_id = ";
        self.sql(&format!("{unresolved}'{id}'")).await;
    }
}

/// Gives an organization credit of 1000 USD, and charges 100. Returns the path of its credit.
pub async fn any_credit(world: &World, organization: Uuid) -> String {
    let path = format!("/api/v1/organizations/{organization}/credit");
    let limit = json!({"limit": {"amount": "1000", "currency": "USD"}});
    world.admin().await.patch(&path, limit).await.expect(200);
    let charge = Charge {
        organization: organization.into(),
        payment: Uuid::now_v7().into(),
        booking: None,
        amount: usd(10_000),
        actor: None,
    };
    let mut tx = world.db.begin().await.unwrap();
    charge_in_tx(&mut tx, &[charge], world.now()).await.unwrap().pop().unwrap().unwrap();
    commit(tx).await.unwrap();
    path
}

/// The books are right but for charges without payments, which tests make where nothing is booked.
pub async fn audit_of_charges(world: &World) {
    let found = breaches(&world.database, AuditOptions::default()).await;
    let faults = found.into_iter().flat_map(|check| check.findings.expect("it runs").shown);
    for fault in faults.map(|breach| breach.to_string()) {
        assert!(fault.contains("on account has 0 captured and 0 refunded"), "{fault}");
    }
}

/// The address of a payment.
pub fn path_of(id: PaymentId) -> String {
    format!("/api/v1/payments/{id}")
}

/// A webhook of a provider.
pub struct Webhook<'a> {
    pub id: &'a str,
    pub age: TimeDelta,
    pub secret: &'a [u8],
    pub body: String,
}

impl<'a> Webhook<'a> {
    pub fn about(id: &'a str, reference: &str) -> Self {
        let body = json!({"type": "payment_intent.amount_capturable_updated", "timestamp": "2026-11-20T08:00:00Z",
                          "data": {"id": reference}});
        Self { id, age: TimeDelta::zero(), secret: WEBHOOK_SECRET.as_bytes(), body: body.to_string() }
    }

    pub async fn send(&self, world: &World) -> Answer {
        self.send_to(world, WEBHOOKS).await
    }

    pub async fn send_to(&self, world: &World, path: &str) -> Answer {
        Answer::of(self.request_to(path, &world.anonymous(), world.now())).await
    }

    /// The request of a provider that keeps [`WEBHOOK_SECRET`].
    pub fn request(&self, client: &Client, now: DateTime<Utc>) -> RequestBuilder {
        self.request_to(WEBHOOKS, client, now)
    }

    fn request_to(&self, path: &str, client: &Client, now: DateTime<Utc>) -> RequestBuilder {
        let timestamp = (now - self.age).timestamp().to_string();
        let content = format!("{}.{timestamp}.{}", self.id, self.body);
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, self.secret), content.as_bytes());
        let signature = format!("v1,{}", STANDARD.encode(tag));
        let request = client.request(Method::POST, path).header("content-type", "application/json");
        let request = request.header("webhook-id", self.id).header("webhook-timestamp", timestamp);
        request.header("webhook-signature", signature).body(self.body.clone())
    }
}
