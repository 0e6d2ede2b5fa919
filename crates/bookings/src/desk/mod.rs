//! The booking desk: requests that arrive while a commit is under way wait together, and are decided together in one
//! transaction. A few lanes serve them, each on a connection of its own; one lane sells the last kilograms of flights
//! in order of arrival. Orders for a row that another transaction has locked delay no others. There is no timer: an idle
//! desk serves at once. See `docs/booking-desk.md`.
mod action;
mod blocked;
mod chosen;
mod decide;
mod failure;
mod lane;
mod order;
mod reading;
mod run;
#[cfg(test)]
mod simulation;
mod suspects;
mod ticket;
mod write;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use loadmaster_holds::{Hold, HoldService};
use loadmaster_platform::{
    idempotency::{Answer, InUse, Key, Repetition},
    tasks::Tasks,
    telemetry::{Traced, span},
    web::Problem,
};
use loadmaster_shipment::Surroundings;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout_at},
};

use super::{BookingError, BookingService, metric, model::Booking};
use lane::{Lane, LaneKind};
use run::Runner;
use ticket::{Progress, Queues};

pub(super) use order::{Movement, Operation, Verb};
pub(super) use ticket::{Awaited, Done, Outcome, Refusal};

type Order = order::Order<ticket::Ticket>;

/// Longest time for which a lane waits for a row that another transaction has locked.
const LOCK_PATIENCE: Duration = Duration::from_millis(50);

/// Settings of the desk.
#[derive(Debug, Clone, Copy)]
pub struct DeskLimits {
    /// Number of lanes beside the one for the last kilograms.
    pub lanes: usize,
    /// Most orders that are decided together.
    pub batch: usize,
    /// Most orders that wait for one flight or one booking.
    pub queue: usize,
}

/// Takes the orders of requests. Cheap to clone. The lanes end when the last clone is dropped.
#[derive(Clone)]
pub struct Desk {
    inner: Arc<Inner>,
    bookings: BookingService,
}

struct Inner {
    /// The last one is for the last kilograms.
    lanes: Box<[mpsc::UnboundedSender<Order>]>,
    arrivals: AtomicU64,
    places: Queues,
    limits: DeskLimits,
    tasks: Tasks,
    /// Longest wait of an order before it is begun; after that it is refused. Twice as long as others wait for a row.
    patience: Duration,
}

/// A request at the desk.
pub struct Request {
    key: Arc<Key>,
    in_use: Arc<InUse>,
    answer: AnswerFor,
    until: Instant,
}

/// Makes the answer to a granted order.
#[derive(Debug, Clone, Copy)]
pub enum AnswerFor {
    Booking(fn(&Booking, &Surroundings) -> Answer),
    Hold(fn(&Hold, &Surroundings) -> Answer),
}

impl Request {
    /// `until`: the end of the request. Fails if another request with the same key is in progress in this process.
    pub fn new(key: Key, answer: AnswerFor, until: Instant) -> Result<Self, Repetition> {
        let in_use = Arc::new(key.start().ok_or(Repetition::InProgress)?);
        Ok(Self { key: Arc::new(key), in_use, answer, until })
    }

    pub fn key(&self) -> &Key {
        &self.key
    }

    /// Returns the effect. The cause of a refusal may be the effect itself: made earlier, by another process meanwhile,
    /// or by a commit that was not confirmed.
    pub async fn resolve(&self, outcome: Outcome) -> Result<Done, Problem> {
        match outcome {
            Ok(done) => Ok(done),
            Err(Refusal { error, kept }) => self.key.resolve(error.into(), kept.as_deref()).await.map(Done::from),
        }
    }
}

impl Desk {
    /// Starts the lanes.
    pub fn open(bookings: &BookingService, limits: DeskLimits, tasks: Tasks) -> Self {
        let (lanes, receivers): (Vec<_>, Vec<_>) = (0..=limits.lanes).map(|_| mpsc::unbounded_channel()).unzip();
        let inner = Arc::new(Inner {
            lanes: lanes.into(),
            arrivals: AtomicU64::new(0),
            places: Queues::new(limits.queue),
            limits,
            tasks,
            patience: bookings.db.lock_patience() * 2,
        });
        for (number, orders) in receivers.into_iter().enumerate() {
            let (kind, name) = match number {
                last if last == limits.lanes => (LaneKind::LastKilos, "last_kilos".to_owned()),
                number => (LaneKind::Ordinary, (number + 1).to_string()),
            };
            let lane = Lane::new(kind, limits.batch);
            let bookings = bookings.on_its_own_connection(LOCK_PATIENCE);
            tokio::spawn(Runner::new(bookings, lane, Arc::downgrade(&inner), name).serve(orders));
        }
        Self { inner, bookings: bookings.clone() }
    }

    /// Returns the same desk for work beside the requests, which reads on the connections reserved for it.
    #[must_use]
    pub fn for_background(&self) -> Self {
        Self { inner: self.inner.clone(), bookings: self.bookings.for_background() }
    }

    pub(crate) fn bookings(&self) -> &BookingService {
        &self.bookings
    }

    pub fn holds(&self) -> &HoldService {
        &self.bookings.holds
    }

    /// Returns the end of a request that begins now. The remaining tenth of its time is for the response.
    pub fn until(&self) -> Instant {
        Instant::now() + self.bookings.limits.request_time * 9 / 10
    }

    /// Submits an order and waits for its outcome. If the client leaves before the order is begun, it is skipped; after
    /// that its effect stands.
    pub async fn submit(&self, operation: Operation, request: &Request) -> Outcome {
        let desk = &self.inner;
        let Some(places) = desk.places.take(&operation) else { return Err(BookingError::Crowded.into()) };
        let (answer, mut outcome) = oneshot::channel();
        let progress = Progress::default();
        let ticket = ticket::Ticket::new(request, answer, progress.clone(), places, desk.tasks.hold());
        let arrival = order::Arrival(desk.arrivals.fetch_add(1, Relaxed));
        desk.send(home(&operation, desk.limits.lanes), Order::new(arrival, operation, ticket));
        metric::DESK_ORDERS.increment(1);
        let waiting = async {
            let mut until = request.until.min(Instant::now() + desk.patience);
            loop {
                if let Ok(outcome) = timeout_at(until, &mut outcome).await {
                    return outcome;
                }
                if progress.leave() {
                    return Ok(Err(BookingError::Crowded.into()));
                }
                // It was begun. It ends soon, or waits again.
                until += LOCK_PATIENCE;
            }
        };
        let outcome = waiting.in_span(span("wait at the desk")).await;
        outcome.unwrap_or_else(|_| Err(BookingError::Database(sqlx::Error::WorkerCrashed.into()).into()))
    }
}

/// Returns the number of the lane that serves an order first: by its lowest flight, so that orders for one flight meet.
fn home(operation: &Operation, lanes: usize) -> usize {
    let needs = &operation.needs;
    let home = needs.row().or_else(|| needs.flights.iter().min().map(|flight| flight.uuid()));
    // The last bytes of a UUIDv7 are random.
    usize::from(home.unwrap_or_default().as_bytes()[15]) % lanes
}

impl Inner {
    /// After the end of a lane, which ends with the runtime, requests see that their answers are dropped.
    fn send(&self, lane: usize, order: Order) {
        _ = self.lanes[lane].send(order);
    }

    fn to_last_kilos(&self, order: Order) {
        self.send(self.limits.lanes, order);
    }
}
