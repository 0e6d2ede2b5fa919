//! Flights of one number in a row are the legs of an itinerary.
use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use loadmaster_kernel::AirportCode;

use super::{Leg, Writer};
use crate::model::NewFlight;

/// Most legs of an itinerary: its airports have letters.
const MOST_LEGS: usize = 25;
/// Longest time on the ground between two legs.
const LONGEST_STOP: TimeDelta = TimeDelta::hours(24);

/// An itinerary that may still go on.
struct Itinerary {
    day: NaiveDate,
    legs: Vec<Leg>,
    arrival: DateTime<Utc>,
}

/// Returns the itineraries of the flights of a number, each with its day.
pub(super) fn itineraries(writer: &Writer, mut flights: Vec<NewFlight>) -> Vec<(NaiveDate, Vec<Leg>)> {
    flights.sort_by_key(|flight| flight.departure);
    let (mut open, mut done) = (HashMap::<AirportCode, Itinerary>::new(), Vec::new());
    for flight in &flights {
        let before = open.remove(&flight.origin);
        let goes_on = before.as_ref().is_some_and(|before| before.goes_on(writer, flight));
        let (mut itinerary, ended) = match before {
            Some(before) if goes_on => (before, None),
            before => (Itinerary { day: writer.day(flight), legs: Vec::new(), arrival: flight.arrival }, before),
        };
        itinerary.legs.push(writer.leg(itinerary.day, flight));
        itinerary.arrival = flight.arrival;
        let other = open.insert(flight.destination, itinerary);
        done.extend(ended.into_iter().chain(other));
    }
    done.extend(open.into_values());
    done.into_iter().map(|itinerary| (itinerary.day, itinerary.legs)).collect()
}

impl Itinerary {
    /// Returns whether this flight, which leaves from where the last one lands, is the next leg.
    fn goes_on(&self, writer: &Writer, flight: &NewFlight) -> bool {
        let leg = writer.leg(self.day, flight);
        let is_soon = (self.arrival..=self.arrival + LONGEST_STOP).contains(&flight.departure);
        let was_there = self.legs.iter().any(|leg| leg.origin == flight.origin);
        is_soon && !was_there && self.legs.len() < MOST_LEGS && leg.departure.is_near() && leg.arrival.is_near()
    }
}
