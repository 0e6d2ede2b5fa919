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
mod webhooks;

use std::sync::Arc;

use loadmaster_accounts::Role;
use loadmaster_kernel::{Money, PaymentId, PaymentOperationId};
use loadmaster_payments::{
    NewPayment, Operation, OperationKind, Payment, PaymentChange, PaymentService, lock_in_tx, save_in_tx,
};
use loadmaster_platform::postgres::commit;
use loadmaster_testkit::{
    Client, World, WorldOptions,
    freight::text,
    payments::{new_payment, path_of, pay, promise, usd},
    until,
};
use serde_json::Value;
use uuid::Uuid;

use desk::Till;

pub const JOURNAL: &str = "/api/v1/test-payments/journal";

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
