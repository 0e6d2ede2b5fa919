//! Processes that die amid deliveries.
use std::collections::BTreeMap;

use loadmaster_testkit::{
    Client, NewFlight, Process, TestDatabase, World, WorldOptions, freight::order, is_long, redis_url, until,
};
use serde_json::json;
use tokio::process::Command;

use super::{
    colleagues,
    receiver::{Mode, Receiver},
    sending, webhook_to,
};

fn server(database: &TestDatabase) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadmaster"));
    command.env_clear().env("DATABASE_URL", database.served_url()).env("REDIS_URL", redis_url());
    command.env("LOADMASTER_TEST_TIMING", "brief").env("LOADMASTER_WEBHOOKS__TRUSTED_NETWORKS", "127.0.0.0/8");
    command.env("LOADMASTER_RATE_LIMIT__ENABLED", "false");
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_missing_when_processes_are_killed_amid_deliveries() {
    if !is_long() {
        return;
    }
    let database = TestDatabase::light().await;
    // One that does no background work: it makes accounts and flights.
    let world: World = WorldOptions { with_workers: false, ..sending() }.on(&database).start().await;
    let (operator, customer) = colleagues(&world).await;
    let flight =
        world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(1_000_000.0).leaves_in_hours(24 * 365)).await;
    let receiver = Receiver::start(Mode::Status(200)).await;
    let webhook = webhook_to(&operator, &receiver, json!({})).await;
    let mut expected = BTreeMap::new();
    for round in 0..8 {
        let process = Process::of(server(&database), &[]).await;
        let before = receiver.count();
        for _ in 0..20 {
            let booking = customer.book(order(&[&flight])).await;
            expected.insert(booking["ref_id"].as_str().unwrap().to_owned(), 1_u64);
        }
        until("deliveries are under way", async || receiver.count() > before + round % 3).await;
        drop(process);
    }
    let process = Process::of(server(&database), &[]).await;
    let client = Client::anonymous(&process.base).with_token(operator.token.as_deref().unwrap());
    until("all have come", async || {
        let mut got = BTreeMap::new();
        for received in receiver.received() {
            got.insert(received.subject(), received.sequence());
        }
        got == expected
    })
    .await;
    until("all is recorded", async || super::shown(&client, &webhook).await["waiting"] == 0).await;
    drop(process);
    super::counts_agree(&world).await;
    world.audit().await;
}
