use std::{cell::RefCell, collections::HashSet};

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::model::Operated;
use crate::{
    features::{
        bookings::{Booking, BookingStatus, Freight, FreightSum, LeftBehind, Leg, LegStatus, OffloadReason, Party},
        capacity::SpaceFields,
        flights::{Flight, FlightBody, FlightChange},
        reference::Reference,
    },
    kernel::{
        AircraftCode, AirportCode, AwbNumber, BookingRef, Fault, FlightId, HandlingCode, LegId, Pieces, Positions,
        Volume, Weight, words,
    },
    platform::web::{Fields, Raw, read},
};

/// More bookings than any flight carries.
const MOST_BOOKINGS: usize = 10_000;

/// A flight after a step.
#[derive(Debug, Serialize, ToSchema)]
pub struct FlightStep {
    pub flight: FlightBody,
    /// How many bookings got an event.
    pub bookings_changed: usize,
    /// Only of a flight with very many bookings: how many follow in the background. Until then they stand as before, and the
    /// flight takes no other step than new times after new times.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bookings_pending: Option<usize>,
    /// Of those that were changed.
    pub left_behind: Vec<LeftBehindBody>,
}

/// A booking that a flight left without.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LeftBehind)]
pub struct LeftBehindBody {
    pub ref_id: BookingRef,
    pub reason: OffloadReason,
}

impl FlightStep {
    pub fn new(done: &Operated, reference: &Reference) -> Self {
        let left_behind = done.left_behind.iter();
        Self {
            flight: FlightBody::new(&done.flight, reference),
            bookings_changed: done.bookings_changed,
            bookings_pending: Some(done.bookings_pending).filter(|pending| *pending > 0),
            left_behind: left_behind
                .map(|left| LeftBehindBody { ref_id: left.ref_id.clone(), reason: left.reason })
                .collect(),
        }
    }
}

/// How a flight left; all of it may be left out, and so may the body.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "describes the body")]
pub struct DepartFlight {
    /// Default now. Not before the last movement of what it carries, at most five minutes ahead.
    pub occurred_at: Option<DateTime<Utc>>,
    /// Bookings that it leaves without, although their cargo may be there.
    #[schema(max_items = 10_000)]
    pub left_behind: Option<Vec<LeaveBehind>>,
}

/// A booking to leave behind.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "describes the body")]
pub struct LeaveBehind {
    pub ref_id: BookingRef,
    pub reason: GivenReason,
}

words! {
    /// Why staff leaves a booking behind. Whether a connection was missed, the departure finds out by itself.
    pub enum GivenReason {
        NoShow = "NO_SHOW",
        Offloaded = "OFFLOADED",
    }
}

impl From<GivenReason> for OffloadReason {
    fn from(reason: GivenReason) -> Self {
        match reason {
            GivenReason::NoShow => Self::NoShow,
            GivenReason::Offloaded => Self::Offloaded,
        }
    }
}

pub(super) fn read_departure(fields: &mut Fields<'_>) -> (Option<DateTime<Utc>>, Vec<LeftBehind>) {
    let occurred_at = fields.optional("occurred_at", read::instant);
    let seen = RefCell::default();
    let left = fields.objects("left_behind", MOST_BOOKINGS, |inner| {
        let ref_id = inner.required("ref_id", each_once(&seen));
        let reason = inner.required("reason", read::word(GivenReason::WORDS));
        Some(LeftBehind { ref_id: ref_id?, reason: reason?.into() })
    });
    (occurred_at, left.unwrap_or_default())
}

/// How a flight landed.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "describes the body")]
pub struct ArriveFlight {
    /// Default now. Not before its departure, at most five minutes ahead.
    pub occurred_at: Option<DateTime<Utc>>,
}

pub(super) fn read_arrival(fields: &mut Fields<'_>) -> Option<DateTime<Utc>> {
    fields.optional("occurred_at", read::instant)
}

/// Why a flight is cancelled; its bookings' histories will say so.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "describes the body")]
pub struct CancelFlight {
    #[schema(max_length = 500)]
    pub reason: Option<String>,
}

pub(super) fn read_reason(fields: &mut Fields<'_>) -> Option<String> {
    fields.optional("reason", read::prose(read::LINE))
}

/// What is to be different about a flight: a JSON merge patch (RFC 7396). What is left out stays.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "describes the body; FlightChange is what it is read into")]
pub struct ChangeFlight {
    /// Best known departure. The cut-off moves along.
    #[schema(nullable = false)]
    pub departure_datetime: Option<DateTime<Utc>>,
    /// Best known arrival: after the departure, at most 24 hours. All that can change once departed.
    #[schema(nullable = false)]
    pub arrival_datetime: Option<DateTime<Utc>>,
    /// Without `capacity`, the new aircraft's figures are taken. `null`: none.
    pub aircraft_code: Option<AircraftCode>,
    /// Its members merge. `null` for one of them: the aircraft's figure, else what the weight gives.
    #[schema(nullable = false)]
    pub capacity: Option<SpaceFields>,
    /// How long before departure booking closes. `null`: 60.
    #[schema(minimum = 0, maximum = 43_200)]
    pub cutoff_minutes: Option<u32>,
    /// Bookings to take off the flight before anything else.
    #[schema(max_items = 10_000)]
    pub offload: Option<Vec<BookingRef>>,
}

