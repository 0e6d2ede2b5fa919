use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use loadmaster_capacity::{FlightCapacity, FlightStatus};
use loadmaster_kernel::{AirportCode, Fault, FaultCode};
use loadmaster_shipment::ItineraryError;

use super::{
    BookingError, BookingService,
    draft::{Author, Draft, EventDetails},
    dto::RecordMovement,
    model::{Action, Booking, BookingStatus, EventType, Leg, LegStatus},
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
    pub leg: Leg,
    occurred_at: DateTime<Utc>,
}

impl Advance {
    /// Checks the movement against the locked booking and the locked flights that it needs.
    pub fn judge(
        &self,
        booking: &Booking,
        flights: &[FlightCapacity],
        (now, backdate): (DateTime<Utc>, TimeDelta),
    ) -> Result<Moving, BookingError> {
        let Self { action, movement } = self;
        let Some(leg) = booking.leg_of(*action).cloned() else { return Err(BookingError::Raced) };
        if let Some(flight) = flights.iter().find(|flight| flight.flight_id == leg.flight_id)
            && flight.status == FlightStatus::Cancelled
        {
            return Err(ItineraryError::Cancelled(leg.flight_number).into());
        }
        check_claims(movement, *action, Step::of(*action, booking, &leg).place, &leg)?;
        let before = Before { moved_at: booking.moved_at, booked_at: Some(booking.created_at), backdate };
        let occurred_at = occurred_at(movement.occurred_at, before, now)?;
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
        let details = EventDetails {
            leg: Some(leg),
            location: Some(step.place),
            notes,
            occurred_at: Some(occurred_at),
            ..EventDetails::default()
        };
        draft.record(author, step.event_type, details);
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

/// What a movement cannot precede.
#[derive(Debug, Clone, Copy)]
pub(super) struct Before {
    /// The previous movement.
    pub moved_at: Option<DateTime<Utc>>,
    pub booked_at: Option<DateTime<Utc>>,
    /// A movement may be reported for this long.
    pub backdate: TimeDelta,
}

/// Returns the time of a movement: as reported, else now, and never before the booking and the previous movement.
pub(super) fn occurred_at(
    stated: Option<DateTime<Utc>>,
    before: Before,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, BookingError> {
    let Before { moved_at, booked_at, backdate } = before;
    let Some(stated) = stated else { return Ok(moved_at.max(booked_at).map_or(now, |earliest| earliest.max(now))) };
    for (earliest, event) in [(moved_at, "the previous movement"), (booked_at, "the booking was made,")] {
        if let Some(earliest) = earliest.filter(|earliest| stated < *earliest) {
            let earliest = earliest.to_rfc3339_opts(SecondsFormat::AutoSi, true);
            return refuse(FaultCode::OutOfOrder, format!("must not be before {event} at {earliest}"));
        }
    }
    if stated < now - backdate {
        return refuse(FaultCode::TooSmall, format!("must not be more than {} days ago", backdate.num_days()));
    }
    if stated > now + MOST_AHEAD {
        return refuse(FaultCode::OutOfOrder, "must not be more than 5 minutes in the future".to_owned());
    }
    Ok(stated)
}

fn refuse<T>(code: FaultCode, message: String) -> Result<T, BookingError> {
    Err(BookingError::Invalid(vec![("/occurred_at", Fault::new(code, message))]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn time_of(stated: Option<i64>, moved: Option<i64>, booked: Option<i64>) -> Option<i64> {
        let before = Before { moved_at: moved.map(at), booked_at: booked.map(at), backdate: TimeDelta::seconds(900) };
        Some(occurred_at(stated.map(at), before, at(1000)).ok()?.timestamp())
    }

    #[test]
    fn a_movement_happens_now_unless_stated_and_never_before_the_one_it_follows() {
        assert_eq!(time_of(None, None, None), Some(1000));
        assert_eq!(time_of(None, Some(1200), None), Some(1200));
        assert_eq!(time_of(None, Some(1100), Some(1200)), Some(1200));
        assert_eq!(time_of(Some(500), Some(500), Some(400)), Some(500));
        assert_eq!(time_of(Some(499), Some(500), Some(400)), None);
        assert_eq!(time_of(Some(1300), None, None), Some(1300));
        assert_eq!(time_of(Some(1301), None, None), None);
    }

    #[test]
    fn a_movement_is_not_before_the_booking_and_not_long_ago() {
        assert_eq!(time_of(Some(500), None, Some(500)), Some(500));
        assert_eq!(time_of(Some(499), None, Some(500)), None);
        assert_eq!(time_of(Some(100), None, None), Some(100));
        assert_eq!(time_of(Some(99), None, None), None);
    }
}
