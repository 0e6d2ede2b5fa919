//! What a client does with whole flights, which changes the bookings of all others.
use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Client, Deed, Intent, Kind, Manner, Request, Who, at};
use crate::{
    deed::flight::{FLIGHTS, Row},
    schedule::Flight,
};

/// Minutes by which a flight is late at most, or early; one in nineteen is late enough to break its connections.
const LATE_MINUTES: u64 = 20;
const TOO_LATE: TimeDelta = TimeDelta::hours(9);

impl Client {
    pub(super) async fn operate(&mut self, intent: &Intent) -> anyhow::Result<()> {
        let kind = match intent.pick / 8 % 100 {
            0..30 => Kind::Retime,
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
        // What is flown has been sold before; now and then it is too early.
        let flies = matches!(kind, Kind::FlightDepart | Kind::FlightArrive);
        let season = self.season(usize::from(flies && !intent.wrong)).await?;
        let Some(flight) = season.way(intent.route, intent.flights).first().copied().cloned() else { return Ok(()) };
        let (mark, _) = self.next_key();
        let (tail, body) = match kind {
            Kind::Retime => (None, retimed(&flight, intent)),
            Kind::Resize => (None, json!({"capacity": capacity(resized(&flight, intent))})),
            Kind::FlightDepart => (Some("depart"), json!({})),
            Kind::FlightArrive => (Some("arrive"), json!({})),
            _ => (Some("cancel"), json!({"reason": mark})),
        };
        self.send_flight(intent, kind, &flight.id, tail, body, mark).await;
        Ok(())
    }

    /// Somebody's booking, from the last flight it is on.
    async fn offload(&mut self, intent: &Intent) {
        let shipper = usize::from(intent.own);
        let Some(shipment) = self.load.board.pick(shipper, intent.pick) else { return };
        let Some(flight) = shipment.state().flights.pop() else { return };
        let (mark, _) = self.next_key();
        let body = json!({"offload": [shipment.reference]});
        self.send_flight(intent, Kind::Offload, &flight, None, body, mark).await;
    }

    /// All clients are the same staff here: each has keys of its own.
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
        let deed =
            Deed::new(kind, Who::Staff, self.shipper, Request { method, path, key, if_match: None, body: Some(body) });
        self.perform(deed, intent.instance, intent.manner).await;
    }

    /// New flights, and new times and capacities of some that are being sold, all or nothing.
    pub(super) async fn import(&mut self, intent: &Intent) -> anyhow::Result<()> {
        let season = self.season(0).await?;
        let mut rows: Vec<Row> = (0..=intent.pick % 3).map(|_| self.load.schedule.new_row()).collect();
        for flight in season.way(intent.route, intent.flights) {
            if intent.positions == 0 {
                rows.push(flight.row(flight.leaves + delay(intent), resized(flight, intent)));
            }
        }
        let kind = if intent.own && intent.pick.is_multiple_of(2) { Kind::DryRun } else { Kind::Import };
        let deed = self.table(kind, rows, intent.keyed);
        self.perform(deed, intent.instance, intent.manner).await;
        Ok(())
    }

    /// One new flight, until it is known what became of it.
    pub(super) async fn import_once(mut self, instance: u64) -> Vec<Deed> {
        let rows = vec![self.load.schedule.new_row()];
        let deed = self.table(Kind::Import, rows, true);
        self.perform(deed, instance, Manner::Once).await;
        self.finish().await
    }

    fn table(&mut self, kind: Kind, rows: Vec<Row>, keyed: bool) -> Deed {
        let (mark, _) = self.next_key();
        let query = if kind == Kind::DryRun { "?dry_run=true" } else { "" };
        let request = Request {
            method: Method::POST,
            path: format!("{FLIGHTS}/import{query}"),
            key: keyed.then_some(mark),
            if_match: None,
            body: Some(Row::table(&rows).into()),
        };
        Deed { rows, ..Deed::new(kind, Who::Staff, self.shipper, request) }
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

/// Up to a third less or more than it was made with.
fn resized(flight: &Flight, intent: &Intent) -> u64 {
    let sixths = at(&[4, 5, 6, 7, 8], intent.pick / 1024).copied().unwrap_or(6);
    flight.weight_kg * sixths / 6
}

fn capacity(weight_kg: u64) -> Value {
    json!({"weight_kg": weight_kg, "volume_m3": null, "positions": weight_kg / 150})
}
