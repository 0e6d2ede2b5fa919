//! Loadmaster: an air-cargo booking and tracking engine that never oversells a flight.
pub mod features;
pub mod kernel;
pub mod platform;
