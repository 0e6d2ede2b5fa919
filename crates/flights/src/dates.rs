//! The dates of flights by the rules of time zones in force. A date is part of a flight's name, and is stored; every other local
//! date and time is computed when it is shown.
use std::cmp::Ordering;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use loadmaster_capacity as capacity;
use loadmaster_kernel::{AirportCode, FlightId};
use loadmaster_platform::{
    postgres::{DbError, commit, retrying},
    zones,
};
use uuid::Uuid;

use super::{
    FlightError, FlightService, FlightStatus,
    import::begin_import_in_tx,
    repository::dates::{self, Applied},
    save::{change_all_in_tx, find_all_in_tx},
};

/// Flights that are read together.
const READ: i64 = 5000;
/// Flights that are changed together: others wait for them.
const CHANGED: usize = 100;
/// How long a release counts as applied. Until all processes have it, some schedule flights by the former.
const AGAIN: TimeDelta = TimeDelta::days(1);

/// A flight with its date, as stored.
pub(super) struct Dated {
    pub id: FlightId,
    pub origin: AirportCode,
    pub departure: DateTime<Utc>,
    pub scheduled_departure: DateTime<Utc>,
    pub date: NaiveDate,
}

impl FlightService {
    /// Gives flights to come the dates that they have by the rules in force, if these are of a later release than those of the
    /// last time, or a day has passed. Returns what was done.
    pub(super) async fn renew_dates(&self) -> Result<Option<Applied>, FlightError> {
        let version = zones::release().version;
        let last = dates::last_applied(&mut *self.db.read().await?).await?;
        let now = self.clock.now();
        let is_due = last.is_none_or(|(applied, at)| applied < version || (applied == version && now - at >= AGAIN));
        if !is_due {
            return Ok(None);
        }
        let mut done = Applied { version, flights: 0, kept: 0 };
        for flights in self.misdated(now).await?.chunks(CHANGED) {
            self.redate_or_keep(flights, &mut done).await?;
        }
        retrying(|| async {
            let mut tx = self.db.begin().await?;
            dates::note(&mut tx, &done, self.clock.now()).await?;
            commit(tx).await
        })
        .await?;
        Ok(Some(done))
    }

    /// Returns the flights to come that have another date by the rules in force, in an order in which they can be changed: of a
    /// flight on each day, one whose date becomes later needs the date of the next.
    async fn misdated(&self, now: DateTime<Utc>) -> Result<Vec<FlightId>, DbError> {
        let (mut later, mut earlier) = (Vec::new(), Vec::new());
        let mut after = (now, FlightId::from(Uuid::nil()));
        loop {
            let found = dates::upcoming(&mut *self.db.read().await?, after, READ).await?;
            let Some(last) = found.last() else { break };
            after = (last.departure, last.id);
            for flight in &found {
                match self.date_of(flight.origin, flight.scheduled_departure).cmp(&flight.date) {
                    Ordering::Less => earlier.push(flight.id),
                    Ordering::Equal => {}
                    Ordering::Greater => later.push(flight.id),
                }
            }
        }
        later.reverse();
        later.append(&mut earlier);
        Ok(later)
    }

    fn date_of(&self, origin: AirportCode, scheduled_departure: DateTime<Utc>) -> NaiveDate {
        self.reference.local_date(origin, scheduled_departure)
    }

    /// Changes the dates of flights. One whose name another flight has by now keeps its date, and does not harm the others.
    async fn redate_or_keep(&self, flights: &[FlightId], done: &mut Applied) -> Result<(), FlightError> {
        match self.redate(flights).await {
            Ok(changed) => done.flights += changed,
            Err(FlightError::AlreadyExists) => {
                for flight in flights {
                    match self.redate(std::slice::from_ref(flight)).await {
                        Ok(changed) => done.flights += changed,
                        Err(FlightError::AlreadyExists) => {
                            tracing::warn!(%flight, "by new rules of time zones the flight has the name of another; its date stays");
                            done.kept += 1;
                        }
                        Err(error) => return Err(error),
                    }
                }
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    async fn redate(&self, flights: &[FlightId]) -> Result<i32, FlightError> {
        let changed = retrying(|| async {
            let mut tx = self.db.begin().await?;
            // An import finds flights by their names.
            begin_import_in_tx(&mut tx).await?;
            capacity::lock_in_tx(&mut tx, flights).await?;
            let mut found = find_all_in_tx(&mut tx, flights).await?;
            found.retain_mut(|flight| {
                let before = flight.scheduled_date;
                flight.scheduled_date = self.date_of(flight.origin, flight.scheduled_departure);
                flight.room.status == FlightStatus::Scheduled && flight.scheduled_date != before
            });
            // One of them may get the date of another.
            dates::vacate(&mut tx, &found).await?;
            let changed = change_all_in_tx(&mut tx, found, None, self.clock.now()).await.map_err(|error| match error {
                FlightError::Database(cause) if cause.constraint() == Some("flights_one_a_day") => FlightError::AlreadyExists,
                error => error,
            })?;
            commit(tx).await?;
            Ok::<_, FlightError>(changed)
        })
        .await?;
        self.changed(&changed);
        i32::try_from(changed.len()).map_err(|error| DbError::from(sqlx::Error::Decode(error.into())).into())
    }
}
