//! Prices: who keeps their rules, what quotes say, and where a change is in effect.
mod auditing;
mod defaults;
mod elsewhere;
mod faults;
mod importing;
mod keeping;
mod listing;
mod quoting;
mod sales;
mod searching;
mod sizes;

use loadmaster_testkit::{Client, World};

async fn guest(world: &World) -> Client {
    world.caller(loadmaster_accounts::Role::Guest).await
}
