//! A lane of the desk as a pure state machine: a report of what has happened leads to the next action. The server and
//! the simulation run the same code.
use std::collections::BTreeMap;

use chrono::TimeDelta;
use uuid::Uuid;

use super::{
    super::BookingError,
    chosen::Chosen,
    decide::{Decision, Extent, LockedRows, Rules},
    failure::Failure,
    order::{Arrival, Operation, Order, Ticket},
};
use crate::{
    features::capacity::FlightCapacity,
    kernel::{AirportCode, FlightId},
    platform::{
        postgres::{DbError, MAX_RETRIES},
        work::Committed,
    },
};

/// The orders that a lane serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LaneKind {
    /// All orders, as long as more than the threshold stays free.
    Ordinary,
    /// Bookings of the last kilograms of flights, in order of arrival.
    LastKilos,
    /// Orders for a flight or booking that another transaction has locked.
    Waiting(Uuid),
}

/// The rows locked by another transaction for which a lane waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// All, each for a short time.
    ForAll,
    /// This flight or booking, before anything else is locked.
    For(Uuid),
    ForNone,
}

/// The next action on the lane's batch, which is answered by a [`Report`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Begin a transaction; enter the keys and claim the air waybills of the batch.
    Enter,
    /// Lock flights and bookings, and read them.
    Lock(Wait),
    /// Write what was granted.
    Write,
    Commit,
    RollBack,
    /// The batch has ended.
    Settle,
}

/// The outcome of an action.
#[derive(Debug)]
pub enum Report {
    /// The outcome for each entry of the batch.
    Entered(Vec<Result<(), BookingError>>),
    Locked(LockedRows),
    Written,
    Committed(Committed),
    RolledBack,
    Failed(DbError),
}

/// An order of the current batch, and its result `M`.
#[derive(Debug)]
pub struct Entry<T, M> {
    pub order: Order<T>,
    pub decision: Decision,
    pub made: Option<M>,
}

/// The end of an order in a batch.
#[derive(Debug)]
pub enum Settled<T, M> {
    /// Its effect is committed; only a proof of that makes one.
    Done(Order<T>, Option<M>, Committed),
    /// It has no effect, unless the outcome is unknown: then the result is kept.
    Refused(Order<T>, BookingError, Option<M>),
    ToLastKilos(Order<T>),
    /// For the lane that waits for this flight or booking.
    ToWaiting(Order<T>, Uuid),
}

#[derive(Debug)]
pub struct Lane<T, M> {
    kind: LaneKind,
    /// Most orders in a batch.
    most: usize,
    waiting: BTreeMap<Arrival, Order<T>>,
    batch: Vec<Entry<T, M>>,
    /// The reason for rolling the batch back, if it failed.
    failure: Option<Failure>,
    /// Number of the next orders that are served one by one.
    singly: usize,
    /// Conflicts in a row.
    conflicts: u32,
    /// The next batch passes over locked rows.
    passes_over: bool,
    settled: Vec<Settled<T, M>>,
    #[cfg(test)]
    pub defect: Defect,
    /// The rooms before the locks.
    #[cfg(test)]
    known: Vec<FlightCapacity>,
}

/// Defects that the simulation must find.
#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Defect {
    #[default]
    None,
    /// Acknowledges orders before they are committed.
    EarlyAnswer,
    /// Decides by the rooms as they were before the locks.
    StaleJudgement,
}

impl<T: Ticket, M> Lane<T, M> {
    pub const fn new(kind: LaneKind, most: usize) -> Self {
        Self {
            kind,
            most,
            waiting: BTreeMap::new(),
            batch: Vec::new(),
            failure: None,
            singly: 0,
            conflicts: 0,
            passes_over: false,
            settled: Vec::new(),
            #[cfg(test)]
            defect: Defect::None,
            #[cfg(test)]
            known: Vec::new(),
        }
    }

    pub fn arrive(&mut self, order: Order<T>) {
        self.waiting.insert(order.arrival, order);
    }

    pub const fn kind(&self) -> LaneKind {
        self.kind
    }

    /// Returns how often the current orders have met a conflict, if they have.
    pub fn conflicts(&self) -> Option<u32> {
        Some(self.conflicts).filter(|conflicts| *conflicts > 0)
    }

    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    #[cfg(test)]
    pub fn queue(&self) -> impl Iterator<Item = &Order<T>> {
        self.waiting.values()
    }

    pub fn batch(&self) -> &[Entry<T, M>] {
        &self.batch
    }

    pub fn batch_mut(&mut self) -> &mut [Entry<T, M>] {
        &mut self.batch
    }

    /// Returns what has been settled since the last call.
    pub fn take_settled(&mut self) -> Vec<Settled<T, M>> {
        std::mem::take(&mut self.settled)
    }

