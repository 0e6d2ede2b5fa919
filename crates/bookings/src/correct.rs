use loadmaster_capacity as capacity;
use loadmaster_kernel::FlightId;
use loadmaster_platform::postgres::PgSession;

use super::{
    BookingError, BookingService,
    change::Alteration,
    courtesy::Target,
    draft::{Draft, EventDetails},
    metric,
    model::{Booking, Correction, CorrectionObstacle, EventType},
    movement::check_flights_are_with_it,
    repository,
};

/// Takes back the last step of a shipment, which was recorded by mistake: the booking is again as before the step. The
/// step stays in the history, with an event that takes it back.
#[derive(Debug, Clone)]
pub(super) struct Correct {
    pub reason: String,
}

/// Returns the flights to lock before the booking: no flight departs, lands or is cancelled meanwhile.
fn flights_to_lock(booking: &Booking) -> Vec<FlightId> {
    let mut flights: Vec<FlightId> = booking.legs_in_force().map(|leg| leg.flight_id).collect();
    flights.sort_unstable();
    flights.dedup();
    flights
}

impl Alteration for Correct {
    const NAME: &'static str = "bookings.correct";

    async fn apply(
        &self,
        bookings: &BookingService,
        tx: &mut PgSession,
        target: &Target,
        seen: &Booking,
    ) -> Result<Booking, BookingError> {
        let locked = flights_to_lock(seen);
        let flights = capacity::lock_in_tx(tx, &locked).await?;
        let booking = repository::lock_booking(tx, seen.id).await?;
        let booking = booking.filter(|booking| booking.is_visible_to(target.caller)).ok_or(BookingError::Unknown)?;
        target.precondition.check(booking.version).map_err(BookingError::VersionMismatch)?;
        if flights_to_lock(&booking) != locked {
            return Err(BookingError::Raced);
        }
        let last = repository::newest_events(tx, booking.id, None, 1).await?.pop().ok_or(BookingError::Unknown)?;
        let author = bookings.author(Some(target.caller.user_id));
        if let Some(obstacle) = CorrectionObstacle::of(&booking, &last, &flights, author.now) {
            return Err(BookingError::CorrectionNotPossible(obstacle));
        }
        check_flights_are_with_it(&booking, &flights)?;
        let before = repository::moved_before(tx, booking.id, last.sequence).await?;
        let mut draft = Draft::of(booking);
        draft.now.take_back(&last, before);
        let details = EventDetails {
            leg: draft.now.legs.iter().find(|leg| Some(leg.id) == last.leg_id).cloned(),
            notes: Some(self.reason.clone()),
            corrects: Some(Correction { event_id: last.id, sequence: last.sequence, status: last.status }),
            ..EventDetails::default()
        };
        draft.record(author, EventType::Corrected, details);
        Ok(draft.save_alone_in_tx(tx).await?)
    }

    fn applied(&self, bookings: &BookingService, booking: &Booking) {
        bookings.changed(booking);
        metric::BOOKING_ACTIONS.with(["correct"]).increment(1);
        tracing::info!(ref_id = %booking.ref_id, status = booking.status.as_str(), "last step of a booking taken back");
    }
}
