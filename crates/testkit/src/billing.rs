//! What bookings cost, and being paid.
use chrono::TimeDelta;
use loadmaster_accounts::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    Client, NewFlight, World, WorldOptions,
    freight::{path_of, text, with},
    pricing::{QUOTES, TARIFFS},
    until,
};

/// A world with the provider `test`, and DEL–LHR at 9 USD for a kilogram.
pub struct Market {
    pub world: World,
    /// The administrator, his organization, the customer, his organization.
    pub ids: [Uuid; 4],
    pub admin: Client,
    pub customer: Client,
    pub flight: Value,
    pub tariff: Value,
}

pub fn tariff() -> Value {
    json!({
        "code": "DELLHR", "origin": "DEL", "destination": "LHR", "product": "GENERAL", "currency": "USD",
        "minimum": "75.00", "normal": "9", "breaks": [], "valid_from": "2020-01-01",
    })
}

impl Market {
    pub async fn open() -> Self {
        Self::with(WorldOptions::default()).await
    }

    pub async fn with(options: WorldOptions) -> Self {
        let mut settings = vec![("payments.provider".to_owned(), "test".to_owned())];
        settings.extend(options.settings);
        let world = WorldOptions { settings, ..options }.with_workers().start().await;
        let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").leaves_in_hours(100).weight(10_000.0)).await;
        let ids = [Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4()];
        let admin = world.caller_in(Role::Admin, ids[0], ids[1]).await;
        let customer = world.caller_in(Role::Customer, ids[2], ids[3]).await;
        let tariff = admin.post(TARIFFS, tariff()).await.expect(201);
        Self { world, ids, admin, customer, flight, tariff }
    }

    /// Lets hours pass, after which the callers have new tokens.
    pub fn wait_hours(&mut self, hours: i64) {
        self.world.clock.advance(TimeDelta::hours(hours));
        let token =
            |role, user, organization| self.world.anonymous().with_token(&self.world.token(role, user, organization));
        self.admin = token(Role::Admin, self.ids[0], self.ids[1]);
        self.customer = token(Role::Customer, self.ids[2], self.ids[3]);
    }

    /// 100 kg for 900 USD.
    pub fn wanted(&self) -> Value {
        json!({"flight_ids": [text(&self.flight, "id")], "weight_kg": 100, "pieces": 1})
    }

    pub async fn hold(&self) -> Value {
        self.customer.hold(self.wanted()).await
    }

    pub async fn quote(&self, caller: &Client) -> Value {
        let wanted = json!({
            "origin": "DEL", "destination": "LHR", "flight_ids": [text(&self.flight, "id")], "weight_kg": 100,
        });
        caller.post(QUOTES, wanted).await.expect(201)
    }

    /// A booking of 100 kg for 900 USD that is paid.
    pub async fn paid(&self) -> Value {
        let hold = self.hold().await;
        let booking = self.customer.commit(&hold, json!({"payment_token": "tok_ok"})).await;
        self.customer.settled(&booking).await
    }

    /// A world in which payments are captured by hand, a booking whose payment is authorized, and the path of the payment.
    pub async fn authorized() -> (Self, Value, String) {
        let market = Self::with(WorldOptions::default().set("payments.capture", "manual")).await;
        let hold = market.hold().await;
        let booking = market.customer.commit(&hold, json!({"payment_token": "tok_ok"})).await;
        let payments = market.customer.get(&format!("{}/payments", path_of(&booking))).await.expect(200);
        let path = format!("/api/v1/payments/{}", text(&payments[0], "id"));
        (market, booking, path)
    }

    /// The journal of the provider, oldest first: kind, amount and outcome of each entry.
    pub async fn journal(&self) -> Vec<(String, String, String)> {
        let entries = self.admin.get("/api/v1/test-payments/journal?limit=200").await.expect(200);
        let entry = |entry: &Value| {
            let amount = text(&entry["amount"], "amount").to_owned();
            (text(entry, "kind").to_owned(), amount, text(entry, "outcome").to_owned())
        };
        entries.as_array().unwrap().iter().rev().map(entry).collect()
    }

    /// How many entries of this kind succeeded.
    pub async fn succeeded(&self, kind: &str) -> usize {
        let journal = self.journal().await;
        journal.iter().filter(|(own, _, outcome)| own == kind && outcome == "SUCCEEDED").count()
    }

    /// Another flight from Delhi to London.
    pub async fn flight_in(&self, number: &str, hours: i64) -> Value {
        self.world.flight(NewFlight::new(number, "DEL", "LHR").leaves_in_hours(hours).weight(10_000.0)).await
    }

    /// What it costs to cancel now.
    pub async fn cancellation(&self, booking: &Value) -> Value {
        self.customer.get(&format!("{}/cancellation", path_of(booking))).await.expect(200)
    }

    /// Cancels, and checks the fee.
    pub async fn cancel_for(&self, booking: &Value, fee: &str) -> Value {
        let cancelled = self.customer.poke(&format!("{}/cancel", path_of(booking))).await.expect(200);
        assert_eq!(cancelled["cancellation_fee"], usd(fee));
        cancelled
    }

    pub async fn audit(&self) {
        self.world.audit().await;
    }
}

pub fn usd(amount: &str) -> Value {
    json!({"amount": amount, "currency": "USD"})
}

impl Client {
    /// The booking as it is now.
    pub async fn booked(&self, booking: &Value) -> Value {
        self.get(&path_of(booking)).await.expect(200)
    }

    /// The booking once no payment of it is under way.
    pub async fn settled(&self, booking: &Value) -> Value {
        let mut now = Value::Null;
        until("no payment is under way", async || {
            now = self.booked(booking).await;
            text(&now, "payment_status") != "PROCESSING"
        })
        .await;
        now
    }

    /// The booking once this much was refunded.
    pub async fn refunded(&self, booking: &Value, amount: &str) -> Value {
        let mut now = Value::Null;
        until("it is refunded", async || {
            now = self.booked(booking).await;
            now["refunded"]["amount"] == amount
        })
        .await;
        now
    }

    /// Moves a booking to another flight.
    pub async fn move_to(&self, booking: &Value, flight: &Value) -> Value {
        self.patch(&path_of(booking), json!({"flight_ids": [text(flight, "id")]})).await.expect(200)
    }
}

/// An order as for a booking on this flight.
pub fn order_for(flight: &Value, members: Value) -> Value {
    let order = json!({
        "origin": "DEL", "destination": "LHR", "flight_ids": [text(flight, "id")], "weight_kg": 100, "pieces": 1,
    });
    with(order, members)
}
