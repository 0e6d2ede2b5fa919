use loadmaster_capacity::Space;
use loadmaster_holds::{HoldStep, HoldVerb, NewHold};
use loadmaster_kernel::{AwbNumber, BookingId, FlightId, HoldId, OrganizationId, PaymentId, QuoteId, UserId};
use loadmaster_payments::{PaymentMethod, RequestHash};
use loadmaster_platform::web::Patch;
use loadmaster_pricing::Quote;
use uuid::Uuid;

use super::super::{
    cancel::Cancel,
    courtesy::Target,
    draw_up::NewBooking,
    model::{Action, Booking},
    movement::Advance,
};

/// Position in the order of arrival at the desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arrival(pub u64);

/// An operation that the desk carries out.
#[derive(Debug)]
pub enum Operation {
    Book(Box<NewBooking>),
    Move(Box<Movement>),
    Hold(Box<NewHold>),
    StepHold(Box<StepOfHold>),
}

/// A step of a hold, which was read before: its rows to be locked follow from that.
#[derive(Debug)]
pub struct StepOfHold {
    pub step: HoldStep,
    flights: Vec<FlightId>,
}

impl StepOfHold {
    pub fn new(step: HoldStep) -> Self {
        let flights = step.flights();
        Self { step, flights }
    }

    /// Returns whether it makes a booking of the hold.
    pub const fn commits(&self) -> bool {
        matches!(self.step.verb, HoldVerb::Commit(..) | HoldVerb::Book(_))
    }
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
            Self::Hold(new) => &new.flights,
            Self::StepHold(step) => &step.flights,
        }
    }

    /// The user who gives the order.
    pub fn caller(&self) -> UserId {
        match self {
            Self::Book(new) => new.caller.user_id,
            Self::Move(movement) => movement.target.caller.user_id,
            Self::Hold(new) => new.caller.principal.user_id,
            Self::StepHold(step) => step.step.caller.principal.user_id,
        }
    }

    /// The booking to be locked.
    pub fn booking(&self) -> Option<BookingId> {
        match self {
            Self::Move(movement) => Some(movement.seen.id),
            Self::Book(_) | Self::Hold(_) | Self::StepHold(_) => None,
        }
    }

    /// The hold to be locked.
    pub fn hold(&self) -> Option<HoldId> {
        match self {
            Self::StepHold(step) => Some(step.step.seen.id),
            Self::Book(_) | Self::Move(_) | Self::Hold(_) => None,
        }
    }

    /// The booking or hold to be locked.
    pub fn row(&self) -> Option<Uuid> {
        self.booking().map(BookingId::uuid).or(self.hold().map(HoldId::uuid))
    }

    /// The flights, and the booking or hold, to be locked.
    pub fn rows(&self) -> impl Iterator<Item = Uuid> {
        self.flights().iter().map(|flight| flight.uuid()).chain(self.row())
    }

    /// Whether it makes a booking.
    pub const fn books(&self) -> bool {
        match self {
            Self::Book(_) => true,
            Self::StepHold(step) => step.commits(),
            Self::Hold(new) => new.commit.is_some(),
            Self::Move(_) => false,
        }
    }

    /// Whether its flights are judged by their schedules, not by their capacities alone.
    pub const fn needs_schedules(&self) -> bool {
        match self {
            Self::Book(_) | Self::Hold(_) => true,
            Self::StepHold(step) => step.commits() || matches!(step.step.verb, HoldVerb::Amend(_)),
            Self::Move(_) => false,
        }
    }

    /// The space that it takes on each flight, if it is new.
    pub fn takes(&self) -> Option<Space> {
        match self {
            Self::Book(new) => Some(new.space()),
            Self::Hold(new) => Some(new.new.load().space),
            Self::Move(_) | Self::StepHold(_) => None,
        }
    }

    /// The air waybill that the order claims or frees.
    pub fn awb(&self) -> Option<&AwbNumber> {
        match self {
            Self::Book(new) => new.wanted.shipment.awb_number.as_ref(),
            Self::Move(movement) => {
                movement.seen.awb_number.as_ref().filter(|_| matches!(movement.verb, Verb::Cancel(_)))
            }
            Self::Hold(_) | Self::StepHold(_) => self.claim(),
        }
    }

    /// The air waybill to be claimed.
    pub fn claim(&self) -> Option<&AwbNumber> {
        match self {
            Self::Book(new) => new.wanted.shipment.awb_number.as_ref(),
            Self::StepHold(step) => match &step.step.verb {
                HoldVerb::Commit(patch, _) => match &patch.awb_number {
                    Patch::Set(number) => Some(number),
                    Patch::Keep => step.step.seen.awb_number.as_ref(),
                    Patch::Clear => None,
                },
                HoldVerb::Book(_) => step.step.seen.awb_number.as_ref(),
                _ => None,
            },
            Self::Hold(new) => new.new.awb_number.as_ref().filter(|_| new.commit.is_some()),
            Self::Move(_) => None,
        }
    }

    /// The quote that it names.
    pub fn quote(&self) -> Option<QuoteId> {
        match self {
            Self::Hold(new) => new.new.quote_id,
            Self::Book(_) | Self::Move(_) | Self::StepHold(_) => None,
        }
    }

    /// The codes of the sales that it may use.
    pub fn discount_codes(&self) -> impl Iterator<Item = &str> {
        let (asked, kept) = match self {
            Self::Hold(new) => (new.new.discount_code.as_deref(), None),
            Self::StepHold(step) => {
                let asked = step.step.verb.patch().and_then(|patch| match &patch.discount_code {
                    Patch::Set(code) => Some(code.as_str()),
                    Patch::Keep | Patch::Clear => None,
                });
                (asked, step.step.seen.quote.as_ref().and_then(Quote::discount_code))
            }
            Self::Book(_) | Self::Move(_) => (None, None),
        };
        asked.into_iter().chain(kept)
    }

    /// Whether freight is priced.
    pub fn prices(&self) -> bool {
        match self {
            Self::Hold(_) => true,
            Self::StepHold(step) => step.step.verb.patch().is_some(),
            Self::Book(_) | Self::Move(_) => false,
        }
    }

    /// The flight on which a booking departs by itself.
    pub fn departs_on(&self) -> Option<FlightId> {
        match self {
            Self::Move(movement) if movement.verb.action() == Action::Depart => movement.flights().first().copied(),
            _ => None,
        }
    }

    /// The payment whose authorization makes it possible.
    pub fn payment(&self) -> Option<PaymentId> {
        match self {
            Self::StepHold(step) => match step.step.verb {
                HoldVerb::Book(payment) => Some(payment),
                _ => None,
            },
            Self::Book(_) | Self::Move(_) | Self::Hold(_) => None,
        }
    }

    /// The booking with a bill that is to be cancelled, as it was read before.
    pub fn billed(&self) -> Option<&Booking> {
        match self {
            Self::Move(movement) if matches!(movement.verb, Verb::Cancel(_)) => {
                Some(&movement.seen).filter(|booking| booking.bill.is_some())
            }
            _ => None,
        }
    }

    /// The request that begins a payment: one request begins one.
    pub fn request(&self) -> Option<RequestHash> {
        match self {
            Self::Hold(new) => new.commit.as_ref()?.request,
            Self::StepHold(step) => match &step.step.verb {
                HoldVerb::Commit(_, terms) => terms.request,
                _ => None,
            },
            Self::Book(_) | Self::Move(_) => None,
        }
    }

    /// The organization whose credit account is to be charged.
    pub fn charged(&self) -> Option<OrganizationId> {
        let (terms, organization) = match self {
            Self::Hold(new) => (new.commit.as_ref()?, new.caller.principal.organization_id),
            Self::StepHold(step) => match &step.step.verb {
                HoldVerb::Commit(_, terms) => (terms, step.step.seen.organization_id),
                _ => return None,
            },
            Self::Book(_) | Self::Move(_) => return None,
        };
        (terms.method == Some(PaymentMethod::Account)).then_some(organization)
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
    /// It ran short, and space that nobody has any more was freed for it.
    pub has_cleared: bool,
}

impl<T: Ticket> Order<T> {
    pub const fn new(arrival: Arrival, operation: Operation, ticket: T) -> Self {
        Self { arrival, operation, ticket, is_repeated: false, has_cleared: false }
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
