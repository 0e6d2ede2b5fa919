//! The carrier's steps on flights and their effect on the shipments aboard: departing, arriving, cancelling, changing
//! and importing flights, and the manifest. Decides which step of a flight may follow which and in which order flight
//! and bookings change; owns the transaction in which they do: one for all, unless there are too many bookings for one.
mod arrive;
mod cancel;
mod change;
mod depart;
mod described;
mod dto;
mod error;
mod feed;
mod held;
mod import;
mod metric;
mod model;
mod preview;
mod repository;
mod room;
mod router;
mod season;
mod service;
mod unfinished;

pub use error::OperationError;
pub use feed::FeedApplied;
pub use room::ROOM;
pub use service::OperationService;
