//! What administrators decide about single payments: to capture, to void, and how an unknown outcome was.
use loadmaster_accounts::{Actor, Principal, Subject};
use loadmaster_holds::{self as holds, Hold};
use loadmaster_kernel::{Fault, FaultCode, Money, PaymentId, PaymentOperationId};
use loadmaster_payments::{self as payments, Obstacle, Operation, OperationKind, OperationStatus, PAYMENT, Payment};
use loadmaster_platform::{
    idempotency::Key,
    postgres::{DbError, PgSession},
    web::Precondition,
    work::Command,
};
use serde_json::json;

use super::{
    super::{
        BookingError, BookingService,
        draft::{Draft, EventDetails},
        model::{Booking, EventType},
        repository,
    },
    follow::followed,
    settle::Books,
    uses::{lock_use_in_tx, return_use_in_tx},
};

/// What is decided about a payment.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// This amount is captured, all by default; the rest is voided.
    Capture(Option<Money>),
    Void,
    /// What became of the operation whose outcome nobody knows.
    Resolve {
        /// Needed where there are several.
        operation: Option<PaymentOperationId>,
        done: bool,
        note: String,
    },
}

impl Verdict {
    const fn act(&self) -> &'static str {
        match self {
            Self::Capture(_) => "payment.capture",
            Self::Void => "payment.void",
            Self::Resolve { .. } => "payment.resolve",
        }
    }
}

/// Decides about one payment.
pub struct Administer {
    pub bookings: BookingService,
    pub caller: Principal,
    pub payment: PaymentId,
    /// Of the payment.
    pub precondition: Precondition,
    pub verdict: Verdict,
    /// The provider's name of the payment, if it was looked for.
    pub reference: Option<String>,
}

/// What a payment is for, under its lock.
enum Subjects {
    Booking(Box<Draft>),
    Hold(Option<Box<Hold>>),
}

impl Command for Administer {
    const NAME: &'static str = "bookings.administer_payment";
    type Done = Payment;
    type Error = BookingError;

    async fn prepare(&mut self, _: &Key) -> Result<(), BookingError> {
        if matches!(self.verdict, Verdict::Resolve { done: true, .. }) {
            self.reference = self.bookings.payments.reference_of(self.payment).await?;
        }
        Ok(())
    }

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Payment, BookingError> {
        let service = &self.bookings;
        let seen = payments::find_in_tx(tx, &[self.payment]).await?.pop();
        let (seen, _) = seen.ok_or(BookingError::UnknownPayment)?;
        let (mut books, subject) = service.locked_with_in_tx(tx, &seen).await?;
        let place = books.payments.iter().position(|(payment, _)| payment.id == seen.id);
        let place = place.ok_or(BookingError::Raced)?;
        self.precondition.check(books.payments[place].0.version).map_err(BookingError::VersionMismatch)?;
        let author = service.author(Some(self.caller.user_id));
        let operation = self.apply(&mut books, place, author.now)?;
        let after = books.payments[place].0.clone();
        let data = json!({"payment_id": after.id, "operation_id": operation, "status": after.status, "booking_ref": after.booking.as_ref().map(|(_, reference)| reference)});
        let named = Subject::new(PAYMENT, after.id);
        service.acts.record_in_tx(tx, Actor::Caller(self.caller.user_id), self.verdict.act(), named, data).await?;
        match subject {
            Subjects::Booking(mut draft) => {
                books.settle(&mut draft.now, service.payments.capture_mode(), &service.ids, author.actor, author.now);
                if draft.has_news() {
                    draft.record(author, EventType::PaymentChanged, EventDetails::default());
                }
                books.write_in_tx(tx, author.now).await?;
                let booking = draft.save_alone_in_tx(tx).await?;
                return_use_in_tx(tx, &booking, author.now).await?;
            }
            Subjects::Hold(hold) => {
                if let Some(change) = hold.and_then(|hold| followed(*hold, &after, author.now)) {
                    holds::write_in_tx(tx, &[change]).await?;
                }
                books.write_in_tx(tx, author.now).await?;
            }
        }
        Ok(after)
    }

    async fn concluded(&mut self, outcome: Result<&Payment, &BookingError>) {
        if let Ok(payment) = outcome {
            self.bookings.payments.changed(payment.id);
            tracing::info!(payment_id = %payment.id, act = self.verdict.act(), "payment administered");
        }
    }
}

