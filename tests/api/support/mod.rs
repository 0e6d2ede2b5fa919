//! What the tests stand on. Servers are started by `./test`, which says where they are in `LOADMASTER_TEST_OWNER_URL` and
//! `LOADMASTER_TEST_REDIS_URL`.
#![allow(dead_code, reason = "each test uses a part of it")]
#![allow(unused_imports, reason = "each test uses a part of it")]
mod brake;
pub mod certificates;
mod client;
mod database;
mod dice;
mod events;
pub mod freight;
mod gate;
pub mod logs;
mod network;
pub mod own_postgres;
mod own_redis;
mod process;
mod raw;
mod readings;
mod record;
pub mod redis_servers;
mod smtp;
pub mod standby;
mod tls;
pub mod told;
mod watch;
mod world;

pub use brake::Brake;
pub use client::{Answer, Client};
pub use database::{SCHEDULES, TestDatabase, pooler, redis_url, start_of_time};
pub use dice::Dice;
pub use events::{Events, Told};
pub use gate::Gate;
pub use network::TestNetwork;
pub use own_redis::OwnRedis;
pub use process::{Process, own_host};
pub use raw::{connect, connect_from, exchange, is_closed, read_answer};
pub use readings::Readings;
pub use smtp::{SmtpFault, SmtpServer, SmtpStep, TakenMail};
pub use tls::{Encrypted, TlsFiles, shown};

/// Whether the long tests are wanted, and the others at their full length (`./test --long`).
pub fn is_long() -> bool {
    std::env::var_os("LOADMASTER_TEST_LONG").is_some_and(|value| !value.is_empty())
}

/// How often something is tried: enough each time, and far more often when there is time.
pub fn rounds(usual: usize, long: usize) -> usize {
    if is_long() { long } else { usual }
}

pub use watch::{SOON, Watch, sum_of, until, until_blocked, until_it_follows};
pub use world::{NewFlight, Starting, World, WorldOptions, breaches, breaches_in};
