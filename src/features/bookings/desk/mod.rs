//! The booking desk: requests that arrive while a commit is under way wait together, and are decided together in one
//! transaction. A few lanes serve them, each on a connection of its own; one lane gives out the last kilograms of flights
//! in order of arrival; and whoever wants a flight that another transaction has locked is served apart. There is no
//! timer: an idle desk serves at once.
mod chosen;
mod decide;
mod failure;
mod lane;
mod order;
mod run;
#[cfg(test)]
mod simulation;
mod ticket;
mod write;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout_at},
};
use uuid::Uuid;

use super::{BookingError, BookingService, metric, model::Booking};
use crate::platform::{
    idempotency::{Answer, InUse, Key, Repetition},
    tasks::Tasks,
    telemetry::{Traced, span},
    web::Problem,
};
use lane::{Lane, Manner};
use run::Runner;
use ticket::{Places, Told, Turn};

pub(super) use order::{Movement, Verb, Wish};
pub(super) use ticket::Refusal;

type Order = order::Order<ticket::Ticket>;

/// Longest wait of an order for its turn, well within the time limit of a request; after that it is refused.
const PATIENCE: Duration = Duration::from_secs(6);
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

/// Where requests leave their orders. Cheap to clone. The lanes end when the last one is dropped.
#[derive(Clone)]
pub struct Desk(Arc<Inner>);

struct Inner {
    /// The last one is for the last kilograms.
    lanes: Box<[mpsc::UnboundedSender<Order>]>,
    /// Those who wait for a flight or a booking that another transaction has locked.
    patient: Mutex<HashMap<Uuid, mpsc::UnboundedSender<Order>>>,
    patients: AtomicUsize,
    arrivals: AtomicU64,
    places: Places,
    limits: DeskLimits,
    tasks: Tasks,
    /// On the connections of all requests.
    bookings: BookingService,
}

/// A request at the desk.
pub struct Request {
    key: Arc<Key>,
    in_use: Arc<InUse>,
    answer: fn(&Booking) -> Answer,
    until: Instant,
}

impl Request {
    /// `until`: the end of the request. Fails if another request with the same key is in progress in this process.
    pub fn new(key: Key, answer: fn(&Booking) -> Answer, until: Instant) -> Result<Self, Repetition> {
        let in_use = Arc::new(key.start().ok_or(Repetition::InProgress)?);
        let until = until.min(Instant::now() + PATIENCE);
        Ok(Self { key: Arc::new(key), in_use, answer, until })
    }

    pub fn key(&self) -> &Key {
        &self.key
    }

    /// Returns the answer. The cause of a refusal may be the effect itself: made earlier, by another process meanwhile,
    /// or by a commit that was not confirmed.
    pub async fn resolve(&self, outcome: Told) -> Result<Answer, Problem> {
        match outcome {
            Ok(answer) => Ok(answer),
            Err(Refusal { error, kept }) => self.key.resolve(error.into(), kept.as_deref()).await,
        }
    }
}

impl Desk {
    /// Starts the lanes.
    pub fn open(bookings: &BookingService, limits: DeskLimits, tasks: Tasks) -> Self {
        let (lanes, receivers): (Vec<_>, Vec<_>) = (0..=limits.lanes).map(|_| mpsc::unbounded_channel()).unzip();
        let inner = Arc::new(Inner {
            lanes: lanes.into(),
            patient: Mutex::default(),
            patients: AtomicUsize::new(0),
            arrivals: AtomicU64::new(0),
            places: Places::new(limits.queue),
            limits,
            tasks,
            bookings: bookings.clone(),
        });
        for (number, orders) in receivers.into_iter().enumerate() {
            let (manner, name) = match number {
                last if last == limits.lanes => (Manner::LastKilos, "last_kilos".to_owned()),
                number => (Manner::Ample, (number + 1).to_string()),
            };
            let lane = Lane::new(manner, limits.batch);
            let bookings = bookings.on_its_own_connection(LOCK_PATIENCE);
            tokio::spawn(Runner::new(bookings, lane, Arc::downgrade(&inner), name).serve(orders));
        }
        Self(inner)
    }

    pub fn bookings(&self) -> &BookingService {
        &self.0.bookings
    }

