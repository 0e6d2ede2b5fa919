//! A lane of the desk as a pure state machine: a report of what has happened leads to the next action. The server and
//! the simulation run the same code.
use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use loadmaster_capacity::FlightCapacity;
use loadmaster_kernel::{AirportCode, FlightId};
use loadmaster_platform::{
    idempotency::Repetition,
    postgres::{DbError, MAX_RETRIES},
    work::Committed,
};
use uuid::Uuid;

#[cfg(test)]
use super::simulation::Defect;
use super::{
    super::BookingError,
    action::{Next, Report, Wait},
    blocked::Blocked,
    chosen::Chosen,
    decide::{CapacityBound, Decision, LockedRows, Rules},
    failure::Failure,
    order::{Arrival, Order, Ticket},
    suspects::Suspects,
};

/// The orders that a lane serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LaneKind {
    /// All orders, as long as more than the threshold stays free.
    Ordinary,
    /// Bookings of the last kilograms of flights, in order of arrival.
    LastKilos,
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
    /// The sizes of the next batches, the last first, after one that failed.
    parts: Vec<usize>,
    suspects: Suspects,
    /// Conflicts in a row.
    conflicts: u32,
    /// The next batch passes over locked rows.
    passes_over: bool,
    /// The batch is a trial of orders that have met a lock before.
    is_trial: bool,
    settled: Vec<Settled<T, M>>,
    /// Flights that lacked space, some of which may be kept by nobody.
    short: BTreeSet<FlightId>,
    #[cfg(test)]
    pub defect: Defect,
    /// The capacities before the locks.
    #[cfg(test)]
    known: Vec<FlightCapacity>,
}

