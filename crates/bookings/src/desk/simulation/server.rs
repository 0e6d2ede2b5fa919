//! A lane at work on the simulated database, one action at a time.
use std::{
    cell::Cell,
    collections::{BTreeSet, HashMap},
    rc::Rc,
};

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_capacity::{FlightCapacity, FlightStatus, Space};
use loadmaster_flights::Flight;
use loadmaster_holds::HoldLimits;
use loadmaster_kernel::{AirportCode, BookingId, FlightId};
use loadmaster_platform::{idempotency::Repetition, postgres::DbError, random::IdSource, work::Committed};
use loadmaster_reference::Reference;
use uuid::Uuid;

use super::{
    super::{
        action::{Next, Report, Wait},
        decide::{CapacityBound, Decision, Grant, LockedRows, Rules, new_leg},
        lane::{Lane, LaneKind},
        order::{self, Operation, Order, Verb, What},
    },
    Defect,
    books::{Books, Obstacle, Row, TxId},
    dice::Dice,
};

use crate::{
    BookingError,
    model::{
        Booking, BookingStatus, LegStatus,
        tests::{booking, leg},
    },
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    Waits,
    Begun,
}

/// A request of the simulation, by its number, which is its key too.
#[derive(Debug, Clone)]
pub struct Ticket {
    pub request: usize,
    pub progress: Rc<Cell<Progress>>,
    pub is_gone: Rc<Cell<bool>>,
    /// The database refuses what this one writes.
    pub is_guilty: bool,
}

impl order::Ticket for Ticket {
    fn take_up(&self) -> bool {
        let begins = !self.is_gone.get() && self.progress.get() == Progress::Waits;
        if begins {
            self.progress.set(Progress::Begun);
        }
        begins
    }

    fn put_back(&self) {
        self.progress.set(Progress::Waits);
    }

    fn has_left(&self) -> bool {
        self.is_gone.get()
    }
}

pub struct Server {
    pub lane: Lane<Ticket, BookingId>,
    pub inbox: Vec<Order<Ticket>>,
    pub next: Option<Next>,
    tx: Option<TxId>,
}

/// The surroundings of a server during one action.
pub struct Around<'a> {
    pub dice: &'a mut Dice,
    pub books: &'a mut Books,
    pub now: DateTime<Utc>,
    /// No fault happens any more.
    pub is_calm: bool,
}

pub fn rules() -> Rules<impl Fn(AirportCode) -> TimeDelta> {
    let limits = HoldLimits {
        ttl_seconds: 900,
        max_seconds: 3600,
        guest_flight_percent: 20,
        guests_flight_percent: 30,
        guest_active: 3,
        address_active: 5,
        organization_active: 100,
        guest_per_hour: 20,
    };
    Rules {
        threshold: super::THRESHOLD,
        minimum_connection: |_| TimeDelta::minutes(30),
        backdate: TimeDelta::days(7),
        limits,
        ids: IdSource::default(),
        reference: Reference::default(),
    }
}

impl Server {
    pub fn new(kind: LaneKind, defect: Defect) -> Self {
        let mut lane = Lane::new(kind, 8);
        lane.defect = defect;
        Self { lane, inbox: Vec::new(), next: None, tx: None }
    }

    /// The oldest order is always served, and the last kilograms in order of arrival.
    pub fn check_turns(&self) {
        let batch = self.lane.batch();
        assert!(batch.is_sorted_by_key(|entry| entry.order.arrival));
        let blocked = self.lane.blocked();
        assert!(!blocked.orders().any(|order| order.ticket.progress.get() == Progress::Begun), "begun, and blocked");
        let Some(first) = batch.first() else { return };
        for waiting in self.lane.queue() {
            // One with the same air waybill or booking may have left just now.
            let may_be_late = waiting.operation.needs.awb.is_some() || waiting.operation.needs.booking.is_some();
            assert!(
                self.lane.is_trial() || may_be_late || first.order.arrival < waiting.arrival,
                "the oldest is passed over: {waiting:?}"
            );
            if self.lane.kind() == LaneKind::LastKilos {
                let shares = |order: &Order<Ticket>| {
                    order.operation.needs.flights.iter().any(|it| waiting.operation.needs.flights.contains(it))
                };
                let passed = batch.iter().find(|entry| entry.order.arrival > waiting.arrival && shares(&entry.order));
                assert!(passed.is_none(), "{waiting:?} is passed by {passed:?}");
            }
        }
    }

