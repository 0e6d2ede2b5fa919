//! The decision on each order of a batch, by the locked rows. Pure.
use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_accounts::Role;
use loadmaster_capacity::{CapacityShortfall, FlightCapacity, FlightStatus, Shift, Space};
use loadmaster_embargoes::Embargoes;
use loadmaster_flights::Flight;
use loadmaster_holds::{
    Draws, Hold, HoldBooks, HoldError, HoldLimits, HoldRules, HoldStatus, HoldStep, HoldVerb, NewHold, NewlyHeld, Pay,
    PriceBooks, Stepped,
};
use loadmaster_kernel::{AirportCode, BookingId, FlightId, HoldId, OrganizationId, PaymentId, Weight};
use loadmaster_payments::{CreditAccount, CreditRefusal, Payment, PaymentWithOperations, RequestHash};
use loadmaster_platform::random::IdSource;
use loadmaster_reference::Reference;
use loadmaster_shipment::{self as shipment, ItineraryError};
use uuid::Uuid;

use super::{
    super::{
        BookingError,
        billing::{self, Books},
        draw_up::NewBooking,
        model::{Action, Booking, Leg},
        movement::{Moving, check_flights_are_with_it},
    },
    order::{Movement, Operation, Verb, What},
};

/// The rules of the trade that are settings.
pub struct Rules<M: Fn(AirportCode) -> TimeDelta> {
    /// At or below this free weight, space is given only in order of arrival.
    pub threshold: Weight,
    pub minimum_connection: M,
    /// Longest time for which a movement may be reported afterwards.
    pub backdate: TimeDelta,
    pub limits: HoldLimits,
    /// Makes the ids of what is new.
    pub ids: IdSource,
    pub reference: Reference,
}

/// The rows that a batch has locked. The capacities change with each decision.
#[derive(Debug, Default)]
pub struct LockedRows {
    /// The time after the locks were taken.
    pub at: DateTime<Utc>,
    pub spaces: HashMap<FlightId, FlightCapacity>,
    pub flights: HashMap<FlightId, Flight>,
    /// Those in force when the locks were taken.
    pub embargoes: Embargoes,
    pub bookings: HashMap<BookingId, Booking>,
    pub holds: HashMap<HoldId, Hold>,
    /// What the tables say about holds beyond these rows.
    pub books: HoldBooks,
    /// What has departed on flights on which more is booked than they carry.
    pub departed: HashMap<FlightId, Space>,
    /// What allotments keep on the flights.
    pub draws: Draws,
    /// What holds are priced by.
    pub prices: PriceBooks,
    /// The credit accounts that are to be charged.
    pub credit: HashMap<OrganizationId, CreditAccount>,
    /// The payments that are authorized, with their operations.
    pub payments: HashMap<PaymentId, PaymentWithOperations>,
    /// The requests that have begun a payment.
    pub begun: HashSet<RequestHash>,
    /// The payments of bookings that may be cancelled.
    pub bills: HashMap<BookingId, Books>,
    /// Flights, bookings and holds that another transaction has locked.
    pub blocked: BTreeSet<Uuid>,
}

/// To which bound a lane may give capacity away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CapacityBound {
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
    /// A flight lacks space, some of which may be kept by holds whose time is up.
    Short,
    /// Another transaction has locked this flight, booking or hold.
    Blocked(Uuid),
}

/// What is to be written.
#[derive(Debug)]
pub enum Grant {
    /// A booking on these flights.
    Book(Vec<Flight>),
    Advance(Box<Booking>, Moving),
    /// A booking, as it is and as it will be once its flights have reached it, and what was paid for it.
    Cancel(Box<Booking>, Box<Booking>, Option<Box<Books>>),
    Hold(Box<NewlyHeld>),
    /// A new hold that becomes a booking on these flights at once.
    HoldAndBook(Box<NewlyHeld>, Vec<Flight>),
    StepHold(Box<Stepped>),
    /// A hold becomes a booking on these flights; its authorized payment, if it has one.
    Commit(Box<Stepped>, Vec<Flight>, Option<Box<Payment>>),
}

impl From<Result<Self, BookingError>> for Decision {
    fn from(judged: Result<Self, BookingError>) -> Self {
        judged.unwrap_or_else(Self::Refused)
    }
}

