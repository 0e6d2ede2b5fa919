use chrono::TimeDelta;
use loadmaster_platform::{
    in_own_tx,
    postgres::{DbError, commit, retrying},
    queue::pause_after,
};

use super::{
    metric,
    model::{Address, Channel, Claim},
    plan::PAUSES,
    repository,
    sender::ChannelSender,
    transport::Delivery,
};

/// The reason of a suppression by the relay.
const BOUNCED: &str = "bounced";
impl ChannelSender {
    /// Records what became of an attempt.
    pub(super) async fn record(
        &self,
        claim: Claim,
        to: &Address,
        delivery: &Delivery,
        attempts: i32,
    ) -> Result<(), DbError> {
        match delivery {
            Delivery::Delivered => self.record_sent(claim).await,
            Delivery::Away(says) | Delivery::Later(says) => self.record_later(claim, says, attempts).await,
            Delivery::Unknown(says) | Delivery::Refused(says) => self.record_end(claim, "FAILED", says).await,
            Delivery::NoSuchAddress(says) => {
                let of = if self.channel == Channel::Email { "email" } else { "phone" };
                let hash = self.post.address_hash(of, &to.text);
                let letter = claim.letter;
                tracing::info!(%letter, says, "the relay refuses an address; nothing more is sent to it");
                let ended = retrying(|| async {
                    let mut tx = self.post.db.begin().await?;
                    self.post.suppress_in_tx(&mut tx, &hash, BOUNCED).await?;
                    let ended = repository::ended(&mut tx, claim, "FAILED", says).await?;
                    commit(tx).await?;
                    Ok::<_, DbError>(ended)
                });
                self.count(&ended.await?, "failed");
                Ok(())
            }
        }
    }

    async fn record_sent(&self, claim: Claim) -> Result<(), DbError> {
        let now = self.post.clock.now();
        let sent = retrying(|| async { in_own_tx!(self.post.db, |tx| repository::sent(&mut tx, claim.letter, now)) });
        let sent = sent.await?;
        for one in &sent {
            let delay = (now - one.due_at).as_seconds_f64().max(0.0);
            metric::DELAY.with([self.channel.as_str()]).record(delay);
        }
        self.count(&sent, "sent");
        Ok(())
    }

    async fn record_later(&self, claim: Claim, says: &str, attempts: i32) -> Result<(), DbError> {
        let next_at = self.post.clock.now() + pause_after(&PAUSES, attempts);
        let waiting =
            retrying(|| async { in_own_tx!(self.post.db, |tx| repository::later(&mut tx, claim, next_at, says)) });
        self.count(&waiting.await?, "retried");
        Ok(())
    }

    /// Ends a letter that is never sent.
    pub(super) async fn record_end(&self, claim: Claim, status: &'static str, reason: &str) -> Result<(), DbError> {
        let ended =
            retrying(|| async { in_own_tx!(self.post.db, |tx| repository::ended(&mut tx, claim, status, reason)) });
        self.count(&ended.await?, if status == "FAILED" { "failed" } else { "suppressed" });
        Ok(())
    }

    /// Gives up a claim of which nothing was sent for this time, so that the letter is not taken for one whose outcome is lost.
    pub(super) async fn release(&self, claim: Claim, pause: TimeDelta) -> Result<(), DbError> {
        let next_at = self.post.clock.now() + pause;
        retrying(|| async { in_own_tx!(self.post.db, |tx| repository::release(&mut tx, claim, next_at)) }).await
    }
}
