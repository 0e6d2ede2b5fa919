use uuid::Uuid;

use super::super::{
    cancel::Cancel,
    courtesy::Target,
    draw_up::NewBooking,
    model::{Action, Booking},
    movement::Advance,
};
use crate::kernel::{AwbNumber, BookingId, FlightId};

/// Position in the order of arrival at the desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arrival(pub u64);

/// An operation that the desk carries out.
#[derive(Debug)]
pub enum Operation {
    Book(NewBooking),
    Move(Box<Movement>),
}

/// A step of a booking, which was read before: its rows to be locked follow from that.
#[derive(Debug)]
pub struct Movement {
    pub target: Target,
    pub verb: Verb,
    pub seen: Booking,
    flights: Vec<FlightId>,
}

#[derive(Debug, Clone)]
pub enum Verb {
    Advance(Advance),
    Cancel(Cancel),
}

impl Verb {
    /// The name of its span.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Advance(_) => "bookings.advance",
            Self::Cancel(_) => "bookings.cancel",
        }
    }

    pub const fn action(&self) -> Action {
        match self {
            Self::Advance(advance) => advance.action,
            Self::Cancel(_) => Action::Cancel,
        }
    }
}

impl Movement {
    pub fn new(target: Target, verb: Verb, seen: Booking) -> Self {
        let flights = seen.flights_to_lock(verb.action());
        Self { target, verb, seen, flights }
    }

    /// The flights to be locked.
    pub fn flights(&self) -> &[FlightId] {
        &self.flights
    }
}

impl Operation {
    /// The flights to be locked.
    pub fn flights(&self) -> &[FlightId] {
        match self {
            Self::Book(new) => &new.flights,
            Self::Move(movement) => movement.flights(),
        }
    }

    /// The booking to be locked.
    pub fn booking(&self) -> Option<BookingId> {
        match self {
            Self::Book(_) => None,
            Self::Move(movement) => Some(movement.seen.id),
        }
    }

    /// The flights and the booking to be locked.
    pub fn rows(&self) -> impl Iterator<Item = Uuid> {
        let booking = self.booking().map(BookingId::uuid);
        self.flights().iter().map(|flight| flight.uuid()).chain(booking)
    }

    /// The air waybill that the order claims or frees.
    pub fn awb(&self) -> Option<&AwbNumber> {
        match self {
            Self::Book(new) => new.new.awb_number.as_ref(),
            Self::Move(movement) => {
                movement.seen.awb_number.as_ref().filter(|_| matches!(movement.verb, Verb::Cancel(_)))
            }
        }
    }

    /// The air waybill to be claimed.
    pub fn claim(&self) -> Option<&AwbNumber> {
        match self {
            Self::Book(new) => new.new.awb_number.as_ref(),
            Self::Move(_) => None,
        }
    }
}

/// An operation with its place in the order of arrival, and the request that waits for it.
#[derive(Debug)]
pub struct Order<T> {
    pub arrival: Arrival,
    pub operation: Operation,
    pub ticket: T,
    /// It was begun before in this lane, without effect.
    pub is_repeated: bool,
}

impl<T: Ticket> Order<T> {
    pub const fn new(arrival: Arrival, operation: Operation, ticket: T) -> Self {
        Self { arrival, operation, ticket, is_repeated: false }
    }

    /// Passes it on to another lane, which has not begun it.
    pub fn pass_on(self) -> Self {
        self.ticket.put_back();
        Self { is_repeated: false, ..self }
    }

    /// Lets it wait again, after an attempt without effect.
    pub fn put_back(self) -> Self {
        self.ticket.put_back();
        Self { is_repeated: true, ..self }
    }
}

/// The request that waits for an order.
pub trait Ticket {
    /// Begins the order; returns false if its client has left. After that its effect stands.
    fn take_up(&self) -> bool;

    /// The order waits again.
    fn put_back(&self);

    /// Returns whether its client has left.
    fn has_left(&self) -> bool;
}
