//! The model's state in the API's words.
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use loadmaster_testkit::freight::raw;
use serde_json::{Value, json};

use super::{
    model::{Booking, Flight, Leg, Space},
    steps::Patch,
};

/// What the journeys of one case share: when it began, what its flights are called, its own air waybill numbers.
#[derive(Debug)]
pub struct Words {
    pub start: DateTime<Utc>,
    pub flights: Vec<String>,
    /// The number of the case: no flight's name and no air waybill is used by two.
    pub case: usize,
}

/// A decimal number of so many units as it is written in JSON: as short as it is.
pub fn decimal(units: i64, places: u32) -> Value {
    let one = 10_i64.pow(places);
    let (whole, part) = (units / one, units % one);
    let width = usize::try_from(places).expect("few places");
    let text = format!("{whole}.{part:0width$}");
    raw(text.trim_end_matches('0').trim_end_matches('.'))
}

pub fn kilograms(hectograms: i64) -> Value {
    decimal(hectograms, 1)
}

pub fn cubic_metres(litres: i64) -> Value {
    decimal(litres, 3)
}

pub fn space(space: Space) -> Value {
    json!({"weight_kg": kilograms(space.weight), "volume_m3": cubic_metres(space.volume), "positions": space.positions})
}

impl Words {
    pub fn instant(&self, minutes: i64) -> String {
        (self.start + TimeDelta::minutes(minutes)).to_rfc3339_opts(SecondsFormat::Secs, true)
    }

    /// A flight number of this case alone: it ends in a letter.
    pub fn number(&self, number: &str) -> String {
        let letter = ('A'..='Z').nth(self.case).expect("few cases");
        format!("{number}{letter}")
    }

    pub fn awb(&self, number: usize) -> String {
        let serial = 10 * self.case + number;
        format!("020-{serial:07}{}", serial % 7)
    }

    pub fn booking(&self, booking: &Booking) -> Value {
        let mut legs: Vec<_> = booking.legs.iter().collect();
        legs.sort_by_key(|leg| leg.sequence);
        let in_force = booking.legs.iter().filter(|leg| leg.in_force());
        json!({
            "status": booking.status, "origin": booking.origin, "destination": booking.destination,
            "current_airport": booking.current_airport(), "at_destination": booking.at_destination(),
            "needs_rerouting": booking.needs_rerouting(), "pieces": booking.pieces,
            "weight_kg": kilograms(booking.space.weight), "volume_m3": cubic_metres(booking.space.volume),
            "positions": booking.space.positions, "description": booking.description.map(description),
            "special_handling_codes": booking.codes, "awb_number": booking.awb.map(|number| self.awb(number)),
            "flight_ids": in_force.map(|leg| &self.flights[leg.flight]).collect::<Vec<_>>(),
            "legs": legs.into_iter().map(|leg| self.leg(leg)).collect::<Vec<_>>(),
            "next_actions": booking.next_actions(), "version": booking.version(),
        })
    }

    /// The types of its events, and when movements happened.
    pub fn history(&self, booking: &Booking) -> Value {
        let told = booking.history.iter();
        told.map(|(event, at)| json!([event, at.map(|at| self.instant(at))])).collect()
    }

    fn leg(&self, leg: &Leg) -> Value {
        json!({
            "sequence": leg.sequence, "flight_id": self.flights[leg.flight], "flight_number": self.number(leg.number),
            "origin": leg.origin, "destination": leg.destination,
            "departure_datetime": self.instant(leg.departure), "arrival_datetime": self.instant(leg.arrival),
            "status": leg.status, "offload_reason": leg.offload_reason, "space_code": "KK", "pieces": leg.pieces,
            "weight_kg": kilograms(leg.space.weight), "volume_m3": cubic_metres(leg.space.volume),
            "positions": leg.space.positions,
        })
    }

    /// `planned` is the flight as it was put on the schedule.
    pub fn flight(&self, flight: &Flight, planned: &Flight, available: Space) -> Value {
        json!({
            "flight_number": self.number(flight.number), "origin": flight.origin, "destination": flight.destination,
            "departure_datetime": self.instant(flight.departure), "arrival_datetime": self.instant(flight.arrival),
            "scheduled_departure_datetime": self.instant(planned.departure),
            "scheduled_arrival_datetime": self.instant(planned.arrival),
            "actual_departure_datetime": flight.left.map(|minutes| self.instant(minutes)),
            "actual_arrival_datetime": flight.landed.map(|minutes| self.instant(minutes)),
            "duration_minutes": flight.arrival - flight.departure, "aircraft_code": aircraft(flight.freighter),
            "is_freighter": flight.freighter, "status": flight.status,
            "cutoff_datetime": self.instant(flight.cutoff), "capacity": space(flight.capacity),
            "available": space(available), "version": flight.version,
        })
    }

    /// The body of a booking's patch, without its flights.
    pub fn patch(&self, patch: &Patch) -> Value {
        use super::steps::To;
        let mut body = json!({});
        let mut say = |member: &str, value: Option<Value>| {
            if let Some(value) = value {
                body[member] = value;
            }
        };
        let cleared = |to: Option<To>, told: &dyn Fn(i64) -> Value| {
            to.map(|to| match to {
                To::Null => Value::Null,
                To::Set(value) => told(value),
            })
        };
        let index = |number: i64| usize::try_from(number).expect("a number of a list");
        say("pieces", patch.pieces.map(Value::from));
        say("weight_kg", patch.weight.map(kilograms));
        say("volume_m3", cleared(patch.volume, &cubic_metres));
        say("positions", cleared(patch.positions, &Value::from));
        say("awb_number", cleared(patch.awb, &|number| self.awb(index(number)).into()));
        say("description", cleared(patch.description, &|number| description(number).into()));
        say("special_handling_codes", cleared(patch.codes, &|number| json!(super::model::CODES[index(number)])));
        body
    }
}

/// What is carried, by number.
pub fn description(number: i64) -> String {
    format!("crates of kind {number}")
}

/// A freighter, or the passenger aircraft of the same family.
pub const fn aircraft(freighter: bool) -> &'static str {
    if freighter { "77X" } else { "77W" }
}
