use std::{cell::RefCell, collections::BTreeSet};

use chrono::{DateTime, FixedOffset, NaiveDate, Utc};
use loadmaster_capacity::{FlightStatus, Overbooking, OverbookingFields, Space, SpaceFields};
use loadmaster_kernel::{AircraftCode, AirlineCode, AirportCode, BookingRef, Fault, FlightId, FlightNumber, words};
use loadmaster_platform::{
    listing::Direction,
    web::{
        Condition, Fields, Raw,
        condition::{any, given, having},
        list, object, read, request, with,
    },
};
use loadmaster_reference::{Aircraft, Reference};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::{
    Flight, NewFlight,
    model::{FlightAnchor, FlightFeed, LONGEST_CUTOFF_MINUTES, fault_of_arrival, space_of},
    typical::TypicalRate,
};

/// More bookings than any flight carries.
pub const MOST_BOOKINGS: usize = 10_000;

/// A flight with its availability at the time of reading.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Flight)]
pub struct FlightBody {
    /// Permanent identifier.
    pub id: FlightId,
    pub flight_number: FlightNumber,
    pub airline_code: AirlineCode,
    /// The name of the airline; null if it is not known.
    #[schema(required = true)]
    pub airline_name: Option<String>,
    /// The numbers under which other carriers sell the flight (codeshares), in order. Absent if none does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, max_items = 50, example = json!(["SQ401"]))]
    pub also_sold_as: Vec<FlightNumber>,
    pub origin: AirportCode,
    pub destination: AirportCode,
    /// Best known departure, UTC.
    pub departure_datetime: DateTime<Utc>,
    /// Best known arrival, UTC.
    pub arrival_datetime: DateTime<Utc>,
    /// The departure in local time of the origin.
    #[serde(serialize_with = "with_offset")]
    pub departure_local: DateTime<FixedOffset>,
    /// The arrival in local time of the destination.
    #[serde(serialize_with = "with_offset")]
    pub arrival_local: DateTime<FixedOffset>,
    /// As first scheduled; never changes and defines the date of the flight.
    pub scheduled_departure_datetime: DateTime<Utc>,
    /// Scheduled time of arrival.
    pub scheduled_arrival_datetime: DateTime<Utc>,
    /// When it departed; null until then.
    #[schema(required = true)]
    pub actual_departure_datetime: Option<DateTime<Utc>>,
    /// When it arrived; null until then.
    #[schema(required = true)]
    pub actual_arrival_datetime: Option<DateTime<Utc>>,
    /// Scheduled time from departure to arrival, in minutes.
    pub duration_minutes: i64,
    #[schema(required = true)]
    pub aircraft_code: Option<AircraftCode>,
    /// Whether it carries freight alone, no passengers.
    pub is_freighter: bool,
    pub status: FlightStatus,
    /// Time at which booking closes.
    pub cutoff_datetime: DateTime<Utc>,
    /// The capacity that may be sold: the physical one and its overbooking, rounded down.
    pub capacity: Space,
    /// What the flight carries.
    pub physical_capacity: Space,
    /// How much more may be sold.
    pub overbooking: Overbooking,
    pub available: Space,
    /// Utilization of the fullest dimension in percent, with one decimal.
    #[serde(serialize_with = "loadmaster_kernel::short_number")]
    pub utilization_percent: f64,
    /// Number of the last schedule, capacity or status change; bookings do not change it.
    pub version: i32,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// The feed that gives the flight: for carrier staff, of one flight and in lists of flights. Absent if no feed does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub feed: Option<FlightFeed>,
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
            flight_number: flight.number,
            airline_code,
            airline_name: reference.airline(airline_code).map(|airline| airline.name.clone()),
            also_sold_as: flight.also_sold_as.clone().unwrap_or_default(),
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
            status: flight.space.status,
            cutoff_datetime: flight.space.cutoff,
            capacity: flight.space.capacity,
            physical_capacity: flight.space.physical,
            overbooking: flight.space.overbooking,
            available: flight.space.available(),
            utilization_percent: flight.space.utilization_percent(),
            version: flight.space.version,
            created_at: flight.created_at,
            updated_at: flight.updated_at,
            feed: None,
        }
    }

    /// Adds the feed that gives the flight, for those who may know it.
    #[must_use]
    pub fn with_feed(self, feed: Option<FlightFeed>) -> Self {
        Self { feed, ..self }
    }
}