impl<T: Ticket, M> Lane<T, M> {
    pub fn new(kind: LaneKind, most: usize) -> Self {
        Self {
            kind,
            most,
            waiting: BTreeMap::new(),
            blocked: Blocked::new(),
            batch: Vec::new(),
            doing: Next::Settle,
            failure: None,
            parts: Vec::new(),
            suspects: Suspects::default(),
            conflicts: 0,
            passes_over: false,
            is_trial: false,
            settled: Vec::new(),
            short: BTreeSet::new(),
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

    pub const fn doing(&self) -> Next {
        self.doing
    }

    /// Takes note of rows that are free again. To be called from time to time while orders are blocked.
    pub fn look(&mut self, free: &[Uuid]) {
        for order in self.blocked.look(free) {
            self.arrive(order);
        }
    }

    /// Returns whether the batch is a trial of orders that have met a lock before.
    pub const fn is_trial(&self) -> bool {
        self.is_trial
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

    /// Returns the flights that lacked space since the last call. Their orders are decided again.
    pub fn take_short(&mut self) -> Vec<FlightId> {
        std::mem::take(&mut self.short).into_iter().collect()
    }

    /// Returns what has been settled since the last call.
    pub fn take_settled(&mut self) -> Vec<Settled<T, M>> {
        std::mem::take(&mut self.settled)
    }

    /// Chooses the next batch; returns false if there is nothing to do. `capacity_of` knows capacities without a lock.
    pub fn start<F: Fn(AirportCode) -> TimeDelta>(
        &mut self,
        rules: &Rules<F>,
        capacity_of: impl Fn(FlightId) -> Option<FlightCapacity>,
    ) -> bool {
        debug_assert!(self.batch.is_empty());
        self.set_aside(rules, &capacity_of);
        // Trials and other batches take turns; none comes between a batch that met a locked row and its repetition.
        let may_try = self.waiting.is_empty() || !(self.is_trial || self.passes_over);
        let trial = if may_try { self.blocked.trial(&self.waiting) } else { Vec::new() };
        self.is_trial = !trial.is_empty();
        for order in if self.is_trial { trial } else { self.choose() } {
            // A request that has left is skipped, without an effect.
            if order.ticket.take_up() {
                self.batch.push(Entry { order, decision: Decision::Open, made: None });
            }
        }
        #[cfg(test)]
        {
            let flights = self.batch.iter().flat_map(|entry| &entry.order.operation.needs.flights);
            self.known = flights.filter_map(|flight| capacity_of(*flight)).collect();
        }
        self.doing = Next::Enter(if self.is_trial { self.patience() } else { Wait::ForOthers });
        !self.batch.is_empty() || !self.waiting.is_empty()
    }

    /// Sets the orders for locked rows and of suspects aside, and passes those for the last kilograms on.
    fn set_aside<F: Fn(AirportCode) -> TimeDelta>(
        &mut self,
        rules: &Rules<F>,
        capacity_of: impl Fn(FlightId) -> Option<FlightCapacity>,
    ) {
        let blocked = self.waiting.extract_if(.., |_, order| self.blocked.concerns(&order.operation));
        for (_, order) in blocked.collect::<Vec<_>>() {
            self.blocked.wait_for_row(order, None);
        }
        let suspect = self.waiting.extract_if(.., |_, order| self.suspects.concerns(order));
        self.blocked.try_apart(suspect.map(|(_, order)| order));
        if self.kind == LaneKind::Ordinary {
            let last_kilos =
                self.waiting.extract_if(.., |_, order| rules.needs_last_kilos_lane(&order.operation, &capacity_of));
            self.settled.extend(last_kilos.map(|(_, order)| Settled::ToLastKilos(order)));
        }
    }

    fn choose(&mut self) -> Vec<Order<T>> {
        let most = self.parts.pop().unwrap_or(self.most);
        let mut chosen = Chosen::default();
        if self.kind == LaneKind::Ordinary {
            // A flight gets more than its share only if no other order waits.
            chosen.choose(&self.waiting, most, (most * 3 / 4).max(1));
            chosen.choose(&self.waiting, most, most);
        } else {
            chosen.choose_in_turn(self.waiting.range(..), most);
        }
        let arrivals = chosen.arrivals;
        arrivals.iter().filter_map(|arrival| self.waiting.remove(arrival)).collect()
    }

    /// Returns the next action.
    pub fn step<F: Fn(AirportCode) -> TimeDelta>(&mut self, report: Report, rules: &Rules<F>) -> Next {
        self.doing = match report {
            Report::Entered(outcomes) => self.entered(outcomes),
            Report::Locked(found) => self.locked(*found, rules),
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

    /// Removes the orders whose key was used before, or is in use.
    fn entered(&mut self, outcomes: Vec<Result<(), BookingError>>) -> Next {
        for (entry, outcome) in std::mem::take(&mut self.batch).into_iter().zip(outcomes) {
            match outcome {
                Ok(()) => self.batch.push(entry),
                // Its flights are judged nevertheless: their faults take precedence.
                Err(lost @ BookingError::AwbTaken(_)) => {
                    self.batch.push(Entry { decision: Decision::Refused(lost), ..entry });
                }
                // The same request has waited at another process, and was served there first; or an earlier attempt still
                // holds the key, in a session that is lost.
                Err(BookingError::Repeated(Repetition::InProgress)) if entry.order.is_repeated => {
                    self.blocked.trial_failed([entry.order.put_back()]);
                }
                Err(error) => self.settled.push(Settled::Refused(entry.order, error, None)),
            }
        }
        if self.batch.is_empty() {
            return Next::RollBack;
        }
        Next::Lock(self.patience())
    }

    /// The first attempt of a suspect's order waits as others do, so that it closes no row to them.
    fn patience(&self) -> Wait {
        let is_repeated = self.is_trial && self.batch.iter().any(|entry| entry.order.is_repeated);
        if self.passes_over || is_repeated { Wait::ForNobody } else { Wait::ForOthers }
    }

    fn locked<F: Fn(AirportCode) -> TimeDelta>(&mut self, mut found: LockedRows, rules: &Rules<F>) -> Next {
        #[cfg(test)]
        if self.defect == Defect::StaleJudgement {
            found.spaces.extend(self.known.iter().map(|space| (space.flight_id, *space)));
        }
        let bound =
            if self.kind == LaneKind::Ordinary { CapacityBound::AboveThreshold } else { CapacityBound::Everything };
        for entry in &mut self.batch {
            let operation = &entry.order.operation;
            entry.decision = match std::mem::replace(&mut entry.decision, Decision::Open) {
                Decision::Refused(lost) => Decision::Refused(rules.refuse(&found, operation, lost)),
                _ => rules.decide(&mut found, bound, operation, entry.order.has_cleared),
            };
        }
        let grants = self.batch.iter().any(|entry| matches!(entry.decision, Decision::Granted(_)));
        if grants { Next::Write } else { Next::RollBack }
    }

    fn committed(&mut self, proof: Committed) -> Next {
        self.succeeded(Some(proof));
        self.conflicts = 0;
        Next::Settle
    }

    fn rolled_back(&mut self) -> Next {
        match self.failure.take() {
            None => self.succeeded(None),
            Some(Failure::Conflict | Failure::RowLocked) if self.is_trial => self.hindered(false),
            Some(Failure::Conflict) => return self.again(),
            Some(Failure::OfOne(error)) => self.blame(error),
            Some(Failure::RowLocked) => {
                // The same orders again, without those that need the row.
                self.passes_over = true;
                self.put_back();
            }
            Some(Failure::Hindered { claiming }) => self.hindered(claiming),
            Some(Failure::OfAll(error)) => self.refuse_all(error),
        }
        self.conflicts = 0;
        Next::Settle
    }

    fn succeeded(&mut self, proof: Option<Committed>) {
        self.passes_over = false;
        if self.is_trial && !self.batch.is_empty() {
            let has_written = self.batch.iter().any(|entry| matches!(entry.decision, Decision::Granted(_)));
            self.blocked.trial_succeeded(has_written);
        }
        self.settle(proof);
    }

    /// The whole batch again, and after several conflicts each order alone.
    fn again(&mut self) -> Next {
        self.conflicts += 1;
        let is_alone = self.batch.len() == 1;
        if is_alone && self.conflicts > MAX_RETRIES {
            self.conflicts = 0;
            self.refuse_all(DbError::Conflict);
            return Next::Settle;
        }
        if !is_alone && self.conflicts > MAX_RETRIES / 2 {
            self.conflicts = 0;
            self.parts = vec![1; self.batch.len()];
        }
        self.parts.extend(is_alone.then_some(1));
        self.put_back();
        Next::Settle
    }

    /// One order is to blame. Halves of the batch are tried, down to that order alone. Its caller is a suspect then.
    fn blame(&mut self, error: DbError) {
        if let [entry] = &self.batch[..] {
            self.suspects.add(entry.order.operation.needs.caller);
            return self.refuse_all(error);
        }
        #[cfg(test)]
        if self.defect == Defect::SharedBlame {
            return self.refuse_all(error);
        }
        if self.is_trial {
            return self.hindered(false);
        }
        let half = self.batch.len() / 2;
        self.parts.extend([half, self.batch.len() - half]);
        self.put_back();
    }

    /// Another transaction holds a lock that is on none of the rows of the batch. While air waybills were claimed, it is
    /// that of a claim: other orders are not concerned.
    fn hindered(&mut self, claiming: bool) {
        let orders: Vec<_> = std::mem::take(&mut self.batch).into_iter().map(|entry| entry.order.put_back()).collect();
        if self.is_trial {
            return self.blocked.trial_failed(orders);
        }
        self.passes_over = false;
        let claiming = claiming && orders.iter().any(|order| order.operation.needs.claim().is_some());
        let (hindered, free): (Vec<_>, Vec<_>) =
            orders.into_iter().partition(|order| !claiming || order.operation.needs.claim().is_some());
        self.blocked.try_apart(hindered);
        self.waiting.extend(free.into_iter().map(|order| (order.arrival, order)));
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
                (Decision::LastKilos, _) => self.settled.push(Settled::ToLastKilos(entry.order.pass_on())),
                (Decision::Short, _) => {
                    // Any of its flights: only the first that lacks space is known.
                    self.short.extend(&entry.order.operation.needs.flights);
                    self.arrive(Order { has_cleared: true, ..entry.order.put_back() });
                }
                (Decision::Blocked(row), _) => {
                    // While it waits, more may run out.
                    let order = Order { has_cleared: false, ..entry.order.put_back() };
                    self.blocked.wait_for_row(order, Some(row));
                }
                (Decision::Granted(_) | Decision::Open, _) => self.arrive(entry.order.put_back()),
            }
        }
    }

    /// Granted orders of a commit with an unknown outcome are not tried again. The others of the batch are.
    fn failed(&mut self, error: DbError) -> Next {
        if !matches!(error, DbError::OutcomeUnknown(_)) {
            self.failure = Some(Failure::of(error, self.doing));
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

    /// Ends the batch after a panic, as after an error of one order. During a commit its outcome is unknown.
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
