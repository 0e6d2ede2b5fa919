//! Compares the books with the provider. Differences are reported, and nothing is mended: a person finds out which is right.
use chrono::TimeDelta;
use loadmaster_kernel::{Money, PaymentId};
use loadmaster_platform::postgres::{DbError, commit};

use super::{
    model::{Payment, PaymentStatus},
    provider::{FoundState, Provider, ProviderPayment},
    repository,
    service::PaymentService,
};

/// Payments that changed within this time are compared.
const LOOKED_BACK: TimeDelta = TimeDelta::days(2);
/// Payments read at a time.
const AT_ONCE: i64 = 100;

impl PaymentService {
    /// Compares recent payments with the provider. Returns the number of those that differ.
    pub(super) async fn reconcile(&self) -> Result<usize, DbError> {
        let Some(provider) = &self.provider else { return Ok(0) };
        let since = self.clock.now() - LOOKED_BACK;
        let (mut after, mut differing) = (None, 0);
        loop {
            let name = provider.kind().as_str();
            let some = repository::to_reconcile(&mut *self.db.read().await?, name, since, after, AT_ONCE).await?;
            for payment in &some {
                differing += usize::from(self.compare(provider.as_ref(), *payment).await?);
            }
            after = some.last().copied();
            if some.len() < usize::try_from(AT_ONCE).unwrap_or_default() {
                return Ok(differing);
            }
        }
    }

    /// Compares one payment, and records whether it differs.
    async fn compare(&self, provider: &dyn Provider, id: PaymentId) -> Result<bool, DbError> {
        let Some(payment) = repository::find(&mut *self.db.read().await?, id, None).await? else { return Ok(false) };
        let Some(reference) = &payment.provider_reference else { return Ok(false) };
        let Ok(found) = provider.find(reference).await else {
            tracing::warn!(payment_id = %id, "the provider did not report a payment; it is compared in an hour");
            return Ok(false);
        };
        let difference = difference(&payment, found.as_ref(), |amount| provider.chargeable(amount));
        let mut tx = self.db.begin().await?;
        let now = repository::lock(&mut tx, &[id.uuid()]).await?.pop();
        // It has moved on since it was read: the next reconciliation compares it.
        if now.is_none_or(|now| now.version != payment.version) {
            tx.rollback().await?;
            return Ok(false);
        }
        repository::mark_unmatched(&mut tx, id, difference.is_some()).await?;
        commit(tx).await?;
        if let Some(difference) = difference {
            tracing::error!(payment_id = %id, difference, "a payment differs from the provider's");
            return Ok(true);
        }
        Ok(false)
    }
}

/// Returns how the provider's payment differs from ours.
fn difference(
    payment: &Payment,
    found: Option<&ProviderPayment>,
    chargeable: impl Fn(Money) -> Money,
) -> Option<&'static str> {
    let Some(found) = found else { return Some("the provider does not know it") };
    let charged = |minor| chargeable(payment.amount.with_minor(minor)).minor();
    if found.amount != chargeable(payment.amount) {
        return Some("the amount");
    }
    let is_same = match payment.status {
        PaymentStatus::Created | PaymentStatus::Processing => matches!(found.state, FoundState::Pending),
        PaymentStatus::RequiresAction => matches!(found.state, FoundState::RequiresAction(_)),
        PaymentStatus::Authorized => found.state == FoundState::Authorized,
        PaymentStatus::Captured => found.state == FoundState::Captured,
        // Either way the provider neither has nor keeps anything of it.
        PaymentStatus::Failed | PaymentStatus::Voided => {
            matches!(found.state, FoundState::Failed(_) | FoundState::Voided)
        }
    };
    if !is_same {
        return Some("the status");
    }
    if found.captured != charged(payment.captured) {
        return Some("what was captured");
    }
    let is_refund_same = found.refunded.is_none_or(|refunded| refunded == charged(payment.refunded));
    (!is_refund_same).then_some("what was refunded")
}
