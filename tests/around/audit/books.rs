//! A database in which everything has happened that can happen to bookings and flights.
use std::collections::BTreeMap;

use chrono::TimeDelta;
use loadmaster_testkit::{
    Client, NewFlight, TestDatabase, World,
    amending::amend,
    flight_verbs::{act, done, path_to},
    freight::{order, with},
    holds::{at, hold_on},
};
use serde_json::{Value, json};
use sqlx::Executor;

/// What stands in the books, and how to name it.
pub struct Books {
    /// All tests share it: it is copied only.
    database: TestDatabase,
    /// What is meant by `{name}`, the id of a flight or booking, `{name:ref}`, a booking's reference, and `{name:leg}` and
    /// `{name:leg2}`, its legs.
    names: BTreeMap<String, String>,
}

impl Books {
    /// A quiet database that nobody serves any more.
    pub async fn keep() -> Self {
        let made = TestDatabase::made_once("books", async || {
            let books = Box::pin(Self::kept()).await;
            (books.database, serde_json::to_string(&books.names).unwrap())
        });
        let (database, names) = made.await;
        Self { database, names: serde_json::from_str(&names).unwrap() }
    }

    async fn kept() -> Self {
        let world = World::start().await;
        let mut books = Self { database: world.database.clone(), names: BTreeMap::new() };
        books.fill(&world).await;
        world.audit_and_rebuild().await;
        world.shutdown().await;
        books
    }

    /// The books of one test, which may do with them what it likes.
    pub async fn copy(&self) -> TestDatabase {
        self.database.copy().await
    }

    async fn fill(&mut self, world: &World) {
        let (customer, operator, admin) = (world.customer().await, world.operator().await, world.admin().await);
        let first = self.flight(world, "first", NewFlight::new("AI101", "DEL", "BOM")).await;
        let onward = self.flight(world, "onward", NewFlight::new("AI102", "BOM", "LHR").leaves_in_hours(36)).await;
        let direct = self.flight(world, "direct", NewFlight::new("AI104", "DEL", "LHR").leaves_in_hours(30)).await;
        let other = self.flight(world, "other", NewFlight::new("AI105", "DEL", "LHR").leaves_in_hours(32)).await;
        let gone = self.flight(world, "gone", NewFlight::new("AI106", "DEL", "LHR").leaves_in_hours(40)).await;
        let small = self.flight(world, "small", NewFlight::new("AI107", "DEL", "LHR").leaves_in_hours(42)).await;
        let feeder = self.flight(world, "feeder", NewFlight::new("AI108", "DEL", "DXB").leaves_in_hours(24)).await;
        let beyond = self.flight(world, "beyond", NewFlight::new("AI109", "DXB", "LHR").leaves_in_hours(36)).await;

        self.book(&customer, "plain", with(order(&[&direct]), json!({"positions": 1}))).await;
        self.book(&customer, "waybill", with(order(&[&direct]), json!({"awb_number": "020-12345675"}))).await;
        self.book(&customer, "pair", order(&[&feeder, &beyond])).await;
        let cancelled = self.book(&customer, "cancelled", order(&[&direct])).await;
        customer.walk(&cancelled, &["cancel"]).await;
        let amended = self.book(&customer, "amended", order(&[&direct])).await;
        amend(&customer, &amended, json!({"weight_kg": 150, "description": "Books"})).await.expect(200);
        let rerouted = self.book(&customer, "rerouted", order(&[&direct])).await;
        amend(&customer, &rerouted, json!({"weight_kg": 50, "flight_ids": [other["id"]]})).await.expect(200);
        self.book(&customer, "lost", order(&[&gone])).await;
        done(&admin, &gone, "cancel").await;
        let offloaded = self.book(&customer, "offloaded", order(&[&small])).await;
        let change = json!({"offload": [offloaded["ref_id"]], "capacity": {"weight_kg": 500, "positions": 5},
                            "arrival_datetime": "2026-11-22T07:00:00Z"});
        admin.patch(&path_to(&small), change).await.expect(200);
        self.book(&customer, "late", order(&[&small])).await;

        self.hold_some(world).await;

        let journey = self.book(&customer, "journey", order(&[&first, &onward])).await;
        let left = self.book(&customer, "left", order(&[&first, &onward])).await;
        world.clock.advance(TimeDelta::minutes(3));
        let behind = json!({"left_behind": [{"ref_id": left["ref_id"], "reason": "NO_SHOW"}]});
        act(&operator, &first, "depart", behind).await.expect(200);
        done(&operator, &first, "arrive").await;
        world.clock.advance(TimeDelta::minutes(3));
        done(&operator, &onward, "depart").await;
        done(&operator, &onward, "arrive").await;
        operator.walk(&journey, &["deliver"]).await;
    }

