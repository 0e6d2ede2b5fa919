//! An attempt: it is counted, then the provider is asked outside any transaction, then the outcome is recorded. What a
//! process forgets in between is due again.
use std::{
    sync::{MutexGuard, PoisonError},
    time::Duration,
};

use loadmaster_kernel::{PaymentId, PaymentOperationId};
use loadmaster_platform::{
    in_own_tx,
    postgres::{DbError, PgSession, retrying},
    queue::keep_recording,
    telemetry::{Traced, span},
};
use secrecy::SecretString;
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

use super::{
    books,
    desk::Decided,
    metric,
    model::{CALL_TIME, Failure, Operation, OperationKind, OperationStatus, Outcome, Payment},
    provider::{Call, Provider},
    repository,
    service::PaymentService,
};

/// Longest time for which a process tries to record an outcome before it is left to the next attempt.
const RECORDED_WITHIN: Duration = Duration::from_secs(20);

/// An operation whose attempt is counted, with its payment.
pub(super) struct Claim {
    pub payment: Payment,
    operation: Operation,
    refunded_before: i64,
}

/// An attempt under way, in this process.
#[derive(Debug, Clone)]
pub struct Attempt(watch::Receiver<bool>);

impl Attempt {
    /// Waits until it has ended; returns whether its outcome is recorded.
    pub(super) async fn ended(&mut self) -> bool {
        self.0.wait_for(|is_recorded| *is_recorded).await.is_ok()
    }

    /// Waits until its outcome is recorded, for this long at most; returns whether it is. The outcome is then read from the
    /// tables: it may still be undecided, or wait for the payer.
    pub async fn within(mut self, time: Duration) -> bool {
        matches!(timeout(time, self.0.wait_for(|is_recorded| *is_recorded)).await, Ok(Ok(_)))
    }
}

impl PaymentService {
    /// Tries an operation now, in a task that shutdown waits for. The token exists in memory only, until the authorization
    /// is decided. Callers that ask for the same operation at once share one attempt.
    pub fn at_once(&self, operation: PaymentOperationId, token: Option<SecretString>) -> Attempt {
        let has_token = token.is_some();
        if let Some(token) = token {
            self.tokens.keep(operation, token);
        }
        let (sender, receiver) = watch::channel(false);
        {
            let mut under_way = self.under_way();
            if let Some(known) = under_way.get(&operation) {
                return Attempt(known.clone());
            }
            under_way.insert(operation, receiver.clone());
        }
        let (payments, held) = (self.clone(), self.tasks.hold());
        let attempt = async move {
            let ended = Ended { payments: payments.clone(), operation };
            let followed = payments.attempt(operation, has_token).in_span(span("payments.attempt")).await;
            drop(ended);
            match followed {
                Ok(next) => {
                    _ = sender.send(true);
                    for operation in next {
                        payments.at_once(operation, None);
                    }
                }
                Err(error) => {
                    tracing::warn!(error = error.summary(), %operation, "a payment's attempt is left to the next");
                }
            }
            drop(held);
        };
        tokio::spawn(attempt.in_same_trace());
        Attempt(receiver)
    }

    /// Returns the attempt at an operation that is under way in this process, and starts none.
    pub fn joined(&self, operation: PaymentOperationId) -> Option<Attempt> {
        self.under_way().get(&operation).cloned().map(Attempt)
    }

    /// Waits until an operation is decided, for this long at most, whichever process asks the provider. Returns whether it
    /// is.
    pub async fn decided_within(&self, operation: PaymentOperationId, time: Duration) -> Result<bool, DbError> {
        let until = Instant::now() + time;
        let payment = repository::payment_of(&mut *self.db.read().await?, operation).await?;
        let Some(payment) = payment else { return Ok(true) };
        let waiter = self.waiter(payment, None);
        loop {
            if !self.is_open(operation).await? {
                return Ok(true);
            }
            if Instant::now() >= until {
                return Ok(false);
            }
            waiter.woken(until).await;
        }
    }

    fn under_way(&self) -> MutexGuard<'_, std::collections::HashMap<PaymentOperationId, watch::Receiver<bool>>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this process asks for an operation now.
    pub(super) fn is_under_way(&self, operation: PaymentOperationId) -> bool {
        self.under_way().contains_key(&operation)
    }

    /// Makes one attempt. Returns the operations that are to be tried next.
    async fn attempt(
        &self,
        operation: PaymentOperationId,
        has_caller: bool,
    ) -> Result<Vec<PaymentOperationId>, DbError> {
        #[cfg(debug_assertions)]
        loadmaster_platform::sabotage::step("attempt begun");
        #[cfg(debug_assertions)]
        if super::sabotage::calls_in_transaction() {
            return Box::pin(self.attempt_in_transaction(operation)).await;
        }
        let Some(claim) = self.claim(operation).await? else {
            if has_caller {
                // Another process asks already: its outcome is waited for.
                self.decided_within(operation, self.wait()).await?;
            }
            return Ok(Vec::new());
        };
        #[cfg(debug_assertions)]
        loadmaster_platform::sabotage::step("attempt counted");
        let outcome = self.call_provider(&claim).await;
        #[cfg(debug_assertions)]
        loadmaster_platform::sabotage::step("provider answered");
        let next = self.record(&Decided { payment: claim.payment.id, operation, outcome }).await;
        #[cfg(debug_assertions)]
        loadmaster_platform::sabotage::step("attempt recorded");
        next
    }

