//! Ends holds, and sees to it that those end whose time is up.
use std::{collections::BTreeSet, time::Duration};

use chrono::{DateTime, Utc};
use loadmaster_capacity::{self as capacity, FlightCapacity, Shift, Space};
use loadmaster_kernel::FlightId;
use loadmaster_platform::{
    in_own_tx,
    postgres::{DbError, PgSession, commit, limit_lock_waits, retrying},
    shutdown::stopped_within,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    HoldService,
    ask::Stepped,
    draft, metric,
    model::{By, Draws, EndReason, Hold, HoldChange, HoldKind, HoldStatus},
    repository,
    write::write_in_tx,
};

/// Interval between two looks for holds whose time is up.
const SWEEP: Duration = Duration::from_secs(2);
/// Most holds that are ended in one transaction.
const AT_ONCE: i64 = 500;

/// The longest wait for a row when space is freed for somebody who waits for the answer.
const PATIENCE: Duration = Duration::from_millis(200);

/// Holds that end together, and the flights' rows after it.
#[derive(Debug, Default)]
pub struct Ended {
    pub holds: Vec<Hold>,
    pub spaces: Vec<FlightCapacity>,
    /// What became free on the flight whose capacity is cut: it was not set aside.
    pub left_over: Space,
}

impl HoldService {
    /// Frees space on flights that ran short, in transactions of its own: what holds keep whose time is up, and what was set
    /// aside and not offered in time.
    pub async fn clear(&self, flights: &[FlightId]) -> Result<(), DbError> {
        if !self.clock.is_trusted() {
            return Ok(());
        }
        self.end_expired(flights).await?;
        let forgotten = self.capacity.forgotten(flights).await?;
        if forgotten.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        let spaces =
            retrying(|| async { in_own_tx!(self.db, |tx| capacity::open_forgotten_in_tx(&mut tx, &forgotten, now)) });
        self.capacity.wrote(&spaces.await?);
        Ok(())
    }

    /// Ends the holds on these flights whose time is up, in transactions of its own: what they kept is free, or set aside
    /// for those on the waitlist.
    async fn end_expired(&self, flights: &[FlightId]) -> Result<(), DbError> {
        let ids: Vec<Uuid> = flights.iter().map(|flight| flight.uuid()).collect();
        loop {
            let due = repository::expired_on(&mut *self.db.read().await?, &ids, self.clock.now(), AT_ONCE).await?;
            let ended = match self.expire(&due, Rows::Awaited).await {
                // As far as nobody else works on them.
                Err(error) if error.is_lock_timeout() => self.expire(&due, Rows::Free).await?,
                ended => ended?,
            };
            if ended < most_at_once() {
                return Ok(());
            }
        }
    }

    /// Ends these holds if their time is up; returns their number.
    async fn expire(&self, due: &[Uuid], rows: Rows) -> Result<usize, DbError> {
        if due.is_empty() {
            return Ok(0);
        }
        let ended = retrying(|| self.expire_once(due, rows)).await?;
        self.show_ended(&ended);
        Ok(ended.holds.len())
    }

    async fn expire_once(&self, due: &[Uuid], rows: Rows) -> Result<Ended, DbError> {
        let mut tx = self.db.begin().await?;
        let seen = repository::find_all(&mut tx, due).await?;
        let flights: BTreeSet<FlightId> = seen.iter().flat_map(Hold::flight_ids).collect();
        let flights: Vec<FlightId> = flights.into_iter().collect();
        let (spaces, mut locked) = match rows {
            Rows::Awaited => {
                limit_lock_waits(&mut tx, PATIENCE).await?;
                (capacity::lock_in_tx(&mut tx, &flights).await?, repository::lock(&mut tx, due).await?)
            }
            Rows::Free => {
                (capacity::lock_free_in_tx(&mut tx, &flights).await?, repository::lock_free(&mut tx, due).await?)
            }
        };
        let flights: BTreeSet<FlightId> = spaces.iter().map(|space| space.flight_id).collect();
        let now = self.clock.now();
        // A hold of which a flight is not locked is ended by a later look.
        locked.retain(|hold| {
            let is_due = hold.is_open() && hold.expires_at <= now;
            is_due && hold.flight_ids().all(|flight| flights.contains(&flight))
        });
        let ended = end_in_tx(&mut tx, locked, HoldStatus::Expired, None, None, By { actor: None, now }).await?;
        commit(tx).await?;
        Ok(ended)
    }

