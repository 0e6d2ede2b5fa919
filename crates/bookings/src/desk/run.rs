use std::{collections::BTreeSet, panic::AssertUnwindSafe, sync::Weak, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use loadmaster_capacity::{self as capacity, FlightCapacity};
use loadmaster_holds::{self as holds, Draws};
use loadmaster_kernel::{AirportCode, BookingId, FlightId, HoldId};
use loadmaster_platform::{
    locks::Lock,
    postgres::{DbError, limit_lock_waits, pause_before_retry},
    telemetry::{self, Traced, metric::TRANSACTION_RETRIES, span},
    work::{Committed, Transaction},
};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};
use uuid::Uuid;

use super::{
    super::{
        BookingError, BookingService, metric,
        model::{Action, Booking},
        repository,
    },
    Inner, Order,
    action::{Next, Report, Wait},
    decide::{LockedRows, Rules},
    failure,
    lane::{Lane, LaneKind, Settled},
    order::{Needs, What},
    reading::{asked, needs_of, read_more, timetable},
    ticket::{Awaited, Done, Ticket},
    write::{self, Made, OwnEntry},
};

/// Time between two looks at the rows that other transactions have locked.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);
/// Longest wait for a lock by orders that have met one before.
const TRIAL_PATIENCE: Duration = Duration::from_millis(2);

type Orders = mpsc::UnboundedReceiver<Order>;

/// Carries out what a lane decides to do.
pub struct Runner {
    bookings: BookingService,
    lane: Lane<Ticket, Made>,
    desk: Weak<Inner>,
    name: String,
    next_look: Instant,
    tx: Option<Transaction>,
    turns: Vec<Lock>,
    /// The time of the decisions, after the locks.
    decided_at: DateTime<Utc>,
    /// What allotments kept before the decisions, by which they are written.
    draws: Draws,
    /// The capacities that the batch leaves.
    spaces: Vec<FlightCapacity>,
}

impl Runner {
    pub fn new(bookings: BookingService, lane: Lane<Ticket, Made>, desk: Weak<Inner>, name: String) -> Self {
        Self {
            bookings,
            lane,
            desk,
            name,
            next_look: Instant::now(),
            tx: None,
            turns: Vec::new(),
            decided_at: DateTime::UNIX_EPOCH,
            draws: Draws::default(),
            spaces: Vec::new(),
        }
    }

    /// Serves until the desk is gone.
    pub async fn serve(mut self, mut orders: Orders) {
        // A counter that has not counted yet is zero.
        metric::DESK_SPLIT.with([&*self.name]).increment(0);
        while self.has_work(&mut orders).await {
            if AssertUnwindSafe(self.serve_all(&mut orders)).catch_unwind().await.is_err() {
                tracing::error!(lane = self.name, "a lane of the booking desk panicked; its orders are dropped");
                self.lane.clear();
            }
        }
    }

    /// Waits for an order, or for the next look at the locked rows. Returns false if the desk is gone.
    async fn has_work(&mut self, orders: &mut Orders) -> bool {
        let arrived = if self.lane.blocked().len() == 0 {
            orders.recv().await
        } else {
            match timeout_at(self.next_look, orders.recv()).await {
                Ok(arrived) => arrived,
                Err(_) => return true,
            }
        };
        let is_open = arrived.is_some();
        if let Some(order) = arrived {
            self.lane.arrive(order);
        }
        is_open
    }

    /// Serves whatever waits, a batch at a time.
    async fn serve_all(&mut self, orders: &mut Orders) {
        loop {
            while let Ok(order) = orders.try_recv() {
                self.lane.arrive(order);
            }
            if self.lane.blocked().len() > 0 && self.next_look <= Instant::now() {
                self.look().await;
                self.next_look = Instant::now() + LOOK_INTERVAL;
            }
            let index = self.bookings.capacity.index();
            let is_fresh = index.is_fresh(self.bookings.clock.now());
            let capacity_of = |flight| if is_fresh { index.space(flight) } else { None };
            let has_more = self.lane.start(&rules(&self.bookings), capacity_of);
            if !self.lane.batch().is_empty() {
                self.serve_batch().await;
            }
            self.reply();
            self.clear().await;
            metric::DESK_BLOCKED.with([&*self.name]).set(count(self.lane.blocked().len()));
            if let Some(pause) = self.lane.conflicts().map(pause_before_retry) {
                tokio::time::sleep(pause).await;
            }
            if !has_more {
                break;
            }
        }
        metric::DESK_WAITING.with([&*self.name]).set(0);
    }

