//! The job that asks lanes what an anonymous caller is offered.
use std::{sync::PoisonError, time::Duration};

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use loadmaster_flights::Lane;
use loadmaster_kernel::{Rate, Weight};
use loadmaster_platform::postgres::{DbError, commit, retrying};
use loadmaster_search::SearchError;
use tokio::time::Instant;

use super::{
    RateError, RateService, metric,
    model::{Answer, Answered, DAYS_AHEAD, DaySums, OFFERED, changed, day_sums, due, left, slot_of},
    repository,
    service::Frequent,
};

/// Departure dates that are asked for before a pause.
const DATES_AT_ONCE: usize = 4;
/// For how long a run asks: a job that takes 10 minutes is ended, and tried again much later.
const LONGEST: Duration = Duration::from_mins(8);
/// How long the lanes that are searched most stay the same.
const RECOUNTED: TimeDelta = TimeDelta::hours(1);

impl RateService {
    /// Asks the lanes that are due in this quarter of an hour. It pauses for as long as it works. Returns their number.
    pub async fn sample(&self) -> Result<usize, RateError> {
        self.sample_within(LONGEST).await
    }

    /// The same, without those that are not begun within this time: a later run asks them. One is always asked.
    pub async fn sample_within(&self, longest: Duration) -> Result<usize, RateError> {
        let _time = metric::RATE_RUN.time();
        let until = Instant::now() + longest;
        let slot = slot_of(self.now());
        let lanes = self.due(slot).await?;
        let mut asked = 0;
        for lane in lanes {
            let answered = self.ask(lane).await;
            let (answers, sampled_at) = match answered {
                Ok(answered) => answered,
                Err(error) => {
                    // The lane is asked again in its next slot; without a database no other lane could be asked.
                    metric::RATE_SAMPLES.with(["failed"]).increment(self.questions());
                    if matches!(error, RateError::Search(SearchError::Database(_))) {
                        return Err(error);
                    }
                    tracing::warn!(%error, origin = %lane.0, destination = %lane.1, "a lane could not be asked for its prices");
                    continue;
                }
            };
            let began = Instant::now();
            if self.keep(lane, slot, sampled_at, &answers).await? {
                let priced = answers.iter().filter(|it| it.answer.is_some()).count();
                metric::RATE_SAMPLES.with(["priced"]).increment(number(priced));
                metric::RATE_SAMPLES.with(["unpriced"]).increment(number(answers.len() - priced));
                asked += 1;
            } else {
                metric::RATE_SAMPLES.with(["repeated"]).increment(number(answers.len()));
            }
            pause(began.elapsed()).await;
            if Instant::now() >= until {
                break;
            }
        }
        Ok(asked)
    }

    /// Returns the lanes to ask in a slot.
    async fn due(&self, slot: DateTime<Utc>) -> Result<Vec<Lane>, RateError> {
        let parts = &self.parts;
        let most = usize::try_from(parts.settings.max_lanes).unwrap_or_default();
        // An airport may have been deleted.
        let is_known = |(origin, destination): &Lane| {
            [origin, destination].into_iter().all(|airport| parts.reference.airport(*airport).is_some())
        };
        let (mut frequent, mut flown) = (self.frequent_lanes().await?, parts.flights.lanes_ahead().await?);
        frequent.retain(is_known);
        flown.retain(is_known);
        let mut connection = self.db.read().await?;
        let mut last = repository::last_slots(&mut connection).await.map_err(DbError::from)?;
        last.retain(|lane, _| is_known(lane));
        let left = left(&frequent, &flown, &last, slot);
        let left: Vec<(Lane, NaiveDate)> = left.into_iter().map(|lane| (lane, self.today(lane.0))).collect();
        let left = repository::still_priced(&mut connection, &left, &self.weights_kg()).await.map_err(DbError::from)?;
        Ok(due(&frequent, &flown, &left, most, &last, slot))
    }

