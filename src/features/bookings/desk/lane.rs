//! A lane of the desk as a pure state machine: what to do next, by what has happened. The server and the simulation
//! run the same code.
use std::collections::BTreeMap;

use chrono::TimeDelta;
use uuid::Uuid;

use super::{
    super::BookingError,
    chosen::Chosen,
    decide::{Extent, Found, Grant, Rules, Verdict},
    failure::Failure,
    order::{Arrival, Order, Ticket, Wish},
};
use crate::{
    features::capacity::FlightCapacity,
    kernel::{AirportCode, BookingId, FlightId},
    platform::{
        postgres::{DbError, MAX_RETRIES},
        work::Committed,
    },
};

/// What a lane is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Serves whatever comes, as long as there is ample room, and waits for nobody.
    Ample,
    /// Gives the last kilograms in order of arrival, and waits for nobody.
    LastKilos,
    /// Serves those whose flight or booking another transaction has locked, and waits for it.
    Patient,
}

/// What is to be done next with the lane's batch. Each is answered by a [`Report`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Begin a transaction; enter the keys and claim the air waybills of the batch.
    Enter,
    /// Lock flights and bookings, and read them.
    Lock {
        /// Whether to wait for rows that another transaction has locked.
        waits: bool,
    },
    /// Write what was granted.
    Write,
    Commit,
    RollBack,
    /// The batch has ended.
    Settle,
}

/// What has happened.
#[derive(Debug)]
pub enum Report {
    /// The outcome for each seat of the batch.
    Entered(Vec<Result<(), BookingError>>),
    Locked(Found),
    Written,
    Committed(Committed),
    RolledBack,
    Failed(DbError),
}

/// An order of the current batch; `M` is what was made of it.
#[derive(Debug)]
pub struct Seat<T, M> {
    pub order: Order<T>,
    pub course: Course,
    pub made: Option<M>,
}

#[derive(Debug)]
pub enum Course {
    Open,
    Granted(Grant),
    Refused(BookingError),
    LastKilos,
    Blocked(FlightId),
}

impl From<Verdict> for Course {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Grant(grant) => Self::Granted(grant),
            Verdict::Refuse(error) => Self::Refused(error),
            Verdict::LastKilos => Self::LastKilos,
            Verdict::Blocked(flight) => Self::Blocked(flight),
        }
    }
}

/// What becomes of an order at the end of a batch.
#[derive(Debug)]
pub enum Settled<T, M> {
    /// Its effect is committed; only a proof of that makes one.
    Done(Order<T>, Option<M>),
    /// It had no effect; except where the outcome is unknown, and then there is what would have been made.
    Refused(Order<T>, BookingError, Option<M>),
    ToLastKilos(Order<T>),
    /// To be served by who waits for this flight or booking.
    ToPatience(Order<T>, Uuid),
}

#[derive(Debug)]
pub struct Lane<T, M> {
    manner: Manner,
    /// Most orders in a batch.
    most: usize,
    waiting: BTreeMap<Arrival, Order<T>>,
    batch: Vec<Seat<T, M>>,
    /// What happens to the batch once it is rolled back.
    failure: Option<Failure>,
    /// The next so many orders are served one by one.
    singly: usize,
    /// Conflicts in a row.
    conflicts: u32,
    /// The next batch passes over locked rows.
    passes_over: bool,
    settled: Vec<Settled<T, M>>,
    #[cfg(test)]
    pub flaw: Flaw,
    /// The rooms before the locks.
    #[cfg(test)]
    known: Vec<FlightCapacity>,
}

/// Mistakes that the simulation must find.
#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Flaw {
    #[default]
    None,
    /// Acknowledges what is written before it is committed.
    EarlyAnswer,
    /// Decides by what it knew before the locks.
    StaleJudgement,
}

impl<T: Ticket, M> Lane<T, M> {
    pub const fn new(manner: Manner, most: usize) -> Self {
        Self {
            manner,
            most,
            waiting: BTreeMap::new(),
            batch: Vec::new(),
            failure: None,
            singly: 0,
            conflicts: 0,
            passes_over: false,
            settled: Vec::new(),
            #[cfg(test)]
            flaw: Flaw::None,
            #[cfg(test)]
            known: Vec::new(),
        }
    }

    pub fn arrive(&mut self, order: Order<T>) {
        self.waiting.insert(order.arrival, order);
    }

