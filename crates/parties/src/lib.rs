//! What organizations keep for their next bookings: address books of shippers and consignees, and booking templates. Decides who
//! sees an entry, and how many there may be. A booking copies what it takes: later changes of an entry do not reach it.
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