    /// The process dies: the database rolls back.
    pub fn crash(mut self, books: &mut Books) {
        if let Some(tx) = self.tx.take() {
            books.roll_back(tx);
        }
    }

    pub fn is_idle(&self) -> bool {
        self.next.is_none() && self.inbox.is_empty() && self.lane.waiting() == 0 && self.lane.blocked().len() == 0
    }

    /// Looks which rows are free again.
    pub fn look(&mut self, books: &Books) {
        let free = self.lane.blocked().rows().iter().copied();
        let free: Vec<Uuid> = free.filter(|row| books.is_free(*row)).collect();
        self.lane.look(&free);
    }

    /// Takes the next action, if nothing delays it.
    pub fn act(&mut self, next: Next, around: &mut Around<'_>) {
        if next == Next::Write && self.grants_guilty() && around.dice.one_in(2) {
            if let Some(tx) = self.tx.take() {
                around.books.roll_back(tx);
            }
            self.lane.panicked();
            self.next = Some(Next::Settle);
            return;
        }
        let Some(report) = self.carry_out(next, around).unwrap_or_else(|error| Some(Report::Failed(error))) else {
            return;
        };
        let found = match &report {
            Report::Locked(found) => Some((found.spaces.clone(), found.blocked.clone(), found.at)),
            _ => None,
        };
        self.next = Some(self.lane.step(report, &rules()));
        if let Some((spaces, blocked, at)) = found {
            self.check_decisions(spaces.into_values().collect(), &blocked, at);
        }
        if self.next == Some(Next::Settle)
            && let Some(tx) = self.tx.take()
        {
            around.books.roll_back(tx);
        }
    }

    fn carry_out(&mut self, next: Next, around: &mut Around<'_>) -> Result<Option<Report>, DbError> {
        match next {
            Next::Enter(wait) => self.enter(wait, around),
            Next::Lock(wait) => self.lock(wait, around),
            Next::Write => self.write(around).map(Some),
            Next::Commit => self.commit(around),
            Next::RollBack | Next::Settle => {
                if let Some(tx) = self.tx.take() {
                    around.books.roll_back(tx);
                }
                Ok(Some(Report::RolledBack))
            }
        }
    }

    /// Whether the batch grants an order that the database refuses.
    fn grants_guilty(&self) -> bool {
        let granted = |decision: &Decision| matches!(decision, Decision::Granted(_));
        self.lane.batch().iter().any(|entry| entry.order.ticket.is_guilty && granted(&entry.decision))
    }

    fn enter(&mut self, wait: Wait, around: &mut Around<'_>) -> Result<Option<Report>, DbError> {
        let tx = *self.tx.get_or_insert_with(|| around.books.start());
        let mut claims: Vec<_> =
            self.lane.batch().iter().filter_map(|entry| entry.order.operation.needs.claim().cloned()).collect();
        claims.sort();
        for awb in claims {
            if let Err(obstacle) = around.books.lock(tx, Row::Awb(awb)) {
                return meet(obstacle, wait, around);
            }
        }
        let mut outcomes = Vec::new();
        for entry in self.lane.batch_mut() {
            let request = entry.order.ticket.request;
            entry.made = Some(Uuid::from_u128(1_000_000 + u128::from(tx) * 1_000 + request as u128).into());
            outcomes.push(if !around.books.try_lock(tx, Row::Key(request)) {
                Err(Repetition::InProgress.into())
            } else if around.books.effects.contains_key(&request) {
                Err(Repetition::Reused.into())
            } else {
                match entry.order.operation.needs.claim() {
                    Some(awb) if around.books.awbs.contains_key(awb) => Err(BookingError::AwbTaken(awb.clone())),
                    _ => Ok(()),
                }
            });
        }
        Ok(Some(Report::Entered(outcomes)))
    }

