use std::{
    collections::{BTreeSet, HashMap},
    panic::AssertUnwindSafe,
    sync::Weak,
};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use tokio::{sync::mpsc, time::Instant};
use uuid::Uuid;

use super::{
    super::{
        BookingError, BookingService, metric,
        model::{Action, Booking},
        repository,
    },
    Inner, Operation, Order,
    decide::{LockedRows, Rules},
    lane::{Lane, LaneKind, Next, Report, Settled, Wait},
    ticket::Ticket,
    write::{self, Made, OwnEntry},
};
use crate::{
    features::{
        capacity::{self, FlightCapacity},
        flights::{self, Flight},
    },
    kernel::{AirportCode, BookingId, FlightId},
    platform::{
        locks::Lock,
        postgres::{DbError, pause_before_retry},
        telemetry::{self, Traced, span},
        work::{Committed, Transaction},
    },
};

/// Carries out what a lane decides to do.
pub struct Runner {
    bookings: BookingService,
    lane: Lane<Ticket, Made>,
    desk: Weak<Inner>,
    name: String,
    tx: Option<Transaction>,
    turns: Vec<Lock>,
    /// The time of the decisions, after the locks.
    decided_at: DateTime<Utc>,
    /// The rooms that the batch leaves.
    rooms: Vec<FlightCapacity>,
}

impl Runner {
    pub fn new(bookings: BookingService, lane: Lane<Ticket, Made>, desk: Weak<Inner>, name: String) -> Self {
        let (decided_at, rooms) = (DateTime::UNIX_EPOCH, Vec::new());
        Self { bookings, lane, desk, name, tx: None, turns: Vec::new(), decided_at, rooms }
    }

    /// Serves until the desk is gone.
    pub async fn serve(mut self, mut orders: mpsc::UnboundedReceiver<Order>) {
        while let Some(order) = orders.recv().await {
            self.lane.arrive(order);
            self.serve_all(&mut orders).await;
        }
    }

    pub async fn serve_until_empty(mut self, mut orders: mpsc::UnboundedReceiver<Order>, obstacle: Uuid) {
        loop {
            self.serve_all(&mut orders).await;
            let is_over = self.desk.upgrade().is_none_or(|desk| desk.close_waiting_lane(obstacle, &orders));
            if is_over {
                return;
            }
        }
    }

    /// Serves whatever waits, a batch at a time.
    async fn serve_all(&mut self, orders: &mut mpsc::UnboundedReceiver<Order>) {
        loop {
            while let Ok(order) = orders.try_recv() {
                self.lane.arrive(order);
            }
            let Some(desk) = self.desk.upgrade() else { return };
            let index = self.bookings.capacity.index();
            let is_fresh = index.is_fresh(self.bookings.clock.now());
            let room_of = |flight| if is_fresh { index.room(flight) } else { None };
            let has_more =
                self.lane.start(&rules(&self.bookings), room_of, |operation| desk.waiting_lane_for(operation));
            drop(desk);
            if !self.lane.batch().is_empty() {
                self.serve_batch().await;
            }
            self.reply();
            if let Some(pause) = self.lane.conflicts().map(pause_before_retry) {
                tokio::time::sleep(pause).await;
            }
            if !has_more {
                break;
            }
        }
        metric::DESK_WAITING.with([&*self.name]).set(0);
    }

    async fn serve_batch(&mut self) {
        let batch = self.lane.batch();
        metric::DESK_WAITING.with([&*self.name]).set(u32::try_from(self.lane.waiting()).unwrap_or(u32::MAX));
        metric::DESK_BATCH.with([&*self.name]).record(f64::from(u32::try_from(batch.len()).unwrap_or(u32::MAX)));
        let now = Instant::now();
        for entry in batch {
            let waited = now - entry.order.ticket.queued;
            metric::DESK_WAIT.with([&*self.name]).record(waited.as_secs_f64());
        }
        let causes = batch.iter().filter_map(|entry| entry.order.ticket.trace.as_deref());
        let span = telemetry::batch("bookings.desk", batch.len(), causes);
        let serving = AssertUnwindSafe(self.work().in_span(span)).catch_unwind().await;
        if serving.is_err() {
            tracing::error!(lane = self.name, "a batch of the booking desk panicked");
            self.tx = None;
            self.lane.abandon();
        }
        self.turns.clear();
    }

    async fn work(&mut self) {
        let mut next = Next::Enter;
        while next != Next::Settle {
            let report = self.carry_out(next).await.unwrap_or_else(Report::Failed);
            if let Report::Failed(error) = &report
                && (error.is_conflict() || error.is_lock_timeout())
            {
                self.path().count_conflicts(self.takings());
            }
            next = self.lane.step(report, &rules(&self.bookings));
        }
    }

    const fn path(&self) -> capacity::Path {
        match self.lane.kind() {
            LaneKind::Ordinary => capacity::Path::Optimistic,
            LaneKind::LastKilos | LaneKind::Waiting(_) => capacity::Path::Locking,
        }
    }