    /// Chooses the next batch from the waiting orders; returns false if there is nothing to do. `room_of` knows rooms
    /// without a lock; `waits_elsewhere` returns the obstacle of an order for which another lane waits.
    pub fn start<F: Fn(AirportCode) -> TimeDelta>(
        &mut self,
        rules: &Rules<F>,
        room_of: impl Fn(FlightId) -> Option<FlightCapacity>,
        waits_elsewhere: impl Fn(&Operation) -> Option<Uuid>,
    ) -> bool {
        debug_assert!(self.batch.is_empty());
        self.pass_on(rules, &room_of, waits_elsewhere);
        let most = if self.singly > 0 { 1 } else { self.most };
        let mut chosen = Chosen::default();
        if self.kind == LaneKind::Ordinary {
            // A flight gets more than its share only if no other order waits.
            chosen.choose(&self.waiting, most, (most * 3 / 4).max(1));
            chosen.choose(&self.waiting, most, most);
        } else {
            chosen.choose_in_turn(&self.waiting, most);
        }
        for arrival in chosen.arrivals {
            let Some(order) = self.waiting.remove(&arrival) else { continue };
            // A request that has left is skipped, without an effect.
            if order.ticket.take_up() {
                self.batch.push(Entry { order, decision: Decision::Open, made: None });
            }
        }
        #[cfg(test)]
        {
            let flights = self.batch.iter().flat_map(|entry| entry.order.operation.flights());
            self.known = flights.filter_map(|flight| room_of(*flight)).collect();
        }
        self.singly = self.singly.saturating_sub(1);
        !self.batch.is_empty() || !self.waiting.is_empty()
    }

    /// Passes on the orders of other lanes, in order of arrival.
    fn pass_on<F: Fn(AirportCode) -> TimeDelta>(
        &mut self,
        rules: &Rules<F>,
        room_of: impl Fn(FlightId) -> Option<FlightCapacity>,
        waits_elsewhere: impl Fn(&Operation) -> Option<Uuid>,
    ) {
        if matches!(self.kind, LaneKind::Waiting(_)) {
            return;
        }
        let mut passed_on = Vec::new();
        for (arrival, order) in &self.waiting {
            if let Some(obstacle) = waits_elsewhere(&order.operation) {
                passed_on.push((*arrival, Some(obstacle)));
            } else if self.kind == LaneKind::Ordinary && rules.needs_last_kilos_lane(&order.operation, &room_of) {
                passed_on.push((*arrival, None));
            }
        }
        for (arrival, obstacle) in passed_on {
            let Some(order) = self.waiting.remove(&arrival) else { continue };
            self.settled.push(match obstacle {
                Some(obstacle) => Settled::ToWaiting(order, obstacle),
                None => Settled::ToLastKilos(order),
            });
        }
    }

    /// Returns the next action.
    pub fn step<F: Fn(AirportCode) -> TimeDelta>(&mut self, report: Report, rules: &Rules<F>) -> Next {
        match report {
            Report::Entered(outcomes) => self.entered(outcomes),
            Report::Locked(found) => self.locked(found, rules),
            Report::Written => {
                #[cfg(test)]
                if self.defect == Defect::EarlyAnswer {
                    self.settle(Some(Committed::simulated()));
                }
                Next::Commit
            }
            Report::Committed(proof) => self.committed(proof),
            Report::RolledBack => self.rolled_back(),
            Report::Failed(error) => self.failed(error),
        }
    }

    fn extent(&self) -> Extent {
        if self.kind == LaneKind::Ordinary { Extent::AboveThreshold } else { Extent::Everything }
    }

    /// Removes the orders whose key was used before.
    fn entered(&mut self, outcomes: Vec<Result<(), BookingError>>) -> Next {
        for (entry, outcome) in std::mem::take(&mut self.batch).into_iter().zip(outcomes) {
            match outcome {
                Ok(()) => self.batch.push(entry),
                // Its flights are judged nevertheless: their faults take precedence.
                Err(lost @ BookingError::AwbTaken(_)) => {
                    self.batch.push(Entry { decision: Decision::Refused(lost), ..entry });
                }
                Err(error) => self.settled.push(Settled::Refused(entry.order, error, None)),
            }
        }
        if self.batch.is_empty() {
            return Next::RollBack;
        }
        Next::Lock(match self.kind {
            LaneKind::Waiting(obstacle) => Wait::For(obstacle),
            _ if self.passes_over => Wait::ForNone,
            _ => Wait::ForAll,
        })
    }

