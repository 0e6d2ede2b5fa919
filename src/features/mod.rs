//! The rooms, one per capability. `tests/architecture.rs` holds their storeys and the one rule.
pub mod accounts;
pub mod bookings;
pub mod capacity;
pub mod flights;
pub mod operations;
pub mod privacy;
pub mod reference;
pub mod search;
pub mod tracking;
