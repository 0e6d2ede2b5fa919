//! Gives what becomes free to those who wait. Room that is set aside names its flight by itself: nothing that a process
//! forgets is lost.
use std::{
    collections::BTreeSet,
    sync::{MutexGuard, PoisonError},
    time::Duration,
};

use chrono::TimeDelta;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::{
    choose::{First, Known, Line, Pick},
    error::WaitlistError,
    metric,
    model::KEPT_UNTIL,
    offer::MakeOffer,
    repository,
    service::WaitlistService,
};
use crate::{
    features::{
        capacity::{self, ASIDE_FOR, FlightCapacity, Shift, Space},
        holds::HoldEventType,
    },
    kernel::FlightId,
    platform::{
        postgres::{DbError, commit, retrying},
        work::run_alone,
    },
};

/// Interval between two looks for room that was set aside.
const LOOK: Duration = Duration::from_millis(250);
/// Interval between two looks at all flights for which somebody waits.
const SWEEP: Duration = Duration::from_secs(30);
/// Most offers made on one flight before others have their turn.
const AT_ONCE: usize = 200;

impl WaitlistService {
    /// Has the matcher of this process look at these flights soon.
    pub(super) fn look_at(&self, flights: Vec<FlightId>) {
        self.asked().extend(flights);
        self.news.notify_one();
    }

    fn asked(&self) -> MutexGuard<'_, BTreeSet<FlightId>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes offers until `stop`.
    pub(super) async fn work(self, stop: CancellationToken) {
        let mut swept: Option<Instant> = None;
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = timeout(LOOK, self.news.notified()) => {}
            }
            let is_due = swept.is_none_or(|swept| swept.elapsed() >= SWEEP);
            if let Err(error) = Box::pin(self.look(is_due)).await {
                tracing::warn!(%error, "the waitlist cannot be served; trying again");
                continue;
            }
            if is_due {
                swept = Some(Instant::now());
            }
        }
    }

    async fn look(&self, sweeps: bool) -> Result<(), WaitlistError> {
        if sweeps && let Err(error) = self.widen_all().await {
            tracing::debug!(%error, "new flights cannot be found for those who wait by date; trying again");
        }
        self.settle(sweeps).await?;
        let mut flights = std::mem::take(&mut *self.asked());
        {
            let mut connection = self.db.read().await?;
            let now = self.clock.now();
            // What is kept for longer was looked at, and waits for more.
            let looked_at_until = now + ASIDE_FOR + TimeDelta::seconds(1);
            flights.extend(repository::to_match(&mut connection, looked_at_until).await?);
            let oldest = repository::oldest_aside(&mut connection, looked_at_until).await?;
            let age = oldest.map_or(0.0, |until| (now + ASIDE_FOR - until).as_seconds_f64().max(0.0));
            metric::OLDEST_ASIDE.set(age);
            if sweeps {
                flights.extend(repository::affected(&mut connection).await?);
                metric::WAITING.set(repository::waiting(&mut connection).await?);
            }
        }
        let mut unserved = Vec::new();
        for flight in flights {
            // A flight that cannot be served keeps nobody on another waiting.
            if let Err(error) = self.match_flight(flight).await {
                tracing::warn!(%error, %flight, "those who wait for a flight cannot be served; trying again");
                unserved.push(flight);
            }
        }
        self.asked().extend(unserved);
        Ok(())
    }

    /// Offers what is free on a flight to those who wait for it, in order, and opens or keeps the rest.
    pub(super) async fn match_flight(&self, flight: FlightId) -> Result<(), WaitlistError> {
        let mut turn = Turn::of(flight);
        for _ in 0..AT_ONCE {
            match self.next_offer(&mut turn).await? {
                Next::Offered => {}
                Next::Changed => turn = Turn::of(flight),
                Next::Rest { aside, keeps } => {
                    if self.dispose_of_rest(flight, aside, keeps).await? {
                        return Ok(());
                    }
                    turn = Turn::of(flight);
                }
            }
        }
        self.look_at(vec![flight]);
        Ok(())
    }

    /// Makes the next offer on a flight, if somebody fits.
    async fn next_offer(&self, Turn { known, line }: &mut Turn) -> Result<Next, WaitlistError> {
        let first = self.first(known, line).await?;
        let Pick { entry, way, is_of_another } = match first {
            First::Entry(pick) => pick,
            First::Nobody | First::Kept => {
                let aside = known.room(line.flight).map_or_else(Space::default, |room| room.aside);
                return Ok(Next::Rest { aside, keeps: matches!(first, First::Kept) });
            }
        };
        let others: Vec<FlightId> = way.iter().copied().filter(|leg| *leg != line.flight).collect();
        let Some(made) = run_alone(&self.db, MakeOffer { waitlist: self.clone(), entry, way }).await? else {
            return Ok(Next::Changed);
        };
        self.capacity.wrote(&made.rooms);
        self.holds.changed(&made.hold, HoldEventType::Created);
        metric::OFFERS.with(["made"]).increment(1);
        known.learn(&made.rooms);
        if !others.is_empty() {
            // More may have been kept for it there than it took.
            self.look_at(others);
        }
        Ok(if is_of_another || made.has_passed_too_often { Next::Changed } else { Next::Offered })
    }

    /// Opens what nobody can use of what was set aside, or keeps it for one who was passed over too often. False: other
    /// room is set aside than was looked at, and somebody may be able to use it.
    async fn dispose_of_rest(&self, flight: FlightId, aside: Space, keeps: bool) -> Result<bool, DbError> {
        let disposed: Option<Vec<FlightCapacity>> = retrying(|| async {
            let mut tx = self.db.begin().await?;
            let room = capacity::lock_in_tx(&mut tx, &[flight]).await?.pop();
            let now = self.clock.now();
            let Some(room) = room.filter(|room| room.aside != Space::default()) else {
                tx.rollback().await?;
                return Ok(Some(Vec::new()));
            };
            if room.aside != aside {
                tx.rollback().await?;
                return Ok(None);
            }
            let rooms = if keeps {
                capacity::keep_aside_in_tx(&mut tx, flight, (room.cutoff - KEPT_UNTIL).max(now + ASIDE_FOR)).await?;
                Vec::new()
            } else {
                capacity::shift_in_tx(&mut tx, &[Shift::opened(flight, room.aside)], now).await?
            };
            commit(tx).await?;
            Ok::<_, DbError>(Some(rooms))
        })
        .await?;
        self.capacity.wrote(disposed.as_deref().unwrap_or_default());
        Ok(disposed.is_some())
    }
}

/// What is known of a flight and its order while offers are made on it.
struct Turn {
    known: Known,
    line: Line,
}

impl Turn {
    fn of(flight: FlightId) -> Self {
        Self { known: Known::default(), line: Line::of(flight) }
    }
}

/// What comes next on a flight.
enum Next {
    Offered,
    /// The room or the order is not what was read: it is read again.
    Changed,
    /// Nobody fits what is left.
    Rest {
        /// What was set aside when nobody was found.
        aside: Space,
        keeps: bool,
    },
}
