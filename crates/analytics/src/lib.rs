//! Reports about searches, bookings, flights and what became of quotes and holds. Decides what each figure counts, to which local
//! date it belongs, and whose figures a caller sees. It reads the tables of other rooms and writes none of them; its own ones have the
//! lanes that are searched most, and what is going on at stations.
mod dto;
mod model;
mod repository;
mod room;
mod router;
mod service;

pub use room::ROOM;