    fn lock(&self, wait: Wait, around: &mut Around<'_>) -> Result<Option<Report>, DbError> {
        let tx = self.tx.expect("it was begun");
        let operations = || self.lane.batch().iter().map(|entry| &entry.order.operation);
        let flights: BTreeSet<FlightId> = operations().flat_map(|it| it.needs.flights.iter().copied()).collect();
        let bookings: BTreeSet<BookingId> = operations().filter_map(|operation| operation.needs.booking).collect();
        let flights = flights.into_iter().map(|flight| (flight.uuid(), Row::Flight(flight)));
        let rows: Vec<_> = flights.chain(bookings.into_iter().map(|id| (id.uuid(), Row::Booking(id)))).collect();
        let mut found = LockedRows { at: around.now, ..LockedRows::default() };
        for (_, row) in rows.iter().filter(|_| wait == Wait::ForOthers) {
            if let Err(obstacle) = around.books.lock(tx, row.clone()) {
                return meet(obstacle, wait, around);
            }
        }
        for (id, row) in rows {
            match row {
                row if !around.books.try_lock(tx, row.clone()) => _ = found.blocked.insert(id),
                Row::Flight(flight) => {
                    found.spaces.insert(flight, around.books.spaces[&flight]);
                    found.flights.insert(flight, around.books.flights[&flight].clone());
                }
                Row::Booking(id) => _ = found.bookings.insert(id, around.books.bookings[&id].clone()),
                Row::Key(_) | Row::Awb(_) => unreachable!("they are entered before"),
            }
        }
        Ok(Some(Report::Locked(Box::new(found))))
    }

    fn write(&mut self, around: &mut Around<'_>) -> Result<Report, DbError> {
        let tx = self.tx.expect("it was begun");
        if self.grants_guilty() {
            return Err(any_error(around.dice));
        }
        if !around.is_calm && around.dice.one_in(30) {
            return Err(DbError::simulated(if around.dice.one_in(2) { "40001" } else { "57014" }));
        }
        let changes = around.books.changes(tx);
        for entry in self.lane.batch_mut() {
            let Decision::Granted(grant) = &entry.decision else { continue };
            let made = match grant {
                Grant::Book(flights) => {
                    let What::Book(new) = &entry.order.operation.what else { panic!("another kind of grant") };
                    let made = booked(entry.made.expect("it has an id"), flights, new.space());
                    changes.claims.extend(new.wanted.shipment.awb_number.clone().map(|awb| (awb, made.id)));
                    Booking { awb_number: new.wanted.shipment.awb_number.clone(), ..made }
                }
                Grant::Advance(seen, _) => departed(seen),
                Grant::Cancel(seen, ..) => {
                    changes.freed.extend(seen.awb_number.clone());
                    cancelled(seen)
                }
                Grant::Hold(_) | Grant::HoldAndBook(..) | Grant::StepHold(_) | Grant::Commit(..) => {
                    panic!("nobody holds here")
                }
            };
            changes.shifts.extend(shifts_of(&entry.order.operation, grant));
            changes.effects.push((entry.order.ticket.request, made.id));
            entry.made = Some(made.id);
            changes.bookings.push(made);
        }
        Ok(Report::Written)
    }

    fn commit(&mut self, around: &mut Around<'_>) -> Result<Option<Report>, DbError> {
        if !around.is_calm && around.dice.one_in(4) {
            return Ok(None);
        }
        let tx = self.tx.take().expect("it was begun");
        if !around.is_calm && around.dice.one_in(12) {
            let lost = DbError::OutcomeUnknown(sqlx::Error::WorkerCrashed);
            match around.dice.below(3) {
                0 => _ = around.books.roll_back(tx),
                1 => around.books.commit(tx),
                _ => {
                    around.books.roll_back(tx);
                    return Err(DbError::simulated("40001"));
                }
            }
            return Err(lost);
        }
        around.books.commit(tx);
        Ok(Some(Report::Committed(Committed::simulated())))
    }

