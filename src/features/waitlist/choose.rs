//! Who is next on a flight, by the order of every flight that an offer would take room on. Reads of the order no more than
//! fits, a bounded number of entries at a time.
use std::collections::{HashMap, VecDeque};

use chrono::NaiveDate;
use futures_util::future::BoxFuture;

use super::{
    error::WaitlistError,
    model::{KEPT_UNTIL, Queued},
    offer::with_aside,
    repository::{self, Stretch},
    service::WaitlistService,
};
use crate::{
    features::{
        capacity::{FlightCapacity, Space},
        flights::{self, Flight},
    },
    kernel::{AirportCode, FlightId, HandlingCode, WaitlistEntryId},
};

/// Most entries that are read at once.
const AT_A_TIME: u8 = 100;

type Search = ((AirportCode, AirportCode), NaiveDate, Vec<HandlingCode>);

/// Flights, and ways on a date, that were read in this turn.
#[derive(Default)]
pub(super) struct Known {
    flights: HashMap<FlightId, Flight>,
    ways: HashMap<Search, Vec<Vec<FlightId>>>,
}

impl Known {
    /// Returns the room on a flight, if it exists and was read.
    pub fn room(&self, flight: FlightId) -> Option<&FlightCapacity> {
        self.flights.get(&flight).map(|flight| &flight.room)
    }

    /// Returns what is free on a flight for those who wait, what is set aside included.
    fn free(&self, flight: FlightId) -> Option<Space> {
        let flight = self.flights.get(&flight)?;
        Some(with_aside(std::slice::from_ref(flight))[0].room.available())
    }

    /// Replaces the room of flights by what an offer has left of it.
    pub fn learn(&mut self, rooms: &[FlightCapacity]) {
        for room in rooms {
            if let Some(flight) = self.flights.get_mut(&room.flight_id) {
                flight.room = *room;
            }
        }
    }
}

/// The order of a flight, read piece by piece.
pub(super) struct Line {
    pub flight: FlightId,
    /// Only those before this entry.
    before: Option<WaitlistEntryId>,
    read: VecDeque<Queued>,
    after: Option<WaitlistEntryId>,
    is_complete: bool,
}

impl Line {
    pub fn of(flight: FlightId) -> Self {
        Self { flight, before: None, read: VecDeque::new(), after: None, is_complete: false }
    }

    fn before(flight: FlightId, entry: WaitlistEntryId) -> Self {
        Self { before: Some(entry), ..Self::of(flight) }
    }
}

/// An entry, and the way that it can be offered now.
pub(super) struct Pick {
    pub entry: Queued,
    pub way: Vec<FlightId>,
    /// It is before the entry that was looked at, in the order of another flight.
    pub is_of_another: bool,
}

/// Who is the first that can be offered room, in the order of a flight.
pub(super) enum First {
    Entry(Pick),
    Nobody,
    /// An entry that was passed over too often does not fit: what is free is kept for it.
    Kept,
}

impl WaitlistService {
    /// Returns the first from here on in the order of a flight, or one that is before it in the order of another flight.
    pub(super) async fn first(&self, known: &mut Known, line: &mut Line) -> Result<First, WaitlistError> {
        while let Some(entry) = self.next_in(known, line).await? {
            let Some(free) = known.free(line.flight) else { return Ok(First::Nobody) };
            let fits = entry.space.exceeds(free).next().is_none();
            if fits && let Some(pick) = self.pick(known, &entry, line.flight).await? {
                return Ok(First::Entry(pick));
            }
            if self.is_kept_for(known, &entry, line.flight).await? {
                return Ok(First::Kept);
            }
        }
        Ok(First::Nobody)
    }

    /// Returns the next entry in the order of a flight that fits what is free there, or was passed over too often.
    async fn next_in(&self, known: &mut Known, line: &mut Line) -> Result<Option<Queued>, WaitlistError> {
        while line.read.is_empty() && !line.is_complete {
            self.read(known, &[line.flight]).await?;
            let Some(free) = known.free(line.flight) else { return Ok(None) };
            let Line { flight, before, after, .. } = *line;
            let kept_from = self.keeps(known, flight).then_some(self.limits.max_passed_over);
            let stretch = Stretch { flight, free, kept_from, after, before };
            let read = repository::queue(&mut *self.db.read().await?, &stretch, AT_A_TIME).await?;
            line.is_complete = read.len() < usize::from(AT_A_TIME);
            line.after = read.last().map(|entry| entry.id).or(after);
            line.read = read.into();
        }
        Ok(line.read.pop_front())
    }

