//! What the tests stand on. Servers are started by `./test`, which says where they are in `LOADMASTER_TEST_OWNER_URL` and
//! `LOADMASTER_TEST_REDIS_URL`.
#![allow(dead_code, reason = "each test uses a part of it")]
#![allow(unused_imports, reason = "each test uses a part of it")]
mod client;
mod database;
mod dice;
pub mod freight;
mod gate;
mod logs;
mod own_redis;
mod process;
mod raw;
mod readings;
mod watch;
mod world;

pub use client::{Answer, Client};
pub use database::{SCHEDULES, TestDatabase, redis_url, start_of_time};
pub use dice::Dice;
pub use gate::Gate;
use loadmaster::platform::leases::Term;
pub use own_redis::OwnRedis;
pub use process::Process;
pub use raw::{connect, connect_from, exchange, is_closed, read_answer};
pub use readings::Readings;
use std::time::Duration;

/// A term of leases that a test can wait for, and that is still longer than a busy machine lets anything wait.
pub const BRIEF_TERM: Term =
    Term { beat: Duration::from_millis(500), sure: Duration::from_secs(5), silence: Duration::from_secs(6) };

/// Whether the long tests are wanted, and the others at their full length (`./test --long`).
pub fn is_long() -> bool {
    std::env::var_os("LOADMASTER_TEST_LONG").is_some_and(|value| !value.is_empty())
}

/// How often something is tried: enough each time, and far more often when there is time.
pub fn rounds(usual: usize, long: usize) -> usize {
    if is_long() { long } else { usual }
}

pub use watch::{Watch, until};
pub use world::{NewFlight, Starting, World, WorldOptions, breaches};
