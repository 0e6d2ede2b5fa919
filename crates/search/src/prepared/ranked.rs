//! What a prepared result shows, for an answer that has the options of several results in one order.
use super::{
    super::{
        dto::Search,
        judge::Judge,
        model::{Form, Sort},
        rank::{Rank, Standing},
    },
    Capacities, Prepared,
    judging::JudgedWay,
};

/// An option that an answer shows.
#[derive(Debug)]
pub struct ShownWay(JudgedWay);

impl Prepared {
    /// Returns the lists of an answer of this form, each in its order, with the ranks of their options. All that it depends on
    /// was looked at before.
    pub fn ranked_lists(
        &self,
        search: &Search,
        form: Form,
        spaces: &Capacities,
        judge: &Judge,
    ) -> Vec<Vec<(Rank, ShownWay)>> {
        let with_ranks = |ways: Vec<JudgedWay>, sort: Sort| -> Vec<(Rank, ShownWay)> {
            ways.into_iter().map(|way| (self.rank(&way, sort, judge), ShownWay(way))).collect()
        };
        match form {
            Form::Lists => {
                let (direct, transit) = self.lists(search, spaces, judge).unwrap_or_default();
                vec![with_ranks(direct, Sort::Departure), with_ranks(transit, Sort::Arrival)]
            }
            Form::Ranking(sort) => {
                vec![with_ranks(self.ranked(search, sort, spaces, judge).unwrap_or_default(), sort)]
            }
        }
    }

    fn rank(&self, (place, judged): &JudgedWay, sort: Sort, judge: &Judge) -> Rank {
        let way = &self.ways[*place];
        let emissions = if sort == Sort::Emissions { self.emissions(*place, judge) } else { None };
        let standing = Standing {
            is_bookable: judged.reasons.is_empty(),
            departure: way.departure,
            arrival: way.arrival,
            price: judge.pricer().filter(|_| sort == Sort::Price).and_then(|pricer| self.price(*place, pricer)),
            co2e: emissions.map(|emissions| emissions.co2e_kg),
            flights: way.legs.iter().map(|leg| self.flights[*leg].leg.flight_id).collect(),
        };
        Rank::new(standing, sort)
    }

    /// Writes a direct flight of `direct_flights`.
    pub fn write_direct_way(
        &self,
        out: &mut Vec<u8>,
        ShownWay((place, judged)): &ShownWay,
        spaces: &Capacities,
        judge: &Judge,
    ) {
        self.write_direct(out, *place, judged, spaces, judge);
    }

    /// Writes an option of any other list.
    pub fn write_way(
        &self,
        out: &mut Vec<u8>,
        ShownWay((place, judged)): &ShownWay,
        spaces: &Capacities,
        judge: &Judge,
    ) {
        self.write_option(out, *place, judged, spaces, judge);
    }
}
