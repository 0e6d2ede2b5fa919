//! What requests about payments are answered: the provider gets some time first.
use loadmaster_accounts::Principal;
use loadmaster_holds::CommitTerms;
use loadmaster_kernel::{BookingId, BookingRef, PaymentId};
use loadmaster_payments::{self as payments, Payment, PaymentMethod, PaymentStatus};
use loadmaster_platform::{
    idempotency::{Answer, Key, Repetition},
    postgres::DbError,
    web::Problem,
    work::Transaction,
};
use tokio::time::Instant;

use super::{
    super::{
        BookingError, BookingService,
        billing::{Books, Cancellation},
        desk::Awaited,
        router::{payment_decided, payment_made, payment_pending, refund_promised},
    },
    commit::declined,
};

impl BookingService {
    /// Returns the answer of a request that began a payment before under the same key; `None` if there was none.
    pub async fn joined_payment(&self, key: &Key, terms: &CommitTerms) -> Result<Option<Answer>, Problem> {
        let (Some(request), Some(_)) = (&terms.request, &terms.token) else { return Ok(None) };
        match key.look_before_waiting().await {
            Ok(()) => {}
            Err(Repetition::Done(answer)) => return Ok(Some(*answer)),
            Err(other) => return Err(other.into()),
        }
        let found = {
            let mut connection = self.db.read().await?;
            payments::of_request_in_tx(&mut connection, request).await?
        };
        match found.filter(|(payment, _)| !matches!(payment.status, PaymentStatus::Failed | PaymentStatus::Voided)) {
            Some((payment, _)) => self.paid_or_pending(Awaited::from(&payment), terms, key).await.map(Some),
            None => Ok(None),
        }
    }

    /// Returns the final answer to a payment, or within the time for which requests wait, that it is under way.
    pub async fn finished_payment(
        &self,
        (answer, begun): (Answer, Option<Payment>),
        terms: &CommitTerms,
        key: &Key,
    ) -> Result<Answer, Problem> {
        match begun.filter(|_| !answer.is_final()) {
            Some(payment) => self.paid_or_pending(Awaited::from(&payment), terms, key).await,
            None => Ok(answer),
        }
    }

    async fn paid_or_pending(&self, awaited: Awaited, terms: &CommitTerms, key: &Key) -> Result<Answer, Problem> {
        let until = Instant::now() + self.payments.wait();
        self.carry_out(awaited, terms.token.as_ref(), until).await?;
        let payment = self.found_payment(awaited.payment).await?;
        let answer = match payment.status {
            PaymentStatus::Failed => return Err(declined(&payment)),
            PaymentStatus::Voided => return Err(BookingError::PaymentNotPossible("voided").into()),
            PaymentStatus::Authorized | PaymentStatus::Captured => payment_made(&payment),
            _ => payment_pending(&payment),
        };
        self.keep(key, answer).await
    }

    pub(super) async fn found_payment(&self, id: PaymentId) -> Result<Payment, BookingError> {
        let mut connection = self.db.read().await?;
        let found = payments::find_in_tx(&mut connection, &[id]).await?.pop();
        Ok(found.ok_or(BookingError::UnknownPayment)?.0)
    }

    /// Checks that there is this payment, for this caller.
    pub async fn check_payment(&self, caller: Principal, id: PaymentId) -> Result<(), BookingError> {
        let payment = self.found_payment(id).await?;
        let is_own = caller.sees_only().is_none_or(|own| own == payment.organization_id);
        if is_own { Ok(()) } else { Err(BookingError::UnknownPayment) }
    }

    /// Returns the answer to a decision about a payment, after some time for the provider.
    pub async fn administered(&self, id: PaymentId, kept: Answer, key: &Key) -> Result<Answer, Problem> {
        if kept.is_replayed() {
            return Ok(kept);
        }
        let awaited = Awaited { payment: id, hold: None };
        self.carry_out(awaited, None, Instant::now() + self.payments.wait()).await?;
        let payment = self.found_payment(id).await?;
        Ok(self.keep_instead(key, payment_decided(&payment)).await)
    }

    /// Returns the answer to a refund, after some time for the provider.
    pub async fn refunded(
        &self,
        caller: Principal,
        reference: &BookingRef,
        kept: Answer,
        key: &Key,
    ) -> Result<Answer, Problem> {
        if kept.is_replayed() {
            return Ok(kept);
        }
        let booking = self.visible(caller, reference).await?;
        self.carry_out_all(booking.id).await?;
        let booking = self.visible(caller, reference).await?;
        Ok(self.keep_instead(key, refund_promised(&booking, self.surroundings())).await)
    }

    /// Has what is promised for a booking carried out, as far as the provider decides it in time.
    async fn carry_out_all(&self, booking: BookingId) -> Result<(), DbError> {
        let until = Instant::now() + self.payments.wait();
        let found = {
            let mut connection = self.db.read().await?;
            payments::of_bookings_in_tx(&mut connection, &[booking]).await?
        };
        for (payment, _) in found.iter().filter(|(payment, _)| payment.method == PaymentMethod::Token) {
            self.carry_out(Awaited::from(payment), None, until).await?;
        }
        Ok(())
    }

    /// Stores an answer under the key of its request in place of the one there is: it says more.
    async fn keep_instead(&self, key: &Key, answer: Answer) -> Answer {
        let kept = async {
            let mut tx = Transaction::begin(&self.db).await?;
            tx.keep(&[(key, &answer)]).await?;
            tx.commit().await
        };
        if let Err(error) = kept.await {
            tracing::debug!(%error, "an answer cannot be stored under its key");
        }
        answer
    }

    /// Returns what it costs to cancel a booking now.
    pub async fn cancellation(&self, caller: Principal, reference: &BookingRef) -> Result<Cancellation, BookingError> {
        let booking = self.visible(caller, reference).await?;
        if let Some(fixed) = booking.bill.as_ref().and_then(Cancellation::fixed) {
            return Ok(fixed);
        }
        let (kept, booking) = {
            let mut connection = self.db.read().await?;
            let found = payments::of_bookings_in_tx(&mut connection, &[booking.id]).await?;
            (Books::new(found).kept(), self.caught_up_in_tx(&mut connection, &booking).await?)
        };
        Ok(Cancellation::of(&booking, kept, self.payments.cancellation_fees(), false, self.clock.now()))
    }
}
