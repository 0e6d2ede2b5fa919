use std::collections::{HashSet, hash_map::Entry};

use chrono::{DateTime, TimeDelta, Utc};
use indexmap::{IndexMap, map};
use loadmaster_kernel::{AircraftCode, AirportCode, FlightId, FlightNumber};
use rustc_hash::{FxBuildHasher, FxHashMap};

use super::model::Lane;

/// The part of a scheduled flight that decides which routes it is part of, and whether they can be booked as far as it is
/// not a matter of space. Packed: there may be a million.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Departure {
    pub flight_id: FlightId,
    /// All of this is as of this version of the flight.
    pub version: i32,
    pub departure: DateTime<Utc>,
    pub arrival: DateTime<Utc>,
    pub aircraft: Option<AircraftCode>,
    pub is_freighter: bool,
    number: FlightNumber,
}

impl Departure {
    pub fn new(flight_id: FlightId, number: FlightNumber, departure: DateTime<Utc>, arrival: DateTime<Utc>) -> Self {
        Self { flight_id, version: 1, departure, arrival, aircraft: None, is_freighter: false, number }
    }

    /// Returns the same in this version, with this aircraft.
    #[must_use]
    pub const fn with(self, version: i32, aircraft: Option<AircraftCode>, is_freighter: bool) -> Self {
        Self { version, aircraft, is_freighter, ..self }
    }

    pub const fn number(&self) -> FlightNumber {
        self.number
    }

    /// Returns whether freight that stays aboard goes on with this one.
    pub fn has_number_of(&self, other: &Self) -> bool {
        self.number == other.number
    }

    /// Returns its place in the order of all flights.
    pub fn place(&self) -> DeparturePosition {
        (self.departure, self.flight_id)
    }
}

/// A place in the order of flights: by departure, then id.
pub type DeparturePosition = (DateTime<Utc>, FlightId);

/// Something for each of several airports, in the order of their codes, one behind the other.
type ByAirport<T> = IndexMap<AirportCode, T, FxBuildHasher>;

/// Scheduled flights by origin and destination.
#[derive(Debug, Default)]
pub struct Departures {
    leaving: FxHashMap<AirportCode, ByAirport<OnLane>>,
    /// For each airport, those from which flights come, with the shortest time that one of these takes.
    origins: FxHashMap<AirportCode, ByAirport<TimeDelta>>,
    /// How many flights leave each airport under each number.
    numbers: FxHashMap<(AirportCode, FlightNumber), u32>,
    flights: usize,
}

/// The flights of one lane, in the order of departure, then id.
#[derive(Debug)]
struct OnLane {
    flights: Vec<Departure>,
    /// No flight takes less time.
    shortest: TimeDelta,
}

impl Departures {
    /// Returns the number of flights.
    pub const fn count(&self) -> usize {
        self.flights
    }

    /// Returns the flights between two airports.
    pub fn on(&self, (origin, destination): Lane) -> &[Departure] {
        let lane = self.leaving.get(&origin).and_then(|lanes| lanes.get(&destination));
        lane.map_or(&[], |lane| lane.flights.as_slice())
    }

    /// Returns the lanes out of an airport, by destination, each with a time that none of its flights falls below.
    pub fn out_of(&self, origin: AirportCode) -> impl Iterator<Item = (AirportCode, TimeDelta, &[Departure])> {
        let lanes = self.leaving.get(&origin).into_iter().flatten();
        lanes.map(|(destination, lane)| (*destination, lane.shortest, lane.flights.as_slice()))
    }

    /// Returns the airports from which flights come to this one, each with a time that none of them falls below.
    pub fn origins_of(&self, destination: AirportCode) -> impl Iterator<Item = (AirportCode, TimeDelta)> {
        self.origins.get(&destination).into_iter().flatten().map(|(origin, shortest)| (*origin, *shortest))
    }

    /// Returns false if no flight leaves this airport under the number of this one.
    pub fn has_number(&self, airport: AirportCode, flight: &Departure) -> bool {
        self.numbers.contains_key(&(airport, flight.number))
    }

    /// Returns whether this flight is there, on this lane and at these times.
    pub fn has(&self, lane: Lane, departure: &Departure) -> bool {
        let flights = self.on(lane);
        let place = flights.binary_search_by_key(&departure.place(), Departure::place);
        place.is_ok_and(|place| flights[place] == *departure)
    }

