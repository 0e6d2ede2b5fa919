use chrono::{DateTime, FixedOffset, Utc};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::{
    Flight, NewFlight,
    model::{LONGEST_CUTOFF_MINUTES, fault_of_arrival, space_of},
};
use crate::{
    features::{
        capacity::{FlightStatus, Space, SpaceFields},
        reference::Reference,
    },
    kernel::{AircraftCode, AirlineCode, AirportCode, Fault, FaultCode, FlightId, FlightNumber},
    platform::web::{Fields, read},
};

/// A flight with its room as it was when it was read.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Flight)]
pub struct FlightBody {
    pub id: FlightId,
    pub flight_number: FlightNumber,
    pub airline_code: AirlineCode,
    #[schema(required = true)]
    pub airline_name: Option<String>,
    pub origin: AirportCode,
    pub destination: AirportCode,
    /// Best known departure, UTC.
    pub departure_datetime: DateTime<Utc>,
    /// Best known arrival, UTC.
    pub arrival_datetime: DateTime<Utc>,
    /// The departure with the origin's own offset.
    #[serde(serialize_with = "with_offset")]
    pub departure_local: DateTime<FixedOffset>,
    /// The arrival with the destination's own offset.
    #[serde(serialize_with = "with_offset")]
    pub arrival_local: DateTime<FixedOffset>,
    /// As first scheduled; never changes and defines the flight's date.
    pub scheduled_departure_datetime: DateTime<Utc>,
    pub scheduled_arrival_datetime: DateTime<Utc>,
    #[schema(required = true)]
    pub actual_departure_datetime: Option<DateTime<Utc>>,
    #[schema(required = true)]
    pub actual_arrival_datetime: Option<DateTime<Utc>>,
    pub duration_minutes: i64,
    #[schema(required = true)]
    pub aircraft_code: Option<AircraftCode>,
    pub is_freighter: bool,
    pub status: FlightStatus,
    /// Booking closes at this instant.
    pub cutoff_datetime: DateTime<Utc>,
    /// What may be sold.
    pub capacity: Space,
    pub available: Space,
    /// How full the fullest dimension is, one decimal.
    #[serde(serialize_with = "crate::kernel::short_number")]
    pub utilization_percent: f64,
    /// Counts schedule, capacity and status changes; bookings leave it alone.
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A local time always shows its offset, `+00:00` too: `Z` would say that nobody asked what time it is there.
fn with_offset<S: Serializer>(instant: &DateTime<FixedOffset>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&instant.to_rfc3339())
}

impl FlightBody {
    pub fn new(flight: &Flight, reference: &Reference) -> Self {
        let local = |code, instant: DateTime<Utc>| {
            reference.airport(code).map_or_else(|| instant.fixed_offset(), |airport| airport.local(instant))
        };
        let airline_code = flight.number.airline();
        Self {
            id: flight.id,
            flight_number: flight.number.clone(),
            airline_code,
            airline_name: reference.airline(airline_code).map(|airline| airline.name.clone()),
            origin: flight.origin,
            destination: flight.destination,
            departure_datetime: flight.departure,
            arrival_datetime: flight.arrival,
            departure_local: local(flight.origin, flight.departure),
            arrival_local: local(flight.destination, flight.arrival),
            scheduled_departure_datetime: flight.scheduled_departure,
            scheduled_arrival_datetime: flight.scheduled_arrival,
            actual_departure_datetime: flight.actual_departure,
            actual_arrival_datetime: flight.actual_arrival,
            duration_minutes: (flight.arrival - flight.departure).num_minutes(),
            aircraft_code: flight.aircraft,
            is_freighter: flight.is_freighter,
            status: flight.room.status,
            cutoff_datetime: flight.room.cutoff,
            capacity: flight.room.capacity,
            available: flight.room.available(),
            utilization_percent: flight.room.utilization_percent(),
            version: flight.room.version,
            created_at: flight.created_at,
            updated_at: flight.updated_at,
        }
    }
}

