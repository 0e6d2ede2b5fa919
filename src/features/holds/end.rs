//! Ends holds whose time is up, and those that lose a flight.
use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap, HashSet},
    time::Duration,
};

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    HoldError, HoldService,
    judge::{self, Stepped},
    metric,
    model::{Draws, EndReason, Hold, HoldChange, HoldKind, HoldStatus, PositionName},
    repository,
    write::write_in_tx,
};
use crate::{
    features::capacity::{self, FlightCapacity, Space},
    kernel::{FlightId, HoldId, Positions, UserId},
    platform::{
        postgres::{DbError, PgSession, commit, retrying},
        shutdown::stopped_within,
    },
};

/// Interval between two looks for holds whose time is up.
const SWEEP: Duration = Duration::from_secs(2);
/// Most holds that are ended in one transaction.
const AT_ONCE: i64 = 500;

/// Holds that end together, and the flights' rows after it.
#[derive(Debug, Default)]
pub struct Ended {
    pub holds: Vec<Hold>,
    pub rooms: Vec<FlightCapacity>,
}

impl HoldService {
    /// Frees room on flights that ran short, in transactions of its own: what holds keep whose time is up, and what was set
    /// aside and not offered in time.
    pub async fn clear(&self, flights: &[FlightId]) -> Result<(), DbError> {
        self.end_expired(flights).await?;
        let rooms = retrying(|| async {
            let mut tx = self.db.begin().await?;
            let rooms = capacity::open_forgotten_in_tx(&mut tx, flights, self.clock.now()).await?;
            commit(tx).await?;
            Ok::<_, DbError>(rooms)
        });
        self.capacity.wrote(&rooms.await?);
        Ok(())
    }

    /// Ends the holds on these flights whose time is up, in a transaction of its own: what they kept is free, or set
    /// aside for those on the waitlist. Returns whether there were any.
    pub async fn end_expired(&self, flights: &[FlightId]) -> Result<bool, DbError> {
        let ids: Vec<Uuid> = flights.iter().map(|flight| flight.uuid()).collect();
        let now = self.clock.now();
        let due = repository::expired_on(&mut *self.db.read().await?, &ids, now, AT_ONCE).await?;
        Ok(self.expire(&due).await? > 0)
    }

    /// Ends these holds if their time is up; returns their number.
    async fn expire(&self, due: &[Uuid]) -> Result<usize, DbError> {
        if due.is_empty() {
            return Ok(0);
        }
        let ended = retrying(|| self.expire_once(due)).await?;
        self.tell(&ended, HoldStatus::Expired);
        Ok(ended.holds.len())
    }

    async fn expire_once(&self, due: &[Uuid]) -> Result<Ended, DbError> {
        let mut tx = self.db.begin().await?;
        let seen = repository::find_all(&mut tx, due).await?;
        let flights: BTreeSet<FlightId> = seen.iter().flat_map(Hold::flight_ids).collect();
        let flights: Vec<FlightId> = flights.into_iter().collect();
        capacity::lock_in_tx(&mut tx, &flights).await?;
        let now = self.clock.now();
        let mut locked = repository::lock_free(&mut tx, due).await?;
        // A hold that got other flights meanwhile is ended by a later look.
        locked.retain(|hold| {
            let is_due = hold.is_open() && hold.expires_at <= now;
            is_due && hold.flight_ids().all(|flight| flights.contains(&flight))
        });
        let ended = end_in_tx(&mut tx, locked, HoldStatus::Expired, None, None, now).await?;
        commit(tx).await?;
        Ok(ended)
    }

    /// To be called after the commit: shows the flights' room, and counts.
    pub fn tell(&self, ended: &Ended, status: HoldStatus) {
        self.capacity.wrote(&ended.rooms);
        for hold in &ended.holds {
            metric::HOLDS.with([hold.kind.as_str(), outcome(status)]).increment(1);
        }
        if !ended.holds.is_empty() {
            tracing::info!(holds = ended.holds.len(), status = status.as_str(), "holds ended");
        }
    }

    /// Ends holds whose time is up, until `stop`.
    pub(super) async fn sweep(self, stop: CancellationToken) {
        while !stopped_within(&stop, SWEEP).await {
            if let Err(error) = self.sweep_once().await {
                tracing::debug!(%error, "holds whose time is up cannot be ended; trying again");
            }
        }
    }

