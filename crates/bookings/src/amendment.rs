//! The effect of a merge patch on a booking: pure arithmetic, no I/O.
use std::fmt::Write;

use loadmaster_accounts::Role;
use loadmaster_kernel::{AwbNumber, FlightId, HandlingCode};
use loadmaster_platform::web::Patch;
use loadmaster_shipment::{Freight, FreightPatch, Load, TextsPatch};

use super::{
    BookingError,
    dto::AmendBooking,
    model::{Booking, BookingStatus, LegStatus},
};

/// A change of air waybill number; either side may be none.
pub(super) struct AwbMove {
    pub from: Option<AwbNumber>,
    pub to: Option<AwbNumber>,
}

impl AmendBooking {
    /// Returns whether it changes the freight data of the air waybill, which are fixed once the cargo has departed.
    const fn names_freight(&self) -> bool {
        let Self { dimensions, pieces, weight_kg, volume_m3, positions, awb_number, .. } = self;
        let is_kept = dimensions.is_keep() && volume_m3.is_keep() && positions.is_keep() && awb_number.is_keep();
        pieces.is_some() || weight_kg.is_some() || !is_kept
    }

    /// Returns whether pieces that do not fit are taken.
    pub fn accepts_oversize(&self) -> bool {
        self.accept_oversize.unwrap_or_default()
    }

    /// Returns the new route, in order of flying; empty: the route stays.
    pub fn way(&self) -> &[FlightId] {
        self.flight_ids.as_deref().unwrap_or_default()
    }

    /// Returns the flights to lock before the booking: those that release or take space, or may be of the wrong kind.
    pub fn flights_to_lock(&self, booking: &Booking) -> Vec<FlightId> {
        if !self.names_freight() && self.special_handling_codes.is_keep() && self.way().is_empty() {
            return Vec::new();
        }
        let ahead = booking.legs_in_force().filter(|leg| leg.status != LegStatus::Arrived);
        let mut flights: Vec<FlightId> = ahead.map(|leg| leg.flight_id).chain(self.way().iter().copied()).collect();
        flights.sort_unstable();
        flights.dedup();
        flights
    }

    /// Returns the air waybill numbers that it leaves and takes, if it changes the number.
    pub(crate) fn awb_move(&self, booking: &Booking) -> Option<AwbMove> {
        let (from, to) = (booking.awb_number.clone(), self.awb_number.clone().or(booking.awb_number.clone()));
        (from != to).then_some(AwbMove { from, to })
    }

    /// Returns whether the booking's state allows this caller the amendment.
    pub fn is_allowed(&self, booking: &Booking, role: Role) -> bool {
        let at_origin = booking.status == BookingStatus::Booked;
        let reroutes = at_origin || (role >= Role::Operator && !booking.at_destination());
        !booking.is_over() && (!self.names_freight() || at_origin) && (self.way().is_empty() || reroutes)
    }

    /// Returns whether it names the route that the booking already has, and that needs no rerouting.
    pub fn keeps_the_way(&self, booking: &Booking) -> bool {
        let same = booking.undeparted_legs().map(|leg| leg.flight_id).eq(self.way().iter().copied());
        self.way().is_empty() || (same && !booking.needs_rerouting)
    }

    pub fn amended(&self, booking: &Booking) -> Result<Booking, BookingError> {
        let mut amended = booking.clone();
        let texts = TextsPatch {
            description: &self.description,
            customer_reference: &self.customer_reference,
            shipper: &self.shipper,
            consignee: &self.consignee,
        };
        amended.texts = texts.apply(amended.texts).map_err(BookingError::Invalid)?;
        let codes = self.special_handling_codes.clone().or(Some(amended.special_handling_codes));
        amended.special_handling_codes = codes.unwrap_or_default();
        amended.awb_number = self.awb_number.clone().or(amended.awb_number);
        let load = Load { space: booking.space, volume_defaulted: booking.volume_defaulted };
        let before = Freight { pieces: Some(booking.pieces), load, dimensions: booking.dimensions.clone() };
        let changes = FreightPatch {
            pieces: self.pieces.map_or(Patch::Keep, Patch::Set),
            weight: self.weight_kg,
            volume: self.volume_m3,
            positions: self.positions,
            dimensions: &self.dimensions,
        };
        let Freight { pieces, load, dimensions } = changes.apply(&before).map_err(BookingError::Invalid)?;
        amended.pieces = pieces.unwrap_or(booking.pieces);
        amended.dimensions = dimensions;
        (amended.space, amended.volume_defaulted) = (load.space, load.volume_defaulted);
        Ok(amended)
    }
}

/// Names the changed members, figures with old and new values; contains no free text and no personal data.
pub(super) fn changes_text(before: &Booking, after: &Booking) -> String {
    let mut text = String::new();
    let mut add = |name: &str, change: Option<(String, String)>| {
        let separator = if text.is_empty() { "Changed " } else { "; " };
        _ = match change {
            Some((from, to)) => write!(text, "{separator}{name} from {from} to {to}"),
            None => write!(text, "{separator}{name}"),
        };
    };
    let awb = |booking: &Booking| booking.awb_number.as_ref().map_or("none".to_owned(), ToString::to_string);
    let codes = |booking: &Booking| match booking.special_handling_codes.as_slice() {
        [] => "none".to_owned(),
        codes => codes.iter().map(HandlingCode::as_str).collect::<Vec<_>>().join(" "),
    };
    let figures = |booking: &Booking| {
        [
            ("pieces", booking.pieces.count().to_string()),
            ("weight", booking.space.weight.to_string()),
            ("volume", booking.space.volume.to_string()),
            ("positions", booking.space.positions.count().to_string()),
            ("awb_number", awb(booking)),
            ("special_handling_codes", codes(booking)),
        ]
    };
    for ((name, from), (_, to)) in figures(before).into_iter().zip(figures(after)) {
        if from != to {
            add(name, Some((from, to)));
        }
    }
    if (before.volume_defaulted, after.volume_defaulted) == (true, false) {
        add("volume, which no longer follows the weight", None);
    } else if before.volume_defaulted != after.volume_defaulted {
        add("volume, which follows the weight from now on", None);
    }
    let texts = [
        ("dimensions", before.dimensions != after.dimensions),
        ("description", before.texts.description != after.texts.description),
        ("customer_reference", before.texts.customer_reference != after.texts.customer_reference),
        ("shipper", before.texts.shipper != after.texts.shipper),
        ("consignee", before.texts.consignee != after.texts.consignee),
    ];
    for (name, _) in texts.into_iter().filter(|(_, is_changed)| *is_changed) {
        add(name, None);
    }
    text.push('.');
    text
}
