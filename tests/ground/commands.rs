//! The binary itself, run as a process with an environment that is given in full.
mod accounts;
mod data;
mod doctor;
mod erasing;
mod large_season;
mod logs;
mod people;
mod restored;
mod schedules;
mod serving;
mod settings;
mod signing_keys;
mod zoneinfo;

use loadmaster_testkit::{
    TestDatabase,
    command::{Done, loadmaster},
};

async fn run(database: &TestDatabase, arguments: &[&str]) -> Done {
    loadmaster(arguments).on(database).run().await
}
