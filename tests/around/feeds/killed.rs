use std::time::Duration;

use chrono::Utc;
use loadmaster_testkit::{Brake, Process, TestDatabase, World, WorldOptions, is_long, redis_url, until};
use tokio::process::Command;

use super::{at_run, ended, feeding, file, flights, made, row, runs_of, summary};

const FLIGHTS: usize = 2000;
/// Makes the feed due, and ends the lease of a process that is gone.
const DUE: &str = "update feeds set due_at = now() - interval '1 minute', lease_until = now() - interval '1 second'";

fn server(database: &TestDatabase) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadmaster"));
    command.env_clear().env("DATABASE_URL", database.served_url()).env("REDIS_URL", redis_url());
    command.env("LOADMASTER_TEST_TIMING", "brief").env("LOADMASTER_RATE_LIMIT__ENABLED", "false");
    command
}

/// How many flights leave at which hour.
async fn departures(world: &World) -> Vec<String> {
    let hours = "select count(*) || ' at ' || extract(hour from departure_at at time zone 'UTC')
                 from flights group by departure_at order by departure_at";
    world.texts(hours).await
}

/// Days from the clock of the world to a date that is ahead for the processes, too, which have the clock of the machine.
fn days_ahead(world: &World) -> i64 {
    (Utc::now() - world.now()).num_days().max(0) + 100
}

/// Over a second: two processes start.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_apply_that_is_killed_before_its_commit_changes_no_flight_and_the_next_process_ends_the_run() {
    let database = TestDatabase::light().await;
    let world: World = WorldOptions { with_workers: false, ..feeding() }.on(&database).start().await;
    let admin = world.admin().await;
    let feed = made(&admin, flights()).await;
    let days = days_ahead(&world);
    let rows: Vec<String> =
        (101..).take(20).map(|number| row(&world, &format!("AI{number}"), days, 1, "77X")).collect();
    let run = admin.post_raw(&runs_of(&feed), "text/csv", file(&rows)).await.expect(202);
    // Flights come before messages, at which the transaction stops.
    let brake = Brake::on(&database).await;
    let mut process = Process::of(server(&database), &[]).await;
    world.sql(DUE).await;
    let written = "select (count(*) > 0)::text from pg_locks f join pg_locks m using (pid)
                   where f.relation = 'flights'::regclass and f.mode = 'RowExclusiveLock'
                   and m.relation = 'outbox'::regclass and m.mode = 'RowExclusiveLock'
                   and f.database = (select oid from pg_database where datname = current_database())";
    until("the flights are written", async || world.texts(written).await == ["true"]).await;
    process.child.kill().await.unwrap();
    brake.release().await;
    until("the transaction is over", async || world.texts(written).await == ["false"]).await;
    assert_eq!(departures(&world).await, [""; 0]);
    assert_eq!(admin.get(&at_run(&run)).await.expect(200)["status"], "RUNNING");
    world.sql(DUE).await;
    let next = Process::of(server(&database), &[]).await;
    let run = ended(&admin, &run).await;
    drop(next);
    assert_eq!(summary(&run), "APPLIED 20 0 0 0 0 0 0");
    assert_eq!(departures(&world).await, ["20 at 1"]);
    world.audit().await;
}

/// A process is killed at whatever step it is at, and another one takes its place: `./test --long killed_amid_an_apply`.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_process_that_is_killed_amid_an_apply_changes_all_flights_or_none_and_the_next_ends_the_run() {
    if !is_long() {
        return;
    }
    let database = TestDatabase::light().await;
    // One that does no background work: it starts the runs.
    let world: World = WorldOptions { with_workers: false, ..feeding() }.on(&database).start().await;
    let admin = world.admin().await;
    let feed = made(&admin, flights()).await;
    let days = days_ahead(&world);
    let mut before = Vec::new();
    for hour in 1..=12_u32 {
        let rows: Vec<String> =
            (101..).take(FLIGHTS).map(|number| row(&world, &format!("AI{number}"), days, hour, "77X")).collect();
        let run = admin.post_raw(&runs_of(&feed), "text/csv", file(&rows)).await.expect(202);
        let after = vec![format!("{FLIGHTS} at {hour}")];
        let mut process = Process::of(server(&database), &[]).await;
        world.sql(DUE).await;
        tokio::time::sleep(Duration::from_millis(100 * u64::from(hour))).await;
        process.child.kill().await.unwrap();
        let kept = departures(&world).await;
        assert!(kept == before || kept == after, "killed after {} ms: {kept:?}", 100 * hour);
        // Nothing waits here until the lease is over.
        world.sql(DUE).await;
        let next = Process::of(server(&database), &[]).await;
        let run = ended(&admin, &run).await;
        drop(next);
        // Also if it was killed between its apply and its end.
        let expected = if hour == 1 { format!("APPLIED {FLIGHTS} 0") } else { format!("APPLIED 0 {FLIGHTS}") };
        assert_eq!(summary(&run), format!("{expected} 0 0 0 0 0"), "killed after {} ms", 100 * hour);
        assert_eq!(departures(&world).await, after);
        before = after;
    }
    world.audit().await;
}