    /// Returns how often the batch takes room on a flight.
    fn takings(&self) -> usize {
        let operations = self.lane.batch().iter().map(|entry| &entry.order.operation);
        operations
            .filter(|operation| matches!(operation, Operation::Book(_)))
            .map(|operation| operation.flights().len())
            .sum()
    }

    async fn carry_out(&mut self, next: Next) -> Result<Report, DbError> {
        match next {
            Next::Enter => Ok(Report::Entered(self.enter().await?)),
            Next::Lock(wait) => Ok(Report::Locked(self.lock(wait).await?)),
            Next::Write => {
                self.write().await?;
                Ok(Report::Written)
            }
            Next::Commit => {
                let began = Instant::now();
                let Some(tx) = self.tx.take() else { return Err(sqlx::Error::WorkerCrashed.into()) };
                let committed = tx.commit().await;
                metric::DESK_COMMIT.with([&*self.name]).record(began.elapsed().as_secs_f64());
                Ok(Report::Committed(committed?))
            }
            Next::RollBack | Next::Settle => {
                if let Some(tx) = self.tx.take() {
                    tx.roll_back().await;
                }
                Ok(Report::RolledBack)
            }
        }
    }

    fn transaction(&mut self) -> Result<&mut Transaction, DbError> {
        self.tx.as_mut().ok_or_else(|| sqlx::Error::WorkerCrashed.into())
    }

    /// Takes the courtesy locks for the last kilograms, begins, enters the keys, and claims the air waybills.
    async fn enter(&mut self) -> Result<Vec<Result<(), BookingError>>, DbError> {
        if self.lane.kind() == LaneKind::LastKilos {
            let flights = wanted(self.lane.batch(), |operation| matches!(operation, Operation::Book(_)));
            self.turns = self.bookings.capacity.turns(flights).in_span(span("wait for turn")).await;
        }
        let tx = self.tx.insert(Transaction::begin(&self.bookings.db).await?);
        let begun_at = self.bookings.clock.now();
        let keys: Vec<_> = self.lane.batch().iter().map(|entry| &*entry.order.ticket.key).collect();
        let entered = tx.enter(&keys).await?;
        let mut outcomes: Vec<Result<(), BookingError>> =
            entered.into_iter().map(|entered| entered.map_err(BookingError::from)).collect();
        let mut claims = Vec::new();
        for (entry, outcome) in self.lane.batch_mut().iter_mut().zip(&outcomes) {
            if matches!(entry.order.operation, Operation::Book(_)) {
                let id = self.bookings.ids.next(begun_at);
                entry.made = Some(Made { id, booking: None, answer: None });
                claims.extend(entry.order.operation.claim().filter(|_| outcome.is_ok()).map(|awb| (awb.clone(), id)));
            }
        }
        if !claims.is_empty() {
            claims.sort();
            let won = repository::claim_awbs(tx, &claims).await?;
            for (entry, outcome) in self.lane.batch().iter().zip(&mut outcomes) {
                let Some((awb, made)) = entry.order.operation.claim().zip(entry.made.as_ref()) else { continue };
                if outcome.is_ok() && !won.contains(&made.id) {
                    *outcome = Err(BookingError::AwbTaken(awb.clone()));
                }
            }
        }
        Ok(outcomes)
    }

    /// Locks the flights of all orders in ascending order, then the bookings, and reads them. A row for which the lane
    /// waits alone is locked first: nobody waits for the others meanwhile, and they are not waited for.
    async fn lock(&mut self, wait: Wait) -> Result<LockedRows, DbError> {
        let flights: Vec<FlightId> = wanted(self.lane.batch(), |_| true).into_iter().collect();
        let booked = wanted(self.lane.batch(), |operation| matches!(operation, Operation::Book(_)));
        let mut bookings: Vec<Uuid> =
            self.lane.batch().iter().filter_map(|entry| Some(entry.order.operation.booking()?.uuid())).collect();
        bookings.sort_unstable();
        let service = self.bookings.clone();
        let tx = self.transaction()?;
        if let Wait::For(obstacle) = wait {
            if flights.iter().any(|flight| flight.uuid() == obstacle) {
                capacity::lock_in_tx(tx, &[obstacle.into()]).await?;
            } else {
                repository::lock_bookings(tx, &[obstacle]).await?;
            }
        }
        let mut found = LockedRows::default();
        if !flights.is_empty() {
            let rooms = match wait {
                Wait::ForAll => capacity::lock_in_tx(tx, &flights).await?,
                Wait::For(_) | Wait::ForNone => capacity::lock_free_in_tx(tx, &flights).await?,
            };
            found.rooms = rooms.into_iter().map(|room| (room.flight_id, room)).collect();
            found.flights = timetable(tx, &service, &booked, &found.rooms).await?;
            // Another transaction has locked the flights that exist and were not locked.
            let is_known = |flight: &&FlightId| !booked.contains(flight) || found.flights.contains_key(flight);
            let missing = flights.iter().filter(|flight| !found.rooms.contains_key(flight)).filter(is_known);
            found.blocked.extend(missing.map(|flight| flight.uuid()));
        }
        if !bookings.is_empty() {
            let locked = match wait {
                Wait::ForAll => repository::lock_bookings(tx, &bookings).await?,
                Wait::For(_) | Wait::ForNone => repository::lock_free_bookings(tx, &bookings).await?,
            };
            found.bookings = locked.into_iter().map(|booking| (booking.id, booking)).collect();
            found.blocked.extend(bookings.iter().filter(|id| !found.bookings.contains_key(&BookingId::from(**id))));
        }
        found.at = service.clock.now();
        self.decided_at = found.at;
        Ok(found)
    }

