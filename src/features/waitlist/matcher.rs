//! Gives what becomes free to those who wait. Room that is set aside names its flight by itself: nothing that a process
//! forgets is lost.
use std::{collections::HashMap, time::Duration};

use chrono::TimeDelta;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::{
    error::WaitlistError,
    metric,
    model::{Choice, KEPT_UNTIL, Queued, choose},
    offer::{MakeOffer, with_aside},
    repository,
    service::WaitlistService,
};
use crate::{
    features::{
        capacity::{self, ASIDE_FOR, FlightCapacity, Shift, Space},
        flights::{self, Flight},
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
        self.asked.lock().unwrap_or_else(std::sync::PoisonError::into_inner).extend(flights);
        self.news.notify_one();
    }

    fn take_asked(&self) -> Vec<FlightId> {
        let mut asked = self.asked.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        std::mem::take(&mut *asked).into_iter().collect()
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
            if let Err(error) = self.look(is_due).await {
                tracing::debug!(%error, "the waitlist cannot be served; trying again");
                continue;
            }
            if is_due {
                swept = Some(Instant::now());
            }
        }
    }

    async fn look(&self, sweeps: bool) -> Result<(), WaitlistError> {
        self.settle(sweeps).await?;
        let mut flights = self.take_asked();
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
        flights.sort_unstable();
        flights.dedup();
        let mut unserved = Vec::new();
        for flight in flights {
            // A flight that cannot be served keeps nobody on another waiting.
            if let Err(error) = self.match_flight(flight).await {
                tracing::debug!(%error, %flight, "those who wait for a flight cannot be served; trying again");
                unserved.push(flight);
            }
        }
        self.asked.lock().unwrap_or_else(std::sync::PoisonError::into_inner).extend(unserved);
        Ok(())
    }

    /// Offers what is free on a flight to those who wait for it, in order, and opens or keeps the rest.
    pub(super) async fn match_flight(&self, flight: FlightId) -> Result<(), WaitlistError> {
        for _ in 0..AT_ONCE {
            match self.next_offer(flight).await? {
                Next::Offered => {}
                Next::Rest { aside, keeps } => {
                    if self.dispose_of_rest(flight, aside, keeps).await? {
                        return Ok(());
                    }
                }
            }
        }
        self.look_at(vec![flight]);
        Ok(())
    }

    /// Makes the next offer on a flight, if somebody fits.
    async fn next_offer(&self, flight: FlightId) -> Result<Next, WaitlistError> {
        let order = repository::queue(&mut *self.db.read().await?, flight).await?;
        let mut known = Known::default();
        let mut fitting = HashMap::new();
        let now = self.clock.now();
        let own = self.known(&mut known, &[flight]).await?;
        let Some(own) = own.first().cloned() else { return Ok(Next::Rest { aside: Space::default(), keeps: false }) };
        let aside = own.room.aside;
        let free = with_aside(std::slice::from_ref(&own))[0].room.available();
        for (place, entry) in order.iter().enumerate() {
            // Those that are too large for this flight need no look at others.
            if entry.space.exceeds(free).next().is_some() {
                continue;
            }
            if let Some(way) = self.way_of(entry, flight, &mut known).await? {
                fitting.insert(place, way);
                break;
            }
        }
        let keeps = now + KEPT_UNTIL < own.room.cutoff;
        let mut place = 0;
        let choice = choose(&order, self.limits.max_passed_over, keeps, |_| {
            place += 1;
            fitting.contains_key(&(place - 1))
        });
        let place = match choice {
            Choice::Offer(place) => place,
            Choice::Nobody => return Ok(Next::Rest { aside, keeps: false }),
            Choice::Keep => return Ok(Next::Rest { aside, keeps: true }),
        };
        let way = fitting.remove(&place).unwrap_or_default();
        let passed = order[..place].iter().map(|entry| entry.id).collect();
        let offer = MakeOffer { waitlist: self.clone(), entry: order[place].clone(), way, passed };
        if let Some((hold, rooms)) = run_alone(&self.db, offer).await? {
            self.capacity.wrote(&rooms);
            self.holds.changed(&hold, HoldEventType::Created);
            metric::OFFERS.with(["made"]).increment(1);
        }
        Ok(Next::Offered)
    }

    /// Returns the way that an entry can be offered now, on this flight among others.
    async fn way_of(
        &self,
        entry: &Queued,
        flight: FlightId,
        known: &mut Known,
    ) -> Result<Option<Vec<FlightId>>, WaitlistError> {
        let now = self.clock.now();
        let ways = match entry.departure_date {
            None => vec![entry.flight_ids.clone()],
            Some(date) => {
                let ways = self.ways(entry.lane, date, &entry.special_handling_codes).await?;
                let ids = ways.into_iter().map(|way| way.iter().map(|leg| leg.id).collect::<Vec<_>>());
                ids.filter(|way| way.contains(&flight)).collect()
            }
        };
        let embargoes = self.embargoes.in_force().await?;
        for way in ways {
            let flights = self.known(known, &way).await?;
            if flights.len() == way.len() && self.can_offer(entry, &flights, &embargoes, now) {
                return Ok(Some(way));
            }
        }
        Ok(None)
    }

    /// Returns these flights, in order, as far as they exist, read once.
    async fn known(&self, known: &mut Known, wanted: &[FlightId]) -> Result<Vec<Flight>, WaitlistError> {
        let missing: Vec<FlightId> = wanted.iter().filter(|id| !known.0.contains_key(id)).copied().collect();
        if !missing.is_empty() {
            let mut connection = self.db.read().await?;
            let found = flights::find_all_in_tx(&mut connection, &missing).await?;
            known.0.extend(found.into_iter().map(|flight| (flight.id, flight)));
        }
        Ok(wanted.iter().filter_map(|id| known.0.get(id).cloned()).collect())
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

/// Flights that were read in this turn.
#[derive(Default)]
struct Known(HashMap<FlightId, Flight>);

/// What comes next on a flight.
enum Next {
    Offered,
    /// Nobody fits what is left.
    Rest {
        /// What was set aside when nobody was found.
        aside: Space,
        keeps: bool,
    },
}
