//! What is known in one pass over the order of a flight, and of the other flights that its entries need: each entry is
//! judged once, and each line is read once, from its head on.
use std::collections::{HashMap, HashSet, VecDeque};

use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_capacity::{FlightCapacity, Space};
use loadmaster_flights::Flight;
use loadmaster_kernel::{AirportCode, FlightId, HandlingCode, WaitlistEntryId};

use super::model::Queued;

/// Least and most entries of a line that are read at once: the further a line is read, the more.
const LEAST_READ: usize = 100;
const MOST_READ: usize = 1_600;

/// A search for ways on a date.
pub(super) type Search = ((AirportCode, AirportCode), NaiveDate, Vec<HandlingCode>);

/// A pass over the order of a flight.
pub(super) struct Pass {
    pub flight: FlightId,
    pub flights: HashMap<FlightId, Flight>,
    pub ways: HashMap<Search, Vec<Vec<FlightId>>>,
    pub judged: HashMap<WaitlistEntryId, Verdict>,
    /// Entries that are being judged, each because it may be before the one under it.
    pub judging: Vec<Judging>,
    lines: HashMap<FlightId, Line>,
}

/// The judgement on an entry. It holds for the whole pass: what is free only becomes less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is being judged.
    Open,
    /// It gets no offer now.
    Refused,
    /// It gets no offer now, and space is kept for it.
    Kept,
}

/// An entry that is being judged, and the ways that are left for it.
pub(super) struct Judging {
    pub entry: Queued,
    pub ways: VecDeque<Vec<FlightId>>,
}

/// The order of a flight, from the first entry that was not passed.
#[derive(Default)]
struct Line {
    read: VecDeque<Queued>,
    pages: u32,
    after: Option<WaitlistEntryId>,
    is_complete: bool,
    passed: HashSet<WaitlistEntryId>,
    kept: ReservedSpace,
}

/// What is kept on a flight for entries that were passed in its line.
#[derive(Debug, Clone, Default)]
pub(super) struct ReservedSpace {
    /// What those behind them do not get.
    pub space: Space,
    /// The part for which space stays set aside: that of entries some of whose lack is there.
    pub aside: Space,
    /// These entries.
    pub entries: Vec<WaitlistEntryId>,
    /// When the first of them loses it.
    pub until: Option<DateTime<Utc>>,
}

impl ReservedSpace {
    /// Returns the space on a flight as an offer finds it: what is set aside is free, what is kept is not.
    pub fn leaves(space: Space, capacity: &FlightCapacity) -> FlightCapacity {
        let kept = capacity.kept();
        let free = capacity.capacity - capacity.booked - kept;
        FlightCapacity { held: kept + space.least(free), ..*capacity }
    }
}

impl Pass {
    pub fn of(flight: FlightId) -> Self {
        Self {
            flight,
            flights: HashMap::new(),
            ways: HashMap::new(),
            judged: HashMap::new(),
            judging: Vec::new(),
            lines: HashMap::new(),
        }
    }

    /// Returns the space on a flight, if it exists and was read.
    pub fn capacity(&self, flight: FlightId) -> Option<&FlightCapacity> {
        self.flights.get(&flight).map(|flight| &flight.space)
    }

    /// Returns what is free on a flight for those who wait, what is set aside included.
    pub fn free(&self, flight: FlightId) -> Option<Space> {
        self.capacity(flight).map(|capacity| ReservedSpace::leaves(Space::default(), capacity).available())
    }

    /// Returns the same without what is kept for entries that were passed.
    pub fn left(&self, flight: FlightId) -> Option<Space> {
        let kept = self.lines.get(&flight).map(|line| line.kept.space).unwrap_or_default();
        self.capacity(flight).map(|capacity| ReservedSpace::leaves(kept, capacity).available())
    }

    /// Returns what is kept on a flight for entries that were passed.
    pub fn kept(&self, flight: FlightId) -> ReservedSpace {
        self.lines.get(&flight).map(|line| line.kept.clone()).unwrap_or_default()
    }

    /// Takes note of an offer, and of the space that it has left.
    pub fn offered(&mut self, entry: WaitlistEntryId, capacities: &[FlightCapacity]) {
        self.judging.clear();
        self.judged.retain(|_, verdict| *verdict != Verdict::Open);
        self.judged.insert(entry, Verdict::Refused);
        for capacity in capacities {
            if let Some(flight) = self.flights.get_mut(&capacity.flight_id) {
                flight.space = *capacity;
            }
        }
    }

    /// Returns the first entry of a flight's line that was read and not passed.
    pub fn front(&mut self, flight: FlightId) -> Option<&Queued> {
        self.lines.entry(flight).or_default().read.front()
    }

    pub fn has_passed(&self, flight: FlightId, entry: WaitlistEntryId) -> bool {
        self.lines.get(&flight).is_some_and(|line| line.passed.contains(&entry))
    }

    /// Passes the first entry of a flight's line, for which space may be kept until then.
    pub fn pass(&mut self, flight: FlightId, kept_until: Option<DateTime<Utc>>) {
        let (aside, free) = (self.capacity(flight).map(|capacity| capacity.aside), self.free(flight));
        let line = self.lines.entry(flight).or_default();
        let Some(entry) = line.read.pop_front() else { return };
        line.passed.insert(entry.id);
        let (Some(until), Some(aside), Some(free)) = (kept_until, aside, free) else { return };
        let kept = &mut line.kept;
        let lack = (entry.space - free).most(Space::default());
        // Only where space is set aside for it: then its time runs.
        if aside != Space::default() && (lack == Space::default() || lack.least(aside) != Space::default()) {
            kept.space = kept.space + entry.space;
            kept.aside = kept.aside + entry.space;
            kept.entries.push(entry.id);
            kept.until = Some(kept.until.map_or(until, |first| first.min(until)));
        }
    }

    /// Returns after which entry a flight's line is to be read on, and how many entries; `None` if there are no more.
    pub fn next_page(&mut self, flight: FlightId) -> Option<(Option<WaitlistEntryId>, usize)> {
        let line = self.lines.entry(flight).or_default();
        let most = (LEAST_READ << line.pages.min(8)).min(MOST_READ);
        (line.read.is_empty() && !line.is_complete).then_some((line.after, most))
    }

    /// Adds what was read of a flight's line.
    pub fn add(&mut self, flight: FlightId, read: Vec<Queued>, asked: usize) {
        let line = self.lines.entry(flight).or_default();
        line.pages += 1;
        line.is_complete = read.len() < asked;
        line.after = read.last().map(|entry| entry.id).or(line.after);
        line.read = read.into();
    }
}