request! {
    /// A flight to create. `aircraft_code` or `capacity` is required. Members that `capacity` leaves out come from the
    /// aircraft; without one, the volume is the weight divided by 166.667 kg per m³, and there are 0 positions.
    pub(super) struct CreateFlight in body(reference: &Reference, shape: CapacityShape) {
        flight_number: FlightNumber = |raw| reference.read_flight_number(raw),
        origin: AirportCode = |raw| reference.read_airport(raw),
        destination: AirportCode = |raw| reference.read_destination(raw, origin),
        /// RFC 3339 with any offset, cut to the microsecond.
        departure_datetime: DateTime<Utc> = read::instant,
        /// After the departure, by at most 24 hours.
        arrival_datetime: DateTime<Utc> = |raw| read_arrival(raw, departure_datetime),
        aircraft_code: Option<AircraftCode> = |raw| reference.read_aircraft(raw),
        capacity: Option<SpaceFields> = with(|fields| read_capacity(fields, shape)),
        /// Minutes before departure at which booking closes.
        #[schema(default = 60, minimum = 0, maximum = 43_200)]
        cutoff_minutes: Option<u32> = read::integer(0, LONGEST_CUTOFF_MINUTES),
    }
}

impl CreateFlight {
    /// What it can carry, or the aircraft that says it.
    pub const NEEDS: Condition = Condition::of::<Self>(&["origin"], || {
        let mut space = given("weight_kg", "number");
        space["type"] = "object".into();
        any(&[given("aircraft_code", "string"), having("capacity", &space)])
    });
}

/// How the capacity is spelled: as an object in JSON, as three cells in a table.
#[derive(Debug, Clone, Copy)]
pub(super) enum CapacityShape {
    Object,
    Cells,
}

/// Reads the arrival of a flight that leaves then.
fn read_arrival(raw: Raw<'_>, departure: Option<DateTime<Utc>>) -> Result<DateTime<Utc>, Fault> {
    let arrival = read::instant(raw)?;
    departure.and_then(|departure| fault_of_arrival(departure, arrival)).map_or(Ok(arrival), Err)
}

/// Without an aircraft the weight must be given: nothing else says what may be sold.
pub(super) fn read_capacity(fields: &mut Fields<'_>, shape: CapacityShape) -> Option<SpaceFields> {
    let has_aircraft = !fields.is_absent("aircraft_code");
    let read = |fields: &mut Fields<'_>| {
        let given = SpaceFields::read(fields);
        if !has_aircraft && fields.is_absent("weight_kg") {
            fields.missing("weight_kg");
        }
        given
    };
    match shape {
        CapacityShape::Cells => read(fields),
        CapacityShape::Object if has_aircraft => fields.optional("capacity", object(read)),
        CapacityShape::Object => fields.required("capacity", object(read)),
    }
}

/// Returns the capacity of a new flight: what is not given follows from the aircraft or, without one, from the weight.
/// `None` if nothing says how much the flight carries.
pub(super) fn complete_capacity(given: SpaceFields, aircraft: Option<&Aircraft>) -> Option<Space> {
    let own = aircraft.map(space_of);
    let weight = given.weight_kg.set().or(own.map(|own| own.weight))?;
    let volume = given.volume_m3.set().or(own.map(|own| own.volume)).unwrap_or(weight.standard_volume());
    let positions = given.positions.set().or(own.map(|own| own.positions)).unwrap_or_default();
    Some(Space { weight, volume, positions })
}

