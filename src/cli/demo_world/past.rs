//! The time before the demo began.
use std::collections::{BTreeMap, HashSet};

use axum::http::Method;
use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_platform::clock::ManualClock;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{
    actor::{Actor, Stage},
    people::{AGENT, DUTY_MANAGER, SHIPPERS},
    shipments::{self, Flight, Shipment},
};

/// How far ahead shipments are booked.
const AHEAD: TimeDelta = TimeDelta::days(3);
/// From landing to delivery, and from booking to changing one's mind.
const TO_DELIVERY: TimeDelta = TimeDelta::hours(5);
const TO_CANCELLATION: TimeDelta = TimeDelta::hours(1);

/// Something that happens at an instant.
enum Happening {
    Booking(Box<Shipment>),
    Departure(String),
    Arrival(String),
}

struct Cast {
    shippers: Vec<Actor>,
    agent: Actor,
    manager: Actor,
}

/// Lets everything happen until `now`, each at its time.
pub(super) async fn live(
    stage: &Stage,
    clock: &ManualClock,
    now: DateTime<Utc>,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let mut shippers = Vec::new();
    for person in &SHIPPERS {
        shippers.push(stage.actor(person).await?);
    }
    let cast = Cast { shippers, agent: stage.actor(&AGENT).await?, manager: stage.actor(&DUTY_MANAGER).await? };
    let from = stage.state.clock.now();
    let flights = shipments::flights(&cast.agent, "SCHEDULED", now + AHEAD).await?;
    let mut happenings: Vec<(DateTime<Utc>, Happening)> = Vec::new();
    for flight in flights.iter().filter(|flight| flight.departure <= now) {
        happenings.push((flight.departure, Happening::Departure(flight.id.clone())));
        if flight.arrival <= now {
            happenings.push((flight.arrival, Happening::Arrival(flight.id.clone())));
        }
    }
    let booked = shipments::shipments(&flights, from, now);
    let staged = booked.iter().flat_map(|shipment| &shipment.route).map(|flight| flight.id.clone()).collect();
    happenings.extend(booked.into_iter().map(|shipment| (shipment.at, Happening::Booking(Box::new(shipment)))));
    happenings.sort_by_key(|(at, _)| *at);
    let mut ends = Ends::default();
    for (at, happening) in happenings {
        if stop.is_cancelled() {
            return Ok(());
        }
        ends.come(&cast, clock, at).await?;
        clock.set(at);
        match happening {
            Happening::Booking(shipment) => ends.add(&shipment, cast.book(&shipment).await?.as_ref()),
            Happening::Departure(flight) => drop(cast.agent.post(&verb(&flight, "depart"), &json!({})).await?),
            Happening::Arrival(flight) => drop(cast.agent.post(&verb(&flight, "arrive"), &json!({})).await?),
        }
    }
    ends.come(&cast, clock, now).await?;
    clock.set(now);
    cast.disturb(now, &staged).await
}

fn verb(flight: &str, verb: &str) -> String {
    format!("/api/v1/flights/{flight}/{verb}")
}

/// How shipments end: delivered or cancelled, by time.
#[derive(Default)]
struct Ends(BTreeMap<DateTime<Utc>, Vec<(usize, String, &'static str)>>);

impl Ends {
    fn add(&mut self, shipment: &Shipment, booked: Option<&Value>) {
        let Some(reference) = booked.and_then(|booking| booking["ref_id"].as_str()) else { return };
        let landing = shipment.route.last().map_or(shipment.at, |last| last.arrival);
        let (at, verb) = if shipment.is_cancelled {
            (shipment.at + TO_CANCELLATION, "cancel")
        } else {
            (landing + TO_DELIVERY, "deliver")
        };
        self.0.entry(at).or_default().push((shipment.shipper, reference.to_owned(), verb));
    }

    /// Lets those end whose time has come.
    async fn come(&mut self, cast: &Cast, clock: &ManualClock, until: DateTime<Utc>) -> anyhow::Result<()> {
        while let Some(first) = self.0.first_entry().filter(|first| *first.key() <= until) {
            let (at, ends) = first.remove_entry();
            clock.set(at);
            for (shipper, reference, verb) in ends {
                let actor = if verb == "cancel" { &cast.shippers[shipper] } else { &cast.agent };
                actor.post(&format!("/api/v1/bookings/{reference}/{verb}"), &json!({})).await?;
            }
        }
        Ok(())
    }
}

impl Cast {
    async fn book(&self, shipment: &Shipment) -> anyhow::Result<Option<Value>> {
        self.shippers[shipment.shipper].post("/api/v1/bookings", &shipment.order).await
    }

    /// Of the flights that its shipments are on, fills some nearly, delays one and cancels another.
    async fn disturb(&self, now: DateTime<Utc>, staged: &HashSet<String>) -> anyhow::Result<()> {
        let flights = shipments::flights(&self.agent, "SCHEDULED", now + AHEAD).await?;
        let is_ahead = |flight: &&Flight| flight.departure > now + TimeDelta::hours(4);
        let mut booked = flights
            .iter()
            .filter(|flight| staged.contains(&flight.id))
            .filter(is_ahead)
            .filter(|flight| flight.available_kg < flight.weight_kg);
        for flight in booked.by_ref().take(4) {
            self.fill(flight).await?;
        }
        if let Some(late) = booked.next() {
            let later = TimeDelta::hours(5);
            let times = json!({"departure_datetime": late.departure + later, "arrival_datetime": late.arrival + later});
            self.manager.try_to(Method::PATCH, &format!("/api/v1/flights/{}", late.id), &times).await?;
        }
        if let Some(lost) = booked.next() {
            let reason = json!({"reason": "Aircraft out of service"});
            self.manager.post(&verb(&lost.id, "cancel"), &reason).await?;
        }
        Ok(())
    }

    /// Books all but a few kilograms.
    async fn fill(&self, flight: &Flight) -> anyhow::Result<()> {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some tonnes")]
        let weight = (flight.available_kg - 180.0).max(1.0) as u64;
        // Dense: the volume is left to others.
        let order = json!({
            "origin": flight.origin, "destination": flight.destination, "flight_ids": [flight.id],
            "pieces": 40, "weight_kg": weight, "volume_m3": 1, "description": "Machine tools",
        });
        self.shippers[2].post("/api/v1/bookings", &order).await.map(drop)
    }
}