    /// Frees the space that nobody has a right to any more, on flights that ran short. If that fails, their orders are
    /// decided by the rows as they are.
    async fn clear(&mut self) {
        let short = self.lane.take_short();
        if !short.is_empty()
            && let Err(error) = self.bookings.holds.clear(&short).await
        {
            tracing::debug!(%error, "holds whose time is up cannot be ended for an order that runs short");
        }
    }

    /// Looks at the locked rows for which orders wait, without waiting for them. If that fails, the orders learn it by
    /// an attempt of their own.
    async fn look(&mut self) {
        let rows: Vec<Uuid> = self.lane.blocked().rows().iter().copied().collect();
        let free = self.free(&rows).await;
        self.lane.look(free.as_deref().unwrap_or(&rows));
    }

    async fn free(&self, rows: &[Uuid]) -> Result<Vec<Uuid>, DbError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let mut tx = Transaction::begin(&self.bookings.db).await?;
        let flights: Vec<FlightId> = rows.iter().copied().map(FlightId::from).collect();
        let flights = capacity::lock_free_in_tx(&mut tx, &flights).await?;
        let bookings = repository::lock_free_bookings(&mut tx, rows).await?;
        let holds = holds::lock_free_in_tx(&mut tx, rows).await?;
        tx.roll_back().await;
        let flights = flights.into_iter().map(|space| space.flight_id.uuid());
        let bookings = bookings.into_iter().map(|booking| booking.id.uuid());
        Ok(flights.chain(bookings).chain(holds.into_iter().map(|hold| hold.id.uuid())).collect())
    }

    async fn serve_batch(&mut self) {
        let batch = self.lane.batch();
        metric::DESK_WAITING.with([&*self.name]).set(count(self.lane.waiting()));
        if !self.lane.is_trial() {
            metric::DESK_BATCH.with([&*self.name]).record(f64::from(count(batch.len())));
        }
        let now = Instant::now();
        for entry in batch.iter().filter(|entry| !entry.order.is_repeated) {
            let waited = now - entry.order.ticket.queued;
            metric::DESK_WAIT.with([&*self.name]).record(waited.as_secs_f64());
        }
        let causes = batch.iter().filter_map(|entry| entry.order.ticket.trace.as_deref());
        let span = telemetry::batch("bookings.desk", batch.len(), causes);
        let serving = AssertUnwindSafe(self.work().in_span(span)).catch_unwind().await;
        if serving.is_err() {
            tracing::error!(lane = self.name, "a batch of the booking desk panicked");
            failure::count_split(&self.name, self.lane.batch().len(), None);
            self.tx = None;
            self.lane.panicked();
        }
        self.turns.clear();
    }

    async fn work(&mut self) {
        let mut next = self.lane.doing();
        while next != Next::Settle {
            let report = self.carry_out(next).await.unwrap_or_else(Report::Failed);
            if let Report::Failed(error) = &report {
                failure::count_split(&self.name, self.lane.batch().len(), Some(error));
            }
            if let Report::Failed(error) = &report
                && (error.is_conflict() || error.is_lock_timeout())
                && !self.lane.is_trial()
            {
                self.path().count_conflicts(self.takings());
                TRANSACTION_RETRIES.increment(u64::from(error.is_conflict()));
            }
            next = self.lane.step(report, &rules(&self.bookings));
        }
    }

    const fn path(&self) -> capacity::Path {
        match self.lane.kind() {
            LaneKind::Ordinary => capacity::Path::Optimistic,
            LaneKind::LastKilos => capacity::Path::Locking,
        }
    }

    /// Returns how often the batch takes space on a flight.
    fn takings(&self) -> usize {
        let taking = needs_of(self.lane.batch()).filter(|needs| needs.takes.is_some());
        taking.map(|needs| needs.flights.len()).sum()
    }

    async fn carry_out(&mut self, next: Next) -> Result<Report, DbError> {
        match next {
            Next::Enter(wait) => Ok(Report::Entered(self.enter(wait).await?)),
            Next::Lock(wait) => Ok(Report::Locked(Box::new(self.lock(wait).await?))),
            Next::Write => {
                self.write().await?;
                Ok(Report::Written)
            }
            Next::Commit => {
                let began = Instant::now();
                let Some(tx) = self.tx.take() else { return Err(sqlx::Error::WorkerCrashed.into()) };
                let committed = tx.commit().await;
                #[cfg(debug_assertions)]
                loadmaster_platform::sabotage::step("batch committed");
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
    async fn enter(&mut self, wait: Wait) -> Result<Vec<Result<(), BookingError>>, DbError> {
        if self.lane.kind() == LaneKind::LastKilos {
            let flights = wanted(self.lane.batch(), |needs| needs.takes.is_some());
            self.turns = self.bookings.capacity.turns(flights).in_span(span("wait for turn")).await;
        }
        let tx = self.tx.insert(Transaction::begin(&self.bookings.db).await?);
        if wait == Wait::ForNobody {
            limit_lock_waits(tx, TRIAL_PATIENCE).await?;
        }
        let begun_at = self.bookings.clock.now();
        let keys: Vec<_> = self.lane.batch().iter().map(|entry| &*entry.order.ticket.key).collect();
        let entered = tx.enter(&keys).await?;
        let mut outcomes: Vec<Result<(), BookingError>> =
            entered.into_iter().map(|entered| entered.map_err(BookingError::from)).collect();
        let mut claims = Vec::new();
        for (entry, outcome) in self.lane.batch_mut().iter_mut().zip(&outcomes) {
            let needs = &entry.order.operation.needs;
            if needs.books {
                let id = self.bookings.ids.next(begun_at);
                claims.extend(needs.claim().filter(|_| outcome.is_ok()).map(|awb| (awb.clone(), id)));
                entry.made = Some(Made { id, booking: None, hold: None, answer: None });
            }
        }
        if !claims.is_empty() {
            claims.sort();
            let won = repository::claim_awbs(tx, &claims).await?;
            for (entry, outcome) in self.lane.batch().iter().zip(&mut outcomes) {
                let Some((awb, made)) = entry.order.operation.needs.claim().zip(entry.made.as_ref()) else { continue };
                if outcome.is_ok() && !won.contains(&made.id) {
                    *outcome = Err(BookingError::AwbTaken(awb.clone()));
                }
            }
        }
        Ok(outcomes)
    }

    /// Locks the flights of all orders in ascending order, then the bookings, and reads them.
    async fn lock(&mut self, wait: Wait) -> Result<LockedRows, DbError> {
        let flights: Vec<FlightId> = wanted(self.lane.batch(), |_| true).into_iter().collect();
        let judged = wanted(self.lane.batch(), |needs| needs.schedules);
        let mut bookings: Vec<Uuid> =
            needs_of(self.lane.batch()).filter_map(|needs| Some(needs.booking?.uuid())).collect();
        bookings.sort_unstable();
        let mut holds: Vec<HoldId> = needs_of(self.lane.batch()).filter_map(|needs| needs.hold).collect();
        holds.sort_unstable();
        let asked = asked(self.lane.batch());
        let service = self.bookings.clone();
        let tx = self.transaction()?;
        let mut found = LockedRows::default();
        if !flights.is_empty() {
            let spaces = match wait {
                Wait::ForOthers => capacity::lock_in_tx(tx, &flights).await?,
                Wait::ForNobody => capacity::lock_free_in_tx(tx, &flights).await?,
            };
            found.spaces = spaces.into_iter().map(|space| (space.flight_id, space)).collect();
            found.flights = timetable(tx, &service, &judged, &found.spaces).await?;
            if !judged.is_empty() {
                found.embargoes = service.embargoes.in_force_in_tx(tx).await?;
            }
            // Another transaction has locked the flights that exist and were not locked.
            let is_known = |flight: &&FlightId| !judged.contains(flight) || found.flights.contains_key(flight);
            let missing = flights.iter().filter(|flight| !found.spaces.contains_key(flight)).filter(is_known);
            found.blocked.extend(missing.map(|flight| flight.uuid()));
        }
        if !bookings.is_empty() {
            let locked = match wait {
                Wait::ForOthers => repository::lock_bookings(tx, &bookings).await?,
                Wait::ForNobody => repository::lock_free_bookings(tx, &bookings).await?,
            };
            found.bookings = locked.into_iter().map(|booking| (booking.id, booking)).collect();
            found.blocked.extend(bookings.iter().filter(|id| !found.bookings.contains_key(&BookingId::from(**id))));
        }
        if !holds.is_empty() {
            let locked = match wait {
                Wait::ForOthers => holds::lock_in_tx(tx, &holds).await?,
                Wait::ForNobody => {
                    let ids: Vec<Uuid> = holds.iter().map(|hold| hold.uuid()).collect();
                    holds::lock_free_in_tx(tx, &ids).await?
                }
            };
            found.holds = locked.into_iter().map(|hold| (hold.id, hold)).collect();
            let missing = holds.iter().filter(|id| !found.holds.contains_key(id));
            found.blocked.extend(missing.map(|id| id.uuid()));
        }
        found.at = service.clock.now();
        found.books = asked.read_in_tx(tx, found.at).await?;
        let batch = self.lane.batch();
        let Some(tx) = self.tx.as_mut() else { return Err(sqlx::Error::WorkerCrashed.into()) };
        read_more(tx, &service, batch, &mut found).await?;
        found.draws = Draws::read_in_tx(tx, found.spaces.values(), &found.takers(), found.at).await?;
        (self.decided_at, self.draws) = (found.at, found.draws.clone());
        Ok(found)
    }

    async fn write(&mut self) -> Result<(), DbError> {
        let (service, decided_at, draws) = (self.bookings.clone(), self.decided_at, std::mem::take(&mut self.draws));
        let tx = self.tx.as_mut().ok_or(sqlx::Error::WorkerCrashed)?;
        self.spaces = write::write(tx, &service, self.lane.batch_mut(), draws, decided_at).await?;
        Ok(())
    }

    /// Reports to each the outcome of its order, or passes it on.
    fn reply(&mut self) {
        let settled = self.lane.take_settled();
        let spaces = std::mem::take(&mut self.spaces);
        if settled.iter().any(|settled| matches!(settled, Settled::Done(..))) {
            self.bookings.capacity.wrote(&spaces);
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
            }
        }
    }

    fn done(&self, order: Order, made: Option<Made>, proof: Committed) {
        let Order { operation, ticket, .. } = order;
        let Some(Made { booking, hold, answer: Some(answer), .. }) = made else {
            return ticket.refuse(DbError::from(sqlx::Error::WorkerCrashed).into(), None);
        };
        let bookings = &self.bookings;
        ticket.span.in_scope(|| {
            if let Some((hold, event_type)) = &hold {
                bookings.holds.changed(hold, *event_type);
            }
            match (&operation.what, &booking) {
                (What::Move(movement), Some(booking)) => bookings.moved(booking, movement.verb.action()),
                (What::Book(_), Some(booking)) => {
                    self.path().count_taken(booking.legs.len());
                    bookings.created(booking);
                }
                (What::StepHold(_), Some(booking)) => bookings.created(booking),
                (What::Hold(_), made) => {
                    self.path().count_taken(operation.needs.flights.len());
                    if let Some(booking) = made {
                        bookings.created(booking);
                    }
                }
                (What::Book(_) | What::Move(_) | What::StepHold(_), None) => {}
            }
        });
        let awaited = hold.as_ref().filter(|_| !answer.is_final()).and_then(|(hold, _)| hold.payment.as_ref());
        let awaits = awaited.map(Awaited::from);
        ticket.acknowledge(Done { answer, awaits }, proof);
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
            self.start_refunds(booking);
            tracing::info!(ref_id = %booking.ref_id, "booking cancelled");
        } else {
            tracing::info!(ref_id = %booking.ref_id, action = action.as_str(), "booking moved");
        }
        self.count(action, 1);
    }
}

fn rules(bookings: &BookingService) -> Rules<impl Fn(AirportCode) -> TimeDelta> {
    let connections = bookings.flights.connections();
    Rules {
        threshold: bookings.capacity.threshold(),
        minimum_connection: |airport| connections.minimum(airport),
        backdate: bookings.limits.backdate,
        limits: bookings.holds.limits(),
        ids: bookings.ids.clone(),
        reference: bookings.surroundings().reference.clone(),
    }
}

fn count(orders: usize) -> u32 {
    u32::try_from(orders).unwrap_or(u32::MAX)
}

/// Returns the flights of these orders, in ascending order.
fn wanted(batch: &[OwnEntry], which: impl Fn(&Needs) -> bool) -> BTreeSet<FlightId> {
    needs_of(batch).filter(|needs| which(needs)).flat_map(|needs| needs.flights.iter().copied()).collect()
}