impl CreateFlight {
    /// Completes the capacity. `None` if nothing says how much the flight carries, which is a fault of its `capacity`.
    pub fn complete(self, reference: &Reference) -> Option<NewFlight> {
        let aircraft = self.aircraft_code.and_then(|code| reference.aircraft(code));
        let capacity = complete_capacity(self.capacity.unwrap_or_default(), aircraft.as_deref())?;
        Some(NewFlight {
            number: self.flight_number,
            origin: self.origin,
            destination: self.destination,
            departure: self.departure_datetime,
            arrival: self.arrival_datetime,
            aircraft: self.aircraft_code,
            is_freighter: aircraft.is_some_and(|aircraft| aircraft.is_freighter),
            capacity,
            cutoff_minutes: self.cutoff_minutes.unwrap_or(NewFlight::DEFAULT_CUTOFF_MINUTES),
            also_sold_as: None,
        })
    }
}

request! {
    /// Changes to a flight: a JSON merge patch (RFC 7396). Members that are left out remain unchanged.
    #[derive(Default, PartialEq)]
    pub struct ChangeFlight in patch(reference: &Reference, most_percent: u8) {
        /// Best known departure. A change also moves the cut-off.
        departure_datetime: Option<DateTime<Utc>> = read::instant,
        /// Best known arrival, at most 24 hours after the departure. The only member that can be changed after
        /// departure.
        arrival_datetime: Option<DateTime<Utc>> = read::instant,
        /// Without `capacity`, the capacity of the new aircraft applies. `null`: no aircraft.
        aircraft_code: Patch<AircraftCode> = |raw| reference.read_aircraft(raw),
        /// What the flight carries, before overbooking. Its members are merged. `null` for a member: the figure of the
        /// aircraft or, without one, the default for the weight.
        capacity: Option<SpaceFields> = object(SpaceFields::read),
        /// How much more may be sold. Its members are merged. `null`: no more.
        overbooking: Patch<OverbookingFields> = object(|fields| OverbookingFields::read(fields, most_percent)),
        /// Minutes before departure at which booking closes. `null`: 60.
        #[schema(minimum = 0, maximum = 43_200)]
        cutoff_minutes: Patch<u32> = read::integer(0, LONGEST_CUTOFF_MINUTES),
        /// Bookings to take off the flight before the other changes.
        #[schema(max_items = 10_000)]
        offload: Vec<BookingRef> = list(MOST_BOOKINGS, each_once(&RefCell::default())),
        /// Whether active holds end, newest first and allotments last, as far as the capacity requires. Default: false.
        release_holds: Option<bool> = read::boolean,
        /// `true` gives a flight that you keep from its feed back to it: its next run changes the flight again. `false` keeps it.
        /// Without it, a change of times, aircraft, capacity or cut-off keeps the flight.
        follow_feed: Option<bool> = read::boolean,
        /// Whether another aircraft may be too small for pieces that are booked: they stay on the flight. Default: false.
        accept_oversize: Option<bool> = read::boolean,
    }
}

/// Reads a booking's reference that is not among those `seen` before.
pub fn each_once(seen: &RefCell<BTreeSet<BookingRef>>) -> impl Fn(Raw<'_>) -> Result<BookingRef, Fault> {
    |raw| {
        let reference: BookingRef = read::code(raw)?;
        if seen.borrow_mut().insert(reference.clone()) {
            Ok(reference)
        } else {
            Err(Fault::format("names a booking that an earlier entry names"))
        }
    }
}

