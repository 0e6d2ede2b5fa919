//! The schedule: which flights exist, their best known times, and their capacity. Decides what makes a valid flight and
//! that a flight number leaves an airport once a day. Remaining capacity belongs to `capacity`.
mod audit;
mod chain;
mod change;
mod connections;
mod create;
mod dto;
mod error;
mod export;
mod find;
mod follower;
mod import;
mod known;
mod model;
mod network;
mod past;
mod repository;
mod room;
mod route_table;
mod router;
mod routes;
mod save;
mod service;

pub use audit::replay;
pub use chain::{chain_fault, in_order};
pub use connections::ConnectionRules;
pub use dto::{ChangeFlight, FlightBody, FlightFilter, MOST_BOOKINGS, each_once};
pub use error::{FlightError, code};
pub use import::{Imported, Timetable};
pub use model::{
    Connections, Flight, FlightEventType, Lane, NetworkVersion, NewFlight, Segment, is_connection,
    replay::{FlightData, RebuiltFlight},
    space_of,
};
pub use network::Network;
pub use room::ROOM;
pub use router::REVALIDATE;
pub use save::{find_all_in_tx, find_in_tx, save_in_tx};
pub use service::FlightService;
