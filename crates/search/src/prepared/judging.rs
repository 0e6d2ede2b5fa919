//! Whether the routes of a prepared result can be booked as requested.
use loadmaster_capacity::{FlightCapacity, Space};
use loadmaster_embargoes::Verdict;

use super::{
    super::{judge::Judge, model::Reason},
    parts::{PreparedFlight, PreparedRoute},
};

/// A route judged as of now.
#[derive(Debug)]
pub(super) struct Judged {
    pub reasons: Vec<Reason>,
    pub available: Space,
}

/// A judged route, by its place.
pub(super) type JudgedWay = (usize, Judged);

/// The basis on which routes are judged.
pub(super) struct Judging<'a> {
    pub flights: &'a [PreparedFlight],
    /// Of all flights, or of the first ones.
    pub spaces: &'a [FlightCapacity],
    pub judge: &'a Judge,
    /// What the embargoes say of each of these; nothing if none concerns the freight, as of most.
    pub verdicts: Vec<Verdict>,
}

impl Judging<'_> {
    /// Returns whether all of its aircraft can carry the freight.
    pub fn is_suitable(&self, way: &PreparedRoute) -> bool {
        way.is_suitable(self.flights, self.judge.aircraft())
    }

    /// Returns `None` if the space on one of its flights is not among those that are known.
    pub fn judge(&self, way: &PreparedRoute) -> Option<Judged> {
        if way.legs.iter().any(|leg| *leg >= self.spaces.len()) {
            return None;
        }
        let legs = way.legs.iter().map(|leg| {
            let flight = &self.flights[*leg].leg;
            (&self.spaces[*leg], flight.is_freighter, flight.aircraft)
        });
        let verdict = way.legs.iter().filter_map(|leg| self.verdicts.get(*leg).copied());
        let verdict = verdict.fold(Verdict::default(), Verdict::and);
        let (reasons, available) = self.judge.reasons(&legs, verdict).unwrap_or_default();
        Some(Judged { reasons, available })
    }
}
