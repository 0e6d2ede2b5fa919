//! What happens, as it happens: streams of server-sent events about a flight, a shipment, or all messages. Decides who may
//! follow what, what a stream begins with, what somebody missed who comes back, and when a stream ends. It writes nothing:
//! it follows the outbox, and shows what the tables then say.
mod audience;
mod bookings;
mod described;
mod dto;
mod error;
mod filter;
mod flights;
mod groups;
mod messages;
mod metric;
mod room;
mod router;
mod service;
mod ticket;

pub use room::ROOM;
