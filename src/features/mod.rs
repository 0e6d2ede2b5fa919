//! The rooms, one per capability: storey by storey, lowest first, with a blank line between two storeys. A room uses rooms of
//! lower storeys only. A line here is all that a new room needs outside its folder: `build.rs` reads this file for
//! `app::rooms`, which registers each room's `ROOM`, and `tests/architecture.rs` for the storeys.
pub mod accounts;

pub mod reference;

pub mod capacity;

pub mod flights;

pub mod embargoes;
pub mod pricing;

pub mod payments;
pub mod search;

pub mod holds;

pub mod bookings;

pub mod allotments;
pub mod operations;
pub mod tracking;
pub mod waitlist;

pub mod admin;
pub mod analytics;
pub mod live;
pub mod webhooks;

pub mod notifications;

pub mod privacy;
