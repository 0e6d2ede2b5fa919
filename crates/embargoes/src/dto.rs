use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_kernel::{AircraftCode, AirlineCode, EmbargoId, Fault, FaultCode, FlightNumber, HandlingCode};
use loadmaster_platform::web::{Fields, object, read, request, set, with};
use loadmaster_reference::{Reference, Scope};
use serde::Serialize;
use utoipa::ToSchema;

use super::model::{Effect, Embargo, Terms};

/// The longest name, in characters.
const LONGEST_NAME: usize = 100;
const MOST_FLIGHT_NUMBERS: usize = 50;
pub const MOST_HANDLING_CODES: usize = 50;

/// An embargo. `null` or an empty list: any.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Embargo)]
pub(super) struct EmbargoBody<'a> {
    /// Permanent identifier.
    pub id: EmbargoId,
    /// Its name.
    pub name: &'a str,
    /// Why, in your own words.
    pub reason: &'a str,
    #[schema(required = true)]
    pub airline_code: Option<AirlineCode>,
    /// Origin of a leg.
    pub origin: &'a Scope,
    /// Destination of a leg.
    pub destination: &'a Scope,
    /// Only flights with one of these numbers; empty: any flight.
    pub flight_numbers: &'a [FlightNumber],
    /// First local date of a leg's departure.
    pub valid_from: NaiveDate,
    /// Last local date of a leg's departure.
    #[schema(required = true)]
    pub valid_to: Option<NaiveDate>,
    #[schema(required = true)]
    pub aircraft_code: Option<AircraftCode>,
    /// `true`: only flights by freighters; `false`: only others.
    #[schema(required = true)]
    pub is_freighter: Option<bool>,
    /// ISO 8601 weekdays of the local departure: 1 is Monday, 7 is Sunday.
    #[schema(example = json!([6, 7]))]
    pub weekdays: &'a [i16],
    /// It concerns freight with any of these special handling codes.
    pub handling_codes: &'a [HandlingCode],
    pub effect: &'a Effect,
    /// Number that increases with each change; the `ETag` contains it.
    pub version: i32,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// Set in the answer to its deletion only.
    #[schema(required = true)]
    pub ended_at: Option<DateTime<Utc>>,
}

impl<'a> From<&'a Embargo> for EmbargoBody<'a> {
    fn from(embargo: &'a Embargo) -> Self {
        let terms = &embargo.terms;
        Self {
            id: embargo.id,
            name: &terms.name,
            reason: &terms.reason,
            airline_code: terms.airline,
            origin: &terms.origin,
            destination: &terms.destination,
            flight_numbers: &terms.flight_numbers,
            valid_from: terms.valid_from,
            valid_to: terms.valid_to,
            aircraft_code: terms.aircraft,
            is_freighter: terms.is_freighter,
            weekdays: &terms.weekdays,
            handling_codes: &terms.handling_codes,
            effect: &terms.effect,
            version: embargo.version,
            created_at: embargo.created_at,
            updated_at: embargo.updated_at,
            ended_at: embargo.ended_at,
        }
    }
}

request! {
    /// An embargo to put into force. What is left out matches all.
    pub(super) struct CreateEmbargo in body(reference: &Reference) {
        /// Shown to callers whose freight it stops.
        #[schema(max_length = 100)]
        name: String = read::line(LONGEST_NAME),
        /// Why, in your own words.
        #[schema(max_length = 500)]
        reason: String = read::line(read::LINE),
        airline_code: Option<AirlineCode> = |raw| reference.read_airline(raw),
        /// Origin of a leg.
        origin: Scope = |raw| reference.read_scope(raw),
        /// Destination of a leg.
        destination: Scope = |raw| reference.read_scope(raw),
        /// Only flights with one of these numbers; empty: any flight.
        #[schema(max_items = 50)]
        flight_numbers: Vec<FlightNumber> = set(MOST_FLIGHT_NUMBERS, |raw| reference.read_flight_number(raw)),
        /// First local date of a leg's departure.
        valid_from: NaiveDate = read::date,
        /// Last local date of a leg's departure.
        valid_to: Option<NaiveDate> = |raw| read::last_date(raw, valid_from, "valid_from"),
        aircraft_code: Option<AircraftCode> = |raw| reference.read_aircraft(raw),
        /// `true`: only flights by freighters; `false`: only others.
        is_freighter: Option<bool> = read::boolean,
        /// ISO 8601 weekdays of the local departure: 1 is Monday, 7 is Sunday.
        #[schema(max_items = 7, minimum = 1, maximum = 7)]
        weekdays: Vec<i16> = set(7, read::integer(1, 7)),
        /// It concerns freight with any of these special handling codes.
        #[schema(max_items = 50)]
        handling_codes: Vec<HandlingCode> = set(MOST_HANDLING_CODES, |raw| reference.read_handling_code(raw)),
        effect: Effect = with(|fields| read_effect(fields, reference)),
    }
}

