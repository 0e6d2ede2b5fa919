//! Payments: what is asked of a provider, how often, and what becomes of each answer; and credit of organizations. Nothing is
//! booked here: a desk of the tests' own captures what is authorized.
mod attempts;
mod books;
mod charging;
mod credit;
mod desk;
mod hostile;
pub mod provider;
mod reading;
mod reconciling;
mod secrets;
pub mod webhooks;

use std::{sync::Arc, time::Duration};

use loadmaster::{
    features::{
        accounts::Role,
        payments::{NewPayment, Operation, Payment, PaymentService, insert_in_tx, lock_in_tx},
    },
    kernel::{HoldId, Money, PaymentId, PaymentOperationId},
    platform::postgres::commit,
};
use serde_json::Value;
use uuid::Uuid;

use crate::support::{Client, World, WorldOptions, until};
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
    WorldOptions::default().set("payments.provider", "test")
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
        Self::open(with_test().with_workers()).await
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
        NewPayment {
            id: Uuid::now_v7().into(),
            organization_id: self.organization.into(),
            created_by: self.user.into(),
            hold_id: Some(HoldId::from(Uuid::now_v7())),
            booking: None,
            amount,
            request_hash: None,
            attempt: 1,
        }
    }

    /// Writes a payment and its promise, as the transaction before the provider is asked does.
    pub async fn promise(&self, amount: Money) -> (PaymentId, PaymentOperationId) {
        let provider = self.payments().provider().expect("a provider").as_str();
        let operation = Uuid::now_v7().into();
        let (payment, authorize) = Payment::opened(self.new_payment(amount), provider, operation, self.world.now());
        let mut tx = self.world.db.begin().await.unwrap();
        insert_in_tx(&mut tx, &[(payment.clone(), authorize)]).await.unwrap();
        commit(tx).await.unwrap();
        (payment.id, operation)
    }

    /// Pays by a token; waits for the first answer.
    pub async fn pay(&self, token: &str) -> PaymentId {
        let (payment, operation) = self.promise(usd(10_000)).await;
        let attempt = self.payments().at_once(operation, Some(token.into()));
        assert!(attempt.within(SOON).await, "{token} is answered");
        payment
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

pub fn path_of(id: PaymentId) -> String {
    format!("/api/v1/payments/{id}")
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap()
}
