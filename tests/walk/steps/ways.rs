//! Flights that are named, and those that the server chooses.
use std::collections::BTreeSet;

use chrono::{NaiveDate, TimeDelta};
use serde_json::{Map, Value, json};

use crate::{
    members::one_in,
    model::{Freight, Model, Space, standard_volume},
    play::Walk,
};

/// Of Delhi and Bombay.
const OFFSET: TimeDelta = TimeDelta::minutes(330);
const CHOSEN_WITHIN: TimeDelta = TimeDelta::hours(72);

/// Where freight is to go, by whichever flights.
#[derive(Debug, Clone)]
pub struct Search {
    pub ends: (&'static str, &'static str),
    pub date: Option<NaiveDate>,
}

impl Model {
    fn date_of(&self, flight: usize) -> NaiveDate {
        (self.flights[flight].departure + OFFSET).date_naive()
    }

    /// The ways that a booking without flights may get, the best class first: direct before connecting, by arrival.
    pub fn options(&self, search: &Search, freight: &Freight, own: bool) -> Vec<Vec<usize>> {
        let all = 0..self.flights.len();
        let direct = all.clone().map(|flight| vec![flight]);
        let connecting = all.clone().flat_map(|first| all.clone().map(move |second| vec![first, second]));
        let mut options: Vec<Vec<usize>> = direct.chain(connecting).filter(|way| self.is_option(search, way)).collect();
        options.retain(|way| self.judge_way(way, search.ends, &freight.codes).must.is_empty());
        options.retain(|way| self.judge_space(way, freight.space, |_| Space::default(), own).must.is_empty());
        options.sort_by_key(|way| self.rank(way));
        options
    }

    fn is_option(&self, search: &Search, way: &[usize]) -> bool {
        let leaves = match search.date {
            Some(date) => self.date_of(way[0]) == date,
            None => self.flights[way[0]].departure <= self.now + CHOSEN_WITHIN,
        };
        // The next flight leaves by the end of the day after.
        let is_soon = way.iter().all(|flight| self.date_of(*flight) <= self.date_of(way[0]) + TimeDelta::days(1));
        leaves && is_soon && self.ends(way) == search.ends
    }

    /// Ways of one rank are equally good.
    pub fn rank(&self, way: &[usize]) -> (usize, crate::model::Time) {
        (way.len(), self.flights[way[way.len() - 1]].arrival)
    }

    pub fn way_of(&self, ids: &Value) -> Option<Vec<usize>> {
        let number = |id: &Value| self.flights.iter().position(|flight| flight.id.as_str() == id);
        ids.as_array()?.iter().map(number).collect()
    }
}

impl Walk {
    /// One or two flights, which mostly connect and are mostly open.
    pub fn way(&mut self) -> Vec<usize> {
        let all = self.model.flights.len();
        for _ in 0..8 {
            let mut way = vec![self.flight()];
            let onward = |flight: &usize| self.model.flights[*flight].origin == self.model.flights[way[0]].destination;
            let onward: Vec<usize> = (0..all).filter(onward).collect();
            if !onward.is_empty() && one_in(&mut self.dice, 2) {
                way.push(*self.dice.pick(&onward));
            } else if one_in(&mut self.dice, 40) {
                way.push(usize::try_from(self.dice.below(all as u64)).unwrap());
            }
            let is_right = self.model.judge_way(&way, self.model.ends(&way), &BTreeSet::new()).must.is_empty();
            if is_right || one_in(&mut self.dice, 12) {
                return way;
            }
        }
        vec![self.flight()]
    }

    fn flight(&mut self) -> usize {
        usize::try_from(self.dice.below(self.model.flights.len() as u64)).unwrap()
    }

    /// A search from somewhere to somewhere, on a day with flights or without a date.
    pub fn search(&mut self) -> Search {
        let ends = *self.dice.pick(&[("DEL", "LHR"), ("DEL", "LHR"), ("DEL", "BOM"), ("BOM", "LHR")]);
        let flight = self.flight();
        let date = (!one_in(&mut self.dice, 3)).then(|| self.model.date_of(flight));
        Search { ends, date }
    }

    /// Freight to begin with: its weight, and all that follows from it.
    pub fn plain_freight(&mut self) -> Freight {
        let most = *self.dice.pick(&[800, 2500, 2500, 6000, 13_000]);
        let weight = crate::members::weight(&mut self.dice, most);
        let space = Space { weight, volume: standard_volume(weight), positions: 0 };
        Freight { space, defaulted: true, ..Freight::default() }
    }

    pub fn ids(&self, way: &[usize]) -> Value {
        way.iter().map(|flight| self.model.flights[*flight].id.clone()).collect()
    }

    /// Whether an organization finds what the allotment keeps.
    pub fn owns_allotment(owner: usize) -> bool {
        owner == crate::callers::FORWARDER
    }
}

/// The members of a search.
pub fn put(body: &mut Map<String, Value>, search: &Search) {
    body.insert("origin".to_owned(), search.ends.0.into());
    body.insert("destination".to_owned(), search.ends.1.into());
    if let Some(date) = search.date {
        body.insert("departure_date".to_owned(), json!(date));
    }
}
