use std::{cell::RefCell, collections::BTreeSet};

use chrono::{DateTime, Utc};
use loadmaster_bookings::{
    Booking, BookingStatus, Freight, FreightSum, LeftBehind, Leg, LegStatus, OffloadReason, OversizeAboard, Party,
};
use loadmaster_flights::{Flight, FlightBody, MOST_BOOKINGS, each_once};
use loadmaster_kernel::{
    AirportCode, AwbNumber, BookingRef, Centimetres, DimensionLine, Dimensions, FlightId, HandlingCode, LegId, Pieces,
    Positions, Volume, Weight, words,
};
use loadmaster_platform::web::{
    bulk::{self, Ids},
    object, objects, read, request,
};
use loadmaster_reference::{Reference, TooLarge};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::{
    model::Operated,
    preview::{Effect, Impact, Previewed},
};

/// A flight after a change of its status.
#[derive(Debug, Serialize, ToSchema)]
pub struct FlightStep {
    pub flight: FlightBody,
    /// Number of bookings that got an event.
    pub bookings_changed: usize,
    /// Only for a flight with very many bookings: number of bookings that are still to be updated in the background.
    /// Until then they show their former state, and the flight accepts no other action, except further changes of times
    /// after a change of times.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub bookings_pending: Option<usize>,
    /// The changed bookings that were left behind.
    pub left_behind: Vec<LeftBehindBody>,
}

/// A booking that a flight left behind.
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
            left_behind: left_behind.map(Into::into).collect(),
        }
    }
}

impl From<&LeftBehind> for LeftBehindBody {
    fn from(LeftBehind { ref_id, reason }: &LeftBehind) -> Self {
        Self { ref_id: ref_id.clone(), reason: *reason }
    }
}

/// What an action on a flight would do: the answer to `dry_run=true`. Nothing was changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct FlightPreview {
    /// Always true.
    pub dry_run: bool,
    /// The flight as it would be.
    pub flight: FlightBody,
    /// Number of bookings that would get an event: the length of `impact`.
    pub bookings_changed: usize,
    /// The changed bookings that would be left behind.
    pub left_behind: Vec<LeftBehindBody>,
    /// The bookings that would change, by reference.
    pub impact: Vec<ImpactBody>,
    /// The bookings of which a piece passes through no opening of the other aircraft, by reference: at most the first thousand.
    /// With some the change is 409 `piece_too_large`, unless it takes them off or has `accept_oversize`.
    #[schema(max_items = 1000)]
    pub oversize: Vec<OversizeBody>,
}

/// A booking of which a piece passes through no opening of an aircraft.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OversizeBooking)]
pub struct OversizeBody {
    pub ref_id: BookingRef,
    /// The line of its dimensions, from 1: the first with a piece that is too large.
    #[schema(minimum = 1)]
    pub line: usize,
    /// Of a piece of this line.
    pub length_cm: Centimetres,
    /// Of a piece of this line.
    pub width_cm: Centimetres,
    /// Of a piece of this line.
    pub height_cm: Centimetres,
}

impl From<OversizeAboard> for OversizeBody {
    fn from(OversizeAboard { ref_id, piece: TooLarge { line, piece, .. } }: OversizeAboard) -> Self {
        let DimensionLine { length_cm, width_cm, height_cm, .. } = piece;
        Self { ref_id, line, length_cm, width_cm, height_cm }
    }
}

/// What an action on a flight would do to one booking.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Impact)]
pub struct ImpactBody {
    pub ref_id: BookingRef,
    pub pieces: Pieces,
    pub weight_kg: Weight,
    /// What the change would do to the booking.
    pub effects: Vec<Effect>,
}

impl From<Impact> for ImpactBody {
    fn from(Impact { ref_id, pieces, weight, effects }: Impact) -> Self {
        Self { ref_id, pieces, weight_kg: weight, effects }
    }
}

impl FlightPreview {
    pub fn new(previewed: Previewed, reference: &Reference) -> Self {
        Self {
            dry_run: true,
            flight: FlightBody::new(&previewed.flight, reference),
            bookings_changed: previewed.impact.len(),
            left_behind: previewed.left_behind.iter().map(LeftBehindBody::from).collect(),
            impact: previewed.impact.into_iter().map(Into::into).collect(),
            oversize: previewed.oversize.into_iter().map(Into::into).collect(),
        }
    }
}

/// The parameter of an action on a flight that can be tried without effect.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "declares the parameter")]
pub struct DryRun {
    /// Show what the action would do to the flight and its bookings, and change nothing. The request is judged as without
    /// it, except that pieces that are too large for another aircraft are listed and not refused; an `Idempotency-Key` is not
    /// used up.
    dry_run: Option<bool>,
}

/// The flight after a step or, with `dry_run`, what the step would do.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "declares the answer")]
pub enum StepAnswer {
    Step(FlightStep),
    Preview(FlightPreview),
}

/// The changed flight or, with `dry_run`, what the change would do.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "declares the answer")]
pub enum ChangeAnswer {
    Flight(FlightBody),
    Preview(FlightPreview),
}

