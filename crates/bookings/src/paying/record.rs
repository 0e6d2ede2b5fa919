//! Records the answers of payment providers, with all that follows from them.
use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use loadmaster_holds::{self as holds, Hold, HoldStatus};
use loadmaster_kernel::{BookingId, HoldId, PaymentId, PaymentOperationId, UserId};
use loadmaster_payments::{
    self as payments, Decided, Operation, OperationKind, Payment, PaymentChange, PaymentDesk, PaymentStatus,
    PaymentWithOperations,
};
use loadmaster_platform::postgres::{DbError, PgSession, commit, retrying};

use super::super::{
    BookingError, BookingService,
    billing::{self, Books, followed, with_payment},
    desk::Desk,
    draft::{Draft, EventDetails},
    model::EventType,
    repository,
};

/// What was recorded.
#[derive(Debug, Default)]
pub(super) struct Recorded {
    /// What is to be tried at once.
    promised: Vec<PaymentOperationId>,
    authorized: Option<Paid>,
}

/// A hold that can become a booking: its payment is authorized.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paid {
    pub hold: HoldId,
    pub payment: PaymentId,
    /// The user who began the payment.
    pub payer: UserId,
}

impl Paid {
    fn of(hold: HoldId, payment: &Payment) -> Self {
        Self { hold, payment: payment.id, payer: payment.created_by }
    }
}

impl PaymentDesk for Desk {
    fn decided<'a>(&'a self, decided: &'a Decided) -> BoxFuture<'a, Result<Vec<PaymentOperationId>, DbError>> {
        Box::pin(async move {
            let bookings = self.bookings();
            let Recorded { promised, authorized } = retrying(|| bookings.record(decided)).await?;
            match authorized {
                Some(paid) => self.post(paid).await,
                None => Ok(promised),
            }
        })
    }
}

impl Desk {
    /// Makes the booking of a hold whose payment is authorized, or gives both back. Returns what is to be tried at once.
    pub(super) async fn post(&self, paid: Paid) -> Result<Vec<PaymentOperationId>, DbError> {
        let (bookings, Paid { hold, payment, .. }) = (self.bookings(), paid);
        match self.post_hold(paid).await {
            Ok(()) => bookings.open_operations(payment).await,
            Err(BookingError::Database(cause)) => Err(cause),
            // Whoever looks next tries again.
            Err(BookingError::Crowded | BookingError::Raced | BookingError::Repeated(_)) => Ok(Vec::new()),
            Err(refusal) => {
                tracing::warn!(hold_id = %hold, payment_id = %payment, %refusal, "an authorized payment is voided");
                retrying(|| bookings.give_back(hold, payment)).await
            }
        }
    }
}

impl BookingService {
    async fn open_operations(&self, payment: PaymentId) -> Result<Vec<PaymentOperationId>, DbError> {
        let mut connection = self.db.read().await?;
        let found = payments::find_in_tx(&mut connection, &[payment]).await?;
        let open = found.iter().flat_map(|(_, operations)| operations.iter().filter(|own| own.is_undecided()));
        Ok(open.map(|operation| operation.id).collect())
    }

    /// Records an answer in a transaction of its own.
    async fn record(&self, decided: &Decided) -> Result<Recorded, DbError> {
        let mut tx = self.db.begin().await?;
        let seen = payments::find_in_tx(&mut tx, &[decided.payment]).await?;
        let Some((seen, _)) = seen.first() else { return Ok(Recorded::default()) };
        let recorded = match (&seen.booking, seen.hold_id) {
            (Some((booking, _)), _) => self.record_of_booking_in_tx(&mut tx, *booking, decided).await?,
            (None, Some(hold)) => self.record_of_hold_in_tx(&mut tx, hold, decided).await?,
            // For nothing that this installation knows: the answer is recorded, and nothing follows.
            (None, None) => {
                payments::record_in_tx(&mut tx, decided, self.clock.now()).await?;
                Some(Recorded::default())
            }
        };
        // The payment came to a booking between reading and locking.
        let Some(recorded) = recorded else { return Err(DbError::Conflict) };
        commit(tx).await?;
        #[cfg(debug_assertions)]
        loadmaster_platform::sabotage::step("answer committed");
        Ok(recorded)
    }

    async fn record_of_booking_in_tx(
        &self,
        tx: &mut PgSession,
        booking: BookingId,
        decided: &Decided,
    ) -> Result<Option<Recorded>, DbError> {
        let Some(booking) = repository::lock_booking(tx, booking).await? else { return Ok(Some(Recorded::default())) };
        let author = self.author(None);
        billing::lock_use_in_tx(tx, &booking).await?;
        payments::lock_credit_in_tx(tx, &[booking.organization_id]).await?;
        let mut books = Books::of_booking_in_tx(tx, booking.id).await?;
        let Some(place) = books.payments.iter().position(|(payment, _)| payment.id == decided.payment) else {
            return Ok(None);
        };
        let known = &books.payments[place];
        let Some((payment, operation)) = answered(known, decided, author.now) else {
            return Ok(Some(Recorded::default()));
        };
        books.replace(place, payment, operation);
        let mut draft = Draft::of(booking);
        books.settle(&mut draft.now, self.payments.capture_mode(), &self.ids, None, author.now);
        let promised = books.write_in_tx(tx, author.now).await?;
        if draft.has_news() {
            draft.record(author, EventType::PaymentChanged, EventDetails::default());
        }
        let booking = draft.save_alone_in_tx(tx).await?;
        billing::return_use_in_tx(tx, &booking, author.now).await?;
        Ok(Some(Recorded { promised, authorized: None }))
    }

