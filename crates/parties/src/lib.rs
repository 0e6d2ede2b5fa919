//! Address books: the shippers and consignees that an organization keeps for its next bookings. Decides who sees a party, and
//! how many there may be. A booking copies what it takes: later changes of a party do not reach it.
mod dto;
mod erase;
mod error;
mod model;
mod repository;
mod room;
mod router;
mod service;
mod write;

pub use room::ROOM;
