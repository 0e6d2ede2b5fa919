//! Who waits for space on flights that are full, and who gets what others give back. Decides the order, offers space as a
//! hold to the first that fits, and keeps space for some hours for those who were passed over too often. Space that becomes free is set aside by
//! `capacity`; an offer is a hold, and becomes a booking as every hold does.
mod audit;
mod choose;
mod dto;
mod error;
mod join;
mod matcher;
mod metric;
mod model;
mod offer;
mod order;
mod pass;
mod repository;
mod room;
mod router;
mod service;
mod settle;
mod sweep;
mod widen;

pub use model::WAITLIST;
pub use room::ROOM;