impl<M: Fn(AirportCode) -> TimeDelta> Rules<M> {
    /// Decides an order and changes the capacities by what it takes or gives back: all legs or none.
    pub fn decide(
        &self,
        found: &mut LockedRows,
        bound: CapacityBound,
        operation: &Operation,
        has_cleared: bool,
    ) -> Decision {
        if let Some(blocked) = operation.needs.rows().find(|row| found.blocked.contains(row)) {
            return Decision::Blocked(blocked);
        }
        if operation.needs.request.is_some_and(|request| found.begun.contains(&request)) {
            return Decision::Refused(BookingError::PaymentInProgress);
        }
        let judged = match &operation.what {
            What::Book(new) => self.book(found, bound, new),
            What::Move(movement) => self.move_on(found, movement, &operation.needs.flights).map(Decision::Granted),
            What::Hold(new) => self.hold(found, bound, new),
            What::StepHold(step) => self.step_hold(found, step).map(Decision::Granted),
        };
        match judged {
            Err(BookingError::Itinerary(ItineraryError::Full { flight_id, .. }))
                if !has_cleared
                    && found.spaces.get(&flight_id).is_some_and(|capacity| may_be_cleared(capacity, found.at)) =>
            {
                Decision::Short
            }
            judged => judged.into(),
        }
    }

    fn holds<'a>(&'a self, found: &'a LockedRows) -> HoldRules<'a> {
        HoldRules {
            limits: self.limits,
            minimum_connection: &self.minimum_connection,
            embargoes: &found.embargoes,
            reference: &self.reference,
            prices: &found.prices,
            ids: &self.ids,
            now: found.at,
        }
    }

    fn hold(&self, found: &mut LockedRows, bound: CapacityBound, new: &NewHold) -> Result<Decision, BookingError> {
        let organization = new.caller.principal.organization_id;
        let flights = flights_of(found, organization, &new.flights)?;
        let made = self.holds(found).make(&found.books, new, &flights)?;
        check_credit(found, organization, made.pay)?;
        let space = new.new.load().space;
        if bound == CapacityBound::AboveThreshold
            && flights.iter().any(|flight| self.is_critical_after(&flight.space, space))
        {
            return Ok(Decision::LastKilos);
        }
        let held = flights.iter().map(|flight| Shift::held(flight.id, made.hold.id, space));
        found.shift(organization, &held.collect::<Vec<_>>());
        found.books.note_new(&new.caller, &made.hold);
        found.prices.note(None, &made.hold);
        charge(found, organization, made.pay);
        let Some(booked) = &made.booked else { return Ok(Decision::Granted(Grant::Hold(Box::new(made)))) };
        found.shift(organization, &with_postings(&booked.shifts));
        found.books.note(Some(&made.hold), &booked.after);
        Ok(Decision::Granted(Grant::HoldAndBook(Box::new(made), flights)))
    }

    /// Judges a step against the locked state of the hold, and changes the capacities by what it takes and gives back.
    fn step_hold(&self, found: &mut LockedRows, step: &HoldStep) -> Result<Grant, BookingError> {
        let (stepped, known) = self.judge_step(found, step)?;
        let organization = stepped.after.organization_id;
        let payment = authorized(found, &step.verb)?;
        check_credit(found, organization, stepped.pay)?;
        found.shift(organization, &with_postings(&stepped.shifts));
        found.books.note(Some(&stepped.before), &stepped.after);
        found.prices.note(Some(&stepped.before), &stepped.after);
        charge(found, organization, stepped.pay);
        if stepped.after.status != HoldStatus::Committed {
            return Ok(Grant::StepHold(Box::new(stepped)));
        }
        let flights = stepped.after.flight_ids().filter_map(|id| known.get(&id).cloned()).collect();
        Ok(Grant::Commit(Box::new(stepped), flights, payment.map(Box::new)))
    }

    /// Judges a step against the locked state of the hold. Also returns the flights that it was judged by.
    fn judge_step(
        &self,
        found: &LockedRows,
        step: &HoldStep,
    ) -> Result<(Stepped, HashMap<FlightId, Flight>), BookingError> {
        let hold = found.holds.get(&step.seen.id).ok_or(HoldError::Unknown)?;
        // The hold got other flights between reading and locking: the locks held are not the ones it now needs.
        if !hold.flight_ids().eq(step.seen.flight_ids()) || hold.awb_number != step.seen.awb_number {
            return Err(BookingError::Raced);
        }
        let known = found.flights.iter().filter_map(|(id, flight)| {
            let capacity = found.draws.capacity_for(hold.organization_id, *found.spaces.get(id)?);
            Some((*id, Flight { space: capacity, ..flight.clone() }))
        });
        let is_judged = step.verb.patch().is_some() || matches!(step.verb, HoldVerb::Book(_));
        let known: HashMap<FlightId, Flight> = if is_judged { known.collect() } else { HashMap::new() };
        let stepped = self.holds(found).judge_step(&found.books, step, hold, &known)?;
        Ok((stepped, known))
    }