impl Administer {
    /// Applies the verdict; returns the operation that is resolved.
    fn apply(
        &self,
        books: &mut Books,
        place: usize,
        now: chrono::DateTime<chrono::Utc>,
    ) -> Result<Option<PaymentOperationId>, BookingError> {
        let (payment, operations) = &books.payments[place];
        let ids = &self.bookings.ids;
        match &self.verdict {
            Verdict::Capture(amount) => {
                if payment.booking.is_none() {
                    return Err(BookingError::PaymentNotPossible("no_booking"));
                }
                if !payment.is_capturable(operations) {
                    return Err(BookingError::PaymentNotPossible("not_authorized"));
                }
                let amount = captured_amount(payment, *amount)?;
                books.promise(place, OperationKind::Capture, amount.minor(), ids, now);
            }
            Verdict::Void => {
                if !payment.is_voidable(operations) {
                    return Err(BookingError::PaymentNotPossible("not_open"));
                }
                let amount = payment.amount.minor();
                books.promise(place, OperationKind::Void, amount, ids, now);
            }
            Verdict::Resolve { operation, done, note } => {
                let unresolved = to_resolve(operations, *operation)?;
                let resolved = payment.resolved(unresolved, *done, note, now);
                let (mut payment, operation) =
                    resolved.map_err(|Obstacle::NotDue| BookingError::PaymentNotPossible("not_due"))?;
                payment.provider_reference = payment.provider_reference.or_else(|| self.reference.clone());
                // By no other name it could be captured or voided.
                if payment.is_open() && payment.provider_reference.is_none() {
                    return Err(BookingError::PaymentNotPossible("no_reference"));
                }
                let id = operation.id;
                books.replace(place, payment, operation);
                return Ok(Some(id));
            }
        }
        Ok(None)
    }
}

/// Returns the operation that is named, or else the only one whose outcome nobody knows.
fn to_resolve(operations: &[Operation], named: Option<PaymentOperationId>) -> Result<&Operation, BookingError> {
    if let Some(named) = named {
        let unknown = || Fault::new(FaultCode::UnknownValue, "must be an operation of the payment");
        let found = operations.iter().find(|own| own.id == named);
        return found.ok_or_else(|| BookingError::Invalid(vec![("/operation_id", unknown())]));
    }
    let unresolved = operations.iter().filter(|own| own.status == OperationStatus::Unresolved);
    match unresolved.collect::<Vec<_>>()[..] {
        [] => Err(BookingError::PaymentNotPossible("not_due")),
        [only] => Ok(only),
        ref several => Err(BookingError::SeveralUnresolved(several.iter().copied().cloned().collect())),
    }
}

fn captured_amount(payment: &Payment, asked: Option<Money>) -> Result<Money, BookingError> {
    let amount = asked.unwrap_or(payment.amount);
    let fault = |member, code, text: String| BookingError::Invalid(vec![(member, Fault::new(code, text))]);
    if amount.currency() != payment.amount.currency() {
        let text = format!("must be {}, the currency of the payment", payment.amount.currency());
        return Err(fault("/amount/currency", FaultCode::UnknownValue, text));
    }
    if amount.is_zero() {
        return Err(fault("/amount", FaultCode::TooSmall, "must be greater than zero".to_owned()));
    }
    if amount.minor() > payment.amount.minor() {
        return Err(fault("/amount", FaultCode::TooLarge, format!("must be at most {}", payment.amount)));
    }
    Ok(amount)
}

impl BookingService {
    /// Locks what a payment is for, and then the payment with those beside it.
    async fn locked_with_in_tx(&self, tx: &mut PgSession, seen: &Payment) -> Result<(Books, Subjects), BookingError> {
        if let Some((booking, _)) = &seen.booking {
            let booking: Option<Booking> = repository::lock_booking(tx, *booking).await?;
            let booking = booking.ok_or(BookingError::UnknownPayment)?;
            lock_use_in_tx(tx, &booking).await?;
            payments::lock_credit_in_tx(tx, &[booking.organization_id]).await?;
            let books = Books::of_booking_in_tx(tx, booking.id).await?;
            return Ok((books, Subjects::Booking(Box::new(Draft::of(booking)))));
        }
        let hold = match seen.hold_id {
            Some(hold) => holds::lock_in_tx(tx, &[hold]).await?.pop(),
            None => None,
        };
        let books = Books::new(payments::lock_in_tx(tx, &[seen.id]).await?);
        let is_same = |(payment, _): &payments::PaymentWithOperations| payment.booking.is_none();
        if !books.payments.iter().all(is_same) {
            return Err(DbError::Conflict.into());
        }
        Ok((books, Subjects::Hold(hold.map(Box::new))))
    }
}
