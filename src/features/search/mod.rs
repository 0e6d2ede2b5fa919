//! Which ways there are from one airport to another. Decides what a connection is, which options can be booked, why
//! others cannot, and in which order they are told. What it shows never decides a booking.
mod dto;
mod error;
mod model;
mod router;
mod service;

pub use error::SearchError;
pub use model::{Connections, Itinerary, Request, Stretch, is_connection};
pub use router::router;
pub use service::{Departing, SearchService};
