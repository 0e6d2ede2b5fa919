//! Refunds that an administrator decides.
use loadmaster_accounts::{Actor, Subject};
use loadmaster_kernel::{Fault, FaultCode, Money};
use loadmaster_payments as payments;
use loadmaster_platform::{postgres::PgSession, work::Command};
use serde_json::json;

use super::{
    super::{
        BOOKING, BookingError, BookingService,
        courtesy::Target,
        draft::{Draft, EventDetails},
        model::{Booking, EventType},
    },
    settle::Books,
};

/// Returns a part of what was paid for a booking, or all.
pub struct Refund {
    pub bookings: BookingService,
    pub target: Target,
    /// `None`: all that is left.
    pub amount: Option<Money>,
    pub reason: Option<String>,
}

impl Command for Refund {
    const NAME: &'static str = "bookings.refund";
    type Done = Booking;
    type Error = BookingError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Booking, BookingError> {
        let service = &self.bookings;
        let Target { caller, reference, precondition } = &self.target;
        let booking = service.locked_in_tx(tx, *caller, reference).await?;
        precondition.check(booking.version).map_err(BookingError::VersionMismatch)?;
        let (author, by) = (service.author(Some(caller.user_id)), Some(caller.user_id));
        payments::lock_credit_in_tx(tx, &[booking.organization_id]).await?;
        let mut books = Books::of_booking_in_tx(tx, booking.id).await?;
        let Some(left) = booking.bill.as_ref().map(|bill| bill.money(books.refundable())) else {
            return Err(BookingError::PaymentNotPossible("nothing_paid"));
        };
        let amount = self.amount.unwrap_or(left);
        if amount.currency() != left.currency() {
            let text = format!("must be in {}, the currency of the booking", left.currency());
            return Err(BookingError::Invalid(vec![("/amount/currency", Fault::new(FaultCode::UnknownValue, text))]));
        }
        if self.amount.is_some_and(Money::is_zero) {
            let fault = Fault::new(FaultCode::TooSmall, "must be greater than zero");
            return Err(BookingError::Invalid(vec![("/amount", fault)]));
        }
        if amount.minor() > left.minor() || left.is_zero() {
            return Err(BookingError::RefundExceedsPaid(left));
        }
        books.give_back(amount.minor(), &service.ids, by, author.now);
        let mut draft = Draft::of(booking);
        books.note(&mut draft.now);
        // The record of acts has no free text: the reason is a note of the event, which can be erased.
        let details = EventDetails { notes: self.reason.clone(), ..EventDetails::default() };
        draft.record(author, EventType::PaymentChanged, details);
        let data = json!({"ref_id": draft.now.ref_id, "amount": amount});
        let subject = Subject::new(BOOKING, draft.now.id);
        service.acts.record_in_tx(tx, Actor::Caller(caller.user_id), "booking.refunded", subject, data).await?;
        books.write_in_tx(tx, author.now).await?;
        Ok(draft.save_alone_in_tx(tx).await?)
    }

    async fn concluded(&mut self, outcome: Result<&Booking, &BookingError>) {
        if let Ok(booking) = outcome {
            tracing::info!(ref_id = %booking.ref_id, "refund promised");
        }
    }
}
