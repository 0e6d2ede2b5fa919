//! The schedule: which flights there are, when they leave and land by the best knowledge, and what they may carry.
//! Decides what makes a valid flight and that a flight number leaves an airport once a day. How much room is left is
//! `capacity`'s.
mod audit;
mod change;
mod create;
mod dto;
mod error;
mod find;
mod follower;
mod import;
mod model;
mod network;
mod repository;
mod room;
mod router;
mod routes;
mod save;

pub use audit::replay;
pub use dto::{ChangeFlight, FlightBody, FlightFilter, ImportBody, MOST_BOOKINGS, each_once};
pub use error::FlightError;
pub use find::FlightService;
pub use import::{ImportSummary, Imported, Timetable};
pub use model::{Flight, FlightEventType, NewFlight, replay::RebuiltFlight, space_of};
pub use network::{Network, Standing, Stretch};
pub use room::ROOM;
pub use router::REVALIDATE;
pub use save::{find_all_in_tx, find_in_tx, save_in_tx};
