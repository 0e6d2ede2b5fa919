//! Space that an organization has on every flight of a kind. Decides on which flights, and until when; keeps it there as
//! holds of `holds`, which also lets the organization's bookings and holds draw from it. Only this room makes and ends
//! such a hold before its time. See `docs/allotments.md`.
mod audit;
mod change;
mod dto;
mod error;
mod keep;
mod keeper;
mod metric;
mod model;
mod repository;
mod room;
mod router;
mod service;

pub use room::ROOM;
