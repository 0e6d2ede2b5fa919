//! Pays what is due for a booking that there is already.
use loadmaster_accounts::Principal;
use loadmaster_holds::CommitTerms;
use loadmaster_kernel::{BookingRef, PaymentId};
use loadmaster_payments::{self as payments, Charge, CreditRefusal, NewPayment, Payment, PaymentMethod};
use loadmaster_platform::{postgres::PgSession, work::Command};

use super::{
    super::{
        BookingError, BookingService,
        draft::{Draft, EventDetails},
        model::{Bill, EventType},
        repository,
    },
    settle::Books,
};

/// Begins a payment of all that is due.
pub struct PayBooking {
    pub bookings: BookingService,
    pub caller: Principal,
    pub reference: BookingRef,
    pub terms: CommitTerms,
}

impl Command for PayBooking {
    const NAME: &'static str = "bookings.pay";
    type Done = Payment;
    type Error = BookingError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Payment, BookingError> {
        let service = &self.bookings;
        let booking = service.locked_in_tx(tx, self.caller, &self.reference).await?;
        let author = service.author(Some(self.caller.user_id));
        let organization = booking.organization_id;
        let credit = payments::lock_credit_in_tx(tx, &[organization]).await?.remove(&organization);
        let mut books = Books::of_booking_in_tx(tx, booking.id).await?;
        if let Some(payment) = books.payments.iter().map(|(payment, _)| payment).find(|payment| payment.is_open()) {
            let is_same = self.terms.request.is_some() && payment.request_hash == self.terms.request;
            return if is_same { Ok(payment.clone()) } else { Err(BookingError::PaymentInProgress) };
        }
        let due = booking.bill.as_ref().map(Bill::due).filter(|due| due.minor() > 0);
        let amount = due.ok_or(BookingError::PaymentNotPossible("nothing_due"))?;
        let new = NewPayment {
            id: service.ids.next::<PaymentId>(author.now),
            organization_id: organization,
            created_by: self.caller.user_id,
            hold_id: None,
            booking: Some((booking.id, booking.ref_id.clone())),
            amount,
            request_hash: self.terms.request,
            attempt: 1,
        };
        let operation = service.ids.next(author.now);
        let is_charge = self.terms.method == Some(PaymentMethod::Account);
        let (payment, operation) = if is_charge {
            let judged = credit.map_or(Err(CreditRefusal::NoAccount(organization)), |account| account.judge(amount));
            judged.map_err(BookingError::Credit)?;
            Payment::charged(new, operation, author.now)
        } else {
            let provider = service.payments.provider().ok_or(BookingError::PaymentNotPossible("no_provider"))?;
            Payment::opened(new, provider.as_str(), operation, author.now)
        };
        if is_charge {
            let charge = Charge {
                organization,
                payment: payment.id,
                booking: payment.booking.clone(),
                amount,
                actor: Some(self.caller.user_id),
            };
            let charged = payments::charge_in_tx(tx, &[charge], author.now).await?;
            charged.into_iter().collect::<Result<Vec<()>, _>>().map_err(BookingError::Credit)?;
        }
        books.add(payment.clone(), operation);
        let mut draft = Draft::of(booking);
        books.note(&mut draft.now);
        draft.record(author, EventType::PaymentChanged, EventDetails::default());
        books.write_in_tx(tx, author.now).await?;
        draft.save_alone_in_tx(tx).await?;
        Ok(payment)
    }

    async fn concluded(&mut self, outcome: Result<&Payment, &BookingError>) {
        if let Ok(payment) = outcome {
            tracing::info!(ref_id = %self.reference, payment_id = %payment.id, "payment begun");
        }
    }
}

impl BookingService {
    /// Locks a booking that the caller may see.
    pub(super) async fn locked_in_tx(
        &self,
        tx: &mut PgSession,
        caller: Principal,
        reference: &BookingRef,
    ) -> Result<super::super::model::Booking, BookingError> {
        let id = repository::id_of(tx, reference).await?.ok_or(BookingError::Unknown)?;
        let booking = repository::lock_booking(tx, id).await?;
        booking.filter(|booking| booking.is_visible_to(caller)).ok_or(BookingError::Unknown)
    }

    /// Returns the payments of a booking, oldest first.
    pub async fn payments_of(&self, caller: Principal, reference: &BookingRef) -> Result<Vec<Payment>, BookingError> {
        let booking = self.visible(caller, reference).await?;
        let mut connection = self.db.read().await?;
        let found = payments::of_bookings_in_tx(&mut connection, &[booking.id]).await?;
        Ok(found.into_iter().map(|(payment, _)| payment).collect())
    }
}
