//! Which bookings may miss their connection because a flight is late or was retimed, and which have lost a leg and are to be
//! rerouted, by flight. Judged by the flights' best known times at the moment of reading: a flight that departs or lands late does
//! not change the times of its legs.
use chrono::{DateTime, Utc};
use loadmaster_flights::{Flight, FlightAnchor, Window};
use loadmaster_kernel::BookingId;
use loadmaster_platform::{
    postgres::{Database, Recency},
    web::PageRequest,
};
use uuid::Uuid;

use super::{
    BookingError, BookingService,
    model::{Booking, BookingAnchor, Concern, Concerned, FlightConcerns, Landing, Sum},
    repository,
};

impl BookingService {
    /// Returns the flights of a window with bookings whose connection is at risk or that are to be rerouted, and the last flight
    /// that was looked at if there may be more: a page has fewer entries than flights were looked at.
    pub(super) async fn concerns(
        &self,
        window: Window,
        page: &PageRequest<FlightAnchor>,
        recency: Recency,
    ) -> Result<(Vec<FlightConcerns>, Option<FlightAnchor>), BookingError> {
        let read = move |db: Database| async move {
            let mut snapshot = db.snapshot().await?;
            let mut flights = window.flights_in_tx(&mut snapshot, page.after, page.fetch()).await?;
            let last = page.cut(&mut flights).map(|last| FlightAnchor::Time(last.departure, last.id));
            let now = self.clock.now();
            let landings: Vec<Landing> = flights.iter().map(|flight| self.landing(flight, now)).collect();
            let sums = repository::concerned(&mut snapshot, &landings, now).await?;
            let of = |flight: Flight| {
                let sums: Vec<Sum> = sums.iter().filter(|sum| sum.flight_id == flight.id).copied().collect();
                (!sums.is_empty()).then_some(FlightConcerns { flight, sums })
            };
            Ok((flights.into_iter().filter_map(of).collect(), last))
        };
        self.db.reading(recency, read).await
    }

    /// Returns the bookings of a flight whose connection is at risk or that are to be rerouted, newest first.
    pub(super) async fn concerned(
        &self,
        flight: &Flight,
        concern: Option<Concern>,
        page: &PageRequest<BookingAnchor>,
        recency: Recency,
    ) -> Result<Vec<(Booking, Concerned)>, BookingError> {
        let read = move |db: Database| async move {
            let mut snapshot = db.snapshot().await?;
            let now = self.clock.now();
            let landing = self.landing(flight, now);
            let before = page.after.map(|BookingAnchor(id)| id.uuid());
            let part = (before, page.fetch());
            let found = repository::bookings_concerned(&mut snapshot, &landing, now, concern, part).await?;
            let ids: Vec<Uuid> = found.iter().map(|found| found.booking_id).collect();
            let bookings = repository::in_order(&mut snapshot, &ids).await?.into_iter();
            let of = |booking: Booking| {
                let concern = found.iter().find(|found| BookingId::from(found.booking_id) == booking.id).copied()?;
                Some((booking, concern))
            };
            Ok(bookings.filter_map(of).collect())
        };
        self.db.reading(recency, read).await
    }

    fn landing(&self, flight: &Flight, now: DateTime<Utc>) -> Landing {
        Landing::of(flight, self.flights.connections().minimum(flight.destination).num_minutes(), now)
    }
}
