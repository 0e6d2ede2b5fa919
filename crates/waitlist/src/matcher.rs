//! Gives what becomes free to those who wait. Space that is set aside names its flight by itself: nothing that a process
//! forgets is lost.
use std::{
    collections::{BTreeSet, VecDeque},
    sync::{MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_capacity::{self as capacity, ASIDE_FOR, FlightCapacity, Shift, Space};
use loadmaster_holds::HoldEventType;
use loadmaster_kernel::FlightId;
use loadmaster_platform::{
    postgres::{DbError, PgSession, commit, retrying},
    work::run_alone,
};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::{
    choose::First,
    error::WaitlistError,
    metric,
    model::KEPT_UNTIL,
    offer::MakeOffer,
    pass::{Pass, ReservedSpace},
    repository,
    service::WaitlistService,
};

/// Interval between two looks for space that was set aside.
const LOOK: Duration = Duration::from_millis(250);
/// Time after which flights that were freed meanwhile come first.
const LOOK_ENDS: Duration = Duration::from_millis(500);
/// Most flights without freed space that are visited at a look.
const AT_A_LOOK: usize = 16;
/// Most offers that are made, and entries that are judged, on one flight before others have their turn.
const OFFERS: usize = 50;
const STEPS: usize = 2_000;
/// What is kept for longer than this was looked at, and waits for more. A second for clocks that differ.
const LOOKED_AT: TimeDelta = TimeDelta::seconds(ASIDE_FOR.num_seconds() + 1);

/// Returns until when space that is set aside now, and not looked at, would be kept at most.
pub(super) fn looked_at_until(now: DateTime<Utc>) -> DateTime<Utc> {
    now + LOOKED_AT
}

impl WaitlistService {
    /// Has the matcher of this process look at these flights soon.
    pub(super) fn look_at(&self, flights: Vec<FlightId>) {
        self.asked().extend(flights);
        self.news.notify_one();
    }

    fn asked(&self) -> MutexGuard<'_, BTreeSet<FlightId>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes offers until `stop`: first on flights on which space was set aside, then on others.
    pub(super) async fn work(self, stop: CancellationToken) {
        let (mut unfinished, mut is_idle) = (VecDeque::new(), true);
        while !stop.is_cancelled() {
            if is_idle {
                tokio::select! {
                    () = stop.cancelled() => break,
                    _ = timeout(LOOK, self.news.notified()) => {}
                }
            }
            is_idle = match Box::pin(self.look(&mut unfinished)).await {
                Ok(has_failed) => has_failed || (unfinished.is_empty() && self.asked().is_empty()),
                Err(error) => {
                    tracing::warn!(%error, "the waitlist cannot be served; trying again");
                    true
                }
            };
        }
    }

    /// Visits the flights with freed space, then goes on with those of which the last visit was not the end, then with others.
    /// Returns whether one could not be served, and is to be tried again later.
    async fn look(&self, unfinished: &mut VecDeque<Pass>) -> Result<bool, WaitlistError> {
        if !self.clock.is_trusted() {
            return Ok(true);
        }
        let until = looked_at_until(self.clock.now());
        // Read before what became of offers is recorded: an offer that lapsed counts in the order of those that follow.
        let freed = repository::to_match(&mut *self.db.read().await?, until).await?;
        self.settle(false).await?;
        let mut passes: VecDeque<Pass> = std::mem::take(unfinished);
        let is_new = |flight: &FlightId| !passes.iter().any(|pass| pass.flight == *flight);
        let mut order: VecDeque<Pass> = freed.into_iter().filter(is_new).map(Pass::of).collect();
        order.append(&mut passes);
        let asked: Vec<FlightId> = std::iter::from_fn(|| self.asked().pop_first()).take(AT_A_LOOK).collect();
        let is_new = |flight: &FlightId| !order.iter().any(|pass| pass.flight == *flight);
        let asked: Vec<FlightId> = asked.into_iter().filter(is_new).collect();
        order.extend(asked.into_iter().map(Pass::of));
        let (mut has_failed, began) = (false, Instant::now());
        for mut pass in order {
            if began.elapsed() > LOOK_ENDS {
                unfinished.push_back(pass);
                continue;
            }
            // A flight that cannot be served keeps nobody on another waiting.
            match self.visit(&mut pass).await {
                Ok(true) => {}
                Ok(false) => unfinished.push_back(pass),
                Err(error) => {
                    let flight = pass.flight;
                    tracing::warn!(%error, %flight, "those who wait for a flight cannot be served; trying again");
                    has_failed = true;
                }
            }
        }
        Ok(has_failed)
    }

    /// Offers what is free on a flight to those who wait for it, in order, and opens or keeps the rest. False: there is more
    /// to do, and others have their turn first.
    pub(super) async fn visit(&self, pass: &mut Pass) -> Result<bool, WaitlistError> {
        let mut steps = STEPS;
        for _ in 0..OFFERS {
            match self.next_offer(pass, &mut steps).await? {
                Next::Offered => {}
                Next::Changed => *pass = Pass::of(pass.flight),
                Next::Later => return Ok(false),
                Next::Rest => {
                    if self.dispose_of_rest(pass).await? {
                        return Ok(true);
                    }
                    *pass = Pass::of(pass.flight);
                }
            }
        }
        Ok(false)
    }

    /// Makes the next offer on a flight, if somebody fits.
    async fn next_offer(&self, pass: &mut Pass, steps: &mut usize) -> Result<Next, WaitlistError> {
        let (entry, way) = match self.first(pass, steps).await? {
            First::Entry(entry, way) => (entry, way),
            First::Nobody => return Ok(Next::Rest),
            First::Later => return Ok(Next::Later),
        };
        let id = entry.id;
        let kept = way.iter().map(|leg| (*leg, pass.kept(*leg).space)).collect();
        let others: Vec<FlightId> = way.iter().copied().filter(|leg| *leg != pass.flight).collect();
        let Some(made) = run_alone(&self.db, MakeOffer { waitlist: self.clone(), entry, way, kept }).await? else {
            return Ok(Next::Changed);
        };
        self.capacity.wrote(&made.spaces);
        self.holds.changed(&made.hold, HoldEventType::Created);
        metric::OFFERS.with(["made"]).increment(1);
        pass.offered(id, &made.spaces);
        if !others.is_empty() {
            // More may have been kept for it there than it took.
            self.look_at(others);
        }
        Ok(if made.has_passed_too_often { Next::Changed } else { Next::Offered })
    }

    /// Opens what nobody can use of what was set aside, or keeps it for those who were passed over too often. False: the flight
    /// is not as it was looked at, and somebody may be able to use what is set aside.
    async fn dispose_of_rest(&self, pass: &Pass) -> Result<bool, DbError> {
        let (flight, kept) = (pass.flight, pass.kept(pass.flight));
        // As much may be set aside as before although it was offered and freed meanwhile, and others may have joined.
        let state = |space: &FlightCapacity| (space.ledger_seq, space.waiting);
        let seen = pass.capacity(flight).map(state);
        let disposed: Option<Vec<FlightCapacity>> = retrying(|| async {
            let mut tx = self.db.begin().await?;
            let space = capacity::lock_in_tx(&mut tx, &[flight]).await?.pop();
            let Some(space) = space.filter(|space| space.aside != Space::default()) else {
                tx.rollback().await?;
                return Ok(Some(Vec::new()));
            };
            if Some(state(&space)) != seen {
                tx.rollback().await?;
                return Ok(None);
            }
            let spaces = dispose_in_tx(&mut tx, &space, &kept, self.clock.now()).await?;
            commit(tx).await?;
            Ok::<_, DbError>(Some(spaces))
        })
        .await?;
        self.capacity.wrote(disposed.as_deref().unwrap_or_default());
        Ok(disposed.is_some())
    }
}

/// Keeps of what is set aside no more than those need for whom it is kept, and opens the rest.
async fn dispose_in_tx(
    tx: &mut PgSession,
    space: &FlightCapacity,
    kept: &ReservedSpace,
    now: DateTime<Utc>,
) -> Result<Vec<FlightCapacity>, DbError> {
    let keeps = space.aside.least(kept.aside);
    let opened = space.aside - keeps;
    let mut spaces = Vec::new();
    if opened != Space::default() {
        spaces = capacity::shift_in_tx(tx, &[Shift::opened(space.flight_id, opened)], now).await?;
    }
    if let Some(until) = kept.until.filter(|_| keeps != Space::default()) {
        repository::keep(tx, &kept.entries, now).await?;
        // It is looked at again when the first of them loses it.
        let until = looked_at_until(until.min(space.cutoff - KEPT_UNTIL));
        if space.aside_until != Some(until) || !spaces.is_empty() {
            capacity::keep_aside_in_tx(tx, space.flight_id, until).await?;
        }
    }
    Ok(spaces)
}

/// What comes next on a flight.
enum Next {
    Offered,
    /// The space or the order is not what was read: it is read again.
    Changed,
    /// Nobody fits what is left.
    Rest,
    /// Others have their turn first.
    Later,
}