    /// Returns the flights of a new booking, if they are its itinerary and have space.
    fn judge(&self, found: &LockedRows, operation: &NewBooking) -> Result<Vec<Flight>, BookingError> {
        if operation.wanted.shipment.accepts_oversize && operation.caller.role < Role::Operator {
            return Err(HoldError::OversizeNotAllowed.into());
        }
        let flights = flights_of(found, operation.caller.organization_id, &operation.flights)?;
        shipment::check_itinerary(
            &flights,
            operation.wanted.shipment.demand(&self.reference),
            &found.embargoes,
            &self.minimum_connection,
            found.at,
        )?;
        Ok(flights)
    }

    fn book(
        &self,
        found: &mut LockedRows,
        bound: CapacityBound,
        operation: &NewBooking,
    ) -> Result<Decision, BookingError> {
        let flights = self.judge(found, operation)?;
        let space = operation.space();
        if bound == CapacityBound::AboveThreshold
            && flights.iter().any(|flight| self.is_critical_after(&flight.space, space))
        {
            return Ok(Decision::LastKilos);
        }
        let booked = flights.iter().map(|flight| new_leg(flight.id, space));
        found.shift(operation.caller.organization_id, &booked.collect::<Vec<_>>());
        Ok(Decision::Granted(Grant::Book(flights)))
    }

    /// Returns why an order is refused that has lost its air waybill: because of `lost`, unless its flights or its hold
    /// are to blame.
    pub fn refuse(&self, found: &LockedRows, operation: &Operation, lost: BookingError) -> BookingError {
        if operation.needs.rows().any(|row| found.blocked.contains(&row)) {
            return lost;
        }
        match &operation.what {
            What::Book(new) => self.judge(found, new).err().unwrap_or(lost),
            What::StepHold(step) => self.judge_step(found, step).err().unwrap_or(lost),
            What::Move(_) | What::Hold(_) => lost,
        }
    }

    /// Checks a step against the locked state: version, transition, locks, then the step's own conditions.
    fn move_on(
        &self,
        found: &mut LockedRows,
        Movement { target, verb, seen }: &Movement,
        flights: &[FlightId],
    ) -> Result<Grant, BookingError> {
        let action = verb.action();
        let booking = found.bookings.get(&seen.id).ok_or(BookingError::Unknown)?;
        // It may have moved to another organization since it was read.
        if !booking.is_visible_to(target.caller) {
            return Err(BookingError::Unknown);
        }
        target.precondition.check(booking.version).map_err(BookingError::VersionMismatch)?;
        let allowed = booking.allowed(target.caller.role);
        if !allowed.contains(&action) {
            return Err(BookingError::InvalidTransition { from: booking.status, action, allowed });
        }
        // The booking changed between reading and locking: the locks held are not the ones it now needs.
        if booking.flights_to_lock(action) != flights || booking.awb_number != seen.awb_number {
            return Err(BookingError::Raced);
        }
        let spaces: Vec<FlightCapacity> =
            flights.iter().filter_map(|flight| found.spaces.get(flight).copied()).collect();
        // The cancellation of a flight records its own event and releases the same space.
        check_flights_are_with_it(booking, spaces.iter().filter(|flight| flight.status != FlightStatus::Cancelled))?;
        match verb {
            Verb::Advance(advance) => {
                let (moving, booking) =
                    (advance.judge(booking, &spaces, (found.at, self.backdate))?, Box::new(booking.clone()));
                if action == Action::Depart {
                    found.load(&moving.leg)?;
                }
                Ok(Grant::Advance(booking, moving))
            }
            Verb::Cancel(_) => {
                debug_assert_eq!(action, Action::Cancel);
                let booking = booking.clone();
                let present = billing::caught_up(&booking, &found.flights, &self.minimum_connection);
                let legs = booking.undeparted_legs();
                let given = legs.map(|leg| Shift::released(leg.flight_id, booking.id, leg.id, leg.space));
                found.shift(booking.organization_id, &given.collect::<Vec<_>>());
                let books = found.bills.get(&booking.id).cloned().map(Box::new);
                Ok(Grant::Cancel(Box::new(booking), Box::new(present), books))
            }
        }
    }

    fn is_critical_after(&self, capacity: &FlightCapacity, space: Space) -> bool {
        capacity.available().weight - space.weight <= self.threshold
    }

