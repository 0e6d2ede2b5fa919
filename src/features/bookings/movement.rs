use chrono::{DateTime, TimeDelta, Utc};

use super::{
    BookingError, BookingService,
    draft::{Author, Draft, EventDetails},
    dto::RecordMovement,
    model::{Action, Booking, BookingStatus, EventType, Leg, LegStatus},
};
use crate::{
    features::{
        capacity::{FlightCapacity, FlightStatus},
        holds::ItineraryError,
    },
    kernel::{AirportCode, Fault, FaultCode},
};

/// Clocks of terminals differ: a movement may be reported this long before it happens.
const MOST_AHEAD: TimeDelta = TimeDelta::minutes(5);

/// Departs, arrives or delivers a shipment: moves its current leg, not the flight.
#[derive(Debug, Clone)]
pub struct Advance {
    pub action: Action,
    pub movement: RecordMovement,
}

/// A movement that has passed its checks.
#[derive(Debug, Clone)]
pub struct Moving {
    leg: Leg,
    occurred_at: DateTime<Utc>,
}

impl Advance {
    /// Checks the movement against the locked booking and the locked flights that it needs.
    pub fn judge(
        &self,
        booking: &Booking,
        flights: &[FlightCapacity],
        now: DateTime<Utc>,
    ) -> Result<Moving, BookingError> {
        let Self { action, movement } = self;
        let Some(leg) = booking.leg_of(*action).cloned() else { return Err(BookingError::Raced) };
        if let Some(flight) = flights.iter().find(|flight| flight.flight_id == leg.flight_id)
            && flight.status == FlightStatus::Cancelled
        {
            return Err(ItineraryError::Cancelled(leg.flight_number).into());
        }
        check_claims(movement, *action, Step::of(*action, booking, &leg).place, &leg)?;
        let occurred_at = occurred_at(movement.occurred_at, booking.moved_at, now)?;
        Ok(Moving { leg, occurred_at })
    }
}

impl BookingService {
    /// Makes a movement that has passed its checks and records the event.
    pub(super) fn advance(&self, draft: &mut Draft, advance: &Advance, moving: Moving, author: Author<'_>) {
        let step = Step::of(advance.action, &draft.now, &moving.leg);
        self.step(draft, &step, moving.leg, moving.occurred_at, advance.movement.notes.clone(), author);
    }

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
        return Err(BookingError::FlightMismatch(leg.flight_number));
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
