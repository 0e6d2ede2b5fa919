use std::{cmp::Reverse, collections::BTreeMap, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{NewJob, TimeOfDay, enqueue_in_tx, hurry_in_tx};
use crate::{
    clock::SharedClock,
    outage::OutageLog,
    postgres::{Database, DbError, PgSession, commit},
    random::IdSource,
    shutdown::stopped_within,
};

/// Interval at which a process checks for due schedules.
const POLL: Duration = Duration::from_secs(1);

/// How far the clock may have been set back without another run at a time of day.
const BACK: TimeDelta = TimeDelta::minutes(5);

/// A job that is enqueued periodically.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    /// Also the kind of its jobs, and their key: the next one is not enqueued while one waits or runs.
    pub name: &'static str,
    pub every: TimeDelta,
}

/// Enqueues jobs when they are due: each once over all processes, and once for any number of missed times.
#[derive(Clone)]
pub struct Schedules {
    db: Database,
    all: Arc<[Schedule]>,
    /// By name, in place of the interval.
    times: Arc<BTreeMap<String, TimeOfDay>>,
    ids: IdSource,
    clock: SharedClock,
}

impl Schedules {
    pub fn new(db: Database, all: &[Schedule], ids: IdSource, clock: SharedClock) -> Self {
        let mut all = all.to_vec();
        all.sort_by_key(|schedule| (Reverse(schedule.every), schedule.name));
        Self { db, all: all.into(), times: Arc::default(), ids, clock }
    }

    /// Lets the schedules of these names run at a time of day, in place of once in their interval.
    #[must_use]
    pub fn at_times(self, times: BTreeMap<String, TimeOfDay>) -> Self {
        Self { times: times.into(), ..self }
    }

    /// Returns the time of day of a schedule, if it has one.
    pub fn time_of(&self, name: &str) -> Option<TimeOfDay> {
        self.times.get(name).copied()
    }

    /// Returns whether a schedule is due, or further ahead than possible unless the clock was set back.
    fn needs_care(&self, schedule: &Schedule, next: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        match self.time_of(schedule.name) {
            // Neither a plan for another process's time of day, so that no two processes move it to and fro, nor a clock that
            // was set back a little just after a run.
            Some(time) => next <= now || next > (now + time.period()).max(time.after(now + BACK)),
            None => schedule.needs_care(next, now),
        }
    }

    fn next_after(&self, schedule: &Schedule, next: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
        self.time_of(schedule.name).map_or_else(|| schedule.next_after(next, now), |time| time.after(now))
    }

    /// Returns the schedules, the rarest first.
    pub fn all(&self) -> &[Schedule] {
        &self.all
    }

    pub async fn run(self, stop: CancellationToken) {
        let mut outage = OutageLog::new("schedules cannot be read; trying again");
        let mut has_moved = false;
        loop {
            has_moved = has_moved || outage.note(self.move_to_times().await).is_ok();
            _ = outage.note(self.promise_due().await);
            if stopped_within(&stop, POLL).await {
                break;
            }
        }
    }

    /// Moves the plans of schedules that have a time of day to the next such time, unless they are due. A process does so once,
    /// when it starts, as its settings may have changed.
    pub async fn move_to_times(&self) -> Result<(), DbError> {
        for schedule in self.all.iter() {
            if let Some(time) = self.time_of(schedule.name) {
                self.move_to_time(schedule, time).await?;
            }
        }
        Ok(())
    }

    async fn move_to_time(&self, schedule: &Schedule, time: TimeOfDay) -> Result<(), DbError> {
        let mut tx = self.db.begin().await?;
        let found = sqlx::query!(
            r#"select next_run_at, clock_timestamp() as "now!" from schedules where name = $1 for update"#,
            schedule.name
        );
        let Some(found) = found.fetch_optional(&mut *tx).await.map_err(DbError::from)? else {
            // It is new, and due at once.
            return Ok(());
        };
        let (next, now) = (found.next_run_at, found.now);
        // The second is the plan after a run just before the clock was set back a little.
        if next <= now || next == time.after(now) || next == time.after(now + BACK) {
            return Ok(());
        }
        let planned = time.after(now);
        let moved = sqlx::query!("update schedules set next_run_at = $2 where name = $1", schedule.name, planned);
        moved.execute(&mut *tx).await.map_err(DbError::from)?;
        commit(tx).await?;
        tracing::info!(schedule = schedule.name, from = %next, to = %planned, "a schedule was moved to its time of day");
        Ok(())
    }

