//! The schedule: which flights exist, their best known times, and their capacity. Decides what makes a valid flight and
//! that a flight number leaves an airport once a day. Remaining capacity belongs to `capacity`.
mod aboard;
mod audit;
mod board;
mod chain;
mod change;
mod connections;
mod create;
mod dates;
mod departures;
mod dto;
mod error;
mod export;
mod feed;
mod find;
mod follower;
mod import;
mod known;
mod loading;
mod metric;
mod model;
mod network;
mod past;
mod punctuality;
mod repository;
mod room;
mod route_table;
mod router;
mod routes;
mod save;
mod season;
mod service;
mod timetable;
mod typical;
mod window;
mod written;

pub use aboard::FreightAboard;
pub use audit::replay;
pub use board::Board;
pub use chain::{chain_fault, in_order};
pub use connections::ConnectionRules;
pub use departures::{Departure, Departures, between};
pub use dto::{ChangeFlight, FlightBody, FlightFilter, MOST_BOOKINGS, each_once};
pub use error::{FlightError, code};
pub use feed::{forget_feed_in_tx, keep_from_feeds_in_tx};
pub use model::{
    Connections, Flight, FlightAnchor, FlightEventType, FlightFeed, Lane, NetworkVersion, NewFlight, Segment,
    is_connection, is_in_time,
    replay::{FlightData, RebuiltFlight},
    space_of,
};
pub use network::{Network, Scope};
pub use room::ROOM;
pub use router::REVALIDATE;
pub use save::{find_all_in_tx, find_in_tx, save_in_tx};
pub use season::{
    AbsentFlight, DaysOfOperation, Differences, Effect, FarFlight, FeedDifferences, FeedEffect, FeedRule, Followed,
    Group, LocalTime, Season, Terms,
};
pub use service::FlightService;
pub use timetable::{ImportListener, ImportProgress, ImportStep, Imported, Timetable};
pub use typical::{TypicalRate, TypicalRates};
pub use window::Window;
