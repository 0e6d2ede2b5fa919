//! The next entry on a flight, by the order of every flight on which its offer takes space.
use std::ops::ControlFlow;

use chrono::TimeDelta;
use loadmaster_capacity::Space;
use loadmaster_flights::{self as flights, Flight};
use loadmaster_kernel::{FlightId, WaitlistEntryId};

use super::{
    error::WaitlistError,
    model::{KEPT_UNTIL, Queued},
    offer::as_left,
    pass::{Judging, Pass, Verdict},
    repository::{self, Stretch},
    service::WaitlistService,
};

/// The first entry that can be offered space, in the order of a flight.
pub(super) enum First {
    /// An entry, with the way that it can be offered now.
    Entry(Queued, Vec<FlightId>),
    Nobody,
    /// So many entries were judged that others have their turn first.
    Later,
}

/// Those before an entry, in the order of a flight.
enum Before {
    /// One that was not judged yet.
    Entry(Queued),
    Nobody,
    /// The entry does not wait for this flight.
    Elsewhere,
}

impl WaitlistService {
    /// Returns the first from here on in the order of a flight, or one that is before it in the order of another flight that
    /// it needs. Judges at most `steps` entries, which it counts down.
    pub(super) async fn first(&self, pass: &mut Pass, steps: &mut usize) -> Result<First, WaitlistError> {
        loop {
            if pass.judging.is_empty() {
                match self.before(pass, pass.flight, None).await? {
                    Before::Entry(entry) => self.start(pass, entry).await?,
                    Before::Nobody | Before::Elsewhere => return Ok(First::Nobody),
                }
            }
            if *steps == 0 {
                return Ok(First::Later);
            }
            *steps -= 1;
            let Some(mut judging) = pass.judging.pop() else { continue };
            match self.obstacle(pass, &mut judging).await? {
                ControlFlow::Continue(Before::Entry(earlier)) => {
                    pass.judging.push(judging);
                    self.start(pass, earlier).await?;
                }
                ControlFlow::Continue(_) => {
                    let is_kept = self.is_kept_for(pass, &judging.entry).await?;
                    let verdict = if is_kept { Verdict::Kept } else { Verdict::Refused };
                    pass.judged.insert(judging.entry.id, verdict);
                }
                ControlFlow::Break(way) => return Ok(First::Entry(judging.entry, way)),
            }
        }
    }

    /// Begins to judge an entry.
    async fn start(&self, pass: &mut Pass, entry: Queued) -> Result<(), WaitlistError> {
        let ways = self.ways_of(pass, &entry).await?;
        pass.judged.insert(entry.id, Verdict::Open);
        pass.judging.push(Judging { entry, ways: ways.into() });
        Ok(())
    }

