//! A flight with very many bookings makes its step immediately, and its bookings follow in separate transactions. A
//! booking that has not been reached keeps its state, on a flight that takes no bookings any more.
use std::time::Duration;

use loadmaster_bookings::{Action, Lifted, Moved, Portion, StepAboard};
use loadmaster_capacity as capacity;
use loadmaster_flights::{self as flights, Flight};
use loadmaster_kernel::{FlightId, UserId};
use loadmaster_platform::{
    jobs::{self, NewJob},
    outage::OutageLog,
    postgres::{PgSession, commit, retrying},
};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{OperationError, OperationService, repository};

/// The kind of the job and the name of its schedule, which resumes after a failed job.
pub const UNFINISHED: &str = "flight_steps";

/// Longest run of one job; the next one continues.
const LONGEST_RUN: Duration = Duration::from_mins(4);
/// Pause between two transactions, in which others can lock the flight.
const PAUSE: Duration = Duration::from_millis(20);
/// Pause before the next attempt while the database cannot work or a row is not free.
const PAUSE_UNAVAILABLE: Duration = Duration::from_millis(500);

impl OperationService {
    /// Takes the bookings on these flights through the step, immediately if they are few. Else records the step as
    /// unfinished and enqueues the job that completes it.
    pub(super) async fn take_along_in_tx(
        &self,
        tx: &mut PgSession,
        flights: &[Flight],
        step: &StepAboard,
        actor: Option<UserId>,
    ) -> Result<Moved, OperationError> {
        let moved = self.bookings.take_along_in_tx(tx, flights, step, actor).await?;
        if !moved.pending_on.is_empty() {
            repository::insert(tx, &moved.pending_on, step, actor, self.now()).await?;
            self.promise_in_tx(tx).await?;
        }
        Ok(moved)
    }

    /// Enqueues the job without a key: a running job may already have looked for the last time.
    async fn promise_in_tx(&self, tx: &mut PgSession) -> Result<(), OperationError> {
        let job = NewJob::now(UNFINISHED, Value::Null);
        Ok(jobs::enqueue_in_tx(tx, self.ids.next(self.now()), &job).await?)
    }

    /// Passes the flights' new times on to their bookings: immediately if they are few, else in the background. Returns the
    /// bookings whose surplus is to be returned last.
    pub(super) async fn retime_in_tx(
        &self,
        tx: &mut PgSession,
        flights: &[Flight],
        actor: Option<UserId>,
    ) -> Result<Vec<Lifted>, OperationError> {
        if flights.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.take_along_in_tx(tx, flights, &StepAboard::Retime, actor).await?.lifted)
    }

    /// Runs the job `UNFINISHED`: processes bookings until none is left. After four minutes another job continues.
    /// Each transaction is small and records its progress, so that the job can end anywhere and another may run beside
    /// it. Bridges short outages of the database: a failed job would wait for half a minute, and the flights would refuse
    /// their next step meanwhile. In a longer outage the job loses its lease and runs again.
    pub async fn finish_steps(&self) -> Result<(), OperationError> {
        let until = Instant::now() + LONGEST_RUN;
        let mut outage = OutageLog::new("bookings cannot be updated after changes of their flights; trying again");
        loop {
            match outage.note(self.finish_once(until).await) {
                Err(error) if error.is_unavailable() && Instant::now() < until => sleep(PAUSE_UNAVAILABLE).await,
                outcome => return outcome,
            }
        }
    }

    /// Processes the bookings of all flights. A flight that fails does not delay the others.
    async fn finish_once(&self, until: Instant) -> Result<(), OperationError> {
        let (mut failed, mut after) = (None::<OperationError>, None);
        loop {
            let waiting = repository::unfinished(&mut *self.db.read().await?, after).await?;
            let Some(last) = waiting.last() else { return failed.map_or(Ok(()), Err) };
            after = Some(*last);
            for (_, flight) in waiting {
                if let Err(error) = self.finish_step(flight, until).await {
                    if !error.is_unavailable() {
                        tracing::warn!(flight_id = %flight, %error, "the bookings of a flight could not be updated after its change; trying again");
                    }
                    // One that this job may outlast is worth another attempt, whatever else failed.
                    failed = failed.filter(OperationError::is_unavailable).or(Some(error));
                }
                if Instant::now() >= until {
                    let mut tx = self.db.begin().await?;
                    self.promise_in_tx(&mut tx).await?;
                    commit(tx).await?;
                    return failed.map_or(Ok(()), Err);
                }
            }
        }
    }

    /// Processes the bookings of one flight.
    async fn finish_step(&self, flight: FlightId, until: Instant) -> Result<(), OperationError> {
        while Instant::now() < until {
            if !retrying(|| self.continue_step(flight)).await? {
                return Ok(());
            }
            sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Processes the next bookings of a flight. Returns whether there are more.
    async fn continue_step(&self, flight: FlightId) -> Result<bool, OperationError> {
        let mut tx = self.db.begin().await?;
        capacity::lock_in_tx(&mut tx, &[flight]).await?;
        let Some(unfinished) = repository::find(&mut tx, flight).await? else {
            _ = tx.rollback().await;
            return Ok(false);
        };
        let flight = flights::find_in_tx(&mut tx, flight).await?;
        let (step, only) = (&unfinished.step, std::slice::from_ref(&flight));
        let Portion { moved, last } =
            self.bookings.take_some_along_in_tx(&mut tx, only, step, unfinished.done_to, unfinished.actor).await?;
        match last {
            Some(last) => repository::advance(&mut tx, flight.id, last).await?,
            None => repository::finish(&mut tx, flight.id).await?,
        }
        self.bookings.return_surplus_in_tx(&mut tx, &moved.lifted, unfinished.actor).await?;
        commit(tx).await?;
        self.flights.left(&flight);
        let (changed, left_behind) = (moved.moved, moved.left_behind.len());
        tracing::info!(flight_id = %flight.id, changed, left_behind, done = last.is_none(), "bookings updated after a change of their flight");
        match step {
            StepAboard::Depart { .. } => self.bookings.count(Action::Depart, changed),
            StepAboard::Arrive { .. } => self.bookings.count(Action::Arrive, changed),
            StepAboard::Cancel { .. } | StepAboard::Retime => {}
        }
        Ok(last.is_some())
    }
}