request! {
    /// The departure of a flight. All members are optional, and so is the body.
    pub struct DepartFlight in body {
        /// Default: now. Not before the cargo that it takes along was booked and has moved (name what was booked later in
        /// `left_behind`), at most `operations.backdate_days` (7) ago, and at most 5 minutes in the future.
        occurred_at: Option<DateTime<Utc>> = read::instant,
        /// Bookings to leave behind, even if their cargo is at the airport.
        #[schema(max_items = 10_000)]
        left_behind: Vec<LeaveBehind> = {
            let seen = RefCell::default();
            objects(MOST_BOOKINGS, move |fields| LeaveBehind::read(fields, &seen))
        },
    }
}

request! {
    /// A booking to leave behind.
    pub struct LeaveBehind in body(seen: &RefCell<BTreeSet<BookingRef>>) {
        ref_id: BookingRef = each_once(seen),
        reason: GivenReason = read::word(GivenReason::WORDS),
    }
}

impl From<LeaveBehind> for LeftBehind {
    fn from(LeaveBehind { ref_id, reason }: LeaveBehind) -> Self {
        Self { ref_id, reason: reason.into() }
    }
}

words! {
    /// Reason given by staff for leaving a booking behind. Missed connections are detected at departure.
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

request! {
    /// The arrival of a flight.
    pub struct ArriveFlight in body {
        /// Default: now. Not before the departure, at most `operations.backdate_days` (7) ago, and at most 5 minutes in the
        /// future.
        occurred_at: Option<DateTime<Utc>> = read::instant,
    }
}

request! {
    /// The cancellation of a flight. The reason appears in the histories of its bookings.
    #[derive(Default)]
    pub struct CancelFlight in body {
        /// Why, in your own words.
        #[schema(max_length = 500)]
        reason: Option<String> = read::prose(read::LINE),
    }
}

words! {
    /// An action on many flights.
    pub enum BulkFlightAction {
        Cancel = "cancel",
    }
}

request! {
    /// An action on many flights.
    pub struct BulkFlights in body {
        action: BulkFlightAction = read::word(BulkFlightAction::WORDS),
        /// Ids of the objects that the request applies to.
        #[schema(value_type = Vec<FlightId>, min_items = 1, max_items = 200)]
        ids: Ids<FlightId> = bulk::ids(read::code),
        /// The body of the single call.
        params: Option<CancelFlight> = object(CancelFlight::read),
    }
}

/// The bookings on a flight, carried or planned.
#[derive(Debug, Serialize, ToSchema)]
pub struct Manifest {
    pub flight: FlightBody,
    /// The bookings with a leg in force on the flight, by reference: at most 1000; `Link` leads to the next page.
    #[schema(max_items = 1000)]
    pub bookings: Vec<ManifestLine>,
    pub totals: ManifestTotals,
}

/// A booking on a flight.
#[derive(Debug, Serialize, ToSchema)]
pub struct ManifestLine {
    pub ref_id: BookingRef,
    #[schema(required = true)]
    pub awb_number: Option<AwbNumber>,
    pub booking_status: BookingStatus,
    /// The leg of the booking on this flight.
    pub leg_id: LegId,
    pub leg_status: LegStatus,
    /// Origin of the booking, not of the flight.
    pub origin: AirportCode,
    /// Destination of the booking, not of the flight.
    pub destination: AirportCode,
    pub pieces: Pieces,
    pub weight_kg: Weight,
    pub volume_m3: Volume,
    /// The pieces of the booking, by size; null: not given.
    #[schema(required = true)]
    pub dimensions: Option<Dimensions>,
    pub positions: Positions,
    /// IATA special handling codes of the freight, such as `PER`.
    pub special_handling_codes: Vec<HandlingCode>,
    /// What the freight is, in your own words.
    #[schema(required = true)]
    pub description: Option<String>,
    #[schema(required = true)]
    pub shipper: Option<Party>,
    #[schema(required = true)]
    pub consignee: Option<Party>,
}

/// Sums over all bookings with a leg in force on the flight, regardless of the page.
#[derive(Debug, Serialize, ToSchema)]
pub struct ManifestTotals {
    #[serde(flatten)]
    pub all: ManifestSum,
    /// Sums by special handling code; a booking counts under each of its codes.
    pub special_handling_codes: Vec<HandlingSum>,
}

/// A sum over lines of a manifest.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct ManifestSum {
    /// Number of bookings.
    pub bookings: u64,
    /// Number of pieces.
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
        let lines = bookings.iter().filter_map(|booking| ManifestLine::of(booking, flight.id));
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

impl ManifestLine {
    /// Returns the line of a booking on a flight; `None` if it has no leg in force there.
    pub fn of(booking: &Booking, flight: FlightId) -> Option<Self> {
        Some(line(booking, leg_on(booking, flight)?))
    }
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
        dimensions: booking.dimensions.clone(),
        positions: leg.space.positions,
        special_handling_codes: booking.special_handling_codes.clone(),
        description: booking.texts.description.clone(),
        shipper: booking.texts.shipper.clone(),
        consignee: booking.texts.consignee.clone(),
    }
}
