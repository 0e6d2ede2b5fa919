//! The bookings that clients know, in the state that they saw last.
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::Value;

use super::{operation::Kind, random::choose, schedule::Season};

/// Bookings of a shipper that its clients share.
const SHARED: usize = 60;

#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub version: u64,
    pub status: String,
    pub at_destination: bool,
    /// The flights of the legs that have not departed.
    pub flights: Vec<String>,
}

pub(super) struct Shipment {
    pub reference: String,
    pub shipper: usize,
    pub season: Arc<Season>,
    /// The sectors it uses, see [`Season::itinerary`].
    pub route: u64,
    state: Mutex<State>,
}

impl Shipment {
    pub fn new(reference: String, shipper: usize, season: Arc<Season>, route: u64) -> Self {
        Self { reference, shipper, season, route, state: Mutex::default() }
    }

    pub fn state(&self) -> State {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes in an answer; one that is older than the state changes nothing.
    pub fn update(&self, booking: &Value) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let version = booking["version"].as_u64().unwrap_or_default();
        if version >= state.version {
            let legs = booking["legs"].as_array().into_iter().flatten();
            let ahead = legs.filter(|leg| leg["status"] == "BOOKED").filter_map(|leg| leg["flight_id"].as_str());
            *state = State {
                version,
                status: booking["status"].as_str().unwrap_or_default().to_owned(),
                at_destination: booking["at_destination"] == true,
                flights: ahead.map(str::to_owned).collect(),
            };
        }
    }

    pub fn is_over(&self) -> bool {
        matches!(self.state().status.as_str(), "DELIVERED" | "CANCELLED")
    }

    pub fn next_step(&self) -> Kind {
        let state = self.state();
        match state.status.as_str() {
            "DEPARTED" => Kind::Arrive,
            "ARRIVED" if state.at_destination => Kind::Deliver,
            "BOOKED" | "ARRIVED" => Kind::Depart,
            _ => Kind::Deliver,
        }
    }

    /// Other flights for the legs that have not departed.
    pub fn other_itinerary(&self, flights: [u64; 2]) -> Vec<String> {
        let itinerary = self.season.itinerary(self.route, flights);
        let ahead = self.state().flights.len().clamp(1, itinerary.len().max(1));
        itinerary.iter().skip(itinerary.len().saturating_sub(ahead)).map(|flight| flight.id.clone()).collect()
    }
}

/// The latest bookings of each shipper, shared by its clients.
#[derive(Default)]
pub(super) struct SharedShipments([Mutex<VecDeque<Arc<Shipment>>>; 2]);

impl SharedShipments {
    pub fn add(&self, shipment: &Arc<Shipment>) {
        if let Some(list) = self.0.get(shipment.shipper) {
            let mut list = list.lock().unwrap_or_else(PoisonError::into_inner);
            list.push_back(Arc::clone(shipment));
            if list.len() > SHARED {
                list.pop_front();
            }
        }
    }

    pub fn pick(&self, shipper: usize, number: u64) -> Option<Arc<Shipment>> {
        let mut list = self.0.get(shipper)?.lock().unwrap_or_else(PoisonError::into_inner);
        choose(list.make_contiguous(), number).cloned()
    }
}
