//! The bookings that clients know of, as far as they know them.
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::Value;

use super::{deed::Kind, dice::at, schedule::Season};

/// How many of a shipper's bookings the clients share.
const SHARED: usize = 60;

/// What the latest answer said.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub version: u64,
    pub status: String,
    pub at_destination: bool,
    /// Legs that have not left.
    pub ahead: usize,
    /// The flights of these legs.
    pub flights: Vec<String>,
}

pub(super) struct Shipment {
    pub reference: String,
    pub shipper: usize,
    pub season: Arc<Season>,
    /// Which sectors it uses, see [`Season::way`].
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

    /// An answer about it; an old one changes nothing.
    pub fn heard(&self, booking: &Value) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let version = booking["version"].as_u64().unwrap_or_default();
        if version >= state.version {
            let legs = booking["legs"].as_array().into_iter().flatten();
            let ahead = legs.filter(|leg| leg["status"] == "BOOKED").filter_map(|leg| leg["flight_id"].as_str());
            let flights: Vec<_> = ahead.map(str::to_owned).collect();
            *state = State {
                version,
                status: booking["status"].as_str().unwrap_or_default().to_owned(),
                at_destination: booking["at_destination"] == true,
                ahead: flights.len(),
                flights,
            };
        }
    }

    pub fn is_over(&self) -> bool {
        matches!(self.state().status.as_str(), "DELIVERED" | "CANCELLED")
    }

    /// The step that comes next, as far as we know.
    pub fn next_step(&self) -> Kind {
        let state = self.state();
        match state.status.as_str() {
            "DEPARTED" => Kind::Arrive,
            "ARRIVED" if state.at_destination => Kind::Deliver,
            "BOOKED" | "ARRIVED" => Kind::Depart,
            _ => Kind::Deliver,
        }
    }

    /// Other flights for the legs that have not left.
    pub fn other_way(&self, flights: [u64; 2]) -> Vec<String> {
        let way = self.season.way(self.route, flights);
        let ahead = self.state().ahead.clamp(1, way.len().max(1));
        way.iter().skip(way.len().saturating_sub(ahead)).map(|flight| flight.id.clone()).collect()
    }
}

/// The latest bookings of each shipper, for all its clients.
#[derive(Default)]
pub(super) struct Board([Mutex<VecDeque<Arc<Shipment>>>; 2]);

impl Board {
    pub fn put_up(&self, shipment: &Arc<Shipment>) {
        if let Some(board) = self.0.get(shipment.shipper) {
            let mut board = board.lock().unwrap_or_else(PoisonError::into_inner);
            board.push_back(Arc::clone(shipment));
            if board.len() > SHARED {
                board.pop_front();
            }
        }
    }

    pub fn pick(&self, shipper: usize, number: u64) -> Option<Arc<Shipment>> {
        let mut board = self.0.get(shipper)?.lock().unwrap_or_else(PoisonError::into_inner);
        at(board.make_contiguous(), number).cloned()
    }
}