    async fn sweep_once(&self) -> Result<(), DbError> {
        loop {
            let now = self.clock.now();
            let due = repository::to_expire(&mut *self.db.read().await?, now, AT_ONCE).await?;
            let ended = self.expire(&due).await?;
            if ended == 0 || i64::try_from(due.len()).unwrap_or(i64::MAX) < AT_ONCE {
                break;
            }
        }
        metric::HOLDS_ACTIVE.set(repository::active(&mut *self.db.read().await?, self.clock.now()).await?);
        Ok(())
    }
}

const fn outcome(status: HoldStatus) -> &'static str {
    match status {
        HoldStatus::Active => "created",
        HoldStatus::Committed => "committed",
        HoldStatus::Released => "released",
        HoldStatus::Expired => "expired",
    }
}

/// Ends these holds, whose rows and flights are locked. What they have drawn from allotments returns to those that are kept.
pub async fn end_in_tx(
    tx: &mut PgSession,
    holds: Vec<Hold>,
    status: HoldStatus,
    reason: Option<EndReason>,
    actor: Option<UserId>,
    now: DateTime<Utc>,
) -> Result<Ended, DbError> {
    let mut draws = draws_of_in_tx(tx, &holds, now).await?;
    end_allotments_in_tx(tx, &holds, &mut draws).await?;
    let mut shifts = Vec::new();
    let mut changes = Vec::with_capacity(holds.len());
    for hold in &holds {
        let Stepped { before, mut after, shifts: own, event_type } = judge::end(hold, status, reason, now);
        (after.version, after.event_sequence, after.updated_at) = (hold.version + 1, hold.event_sequence + 1, now);
        shifts.extend(draws.weave(None, &own));
        changes.push(HoldChange { before: Some(before), after, event_type, actor, trace: None });
    }
    let rooms = capacity::shift_in_tx(tx, &shifts, now).await?;
    if !changes.is_empty() {
        write_in_tx(tx, &changes).await?;
    }
    draws.save_in_tx(tx, now).await?;
    Ok(Ended { holds: changes.into_iter().map(|change| change.after).collect(), rooms })
}

/// Returns what these holds have drawn from allotments.
async fn draws_of_in_tx(tx: &mut PgSession, holds: &[Hold], now: DateTime<Utc>) -> Result<Draws, DbError> {
    let takers = holds.iter().filter(|hold| hold.kind != HoldKind::Allotment);
    let takers: Vec<Uuid> = takers.map(|hold| hold.id.uuid()).collect();
    Draws::of_takers_in_tx(tx, &takers, now).await
}

/// Ends what the allotments among these holds keep: nothing returns to them any more.
async fn end_allotments_in_tx(tx: &mut PgSession, holds: &[Hold], draws: &mut Draws) -> Result<(), DbError> {
    let ended: Vec<&Hold> = holds.iter().filter(|hold| hold.kind == HoldKind::Allotment).collect();
    if ended.is_empty() {
        return Ok(());
    }
    for hold in &ended {
        draws.forget(hold.id);
    }
    let ids: Vec<Uuid> = ended.iter().map(|hold| hold.id.uuid()).collect();
    repository::forget_draws(tx, &ids).await?;
    let fewer: Vec<(FlightId, i32)> =
        ended.iter().flat_map(|hold| hold.flight_ids()).map(|flight| (flight, -1)).collect();
    capacity::allot_in_tx(tx, &fewer).await
}

/// Returns the flights whose locks the end of this flight's holds requires: itself, and those on which its holds keep
/// room, too.
pub async fn flights_held_with_in_tx(tx: &mut PgSession, flight: FlightId) -> Result<BTreeSet<FlightId>, DbError> {
    let mut flights: BTreeSet<FlightId> = repository::flights_held_with(tx, flight).await?.into_iter().collect();
    flights.insert(flight);
    Ok(flights)
}

