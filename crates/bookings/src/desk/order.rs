use loadmaster_accounts::Principal;
use loadmaster_capacity::Space;
use loadmaster_holds::{AmendHold, CommitTerms, HoldStep, HoldVerb, NewHold};
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

/// An operation that the desk carries out, and what it needs.
#[derive(Debug)]
pub struct Operation {
    pub what: What,
    pub needs: Needs,
}

#[derive(Debug)]
pub enum What {
    Book(Box<NewBooking>),
    Move(Box<Movement>),
    Hold(Box<NewHold>),
    StepHold(Box<HoldStep>),
}

/// What is locked and read for an operation. It follows from what was read before: the decision
/// checks that flights and air waybill still hold.
#[derive(Debug)]
pub struct Needs {
    /// The user who gives the order.
    pub caller: UserId,
    /// The flights to be locked.
    pub flights: Vec<FlightId>,
    /// The booking to be locked.
    pub booking: Option<BookingId>,
    /// The hold to be locked.
    pub hold: Option<HoldId>,
    /// The air waybill that it claims or frees.
    pub awb: Option<AwbNumber>,
    /// Whether it makes a booking.
    pub books: bool,
    /// Whether its flights are judged by their schedules, not by their capacities alone.
    pub schedules: bool,
    /// Whether freight is priced.
    pub prices: bool,
    /// The space that it takes on each flight, if it is new.
    pub takes: Option<Space>,
    /// The flight on which a booking departs by itself.
    pub departs_on: Option<FlightId>,
    /// The quote that it names.
    pub quote: Option<QuoteId>,
    /// The codes of the sales that it may use.
    pub discount_codes: Vec<String>,
    /// The organization whose credit account is to be charged, or gets back what was paid from it.
    pub credit: Option<OrganizationId>,
    /// The payment whose authorization makes it possible.
    pub payment: Option<PaymentId>,
    /// The request that begins a payment: one request begins one.
    pub request: Option<RequestHash>,
    /// The booking with a bill that is to be cancelled.
    pub bill: Option<BookingId>,
}

impl Needs {
    const fn of(caller: UserId, flights: Vec<FlightId>) -> Self {
        Self {
            caller,
            flights,
            booking: None,
            hold: None,
            awb: None,
            books: false,
            schedules: false,
            prices: false,
            takes: None,
            departs_on: None,
            quote: None,
            discount_codes: Vec::new(),
            credit: None,
            payment: None,
            request: None,
            bill: None,
        }
    }

    /// Notes how the booking that is made is paid for.
    fn pay(&mut self, terms: &CommitTerms, organization: OrganizationId) {
        self.request = terms.request;
        self.credit = (terms.method == Some(PaymentMethod::Account)).then_some(organization);
    }

    /// The booking or hold to be locked.
    pub fn row(&self) -> Option<Uuid> {
        self.booking.map(BookingId::uuid).or(self.hold.map(HoldId::uuid))
    }

    /// The flights, and the booking or hold, to be locked.
    pub fn rows(&self) -> impl Iterator<Item = Uuid> {
        self.flights.iter().map(|flight| flight.uuid()).chain(self.row())
    }

    /// The air waybill to be claimed.
    pub fn claim(&self) -> Option<&AwbNumber> {
        self.awb.as_ref().filter(|_| self.books)
    }
}

impl Operation {
    pub fn book(new: NewBooking) -> Self {
        let needs = Needs {
            awb: new.wanted.shipment.awb_number.clone(),
            books: true,
            schedules: true,
            takes: Some(new.space()),
            ..Needs::of(new.caller.user_id, new.flights.clone())
        };
        Self { what: What::Book(Box::new(new)), needs }
    }

    /// Returns whether its author accepts pieces that do not fit.
    pub fn accepts_oversize(&self) -> bool {
        match &self.what {
            What::Book(new) => new.wanted.shipment.accepts_oversize,
            What::Move(_) => false,
            What::Hold(new) => new.new.accepts_oversize(),
            What::StepHold(step) => step.verb.patch().is_some_and(AmendHold::accepts_oversize),
        }
    }

    pub fn hold(new: NewHold) -> Self {
        let Principal { user_id, organization_id, .. } = new.caller.principal;
        let mut needs = Needs {
            schedules: true,
            prices: true,
            takes: Some(new.new.load().space),
            quote: new.new.quote_id,
            discount_codes: new.new.discount_code.iter().cloned().collect(),
            ..Needs::of(user_id, new.flights.clone())
        };
        if let Some(terms) = &new.commit {
            (needs.books, needs.awb) = (true, new.new.awb_number.clone());
            needs.pay(terms, organization_id);
        }
        Self { what: What::Hold(Box::new(new)), needs }
    }

    pub fn step_hold(step: HoldStep) -> Self {
        let (verb, seen) = (&step.verb, &step.seen);
        let mut needs = Needs { hold: Some(seen.id), ..Needs::of(step.requester.user_id(), step.flights()) };
        needs.prices = verb.patch().is_some();
        if let Some(Patch::Set(code)) = verb.patch().map(|patch| &patch.discount_code) {
            needs.discount_codes.push(code.clone());
        }
        needs.discount_codes.extend(seen.quote.as_ref().and_then(Quote::discount_code).map(str::to_owned));
        match verb {
            HoldVerb::Commit(patch, terms) => {
                needs.books = true;
                needs.awb = match &patch.awb_number {
                    Patch::Set(number) => Some(number.clone()),
                    Patch::Keep => seen.awb_number.clone(),
                    Patch::Clear => None,
                };
                needs.pay(terms, seen.organization_id);
            }
            HoldVerb::Book(payment) => {
                (needs.books, needs.payment) = (true, Some(*payment));
                needs.awb.clone_from(&seen.awb_number);
            }
            HoldVerb::Amend(_) | HoldVerb::Extend(_) | HoldVerb::Release(_) => {}
        }
        needs.schedules = needs.books || matches!(verb, HoldVerb::Amend(_));
        Self { what: What::StepHold(Box::new(step)), needs }
    }

    pub fn step(movement: Movement) -> Self {
        let Movement { target, verb, seen } = &movement;
        let flights = seen.flights_to_lock(verb.action());
        let mut needs = Needs { booking: Some(seen.id), ..Needs::of(target.caller.user_id, flights) };
        match verb {
            Verb::Advance(advance) if advance.action == Action::Depart => {
                needs.departs_on = needs.flights.first().copied();
            }
            Verb::Advance(_) => {}
            Verb::Cancel(_) => {
                needs.awb.clone_from(&seen.awb_number);
                if seen.bill.is_some() {
                    (needs.bill, needs.credit) = (Some(seen.id), Some(seen.organization_id));
                }
            }
        }
        Self { what: What::Move(Box::new(movement)), needs }
    }
}

/// A step of a booking, which was read before.
#[derive(Debug)]
pub struct Movement {
    pub target: Target,
    pub verb: Verb,
    pub seen: Booking,
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
