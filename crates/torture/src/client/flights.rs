//! Operations on whole flights, which change the bookings of all clients.
use chrono::TimeDelta;
use loadmaster_platform::clock::{Clock, SystemClock};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Actor, Client, Intent, Kind, Operation, Outcome, Request, Sending, choose};
use crate::{
    operation::flight::{FLIGHTS, Row, instant},
    schedule::Flight,
};

/// The most minutes by which a flight is early or late; one delay in nineteen is long enough to break its connections.
const LATE_MINUTES: u64 = 20;
const TOO_LATE: TimeDelta = TimeDelta::hours(9);
/// Seasons after which a flight is closed now and then, and the most minutes that it may be closed before its departure.
const CLOSED_AFTER: usize = 2;
const LONGEST_CUTOFF: i64 = 43_200;

impl Client {
    pub(super) async fn operate(&mut self, intent: &Intent) -> anyhow::Result<()> {
        let kind = match intent.pick / 8 % 100 {
            0..30 => Kind::Retime,
            // Offers that nobody takes lapse on a flight that closes.
            30..32 if self.has_season(CLOSED_AFTER) => return self.close(intent).await,
            30..48 => Kind::Resize,
            48..66 => Kind::Offload,
            66..82 => Kind::FlightDepart,
            82..94 => Kind::FlightArrive,
            _ => Kind::FlightCancel,
        };
        if kind == Kind::Offload {
            self.offload(intent).await;
            return Ok(());
        }
        // Flights depart after they were sold; now and then one departs too early.
        let flies = matches!(kind, Kind::FlightDepart | Kind::FlightArrive);
        let season = self.season(usize::from(flies && !intent.wrong)).await?;
        let Some(flight) = season.itinerary(intent.route, intent.flights).first().copied().cloned() else {
            return Ok(());
        };
        let (mark, _) = self.next_key();
        let (tail, body) = match kind {
            Kind::Retime => (None, retimed(&flight, intent)),
            Kind::Resize => {
                let capacity = capacity(resized(&flight, intent));
                (None, json!({"capacity": capacity, "release_holds": intent.own}))
            }
            Kind::FlightDepart => (Some("depart"), json!({})),
            Kind::FlightArrive => (Some("arrive"), json!({})),
            _ => (Some("cancel"), json!({"reason": mark})),
        };
        self.send_flight(intent, kind, &flight.id, tail, body, mark).await;
        Ok(())
    }

    /// Closes a flight, sold some time ago, within a minute.
    async fn close(&mut self, intent: &Intent) -> anyhow::Result<()> {
        let season = self.season(CLOSED_AFTER).await?;
        let Some(id) = season.itinerary(intent.route, intent.flights).first().map(|flight| flight.id.clone()) else {
            return Ok(());
        };
        let reply = self.look(intent, "flight read", Actor::Staff, format!("{FLIGHTS}/{id}")).await;
        let Outcome::Ok(answer) = &reply.outcome else { return Ok(()) };
        let Some(leaves) = instant(&answer.body["departure_datetime"]) else { return Ok(()) };
        let minutes = (leaves - SystemClock.now()).num_minutes();
        if (0..=LONGEST_CUTOFF).contains(&minutes) {
            let (mark, _) = self.next_key();
            self.send_flight(intent, Kind::Close, &id, None, json!({"cutoff_minutes": minutes}), mark).await;
        }
        Ok(())
    }

    /// Takes a booking off its last flight.
    async fn offload(&mut self, intent: &Intent) {
        let shipper = usize::from(intent.own);
        let Some(shipment) = self.load.shared.pick(shipper, intent.pick) else { return };
        let Some(flight) = shipment.state().flights.pop() else { return };
        let (mark, _) = self.next_key();
        let body = json!({"offload": [shipment.reference]});
        self.send_flight(intent, Kind::Offload, &flight, None, body, mark).await;
    }

    /// All clients act as the same staff here, each with keys of its own.
    async fn send_flight(
        &mut self,
        intent: &Intent,
        kind: Kind,
        flight: &str,
        step: Option<&str>,
        body: Value,
        key: String,
    ) {
        let (method, path) = match step {
            Some(step) => (Method::POST, format!("{FLIGHTS}/{flight}/{step}")),
            None => (Method::PATCH, format!("{FLIGHTS}/{flight}")),
        };
        let key = intent.keyed.then_some(key);
        let operation = Operation::new(
            kind,
            Actor::Staff,
            self.shipper,
            Request { method, path, key, if_match: None, body: Some(body) },
        );
        self.perform(operation, intent.instance, intent.sending).await;
    }

    /// Imports new flights, and new times and capacities of flights that are being sold, all or nothing.
    pub(super) async fn import(&mut self, intent: &Intent) -> anyhow::Result<()> {
        let season = self.season(0).await?;
        let mut rows: Vec<Row> = (0..=intent.pick % 3).map(|_| self.load.schedule.new_row()).collect();
        for flight in season.itinerary(intent.route, intent.flights) {
            if intent.positions == 0 {
                rows.push(flight.row(flight.leaves + delay(intent), resized(flight, intent)));
            }
        }
        let kind = if intent.own && intent.pick.is_multiple_of(2) { Kind::DryRun } else { Kind::Import };
        let operation = self.table(kind, rows, intent.keyed);
        self.perform(operation, intent.instance, intent.sending).await;
        Ok(())
    }

    /// Imports one new flight, and repeats that until its outcome is known.
    pub(super) async fn import_once(mut self, instance: u64) -> Vec<Operation> {
        let rows = vec![self.load.schedule.new_row()];
        let operation = self.table(Kind::Import, rows, true);
        self.perform(operation, instance, Sending::Once).await;
        self.finish().await
    }

    fn table(&mut self, kind: Kind, rows: Vec<Row>, keyed: bool) -> Operation {
        let (mark, _) = self.next_key();
        let query = if kind == Kind::DryRun { "?dry_run=true" } else { "" };
        let request = Request {
            method: Method::POST,
            path: format!("{FLIGHTS}/import{query}"),
            key: keyed.then_some(mark),
            if_match: None,
            body: Some(Row::table(&rows).into()),
        };
        Operation { rows, ..Operation::new(kind, Actor::Staff, self.shipper, request) }
    }
}

fn delay(intent: &Intent) -> TimeDelta {
    let minutes = i64::try_from(intent.pick % (2 * LATE_MINUTES + 1)).unwrap_or_default();
    TimeDelta::minutes(minutes - i64::try_from(LATE_MINUTES).unwrap_or_default())
}

fn retimed(flight: &Flight, intent: &Intent) -> Value {
    let late = if intent.weight_kg == 20 { TOO_LATE } else { delay(intent) };
    let leaves = flight.leaves + late;
    json!({"departure_datetime": leaves, "arrival_datetime": leaves + crate::schedule::DURATION})
}

/// A capacity up to a third below or above the original one.
fn resized(flight: &Flight, intent: &Intent) -> u64 {
    let sixths = choose(&[4, 5, 6, 7, 8], intent.pick / 1024).copied().unwrap_or(6);
    flight.weight_kg * sixths / 6
}

fn capacity(weight_kg: u64) -> Value {
    json!({"weight_kg": weight_kg, "volume_m3": null, "positions": weight_kg / 150})
}
