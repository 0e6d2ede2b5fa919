//! Route search from one airport or city to another. Decides what a connection is, which options can be booked, why others
//! cannot, and their order. A search result never decides a booking.
//!
//! The flights that form routes are cached for a while (`cache`), serialized except for values that bookings change
//! (`prepared`); each answer adds their capacity and the results of the clock (`find`). Where nothing can be booked,
//! `alternatives` looks at the next days. `group` combines the routes of several origins, `merged` those between the airports
//! of cities. What callers ask for is counted (`counter`), without a word about them.
mod alternatives;
mod between;
mod bodies;
mod cache;
mod counted;
mod counter;
mod counting;
mod days;
#[cfg(test)]
mod dice;
mod dto;
mod error;
mod find;
mod follower;
mod group;
mod judge;
mod legs;
mod master;
mod merged;
mod metric;
mod model;
mod offer;
mod offered;
mod prepared;
mod pricer;
mod quota;
mod rank;
mod repeats;
mod repository;
mod room;
mod route_set;
mod router;
mod scan;
mod seen;
mod service;
mod spliced;
mod stored;
mod watched;
mod ways;

pub use alternatives::{Day, RouteQuery};
pub use error::SearchError;
pub use group::{GroupFreight, GroupOption, GroupQuery, GroupWay};
pub use model::{Candidates, Departing, Itinerary, Request};
pub use offer::Offer;
pub use room::ROOM;
pub use seen::Outcome;
pub use service::SearchService;
pub use watched::{BestOption, WatchedLane};
