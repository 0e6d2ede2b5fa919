use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::{
    BookingError, BookingService,
    event::{Event, EventType, legs_data},
    model::{Action, Booking, BookingStatus, Leg, LegStatus},
    record::record_in_tx,
    repository,
};
use crate::{
    features::{
        accounts::Principal,
        capacity::{self, FlightCapacity, FlightStatus},
    },
    kernel::{AirportCode, BookingRef, FlightId, FlightNumber},
    platform::{
        postgres::{Tx, commit, retrying},
        web::Precondition,
    },
};

/// Clocks of terminals differ: a movement may be told this long before it happens.
const MOST_AHEAD: TimeDelta = TimeDelta::minutes(5);

/// What a caller says about a movement; all of it may be left out.
#[derive(Debug, Clone, Default)]
pub(super) struct Movement {
    pub location: Option<AirportCode>,
    pub flight_id: Option<FlightId>,
    pub flight_number: Option<FlightNumber>,
    pub occurred_at: Option<DateTime<Utc>>,
    pub notes: Option<String>,
}

/// A booking under lock in an open transaction, with the flights its action needs.
pub(super) struct Locked {
    pub tx: Tx,
    pub booking: Booking,
    pub flights: Vec<FlightCapacity>,
}

impl BookingService {
    /// Departs, arrives or delivers a shipment: moves its current leg, not the flight.
    pub(super) async fn advance(
        &self,
        caller: Principal,
        reference: &BookingRef,
        action: Action,
        movement: &Movement,
        precondition: &Precondition,
    ) -> Result<Booking, BookingError> {
        let booking = retrying(|| self.try_move(caller, reference, action, movement, precondition)).await?;
        tracing::info!(ref_id = %booking.ref_id, action = action.as_str(), "shipment moved");
        metrics::counter!("loadmaster_booking_actions_total", "action" => action.as_str()).increment(1);
        Ok(booking)
    }

    async fn try_move(
        &self,
        caller: Principal,
        reference: &BookingRef,
        action: Action,
        movement: &Movement,
        precondition: &Precondition,
    ) -> Result<Booking, BookingError> {
        let Locked { mut tx, mut booking, flights } = self.lock(caller, reference, action, precondition).await?;
        let now = self.clock.now();
        let Some(leg) = booking.leg_of(action).cloned() else {
            let allowed = booking.allowed(caller.role);
            return Err(BookingError::InvalidTransition { from: booking.status, action, allowed });
        };
        if let Some(flight) = flights.iter().find(|flight| flight.flight_id == leg.flight_id)
            && flight.status == FlightStatus::Cancelled
        {
            return Err(BookingError::FlightCancelled(leg.flight_number));
        }
        let (place, status, leg_status, event_type) = match action {
            Action::Depart => (leg.origin, BookingStatus::Departed, LegStatus::Departed, EventType::Departed),
            Action::Arrive => (leg.destination, BookingStatus::Arrived, LegStatus::Arrived, EventType::Arrived),
            _ => (booking.destination, BookingStatus::Delivered, leg.status, EventType::Delivered),
        };
        check_claims(movement, action, place, &leg)?;
        let occurred_at = occurred_at(movement.occurred_at, booking.moved_at, now)?;
        booking.status = status;
        booking.moved_at = Some(occurred_at);
        for moved in booking.legs.iter_mut().filter(|moved| moved.id == leg.id) {
            moved.status = leg_status;
        }
        if leg.status != leg_status {
            repository::update_legs(&mut tx, booking.id, &[leg.id], leg_status).await?;
        }
        let data = legs_data(booking.legs.iter().filter(|moved| moved.id == leg.id && moved.status != leg.status));
        let event = self.next_event(&mut booking, caller, event_type, data, now);
        let event = Event {
            location: Some(place),
            flight_id: Some(leg.flight_id),
            flight_number: Some(leg.flight_number),
            leg_id: Some(leg.id),
            notes: movement.notes.clone(),
            occurred_at,
            ..event
        };
        repository::update_booking(&mut tx, &booking).await?;
        record_in_tx(&mut tx, &booking, &event).await?;
        commit(tx).await?;
        Ok(booking)
    }

    /// Locks what an action needs, flights before the booking, and judges the action by the state then found: version,
    /// then transition.
    pub(super) async fn lock(
        &self,
        caller: Principal,
        reference: &BookingRef,
        action: Action,
        precondition: &Precondition,
    ) -> Result<Locked, BookingError> {
        let seen = self.visible(caller, reference).await?;
        let wanted = seen.flights_to_lock(action);
        let mut tx = self.db.begin().await?;
        let flights = capacity::lock_in_tx(&mut tx, &wanted).await?;
        let booking = repository::lock_booking(&mut tx, seen.id).await?.ok_or(BookingError::Unknown)?;
        if !precondition.holds(booking.version) {
            return Err(BookingError::VersionMismatch(booking.version));
        }
        let allowed = booking.allowed(caller.role);
        if !allowed.contains(&action) {
            return Err(BookingError::InvalidTransition { from: booking.status, action, allowed });
        }
        // Its legs changed between reading and locking: the locks are not those it needs.
        if booking.flights_to_lock(action) != wanted {
            return Err(BookingError::Raced);
        }
        Ok(Locked { tx, booking, flights })
    }

    /// Moves the booking's counters on and makes the event that tells of it.
    pub(super) fn next_event(
        &self,
        booking: &mut Booking,
        caller: Principal,
        event_type: EventType,
        data: Value,
        now: DateTime<Utc>,
    ) -> Event {
        booking.version += 1;
        booking.event_sequence += 1;
        booking.updated_at = now;
        Event {
            id: self.ids.next(now),
            sequence: booking.event_sequence,
            event_type,
            status: booking.status,
            location: booking.current_airport(),
            flight_id: None,
            flight_number: None,
            leg_id: None,
            pieces: booking.pieces,
            weight: booking.space.weight,
            actor: Some(caller.user_id),
            notes: None,
            data,
            occurred_at: now,
            created_at: now,
        }
    }
}

/// What the caller claims about place and flight must be so.
fn check_claims(movement: &Movement, action: Action, place: AirportCode, leg: &Leg) -> Result<(), BookingError> {
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

/// When a movement happened: as told, else now, and never before the movement it follows.
fn occurred_at(
    told: Option<DateTime<Utc>>,
    previous: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, BookingError> {
    match (told, previous) {
        (None, previous) => Ok(previous.map_or(now, |previous| previous.max(now))),
        (Some(told), Some(previous)) if told < previous => Err(BookingError::OccurredOutOfOrder(format!(
            "`occurred_at` must not be before the previous movement at {}.",
            previous.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
        ))),
        (Some(told), _) if told > now + MOST_AHEAD => {
            Err(BookingError::OccurredOutOfOrder("`occurred_at` must not be more than five minutes ahead.".to_owned()))
        }
        (Some(told), _) => Ok(told),
    }
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
