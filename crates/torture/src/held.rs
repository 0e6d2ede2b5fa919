//! The holds and entries of the waitlist that clients know, in the state that they saw last.
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{operation::Actor, random::choose, schedule::Season};

/// Holds and entries that all clients share.
const SHARED: usize = 60;
/// The shortest and the longest time, in seconds, for which clients hold space.
pub(super) const TTL_SECONDS: (u64, u64) = (10, 14);

#[derive(Debug, Clone, Default)]
pub(super) struct HoldState {
    pub version: u64,
    pub flights: Vec<String>,
    is_over: bool,
}

pub(super) struct Hold {
    pub id: String,
    pub owner: Actor,
    pub season: Arc<Season>,
    /// The sectors it uses, see [`Season::itinerary`].
    pub route: u64,
    made: Instant,
    state: Mutex<HoldState>,
}

impl Hold {
    pub fn new(id: String, owner: Actor, season: Arc<Season>, route: u64) -> Self {
        Self { id, owner, season, route, made: Instant::now(), state: Mutex::default() }
    }

    pub fn state(&self) -> HoldState {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes in an answer; one that is older than the state changes nothing.
    pub fn update(&self, hold: &Value) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let version = hold["version"].as_u64().unwrap_or_default();
        if version >= state.version && !state.is_over {
            let flights = hold["flight_ids"].as_array().into_iter().flatten();
            let flights = flights.filter_map(|flight| flight.as_str().map(str::to_owned)).collect();
            *state = HoldState { version, flights, is_over: hold["status"] != "ACTIVE" };
        }
    }

    pub fn end(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).is_over = true;
    }

    /// Whether it has ended, or was made so long ago that it has probably expired.
    pub fn is_over(&self) -> bool {
        self.state().is_over || self.made.elapsed() > Duration::from_secs(2 * TTL_SECONDS.1)
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct EntryState {
    pub version: u64,
    pub status: String,
}

/// An entry of the waitlist.
pub(super) struct Entry {
    pub id: String,
    pub shipper: usize,
    pub season: Arc<Season>,
    pub route: u64,
    state: Mutex<EntryState>,
}

impl Entry {
    pub fn new(id: String, shipper: usize, season: Arc<Season>, route: u64) -> Self {
        Self { id, shipper, season, route, state: Mutex::default() }
    }

    pub fn state(&self) -> EntryState {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn update(&self, entry: &Value) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let version = entry["version"].as_u64().unwrap_or_default();
        if version >= state.version {
            *state = EntryState { version, status: entry["status"].as_str().unwrap_or_default().to_owned() };
        }
    }

    pub fn is_over(&self) -> bool {
        matches!(self.state().status.as_str(), "BOOKED" | "DECLINED" | "EXPIRED" | "CANCELLED")
    }
}

/// The latest of them, shared by all clients.
pub(super) struct Shared<T>(Mutex<VecDeque<Arc<T>>>);

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Shared<T> {
    pub fn add(&self, new: &Arc<T>) {
        let mut list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        list.push_back(Arc::clone(new));
        if list.len() > SHARED {
            list.pop_front();
        }
    }

    /// Picks one by its number, after leaving out those that are over.
    pub fn pick(&self, number: u64, is_over: impl Fn(&T) -> bool) -> Option<Arc<T>> {
        let mut list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // One that is over is asked for now and then, too.
        if !number.is_multiple_of(8) {
            list.retain(|one| !is_over(one));
        }
        choose(list.make_contiguous(), number / 8).cloned()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_older_answer_changes_nothing_and_what_is_over_is_left_out() {
        let season = Arc::new(Season::default());
        let hold = Arc::new(Hold::new("h".to_owned(), Actor::Staff, season, 0));
        hold.update(&json!({"version": 2, "status": "ACTIVE", "flight_ids": ["f"]}));
        hold.update(&json!({"version": 1, "status": "ACTIVE", "flight_ids": ["g"]}));
        assert_eq!((hold.state().version, hold.state().flights), (2, vec!["f".to_owned()]));
        let shared = Shared::default();
        shared.add(&hold);
        assert!(shared.pick(1, Hold::is_over).is_some());
        hold.end();
        assert!(shared.pick(8, Hold::is_over).is_some());
        assert!(shared.pick(1, Hold::is_over).is_none());
    }
}
