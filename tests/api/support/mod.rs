//! What the tests stand on. Servers are started by `./test`, which says where they are in `LOADMASTER_TEST_OWNER_URL` and
//! `LOADMASTER_TEST_REDIS_URL`.
#![allow(dead_code, reason = "each test uses a part of it")]
#![allow(unused_imports, reason = "each test uses a part of it")]
mod client;
mod database;
mod dice;
pub mod freight;
mod own_redis;
mod raw;
mod readings;
mod watch;
mod world;

pub use client::{Answer, Client};
pub use database::{TestDatabase, redis_url, start_of_time};
pub use dice::Dice;
pub use own_redis::OwnRedis;
pub use raw::exchange;
pub use readings::Readings;
pub use watch::{Watch, until};
pub use world::{NewFlight, Starting, World, WorldOptions};
