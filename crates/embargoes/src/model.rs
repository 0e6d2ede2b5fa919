use chrono::{DateTime, Datelike, NaiveDate, Utc};
use loadmaster_flights::Flight;
use loadmaster_kernel::{
    AircraftCode, AirlineCode, AirportCode, EmbargoId, FlightId, FlightNumber, HandlingCode, words,
};
use loadmaster_reference::{Reference, Scope};
use serde::Serialize;
use utoipa::ToSchema;

/// The aggregate of this room's messages.
pub(super) const EMBARGO: &str = "embargo";

words! {
    /// What happened to an embargo.
    pub enum EmbargoEventType {
        Created = "CREATED",
        Changed = "CHANGED",
        Ended = "ENDED",
    }
}

impl EmbargoEventType {
    /// The meaning of each of [`Self::NAMES`].
    pub const ABOUT: [&str; Self::NAMES.len()] =
        ["An embargo was made.", "An embargo was changed.", "An embargo has ended."];
}

/// The data of a message: the rest is read at the embargo's address.
#[derive(Debug, Serialize, ToSchema)]
pub struct EmbargoMessage {
    pub embargo_id: EmbargoId,
    pub version: i32,
}

/// What an embargo asks of the freight that it concerns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = EmbargoEffect)]
pub enum Effect {
    /// The flights do not carry it.
    #[serde(rename = "FORBID")]
    Forbid,
    /// It needs one of these special handling codes.
    #[serde(rename = "require_any")]
    RequireAny(Vec<HandlingCode>),
}

/// The freight and flights that an embargo concerns, and its effect. An absent value, or an empty list, matches all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    pub name: String,
    pub reason: String,
    pub airline: Option<AirlineCode>,
    /// Origin and destination of a leg, not of the shipment.
    pub origin: Scope,
    pub destination: Scope,
    pub flight_numbers: Vec<FlightNumber>,
    /// Local dates of a leg's departure, inclusive.
    pub valid_from: NaiveDate,
    pub valid_to: Option<NaiveDate>,
    pub aircraft: Option<AircraftCode>,
    pub is_freighter: Option<bool>,
    /// Of the local departure; 1 is Monday.
    pub weekdays: Vec<i16>,
    /// The freight has at least one of these.
    pub handling_codes: Vec<HandlingCode>,
    pub effect: Effect,
}

/// An embargo as the book of record has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Embargo {
    pub id: EmbargoId,
    pub terms: Terms,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
}

/// The flight of a leg as embargoes see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgedLeg {
    pub flight_id: FlightId,
    pub number: FlightNumber,
    pub origin: AirportCode,
    pub destination: AirportCode,
    /// The local calendar date of the best known departure.
    pub date: NaiveDate,
    pub aircraft: Option<AircraftCode>,
    pub is_freighter: bool,
}

impl JudgedLeg {
    pub fn of(flight: &Flight, reference: &Reference) -> Self {
        Self {
            flight_id: flight.id,
            number: flight.number,
            origin: flight.origin,
            destination: flight.destination,
            date: reference.local_date(flight.origin, flight.departure),
            aircraft: flight.aircraft,
            is_freighter: flight.is_freighter,
        }
    }
}

/// Why an embargo keeps freight off a flight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    Forbidden,
    /// The freight has none of these special handling codes.
    HandlingRequired(Vec<HandlingCode>),
}

/// The embargo that keeps freight off a flight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    pub embargo_id: EmbargoId,
    /// Its name.
    pub embargo: String,
    pub flight_id: FlightId,
    pub flight_number: FlightNumber,
    pub obstacle: Obstacle,
}

impl Terms {
    /// Returns whether freight with these special handling codes must not fly under this embargo.
    pub fn stops(&self, codes: &[HandlingCode]) -> bool {
        let has_any = |of: &[HandlingCode]| of.iter().any(|code| codes.contains(code));
        let is_concerned = self.handling_codes.is_empty() || has_any(&self.handling_codes);
        match &self.effect {
            Effect::Forbid => is_concerned,
            Effect::RequireAny(needed) => is_concerned && !has_any(needed),
        }
    }

    /// Returns whether it applies to this leg; the caller compares the scopes.
    pub fn matches(&self, leg: &JudgedLeg) -> bool {
        let weekday = i64::from(leg.date.weekday().number_from_monday());
        self.airline.is_none_or(|airline| airline == leg.number.airline())
            && (self.flight_numbers.is_empty() || self.flight_numbers.contains(&leg.number))
            && self.valid_from <= leg.date
            && self.valid_to.is_none_or(|last| leg.date <= last)
            && self.aircraft.is_none_or(|aircraft| leg.aircraft == Some(aircraft))
            && self.is_freighter.is_none_or(|is_freighter| leg.is_freighter == is_freighter)
            && (self.weekdays.is_empty() || self.weekdays.iter().any(|day| i64::from(*day) == weekday))
    }

    /// Of several embargoes that stop the same freight on a leg, the one with the least rank is named: those that forbid,
    /// then the narrower origin, then the narrower destination.
    pub fn rank(&self) -> (bool, u8, u8) {
        (self.effect != Effect::Forbid, self.origin.breadth(), self.destination.breadth())
    }
}