    /// Enqueues due jobs. A new schedule is due immediately. A clock that was set back leaves no due time further ahead
    /// than one period.
    pub async fn promise_due(&self) -> Result<(), DbError> {
        let names: Vec<String> = self.all.iter().map(|schedule| schedule.name.to_owned()).collect();
        let mut reading = self.db.read().await?;
        let known =
            sqlx::query!(r#"select name, next_run_at, now() as "now!" from schedules where name = any($1)"#, &names);
        let known = known.fetch_all(&mut *reading).await?;
        drop(reading);
        for schedule in self.all.iter() {
            let row = known.iter().find(|row| row.name == schedule.name);
            if row.is_some_and(|row| !self.needs_care(schedule, row.next_run_at, row.now)) {
                continue;
            }
            // An error of one schedule must not block the others.
            if let Err(error) = self.promise(schedule).await {
                tracing::warn!(%error, schedule = schedule.name, "a scheduled job could not be enqueued; trying again");
            }
        }
        Ok(())
    }

    async fn promise(&self, schedule: &Schedule) -> Result<(), DbError> {
        let mut tx = self.db.begin().await?;
        let made = sqlx::query!(
            "insert into schedules (name, next_run_at) values ($1, now()) on conflict (name) do nothing",
            schedule.name,
        );
        made.execute(&mut *tx).await.map_err(DbError::from)?;
        let found = sqlx::query!(
            r#"select next_run_at, clock_timestamp() as "now!" from schedules where name = $1 for update skip locked"#,
            schedule.name
        );
        let Some(found) = found.fetch_optional(&mut *tx).await.map_err(DbError::from)? else {
            // Another process holds it.
            return Ok(());
        };
        if !self.needs_care(schedule, found.next_run_at, found.now) {
            // Another process has enqueued it.
            return Ok(());
        }
        if found.next_run_at <= found.now {
            enqueue_in_tx(&mut tx, self.ids.next(self.clock.now()), &schedule.job()).await?;
        }
        let moved = sqlx::query!(
            "update schedules set next_run_at = $2 where name = $1",
            schedule.name,
            self.next_after(schedule, found.next_run_at, found.now),
        );
        moved.execute(&mut *tx).await.map_err(DbError::from)?;
        commit(tx).await
    }
}

/// A schedule as the database knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    pub name: String,
    pub next_run_at: DateTime<Utc>,
}

/// Returns every schedule that a process has had, by name.
pub async fn planned(db: &Database) -> Result<Vec<Planned>, DbError> {
    let mut reading = db.read().await?;
    let all = sqlx::query_as!(Planned, "select name, next_run_at from schedules order by name");
    Ok(all.fetch_all(&mut *reading).await?)
}

/// Makes the job of a schedule due now, in addition to its times. Returns the schedule; `None` if there is none of that
/// name. A job that runs already is not run twice.
pub async fn run_in_tx(tx: &mut PgSession, id: Uuid, name: &str) -> Result<Option<Planned>, DbError> {
    let found = sqlx::query_as!(Planned, "select name, next_run_at from schedules where name = $1", name);
    let Some(found) = found.fetch_optional(&mut *tx).await.map_err(DbError::from)? else { return Ok(None) };
    let made = sqlx::query!(
        "insert into jobs (id, kind, payload, priority, state, unique_key, run_at, max_attempts, created_at, updated_at)
         values ($1, $2, 'null', 0, 'QUEUED', $2, now(), 10, now(), now())
         on conflict do nothing",
        id,
        name,
    );
    made.execute(&mut *tx).await.map_err(DbError::from)?;
    hurry_in_tx(tx, name).await?;
    Ok(Some(found))
}

impl Schedule {
    /// Builds the job of one run.
    pub fn job(&self) -> NewJob {
        NewJob { unique_key: Some(self.name.to_owned()), ..NewJob::now(self.name, Value::Null) }
    }

    /// Returns whether it is due, or further ahead than possible unless the clock was set back.
    fn needs_care(&self, next: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        next <= now || next > now + self.every
    }

    /// Returns the next due time after `now`, in step with the planned one.
    fn next_after(&self, next: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
        if next > now + self.every {
            return now + self.every;
        }
        let missed = (now - next).num_milliseconds().max(0) / self.every.num_milliseconds().max(1);
        let periods = i32::try_from(missed + 1).unwrap_or(i32::MAX);
        next + self.every * periods
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    #[test]
    fn the_next_time_keeps_step_and_misses_are_made_up_for_once() {
        let hourly = Schedule { name: "test", every: TimeDelta::hours(1) };
        assert_eq!(hourly.next_after(at(0), at(0)), at(60));
        assert_eq!(hourly.next_after(at(0), at(59)), at(60));
        assert_eq!(hourly.next_after(at(0), at(60)), at(120));
        assert_eq!(hourly.next_after(at(0), at(600)), at(660), "ten hours away: once now, then in step");
        assert_eq!(hourly.next_after(at(600), at(0)), at(60), "the clock was set back ten hours");
    }
}