    /// Records an answer about the payment of a hold that is no booking yet.
    async fn record_of_hold_in_tx(
        &self,
        tx: &mut PgSession,
        hold: HoldId,
        decided: &Decided,
    ) -> Result<Option<Recorded>, DbError> {
        let hold = holds::lock_in_tx(tx, &[hold]).await?.pop();
        let found = payments::lock_in_tx(tx, &[decided.payment]).await?.pop();
        let Some(known) = found.filter(|(payment, _)| payment.booking.is_none()) else { return Ok(None) };
        let now = self.clock.now();
        let Some((mut payment, operation)) = answered(&known, decided, now) else {
            return Ok(Some(Recorded::default()));
        };
        let mut all = known.1.clone();
        if let Some(own) = all.iter_mut().find(|own| own.id == operation.id) {
            *own = operation.clone();
        }
        let mut operations = vec![operation];
        let waits = hold.as_ref().is_some_and(|hold| waits_for(hold, payment.id, now));
        let mut recorded = Recorded::default();
        if !waits && payment.is_voidable(&all) {
            let amount = payment.amount.minor();
            let void = payment.promise(OperationKind::Void, amount, self.ids.next(now), now);
            recorded.promised.push(void.id);
            operations.push(void);
        } else if waits && payment.is_capturable(&all) {
            recorded.authorized = hold.as_ref().map(|hold| Paid::of(hold.id, &payment));
        }
        let change = PaymentChange { before: Some(known.0), after: payment.clone(), operations };
        if let Some(change) = hold.and_then(|hold| followed(hold, &payment, now)) {
            holds::write_in_tx(tx, &[change]).await?;
        }
        payments::save_in_tx(tx, &mut [change]).await?;
        Ok(Some(recorded))
    }

    /// Returns a hold to its caller, and promises to void its payment: it cannot become a booking.
    async fn give_back(&self, hold: HoldId, payment: PaymentId) -> Result<Vec<PaymentOperationId>, DbError> {
        let mut tx = self.db.begin().await?;
        let hold = holds::lock_in_tx(&mut tx, &[hold]).await?.pop();
        let found = payments::lock_in_tx(&mut tx, &[payment]).await?.pop();
        let found = found.filter(|(payment, _)| payment.booking.is_none());
        let Some((before, operations)) = found else { return Ok(Vec::new()) };
        let (now, mut after) = (self.clock.now(), before.clone());
        if !after.is_voidable(&operations) {
            return Ok(Vec::new());
        }
        let amount = after.amount.minor();
        let void = after.promise(OperationKind::Void, amount, self.ids.next(now), now);
        let promised = vec![void.id];
        if let Some(hold) = hold.filter(|hold| waits_for(hold, payment, now)) {
            holds::write_in_tx(&mut tx, &[with_payment(hold, after.clone(), true, now)]).await?;
        }
        let change = PaymentChange { before: Some(before), after, operations: vec![void] };
        payments::save_in_tx(&mut tx, &mut [change]).await?;
        commit(tx).await?;
        #[cfg(debug_assertions)]
        loadmaster_platform::sabotage::step("giving back committed");
        Ok(promised)
    }

    /// Goes on with a payment of a hold that is authorized or waits for its payer, and of which nothing is promised: its
    /// process has gone, or the hold has ended.
    pub(super) async fn resumed(&self, payment: &Payment) -> Result<Recorded, DbError> {
        let Some(hold) = payment.hold_id else { return Ok(Recorded::default()) };
        let hold = self.holds.find_all(&[hold]).await.map_err(|_| DbError::Conflict)?.pop();
        let waits = hold.as_ref().is_some_and(|hold| waits_for(hold, payment.id, self.clock.now()));
        match hold {
            Some(hold) if waits => {
                let authorized = (payment.status == PaymentStatus::Authorized).then(|| Paid::of(hold.id, payment));
                Ok(Recorded { authorized, ..Recorded::default() })
            }
            Some(hold) => Ok(Recorded { promised: self.give_back(hold.id, payment.id).await?, ..Recorded::default() }),
            None => Ok(Recorded::default()),
        }
    }
}

impl Recorded {
    pub(super) fn authorized(&self) -> Option<Paid> {
        self.authorized
    }

    pub(super) fn promised(self) -> Vec<PaymentOperationId> {
        self.promised
    }
}

/// Returns the payment and the operation after the answer; `None` if that was recorded already.
fn answered(known: &PaymentWithOperations, decided: &Decided, now: DateTime<Utc>) -> Option<(Payment, Operation)> {
    let (before, operations) = known;
    let operation = operations.iter().find(|operation| operation.id == decided.operation)?;
    let (payment, after) = before.record(operation, &decided.outcome, now);
    (after != *operation || payment != *before).then_some((payment, after))
}

/// Returns whether a hold waits for this payment.
fn waits_for(hold: &Hold, payment: PaymentId, now: DateTime<Utc>) -> bool {
    hold.status_at(now) == HoldStatus::Committing && hold.payment_id() == Some(payment)
}
