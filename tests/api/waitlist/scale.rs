//! How soon many are served. Times are told, and not asserted: `./test --long crowd_waits`.
use std::time::{Duration, Instant};

use loadmaster::features::accounts::Role;
use serde_json::{Value, json};
use sqlx::Executor;
use uuid::Uuid;

use super::{WAITLIST, wanted};
use crate::{
    flight_verbs::path_to,
    holds::{HOLDS, hold_on},
    support::{
        NewFlight, World, WorldOptions,
        freight::{order, text, with},
        is_long,
    },
};

const WAITERS: usize = 10_000;

/// Those who wait for a flight of a tonne that is full.
struct Crowd {
    /// The first so many need all of the flight.
    large: usize,
    /// What each of the rest needs.
    light: usize,
    leaves_in_hours: i64,
}

impl Crowd {
    /// Has room of this weight cancelled, and waits until this many have offers. Returns their places in the order.
    async fn served(self, what: &str, freed: usize, offers: usize) -> Vec<usize> {
        let world = World::start().await;
        let flight = NewFlight::new("AI101", "DEL", "LHR").weight(1000.0).leaves_in_hours(self.leaves_in_hours);
        let flight = world.flight(flight).await;
        let (user, organization) = (Uuid::new_v4(), Uuid::new_v4());
        let holder = world.caller_in(Role::Customer, user, organization).await;
        holder.book(with(order(&[&flight]), json!({ "weight_kg": 1000 - freed }))).await;
        let booking = holder.book(with(order(&[&flight]), json!({ "weight_kg": freed }))).await;
        let fill = include_str!("waiters.sql")
            .replace(":waiters", &WAITERS.to_string())
            .replace(":large", &self.large.to_string())
            .replace(":heavy", "10000")
            .replace(":light", &(self.light * 10).to_string())
            .replace(":flight", text(&flight, "id"))
            .replace(":organization", &organization.to_string())
            .replace(":user", &user.to_string());
        world.database.owner().await.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(fill))).await.unwrap();
        let serving = WorldOptions::working().on(&world.database).start().await;
        // The first look of a server is over.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let began = Instant::now();
        holder.walk(&booking, &["cancel"]).await;
        println!("{what}: cancelled after {:?}", began.elapsed());
        let offered = "select (row_number() over (order by rank))::text || ' ' || status from waitlist_entries";
        let mut served = Vec::new();
        while served.len() < offers {
            assert!(began.elapsed() < Duration::from_mins(1), "only {served:?} have offers");
            tokio::time::sleep(Duration::from_millis(10)).await;
            let count = world.texts("select count(*)::text from waitlist_entries where status = 'OFFERED'").await;
            if served.is_empty() && count[0] != "0" {
                println!("{what}: the first offer after {:?}", began.elapsed());
            }
            served = (0..count[0].parse().unwrap()).collect();
        }
        println!("{what}: {offers} offers after {:?}", began.elapsed());
        let page = Instant::now();
        holder.get(&format!("{WAITLIST}?limit=100&status=WAITING")).await.expect(200);
        println!("{what}: a page of 100 entries after {:?}", page.elapsed());
        let all = world.texts(offered).await;
        world.audit().await;
        serving.shutdown().await;
        all.iter().filter_map(|entry| entry.strip_suffix(" OFFERED")?.parse().ok()).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_crowd_waits_the_first_that_fits_the_shortest() {
    if !is_long() {
        return;
    }
    let crowd = Crowd { large: WAITERS - 10, light: 100, leaves_in_hours: 200 };
    assert_eq!(crowd.served("the first that fits", 100, 1).await, [WAITERS - 9]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_crowd_waits_nobody_of_the_first_fifty_that_fit() {
    if !is_long() {
        return;
    }
    let crowd = Crowd { large: 0, light: 10, leaves_in_hours: 200 };
    assert_eq!(crowd.served("the first fifty", 500, 50).await, (1..=50).collect::<Vec<_>>());
    // In the last hours nothing is kept for the large ones before them.
    let crowd = Crowd { large: WAITERS - 60, light: 10, leaves_in_hours: 20 };
    let last: Vec<_> = (WAITERS - 59..=WAITERS - 10).collect();
    assert_eq!(crowd.served("the last fifty", 500, 50).await, last);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_crowd_waits_for_a_flight_that_is_cancelled() {
    if !is_long() {
        return;
    }
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(1000.0).leaves_in_hours(200)).await;
    let operator = world.operator().await;
    for _ in 0..1000 {
        let wish = with(hold_on(&[&flight]), json!({ "weight_kg": 1, "volume_m3": 1 }));
        operator.post(HOLDS, wish).await.expect(201);
    }
    for _ in 0..1000 {
        operator.post(WAITLIST, wanted(&flight, 1.0)).await.expect(201);
    }
    let serving = WorldOptions::working().on(&world.database).start().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let began = Instant::now();
    world.admin().await.poke(&format!("{}/cancel", path_to(&flight))).await.expect(200);
    println!("the flight is cancelled after {:?}", began.elapsed());
    let is_done = "select (select count(*) from holds where status <> 'RELEASED')
                       || ' ' || (select count(*) from waitlist_entries where status <> 'CANCELLED')
                       || ' ' || held_weight_hg || ' ' || waiting from flight_capacity";
    while world.texts(is_done).await != ["0 0 0 0"] {
        assert!(began.elapsed() < Duration::from_mins(1), "{:?}", world.texts(is_done).await);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    println!("nobody holds or waits after {:?}", began.elapsed());
    let first: Value = operator.get(&format!("{HOLDS}?limit=1")).await.expect(200)[0].clone();
    assert_eq!(text(&first, "end_reason"), "FLIGHT_CANCELLED");
    world.audit().await;
    serving.shutdown().await;
}
