//! Reference data of the trade: airports, airlines, aircraft types, special handling codes, regions of countries. Decides
//! which codes exist, where airports lie, their local time, and which airports a rule's scope covers. Seeded from `data/` by `loadmaster migrate`, kept by administrators, and
//! answered from memory.
mod dto;
mod error;
mod follower;
mod hubs;
mod input;
mod keep;
mod kinds;
mod model;
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

pub use error::ReferenceError;
pub use model::{Aircraft, Airline, Airport, Flown, REFERENCE};
pub use punctuality::Punctuality;
pub use room::ROOM;
pub use scope::{Area, Scope};
pub use seed::{is_reference_data_loaded, load_reference_data};
pub use service::Reference;
