//! A lane of the desk as a pure state machine: a report of what has happened leads to the next action. The server and
//! the simulation run the same code.
use std::collections::BTreeMap;

use chrono::TimeDelta;
use uuid::Uuid;

#[cfg(test)]
use super::simulation::Defect;
use super::{
    super::BookingError,
    blocked::Blocked,
    chosen::Chosen,
    decide::{Decision, Extent, LockedRows, Rules},
    failure::Failure,
    order::{Arrival, Order, Ticket},
};
use crate::{
    features::capacity::FlightCapacity,
    kernel::{AirportCode, FlightId},
    platform::{
        idempotency::Repetition,
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
}

/// Whether a lane waits, for a short time, for what another transaction has locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    ForOthers,
    ForNobody,
}

/// The next action on the lane's batch, which is answered by a [`Report`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Begin a transaction; enter the keys and claim the air waybills of the batch.
    Enter(Wait),
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
}

#[derive(Debug)]
pub struct Lane<T, M> {
    kind: LaneKind,
    /// Most orders in a batch.
    most: usize,
    waiting: BTreeMap<Arrival, Order<T>>,
    blocked: Blocked<T>,
    batch: Vec<Entry<T, M>>,
    /// The action under way.
    doing: Next,
    /// The reason for rolling the batch back, if it failed.
    failure: Option<Failure>,
    /// Number of the next orders that are served one by one.
    singly: usize,
    /// Conflicts in a row.
    conflicts: u32,
    /// The next batch passes over locked rows.
    passes_over: bool,
    /// The batch is a single order that met a lock before.
    is_trial: bool,
    /// Batches in a row that met a lock that is on none of their rows.
    hindered: u32,
    settled: Vec<Settled<T, M>>,
    #[cfg(test)]
    pub defect: Defect,
    /// The rooms before the locks.
    #[cfg(test)]
    known: Vec<FlightCapacity>,
}