    /// Returns whether this operation fits, and only the lane for the last kilograms may grant it, by capacities that were not
    /// locked.
    pub fn needs_last_kilos_lane(
        &self,
        operation: &Operation,
        capacity_of: impl Fn(FlightId) -> Option<FlightCapacity>,
    ) -> bool {
        let Some(space) = operation.needs.takes else { return false };
        let mut is_critical = false;
        for capacity in operation.needs.flights.iter().filter_map(|flight| capacity_of(*flight)) {
            if capacity.shortfall(space).is_some() || capacity.status != FlightStatus::Scheduled {
                return false;
            }
            is_critical |= self.is_critical_after(&capacity, space);
        }
        is_critical
    }
}

impl LockedRows {
    /// Returns the legs and holds that may give space back.
    pub fn takers(&self) -> Vec<Uuid> {
        let legs = self.bookings.values().flat_map(|booking| booking.undeparted_legs().map(|leg| leg.id.uuid()));
        legs.chain(self.holds.keys().map(|hold| hold.uuid())).collect()
    }

    /// Adds a leg to what has departed on its flight, if the flight carries it.
    fn load(&mut self, leg: &Leg) -> Result<(), BookingError> {
        let known = self.departed.get_mut(&leg.flight_id).zip(self.spaces.get(&leg.flight_id));
        let Some((departed, capacity)) = known else { return Ok(()) };
        let after = *departed + leg.space;
        if let Some(shortfall) = CapacityShortfall::on_board(capacity, after) {
            return Err(BookingError::TooMuchOnBoard(shortfall));
        }
        *departed = after;
        Ok(())
    }

    /// Changes the capacities by these shifts of an organization, and by what they draw from its allotments.
    fn shift(&mut self, organization: OrganizationId, shifts: &[Shift]) {
        for shift in self.draws.apply_allotments(Some(organization), shifts) {
            if let Some(capacity) = self.spaces.get_mut(&shift.flight_id) {
                capacity.apply(&shift, self.at);
            }
        }
    }
}

/// Adds to what holds give what the bookings that they become take. Their ids are not known yet.
fn with_postings(shifts: &[Shift]) -> Vec<Shift> {
    let posted = |shift: &Shift| Some(new_leg(shift.flight_id, shift.posted()?));
    shifts.iter().flat_map(|shift| [Some(*shift), posted(shift)]).flatten().collect()
}

/// Checks that the credit account of an organization has space for a charge.
fn check_credit(found: &LockedRows, organization: OrganizationId, pay: Pay) -> Result<(), BookingError> {
    let Pay::Account(amount) = pay else { return Ok(()) };
    let account = found.credit.get(&organization);
    let judged = account.map_or(Err(CreditRefusal::NoAccount(organization)), |account| account.judge(amount));
    judged.map_err(BookingError::Credit)
}

/// Takes note of a charge, for the next decision of the batch.
fn charge(found: &mut LockedRows, organization: OrganizationId, pay: Pay) {
    if let (Pay::Account(amount), Some(account)) = (pay, found.credit.get_mut(&organization)) {
        account.used += amount.minor();
    }
}

/// Returns the payment whose authorization makes this step possible, if one does.
fn authorized(found: &LockedRows, verb: &HoldVerb) -> Result<Option<Payment>, BookingError> {
    let HoldVerb::Book(id) = verb else { return Ok(None) };
    let known = found.payments.get(id);
    let is_free =
        |(payment, operations): &&PaymentWithOperations| payment.booking.is_none() && payment.is_capturable(operations);
    match known.filter(is_free) {
        Some((payment, _)) => Ok(Some(payment.clone())),
        None => Err(HoldError::PaymentNotPossible("not_authorized").into()),
    }
}

/// What a leg takes whose id is not known yet, and for which nobody asks in this batch.
pub fn new_leg(flight: FlightId, space: Space) -> Shift {
    Shift::booked(flight, Uuid::nil().into(), Uuid::nil().into(), space)
}

/// Returns these flights, in order, with their locked rows as this organization finds them.
fn flights_of(
    found: &LockedRows,
    organization: OrganizationId,
    wanted: &[FlightId],
) -> Result<Vec<Flight>, ItineraryError> {
    let named: BTreeSet<FlightId> = wanted.iter().copied().collect();
    let known = named.iter().filter_map(|id| {
        let flight = found.flights.get(id)?;
        let capacity = found.draws.capacity_for(organization, *found.spaces.get(id)?);
        Some(Flight { space: capacity, ..flight.clone() })
    });
    shipment::in_order(wanted, known.collect())
}

/// Returns whether a flight may have space by its row that nobody has a right to any more.
fn may_be_cleared(capacity: &FlightCapacity, now: DateTime<Utc>) -> bool {
    capacity.held != capacity.aside || capacity.has_forgotten_aside(now)
}
