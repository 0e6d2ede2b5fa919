//! A standby that answers reads, coming and going under load.
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::support::{Customer, Installation, Postgres, Redis, Sandbox, Torture, is_long, until};

async fn answered_by(server: &str, base: &str) -> u64 {
    let metrics = reqwest::get(format!("{base}/metrics")).await.unwrap().text().await.unwrap();
    let begin = format!("loadmaster_replica_reads_total{{server=\"{server}\"}} ");
    metrics.lines().find_map(|line| line.strip_prefix(&begin)).map_or(0, |count| count.parse().unwrap())
}

/// Books at one instance and lists at the other at once, which must show the booking. Returns how often.
fn book_and_list(customer: Customer, flight: String, bases: [String; 2], stop: CancellationToken) -> JoinHandle<usize> {
    tokio::spawn(async move {
        let mut times = 0;
        while !stop.is_cancelled() {
            let (here, there) = (&bases[times % 2], &bases[(times + 1) % 2]);
            let reference = customer.book(here, &flight, &format!("key-{times}")).await.unwrap().reference();
            let listed = customer.get(there, "/api/v1/bookings").await.unwrap().expect(200);
            let is_there = listed.as_array().unwrap().iter().any(|booking| booking["ref_id"] == reference.as_str());
            assert!(is_there, "booking {reference}, the {times}th, is not in the list of the other instance");
            times += 1;
        }
        times
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_do_not_notice_that_a_standby_that_answers_reads_is_killed_or_silent() {
    if !is_long() {
        return;
    }
    let sandbox = Sandbox::create();
    let primary = Postgres::create(&sandbox, "primary", &[]);
    let mut standby = Postgres::standby_of(&primary, &sandbox, "standby");
    let redis = Redis::start(&sandbox);
    let (owner, app) = (primary.url("loadmaster"), primary.url("loadmaster_app"));
    let installation = Installation::new(&sandbox, owner, app, Some(redis.url()));
    installation.migrate();
    let reading = installation.clone().set(&format!("database.read_url={}", standby.url("loadmaster_app")));
    let staff = reading.administrator();
    let (first, second) = (reading.serve(&sandbox, "first"), reading.serve(&sandbox, "second"));
    let bases = [first.base.as_str(), second.base.as_str()];
    let torture = Torture::start(&sandbox, &installation, &staff, &bases, 45);
    let customer = Customer::register(bases[0], "reader").await;
    let flight = Customer::log_in(bases[0], &staff).await.roomy_flight(bases[0], "AI903", 48).await;
    let stop = CancellationToken::new();
    let reading_on = book_and_list(customer, flight, bases.map(str::to_owned), stop.clone());
    let pause = |seconds| tokio::time::sleep(Duration::from_secs(seconds));
    pause(10).await;
    let before = answered_by("replica", bases[0]).await;
    assert!(before > 0, "the standby answers");
    standby.kill();
    pause(6).await;
    standby.start();
    pause(8).await;
    let between = answered_by("replica", bases[0]).await;
    assert!(between > before, "it answers again");
    standby.freeze();
    pause(6).await;
    standby.thaw();
    stop.cancel();
    println!("{} bookings were listed by the other instance at once", reading_on.await.unwrap());
    torture.finish();
    let booked = primary.sql("select count(*) from bookings");
    until("the standby has caught up", || standby.sql("select count(*) from bookings") == booked);
    assert!(answered_by("primary", bases[0]).await > 0, "the primary answered meanwhile");
    reading.audit();
}
