//! Payments: what is asked of a provider, how often, and what becomes of each answer; and credit of organizations. Nothing is
//! booked here: a desk of the tests' own captures what is authorized.
mod attempts;
mod books;
mod charging;
mod credit;
mod desk;
mod hostile;
mod listing;
pub mod provider;
mod reading;
mod reconciling;
mod secrets;
pub mod webhooks;

use std::{sync::Arc, time::Duration};

use loadmaster::app::AuditOptions;
use loadmaster_accounts::Role;
use loadmaster_kernel::{Money, PaymentId, PaymentOperationId};
use loadmaster_payments::{
    Charge, NewPayment, Operation, OperationKind, Payment, PaymentChange, PaymentService, charge_in_tx, insert_in_tx,
    lock_in_tx, save_in_tx,
};
use loadmaster_platform::postgres::commit;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Answer, Client, World, WorldOptions, breaches, until};
use desk::Till;

pub const JOURNAL: &str = "/api/v1/test-payments/journal";
/// Longest wait for an answer that comes.
const SOON: Duration = Duration::from_secs(8);

/// An amount of US dollars, in cents.
pub fn usd(minor: i64) -> Money {
    Money::new(minor, "USD".parse().unwrap())
}

/// A world in which the provider `test` is asked.
pub fn with_test() -> WorldOptions {
    WorldOptions::default().set("payments.provider", "test").set("payments.webhook_secrets", webhooks::NEW)
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
    webhooks::Webhook::about(id, reference).send_to(world, "/api/v1/payments/webhooks/test").await
}

/// Somebody who pays, in a world with a provider.
pub struct Shop {
    pub world: World,
    pub payer: Client,
    pub user: Uuid,
    pub organization: Uuid,
}

impl Shop {
    pub async fn open(options: WorldOptions) -> Self {
        // Clocks are moved by hours.
        let world = options.set("auth.access_token_minutes", "100000").start().await;
        Self::of(world, Uuid::new_v4(), Uuid::new_v4()).await
    }

    /// The provider `test`, with its driver.
    pub async fn driven() -> Self {
        // Its webhooks are signed with a key of the installation.
        Self::open(WorldOptions::default().set("payments.provider", "test").with_workers()).await
    }

    async fn of(world: World, user: Uuid, organization: Uuid) -> Self {
        let payer = world.caller_in(Role::Customer, user, organization).await;
        Self { world, payer, user, organization }
    }

    pub fn payments(&self) -> PaymentService {
        self.world.state().service().unwrap()
    }

    /// Has what is authorized captured, and what is captured too much refunded, as the room above does.
    pub fn with_till(self) -> Self {
        let (db, clock) = (self.world.db.clone(), self.world.clock.clone());
        self.payments().know_desk(Arc::new(Till { db, clock }));
        self
    }

    pub fn new_payment(&self, amount: Money) -> NewPayment {
        new_payment(self.user, self.organization, amount)
    }

    /// Writes a payment and its promise, as the transaction before the provider is asked does.
    pub async fn promise(&self, amount: Money) -> (PaymentId, PaymentOperationId) {
        promise(&self.world, self.new_payment(amount)).await
    }

    /// Promises something more of a payment, as the room above does, and asks the provider for nothing. `amount`: cents.
    pub async fn promise_more(&self, id: PaymentId, kind: OperationKind, amount: i64) -> PaymentOperationId {
        let mut tx = self.world.db.begin().await.unwrap();
        let (before, _) = lock_in_tx(&mut tx, &[id]).await.unwrap().pop().unwrap();
        let mut after = before.clone();
        let operation = after.promise(kind, amount, Uuid::now_v7().into(), self.world.now());
        let promised = operation.id;
        let change = PaymentChange { before: Some(before), after, operations: vec![operation] };
        save_in_tx(&mut tx, &mut [change]).await.unwrap();
        commit(tx).await.unwrap();
        promised
    }

    /// Pays by a token; waits for the first answer.
    pub async fn pay(&self, token: &str) -> PaymentId {
        pay(&self.world, self.new_payment(usd(10_000)), token).await
    }

    pub async fn find(&self, id: PaymentId) -> (Payment, Vec<Operation>) {
        let mut tx = self.world.db.begin().await.unwrap();
        let found = lock_in_tx(&mut tx, &[id]).await.unwrap().pop().expect("the payment");
        tx.rollback().await.unwrap();
        found
    }

    /// As the API shows it.
    pub async fn shown(&self, id: PaymentId) -> Value {
        self.payer.get(&path_of(id)).await.expect(200)
    }

    pub async fn status(&self, id: PaymentId) -> String {
        self.shown(id).await["status"].as_str().unwrap().to_owned()
    }

    pub async fn until_status(&self, id: PaymentId, status: &str) {
        until(&format!("{id} is {status}"), async || self.status(id).await == status).await;
    }

    /// The journal of the provider `test` in words, oldest first: `CAPTURE 100.00 USD SUCCEEDED`.
    pub async fn journal(&self) -> Vec<String> {
        let entries = self.world.admin().await.get(&format!("{JOURNAL}?limit=100")).await.expect(200);
        let entries = entries.as_array().unwrap().iter().rev();
        let words = |entry: &Value| {
            let amount = format!("{} {}", text(&entry["amount"], "amount"), text(&entry["amount"], "currency"));
            format!("{} {amount} {}", text(entry, "kind"), text(entry, "outcome"))
        };
        entries.map(words).collect()
    }

    /// The texts of the messages about a payment, in order.
    pub async fn messages(&self, id: PaymentId) -> Vec<String> {
        let of = format!("select event_type from outbox where aggregate_id = '{id}' order by id");
        self.world.texts(&of).await
    }
}

fn new_payment(user: Uuid, organization: Uuid, amount: Money) -> NewPayment {
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

async fn promise(world: &World, new: NewPayment) -> (PaymentId, PaymentOperationId) {
    let payments: PaymentService = world.state().service().unwrap();
    let provider = payments.provider().expect("a provider").as_str();
    let operation = Uuid::now_v7().into();
    let (payment, authorize) = Payment::opened(new, provider, operation, world.now());
    let mut tx = world.db.begin().await.unwrap();
    insert_in_tx(&mut tx, &[(payment.clone(), authorize)]).await.unwrap();
    commit(tx).await.unwrap();
    (payment.id, operation)
}

async fn pay(world: &World, new: NewPayment, token: &str) -> PaymentId {
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

pub fn path_of(id: PaymentId) -> String {
    format!("/api/v1/payments/{id}")
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap()
}
