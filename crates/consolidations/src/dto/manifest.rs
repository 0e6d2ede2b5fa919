use loadmaster_accounts::Principal;
use loadmaster_bookings::Booking;
use loadmaster_kernel::{AirportCode, AwbNumber, BookingRef, Pieces, Volume, Weight};
use serde::Serialize;
use utoipa::ToSchema;

use super::PartBody;

use crate::model::{Freight, Part, Whole, booking_of};

/// The house manifest of a master: the house shipments that travel on it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HouseManifest)]
pub(crate) struct ManifestBody {
    /// The name of the consolidation.
    pub name: String,
    pub origin: AirportCode,
    pub destination: AirportCode,
    /// The booking; null while there is none.
    #[schema(required = true)]
    pub booking_ref: Option<BookingRef>,
    /// The air waybill number of the booking.
    #[schema(required = true)]
    pub awb_number: Option<AwbNumber>,
    /// The parts that it carries, oldest first: of a booking those with which it was booked or amended last, else those that are
    /// ready at the origin.
    #[schema(max_items = 100)]
    pub parts: Vec<PartBody>,
    pub totals: HouseManifestTotals,
}

/// The sums of a house manifest.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HouseManifestTotals {
    /// Number of parts.
    pub parts: usize,
    /// Number of pieces.
    pub pieces: i32,
    pub weight_kg: Weight,
    pub volume_m3: Volume,
}

impl ManifestBody {
    /// Describes what this caller may read of the master of an origin. `None` if neither a master nor a part starts there.
    pub fn new(whole: &Whole, origin: AirportCode, bookings: &[Booking], caller: Principal) -> Option<Self> {
        let master = whole.master_of(origin);
        if master.is_none() && !whole.living_parts().any(|part| part.content.origin == origin) {
            return None;
        }
        let booking = master.filter(|master| master.is_booked()).and_then(|master| booking_of(master, bookings));
        let aboard = whole.aboard(origin);
        let sum = Freight::sum(aboard.iter().map(|part| &part.content));
        let body = |part: &&Part| PartBody::new(part, whole.shows_all_of(part, caller));
        Some(Self {
            name: whole.consolidation.terms.name.clone(),
            origin,
            destination: whole.consolidation.terms.destination,
            booking_ref: booking.map(|booking| booking.ref_id.clone()),
            awb_number: booking.and_then(|booking| booking.awb_number.clone()),
            parts: aboard.iter().map(body).collect(),
            totals: HouseManifestTotals {
                parts: aboard.len(),
                pieces: sum.as_ref().and_then(|sum| sum.pieces).map_or(0, Pieces::count),
                weight_kg: sum.as_ref().map_or(Weight::ZERO, |sum| sum.weight),
                volume_m3: sum.as_ref().map_or(Volume::ZERO, |sum| sum.volume),
            },
        })
    }
}