    pub const fn manner(&self) -> Manner {
        self.manner
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

    pub fn batch(&self) -> &[Seat<T, M>] {
        &self.batch
    }

    pub fn batch_mut(&mut self) -> &mut [Seat<T, M>] {
        &mut self.batch
    }

    /// Returns what has been settled since the last call.
    pub fn take_settled(&mut self) -> Vec<Settled<T, M>> {
        std::mem::take(&mut self.settled)
    }

    /// Chooses the next batch from what waits; false if there is nothing to do. `room_of` knows rooms that are not
    /// locked; `is_patient` tells which orders are served elsewhere, and by whom.
    pub fn start<F: Fn(AirportCode) -> TimeDelta>(
        &mut self,
        rules: &Rules<F>,
        room_of: impl Fn(FlightId) -> Option<FlightCapacity>,
        is_patient: impl Fn(&Wish) -> Option<Uuid>,
    ) -> bool {
        debug_assert!(self.batch.is_empty());
        self.pass_on(rules, &room_of, is_patient);
        let most = if self.singly > 0 { 1 } else { self.most };
        let mut chosen = Chosen::default();
        if self.manner == Manner::Ample {
            // A flight has its share first, and more only if nobody else waits.
            chosen.choose(&self.waiting, most, (most * 3 / 4).max(1));
            chosen.choose(&self.waiting, most, most);
        } else {
            chosen.choose_in_turn(&self.waiting, most);
        }
        for arrival in chosen.arrivals {
            let Some(order) = self.waiting.remove(&arrival) else { continue };
            // Whoever has left is skipped, without an effect.
            if order.ticket.take_up() {
                self.batch.push(Seat { order, course: Course::Open, made: None });
            }
        }
        #[cfg(test)]
        {
            let flights = self.batch.iter().flat_map(|seat| seat.order.wish.flights());
            self.known = flights.filter_map(|flight| room_of(*flight)).collect();
        }
        self.singly = self.singly.saturating_sub(1);
        !self.batch.is_empty() || !self.waiting.is_empty()
    }

    /// Passes on what others serve. All orders are looked at in order of arrival, so that those for one flight stay in
    /// this order.
    fn pass_on<F: Fn(AirportCode) -> TimeDelta>(
        &mut self,
        rules: &Rules<F>,
        room_of: impl Fn(FlightId) -> Option<FlightCapacity>,
        is_patient: impl Fn(&Wish) -> Option<Uuid>,
    ) {
        if self.manner == Manner::Patient {
            return;
        }
        let mut stays = BTreeMap::new();
        for (arrival, order) in std::mem::take(&mut self.waiting) {
            if let Some(whom) = is_patient(&order.wish) {
                self.settled.push(Settled::ToPatience(order, whom));
            } else if self.manner == Manner::Ample && rules.is_for_last_kilos(&order.wish, &room_of) {
                self.settled.push(Settled::ToLastKilos(order));
            } else {
                stays.insert(arrival, order);
            }
        }
        self.waiting = stays;
    }

    /// Returns what to do after this report.
    pub fn step<F: Fn(AirportCode) -> TimeDelta>(&mut self, report: Report, rules: &Rules<F>) -> Next {
        match report {
            Report::Entered(outcomes) => self.entered(outcomes),
            Report::Locked(found) => self.locked(found, rules),
            Report::Written => {
                #[cfg(test)]
                if self.flaw == Flaw::EarlyAnswer {
                    self.settle(Some(&Committed::simulated()));
                }
                Next::Commit
            }
            Report::Committed(proof) => self.committed(&proof),
            Report::RolledBack => self.rolled_back(),
            Report::Failed(error) => self.failed(error),
        }
    }

    fn extent(&self) -> Extent {
        if self.manner == Manner::Ample { Extent::Ample } else { Extent::All }
    }

    /// Whose key was used before leaves the batch: that was decided by another commit.
    fn entered(&mut self, outcomes: Vec<Result<(), BookingError>>) -> Next {
        for (seat, outcome) in std::mem::take(&mut self.batch).into_iter().zip(outcomes) {
            match outcome {
                Ok(()) => self.batch.push(seat),
                // Its flights are judged all the same: their fault comes first.
                Err(lost @ BookingError::AwbTaken(_)) => {
                    self.batch.push(Seat { course: Course::Refused(lost), ..seat });
                }
                Err(error) => self.settled.push(Settled::Refused(seat.order, error, None)),
            }
        }
        if self.batch.is_empty() {
            return Next::RollBack;
        }
        Next::Lock { waits: !self.passes_over }
    }

    fn locked<F: Fn(AirportCode) -> TimeDelta>(&mut self, mut found: Found, rules: &Rules<F>) -> Next {
        #[cfg(test)]
        if self.flaw == Flaw::StaleJudgement {
            found.rooms.extend(self.known.iter().map(|room| (room.flight_id, *room)));
        }
        let extent = self.extent();
        for seat in &mut self.batch {
            let wish = &seat.order.wish;
            seat.course = match std::mem::replace(&mut seat.course, Course::Open) {
                Course::Refused(lost) => Course::Refused(rules.refuse(&found, wish, lost)),
                _ => rules.decide(&mut found, extent, wish).into(),
            };
        }
        let grants = self.batch.iter().any(|seat| matches!(seat.course, Course::Granted(_)));
        if grants { Next::Write } else { Next::RollBack }
    }

    fn committed(&mut self, proof: &Committed) -> Next {
        self.conflicts = 0;
        self.passes_over = false;
        self.settle(Some(proof));
        Next::Settle
    }

    fn rolled_back(&mut self) -> Next {
        match self.failure.take() {
            None => {
                self.passes_over = false;
                self.settle(None);
            }
            Some(Failure::OfAll(mut error)) => {
                for seat in std::mem::take(&mut self.batch) {
                    let copy = error.copy();
                    let own = std::mem::replace(&mut error, copy);
                    self.settled.push(Settled::Refused(seat.order, own.into(), None));
                }
            }
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
            return self.refuse_alone(DbError::Conflict);
        }
        if !is_alone && self.conflicts > MAX_RETRIES / 2 {
            self.conflicts = 0;
            self.singly = self.batch.len();
        }
        self.singly += usize::from(is_alone);
        self.put_back();
    }

    /// One order is to blame: each is served alone, and so only the one fails.
    fn blame(&mut self, error: DbError) {
        if self.batch.len() == 1 {
            return self.refuse_alone(error);
        }
        self.singly = self.batch.len();
        self.put_back();
    }

    /// A row is locked by somebody else. Those who want it are served by one who waits; nobody else waits for it.
    fn pass_over(&mut self, error: DbError) {
        if self.manner == Manner::Patient {
            self.failure = Some(Failure::OfAll(error));
            self.rolled_back();
            return;
        }
        if !self.passes_over {
            self.passes_over = true;
            return self.put_back();
        }
        // Not a flight, or it would have been passed over.
        self.passes_over = false;
        if self.batch.len() > 1 {
            return self.blame(error);
        }
        for seat in std::mem::take(&mut self.batch) {
            let whom = seat.order.wish.whom_to_wait_for();
            seat.order.ticket.put_back();
            self.settled.push(Settled::ToPatience(seat.order, whom));
        }
    }

    fn refuse_alone(&mut self, error: DbError) {
        self.failure = Some(Failure::OfAll(error));
        self.rolled_back();
    }

    fn put_back(&mut self) {
        for seat in std::mem::take(&mut self.batch) {
            seat.order.ticket.put_back();
            self.arrive(seat.order);
        }
    }

    /// Ends the batch. What was granted is told only with a proof that it was committed.
    fn settle(&mut self, proof: Option<&Committed>) {
        for seat in std::mem::take(&mut self.batch) {
            match (seat.course, proof) {
                (Course::Granted(_), Some(_)) => self.settled.push(Settled::Done(seat.order, seat.made)),
                (Course::Refused(error), _) => self.settled.push(Settled::Refused(seat.order, error, None)),
                (Course::LastKilos, _) => {
                    seat.order.ticket.put_back();
                    self.settled.push(Settled::ToLastKilos(seat.order));
                }
                (Course::Blocked(flight), _) => {
                    seat.order.ticket.put_back();
                    self.settled.push(Settled::ToPatience(seat.order, flight.uuid()));
                }
                (Course::Granted(_) | Course::Open, _) => {
                    seat.order.ticket.put_back();
                    self.arrive(seat.order);
                }
            }
        }
    }

    /// A failed commit says nothing of what was only judged beside it: that is judged again. Where the outcome is
    /// unknown, what was granted is not tried again.
    fn failed(&mut self, error: DbError) -> Next {
        if !matches!(error, DbError::OutcomeUnknown(_)) {
            self.failure = Some(Failure::of(error));
            return Next::RollBack;
        }
        for seat in std::mem::take(&mut self.batch) {
            if matches!(seat.course, Course::Granted(_)) {
                self.settled.push(Settled::Refused(seat.order, error.copy().into(), seat.made));
            } else {
                seat.order.ticket.put_back();
                self.arrive(seat.order);
            }
        }
        Next::Settle
    }

    /// Gives up the batch after a panic.
    pub fn abandon(&mut self) {
        self.failure = Some(Failure::OfAll(sqlx::Error::WorkerCrashed.into()));
        self.rolled_back();
    }
}

impl Wish {
    fn whom_to_wait_for(&self) -> Uuid {
        let flight = self.flights().first().map(|flight| flight.uuid());
        self.booking().map(BookingId::uuid).or(flight).unwrap_or_default()
    }
}