/// A flight to put on the schedule. `aircraft_code` or `capacity` is required; what the capacity leaves out comes from
/// the aircraft, else the volume is the weight at 166.667 kg per m³ and there are no positions.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "describes the body; NewFlight is what it is read into")]
pub struct CreateFlight {
    pub flight_number: FlightNumber,
    pub origin: AirportCode,
    pub destination: AirportCode,
    /// RFC 3339, any offset, at most microseconds.
    pub departure_datetime: DateTime<Utc>,
    /// After the departure, at most 24 hours.
    pub arrival_datetime: DateTime<Utc>,
    pub aircraft_code: Option<AircraftCode>,
    pub capacity: Option<SpaceFields>,
    /// How long before departure booking closes.
    #[schema(default = 60, minimum = 0, maximum = 43_200)]
    pub cutoff_minutes: Option<u32>,
}

/// How the capacity is spelled: as an object in JSON, as three cells in a table.
#[derive(Debug, Clone, Copy)]
pub(super) enum CapacityShape {
    Object,
    Cells,
}

/// Reads and validates a new flight, from a JSON body or a row of a table.
pub(super) fn read_new_flight(
    fields: &mut Fields<'_>,
    reference: &Reference,
    shape: CapacityShape,
) -> Option<NewFlight> {
    let number = fields.required("flight_number", |raw| reference.read_flight_number(raw));
    let origin = fields.required("origin", |raw| reference.read_airport(raw));
    let destination = fields.required("destination", |raw| reference.read_airport(raw));
    let departure = fields.required("departure_datetime", read::instant);
    let arrival = fields.required("arrival_datetime", read::instant);
    let has_aircraft = !fields.is_absent("aircraft_code");
    let aircraft = fields.optional("aircraft_code", |raw| reference.read_aircraft(raw));
    let cutoff = fields.optional("cutoff_minutes", read::integer(0, LONGEST_CUTOFF_MINUTES));
    let given = read_capacity(fields, shape, has_aircraft);
    if origin.is_some() && origin == destination {
        fields.fault("destination", &Fault::new(FaultCode::SameAsOrigin, "must differ from the origin"));
    }
    if let Some(fault) = departure.zip(arrival).and_then(|(departure, arrival)| fault_of_arrival(departure, arrival)) {
        fields.fault("arrival_datetime", &fault);
    }
    let aircraft = aircraft.and_then(|code| reference.aircraft(code));
    let own = aircraft.map(space_of);
    let weight = given.weight_kg.or(own.map(|own| own.weight))?;
    let volume = given.volume_m3.or(own.map(|own| own.volume)).unwrap_or(weight.standard_volume());
    let positions = given.positions.or(own.map(|own| own.positions)).unwrap_or_default();
    Some(NewFlight {
        number: number?,
        origin: origin?,
        destination: destination?,
        departure: departure?,
        arrival: arrival?,
        aircraft: aircraft.map(|a| a.code),
        is_freighter: aircraft.is_some_and(|a| a.is_freighter),
        capacity: Space { weight, volume, positions },
        cutoff_minutes: cutoff.unwrap_or(NewFlight::DEFAULT_CUTOFF_MINUTES),
    })
}

/// Without an aircraft the weight must be given: nothing else says what may be sold.
fn read_capacity(fields: &mut Fields<'_>, shape: CapacityShape, has_aircraft: bool) -> SpaceFields {
    let read = |fields: &mut Fields<'_>| {
        let given = SpaceFields::read(fields);
        if !has_aircraft && fields.is_absent("weight_kg") {
            fields.missing("weight_kg");
        }
        given
    };
    match shape {
        CapacityShape::Cells => read(fields),
        CapacityShape::Object => {
            if !has_aircraft && fields.is_absent("capacity") {
                fields.missing("capacity");
            }
            fields.object("capacity", |inner| Some(read(inner))).unwrap_or_default()
        }
    }
}

/// What an import did, or with `dry_run` would do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct ImportBody {
    pub created: u64,
    pub updated: u64,
    pub unchanged: u64,
}

/// What an airline flies between two airports, derived from the flights there are.
#[derive(Debug, Serialize, ToSchema)]
pub struct AirlineRoute {
    pub airline_code: AirlineCode,
    pub origin: AirportCode,
    pub destination: AirportCode,
    /// Great-circle distance.
    pub distance_km: i64,
    /// The median of its flights.
    pub typical_duration_minutes: i32,
    /// Departures in the coming 30 days; a cancellation may be a minute late in it.
    pub flights_next_30_days: i64,
}
