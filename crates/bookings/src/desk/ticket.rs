use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, Ordering::AcqRel, Ordering::Acquire, Ordering::Release},
    },
};

use loadmaster_kernel::{HoldId, PaymentId};
use loadmaster_payments::Payment;
use loadmaster_platform::{
    idempotency::{Answer, InUse, Key},
    postgres::DbError,
    telemetry,
    work::Committed,
};
use tokio::{sync::oneshot, time::Instant};
use tokio_util::task::task_tracker::TaskTrackerToken;
use uuid::Uuid;

use super::{super::BookingError, AnswerFor, Operation, Request, order};

/// The outcome of an order.
pub type Outcome = Result<Done, Refusal>;

/// The effect of an order.
#[derive(Debug)]
pub struct Done {
    pub answer: Answer,
    /// What is decided before the order has its whole effect: the answer reports that it is under way.
    pub awaits: Option<Awaited>,
}

impl From<Answer> for Done {
    /// The whole effect.
    fn from(answer: Answer) -> Self {
        Self { answer, awaits: None }
    }
}

/// A payment that its provider decides.
#[derive(Debug, Clone, Copy)]
pub struct Awaited {
    pub payment: PaymentId,
    /// The hold that it is for.
    pub hold: Option<HoldId>,
}

impl From<&Payment> for Awaited {
    fn from(payment: &Payment) -> Self {
        Self { payment: payment.id, hold: payment.hold_id }
    }
}

/// The reason why an order has no effect.
#[derive(Debug)]
pub struct Refusal {
    pub error: BookingError,
    /// The answer that was stored, if the outcome of its commit is unknown.
    pub kept: Option<Box<Answer>>,
}

impl From<BookingError> for Refusal {
    fn from(error: BookingError) -> Self {
        Self { error, kept: None }
    }
}

const WAITS: u8 = 0;
const BEGUN: u8 = 1;
const LEFT: u8 = 2;

/// The state of an order: it is either begun or left, never both.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<AtomicU8>);

impl Progress {
    fn change(&self, to: u8) -> bool {
        self.0.compare_exchange(WAITS, to, AcqRel, Acquire).is_ok()
    }

    /// Returns false if the order has been begun.
    pub fn leave(&self) -> bool {
        self.change(LEFT)
    }
}

/// The request behind an order.
#[derive(Debug)]
pub struct Ticket {
    pub key: Arc<Key>,
    _in_use: Arc<InUse>,
    pub answer_for: AnswerFor,
    answer: oneshot::Sender<Outcome>,
    progress: Progress,
    /// Names the request in its log lines.
    pub span: tracing::Span,
    pub trace: Option<String>,
    pub queued: Instant,
    _places: QueuePlaces,
    /// Shutdown waits for it.
    _held: TaskTrackerToken,
}

impl Ticket {
    pub fn new(
        request: &Request,
        answer: oneshot::Sender<Outcome>,
        progress: Progress,
        places: QueuePlaces,
        held: TaskTrackerToken,
    ) -> Self {
        Self {
            key: request.key.clone(),
            _in_use: request.in_use.clone(),
            answer_for: request.answer,
            answer,
            progress,
            span: tracing::Span::current(),
            trace: telemetry::traceparent(),
            queued: Instant::now(),
            _places: places,
            _held: held,
        }
    }

    /// Acknowledges the order, whose effect is proven to be committed.
    pub fn acknowledge(self, done: Done, _: Committed) {
        self.reply(Ok(done));
    }

    /// Answers the request, if its client still waits.
    fn reply(self, outcome: Outcome) {
        _ = self.answer.send(outcome);
    }

    pub fn refuse(self, error: BookingError, kept: Option<Answer>) {
        let kept = kept.filter(|_| matches!(error, BookingError::Database(DbError::OutcomeUnknown(_))));
        self.reply(Err(Refusal { error, kept: kept.map(Box::new) }));
    }
}

impl order::Ticket for Ticket {
    fn take_up(&self) -> bool {
        !self.answer.is_closed() && self.progress.change(BEGUN)
    }

    fn put_back(&self) {
        self.progress.0.store(WAITS, Release);
    }

    fn has_left(&self) -> bool {
        self.answer.is_closed()
    }
}

/// Numbers of the orders for each flight and each booking. A full queue refuses no order for others.
#[derive(Debug, Clone)]
pub struct Queues {
    most: usize,
    taken: Arc<Mutex<HashMap<Uuid, usize>>>,
}

/// Queues of one order, until it is dropped.
#[derive(Debug)]
pub struct QueuePlaces {
    places: Queues,
    of: Vec<Uuid>,
}

impl Queues {
    pub fn new(most: usize) -> Self {
        Self { most, taken: Arc::default() }
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<Uuid, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place for each thing that the order wants; `None` if one of the queues is full.
    pub fn take(&self, operation: &Operation) -> Option<QueuePlaces> {
        let of: Vec<Uuid> = operation.needs.rows().collect();
        let mut taken = self.taken();
        if of.iter().any(|thing| taken.get(thing).is_some_and(|taken| *taken >= self.most)) {
            return None;
        }
        for thing in &of {
            *taken.entry(*thing).or_default() += 1;
        }
        drop(taken);
        Some(QueuePlaces { places: self.clone(), of })
    }
}

impl Drop for QueuePlaces {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        for thing in &self.of {
            if let Some(places) = taken.get_mut(thing) {
                *places -= 1;
                if *places == 0 {
                    taken.remove(thing);
                }
            }
        }
    }
}
