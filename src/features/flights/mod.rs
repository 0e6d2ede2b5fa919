//! The schedule: which flights there are, when they leave and land by the best knowledge, and what they may carry.
//! Decides what makes a valid flight and that a flight number leaves an airport once a day. How much room is left is
//! `capacity`'s.
mod create;
pub mod demo;
mod dto;
mod error;
mod find;
mod import;
mod model;
mod repository;
mod router;
mod routes;

pub use dto::FlightBody;
pub use error::FlightError;
pub use find::{FlightFilter, FlightService};
pub use import::ImportSummary;
pub use model::{Flight, NewFlight};
pub use router::{import_router, router};
