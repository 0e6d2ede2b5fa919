use chrono::{DateTime, Utc};
use loadmaster_capacity::{self as capacity, FlightCapacity, FlightStatus};
use loadmaster_kernel::{FlightId, words};
use loadmaster_platform::postgres::PgSession;

use super::{
    BookingError, BookingService,
    change::Alteration,
    courtesy::Target,
    draft::{Draft, EventDetails},
    metric,
    model::{Booking, BookingStatus, CORRECTED_WITHIN, Correction, Event, EventType, LegStatus},
    movement::check_flights_are_with_it,
    repository,
};

/// Takes back the last step of a shipment, which was recorded by mistake: the booking is again as before the step. The
/// step stays in the history, with an event that takes it back.
#[derive(Debug, Clone)]
pub(super) struct Correct {
    pub reason: String,
}

words! {
    /// Reason why the last step of a booking cannot be taken back.
    pub enum CorrectionObstacle {
        /// The booking has taken no step.
        NoStep = "no_step",
        /// The last step was taken back already.
        Corrected = "corrected",
        /// Others may have the space of a cancelled booking.
        Cancelled = "cancelled",
        /// The step was recorded more than an hour ago.
        TooLate = "too_late",
        /// A price, payment or refund has changed since the step.
        MoneyMoved = "money_moved",
        /// Anything else has changed since the step.
        ChangedSince = "changed_since",
        /// The flight itself has departed.
        FlightDeparted = "flight_departed",
        /// The flight itself has landed.
        FlightArrived = "flight_arrived",
    }
}

impl CorrectionObstacle {
    /// Returns the sentence that names the obstacle.
    pub const fn text(self) -> &'static str {
        match self {
            Self::NoStep => "The booking has taken no step that could be taken back.",
            Self::Corrected => "The last step was taken back already, and a correction cannot be taken back.",
            Self::Cancelled => "A cancellation cannot be taken back: its space may be sold already. Book again.",
            Self::TooLate => "The last step was recorded more than an hour ago.",
            Self::MoneyMoved => "A price, payment or refund has changed since the last step.",
            Self::ChangedSince => "The booking has changed since its last step.",
            Self::FlightDeparted => "The flight itself has departed, with all its bookings.",
            Self::FlightArrived => "The flight itself has landed, with all its bookings.",
        }
    }
}

/// Returns the obstacle to taking back the last step of a booking, if there is one. `last`: its last event; `flights`:
/// the flights of its legs in force.
fn obstacle(
    booking: &Booking,
    last: &Event,
    flights: &[FlightCapacity],
    now: DateTime<Utc>,
) -> Option<CorrectionObstacle> {
    use CorrectionObstacle as Obstacle;
    if booking.status == BookingStatus::Cancelled {
        return Some(Obstacle::Cancelled);
    }
    let flight = last.flight_id.and_then(|id| flights.iter().find(|flight| flight.flight_id == id));
    let flight = flight.map(|flight| flight.status);
    match last.event_type {
        EventType::Corrected => Some(Obstacle::Corrected),
        _ if booking.status == BookingStatus::Booked => Some(Obstacle::NoStep),
        EventType::Priced | EventType::PaymentChanged => Some(Obstacle::MoneyMoved),
        step if !step.is_movement() => Some(Obstacle::ChangedSince),
        _ if now > last.created_at + CORRECTED_WITHIN => Some(Obstacle::TooLate),
        EventType::Departed if flight != Some(FlightStatus::Scheduled) => Some(Obstacle::FlightDeparted),
        EventType::Arrived if flight == Some(FlightStatus::Arrived) => Some(Obstacle::FlightArrived),
        _ => None,
    }
}

/// Restores what the step had changed; `before`: status and time of the movement before it, if there was one.
fn take_back(booking: &mut Booking, step: &Event, before: Option<(BookingStatus, DateTime<Utc>)>) {
    booking.status = before.map_or(BookingStatus::Booked, |(status, _)| status);
    booking.moved_at = before.map(|(_, moved_at)| moved_at);
    // The data of an event are the members that it has changed.
    if let Some(changed) = step.data.get("needs_rerouting").and_then(serde_json::Value::as_bool) {
        booking.needs_rerouting = !changed;
    }
    let status = match step.event_type {
        EventType::Departed => LegStatus::Booked,
        EventType::Arrived => LegStatus::Departed,
        _ => return,
    };
    if let Some(leg) = booking.legs.iter_mut().find(|leg| Some(leg.id) == step.leg_id) {
        leg.status = status;
    }
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
        if let Some(obstacle) = obstacle(&booking, &last, &flights, author.now) {
            return Err(BookingError::CorrectionNotPossible(obstacle));
        }
        check_flights_are_with_it(&booking, &flights)?;
        let before = repository::moved_before(tx, booking.id, last.sequence).await?;
        let mut draft = Draft::of(booking);
        take_back(&mut draft.now, &last, before);
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