    async fn write(&mut self) -> Result<(), DbError> {
        let (service, decided_at) = (self.bookings.clone(), self.decided_at);
        let tx = self.tx.as_mut().ok_or(sqlx::Error::WorkerCrashed)?;
        self.rooms = write::write(tx, &service, self.lane.batch_mut(), decided_at).await?;
        Ok(())
    }

    /// Tells each what became of its order, or passes it on.
    fn reply(&mut self) {
        let settled = self.lane.take_settled();
        let rooms = std::mem::take(&mut self.rooms);
        if settled.iter().any(|settled| matches!(settled, Settled::Done(..))) {
            self.bookings.capacity.wrote(&rooms);
        }
        for settled in settled {
            match settled {
                Settled::Done(order, made, proof) => self.done(order, made, proof),
                Settled::Refused(order, error, made) => order.ticket.refuse(error, made.and_then(|made| made.answer)),
                Settled::ToLastKilos(order) => {
                    if let Some(desk) = self.desk.upgrade() {
                        desk.to_last_kilos(order);
                    }
                }
                Settled::ToWaiting(order, obstacle) => {
                    if let Some(desk) = self.desk.upgrade() {
                        desk.to_waiting_lane(order, obstacle);
                    }
                }
            }
        }
    }

    fn done(&self, order: Order, made: Option<Made>, proof: Committed) {
        let Order { operation, ticket, .. } = order;
        let Some((Some(booking), Some(answer))) = made.map(|made| (made.booking, made.answer)) else {
            return ticket.refuse(DbError::from(sqlx::Error::WorkerCrashed).into(), None);
        };
        let bookings = &self.bookings;
        ticket.span.in_scope(|| match &operation {
            Operation::Book(_) => {
                self.path().count_taken(booking.legs.len());
                bookings.created(&booking);
            }
            Operation::Move(movement) => bookings.moved(&booking, movement.verb.action()),
        });
        ticket.acknowledge(answer, proof);
    }
}

impl BookingService {
    /// To be called after the commit of a new booking.
    fn created(&self, booking: &Booking) {
        self.own.note(booking.id);
        self.known.note(booking);
        self.count_created(booking.space.weight);
        metric::BOOKINGS.with(["created"]).increment(1);
        tracing::info!(ref_id = %booking.ref_id, legs = booking.legs.len(), weight = %booking.space.weight, "booking created");
    }

    /// To be called after the commit of a step.
    fn moved(&self, booking: &Booking, action: Action) {
        if action == Action::Cancel {
            tracing::info!(ref_id = %booking.ref_id, "booking cancelled");
        } else {
            tracing::info!(ref_id = %booking.ref_id, action = action.as_str(), "booking moved");
        }
        self.count(action, 1);
    }
}

fn rules(bookings: &BookingService) -> Rules<impl Fn(AirportCode) -> TimeDelta> {
    let connections = bookings.flights.connections();
    Rules { threshold: bookings.capacity.threshold(), minimum_connection: |airport| connections.minimum(airport) }
}

/// Returns the flights of these orders, in ascending order.
fn wanted(batch: &[OwnEntry], which: impl Fn(&Operation) -> bool) -> BTreeSet<FlightId> {
    let orders = batch.iter().map(|entry| &entry.order.operation).filter(|operation| which(operation));
    orders.flat_map(|operation| operation.flights().iter().copied()).collect()
}

/// Returns the schedules of the flights to be booked: as this process knows them under the locked version, else read.
async fn timetable(
    tx: &mut Transaction,
    service: &BookingService,
    booked: &BTreeSet<FlightId>,
    rooms: &HashMap<FlightId, FlightCapacity>,
) -> Result<HashMap<FlightId, Flight>, DbError> {
    let (mut known, mut unknown) = (HashMap::with_capacity(booked.len()), Vec::new());
    for flight in booked {
        match rooms.get(flight).and_then(|room| service.flights.known_as(*room)) {
            Some(found) => _ = known.insert(*flight, found),
            None => unknown.push(*flight),
        }
    }
    if !unknown.is_empty() {
        let found = flights::find_all_in_tx(tx, &unknown).await?;
        service.flights.take_in(&found);
        known.extend(found.into_iter().map(|flight| (flight.id, flight)));
    }
    Ok(known)
}
