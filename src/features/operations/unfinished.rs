//! A flight with very many bookings makes its step at once, and its bookings follow in transactions of their own. A booking
//! that has not been reached stands as before, on a flight that takes no bookings any more.
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{OperationError, OperationService, repository};
use crate::{
    features::{
        bookings::{Action, Moved, Portion, StepAboard},
        capacity,
        flights::{self, Flight},
    },
    kernel::{FlightId, UserId},
    platform::{
        jobs::{self, NewJob},
        postgres::{PgSession, commit, retrying},
    },
};

/// The kind of the job and the name of its schedule, which takes up what a job has given up.
pub const UNFINISHED: &str = "flight_steps";

/// How long one job goes on; the next one continues.
const LONGEST_RUN: Duration = Duration::from_mins(4);
/// Others have their turn at the flight between two transactions.
const PAUSE: Duration = Duration::from_millis(20);

impl OperationService {
    /// Takes the bookings on these flights through the step: at once if they are few. Else it records that they still have
    /// to follow, and enqueues the job that makes them.
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

    /// Without a key: a job that runs already may have looked for the last time.
    async fn promise_in_tx(&self, tx: &mut PgSession) -> Result<(), OperationError> {
        let job = NewJob::now(UNFINISHED, Value::Null);
        Ok(jobs::enqueue_in_tx(tx, self.ids.next(self.now()), &job).await?)
    }

    /// Tells the bookings on these flights when they now leave and land: at once if they are few, else in the background.
    pub(super) async fn retime_in_tx(
        &self,
        tx: &mut PgSession,
        flights: &[Flight],
        actor: Option<UserId>,
    ) -> Result<(), OperationError> {
        if flights.is_empty() {
            return Ok(());
        }
        self.take_along_in_tx(tx, flights, &StepAboard::Retime, actor).await.map(drop)
    }

    /// The job [`UNFINISHED`]: takes bookings along until none is left. After four minutes another job continues. Each
    /// transaction is small and says how far it got, so that it can end anywhere, and another may run beside it. A flight
    /// that fails does not keep the others waiting.
    pub async fn finish_steps(&self) -> Result<(), OperationError> {
        let until = Instant::now() + LONGEST_RUN;
        let (mut failed, mut after) = (None, None);
        loop {
            let waiting = repository::unfinished(&mut *self.db.read().await?, after).await?;
            let Some(last) = waiting.last() else { return failed.map_or(Ok(()), Err) };
            after = Some(*last);
            for (_, flight) in waiting {
                if let Err(error) = self.finish_step(flight, until).await {
                    tracing::warn!(flight_id = %flight, %error, "a flight's bookings cannot be taken along");
                    failed = Some(error);
                }
                if Instant::now() >= until {
                    let mut tx = self.db.begin().await?;
                    self.promise_in_tx(&mut tx).await?;
                    return Ok(commit(tx).await?);
                }
            }
        }
    }

    /// Takes the bookings of one flight along, and waits for others that hold the flight's row.
    async fn finish_step(&self, flight: FlightId, until: Instant) -> Result<(), OperationError> {
        while Instant::now() < until {
            match retrying(|| self.continue_step(flight)).await {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(error) if error.waited_in_vain() => {}
                Err(error) => return Err(error),
            }
            sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Takes the next bookings of a flight along. Whether there are more.
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
        commit(tx).await?;
        self.flights.left(&flight);
        let (changed, left_behind) = (moved.moved, moved.left_behind.len());
        tracing::info!(flight_id = %flight.id, changed, left_behind, done = last.is_none(), "bookings taken along");
        match step {
            StepAboard::Depart { .. } => self.bookings.count(Action::Depart, changed),
            StepAboard::Arrive { .. } => self.bookings.count(Action::Arrive, changed),
            StepAboard::Cancel { .. } | StepAboard::Retime => {}
        }
        Ok(last.is_some())
    }
}