    /// Returns the end of a request that begins now. The remaining tenth of its time is for the response.
    pub fn until(&self) -> Instant {
        Instant::now() + self.0.bookings.limits.request_time * 9 / 10
    }

    /// Leaves an order and waits for what becomes of it. Whoever goes away before it is begun is skipped; after that its
    /// effect stands.
    pub async fn submit(&self, wish: Wish, request: &Request) -> Told {
        let desk = &self.0;
        let Some(places) = desk.places.take(&wish) else { return Err(BookingError::Crowded.into()) };
        let (answer, mut told) = oneshot::channel();
        let turn = Turn::default();
        let ticket = ticket::Ticket::new(request, answer, turn.clone(), places, desk.tasks.hold());
        let arrival = order::Arrival(desk.arrivals.fetch_add(1, Relaxed));
        desk.accept(Order { arrival, wish, ticket });
        metric::DESK_ORDERS.increment(1);
        let waiting = async {
            if let Ok(told) = timeout_at(request.until, &mut told).await {
                return told;
            }
            if turn.leave() { Ok(Err(BookingError::Crowded.into())) } else { told.await }
        };
        let told = waiting.in_span(span("wait at the desk")).await;
        told.unwrap_or_else(|_| Err(BookingError::Database(sqlx::Error::WorkerCrashed.into()).into()))
    }
}

/// Returns the number of the lane that serves an order first: by its lowest flight, so that orders for one flight meet.
fn home(wish: &Wish, lanes: usize) -> usize {
    let home = match wish {
        Wish::Book(new) => new.flights.iter().min().map(|flight| flight.uuid()),
        Wish::Move(movement) => Some(movement.seen.id.uuid()),
    };
    // The last bytes of a UUIDv7 are random.
    usize::from(home.unwrap_or_default().as_bytes()[15]) % lanes
}

impl Inner {
    fn accept(&self, order: Order) {
        let order = match self.whom_to_join(&order.wish) {
            Some(whom) => match self.patient().get(&whom) {
                Some(patient) => match patient.send(order) {
                    Ok(()) => return,
                    Err(mpsc::error::SendError(order)) => order,
                },
                None => order,
            },
            None => order,
        };
        self.send(home(&order.wish, self.limits.lanes), order);
    }

    /// A lane whose task has ended with the runtime answers nobody: those who wait see that their answers are dropped.
    fn send(&self, lane: usize, order: Order) {
        _ = self.lanes[lane].send(order);
    }

    fn to_last_kilos(&self, order: Order) {
        self.send(self.limits.lanes, order);
    }

    fn patient(&self) -> MutexGuard<'_, HashMap<Uuid, mpsc::UnboundedSender<Order>>> {
        self.patient.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns those who wait for something that this order wants too.
    fn whom_to_join(&self, wish: &Wish) -> Option<Uuid> {
        if self.patients.load(Relaxed) == 0 {
            return None;
        }
        let patient = self.patient();
        wish.wants().find(|want| patient.contains_key(want))
    }

    /// Lets the order wait for this flight or booking.
    fn to_patience(self: &Arc<Self>, order: Order, whom: Uuid) {
        let mut patient = self.patient();
        let order = match patient.get(&whom) {
            Some(sender) => match sender.send(order) {
                Ok(()) => return,
                Err(mpsc::error::SendError(order)) => order,
            },
            None => order,
        };
        let (sender, orders) = mpsc::unbounded_channel();
        _ = sender.send(order);
        patient.insert(whom, sender);
        self.patients.store(patient.len(), Relaxed);
        drop(patient);
        let lane = Lane::new(Manner::Patient, self.limits.batch);
        let runner = Runner::new(self.bookings.clone(), lane, Arc::downgrade(self), "patient".to_owned());
        tokio::spawn(runner.serve_until_nobody_waits(orders, whom));
    }

    /// Ends a wait, unless somebody has come.
    fn end_patience(&self, whom: Uuid, orders: &mpsc::UnboundedReceiver<Order>) -> bool {
        let mut patient = self.patient();
        if !orders.is_empty() {
            return false;
        }
        patient.remove(&whom);
        self.patients.store(patient.len(), Relaxed);
        true
    }
}
