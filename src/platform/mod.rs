//! Technique shared by the rooms: the database, the web, clocks, settings. Knows no room.
pub mod audit;
pub mod clock;
pub mod embedded;
pub mod jobs;
pub mod leases;
pub mod outbox;
pub mod postgres;
pub mod random;
pub mod redis;
pub mod rights;
pub mod secrets;
pub mod settings;
pub mod tally;
pub mod tasks;
pub mod telemetry;
pub mod web;
