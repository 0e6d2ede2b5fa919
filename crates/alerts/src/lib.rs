//! Alerts on a lane: a price that falls, or space for freight that finds none. Decides whether an alert is true by the search
//! of its organization, when that counts as a crossing, and when somebody is informed of it.
mod dto;
mod erase;
mod error;
mod follower;
mod judge;
mod metric;
mod model;
mod repository;
mod room;
mod router;
mod service;
mod work;
mod write;

pub use model::{ALERT, AlertKind};
pub use room::ROOM;
