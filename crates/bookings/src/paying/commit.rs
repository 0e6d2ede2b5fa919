//! A commit with a token of a payment provider: the hold waits, the provider is asked outside any transaction, and the
//! booking is made once the amount is authorized. Requests under the same key join it.
use std::collections::BTreeSet;

use loadmaster_accounts::Principal;
use loadmaster_holds::{self as holds, CommitTerms, HoldAction, HoldError, HoldStatus, HoldVerb, Requester};
use loadmaster_kernel::{PaymentId, PaymentOperationId};
use loadmaster_payments::{self as payments, Payment, PaymentStatus, PaymentWithOperations};
use loadmaster_platform::{
    idempotency::{Answer, Key, Repetition},
    postgres::DbError,
    web::{Precondition, Problem},
    work::Transaction,
};
use secrecy::SecretString;
use tokio::time::{Instant, timeout_at};

use super::{
    super::{
        BookingError, BookingService,
        desk::{AnswerFor, Awaited, Desk, Done, Request},
        error::code,
        hold::Wanted,
        router::created,
    },
    record::Paid,
};

impl Desk {
    /// Returns the answer of a request that was made before under the same key, once its payment is decided; `None` if there
    /// was none.
    pub(crate) async fn joined(
        &self,
        caller: Principal,
        key: &Key,
        terms: &CommitTerms,
    ) -> Result<Option<Answer>, Problem> {
        let (Some(request), Some(_)) = (&terms.request, &terms.token) else { return Ok(None) };
        match key.look_before_waiting().await {
            Ok(()) => {}
            Err(Repetition::Done(answer)) => return Ok(Some(*answer)),
            Err(other) => return Err(other.into()),
        }
        let found = {
            let mut connection = self.bookings().db.read().await?;
            payments::of_request_in_tx(&mut connection, request).await?
        };
        match found.filter(|(payment, _)| payment.is_open() || payment.booking.is_some()) {
            Some((payment, _)) => self.decided_or_pending(caller, Awaited::from(&payment), terms, key).await.map(Some),
            None => Ok(None),
        }
    }

    /// Returns the final answer to a commit, or within the time for which requests wait, that it is under way. One that was
    /// refused because the same request was there before joins that.
    pub(crate) async fn finished_or_joined(
        &self,
        caller: Principal,
        outcome: Result<Done, Problem>,
        terms: &CommitTerms,
        key: &Key,
    ) -> Result<Answer, Problem> {
        match outcome {
            Ok(Done { awaits: Some(awaited), .. }) => self.decided_or_pending(caller, awaited, terms, key).await,
            Ok(Done { answer, awaits: None }) => Ok(answer),
            Err(refusal) if [code::PAYMENT_IN_PROGRESS, code::INVALID_TRANSITION].contains(&refusal.code()) => {
                Ok(self.joined(caller, key, terms).await?.ok_or(refusal)?)
            }
            Err(refusal) => Err(refusal),
        }
    }

    async fn decided_or_pending(
        &self,
        caller: Principal,
        awaited: Awaited,
        terms: &CommitTerms,
        key: &Key,
    ) -> Result<Answer, Problem> {
        let bookings = self.bookings();
        let until = Instant::now() + bookings.payments.wait();
        bookings.carry_out(awaited, terms.token.as_ref(), until).await?;
        #[cfg(debug_assertions)]
        loadmaster_platform::sabotage::step("commit carried out");
        let answer = bookings.outcome_of_commit(caller, awaited.payment).await?;
        bookings.keep(key, answer).await
    }

    /// Makes the booking of a hold whose payment is authorized.
    pub(super) async fn post_hold(&self, Paid { hold, payment, payer }: Paid) -> Result<(), BookingError> {
        let wanted = Wanted {
            requester: Requester::Payer(payer),
            hold,
            precondition: Precondition::default(),
            verb: HoldVerb::Book(payment),
        };
        let request = Request::new(Key::none(), AnswerFor::Booking(created), self.until())?;
        let posted = self.try_to_step_hold(&wanted, self.bookings().clock.now(), &request).await;
        posted.map(drop).map_err(|refusal| refusal.error)
    }
}

impl BookingService {
    async fn payment(&self, id: PaymentId) -> Result<Option<PaymentWithOperations>, DbError> {
        let mut connection = self.db.read().await?;
        Ok(payments::find_in_tx(&mut connection, &[id]).await?.pop())
    }

