//! Loadmaster: an air-cargo booking and tracking engine that never oversells a flight.
//!
//! The house has storeys, each a crate or several below `crates`, in the order of the workspace's members: a crate leans on
//! those before it.
//!
//! * `kernel` speaks the trade's words: weights, airports, flight numbers, typed ids, which can only be made valid.
//! * `platform` is technique: the database and its one `begin`, how we speak HTTP, settings, clocks, private servers.
//! * The rooms, one per capability, each with the same furniture: accounts and reference data at the bottom, then capacity,
//!   flights, search, bookings, tracking.
//! * [`app`] knows every room: it builds them, serves them and takes them down.
//! * [`cli`] is what is typed: `loadmaster serve`, `migrate`, `demo` and the rest.
pub mod app;
pub mod cli;