    /// The decisions are those that one after the other would get, by the rows that are locked.
    fn check_decisions(&self, spaces: Vec<FlightCapacity>, blocked: &BTreeSet<Uuid>, at: DateTime<Utc>) {
        let mut spaces: HashMap<_, _> = spaces.into_iter().map(|space| (space.flight_id, space)).collect();
        let bound = if self.lane.kind() == LaneKind::Ordinary {
            CapacityBound::AboveThreshold
        } else {
            CapacityBound::Everything
        };
        for entry in self.lane.batch() {
            let flights = &entry.order.operation.needs.flights;
            let is_blocked = entry.order.operation.needs.rows().any(|row| blocked.contains(&row));
            assert_eq!(
                matches!(entry.decision, Decision::Blocked(_)),
                is_blocked && !is_taken(&entry.decision),
                "{entry:?}"
            );
            match (&entry.order.operation.what, &entry.decision) {
                (What::Book(new), decision) if !is_blocked && !is_taken(decision) => {
                    let space = new.space();
                    let has_space = |flight: &FlightId| space.exceeds(spaces[flight].available()).next().is_none();
                    let is_open = |flight: &FlightId| {
                        spaces[flight].status == FlightStatus::Scheduled && at < spaces[flight].cutoff
                    };
                    let fits = flights.iter().all(|flight| has_space(flight) && is_open(flight));
                    let is_tight = |flight: &FlightId| (spaces[flight].available() - space).weight <= super::THRESHOLD;
                    let is_for_others = bound == CapacityBound::AboveThreshold && flights.iter().any(is_tight);
                    let expected = (fits && !is_for_others, fits && is_for_others);
                    let decided = (matches!(decision, Decision::Granted(_)), matches!(decision, Decision::LastKilos));
                    assert_eq!(decided, expected, "a wrong decision: {entry:?} by {spaces:?}");
                }
                _ => {}
            }
            if let Decision::Granted(grant) = &entry.decision {
                for (flight, more) in shifts_of(&entry.order.operation, grant) {
                    spaces.get_mut(&flight).expect("it is locked").apply(&new_leg(flight, more), DateTime::UNIX_EPOCH);
                }
            }
        }
    }
}

/// Any error that may be due to one order: one that the server reports, with a code that says nothing else, or a row that is
/// missing.
fn any_error(dice: &mut Dice) -> DbError {
    if dice.one_in(10) {
        return sqlx::Error::RowNotFound.into();
    }
    loop {
        let state: String = (0..5).map(|_| char::from(b"0123456789ABPXZ"[dice.place(15)])).collect();
        let concerns_all =
            ["08", "25", "28", "3D", "40", "53", "55P03", "57"].iter().any(|class| state.starts_with(class));
        if !concerns_all {
            return DbError::simulated(&state);
        }
    }
}

/// A row is locked by another transaction: the server waits on, unless its time is up.
fn meet(obstacle: Obstacle, wait: Wait, around: &mut Around<'_>) -> Result<Option<Report>, DbError> {
    match obstacle {
        Obstacle::Deadlock => Err(DbError::simulated("40P01")),
        Obstacle::Wait if wait == Wait::ForNobody || around.dice.one_in(3) => Err(DbError::simulated("55P03")),
        Obstacle::Wait => Ok(None),
    }
}

fn is_taken(decision: &Decision) -> bool {
    matches!(decision, Decision::Refused(BookingError::AwbTaken(_)))
}

/// The changes of capacities by a grant.
fn shifts_of(operation: &Operation, grant: &Grant) -> Vec<(FlightId, Space)> {
    match (&operation.what, grant) {
        (What::Book(new), Grant::Book(flights)) => flights.iter().map(|flight| (flight.id, new.space())).collect(),
        (What::Move(movement), Grant::Cancel(booking, ..)) => {
            assert!(matches!(movement.verb, Verb::Cancel(_)));
            booking.undeparted_legs().map(|leg| (leg.flight_id, Space::default() - leg.space)).collect()
        }
        _ => Vec::new(),
    }
}

fn booked(id: BookingId, flights: &[Flight], space: Space) -> Booking {
    let legs = (1..).zip(flights).map(|(sequence, flight)| crate::Leg {
        flight_id: flight.id,
        origin: flight.origin,
        destination: flight.destination,
        departure: flight.departure,
        arrival: flight.arrival,
        space,
        ..leg(sequence, "DEL", "LHR", LegStatus::Booked)
    });
    let (origin, destination) = (flights[0].origin, flights[flights.len() - 1].destination);
    Booking { id, origin, destination, space, ..booking(BookingStatus::Booked, legs.collect()) }
}

fn departed(seen: &Booking) -> Booking {
    let next = seen.next_leg().map(|leg| leg.id);
    let mut booking = Booking { status: BookingStatus::Departed, version: seen.version + 1, ..seen.clone() };
    for leg in booking.legs.iter_mut().filter(|leg| Some(leg.id) == next) {
        leg.status = LegStatus::Departed;
    }
    booking
}

fn cancelled(seen: &Booking) -> Booking {
    let mut booking = Booking { status: BookingStatus::Cancelled, version: seen.version + 1, ..seen.clone() };
    for leg in booking.legs.iter_mut().filter(|leg| leg.status == LegStatus::Booked) {
        leg.status = LegStatus::Released;
    }
    booking
}