request! {
    /// Which flights a list shows; filters combine with AND.
    #[derive(Default)]
    pub struct FlightFilter in query(reference: &Reference) {
        /// IATA airport code
        origin: Option<AirportCode> = |raw| reference.read_airport(raw),
        /// IATA airport code
        destination: Option<AirportCode> = |raw| reference.read_airport(raw),
        /// Scheduled local departure date at the origin
        departure_date: Option<NaiveDate> = read::date,
        /// Only flights whose best known departure is at or after this time.
        departure_from: Option<DateTime<Utc>> = read::instant,
        /// Only flights whose best known departure is before this time.
        departure_to: Option<DateTime<Utc>> = read::instant,
        /// Only flights whose best known arrival is at or after this time, and that departed at most 3 days before it.
        arrival_from: Option<DateTime<Utc>> = read::instant,
        /// Only flights whose best known arrival is before this time.
        arrival_to: Option<DateTime<Utc>> = read::instant,
        /// Airline designator
        airline: Option<AirlineCode> = |raw| reference.read_airline(raw),
        /// Only flights with this number: their own, or one under which another carrier sells them.
        flight_number: Option<FlightNumber> = |raw| reference.read_flight_number(raw),
        /// Only those in this state.
        status: Option<FlightStatus> = read::word(FlightStatus::WORDS),
    }
}

words! {
    /// The orders of the list of flights; a leading `-` is descending.
    pub enum FlightSort {
        Earliest = "departure_datetime",
        Latest = "-departure_datetime",
        ArrivesFirst = "arrival_datetime",
        ArrivesLast = "-arrival_datetime",
        Number = "flight_number",
        NumberDescending = "-flight_number",
    }
}

impl FlightSort {
    pub fn direction(self) -> Direction {
        Direction::of(self.as_str())
    }

    pub const fn is_by_number(self) -> bool {
        matches!(self, Self::Number | Self::NumberDescending)
    }

    pub const fn is_by_arrival(self) -> bool {
        matches!(self, Self::ArrivesFirst | Self::ArrivesLast)
    }

    /// Returns the place of a flight in the order.
    pub const fn anchor(self, flight: &FlightBody) -> FlightAnchor {
        match self {
            Self::Number | Self::NumberDescending => {
                FlightAnchor::Number(flight.flight_number, flight.departure_datetime, flight.id)
            }
            Self::ArrivesFirst | Self::ArrivesLast => FlightAnchor::Time(flight.arrival_datetime, flight.id),
            Self::Earliest | Self::Latest => FlightAnchor::Time(flight.departure_datetime, flight.id),
        }
    }
}

request! {
    /// In which order a list shows flights.
    #[derive(Copy, Default)]
    pub struct FlightOrder in query {
        /// By best known departure (default), by best known arrival, or by flight number as text (`AI101` before `AI20`), then
        /// departure; a leading `-` is descending. By arrival, `departure_to` also leaves out flights that arrive 3 days after it
        /// or later.
        #[param(inline)]
        sort: Option<FlightSort> = read::word(FlightSort::WORDS),
    }
}

request! {
    /// Between which airports the routes of a list lead; filters combine with AND.
    #[derive(Copy, Default)]
    pub struct RouteFilter in query(reference: &Reference) {
        /// IATA airport code
        origin: Option<AirportCode> = |raw| reference.read_airport(raw),
        /// IATA airport code
        destination: Option<AirportCode> = |raw| reference.read_airport(raw),
    }
}

/// A route of an airline between two airports, derived from its flights.
#[derive(Debug, Serialize, ToSchema)]
pub struct AirlineRoute {
    pub airline_code: AirlineCode,
    pub origin: AirportCode,
    pub destination: AirportCode,
    /// Great-circle distance.
    pub distance_km: i64,
    /// The median over the flights of the route.
    pub typical_duration_minutes: i32,
    /// Number of departures in the next 30 days; a cancellation may take 60 seconds to be reflected.
    pub flights_next_30_days: i64,
    /// Local weekdays at the origin of these departures, ascending, 1 for Monday.
    #[schema(max_items = 7, example = json!([1, 3, 5]))]
    pub days_of_operation: Vec<i16>,
    /// Scheduled local date at the origin of the next departure; null if there is none to come.
    #[schema(required = true)]
    pub first_date: Option<NaiveDate>,
    /// The same of the last departure that is known.
    #[schema(required = true)]
    pub last_date: Option<NaiveDate>,
    /// What anybody was offered between its airports; null if nothing was offered in the last 90 days, or it cannot be read now.
    #[schema(required = true)]
    pub typical_rate: Option<TypicalRate>,
}
