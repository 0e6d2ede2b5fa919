//! What lanes cost over time. Decides which lanes are asked when, and keeps what an anonymous caller is offered on them: each
//! answer that differs from the one before, and the sums of each day. From these come the history of a lane, whether its
//! price of now is low or high, and how long before a departure it is lowest.
mod demo;
mod dto;
mod error;
mod metric;
mod model;
mod reference;
mod repository;
mod room;
mod router;
mod sample;
mod service;
mod typical;

pub use error::RateError;
pub use reference::{ReferenceError, ReferenceRates, import_reference_in_tx};
pub use room::ROOM;
pub use service::RateService;
