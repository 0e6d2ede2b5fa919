//! Stations: what an airport says about the acceptance and delivery of freight. Decides what a station may say, who keeps it, and by
//! when freight must be delivered before a departure (`acceptance`). Every airport has a station; one without content has no row.
mod acceptance;
mod collections;
mod dto;
mod erase;
mod error;
mod hours;
mod illustrate;
mod input;
mod keep;
mod model;
mod moderate;
mod picture;
mod repository;
mod room;
mod router;
mod service;
mod snapshot;
mod table;
mod tags;
mod tip;
mod tip_dto;

pub use acceptance::{Acceptances, LeadTime};
pub use room::ROOM;
pub use service::StationService;