pub(super) fn read_change(fields: &mut Fields<'_>, reference: &Reference) -> (FlightChange, Vec<BookingRef>) {
    let change = FlightChange::read(fields, reference);
    let seen = RefCell::default();
    let offload = fields.list("offload", MOST_BOOKINGS, each_once(&seen));
    (change, offload.unwrap_or_default())
}

/// A booking's reference that was not read before.
fn each_once(seen: &RefCell<HashSet<BookingRef>>) -> impl Fn(Raw<'_>) -> Result<BookingRef, Fault> {
    |raw| {
        let reference: BookingRef = read::code(raw)?;
        if seen.borrow_mut().insert(reference.clone()) {
            Ok(reference)
        } else {
            Err(Fault::format("names a booking that is named before"))
        }
    }
}

/// What a flight carries, or is booked to carry.
#[derive(Debug, Serialize, ToSchema)]
pub struct Manifest {
    pub flight: FlightBody,
    /// With a leg in force on the flight, by reference: at most 1000, `Link` leads to the next.
    #[schema(max_items = 1000)]
    pub bookings: Vec<ManifestLine>,
    pub totals: ManifestTotals,
}

/// A shipment on a flight.
#[derive(Debug, Serialize, ToSchema)]
pub struct ManifestLine {
    pub ref_id: BookingRef,
    #[schema(required = true)]
    pub awb_number: Option<AwbNumber>,
    pub booking_status: BookingStatus,
    pub leg_id: LegId,
    pub leg_status: LegStatus,
    /// Where the shipment comes from, not the flight.
    pub origin: AirportCode,
    /// Where the shipment goes to, not the flight.
    pub destination: AirportCode,
    pub pieces: Pieces,
    pub weight_kg: Weight,
    pub volume_m3: Volume,
    pub positions: Positions,
    pub special_handling_codes: Vec<HandlingCode>,
    #[schema(required = true)]
    pub description: Option<String>,
    #[schema(required = true)]
    pub shipper: Option<Party>,
    #[schema(required = true)]
    pub consignee: Option<Party>,
}

/// Sums over all bookings with a leg in force on the flight, whatever part of them is shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct ManifestTotals {
    #[serde(flatten)]
    pub all: ManifestSum,
    /// By special handling code; a shipment counts under each of its codes.
    pub special_handling_codes: Vec<HandlingSum>,
}

/// The sum of some lines of a manifest.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct ManifestSum {
    pub bookings: u64,
    pub pieces: u64,
    pub weight_kg: Weight,
    pub volume_m3: Volume,
    pub positions: Positions,
}

/// The sum of the lines with one special handling code.
#[derive(Debug, Serialize, ToSchema)]
pub struct HandlingSum {
    pub code: HandlingCode,
    #[serde(flatten)]
    pub sum: ManifestSum,
}

impl Manifest {
    pub fn new(flight: &Flight, bookings: &[Booking], freight: &Freight, reference: &Reference) -> Self {
        let lines = bookings.iter().filter_map(|booking| Some(line(booking, leg_on(booking, flight.id)?)));
        let sums = freight.by_code.iter().map(|(code, sum)| HandlingSum { code: *code, sum: (*sum).into() });
        Self {
            flight: FlightBody::new(flight, reference),
            totals: ManifestTotals { all: freight.all.into(), special_handling_codes: sums.collect() },
            bookings: lines.collect(),
        }
    }
}

impl From<FreightSum> for ManifestSum {
    fn from(sum: FreightSum) -> Self {
        let FreightSum { bookings, pieces, space } = sum;
        Self { bookings, pieces, weight_kg: space.weight, volume_m3: space.volume, positions: space.positions }
    }
}

/// Which part of a manifest is wanted.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "the fields are OpenAPI text; PageFields reads them")]
pub struct ManifestParams {
    /// Bookings on a page; over 1000 means 1000.
    #[param(minimum = 1, default = 1000)]
    limit: Option<u32>,
    /// From the `Link` header of the page before.
    cursor: Option<String>,
}

fn leg_on(booking: &Booking, flight: FlightId) -> Option<&Leg> {
    booking.legs_in_force().find(|leg| leg.flight_id == flight)
}

fn line(booking: &Booking, leg: &Leg) -> ManifestLine {
    ManifestLine {
        ref_id: booking.ref_id.clone(),
        awb_number: booking.awb_number.clone(),
        booking_status: booking.status,
        leg_id: leg.id,
        leg_status: leg.status,
        origin: booking.origin,
        destination: booking.destination,
        pieces: leg.pieces,
        weight_kg: leg.space.weight,
        volume_m3: leg.space.volume,
        positions: leg.space.positions,
        special_handling_codes: booking.special_handling_codes.clone(),
        description: booking.texts.description.clone(),
        shipper: booking.texts.shipper.clone(),
        consignee: booking.texts.consignee.clone(),
    }
}
