//! A search between two places: airports, or cities that have several.
use loadmaster_kernel::AirportCode;
use loadmaster_reference::Place;

use super::Search;

/// Lanes that count as a request: their answers are put together once, and most lanes between cities have few flights.
const LANES_IN_REQUEST: usize = 3;

/// A search between two places, as one search for each lane between their airports.
#[derive(Debug, Clone)]
pub struct PlaceSearch {
    /// The codes of the places.
    pub origin: AirportCode,
    pub destination: AirportCode,
    first: Search,
    others: Vec<Search>,
}

impl PlaceSearch {
    /// The lanes between these places take the place of that of the search.
    pub fn between(from: Place, to: Place, search: Search) -> Self {
        let mut lanes = from.lanes_to(to);
        let first = lanes.next();
        let others = lanes.map(|(origin, destination)| Search { origin, destination, ..search.clone() }).collect();
        let first = match first {
            Some((origin, destination)) => Search { origin, destination, ..search },
            None => search,
        };
        Self { origin: from.code, destination: to.code, first, others }
    }

    /// Returns the search if it is one between two airports that were named.
    pub fn plain(&self) -> Option<&Search> {
        let is_named = (self.origin, self.destination) == (self.first.origin, self.first.destination);
        (is_named && self.others.is_empty()).then_some(&self.first)
    }

    /// Returns the search on the first lane.
    pub const fn first(&self) -> &Search {
        &self.first
    }

    /// Returns the search on each lane.
    pub fn searches(&self) -> impl Iterator<Item = &Search> + Clone {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// Returns the number of lanes.
    pub fn lanes(&self) -> usize {
        self.others.len() + 1
    }

    /// Returns as how many requests the lanes count.
    pub fn requests(&self) -> usize {
        self.lanes().div_ceil(LANES_IN_REQUEST)
    }
}
