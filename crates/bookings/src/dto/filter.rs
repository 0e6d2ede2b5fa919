use chrono::{DateTime, Utc};
use loadmaster_accounts::Principal;
use loadmaster_kernel::{AirportCode, FlightId, OrganizationId, words};
use loadmaster_platform::{
    listing::Direction,
    web::{read, request, with},
};
use loadmaster_reference::Reference;

use crate::model::BookingStatus;

request! {
    /// Which bookings a list shows; filters combine with AND.
    #[derive(Default)]
    pub struct BookingFilter in query(reference: &Reference, caller: Principal) {
        /// Only those in this state.
        status: Option<BookingStatus> = read::word(BookingStatus::WORDS),
        /// Only those from this airport.
        origin: Option<AirportCode> = |raw| reference.read_airport(raw),
        /// Only those to this airport.
        destination: Option<AirportCode> = |raw| reference.read_airport(raw),
        /// Only bookings with a leg in force on this flight.
        #[param(value_type = Option<uuid::Uuid>)]
        flight_id: Option<FlightId> = read::code,
        /// Only bookings created at or after this time.
        created_from: Option<DateTime<Utc>> = read::instant,
        /// Only bookings created before this time.
        created_to: Option<DateTime<Utc>> = read::instant,
        /// Only those of which a leg is missing (`true`), or none (`false`).
        needs_rerouting: Option<bool> = read::boolean,
        /// Part of the booking reference, air waybill number, customer reference or description. If bookings have exactly this
        /// reference or number, only these; else each page looks in 500 bookings, the next ones of the organization or, without
        /// one, of the route or the status. With it, `GET /bookings` has no `Total-Count`.
        q: Option<String> = read::line(100),
        /// Only bookings of this organization: for callers below operators, only their own.
        #[param(value_type = Option<uuid::Uuid>)]
        organization_id: Option<OrganizationId> = with(|fields| caller.read_organization(fields)),
    }
}

words! {
    /// The orders of the list of bookings; a leading `-` is descending.
    pub enum BookingSort {
        Oldest = "created_at",
        Newest = "-created_at",
        Earliest = "departure_datetime",
        Latest = "-departure_datetime",
    }
}

impl BookingSort {
    pub fn direction(self) -> Direction {
        Direction::of(self.as_str())
    }

    pub const fn is_by_departure(self) -> bool {
        matches!(self, Self::Earliest | Self::Latest)
    }
}

request! {
    /// In which order a list shows bookings.
    #[derive(Copy, Default)]
    pub struct BookingOrder in query {
        /// By creation (default `-created_at`, newest first) or by the departure of the first leg in force (or, if none is, of
        /// the first one); a leading `-` is descending. By departure the list has the newest 5000 bookings that match, or with `q` those of the newest 2000 that match.
        #[param(inline)]
        sort: Option<BookingSort> = read::word(BookingSort::WORDS),
    }
}