    /// Returns the flights behind one place and up to another, in no particular order.
    pub fn within(
        &self,
        after: DeparturePosition,
        last: DeparturePosition,
    ) -> impl Iterator<Item = (Lane, &Departure)> {
        let lanes = self.leaving.iter().flat_map(|(origin, lanes)| lanes.iter().map(move |lane| (*origin, lane)));
        lanes.flat_map(move |(origin, (destination, OnLane { flights, .. }))| {
            let start = flights.partition_point(|departure| departure.place() <= after);
            let end = flights.partition_point(|departure| departure.place() <= last);
            let flights = flights.get(start..end).unwrap_or_default();
            flights.iter().map(move |departure| ((origin, *destination), departure))
        })
    }

    /// Adds a flight that is not there yet.
    pub fn add(&mut self, lane: Lane, departure: Departure) {
        let ((origin, destination), takes) = (lane, departure.arrival - departure.departure);
        let lanes = self.leaving.entry(origin).or_default();
        let lane = at_airport(lanes, destination, OnLane { flights: Vec::new(), shortest: takes });
        // Loading adds them in order.
        let place = match lane.flights.last() {
            Some(last) if last.place() < departure.place() => Err(lane.flights.len()),
            _ => lane.flights.binary_search_by_key(&departure.place(), Departure::place),
        };
        let Err(place) = place else { return };
        lane.flights.insert(place, departure);
        lane.shortest = lane.shortest.min(takes);
        *at_airport(self.origins.entry(destination).or_default(), origin, lane.shortest) = lane.shortest;
        *self.numbers.entry((origin, departure.number)).or_default() += 1;
        self.flights += 1;
    }

    /// Removes flights that leave this airport, wherever they lead and whenever they leave.
    pub fn remove(&mut self, origin: AirportCode, gone: &HashSet<FlightId>) {
        if !gone.is_empty() {
            self.keep(origin, |departure| !gone.contains(&departure.flight_id));
        }
    }

    /// Removes flights that departed before this moment.
    pub fn forget_before(&mut self, moment: DateTime<Utc>) {
        let origins: Vec<AirportCode> = self.leaving.keys().copied().collect();
        for origin in origins {
            self.keep(origin, |departure| departure.departure >= moment);
        }
    }

    /// Removes all flights out of an airport but these, and lanes on which none is left.
    fn keep(&mut self, origin: AirportCode, is_kept: impl Fn(&Departure) -> bool) {
        let Self { leaving, origins, numbers, flights: count } = self;
        let Entry::Occupied(mut lanes) = leaving.entry(origin) else { return };
        lanes.get_mut().retain(|destination, lane| {
            lane.flights.retain(|departure| {
                let is_kept = is_kept(departure);
                if !is_kept {
                    *count -= 1;
                    let number = (origin, departure.number);
                    if let Some(flights) = numbers.get_mut(&number) {
                        *flights -= 1;
                        if *flights == 0 {
                            numbers.remove(&number);
                        }
                    }
                }
                is_kept
            });
            if lane.flights.is_empty()
                && let Entry::Occupied(mut from) = origins.entry(*destination)
            {
                from.get_mut().shift_remove(&origin);
                if from.get().is_empty() {
                    from.remove();
                }
            }
            !lane.flights.is_empty()
        });
        if lanes.get().is_empty() {
            lanes.remove();
        }
    }

    /// Gives back the memory that growing lanes have taken in advance.
    pub fn shrink(&mut self) {
        for lane in self.leaving.values_mut().flat_map(IndexMap::values_mut) {
            lane.flights.shrink_to_fit();
        }
    }
}

/// Returns what there is for this airport, at first this.
fn at_airport<T>(all: &mut ByAirport<T>, airport: AirportCode, first: T) -> &mut T {
    match all.entry(airport) {
        map::Entry::Occupied(known) => known.into_mut(),
        map::Entry::Vacant(new) => new.insert_sorted(first).1,
    }
}

/// Returns the flights of a lane that leave in `[from, to)`.
pub fn between(lane: &[Departure], from: DateTime<Utc>, to: DateTime<Utc>) -> &[Departure] {
    let rest = lane.get(first_from(lane, from)..).unwrap_or_default();
    // They are few, and next to each other in memory.
    let count = rest.iter().take_while(|departure| departure.departure < to).count();
    rest.get(..count).unwrap_or_default()
}

