//! Webhooks of the provider. They are hints: a new one makes a look-up due, and the payment's state comes from that.
use loadmaster_platform::{
    in_own_tx,
    postgres::{DbError, commit, retrying},
};
use serde_json::{Value, json};

use super::{
    error::PaymentError, metric, model::TestPayment, provider::ProviderKind, repository, service::PaymentService,
    signature::Signed,
};

/// Most webhooks of the provider `test` that are sent at one look.
const AT_ONCE: i64 = 20;

impl PaymentService {
    /// Receives a webhook. A repeated one, and one about a payment that is not ours, changes nothing.
    pub(super) async fn hear(&self, provider: &str, signed: Signed<'_>) -> Result<(), PaymentError> {
        let known = self.provider().filter(|kind| kind.as_str() == provider);
        let Some(kind) = known else { return Err(PaymentError::UnknownProvider) };
        if !self.keys.verify(signed, self.clock.now()) {
            metric::WEBHOOKS.with(["refused"]).increment(1);
            return Err(PaymentError::InvalidSignature);
        }
        let body: Value = serde_json::from_slice(signed.body).map_err(|_| PaymentError::Malformed)?;
        // No payment has another name, and the database takes no NUL.
        let reference = body["data"]["id"].as_str().filter(|id| id.bytes().all(|byte| byte.is_ascii_graphic()));
        let reference = reference.unwrap_or_default();
        let outcome = self.take_hint(kind, signed.id, reference).await?;
        metric::WEBHOOKS.with([outcome]).increment(1);
        if outcome == "accepted" {
            self.wake();
        }
        Ok(())
    }

    /// Records a webhook and makes the look-up due, in one transaction.
    async fn take_hint(&self, kind: ProviderKind, id: &str, reference: &str) -> Result<&'static str, DbError> {
        retrying(|| async {
            let now = self.clock.now();
            let mut tx = self.db.begin().await?;
            let outcome = if !repository::enter_webhook(&mut tx, kind.as_str(), id, now).await? {
                "repeated"
            } else if let Some(found) = repository::find_by_reference(&mut tx, kind.as_str(), reference, None).await? {
                repository::lock(&mut tx, &[found.id.uuid()]).await?;
                repository::hurry(&mut tx, found.id, now).await?;
                "accepted"
            } else {
                "unknown"
            };
            commit(tx).await?;
            #[cfg(debug_assertions)]
            loadmaster_platform::sabotage::step("webhook committed");
            Ok::<_, DbError>(outcome)
        })
        .await
    }

    /// Sends the webhooks of the provider `test` that are due, through the same door as those from outside.
    pub(super) async fn send_due_webhooks(&self) -> Result<(), PaymentError> {
        if self.journal.is_none() {
            return Ok(());
        }
        let due = repository::due_notifications(&mut *self.db.read().await?, self.clock.now(), AT_ONCE).await?;
        for payment in due {
            self.send(&payment).await?;
        }
        Ok(())
    }

    async fn send(&self, TestPayment { reference, notify_at, .. }: &TestPayment) -> Result<(), PaymentError> {
        let Some(due) = notify_at else { return Ok(()) };
        let now = self.clock.now();
        let body = json!({"type": "payment.changed", "timestamp": now, "data": {"id": reference}}).to_string();
        let (id, timestamp) = (format!("{reference}-{}", due.timestamp_micros()), now.timestamp().to_string());
        let signature = self.keys.sign(&id, &timestamp, body.as_bytes()).unwrap_or_default();
        let signed = Signed { id: &id, timestamp: &timestamp, signature: &signature, body: body.as_bytes() };
        self.hear(ProviderKind::Test.as_str(), signed).await?;
        let sent = retrying(|| async { in_own_tx!(self.db, |tx| repository::notified(&mut tx, reference, *due)) });
        Ok(sent.await?)
    }

    /// Forgets webhooks that were received long ago. Returns their number.
    pub(super) async fn delete_old_webhooks(&self) -> Result<u64, DbError> {
        const KEPT: chrono::TimeDelta = chrono::TimeDelta::days(30);
        let before = self.clock.now() - KEPT;
        self.db.delete_in_batches(|tx, most| Box::pin(repository::delete_old_webhooks(tx, before, most))).await
    }
}