    /// Returns the way that an entry can be offered now; else an entry that is to be judged before, or that there is none.
    async fn obstacle(
        &self,
        pass: &mut Pass,
        Judging { entry, ways }: &mut Judging,
    ) -> Result<ControlFlow<Vec<FlightId>, Before>, WaitlistError> {
        let (embargoes, now) = (self.embargoes.in_force().await?, self.clock.now());
        'ways: while let Some(way) = ways.front() {
            let flights = self.read(pass, way).await?;
            let fits = flights.len() == way.len()
                && self.can_offer(entry, &as_left(&flights, |_| Space::default()), &embargoes, now);
            if fits {
                for leg in way {
                    match self.before(pass, *leg, Some(entry.id)).await? {
                        Before::Nobody => {}
                        Before::Entry(earlier) => return Ok(ControlFlow::Continue(Before::Entry(earlier))),
                        Before::Elsewhere => {
                            ways.pop_front();
                            continue 'ways;
                        }
                    }
                }
                let is_left =
                    |leg: &FlightId| pass.left(*leg).is_some_and(|left| entry.space.exceeds(left).next().is_none());
                if way.iter().all(is_left) {
                    return Ok(ControlFlow::Break(way.clone()));
                }
            }
            ways.pop_front();
        }
        Ok(ControlFlow::Continue(Before::Nobody))
    }

    /// Passes those in the order of a flight that were judged, up to this entry or the end; returns the first that was not.
    async fn before(
        &self,
        pass: &mut Pass,
        flight: FlightId,
        entry: Option<WaitlistEntryId>,
    ) -> Result<Before, WaitlistError> {
        if entry.is_some_and(|entry| pass.has_passed(flight, entry)) {
            return Ok(Before::Nobody);
        }
        loop {
            self.read_line(pass, flight).await?;
            let Some(front) = pass.front(flight).cloned() else { return Ok(Before::Elsewhere) };
            if Some(front.id) == entry {
                return Ok(Before::Nobody);
            }
            // Two may each be before the other, on two flights: then the one that is looked at goes first.
            let kept_until = match pass.judged.get(&front.id) {
                None => return Ok(Before::Entry(front)),
                Some(Verdict::Kept) if self.keeps(pass, flight) => {
                    Some(front.kept_until(self.limits.keep_hours, self.clock.now()))
                }
                Some(_) => None,
            };
            pass.pass(flight, kept_until);
        }
    }

    /// Reads on in the order of a flight if all that was read is passed: the entries that fit what is free there, and those
    /// for which space may be kept.
    async fn read_line(&self, pass: &mut Pass, flight: FlightId) -> Result<(), WaitlistError> {
        while let Some((after, most)) = pass.next_page(flight) {
            self.read(pass, &[flight]).await?;
            let kept_from = self.keeps(pass, flight).then_some(self.limits.max_passed_over);
            let kept_since = self.clock.now() - TimeDelta::hours(i64::from(self.limits.keep_hours));
            let read = match pass.free(flight) {
                Some(free) => {
                    let stretch = Stretch { flight, free, kept_from, kept_since, after };
                    repository::queue(&mut *self.db.read().await?, &stretch, most).await?
                }
                None => Vec::new(),
            };
            pass.add(flight, read, most);
        }
        Ok(())
    }

    /// Returns whether space on a flight is kept, at this time, for entries that were passed over too often.
    fn keeps(&self, pass: &Pass, flight: FlightId) -> bool {
        pass.capacity(flight).is_some_and(|space| self.clock.now() + KEPT_UNTIL < space.cutoff)
    }

    /// Returns whether space is kept for this entry: for some hours, if what is not booked on its flights could hold it. Not
    /// if space is not all that it lacks: an embargo would keep the space from all others for nothing.
    async fn is_kept_for(&self, pass: &mut Pass, entry: &Queued) -> Result<bool, WaitlistError> {
        let now = self.clock.now();
        if !entry.was_passed_over_too_often(self.limits.max_passed_over)
            || entry.kept_until(self.limits.keep_hours, now) <= now
        {
            return Ok(false);
        }
        let flights = self.read(pass, &entry.flight_ids).await?;
        let could_hold =
            |flight: &Flight| entry.space.exceeds(flight.space.capacity - flight.space.booked).next().is_none();
        let embargoes = self.embargoes.in_force().await?;
        let without_load = Queued { space: Space::default(), ..entry.clone() };
        Ok(flights.len() == entry.flight_ids.len()
            && flights.iter().all(could_hold)
            && self.can_offer(&without_load, &flights, &embargoes, now))
    }

    /// Returns the ways that an entry could be offered, in the order in which they are tried.
    async fn ways_of(&self, pass: &mut Pass, entry: &Queued) -> Result<Vec<Vec<FlightId>>, WaitlistError> {
        let Some(date) = entry.departure_date else { return Ok(vec![entry.flight_ids.clone()]) };
        let search = (entry.lane, date, entry.special_handling_codes.clone());
        if let Some(ways) = pass.ways.get(&search) {
            return Ok(ways.clone());
        }
        let ways = self.ways(entry.lane, date, &entry.special_handling_codes).await?;
        let ways: Vec<Vec<FlightId>> = ways.iter().map(|way| way.iter().map(|leg| leg.id).collect()).collect();
        pass.ways.insert(search, ways.clone());
        Ok(ways)
    }

    /// Returns these flights, in order, as far as they exist, read once.
    async fn read(&self, pass: &mut Pass, wanted: &[FlightId]) -> Result<Vec<Flight>, WaitlistError> {
        let missing = wanted.iter().filter(|id| !pass.flights.contains_key(id));
        let missing: Vec<FlightId> = missing.copied().collect();
        if !missing.is_empty() {
            let mut connection = self.db.read().await?;
            let found = flights::find_all_in_tx(&mut connection, &missing).await?;
            pass.flights.extend(found.into_iter().map(|flight| (flight.id, flight)));
        }
        Ok(wanted.iter().filter_map(|id| pass.flights.get(id).cloned()).collect())
    }
}
