use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_accounts::Principal;
use loadmaster_capacity::Space;
use loadmaster_kernel::{
    AirlineCode, AirportCode, AllotmentId, FlightId, FlightNumber, OrganizationId, Positions, Volume, Weight,
};
use loadmaster_platform::web::{read, request, set, with};
use loadmaster_reference::Reference;
use loadmaster_shipment::Load;
use serde::Serialize;
use utoipa::ToSchema;

use super::model::{Allotment, AllotmentStatus, OnFlight};

const DAYS: usize = 7;
/// A year.
const MOST_RELEASE_HOURS: i32 = 8_784;

/// Room that an organization has on every flight of a kind.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Allotment)]
pub struct AllotmentBody {
    /// Permanent identifier.
    pub id: AllotmentId,
    /// The organization that it belongs to.
    pub organization_id: OrganizationId,
    /// Its name.
    pub name: String,
    #[schema(required = true)]
    pub airline_code: Option<AirlineCode>,
    #[schema(required = true)]
    pub flight_number: Option<FlightNumber>,
    pub origin: AirportCode,
    pub destination: AirportCode,
    /// Days of the local departure, 1 (Monday) to 7; empty: every day.
    pub weekdays: Vec<i16>,
    /// First local departure date.
    pub date_from: NaiveDate,
    /// Last local departure date.
    pub date_to: NaiveDate,
    pub weight_kg: Weight,
    pub volume_m3: Volume,
    pub positions: Positions,
    /// Hours before the departure at which the room is released.
    pub release_hours: i32,
    /// Number that increases with each change; the `ETag` contains it.
    pub version: i32,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl From<&Allotment> for AllotmentBody {
    fn from(allotment: &Allotment) -> Self {
        Self {
            id: allotment.id,
            organization_id: allotment.organization_id,
            name: allotment.name.clone(),
            airline_code: allotment.airline_code,
            flight_number: allotment.flight_number,
            origin: allotment.origin,
            destination: allotment.destination,
            weekdays: allotment.weekdays.clone(),
            date_from: allotment.date_from,
            date_to: allotment.date_to,
            weight_kg: allotment.space.weight,
            volume_m3: allotment.space.volume,
            positions: allotment.space.positions,
            release_hours: allotment.release_hours,
            version: allotment.version,
            created_at: allotment.created_at,
            updated_at: allotment.updated_at,
        }
    }
}

/// An allotment on one flight.
#[derive(Debug, Serialize, ToSchema)]
pub struct AllotmentFlight {
    /// The flight.
    pub flight_id: FlightId,
    pub flight_number: FlightNumber,
    /// Best known departure, UTC.
    pub departure_datetime: DateTime<Utc>,
    pub status: AllotmentStatus,
    /// What is kept now for the organization.
    pub kept: Space,
    /// What the organization's bookings and holds have drawn from it and still take.
    pub drawn: Space,
}

impl From<&OnFlight> for AllotmentFlight {
    fn from(on: &OnFlight) -> Self {
        Self {
            flight_id: on.flight_id,
            flight_number: on.flight_number,
            departure_datetime: on.departure,
            status: on.status,
            kept: on.kept,
            drawn: on.drawn,
        }
    }
}

request! {
    /// A new allotment.
    pub struct CreateAllotment in body(reference: &Reference) {
        /// The organization that it belongs to.
        organization_id: OrganizationId = read::code,
        /// Its name.
        #[schema(max_length = 500)]
        name: String = read::line(read::LINE),
        /// Only flights of this airline.
        airline_code: Option<AirlineCode> = |raw| reference.read_airline(raw),
        /// Only flights with this number.
        flight_number: Option<FlightNumber> = |raw| reference.read_flight_number(raw),
        origin: AirportCode = |raw| reference.read_airport(raw),
        destination: AirportCode = |raw| reference.read_destination(raw, origin),
        /// Days of the local departure, 1 (Monday) to 7. Default: every day.
        #[schema(max_items = 7, minimum = 1, maximum = 7)]
        weekdays: Vec<i16> = set(DAYS, read::integer(1, 7)),
        /// First local departure date.
        date_from: NaiveDate = read::date,
        /// Last local departure date.
        date_to: NaiveDate = read::date,
        weight_kg: Weight = read::weight,
        /// Default: the weight divided by 166.667 kg per m³, rounded up to 0.001 m³.
        volume_m3: Option<Volume> = read::volume,
        /// Number of whole ULD positions, of any type.
        positions: Option<Positions> = read::positions,
        /// Hours before the departure at which the room is released.
        #[schema(default = 48, minimum = 0, maximum = 8784)]
        release_hours: Option<i32> = read::integer(0, MOST_RELEASE_HOURS),
    }
}

impl CreateAllotment {
    pub fn load(&self) -> Load {
        Load::of(self.weight_kg, self.volume_m3, self.positions)
    }
}

request! {
    /// A change of an allotment: a JSON merge patch (RFC 7396). The holds follow within 60 seconds.
    #[derive(PartialEq)]
    pub struct ChangeAllotment in patch(reference: &Reference) {
        /// Its name.
        #[schema(max_length = 500)]
        name: Option<String> = read::line(read::LINE),
        airline_code: Patch<AirlineCode> = |raw| reference.read_airline(raw),
        flight_number: Patch<FlightNumber> = |raw| reference.read_flight_number(raw),
        origin: Option<AirportCode> = |raw| reference.read_airport(raw),
        destination: Option<AirportCode> = |raw| reference.read_airport(raw),
        /// Days of the week of the local departure, 1 (Monday) to 7; null or empty: all.
        #[schema(max_items = 7, minimum = 1, maximum = 7)]
        weekdays: Patch<Vec<i16>> = set(DAYS, read::integer(1, 7)),
        /// The first local date of departure.
        date_from: Option<NaiveDate> = read::date,
        /// The last local date of departure.
        date_to: Option<NaiveDate> = read::date,
        weight_kg: Option<Weight> = read::weight,
        /// `null`: the default for the weight.
        volume_m3: Patch<Volume> = read::volume,
        positions: Patch<Positions> = read::positions,
        /// `null`: 48.
        #[schema(minimum = 0, maximum = 8784)]
        release_hours: Patch<i32> = read::integer(0, MOST_RELEASE_HOURS),
    }
}

impl ChangeAllotment {
    /// Returns the allotment after the change; its counters stay.
    pub fn applied(&self, before: &Allotment) -> Allotment {
        let load = Load { space: before.space, volume_defaulted: before.volume_defaulted };
        let load = load.amended(self.weight_kg, self.volume_m3, self.positions);
        Allotment {
            name: self.name.clone().unwrap_or_else(|| before.name.clone()),
            airline_code: self.airline_code.or(before.airline_code),
            flight_number: self.flight_number.or(before.flight_number),
            origin: self.origin.unwrap_or(before.origin),
            destination: self.destination.unwrap_or(before.destination),
            weekdays: self.weekdays.clone().or(Some(before.weekdays.clone())).unwrap_or_default(),
            date_from: self.date_from.unwrap_or(before.date_from),
            date_to: self.date_to.unwrap_or(before.date_to),
            space: load.space,
            volume_defaulted: load.volume_defaulted,
            release_hours: self.release_hours.or(Some(before.release_hours)).unwrap_or(super::model::RELEASE_HOURS),
            ..before.clone()
        }
    }
}

request! {
    /// Which allotments a list shows.
    #[derive(Default)]
    pub struct AllotmentFilter in query(caller: Principal) {
        /// Only allotments of this organization: for callers below operators, only their own.
        #[param(value_type = Option<uuid::Uuid>)]
        organization_id: Option<OrganizationId> = with(|fields| caller.read_organization(fields)),
    }
}