impl<T: Ticket, M> Lane<T, M> {
    pub const fn new(kind: LaneKind, most: usize) -> Self {
        Self {
            kind,
            most,
            waiting: BTreeMap::new(),
            blocked: Blocked::new(),
            batch: Vec::new(),
            doing: Next::Settle,
            failure: None,
            singly: 0,
            conflicts: 0,
            passes_over: false,
            is_trial: false,
            hindered: 0,
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

    pub const fn blocked(&self) -> &Blocked<T> {
        &self.blocked
    }

    /// Returns the action under way.
    pub const fn doing(&self) -> Next {
        self.doing
    }

    /// Takes note of the rows that no other transaction holds any more. To be called from time to time while orders are
    /// blocked.
    pub fn looked(&mut self, free: &[Uuid]) {
        for order in self.blocked.looked(free) {
            self.arrive(order);
        }
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
    /// without a lock.
    pub fn start<F: Fn(AirportCode) -> TimeDelta>(
        &mut self,
        rules: &Rules<F>,
        room_of: impl Fn(FlightId) -> Option<FlightCapacity>,
    ) -> bool {
        debug_assert!(self.batch.is_empty());
        self.set_aside(rules, &room_of);
        let trial = self.blocked.next_to_try(&self.waiting);
        self.is_trial = trial.is_some();
        for order in trial.map_or_else(|| self.choose(), |order| vec![order]) {
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
        self.doing = Next::Enter(if self.is_trial { Wait::ForNobody } else { Wait::ForOthers });
        !self.batch.is_empty() || !self.waiting.is_empty()
    }

    /// Sets the orders for locked rows aside, and passes those for the last kilograms on, in order of arrival.
    fn set_aside<F: Fn(AirportCode) -> TimeDelta>(
        &mut self,
        rules: &Rules<F>,
        room_of: impl Fn(FlightId) -> Option<FlightCapacity>,
    ) {
        let blocked = self.waiting.extract_if(.., |_, order| self.blocked.concerns(&order.operation));
        for (_, order) in blocked.collect::<Vec<_>>() {
            self.blocked.take_in(order, None);
        }
        if self.kind == LaneKind::Ordinary {
            let last_kilos =
                self.waiting.extract_if(.., |_, order| rules.needs_last_kilos_lane(&order.operation, &room_of));
            self.settled.extend(last_kilos.map(|(_, order)| Settled::ToLastKilos(order)));
        }
    }

    fn choose(&mut self) -> Vec<Order<T>> {
        let most = if self.singly > 0 { 1 } else { self.most };
        self.singly = self.singly.saturating_sub(1);
        let mut chosen = Chosen::default();
        if self.kind == LaneKind::Ordinary {
            // A flight gets more than its share only if no other order waits.
            chosen.choose(&self.waiting, most, (most * 3 / 4).max(1));
            chosen.choose(&self.waiting, most, most);
        } else {
            chosen.choose_in_turn(&self.waiting, most);
        }
        let arrivals = chosen.arrivals;
        arrivals.iter().filter_map(|arrival| self.waiting.remove(arrival)).collect()
    }

    /// Returns the next action.
    pub fn step<F: Fn(AirportCode) -> TimeDelta>(&mut self, report: Report, rules: &Rules<F>) -> Next {
        self.doing = match report {
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
        };
        self.doing
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
                // An earlier attempt of this order may still hold its key, in a session that is lost.
                Err(BookingError::Repeated(Repetition::InProgress)) if entry.order.is_repeated => {
                    self.settled.push(Settled::Refused(entry.order, BookingError::Crowded, None));
                }
                Err(error) => self.settled.push(Settled::Refused(entry.order, error, None)),
            }
        }
        if self.batch.is_empty() {
            return Next::RollBack;
        }
        Next::Lock(if self.passes_over || self.is_trial { Wait::ForNobody } else { Wait::ForOthers })
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
        self.succeeded(Some(proof));
        Next::Settle
    }

    fn rolled_back(&mut self) -> Next {
        match self.failure.take() {
            None => self.succeeded(None),
            Some(Failure::OfAll(error)) => self.refuse_all(error),
            Some(Failure::Conflict) => self.again(),
            Some(Failure::OfOne(error)) => self.blame(error),
            Some(Failure::RowLocked) => {
                self.passes_over = true;
                self.put_back();
            }
            Some(Failure::Hindered) => self.hindered(),
        }
        Next::Settle
    }

    fn succeeded(&mut self, proof: Option<Committed>) {
        (self.passes_over, self.conflicts, self.hindered) = (false, 0, 0);
        self.settle(proof);
        if std::mem::take(&mut self.is_trial) {
            self.waiting.append(&mut self.blocked.release());
        }
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

    /// Another transaction holds a lock that is on none of the rows of the batch. The orders that need it wait, and are
    /// tried again one by one.
    fn hindered(&mut self) {
        self.passes_over = false;
        self.hindered += u32::from(!self.is_trial);
        if self.batch.len() > 1 && self.hindered < 3 {
            self.singly = self.batch.len();
            return self.put_back();
        }
        if self.hindered >= 3 {
            // It hinders everyone, such as a lock on a table.
            self.singly = 0;
        }
        for entry in std::mem::take(&mut self.batch) {
            self.blocked.take_in(entry.order.put_back(), None);
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
            self.arrive(entry.order.put_back());
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
                (Decision::LastKilos, _) => self.settled.push(Settled::ToLastKilos(entry.order.put_back())),
                (Decision::Blocked(row), _) => self.blocked.take_in(entry.order.put_back(), Some(row)),
                (Decision::Granted(_) | Decision::Open, _) => self.arrive(entry.order.put_back()),
            }
        }
    }

    /// Granted orders of a commit with an unknown outcome are not tried again. The others of the batch are.
    fn failed(&mut self, error: DbError) -> Next {
        if !matches!(error, DbError::OutcomeUnknown(_)) {
            self.failure = Some(Failure::of(error, self.doing == Next::Lock(Wait::ForOthers)));
            return Next::RollBack;
        }
        for entry in std::mem::take(&mut self.batch) {
            if matches!(entry.decision, Decision::Granted(_)) {
                self.settled.push(Settled::Refused(entry.order, error.copy().into(), entry.made));
            } else {
                self.arrive(entry.order.put_back());
            }
        }
        Next::Settle
    }

    /// Ends the batch after a panic, as if the database had refused the data of one order. If the commit was under way,
    /// its outcome is unknown.
    pub fn panicked(&mut self) {
        if self.doing == Next::Commit {
            _ = self.failed(DbError::OutcomeUnknown(sqlx::Error::WorkerCrashed));
        } else {
            self.failure = None;
            self.blame(sqlx::Error::WorkerCrashed.into());
        }
    }

    /// Drops all orders, without an answer.
    pub fn clear(&mut self) {
        *self = Self::new(self.kind, self.most);
    }
}
