//! Keeps promises, in each process: tries operations that are due, and sends the webhooks of the provider `test`. What is to
//! be done follows from the tables alone: nothing that a process forgets is lost.
use std::time::Duration;

use chrono::TimeDelta;
use loadmaster_kernel::PaymentOperationId;
use loadmaster_platform::{
    outage::OutageLog,
    queue::{UnderWay, Woken},
    shutdown::stopped_within,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{error::PaymentError, metric, repository, service::PaymentService};

/// Interval between two looks for what is due.
const LOOK: Duration = Duration::from_millis(500);
/// Time for which an authorization that is due is left to the process that has its token.
const LEFT_TO_TOKENS: TimeDelta = TimeDelta::seconds(2);
/// Most attempts of this driver at once.
const AT_ONCE: usize = 8;
/// Interval between two measurements.
const MEASURED: Duration = Duration::from_secs(15);

impl PaymentService {
    /// Keeps promises until `stop`.
    pub(super) async fn work(self, stop: CancellationToken) {
        let mut outage = OutageLog::new("payments cannot be looked at; trying again");
        let mut measured: Option<Instant> = None;
        let mut own_attempts = UnderWay::<PaymentOperationId, bool>::default();
        loop {
            match own_attempts.woken(&stop, Some(&self.news), LOOK).await {
                Woken::Stopped => break,
                // Its outcome is not recorded: the database is away.
                Woken::Ended(_, recorded) if recorded != Some(true) => {
                    if stopped_within(&stop, LOOK).await {
                        break;
                    }
                }
                Woken::Ended(..) | Woken::Due => {}
            }
            if outage.note(self.look(&mut own_attempts).await).is_err() {
                continue;
            }
            if measured.is_none_or(|measured| measured.elapsed() >= MEASURED) && self.measure().await.is_ok() {
                measured = Some(Instant::now());
            }
        }
    }

    /// Those that requests make do not count: they never keep promises waiting.
    async fn look(&self, own_attempts: &mut UnderWay<PaymentOperationId, bool>) -> Result<(), PaymentError> {
        self.send_due_webhooks().await?;
        while own_attempts.ended_already().is_some() {}
        let room = own_attempts.places(AT_ONCE);
        if self.provider.is_none() || room == 0 {
            return Ok(());
        }
        let most = i64::try_from(AT_ONCE * 2).unwrap_or_default();
        let (now, own) = (self.clock.now(), self.tokens.operations());
        let due = repository::due(&mut *self.db.read().await?, now, now - LEFT_TO_TOKENS, &own, most).await?;
        let free = due.into_iter().filter(|operation| !self.is_under_way(*operation));
        for operation in free.take(room) {
            let mut attempt = self.at_once(operation, None);
            own_attempts.start(operation, async move { attempt.ended().await });
        }
        Ok(())
    }

    async fn measure(&self) -> Result<(), PaymentError> {
        let mut connection = self.db.read().await?;
        let unresolved = repository::unresolved(&mut connection).await?;
        metric::UNRESOLVED.set(f64::from(i32::try_from(unresolved).unwrap_or(i32::MAX)));
        let unmatched = repository::unmatched(&mut connection).await?;
        metric::UNMATCHED.set(f64::from(i32::try_from(unmatched).unwrap_or(i32::MAX)));
        Ok(())
    }
}
