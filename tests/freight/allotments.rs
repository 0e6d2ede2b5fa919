//! Room that organizations have on every flight of a kind.
mod drawing;
mod input;
mod keeping;
mod own;

use chrono::TimeDelta;
use loadmaster_accounts::Role;
use loadmaster_testkit::{Client, NewFlight, World, freight::text, until};
use serde_json::{Value, json};
use uuid::Uuid;

pub const ALLOTMENTS: &str = "/api/v1/allotments";

/// A world with an organization that has users, and a flight that leaves in 100 hours.
pub struct Stage {
    pub world: World,
    pub organization: Uuid,
    pub flight: Value,
    staff: Client,
    staff_ids: (Uuid, Uuid),
}

impl Stage {
    pub async fn set(kilograms: f64) -> Self {
        let world = World::working().await;
        let flight = world.flight(flight_in(100, kilograms)).await;
        let staff_ids = (Uuid::new_v4(), Uuid::new_v4());
        let staff = world.caller_in(Role::Operator, staff_ids.0, staff_ids.1).await;
        Self { world, organization: Uuid::new_v4(), flight, staff, staff_ids }
    }

    /// A new user of the organization.
    pub async fn user(&self) -> Client {
        self.world.caller_in(Role::Customer, Uuid::new_v4(), self.organization).await
    }

    /// So many kilograms for the organization on each flight from Delhi to London.
    pub fn wanted(&self, kilograms: f64) -> Value {
        let today = self.world.now().date_naive();
        json!({
            "organization_id": self.organization, "name": "Summer", "origin": "DEL", "destination": "LHR",
            "date_from": today - TimeDelta::days(1), "date_to": today + TimeDelta::days(30), "weight_kg": kilograms,
        })
    }

    /// An allotment of the organization.
    pub async fn make(&self, wanted: Value) -> Value {
        // The organization exists with its first user.
        self.user().await;
        self.world.admin().await.post(ALLOTMENTS, wanted).await.expect(201)
    }

    /// The allotment, kept on the flight.
    pub async fn kept(&self, kilograms: f64) -> Value {
        let allotment = self.make(self.wanted(kilograms)).await;
        self.until(&allotment, &self.flight, "KEPT", kilograms).await;
        allotment
    }

    /// An allotment on a flight, as its list shows it.
    pub async fn on(&self, allotment: &Value, flight: &Value) -> Option<Value> {
        // Tokens end while the clock goes on.
        let staff = self.staff.with_token(&self.world.token(Role::Operator, self.staff_ids.0, self.staff_ids.1));
        let found = staff.get(&format!("{}/flights", at(allotment))).await.expect(200);
        found.as_array().unwrap().iter().find(|on| on["flight_id"] == flight["id"]).cloned()
    }

    /// Waits until an allotment has this status on a flight, and keeps this.
    pub async fn until(&self, allotment: &Value, flight: &Value, status: &str, kilograms: f64) {
        until(&format!("the allotment is {status} with {kilograms} kg"), async || {
            let on = self.on(allotment, flight).await;
            on.is_some_and(|on| on["status"] == status && on["kept"]["weight_kg"].as_f64() == Some(kilograms))
        })
        .await;
    }

    /// What an allotment keeps on the flight, and what was drawn from it, in kilograms.
    pub async fn figures(&self, allotment: &Value) -> (f64, f64) {
        let on = self.on(allotment, &self.flight).await.expect("it is on the flight");
        (on["kept"]["weight_kg"].as_f64().unwrap(), on["drawn"]["weight_kg"].as_f64().unwrap())
    }

    /// What a caller finds available on the flight, in kilograms.
    pub async fn available_to(&self, caller: &Client) -> Value {
        caller.room(&self.flight).await["available"]["weight_kg"].clone()
    }

    /// The kinds of the flight's ledger entries and the kilograms of each, without the first so many.
    pub async fn entries(&self, skip: usize) -> Vec<String> {
        let flight = text(&self.flight, "id");
        let query = format!(
            "select kind || ' ' || weight_hg / 10 from capacity_ledger where flight_id = '{flight}' order by seq"
        );
        self.world.texts(&query).await.split_off(skip)
    }
}

/// The path of an allotment.
pub fn at(allotment: &Value) -> String {
    format!("{ALLOTMENTS}/{}", text(allotment, "id"))
}

/// A flight from Delhi to London with room for so much.
pub fn flight_in(hours: i64, kilograms: f64) -> NewFlight {
    NewFlight::new("AI101", "DEL", "LHR").leaves_in_hours(hours).weight(kilograms)
}