    /// Has the operations of a payment carried out, as far as the provider decides them in time.
    pub(super) async fn carry_out(
        &self,
        Awaited { payment, hold }: Awaited,
        token: Option<&SecretString>,
        until: Instant,
    ) -> Result<(), DbError> {
        let waiter = self.payments.waiter(payment, hold);
        let work = async {
            let mut tried = BTreeSet::<PaymentOperationId>::new();
            while let Some((payment, operations)) = self.payment(payment).await? {
                let is_open = |operation: &&payments::Operation| operation.is_undecided();
                let next = operations.iter().filter(is_open).find(|operation| !tried.contains(&operation.id));
                match next {
                    Some(operation) => {
                        tried.insert(operation.id);
                        let left = until.saturating_duration_since(Instant::now());
                        self.payments.at_once(operation.id, token.cloned()).within(left).await;
                    }
                    None if is_going_on(&payment, &operations) => waiter.woken(until).await,
                    None => break,
                }
            }
            Ok(())
        };
        timeout_at(until, work).await.unwrap_or(Ok(()))
    }

    /// Returns the answer to the commit that began this payment.
    async fn outcome_of_commit(&self, caller: Principal, payment: PaymentId) -> Result<Answer, Problem> {
        let payment = self.found_payment(payment).await?;
        if let Some(answer) = self.answer_if_decided(caller, &payment).await? {
            return Ok(answer);
        }
        let hold = payment.hold_id.ok_or(BookingError::UnknownPayment)?;
        let hold = self.holds.visible(caller, hold).await?;
        let status = hold.status_at(self.clock.now());
        if status == HoldStatus::Committing && hold.payment_id() == Some(payment.id) {
            return Ok(holds::pending(&hold, self.surroundings()));
        }
        // It may have been decided after it was read, and before its hold was.
        let payment = self.found_payment(payment.id).await?;
        if let Some(answer) = self.answer_if_decided(caller, &payment).await? {
            return Ok(answer);
        }
        match status {
            HoldStatus::Active | HoldStatus::Committing => Err(BookingError::PaymentNotPossible("not_booked").into()),
            HoldStatus::Expired => Err(HoldError::Expired.into()),
            from => Err(HoldError::Ended { from, action: HoldAction::Commit }.into()),
        }
    }

    async fn answer_if_decided(&self, caller: Principal, payment: &Payment) -> Result<Option<Answer>, Problem> {
        match &payment.booking {
            Some((_, reference)) => Ok(Some(created(&self.visible(caller, reference).await?, self.surroundings()))),
            None if payment.status == PaymentStatus::Failed => Err(declined(payment)),
            None => Ok(None),
        }
    }

    /// Stores a final answer under the key of its request. If another request has stored one, that is the answer.
    pub(super) async fn keep(&self, key: &Key, answer: Answer) -> Result<Answer, Problem> {
        if !answer.is_final() {
            return Ok(answer);
        }
        let kept = async {
            let mut tx = Transaction::begin(&self.db).await?;
            match tx.enter(&[key]).await?.pop() {
                Some(Err(Repetition::Done(first))) => {
                    tx.roll_back().await;
                    Ok(Some(*first))
                }
                Some(Err(_)) => {
                    tx.roll_back().await;
                    Ok(None)
                }
                _ => {
                    tx.keep(&[(key, &answer)]).await?;
                    tx.commit().await?;
                    #[cfg(debug_assertions)]
                    loadmaster_platform::sabotage::step("answer kept");
                    Ok::<_, DbError>(None)
                }
            }
        };
        // Without it a repetition finds the payment, and by it the same outcome.
        match kept.await {
            Ok(first) => Ok(first.unwrap_or(answer)),
            Err(error) => {
                tracing::debug!(%error, "an answer cannot be stored under its key");
                Ok(answer)
            }
        }
    }
}

/// Returns whether something becomes of a payment soon, without its payer: the provider decides, or the hold is posted.
fn is_going_on(payment: &Payment, operations: &[payments::Operation]) -> bool {
    match payment.status {
        PaymentStatus::Created | PaymentStatus::Processing => true,
        PaymentStatus::Authorized => {
            let is_for_hold = payment.booking.is_none() && payment.hold_id.is_some();
            is_for_hold && payment.is_capturable(operations)
        }
        _ => false,
    }
}

/// Returns the problem of a payment that failed.
pub(super) fn declined(payment: &Payment) -> Problem {
    let failure = payment.failure.as_ref();
    if failure.is_some_and(payments::Failure::was_not_sent) {
        let text = "The payment provider was not reached; nothing was charged, try again shortly.";
        return with_hold(Problem::unavailable(text), payment);
    }
    let decline_code = failure.map_or("declined", |failure| &failure.code);
    let problem =
        Problem::new(code::PAYMENT_DECLINED, "The payment provider declined the payment; nothing was charged.")
            .with("decline_code", decline_code)
            .with("payment_id", payment.id);
    with_hold(problem, payment)
}

/// Names the hold that stays for another try.
fn with_hold(problem: Problem, payment: &Payment) -> Problem {
    match payment.hold_id {
        Some(hold) if payment.booking.is_none() => problem.with("hold_id", hold),
        _ => problem,
    }
}