    fn locked<F: Fn(AirportCode) -> TimeDelta>(&mut self, mut found: LockedRows, rules: &Rules<F>) -> Next {
        #[cfg(test)]
        if self.defect == Defect::StaleJudgement {
            found.rooms.extend(self.known.iter().map(|room| (room.flight_id, *room)));
        }
        let extent = self.extent();
        for entry in &mut self.batch {
            let operation = &entry.order.operation;
            entry.decision = match std::mem::replace(&mut entry.decision, Decision::Open) {
                Decision::Refused(lost) => Decision::Refused(rules.refuse(&found, operation, lost)),
                _ => rules.decide(&mut found, extent, operation),
            };
        }
        let grants = self.batch.iter().any(|entry| matches!(entry.decision, Decision::Granted(_)));
        if grants { Next::Write } else { Next::RollBack }
    }

    fn committed(&mut self, proof: Committed) -> Next {
        self.conflicts = 0;
        self.passes_over = false;
        self.settle(Some(proof));
        Next::Settle
    }

    fn rolled_back(&mut self) -> Next {
        match self.failure.take() {
            None => {
                (self.passes_over, self.conflicts) = (false, 0);
                self.settle(None);
            }
            Some(Failure::OfAll(error)) => self.refuse_all(error),
            Some(Failure::Conflict) => self.again(),
            Some(Failure::OfOne(error)) => self.blame(error),
            Some(Failure::Locked(error)) => self.pass_over(error),
        }
        Next::Settle
    }

    /// The whole batch again, and after several conflicts each order alone.
    fn again(&mut self) {
        self.conflicts += 1;
        let is_alone = self.batch.len() == 1;
        if is_alone && self.conflicts > MAX_RETRIES {
            self.conflicts = 0;
            return self.refuse_all(DbError::Conflict);
        }
        if !is_alone && self.conflicts > MAX_RETRIES / 2 {
            self.conflicts = 0;
            self.singly = self.batch.len();
        }
        self.singly += usize::from(is_alone);
        self.put_back();
    }

    /// One order is to blame. Each is served alone, so that only that one fails.
    fn blame(&mut self, error: DbError) {
        if self.batch.len() == 1 {
            return self.refuse_all(error);
        }
        self.singly = self.batch.len();
        self.put_back();
    }

    /// Another transaction has locked a row. The orders that need it go to a lane that waits; the others do not wait.
    fn pass_over(&mut self, error: DbError) {
        if matches!(self.kind, LaneKind::Waiting(_)) {
            self.refuse_all(error);
        } else if !self.passes_over {
            self.passes_over = true;
            self.put_back();
        } else if self.batch.len() > 1 {
            // An air waybill, claimed by a transaction that is not committed yet.
            self.blame(error);
        } else {
            self.passes_over = false;
            for entry in std::mem::take(&mut self.batch) {
                entry.order.ticket.put_back();
                let obstacle = entry.order.operation.rows().next().unwrap_or_default();
                self.settled.push(Settled::ToWaiting(entry.order, obstacle));
            }
        }
    }

    fn refuse_all(&mut self, mut error: DbError) {
        for entry in std::mem::take(&mut self.batch) {
            let copy = error.copy();
            let own = std::mem::replace(&mut error, copy);
            self.settled.push(Settled::Refused(entry.order, own.into(), None));
        }
    }

    fn put_back(&mut self) {
        for entry in std::mem::take(&mut self.batch) {
            entry.order.ticket.put_back();
            self.arrive(entry.order);
        }
    }

    /// Ends the batch. Granted orders are done only with a proof of their commit.
    fn settle(&mut self, proof: Option<Committed>) {
        for entry in std::mem::take(&mut self.batch) {
            match (entry.decision, proof) {
                (Decision::Granted(_), Some(proof)) => {
                    self.settled.push(Settled::Done(entry.order, entry.made, proof));
                }
                (Decision::Refused(error), _) => self.settled.push(Settled::Refused(entry.order, error, None)),
                (Decision::LastKilos, _) => {
                    entry.order.ticket.put_back();
                    self.settled.push(Settled::ToLastKilos(entry.order));
                }
                (Decision::Blocked(obstacle), _) => {
                    entry.order.ticket.put_back();
                    self.settled.push(Settled::ToWaiting(entry.order, obstacle));
                }
                (Decision::Granted(_) | Decision::Open, _) => {
                    entry.order.ticket.put_back();
                    self.arrive(entry.order);
                }
            }
        }
    }

    /// Granted orders of a commit with an unknown outcome are not tried again. The others of the batch are.
    fn failed(&mut self, error: DbError) -> Next {
        if !matches!(error, DbError::OutcomeUnknown(_)) {
            self.failure = Some(Failure::of(error));
            return Next::RollBack;
        }
        for entry in std::mem::take(&mut self.batch) {
            if matches!(entry.decision, Decision::Granted(_)) {
                self.settled.push(Settled::Refused(entry.order, error.copy().into(), entry.made));
            } else {
                entry.order.ticket.put_back();
                self.arrive(entry.order);
            }
        }
        Next::Settle
    }

    /// Gives up the batch after a panic.
    pub fn abandon(&mut self) {
        self.refuse_all(sqlx::Error::WorkerCrashed.into());
    }
}