    /// Returns whether room on a flight is kept, at this time, for entries that were passed over too often.
    fn keeps(&self, known: &Known, flight: FlightId) -> bool {
        known.room(flight).is_some_and(|room| self.clock.now() + KEPT_UNTIL < room.cutoff)
    }

    /// Returns whether room on a flight is kept for this entry. Not if room is not all that it lacks: an embargo, or
    /// a flight that has become too small, would keep the room from all others for nothing.
    async fn is_kept_for(&self, known: &mut Known, entry: &Queued, flight: FlightId) -> Result<bool, WaitlistError> {
        if !entry.was_passed_over_too_often(self.limits.max_passed_over) || !self.keeps(known, flight) {
            return Ok(false);
        }
        let flights = self.read(known, &entry.flight_ids).await?;
        let is_large_enough = |flight: &Flight| entry.space.exceeds(flight.room.capacity).next().is_none();
        let embargoes = self.embargoes.in_force().await?;
        let without_load = Queued { space: Space::default(), ..entry.clone() };
        Ok(flights.len() == entry.flight_ids.len()
            && flights.iter().all(is_large_enough)
            && self.can_offer(&without_load, &flights, &embargoes, self.clock.now()))
    }

    /// Returns the entry with the way that it can be offered now, on this flight among others; or an entry that is to be
    /// offered room before it, because it is before it in the order of another flight of the way.
    fn pick<'a>(
        &'a self,
        known: &'a mut Known,
        entry: &'a Queued,
        flight: FlightId,
    ) -> BoxFuture<'a, Result<Option<Pick>, WaitlistError>> {
        // Calls itself with entries that are earlier in the order.
        Box::pin(async move {
            let embargoes = self.embargoes.in_force().await?;
            'ways: for way in self.ways_of(known, entry, flight).await? {
                let flights = self.read(known, &way).await?;
                if flights.len() < way.len() || !self.can_offer(entry, &flights, &embargoes, self.clock.now()) {
                    continue;
                }
                for leg in way.iter().filter(|leg| **leg != flight) {
                    match self.first(known, &mut Line::before(*leg, entry.id)).await? {
                        First::Entry(earlier) => return Ok(Some(Pick { is_of_another: true, ..earlier })),
                        First::Kept => continue 'ways,
                        First::Nobody => {}
                    }
                }
                return Ok(Some(Pick { entry: entry.clone(), way, is_of_another: false }));
            }
            Ok(None)
        })
    }

    /// Returns the ways that an entry could be offered, of which this flight is a part.
    async fn ways_of(
        &self,
        known: &mut Known,
        entry: &Queued,
        flight: FlightId,
    ) -> Result<Vec<Vec<FlightId>>, WaitlistError> {
        let Some(date) = entry.departure_date else { return Ok(vec![entry.flight_ids.clone()]) };
        let search = (entry.lane, date, entry.special_handling_codes.clone());
        if !known.ways.contains_key(&search) {
            let ways = self.ways(entry.lane, date, &entry.special_handling_codes).await?;
            let ways = ways.iter().map(|way| way.iter().map(|leg| leg.id).collect()).collect();
            known.ways.insert(search.clone(), ways);
        }
        let ways = known.ways.get(&search).into_iter().flatten();
        Ok(ways.filter(|way| way.contains(&flight)).cloned().collect())
    }

    /// Returns these flights, in order, as far as they exist, read once.
    async fn read(&self, known: &mut Known, wanted: &[FlightId]) -> Result<Vec<Flight>, WaitlistError> {
        let missing = wanted.iter().filter(|id| !known.flights.contains_key(id));
        let missing: Vec<FlightId> = missing.copied().collect();
        if !missing.is_empty() {
            let mut connection = self.db.read().await?;
            let found = flights::find_all_in_tx(&mut connection, &missing).await?;
            known.flights.extend(found.into_iter().map(|flight| (flight.id, flight)));
        }
        Ok(wanted.iter().filter_map(|id| known.flights.get(id).cloned()).collect())
    }
}