    /// Asks the provider, and counts its answer.
    pub(super) async fn call_provider(&self, claim: &Claim) -> Outcome {
        let Claim { payment, operation: claimed, .. } = claim;
        let operation = claimed.id;
        let token = self.tokens.of(operation);
        let outcome = match &self.provider {
            Some(provider) if provider.kind().as_str() == payment.provider => {
                let asked = ask(provider.as_ref(), claim, token.as_ref());
                let bound = CALL_TIME.to_std().unwrap_or_default();
                let answered = timeout(bound, asked.in_span(span("payments.ask"))).await;
                answered.unwrap_or_else(|_| Outcome::Unknown("no answer in time".to_owned()))
            }
            _ => Outcome::Unknown(format!("the provider `{}` is not in use", payment.provider)),
        };
        drop(token);
        if !matches!(outcome, Outcome::Unknown(_) | Outcome::NotSent) {
            self.tokens.forget(operation);
        }
        metric::OPERATIONS.with([claimed.kind.as_str(), outcome.as_str()]).increment(1);
        tracing::info!(
            payment_id = %payment.id, operation_id = %operation, kind = claimed.kind.as_str(),
            attempts = claimed.attempts, outcome = outcome.as_str(), "payment provider asked"
        );
        outcome
    }

    /// Looks for the provider's name of a payment whose authorization nobody knows the outcome of. `None` if that is known, or
    /// the provider does not report.
    pub async fn reference_of(&self, payment: PaymentId) -> Result<Option<String>, DbError> {
        let found = {
            let mut connection = self.db.read().await?;
            books::find_in_tx(&mut connection, &[payment]).await?.pop()
        };
        let Some((payment, operations)) = found.filter(|(payment, _)| payment.provider_reference.is_none()) else {
            return Ok(None);
        };
        let is_unknown =
            |own: &&Operation| own.kind == OperationKind::Authorize && own.status == OperationStatus::Unresolved;
        let (Some(operation), Some(provider)) = (operations.iter().find(is_unknown), &self.provider) else {
            return Ok(None);
        };
        if provider.kind().as_str() != payment.provider {
            return Ok(None);
        }
        let bound = CALL_TIME.to_std().unwrap_or_default();
        let searched = timeout(bound, provider.search(operation.id).in_span(span("payments.search"))).await;
        Ok(searched.ok().and_then(Result::ok).flatten().map(|found| found.reference))
    }

    /// Counts an attempt before it is made; `None` if another process makes one, or it is decided.
    async fn claim(&self, operation: PaymentOperationId) -> Result<Option<Claim>, DbError> {
        retrying(|| async { in_own_tx!(self.db, |tx| self.claim_in_tx(&mut tx, operation)) }).await
    }

    pub(super) async fn claim_in_tx(
        &self,
        tx: &mut PgSession,
        operation: PaymentOperationId,
    ) -> Result<Option<Claim>, DbError> {
        let (has_token, now) = (self.tokens.of(operation).is_some(), self.clock.now());
        let Some(id) = repository::payment_of(tx, operation).await? else { return Ok(None) };
        let payment = repository::lock(tx, &[id.uuid()]).await?.pop().ok_or(sqlx::Error::RowNotFound)?;
        // Read under the lock: another process may have counted an attempt meanwhile.
        let operations = repository::operations_of(tx, &[id.uuid()]).await?;
        let found = operations.iter().find(|one| one.id == operation && one.is_to_be_tried(has_token, now));
        let Some(found) = found else { return Ok(None) };
        if found.is_too_old(now) {
            repository::save_operations(tx, &[&found.given_up(now)]).await?;
            return Ok(None);
        }
        let (refunded_before, operation) = (found.refunded_before(&operations), found.attempted(now));
        repository::save_operations(tx, &[&operation]).await?;
        Ok(Some(Claim { payment, operation, refunded_before }))
    }

    /// Hands an outcome to the desk, again if the database is away for a moment.
    pub(super) async fn record(&self, decided: &Decided) -> Result<Vec<PaymentOperationId>, DbError> {
        let what = "the outcome of a payment's attempt cannot be recorded; trying again";
        let recorded =
            keep_recording(what, Some(RECORDED_WITHIN), || async { self.desk().decided(decided).await }).await;
        self.changed(decided.payment);
        recorded
    }
}

/// Ends an attempt's entry also when its task panics.
struct Ended {
    payments: PaymentService,
    operation: PaymentOperationId,
}

impl Drop for Ended {
    fn drop(&mut self) {
        self.payments.under_way().remove(&self.operation);
    }
}

/// Asks the provider for what an operation promises.
async fn ask(provider: &dyn Provider, claim: &Claim, token: Option<&SecretString>) -> Outcome {
    let Claim { payment, operation, refunded_before } = claim;
    let call = Call {
        operation: operation.id,
        payment: payment.id,
        amount: operation.amount,
        refunded_before: *refunded_before,
        reference: payment.provider_reference.clone(),
        refund: operation.reference.clone(),
        is_repeated: operation.attempts > 1,
    };
    #[cfg(debug_assertions)]
    let call = super::sabotage::keyed(call, operation);
    match operation.kind {
        // Each request is counted before it is made: there was none.
        OperationKind::Authorize if token.is_none() && !call.is_repeated => {
            Outcome::Declined { failure: Failure::not_sent(), reference: None }
        }
        OperationKind::Authorize => provider.authorize(&call, token).await,
        OperationKind::Capture => provider.capture(&call).await,
        OperationKind::Refund => provider.refund(&call).await,
        OperationKind::Void => provider.void(&call).await,
    }
}
