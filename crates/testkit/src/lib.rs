//! What the integration tests stand on: a world for each test, callers, private servers, and helpers by capability. Servers are
//! started by `./test`, which says where they are in `LOADMASTER_TEST_OWNER_URL` and `LOADMASTER_TEST_REDIS_URL`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests fail by panicking"
)]
#![allow(
    clippy::missing_panics_doc,
    clippy::needless_pass_by_value,
    clippy::new_without_default,
    clippy::return_self_not_must_use,
    reason = "tests read as one story each"
)]
pub mod amending;
pub mod bad_input;
pub mod billing;
mod brake;
pub mod certificates;
pub mod claims;
mod client;
pub mod command;
pub mod crowds;
mod database;
mod dice;
pub mod embargoes;
pub mod emissions;
mod events;
pub mod flight_verbs;
pub mod freight;
mod gate;
pub mod holds;
pub mod import;
pub mod jobs;
pub mod letters;
pub mod listening;
pub mod locks;
pub mod logs;
mod network;
pub mod notifications;
pub mod own_postgres;
mod own_redis;
pub mod parties;
pub mod payments;
pub mod pricing;
mod process;
mod raw;
mod readings;
mod record;
pub mod redis_servers;
pub mod reference;
mod smtp;
pub mod standby;
mod statements;
pub mod stations;
mod tls;
pub mod told;
pub mod waitlist;
mod watch;
pub mod workbook;
mod world;

pub use brake::Brake;
pub use client::{Answer, Client};
pub use database::{SCHEDULES, TestDatabase, pooler, redis_url, start_of_time};
pub use dice::Dice;
pub use events::{Events, Told};
pub use gate::Gate;
pub use network::TestNetwork;
pub use own_redis::OwnRedis;
pub use process::{Process, own_host, program};
pub use raw::{connect, connect_from, exchange, is_closed, read_answer};
pub use readings::Readings;
pub use record::keep_no_record;
pub use smtp::{SmtpFault, SmtpServer, SmtpStep, TakenMail};
pub use tls::{Encrypted, TlsFiles, shown};
pub use watch::{SOON, Watch, sum_of, until, until_blocked, until_it_follows};
pub use world::{NewFlight, Starting, World, WorldOptions, breaches, breaches_in};

/// Whether the long tests are wanted, and the others at their full length (`./test --long`).
pub fn is_long() -> bool {
    std::env::var_os("LOADMASTER_TEST_LONG").is_some_and(|value| !value.is_empty())
}

/// How often something is tried: enough each time, and far more often when there is time.
pub fn rounds(usual: usize, long: usize) -> usize {
    if is_long() { long } else { usual }
}