    /// A hold of each fate; the booking of one has a position by its name, and so has an open one.
    async fn hold_some(&mut self, world: &World) {
        let customer = world.customer().await;
        let near = self.flight(world, "near", NewFlight::new("AI110", "BLR", "DXB").leaves_in_hours(40)).await;
        let far = self.flight(world, "far", NewFlight::new("AI111", "DXB", "JFK").leaves_in_hours(52)).await;
        let named = |name: &str| json!({"pieces": 1, "position_names": {near["id"].as_str().unwrap(): [name]}});
        let wanted = with(hold_on(&[&near, &far]), named("P1"));
        let open = self.hold(&customer, "open", wanted).await;
        customer.patch(&at(&open), json!({"weight_kg": 120})).await.expect(200);
        let made = self.hold(&customer, "made", with(hold_on(&[&near]), named("P2"))).await;
        let booking = customer.commit(&made, json!({})).await;
        self.name("sold", &booking["id"]);
        self.name("sold:ref", &booking["ref_id"]);
        self.name("sold:leg", &booking["legs"][0]["id"]);
        let given = self.hold(&customer, "given", hold_on(&[&near, &far])).await;
        customer.delete(&at(&given)).await.expect(200);
        let brief = with(hold_on(&[&far]), json!({"ttl_seconds": 10, "weight_kg": 800}));
        self.hold(&customer, "brief", brief).await;
        world.clock.advance(TimeDelta::seconds(10));
        // It needs the room of the hold whose time is up.
        let full = self.hold(&customer, "full", with(hold_on(&[&far]), json!({"weight_kg": 800}))).await;
        customer.delete(&at(&full)).await.expect(200);
    }

    async fn hold(&mut self, client: &Client, name: &'static str, wanted: Value) -> Value {
        let hold = client.hold(wanted).await;
        self.name(name, &hold["id"]);
        hold
    }

    async fn flight(&mut self, world: &World, name: &'static str, new: NewFlight) -> Value {
        let flight = world.flight(new).await;
        self.name(name, &flight["id"]);
        flight
    }

    async fn book(&mut self, client: &Client, name: &'static str, order: Value) -> Value {
        let booking = client.book(order).await;
        self.name(name, &booking["id"]);
        self.name(&format!("{name}:ref"), &booking["ref_id"]);
        self.name(&format!("{name}:leg"), &booking["legs"][0]["id"]);
        if booking["legs"][1].is_object() {
            self.name(&format!("{name}:leg2"), &booking["legs"][1]["id"]);
        }
        booking
    }

    fn name(&mut self, name: &str, what: &Value) {
        self.names.insert(format!("{{{name}}}"), what.as_str().expect("a name").to_owned());
    }

    /// The text with what its names stand for.
    pub fn named(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (name, what)| text.replace(name, what))
    }

    /// A copy in which this was done behind the product's back: as a superuser, with triggers switched off.
    pub async fn spoiled(&self, statements: &str) -> TestDatabase {
        let copy = self.copy().await;
        let mut owner = copy.owner().await;
        owner.execute("set session_replication_role = replica").await.unwrap();
        let statements = self.named(statements);
        owner.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(statements.clone()))).await.expect(&statements);
        copy
    }
}