    /// Returns the lanes that are asked each time. They are counted once an hour.
    async fn frequent_lanes(&self) -> Result<Vec<Lane>, DbError> {
        let now = self.now();
        let last = self.frequent.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(Frequent { read_at, lanes }) = last
            && (TimeDelta::zero()..RECOUNTED).contains(&(now - read_at))
        {
            return Ok(lanes);
        }
        let lanes = self.parts.search.most_searched(&self.db, self.parts.settings.frequent_lanes).await?;
        let last = Frequent { read_at: now, lanes: lanes.clone() };
        *self.frequent.lock().unwrap_or_else(PoisonError::into_inner) = Some(last);
        Ok(lanes)
    }

    /// Returns the weights that are asked for.
    fn weights(&self) -> Vec<(i32, Weight)> {
        let weights = self.parts.settings.weights_kg.iter().filter_map(|kilograms| i32::try_from(*kilograms).ok());
        weights.map(|kilograms| (kilograms, Weight::from_hectograms(i64::from(kilograms) * 10))).collect()
    }

    fn weights_kg(&self) -> Vec<i32> {
        self.weights().into_iter().map(|(kilograms, _)| kilograms).collect()
    }

    /// Returns the number of questions of a lane.
    fn questions(&self) -> u64 {
        (DAYS_AHEAD + 1) * number(self.parts.settings.weights_kg.len())
    }

    /// Asks a lane for each departure date and weight. Returns the answers, and when the first was asked.
    async fn ask(&self, lane: Lane) -> Result<(Vec<Answered>, DateTime<Utc>), RateError> {
        let sampled_at = self.now();
        let first = self.parts.reference.local_date(lane.0, sampled_at);
        let dates: Vec<NaiveDate> = (0..=DAYS_AHEAD).map(|ahead| first + Days::new(ahead)).collect();
        let mut answers = Vec::new();
        for dates in dates.chunks(DATES_AT_ONCE) {
            let began = Instant::now();
            for date in dates {
                self.ask_for(lane, *date, &mut answers).await?;
            }
            pause(began.elapsed()).await;
        }
        Ok((answers, sampled_at))
    }

    /// Asks a lane for one departure date and each weight.
    pub(super) async fn ask_for(
        &self,
        (origin, destination): Lane,
        departure_date: NaiveDate,
        answers: &mut Vec<Answered>,
    ) -> Result<(), RateError> {
        let weights = self.weights();
        let asked: Vec<Weight> = weights.iter().map(|(_, weight)| *weight).collect();
        let offers = Box::pin(self.parts.search.offers(origin, destination, departure_date, &asked)).await?;
        for ((weight_kg, weight), offer) in weights.into_iter().zip(offers) {
            let chargeable = weight.chargeable(weight.standard_volume());
            let answer = offer.and_then(|offer| {
                let per_kg = Rate::per_kilogram(offer.total, chargeable)?;
                Some(Answer { price: offer.total, per_kg, airline: offer.airline })
            });
            answers.push(Answered { weight_kg, departure_date, answer });
        }
        Ok(())
    }

    /// Keeps the answers of a lane, with its slot in one transaction. Returns false if the slot was taken before.
    async fn keep(
        &self,
        lane: Lane,
        slot: DateTime<Utc>,
        sampled_at: DateTime<Utc>,
        answers: &[Answered],
    ) -> Result<bool, DbError> {
        let today = self.parts.reference.local_date(lane.0, sampled_at);
        let sums: Vec<(NaiveDate, DaySums)> = day_sums(answers).into_iter().map(|sums| (today, sums)).collect();
        let sums = &sums;
        let weights = &self.weights_kg();
        retrying(|| async move {
            let mut tx = self.db.begin().await?;
            if !repository::take_slot(&mut tx, lane, slot, sampled_at).await? {
                return Ok(false);
            }
            let before = repository::last_answers(&mut tx, lane, today, weights).await?;
            repository::add_points(&mut tx, lane, sampled_at, &changed(answers, &before)).await?;
            repository::add_days(&mut tx, lane, OFFERED, sums).await?;
            commit(tx).await?;
            Ok(true)
        })
        .await
    }
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Leaves the processor to others for as long as the work took.
async fn pause(worked: Duration) {
    tokio::time::sleep(worked).await;
}
