use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::model::Lane;
use crate::kernel::{AirportCode, FlightId, FlightNumber};

/// The part of a scheduled flight that decides which routes it is part of. Packed: there may be a million.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Departure {
    pub flight_id: FlightId,
    pub departure: DateTime<Utc>,
    pub arrival: DateTime<Utc>,
    number: Number,
}

/// A flight number, filled up with zeros.
type Number = [u8; 8];

impl Departure {
    pub fn new(flight_id: FlightId, number: &FlightNumber, departure: DateTime<Utc>, arrival: DateTime<Utc>) -> Self {
        let mut packed = [0; 8];
        for (place, byte) in packed.iter_mut().zip(number.as_str().bytes()) {
            *place = byte;
        }
        Self { flight_id, departure, arrival, number: packed }
    }

    /// Returns whether freight that stays aboard goes on with this one.
    pub fn has_number_of(&self, other: &Self) -> bool {
        self.number == other.number
    }

    fn order(&self) -> (DateTime<Utc>, FlightId) {
        (self.departure, self.flight_id)
    }
}

/// Scheduled flights by origin and destination; each lane in the order of departure, then id.
#[derive(Debug, Default)]
pub struct Departures {
    leaving: HashMap<AirportCode, BTreeMap<AirportCode, Vec<Departure>>>,
    /// For each airport, those from which flights come.
    origins: HashMap<AirportCode, BTreeSet<AirportCode>>,
    /// The flight numbers that leave, or have left, each airport.
    numbers: HashSet<(AirportCode, Number)>,
    flights: usize,
}

impl Departures {
    /// Returns the number of flights.
    pub const fn count(&self) -> usize {
        self.flights
    }

    /// Returns the flights between two airports.
    pub fn on(&self, (origin, destination): Lane) -> &[Departure] {
        self.leaving.get(&origin).and_then(|lanes| lanes.get(&destination)).map_or(&[], Vec::as_slice)
    }

    /// Returns the lanes out of an airport, by destination.
    pub fn out_of(&self, origin: AirportCode) -> impl Iterator<Item = (AirportCode, &[Departure])> {
        self.leaving.get(&origin).into_iter().flatten().map(|(destination, flights)| (*destination, flights.as_slice()))
    }

    /// Returns the airports from which flights come to this one.
    pub fn origins_of(&self, destination: AirportCode) -> impl Iterator<Item = AirportCode> {
        self.origins.get(&destination).into_iter().flatten().copied()
    }

    /// Returns false if no flight leaves this airport under the number of this one.
    pub fn has_number(&self, airport: AirportCode, flight: &Departure) -> bool {
        self.numbers.contains(&(airport, flight.number))
    }

    /// Adds a flight, unless it is there already.
    pub fn add(&mut self, lane: Lane, departure: Departure) {
        let (origin, destination) = lane;
        self.numbers.insert((origin, departure.number));
        let flights = self.leaving.entry(origin).or_default().entry(destination).or_default();
        if flights.is_empty() {
            self.origins.entry(destination).or_default().insert(origin);
        }
        // Loading adds them in order.
        let place = match flights.last() {
            Some(last) if last.order() < departure.order() => Err(flights.len()),
            _ => flights.binary_search_by_key(&departure.order(), Departure::order),
        };
        match place {
            Ok(place) => flights[place] = departure,
            Err(place) => {
                flights.insert(place, departure);
                self.flights += 1;
            }
        }
    }

    /// Removes a flight that leaves this airport, wherever it leads and whenever it leaves.
    pub fn remove(&mut self, origin: AirportCode, flight: FlightId) {
        let Some(lanes) = self.leaving.get_mut(&origin) else { return };
        for flights in lanes.values_mut() {
            let before = flights.len();
            flights.retain(|departure| departure.flight_id != flight);
            self.flights -= before - flights.len();
        }
        self.drop_empty(origin);
    }

    /// Removes flights that departed before this moment.
    pub fn forget_before(&mut self, moment: DateTime<Utc>) {
        let origins: Vec<AirportCode> = self.leaving.keys().copied().collect();
        for origin in origins {
            for flights in self.leaving.get_mut(&origin).into_iter().flat_map(BTreeMap::values_mut) {
                let past = flights.partition_point(|departure| departure.departure < moment);
                if past > 0 {
                    flights.drain(..past);
                    flights.shrink_to(flights.len() * 5 / 4);
                    self.flights -= past;
                }
            }
            self.drop_empty(origin);
        }
    }

    /// Gives back the memory that growing lanes have taken in advance.
    pub fn shrink(&mut self) {
        for flights in self.leaving.values_mut().flat_map(BTreeMap::values_mut) {
            flights.shrink_to_fit();
        }
    }

    /// Removes the lanes out of an airport that have no flights any more.
    fn drop_empty(&mut self, origin: AirportCode) {
        let Some(lanes) = self.leaving.get_mut(&origin) else { return };
        let origins = &mut self.origins;
        lanes.retain(|destination, flights| {
            if flights.is_empty()
                && let Some(origins) = origins.get_mut(destination)
            {
                origins.remove(&origin);
            }
            !flights.is_empty()
        });
    }
}

/// Returns the flights of a lane that leave in `[from, to)`.
pub fn between(lane: &[Departure], from: DateTime<Utc>, to: DateTime<Utc>) -> &[Departure] {
    let start = lane.partition_point(|departure| departure.departure < from);
    let end = lane.partition_point(|departure| departure.departure < to);
    lane.get(start..end).unwrap_or_default()
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
        Departure::new(uuid::Uuid::from_u128(id).into(), &"AI101".parse().unwrap(), at(hour), at(hour + 2))
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
    }

    #[test]
    fn what_is_removed_or_past_leaves_no_lane_behind() {
        let mut departures = Departures::default();
        departures.add(lane("DEL", "LHR"), flight(1, 1));
        departures.add(lane("DEL", "BOM"), flight(2, 2));
        departures.add(lane("BOM", "LHR"), flight(3, 3));
        let destination = "LHR".parse().unwrap();
        assert_eq!(departures.origins_of(destination).count(), 2);
        departures.remove("DEL".parse().unwrap(), uuid::Uuid::from_u128(1).into());
        assert_eq!(departures.origins_of(destination).map(|code| code.to_string()).collect::<Vec<_>>(), ["BOM"]);
        assert_eq!(departures.out_of("DEL".parse().unwrap()).count(), 1);
        departures.forget_before(at(3));
        assert_eq!((departures.count(), departures.out_of("DEL".parse().unwrap()).count()), (1, 0));
        departures.forget_before(at(4));
        assert_eq!((departures.count(), departures.origins_of(destination).count()), (0, 0));
    }
}
