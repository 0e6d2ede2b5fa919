//! Which bookings may miss their connection because a flight is late or was retimed, and which have lost a leg and are to be
//! rerouted, by flight. Judged by the flights' best known times at the moment of reading: a flight that departs or lands late does
//! not change the times of its legs.
use chrono::{DateTime, Utc};
use loadmaster_flights::{Flight, FlightAnchor, Window, find_all_in_tx};
use loadmaster_kernel::{BookingId, FlightId};
use loadmaster_platform::{
    postgres::{Database, DbError, PgSession, Recency},
    web::PageRequest,
};
use uuid::Uuid;

use super::{
    BookingError, BookingService,
    model::{Booking, BookingAnchor, Concern, FlightConcerns, Landing, LegStatus, ListedConcern, Sum},
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
    ) -> Result<Vec<ListedConcern>, BookingError> {
        let read = move |db: Database| async move {
            let mut snapshot = db.snapshot().await?;
            let now = self.clock.now();
            let landing = self.landing(flight, now);
            let before = page.after.map(|BookingAnchor(id)| id.uuid());
            let part = (before, page.fetch());
            let found = repository::bookings_concerned(&mut snapshot, &landing, now, concern, part).await?;
            let ids: Vec<Uuid> = found.iter().map(|found| found.booking_id).collect();
            let bookings = repository::in_order(&mut snapshot, &ids).await?;
            let flying = in_the_air(&mut snapshot, flight, &bookings).await?;
            let of = |booking: Booking| {
                let concerned = found.iter().find(|found| BookingId::from(found.booking_id) == booking.id).copied()?;
                let earliest_departure = self.earliest_departure(&booking, &flying, now);
                Some(ListedConcern { booking, concerned, earliest_departure })
            };
            Ok(bookings.into_iter().filter_map(of).collect())
        };
        self.db.reading(recency, read).await
    }

    /// Returns when another flight may take on what was flown: a connection after its landing. A landing is not before the booked
    /// arrival, by which a new route is judged. `None` if nothing was flown yet.
    fn earliest_departure(&self, booking: &Booking, flying: &[Flight], now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let flown = booking.last_leg_flown()?;
        let landing = if flown.status == LegStatus::Departed {
            flying.iter().find(|flight| flight.id == flown.flight_id).map(|flight| flight.arrival.max(now))
        } else {
            booking.moved_at
        };
        let landing = landing.map_or(flown.arrival, |landing| landing.max(flown.arrival));
        Some(landing + self.flights.connections().minimum(flown.destination))
    }

    fn landing(&self, flight: &Flight, now: DateTime<Utc>) -> Landing {
        Landing::of(flight, self.flights.connections().minimum(flight.destination).num_minutes(), now)
    }
}

/// Returns the flights on which freight of these bookings is in the air, `known` among them or not.
async fn in_the_air(db: &mut PgSession, known: &Flight, bookings: &[Booking]) -> Result<Vec<Flight>, DbError> {
    let ids = bookings.iter().filter_map(Booking::departed_leg).map(|leg| leg.flight_id);
    let others: Vec<FlightId> = ids.filter(|id| *id != known.id).collect();
    let mut flights = if others.is_empty() { Vec::new() } else { find_all_in_tx(db, &others).await? };
    flights.push(known.clone());
    Ok(flights)
}