/// Releases all holds on a flight that has departed or is cancelled, on all their legs. The caller holds the locks of
/// `locked`; fails with [`HoldError::Raced`] if the holds need others.
pub async fn release_all_in_tx(
    tx: &mut PgSession,
    flight: FlightId,
    locked: &BTreeSet<FlightId>,
    reason: EndReason,
    actor: Option<UserId>,
    now: DateTime<Utc>,
) -> Result<Ended, HoldError> {
    let ids = repository::open_on(tx, flight).await?;
    let holds = repository::lock(tx, &ids).await?;
    if holds.iter().flat_map(Hold::flight_ids).any(|flight| !locked.contains(&flight)) {
        return Err(HoldError::Raced);
    }
    Ok(end_in_tx(tx, holds, HoldStatus::Released, Some(reason), actor, now).await?)
}

/// Releases holds on a flight, newest first and allotments last, until what remains fits into this capacity. The caller
/// holds the locks of `locked`.
pub async fn release_newest_in_tx(
    tx: &mut PgSession,
    room: &FlightCapacity,
    capacity: Space,
    locked: &BTreeSet<FlightId>,
    actor: Option<UserId>,
    now: DateTime<Utc>,
) -> Result<Ended, HoldError> {
    let ids = repository::open_on(tx, room.flight_id).await?;
    let holds = repository::lock(tx, &ids).await?;
    let draws = draws_of_in_tx(tx, &holds, now).await?;
    let released = to_release(holds, &draws, room, capacity);
    if released.iter().flat_map(Hold::flight_ids).any(|flight| !locked.contains(&flight)) {
        return Err(HoldError::Raced);
    }
    Ok(end_in_tx(tx, released, HoldStatus::Released, Some(EndReason::CapacityCut), actor, now).await?)
}

/// Chooses the holds to be released: only those that keep something of what is short. What a hold has drawn returns to the
/// allotment, and is free once that is released; then holds that drew all they have follow.
fn to_release(mut holds: Vec<Hold>, draws: &Draws, room: &FlightCapacity, capacity: Space) -> Vec<Hold> {
    holds.sort_by_key(|hold| (hold.kind == HoldKind::Allotment, Reverse(hold.id)));
    let (mut taken, mut released) = (room.booked + room.held, Vec::new());
    let mut returned = HashMap::<HoldId, Space>::new();
    let mut ended = HashSet::<HoldId>::new();
    for _ in 0..2 {
        for hold in std::mem::take(&mut holds) {
            let own = hold.legs.iter().find(|leg| leg.flight_id == room.flight_id).map(|leg| leg.space);
            let drawn: Vec<_> = draws.drawn_by(hold.id.uuid()).filter(|(from, _)| !ended.contains(from)).collect();
            let back = drawn.iter().fold(Space::default(), |sum, (_, space)| sum + *space);
            let own = own.unwrap_or_default() - back + returned.get(&hold.id).copied().unwrap_or_default();
            let helps =
                taken.exceeds(capacity).any(|dimension| own.exceeds(Space::default()).any(|kept| kept == dimension));
            if !helps {
                // An allotment of which all is drawn ends, too, before those that drew it.
                let is_in_need = hold.kind == HoldKind::Allotment && taken.exceeds(capacity).next().is_some();
                if !is_in_need {
                    holds.push(hold);
                    continue;
                }
            }
            for (from, space) in drawn {
                let sum = returned.entry(from).or_default();
                *sum = *sum + space;
            }
            taken = taken - own;
            ended.insert(hold.id);
            released.push(hold);
        }
    }
    released
}

/// Lowers the end of the holds on flights with new times to their cut-offs.
pub async fn retime_in_tx(
    tx: &mut PgSession,
    flights: &[(FlightId, DateTime<Utc>)],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    Ok(repository::lower_ends(tx, flights, now).await?)
}

/// Drops the names of positions that a flight no longer has; their number stays.
pub async fn drop_names_in_tx(tx: &mut PgSession, flight: FlightId, positions: Positions) -> Result<(), DbError> {
    let claims = repository::claims_on(tx, flight).await?;
    let lost: Vec<String> = claims
        .into_iter()
        .filter(|name| !name.parse::<PositionName>().is_ok_and(|name| name.is_one_of(positions)))
        .collect();
    if lost.is_empty() {
        return Ok(());
    }
    Ok(repository::drop_names(tx, flight, &lost).await?)
}
