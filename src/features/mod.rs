//! The rooms, one per capability. `tests/architecture.rs` holds their storeys and the one rule.
pub mod accounts;
pub mod capacity;
pub mod flights;
pub mod reference;
