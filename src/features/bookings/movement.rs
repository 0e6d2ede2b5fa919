use chrono::{DateTime, TimeDelta, Utc};

use super::{
    BookingError, BookingService,
    change::{Target, Verb},
    draft::{Author, Draft, EventDetails},
    dto::RecordMovement,
    model::{Action, Booking, BookingStatus, EventType, Leg, LegStatus},
    repository,
};
use crate::{
    features::capacity::{self, FlightCapacity, FlightStatus},
    kernel::{AirportCode, Fault, FaultCode},
    platform::postgres::PgSession,
};

/// Clocks of terminals differ: a movement may be reported this long before it happens.
const MOST_AHEAD: TimeDelta = TimeDelta::minutes(5);

/// A booking under lock in an open transaction, with the flights its action needs.
pub(super) struct Locked {
    pub draft: Draft,
    pub flights: Vec<FlightCapacity>,
}

/// Departs, arrives or delivers a shipment: moves its current leg, not the flight.
pub(super) struct Advance {
    pub action: Action,
    pub movement: RecordMovement,
}

impl Verb for Advance {
    const NAME: &'static str = "bookings.advance";

    async fn apply(
        &self,
        bookings: &BookingService,
        tx: &mut PgSession,
        target: &Target,
        seen: &Booking,
    ) -> Result<Booking, BookingError> {
        let Self { action, movement } = self;
        let Locked { mut draft, flights } = bookings.lock_in_tx(tx, target, seen, *action).await?;
        let author = bookings.author(Some(target.caller.user_id));
        let booking = &draft.now;
        let Some(leg) = booking.leg_of(*action).cloned() else {
            let allowed = booking.allowed(target.caller.role);
            return Err(BookingError::InvalidTransition { from: booking.status, action: *action, allowed });
        };
        if let Some(flight) = flights.iter().find(|flight| flight.flight_id == leg.flight_id)
            && flight.status == FlightStatus::Cancelled
        {
            return Err(BookingError::FlightCancelled(leg.flight_number));
        }
        let step = Step::of(*action, booking, &leg);
        check_claims(movement, *action, step.place, &leg)?;
        let occurred_at = occurred_at(movement.occurred_at, booking.moved_at, author.now)?;
        bookings.step(&mut draft, &step, leg, occurred_at, movement.notes.clone(), author);
        Ok(draft.save_alone_in_tx(tx).await?)
    }

    fn applied(&self, bookings: &BookingService, booking: &Booking) {
        tracing::info!(ref_id = %booking.ref_id, action = self.action.as_str(), "booking moved");
        bookings.count(self.action, 1);
    }
}

impl BookingService {
    /// Makes a step that has passed its checks and records the event.
    pub(super) fn step(
        &self,
        draft: &mut Draft,
        step: &Step,
        leg: Leg,
        occurred_at: DateTime<Utc>,
        notes: Option<String>,
        author: Author<'_>,
    ) {
        draft.now.status = step.status;
        draft.now.moved_at = Some(occurred_at);
        if let Some(moved) = draft.leg_mut(leg.id) {
            moved.status = step.leg_status;
        }
        // The cargo may have made a connection that was too short.
        draft.now.needs_rerouting &= self.lacks_a_way(&draft.now);
        let told = EventDetails { leg: Some(leg), location: Some(step.place), notes, occurred_at: Some(occurred_at) };
        draft.record(author, step.event_type, told);
    }

    /// Locks the rows that an action needs, flights before the booking, and checks the action against the locked state:
    /// version, then transition. `seen` is the booking as read before.
    pub(super) async fn lock_in_tx(
        &self,
        tx: &mut PgSession,
        target: &Target,
        seen: &Booking,
        action: Action,
    ) -> Result<Locked, BookingError> {
        let wanted = seen.flights_to_lock(action);
        // Air waybill, flights, booking: always in this order.
        if let (Action::Cancel, Some(awb)) = (action, &seen.awb_number) {
            repository::free_awb(tx, awb, seen.id).await?;
        }
        let flights = capacity::lock_in_tx(tx, &wanted).await?;
        let booking = repository::lock_booking(tx, seen.id).await?.ok_or(BookingError::Unknown)?;
        if !target.precondition.holds(booking.version) {
            return Err(BookingError::VersionMismatch(booking.version));
        }
        let allowed = booking.allowed(target.caller.role);
        if !allowed.contains(&action) {
            return Err(BookingError::InvalidTransition { from: booking.status, action, allowed });
        }
        // The booking changed between reading and locking: the locks held are not the ones it now needs.
        if booking.flights_to_lock(action) != wanted || booking.awb_number != seen.awb_number {
            return Err(BookingError::Raced);
        }
        // The cancellation of a flight records its own event and releases the same room.
        let scheduled = |flight: &&FlightCapacity| flight.status != FlightStatus::Cancelled;
        check_flights_are_with_it(&booking, flights.iter().filter(scheduled))?;
        Ok(Locked { draft: Draft::of(booking), flights })
    }
}

