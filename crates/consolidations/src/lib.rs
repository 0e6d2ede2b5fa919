//! Consolidations: parts of several organizations that travel to one destination, as one master from each origin. Decides who
//! joins, who reads and changes what, and which parts make a master; the desk of `bookings` holds, books, amends and cancels
//! masters, as ordinary holds and bookings of the owner's organization.
mod amend;
mod audit;
mod book;
mod cancel;
mod costs;
mod dto;
mod erase;
mod error;
mod hold;
mod model;
mod record;
mod release;
mod repository;
mod room;
mod router;
mod search;
mod service;
mod write;

pub use model::{CONSOLIDATION, INVITATION};
pub use room::ROOM;
