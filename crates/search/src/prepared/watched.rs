//! The routes of a prepared result for those who watch their lane: judged one by one, in the order in which they decide.
use loadmaster_capacity::FlightCapacity;
use loadmaster_embargoes::Verdict;
use loadmaster_kernel::{FlightId, Money};

use super::{super::pricer::Pricer, Judge, Prepared};

impl Prepared {
    /// Returns the routes: direct ones first, each by arrival.
    pub fn direct_first(&self) -> Vec<usize> {
        let (direct, transit): (Vec<usize>, Vec<usize>) =
            (0..self.ways.len()).partition(|place| self.ways[*place].is_direct());
        direct.into_iter().chain(transit).collect()
    }

    /// Returns the routes that have a price, with it: the cheapest first, each by arrival.
    pub fn cheapest_first(&self, pricer: &Pricer) -> Vec<(Money, usize)> {
        let with_total = |place| Some((self.price(place, pricer)?.sums.total(), place));
        let mut found: Vec<(Money, usize)> = (0..self.ways.len()).filter_map(with_total).collect();
        found.sort_by_key(|(total, place)| (total.currency(), total.minor(), *place));
        found
    }

    /// Returns the flights of a route, each with the version in which it was prepared.
    pub fn legs(&self, place: usize) -> Vec<(FlightId, i32)> {
        let legs = self.ways[place].legs.iter().map(|leg| &self.flights[*leg]);
        legs.map(|flight| (flight.leg.flight_id, flight.version)).collect()
    }

    /// Returns whether a route can be booked as requested, of whose flights these are the capacities.
    pub fn can_be_booked(&self, place: usize, spaces: &[FlightCapacity], judge: &Judge) -> bool {
        let legs = self.ways[place].legs.iter().map(|leg| &self.flights[*leg].leg);
        let embargoes = judge.embargoes();
        let verdict = if embargoes.is_empty() {
            Verdict::default()
        } else {
            legs.clone().map(|leg| embargoes.on_leg(leg)).fold(Verdict::default(), Verdict::and)
        };
        let judged = spaces.iter().zip(legs).map(|(space, leg)| (space, leg.is_freighter, leg.aircraft));
        judge.reasons(&judged, verdict).is_some_and(|(reasons, _)| reasons.is_empty())
    }
}