request! {
    /// Changes to an embargo: a JSON merge patch (RFC 7396). Members that are left out remain unchanged; `null` clears a
    /// member, which then matches all.
    pub struct ChangeEmbargo in patch(reference: &Reference) {
        /// Its name.
        #[schema(max_length = 100)]
        name: Option<String> = read::line(LONGEST_NAME),
        /// Why, in your own words.
        #[schema(max_length = 500)]
        reason: Option<String> = read::line(read::LINE),
        airline_code: Patch<AirlineCode> = |raw| reference.read_airline(raw),
        origin: Option<Scope> = |raw| reference.read_scope(raw),
        destination: Option<Scope> = |raw| reference.read_scope(raw),
        /// Only flights with one of these numbers; empty: any flight.
        #[schema(max_items = 50)]
        flight_numbers: Patch<Vec<FlightNumber>> = set(MOST_FLIGHT_NUMBERS, |raw| reference.read_flight_number(raw)),
        /// First local date of departure.
        valid_from: Option<NaiveDate> = read::date,
        /// Last local date of departure; null: without end.
        valid_to: Patch<NaiveDate> = read::date,
        aircraft_code: Patch<AircraftCode> = |raw| reference.read_aircraft(raw),
        /// `true`: only flights by freighters; `false`: only others.
        is_freighter: Patch<bool> = read::boolean,
        /// Days of the week of the local departure, 1 (Monday) to 7; null or empty: all.
        #[schema(max_items = 7, minimum = 1, maximum = 7)]
        weekdays: Patch<Vec<i16>> = set(7, read::integer(1, 7)),
        /// Only freight with any of these codes; empty: all freight.
        #[schema(max_items = 50)]
        handling_codes: Patch<Vec<HandlingCode>> = set(MOST_HANDLING_CODES, |raw| reference.read_handling_code(raw)),
        effect: Option<Effect> = with(|fields| read_effect(fields, reference)),
    }
}

fn read_effect(fields: &mut Fields<'_>, reference: &Reference) -> Option<Effect> {
    if fields.is_object("effect") {
        return fields.optional("effect", object(|inner| read_required(inner, reference))).map(Effect::RequireAny);
    }
    fields.optional("effect", read::word(&[("FORBID", ())])).map(|()| Effect::Forbid)
}

fn read_required(fields: &mut Fields<'_>, reference: &Reference) -> Option<Vec<HandlingCode>> {
    let codes = fields.required("require_any", set(MOST_HANDLING_CODES, |raw| reference.read_handling_code(raw)))?;
    if codes.is_empty() && fields.is_clean() {
        fields.fault("require_any", &Fault::new(FaultCode::TooShort, "must have at least one entry"));
    }
    (!codes.is_empty()).then_some(codes)
}

impl From<CreateEmbargo> for Terms {
    fn from(new: CreateEmbargo) -> Self {
        Self {
            name: new.name,
            reason: new.reason,
            airline: new.airline_code,
            origin: new.origin,
            destination: new.destination,
            flight_numbers: new.flight_numbers,
            valid_from: new.valid_from,
            valid_to: new.valid_to,
            aircraft: new.aircraft_code,
            is_freighter: new.is_freighter,
            weekdays: new.weekdays,
            handling_codes: new.handling_codes,
            effect: new.effect,
        }
    }
}
