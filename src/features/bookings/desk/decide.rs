//! The decision on each order of a batch, by the locked rows. Pure.
use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{
    super::{
        BookingError,
        draw_up::NewBooking,
        itinerary,
        model::{Action, Booking},
        movement::{Moving, check_flights_are_with_it},
    },
    order::{Movement, Operation, Verb},
};
use crate::{
    features::{
        capacity::{FlightCapacity, FlightStatus, Space},
        embargoes::Embargoes,
        flights::Flight,
    },
    kernel::{AirportCode, BookingId, FlightId, Weight},
};

/// The rules of the trade that are settings.
pub struct Rules<M: Fn(AirportCode) -> TimeDelta> {
    /// At or below this free weight, room is given only in order of arrival.
    pub threshold: Weight,
    pub minimum_connection: M,
}

/// The rows that a batch has locked. The rooms change with each decision.
#[derive(Debug, Default)]
pub struct LockedRows {
    /// The time after the locks were taken.
    pub at: DateTime<Utc>,
    pub rooms: HashMap<FlightId, FlightCapacity>,
    pub flights: HashMap<FlightId, Flight>,
    /// Those in force when the locks were taken.
    pub embargoes: Embargoes,
    pub bookings: HashMap<BookingId, Booking>,
    /// Flights and bookings that another transaction has locked.
    pub blocked: BTreeSet<Uuid>,
}

/// How much room a lane may give away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// As long as more than the threshold stays free.
    AboveThreshold,
    /// To the last tenth of a kilogram.
    Everything,
}

/// The decision on one order.
#[derive(Debug)]
pub enum Decision {
    Open,
    Granted(Grant),
    Refused(BookingError),
    /// Only the lane for the last kilograms may grant it.
    LastKilos,
    /// Another transaction has locked this flight or booking.
    Blocked(Uuid),
}

/// What is to be written.
#[derive(Debug)]
pub enum Grant {
    /// A booking on these flights.
    Book(Vec<Flight>),
    Advance(Box<Booking>, Moving),
    Cancel(Box<Booking>),
}

impl From<Result<Self, BookingError>> for Decision {
    fn from(judged: Result<Self, BookingError>) -> Self {
        judged.unwrap_or_else(Self::Refused)
    }
}

impl<M: Fn(AirportCode) -> TimeDelta> Rules<M> {
    /// Decides an order and changes the rooms by what it takes or gives back: all legs or none.
    pub fn decide(&self, found: &mut LockedRows, extent: Extent, operation: &Operation) -> Decision {
        if let Some(blocked) = operation.rows().find(|row| found.blocked.contains(row)) {
            return Decision::Blocked(blocked);
        }
        match operation {
            Operation::Book(new) => self.book(found, extent, new).into(),
            Operation::Move(movement) => move_on(found, movement).map(Decision::Granted).into(),
        }
    }

    /// Returns the flights of a new booking, if they are its itinerary and have room.
    fn judge(&self, found: &LockedRows, operation: &NewBooking) -> Result<Vec<Flight>, BookingError> {
        let named: BTreeSet<FlightId> = operation.flights.iter().copied().collect();
        let known = named.iter().filter_map(|id| {
            let flight = found.flights.get(id)?;
            Some(Flight { room: *found.rooms.get(id)?, ..flight.clone() })
        });
        let flights = itinerary::in_order(&operation.flights, known.collect())?;
        itinerary::check(&flights, operation.new.demand(), &found.embargoes, &self.minimum_connection, found.at)?;
        Ok(flights)
    }

    fn book(&self, found: &mut LockedRows, extent: Extent, operation: &NewBooking) -> Result<Decision, BookingError> {
        let flights = self.judge(found, operation)?;
        let space = operation.new.space();
        if extent == Extent::AboveThreshold && flights.iter().any(|flight| self.is_critical_after(&flight.room, space))
        {
            return Ok(Decision::LastKilos);
        }
        for flight in &flights {
            if let Some(room) = found.rooms.get_mut(&flight.id) {
                room.shift(space);
            }
        }
        Ok(Decision::Granted(Grant::Book(flights)))
    }

    /// Returns why an order is refused that has lost its air waybill: because of `lost`, unless its flights are to blame.
    pub fn refuse(&self, found: &LockedRows, operation: &Operation, lost: BookingError) -> BookingError {
        match operation {
            Operation::Book(new) if !operation.rows().any(|row| found.blocked.contains(&row)) => {
                self.judge(found, new).err().unwrap_or(lost)
            }
            Operation::Book(_) | Operation::Move(_) => lost,
        }
    }

    fn is_critical_after(&self, room: &FlightCapacity, space: Space) -> bool {
        room.available().weight - space.weight <= self.threshold
    }

    /// Returns whether this operation fits, and only the lane for the last kilograms may grant it, by rooms that were not
    /// locked.
    pub fn needs_last_kilos_lane(
        &self,
        operation: &Operation,
        room_of: impl Fn(FlightId) -> Option<FlightCapacity>,
    ) -> bool {
        let Operation::Book(new) = operation else { return false };
        let space = new.new.space();
        let mut is_critical = false;
        for room in new.flights.iter().filter_map(|flight| room_of(*flight)) {
            if room.shortfall(space).is_some() || room.status != FlightStatus::Scheduled {
                return false;
            }
            is_critical |= self.is_critical_after(&room, space);
        }
        is_critical
    }
}

/// Checks a step against the locked state: version, transition, locks, then the step's own conditions.
fn move_on(found: &mut LockedRows, movement: &Movement) -> Result<Grant, BookingError> {
    let Movement { target, verb, seen, .. } = movement;
    let action = verb.action();
    let booking = found.bookings.get(&seen.id).ok_or(BookingError::Unknown)?;
    if !target.precondition.holds(booking.version) {
        return Err(BookingError::VersionMismatch(booking.version));
    }
    let allowed = booking.allowed(target.caller.role);
    if !allowed.contains(&action) {
        return Err(BookingError::InvalidTransition { from: booking.status, action, allowed });
    }
    // The booking changed between reading and locking: the locks held are not the ones it now needs.
    if booking.flights_to_lock(action) != movement.flights() || booking.awb_number != seen.awb_number {
        return Err(BookingError::Raced);
    }
    let rooms: Vec<FlightCapacity> =
        movement.flights().iter().filter_map(|flight| found.rooms.get(flight).copied()).collect();
    // The cancellation of a flight records its own event and releases the same room.
    check_flights_are_with_it(booking, rooms.iter().filter(|flight| flight.status != FlightStatus::Cancelled))?;
    match verb {
        Verb::Advance(advance) => {
            let moving = advance.judge(booking, &rooms, found.at)?;
            Ok(Grant::Advance(Box::new(booking.clone()), moving))
        }
        Verb::Cancel(_) => {
            debug_assert_eq!(action, Action::Cancel);
            for leg in booking.undeparted_legs() {
                if let Some(room) = found.rooms.get_mut(&leg.flight_id) {
                    room.shift(Space::default() - leg.space);
                }
            }
            Ok(Grant::Cancel(Box::new(booking.clone())))
        }
    }
}