/// Returns the place of the first flight that leaves at this moment or later. Looks at few others, as these are memory that
/// was not used for long: flights are spread about evenly.
fn first_from(lane: &[Departure], from: DateTime<Utc>) -> usize {
    let (Some(first), Some(last)) = (lane.first(), lane.last()) else { return 0 };
    if from <= first.departure {
        return 0;
    }
    if from > last.departure {
        return lane.len();
    }
    let (span, part) = ((last.departure - first.departure).num_seconds(), (from - first.departure).num_seconds());
    let places = i64::try_from(lane.len() - 1).unwrap_or(i64::MAX);
    let guess = usize::try_from(part.saturating_mul(places) / span.max(1)).unwrap_or_default();
    let is_before = |place: usize| lane.get(place).is_some_and(|flight| flight.departure < from);
    // The place is above `low`, and at most `high`.
    let (mut high, mut step) = (lane.len() - 1, 1);
    let low = if is_before(guess) {
        let mut low = guess;
        while low + step < high && is_before(low + step) {
            low += step;
            step *= 2;
        }
        high = high.min(low + step);
        low
    } else {
        high = high.min(guess);
        while high > step && !is_before(high - step) {
            high -= step;
            step *= 2;
        }
        high.saturating_sub(step)
    };
    let between = lane.get(low + 1..high).unwrap_or_default();
    low + 1 + between.partition_point(|flight| flight.departure < from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + chrono::TimeDelta::hours(hour)
    }

    fn lane(origin: &str, destination: &str) -> Lane {
        (origin.parse().unwrap(), destination.parse().unwrap())
    }

    fn flight(id: u128, hour: i64) -> Departure {
        Departure::new(uuid::Uuid::from_u128(id).into(), "AI101".parse().unwrap(), at(hour), at(hour + 2))
    }

    fn hours(departures: &Departures, of: Lane) -> Vec<i64> {
        departures.on(of).iter().map(|flight| (flight.departure - at(0)).num_hours()).collect()
    }

    #[test]
    fn a_lane_is_in_order_whatever_the_order_of_adding() {
        let (mut departures, lane) = (Departures::default(), lane("DEL", "LHR"));
        for hour in [5, 1, 9, 3, 9] {
            departures.add(lane, flight(u128::try_from(hour).unwrap(), hour));
        }
        assert_eq!(hours(&departures, lane), [1, 3, 5, 9]);
        assert_eq!(departures.count(), 4, "what comes twice is there once");
        let found = between(departures.on(lane), at(3), at(9));
        assert_eq!(found.iter().map(|flight| flight.departure).collect::<Vec<_>>(), [at(3), at(5)]);
        assert!(between(departures.on(lane), at(9), at(3)).is_empty());
        let places = [1, 5].map(|hour| flight(u128::try_from(hour).unwrap(), hour).place());
        assert_eq!(
            departures.within(places[0], places[1]).map(|(_, flight)| flight.departure).collect::<Vec<_>>(),
            [at(3), at(5)]
        );
    }

    #[test]
    fn what_leaves_from_a_moment_on_is_found_wherever_flights_gather() {
        for hours in
            [vec![], vec![3], vec![3, 3, 3], (0..50).collect(), vec![0, 1, 2, 3, 90, 91, 92, 93, 93, 93, 200, 900]]
        {
            let lane: Vec<Departure> = hours.iter().map(|hour| flight(1, *hour)).collect();
            for from in (-1..1000).map(at) {
                let place = lane.partition_point(|flight| flight.departure < from);
                assert_eq!(first_from(&lane, from), place, "{hours:?} from {from}");
            }
        }
    }

    #[test]
    fn what_is_removed_or_past_leaves_no_lane_behind() {
        let mut departures = Departures::default();
        departures.add(lane("DEL", "LHR"), flight(1, 1));
        departures.add(lane("DEL", "BOM"), flight(2, 2));
        departures.add(lane("BOM", "LHR"), flight(3, 3));
        let destination = "LHR".parse().unwrap();
        assert_eq!(departures.origins_of(destination).count(), 2);
        let (lane_of_one, one) = (lane("DEL", "LHR"), flight(1, 1));
        assert!(departures.has(lane_of_one, &one) && !departures.has(lane("DEL", "BOM"), &one));
        departures.remove(lane_of_one.0, &HashSet::from([one.flight_id]));
        assert!(!departures.has(lane_of_one, &one));
        assert_eq!(departures.origins_of(destination).map(|(code, _)| code.to_string()).collect::<Vec<_>>(), ["BOM"]);
        assert_eq!(departures.out_of("DEL".parse().unwrap()).count(), 1);
        assert!(departures.has_number("DEL".parse().unwrap(), &one), "there is another one");
        departures.forget_before(at(3));
        assert_eq!((departures.count(), departures.out_of("DEL".parse().unwrap()).count()), (1, 0));
        assert!(!departures.has_number("DEL".parse().unwrap(), &one));
        departures.forget_before(at(4));
        assert_eq!((departures.count(), departures.origins_of(destination).count()), (0, 0));
    }
}
