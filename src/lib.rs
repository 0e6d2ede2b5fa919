//! Loadmaster: an air-cargo booking and tracking engine that never oversells a flight.
//!
//! The house has storeys, and one rule: a room leans only on lower storeys, and only through the other room's front door
//! (its `mod.rs`). `tests/architecture.rs` holds it.
//!
//! * [`kernel`] speaks the trade's words: weights, airports, flight numbers, typed ids, which can only be made valid.
//! * [`platform`] is technique: the database and its one `begin`, how we speak HTTP, settings, clocks, private servers.
//! * [`features`] are the rooms, one per capability, each with the same furniture: accounts and reference data at the
//!   bottom, then capacity, flights, search, bookings, tracking.
//! * [`app`] knows every room: it builds them, serves them and takes them down.
//! * [`cli`] is what is typed: `loadmaster serve`, `migrate`, `demo` and the rest.
pub mod app;
pub mod cli;
pub mod features;
pub mod kernel;
pub mod platform;