/// Refuses the change while a flight's step has not reached the booking. A flight that departs, lands or is cancelled
/// takes all its bookings along, but a very large number not in one transaction.
pub(super) fn check_flights_are_with_it<'a>(
    booking: &Booking,
    flights: impl IntoIterator<Item = &'a FlightCapacity>,
) -> Result<(), BookingError> {
    let is_waited_for = |flight: &FlightCapacity| {
        booking.legs.iter().filter(|leg| leg.flight_id == flight.flight_id).any(|leg| match leg.status {
            LegStatus::Booked => flight.status != FlightStatus::Scheduled,
            LegStatus::Departed => flight.status == FlightStatus::Arrived,
            _ => false,
        })
    };
    if flights.into_iter().any(is_waited_for) {
        return Err(BookingError::Locked(booking.ref_id.clone()));
    }
    Ok(())
}

/// The place of a step, and the resulting states of booking and leg.
pub(super) struct Step {
    pub place: AirportCode,
    pub status: BookingStatus,
    pub leg_status: LegStatus,
    pub event_type: EventType,
}

impl Step {
    pub fn of(action: Action, booking: &Booking, leg: &Leg) -> Self {
        let (place, status, leg_status, event_type) = match action {
            Action::Depart => (leg.origin, BookingStatus::Departed, LegStatus::Departed, EventType::Departed),
            Action::Arrive => (leg.destination, BookingStatus::Arrived, LegStatus::Arrived, EventType::Arrived),
            _ => (booking.destination, BookingStatus::Delivered, leg.status, EventType::Delivered),
        };
        Self { place, status, leg_status, event_type }
    }
}

/// Checks that the place and the flight given by the caller are correct.
fn check_claims(movement: &RecordMovement, action: Action, place: AirportCode, leg: &Leg) -> Result<(), BookingError> {
    if movement.location.is_some_and(|location| location != place) {
        return Err(BookingError::LocationMismatch { action, expected: place });
    }
    let other_id = movement.flight_id.is_some_and(|id| id != leg.flight_id);
    let other_number = movement.flight_number.as_ref().is_some_and(|number| *number != leg.flight_number);
    if other_id || other_number {
        return Err(BookingError::FlightMismatch(leg.flight_number.clone()));
    }
    Ok(())
}

/// Returns the time of a movement: as reported, else now, and never before the previous movement.
pub(super) fn occurred_at(
    told: Option<DateTime<Utc>>,
    previous: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, BookingError> {
    match (told, previous) {
        (None, previous) => Ok(previous.map_or(now, |previous| previous.max(now))),
        (Some(told), Some(previous)) if told < previous => {
            let previous = previous.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
            out_of_order(format!("must not be before the previous movement at {previous}"))
        }
        (Some(told), _) if told > now + MOST_AHEAD => {
            out_of_order("must not be more than 5 minutes in the future".to_owned())
        }
        (Some(told), _) => Ok(told),
    }
}

fn out_of_order<T>(message: String) -> Result<T, BookingError> {
    Err(BookingError::Invalid(vec![("/occurred_at", Fault::new(FaultCode::OutOfOrder, message))]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    #[test]
    fn a_movement_happens_now_unless_told_and_never_before_the_one_it_follows() {
        assert_eq!(occurred_at(None, None, at(1000)).unwrap(), at(1000));
        assert_eq!(occurred_at(None, Some(at(1200)), at(1000)).unwrap(), at(1200));
        assert_eq!(occurred_at(Some(at(5)), None, at(1000)).unwrap(), at(5));
        assert_eq!(occurred_at(Some(at(500)), Some(at(500)), at(1000)).unwrap(), at(500));
        assert!(occurred_at(Some(at(499)), Some(at(500)), at(1000)).is_err());
        assert_eq!(occurred_at(Some(at(1300)), None, at(1000)).unwrap(), at(1300));
        assert!(occurred_at(Some(at(1301)), None, at(1000)).is_err());
    }
}
