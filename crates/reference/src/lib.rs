//! Reference data of the trade: airports, cities, airlines, aircraft types, special handling codes, regions of countries. Decides
//! which codes exist, where airports lie, their local time, which airports a rule's scope covers, and what freight
//! emits. Seeded from `data/` by `loadmaster migrate`, kept by administrators, and
//! answered from memory.
mod dto;
mod emissions;
mod error;
mod factors;
mod fits;
mod follower;
mod hubs;
mod input;
mod keep;
mod kinds;
mod model;
mod openings;
mod place_set;
mod places;
mod punctuality;
mod region;
mod repository;
mod room;
mod router;
mod scope;
mod search;
mod seed;
mod service;
#[cfg(test)]
mod tests;
mod values;
mod written;

pub use emissions::{Carriage, EmissionBasis, EmissionLeg, EmissionMethod, Emissions};
pub use error::ReferenceError;
pub use factors::ClassFactors;
pub use fits::TooLarge;
pub use model::{Aircraft, Airline, Airport, Flown, REFERENCE};
pub use places::Place;
pub use punctuality::Punctuality;
pub use room::ROOM;
pub use scope::{Area, Scope};
pub use seed::{is_reference_data_loaded, load_reference_data};
pub use service::{Reference, Snapshot};