    /// To be called after the commit: shows the flights' space, and counts.
    pub fn show_ended(&self, ended: &Ended) {
        self.capacity.wrote(&ended.spaces);
        for hold in &ended.holds {
            metric::HOLDS.with([hold.kind.as_str(), outcome(hold.status)]).increment(1);
        }
        if !ended.holds.is_empty() {
            tracing::info!(holds = ended.holds.len(), "holds ended");
        }
    }

    /// Ends holds whose time is up, until `stop`.
    pub(super) async fn sweep(self, stop: CancellationToken) {
        while !stopped_within(&stop, SWEEP).await {
            if let Err(error) = self.sweep_once().await {
                tracing::warn!(%error, "holds whose time is up cannot be ended; trying again");
            }
        }
    }

    async fn sweep_once(&self) -> Result<(), DbError> {
        let mut after = None;
        while self.clock.is_trusted() {
            let now = self.clock.now();
            let due = repository::to_expire(&mut *self.db.read().await?, now, after, AT_ONCE).await?;
            // Those that cannot be ended now keep none behind them waiting.
            after = due.last().copied();
            let due: Vec<Uuid> = due.into_iter().map(|(_, hold)| hold).collect();
            self.expire(&due, Rows::Free).await?;
            if due.len() < most_at_once() {
                break;
            }
        }
        metric::HOLDS_ACTIVE.set(repository::active(&mut *self.db.read().await?, self.clock.now()).await?);
        Ok(())
    }
}

/// Which rows holds are ended with.
#[derive(Debug, Clone, Copy)]
enum Rows {
    /// All, after a short wait for those that others have locked.
    Awaited,
    /// Those that nobody has locked.
    Free,
}

const fn outcome(status: HoldStatus) -> &'static str {
    match status {
        HoldStatus::Active | HoldStatus::Committing => "created",
        HoldStatus::Committed => "committed",
        HoldStatus::Released => "released",
        HoldStatus::Expired => "expired",
    }
}

fn most_at_once() -> usize {
    usize::try_from(AT_ONCE).unwrap_or(usize::MAX)
}

/// Ends these holds, whose rows and flights are locked. What they have drawn from allotments returns to those that are kept.
/// What they kept on the flight `cut` is not set aside.
pub async fn end_in_tx(
    tx: &mut PgSession,
    holds: Vec<Hold>,
    status: HoldStatus,
    reason: Option<EndReason>,
    cut: Option<FlightId>,
    By { actor, now }: By,
) -> Result<Ended, DbError> {
    let mut draws = draws_of_in_tx(tx, &holds, now).await?;
    for hold in holds.iter().filter(|hold| hold.kind == HoldKind::Allotment) {
        draws.close(hold.id);
    }
    let (mut shifts, mut left_over) = (Vec::new(), Space::default());
    let mut changes = Vec::with_capacity(holds.len());
    for hold in holds {
        let Stepped { before, mut after, shifts: own, event_type, .. } = draft::end(&hold, status, reason, now);
        (after.version, after.event_sequence, after.updated_at) = (hold.version + 1, hold.event_sequence + 1, now);
        let is_cut = |shift: &Shift| Some(shift.flight_id) == cut;
        let own = own.into_iter().map(|shift| if is_cut(&shift) { shift.staying() } else { shift });
        let applied = draws.apply_allotments(None, &own.collect::<Vec<_>>());
        left_over = applied.iter().filter(|shift| is_cut(shift)).fold(left_over, |sum, shift| sum - shift.more);
        shifts.extend(applied);
        changes.push(HoldChange { before: Some(before), after, event_type, actor, trace: None });
    }
    let spaces = capacity::shift_in_tx(tx, &shifts, now).await?;
    if !changes.is_empty() {
        write_in_tx(tx, &changes).await?;
    }
    draws.save_in_tx(tx, now).await?;
    Ok(Ended { holds: changes.into_iter().map(|change| change.after).collect(), spaces, left_over })
}

/// Returns what these holds have drawn from allotments.
pub(super) async fn draws_of_in_tx(tx: &mut PgSession, holds: &[Hold], now: DateTime<Utc>) -> Result<Draws, DbError> {
    let takers = holds.iter().filter(|hold| hold.kind != HoldKind::Allotment);
    let takers: Vec<Uuid> = takers.map(|hold| hold.id.uuid()).collect();
    Draws::of_takers_in_tx(tx, &takers, now).await
}
