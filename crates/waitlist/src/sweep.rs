//! Looks at all flights for which somebody waits, now and then: a promise that was lost is mended. And measures, apart from
//! that and from the matcher, how long space has been set aside.
use std::time::Duration;

use chrono::TimeDelta;
use loadmaster_capacity::ASIDE_FOR;
use loadmaster_platform::shutdown::stopped_within;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::{error::WaitlistError, matcher::looked_at_until, metric, pass::Pass, repository, service::WaitlistService};

/// Interval between two sweeps.
const SWEEP: Duration = Duration::from_secs(30);
/// Flights that are visited between two rests, which take as long: what is freed meanwhile does not wait for a sweep.
const SLICE: usize = 16;
/// Interval between two measurements.
const MEASURE: Duration = Duration::from_secs(5);

impl WaitlistService {
    /// Sweeps until `stop`.
    pub(super) async fn sweep(self, stop: CancellationToken) {
        loop {
            if let Err(error) = Box::pin(self.sweep_once(&stop)).await {
                tracing::warn!(%error, "those who wait cannot be swept; trying again");
            }
            if stopped_within(&stop, SWEEP).await {
                return;
            }
        }
    }

    async fn sweep_once(&self, stop: &CancellationToken) -> Result<(), WaitlistError> {
        if !self.clock.is_trusted() {
            return Ok(());
        }
        self.settle(true).await?;
        if let Err(error) = self.widen_all().await {
            tracing::debug!(%error, "new flights cannot be found for those who wait by date; trying again");
        }
        let flights = repository::affected(&mut *self.db.read().await?).await?;
        for slice in flights.chunks(SLICE) {
            let began = Instant::now();
            for flight in slice {
                match self.visit(&mut Pass::of(*flight)).await {
                    Ok(true) => {}
                    Ok(false) => self.look_at(vec![*flight]),
                    // A flight that cannot be served keeps nobody on another waiting.
                    Err(error) => {
                        tracing::warn!(%error, %flight, "those who wait for a flight cannot be served; trying again");
                    }
                }
            }
            if stop.is_cancelled() {
                break;
            }
            sleep(began.elapsed()).await;
        }
        Ok(())
    }

    /// Measures until `stop` what waits.
    pub(super) async fn measure(self, stop: CancellationToken) {
        loop {
            if let Err(error) = self.measure_once().await {
                tracing::debug!(%error, "the waitlist cannot be measured; trying again");
            }
            if stopped_within(&stop, MEASURE).await {
                return;
            }
        }
    }

    async fn measure_once(&self) -> Result<(), WaitlistError> {
        let mut connection = self.db.read().await?;
        let now = self.clock.now();
        let oldest = repository::oldest_aside(&mut connection, looked_at_until(now)).await?;
        let age = oldest.map_or(TimeDelta::zero(), |until| now + ASIDE_FOR - until);
        metric::OLDEST_ASIDE.set(age.as_seconds_f64().max(0.0));
        metric::WAITING.set(repository::waiting(&mut connection).await?);
        Ok(())
    }
}
