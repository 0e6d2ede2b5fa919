//! Which ways there are from one airport to another. Decides what a connection is, which options can be booked, why
//! others cannot, and in which order they are told. What it shows never decides a booking.
//!
//! The flights that make ways are kept for a while (`cache`), written but for what bookings change (`prepared`); how much
//! room they have and what the clock says is added to each answer (`find`).
mod cache;
mod dto;
mod error;
mod find;
mod metric;
mod model;
mod prepared;
mod room;
mod router;
mod service;
mod spliced;
mod stored;

pub use error::SearchError;
pub use model::{Departing, Itinerary, Request};
pub use room::ROOM;
pub use service::SearchService;
