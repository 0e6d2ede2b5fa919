use uuid::Uuid;

use super::super::{
    cancel::Cancel,
    courtesy::Target,
    draw_up::NewBooking,
    model::{Action, Booking},
    movement::Advance,
};
use crate::kernel::{AwbNumber, BookingId, FlightId};

/// The time of an arrival at the desk, as a number: orders are served in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arrival(pub u64);

/// What a request wants of the desk.
#[derive(Debug)]
pub enum Wish {
    Book(NewBooking),
    Move(Box<Movement>),
}

/// A step of a booking, which was read before: the locks follow from that.
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

impl Wish {
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

    /// Everything to be locked.
    pub fn wants(&self) -> impl Iterator<Item = Uuid> {
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

/// A wish with its place in the order of arrival and whoever waits for it.
#[derive(Debug)]
pub struct Order<T> {
    pub arrival: Arrival,
    pub wish: Wish,
    pub ticket: T,
}

/// Whoever waits for an order.
pub trait Ticket {
    /// Takes it up to serve it; returns false if nobody waits any more. From then on its effect stands, whoever leaves.
    fn take_up(&self) -> bool;

    /// It has had no effect and waits again.
    fn put_back(&self);
}
