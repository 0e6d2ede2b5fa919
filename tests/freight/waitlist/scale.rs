//! How soon many are served. Times are told, and not asserted: `./test --long crowd_waits`.
use std::time::{Duration, Instant};

use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Client, NewFlight, World, WorldOptions,
    flight_verbs::path_to,
    freight::{order, text, with},
    holds::{HOLDS, hold_on},
    is_long,
    waitlist::{WAITLIST, at, wanted},
};
use serde_json::{Value, json};
use sqlx::Executor;
use uuid::Uuid;

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
        let mut served = 0;
        while served < offers {
            assert!(began.elapsed() < Duration::from_mins(1), "only {served} have offers");
            tokio::time::sleep(Duration::from_millis(10)).await;
            let count = world.count("waitlist_entries where status = 'OFFERED'").await;
            if served == 0 && count != 0 {
                println!("{what}: the first offer after {:?}", began.elapsed());
            }
            served = count;
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
async fn the_first_fifty_of_a_crowd_that_fit_do_not_wait() {
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

/// Flights that are nearly full, for each of which one waits who does not fit.
const AWAITED: usize = 2_500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entries_of_a_crowd_on_many_flights_do_not_wait_for_each_other() {
    if !is_long() {
        return;
    }
    let world = World::start().await;
    let (operator, mut flights) = (world.operator().await, Vec::new());
    for number in 0..AWAITED {
        let new = NewFlight::new(&format!("AI{}", 1000 + number), "DEL", "LHR").weight(1000.0).leaves_in_hours(200);
        let flight = world.flight(new).await;
        let booking = operator.book(with(order(&[&flight]), json!({ "weight_kg": 900 }))).await;
        let entry = operator.post(WAITLIST, wanted(&flight, 500.0)).await.expect(201);
        flights.push((booking, entry));
    }
    let serving = WorldOptions::working().on(&world.database).start().await;
    let mut longest = Duration::ZERO;
    // From the first moment of the first sweep to the next one.
    for (booking, entry) in flights.iter().step_by(AWAITED / 40) {
        let waited = waits_for_offer(&operator, operator.walk(booking, &["cancel"]), entry).await;
        longest = longest.max(waited);
        tokio::time::sleep(Duration::from_millis(800)).await;
    }
    println!("{AWAITED} awaited flights: the longest of 40 waits for an offer took {longest:?}");
    world.audit().await;
    serving.shutdown().await;
}

/// Frees room, and returns the time until the entry has an offer.
async fn waits_for_offer(operator: &Client, freeing: impl Future<Output = Value>, entry: &Value) -> Duration {
    let began = Instant::now();
    freeing.await;
    while text(&operator.get(&at(entry)).await.expect(200), "status") != "OFFERED" {
        assert!(began.elapsed() < Duration::from_mins(1), "no offer comes");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    began.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_crowd_over_three_flights_waits_the_last_as_short_as_the_first() {
    if !is_long() {
        return;
    }
    let world = World::start().await;
    let operator = world.operator().await;
    let (mut flights, mut holds) = (Vec::new(), Vec::new());
    for (number, origin, destination, hours) in
        [("AI101", "DEL", "BOM", 200), ("AI102", "BOM", "LHR", 208), ("AI103", "LHR", "JFK", 220)]
    {
        let flight =
            world.flight(NewFlight::new(number, origin, destination).weight(100.0).leaves_in_hours(hours)).await;
        holds.push(operator.hold(hold_on(&[&flight])).await);
        flights.push(flight);
    }
    // On each flight room is kept for one, and sixty wait for all of them, or two.
    for flight in &flights {
        operator.post(WAITLIST, wanted(flight, 50.0)).await.expect(201);
    }
    world.sql("update waitlist_entries set passed_over = 3").await;
    for number in 0..60 {
        let ids: Vec<&Value> =
            [&flights[..], &flights[..2], &flights[1..]][number % 3].iter().map(|f| &f["id"]).collect();
        operator.post(WAITLIST, json!({ "flight_ids": ids, "weight_kg": 10 })).await.expect(201);
    }
    let last = operator.post(WAITLIST, wanted(&flights[0], 20.0)).await.expect(201);
    let serving = WorldOptions::working().on(&world.database).start().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    for hold in &holds[1..] {
        operator.patch(&loadmaster_testkit::holds::at(hold), json!({ "weight_kg": 80 })).await.expect(200);
    }
    // Of the hundred, fifty go to the first of the flight; nobody over several flights gets any.
    let freeing = async { operator.delete(&loadmaster_testkit::holds::at(&holds[0])).await.expect(200) };
    let waited = waits_for_offer(&operator, freeing, &last).await;
    println!("60 entries over three flights: the offer behind them after {waited:?}");
    world.audit().await;
    serving.shutdown().await;
}
