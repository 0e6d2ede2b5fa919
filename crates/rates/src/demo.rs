//! A history for demonstrations, marked as such.
use std::ops::RangeInclusive;

use chrono::{Days, NaiveDate};
use loadmaster_flights::Lane;
use loadmaster_platform::postgres::{DbError, commit, retrying};

use super::{
    RateError, RateService,
    model::{DEMO, DaySums, Invented, day_sums},
    repository,
};

/// Days from now of the departures of which the first one with a price is what the past is invented from: a lane may have flights
/// on one day of a week only, and a demonstration has flights of the next few days.
const AHEAD: RangeInclusive<u64> = 2..=13;

impl RateService {
    /// Invents thirty days of history for each lane with a direct flight, unless a past was invented before. Returns the number
    /// of lanes.
    pub async fn invent_history(&self) -> Result<usize, RateError> {
        let mut connection = self.db.read().await?;
        let is_done = repository::has_invented(&mut connection).await.map_err(DbError::from)?;
        drop(connection);
        if is_done {
            return Ok(0);
        }
        let lanes = self.parts.flights.lanes_ahead().await?;
        let most = usize::try_from(self.parts.settings.max_lanes).unwrap_or_default();
        let mut pasts = Vec::new();
        for lane in lanes.into_iter().take(most) {
            let days = self.invent(lane).await?;
            if !days.is_empty() {
                pasts.push((lane, days));
            }
        }
        let pasts = &pasts;
        // All or nothing, so that a demonstration that ended meanwhile begins anew.
        let is_first = retrying(|| async move {
            let mut tx = self.db.begin().await?;
            repository::lock_invented(&mut tx).await?;
            if repository::has_invented(&mut tx).await? {
                return Ok::<_, DbError>(false);
            }
            for (lane, days) in pasts {
                repository::add_days(&mut tx, *lane, DEMO, days).await?;
            }
            commit(tx).await?;
            Ok(true)
        })
        .await?;
        Ok(if is_first { pasts.len() } else { 0 })
    }

    async fn invent(&self, lane: Lane) -> Result<Vec<(NaiveDate, DaySums)>, RateError> {
        let today = self.today(lane.0);
        for ahead in AHEAD {
            let mut answers = Vec::new();
            self.ask_for(lane, today + Days::new(ahead), &mut answers).await?;
            let sums = day_sums(&answers);
            if !sums.is_empty() {
                let days = sums.iter().flat_map(|now| Invented::days(lane, now, today));
                return Ok(days.map(|it| (it.day, it.sums)).collect());
            }
        }
        Ok(Vec::new())
    }
}
