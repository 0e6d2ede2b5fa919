//! A flight with more bookings than one transaction takes makes its step at once, and the bookings follow: in small
//! transactions that can be interrupted anywhere, while the books stay right and nothing gets on or off.
use std::time::{Duration, Instant};

use loadmaster_testkit::{
    Client, NewFlight, World, WorldOptions,
    crowds::{STEPS, go_on, interrupt_after, refuse_after, until_followed, until_interrupted},
    flight_verbs::{act, flight_now, path_to},
    freight::{each, order, path_of, text},
    is_long, until,
};
use serde_json::{Value, json};
use sqlx::Executor;

/// A world where a transaction takes five bookings, and a flight with this number of bookings.
async fn crowded(bookings: usize) -> (World, Value, Vec<Value>) {
    let world = WorldOptions::patient().with_workers().set("booking.moved_at_once", "5").start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(100_000.0)).await;
    let customer = world.customer().await;
    let mut all = Vec::new();
    for _ in 0..bookings {
        all.push(customer.book(order(&[&flight])).await);
    }
    (world, flight, all)
}

async fn now(client: &Client, booking: &Value) -> Value {
    client.get(&path_of(booking)).await.expect(200)
}

#[tokio::test]
async fn a_crowded_flight_departs_at_once_and_its_bookings_follow_after_an_interruption() {
    let (world, flight, bookings) = crowded(12).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    interrupt_after(&world, 1).await;
    let gone = json!([{"ref_id": bookings[0]["ref_id"], "reason": "NO_SHOW"}]);
    let departed = act(&operator, &flight, "depart", json!({"left_behind": gone})).await.expect(200);
    assert_eq!((&departed["bookings_changed"], &departed["bookings_pending"]), (&json!(1), &json!(11)));
    assert_eq!(departed["left_behind"], gone);
    assert_eq!(departed["flight"]["status"], "DEPARTED");
    until_interrupted(&world).await;
    assert_eq!(world.count("booking_legs where status = 'DEPARTED'").await, 5);
    assert_eq!(world.count("booking_legs where status = 'BOOKED'").await, 6);
    world.audit_and_rebuild().await;

    // In between: nobody gets on, what waits cannot be changed behind the flight's back, and the flight waits, too.
    customer.post("/api/v1/bookings", order(&[&flight])).await.expect_problem(409, "flight_closed");
    let staff = world.admin().await;
    let waiting: Vec<&Value> = bookings.iter().skip(6).collect();
    let path = path_of(waiting[0]);
    for (verb, body) in [("depart", json!({})), ("cancel", json!({}))] {
        let refused = staff.post(&format!("{path}/{verb}"), body).await;
        assert_eq!(refused.header("retry-after"), Some("1"));
        refused.expect_problem(409, "booking_locked");
    }
    staff.patch(&path, json!({"pieces": 3})).await.expect_problem(409, "booking_locked");
    staff.patch(&path, json!({"description": "Mangoes"})).await.expect(200);
    assert_eq!(now(&staff, waiting[0]).await["status"], "BOOKED");
    let refused = act(&staff, &flight, "arrive", json!({})).await;
    assert_eq!(refused.header("retry-after"), Some("5"));
    refused.expect_problem(503, "unavailable");
    let later = json!({"arrival_datetime": "2026-11-21T20:00:00Z"});
    staff.patch(&path_to(&flight), later).await.expect_problem(503, "unavailable");
    world.audit_and_rebuild().await;

    go_on(&world).await;
    assert_eq!(world.count("booking_legs where status = 'DEPARTED'").await, 11);
    assert_eq!(world.count("booking_events where event_type = 'DEPARTED'").await, 11);
    assert_eq!(
        world.count("(select distinct occurred_at from booking_events where event_type = 'DEPARTED') e").await,
        1
    );
    world.audit_and_rebuild().await;
    let landed = act(&staff, &flight, "arrive", json!({})).await.expect(200);
    assert_eq!(landed["bookings_pending"], 11);
    until_followed(&world).await;
    assert_eq!(world.count("booking_legs where status = 'ARRIVED'").await, 11);
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn bookings_follow_as_soon_as_a_database_that_could_not_work_does() {
    let (world, flight, _) = crowded(12).await;
    // Its disk is full.
    refuse_after(&world, 1, "53100").await;
    act(&world.operator().await, &flight, "depart", json!({})).await.expect(200);
    until("it was tried in vain twice", async || {
        world.texts("select last_value::text from interruptions").await[0].parse::<i64>().unwrap() >= 3
    })
    .await;
    assert_eq!(world.count("jobs where last_error is not null").await, 0, "a failed job would wait for half a minute");
    world.sql("drop trigger interrupt on flight_steps").await;
    until_followed(&world).await;
    assert_eq!(world.count("booking_legs where status = 'DEPARTED'").await, 12);
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn another_process_finishes_what_one_that_is_gone_has_begun() {
    let (world, flight, _) = crowded(12).await;
    interrupt_after(&world, 1).await;
    act(&world.operator().await, &flight, "depart", json!({})).await.expect(200);
    until_interrupted(&world).await;
    let database = world.database.clone();
    world.sql("drop trigger interrupt on flight_steps").await;
    world.shutdown().await;
    let next = WorldOptions::patient().with_workers().set("booking.moved_at_once", "5").on(&database).start().await;
    next.sql("update jobs set run_at = now()").await;
    until_followed(&next).await;
    assert_eq!(next.count("booking_legs where status = 'DEPARTED'").await, 12);
    next.audit_and_rebuild().await;
}

#[tokio::test]
async fn a_crowded_flight_is_cancelled_and_each_booking_gives_its_space_back_once() {
    let (world, flight, bookings) = crowded(13).await;
    let (operator, admin) = (world.operator().await, world.admin().await);
    interrupt_after(&world, 1).await;
    let lost = act(&admin, &flight, "cancel", json!({"reason": "Fog"})).await.expect(200);
    assert_eq!((&lost["bookings_changed"], &lost["bookings_pending"]), (&json!(0), &json!(13)));
    until_interrupted(&world).await;
    assert_eq!(world.available(&flight).await["weight_kg"], 100_000 - 800);
    // One that is waiting is cancelled by itself: its room is given back by that, and not again.
    let path = path_of(&bookings[12]);
    operator.poke(&format!("{path}/depart")).await.expect_problem(409, "flight_cancelled");
    operator.patch(&path, json!({"pieces": 3})).await.expect_problem(409, "booking_locked");
    operator.poke(&format!("{path}/cancel")).await.expect(200);
    world.audit_and_rebuild().await;
    go_on(&world).await;
    assert_eq!(world.available(&flight).await["weight_kg"], 100_000);
    assert_eq!(world.count("booking_legs where status = 'CANCELLED'").await, 12);
    assert_eq!(world.count("booking_event_notes where notes = 'Fog'").await, 12);
    assert_eq!(world.count("bookings where needs_rerouting").await, 12);
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn new_times_reach_a_crowd_and_newer_ones_overtake_them() {
    let (world, flight, bookings) = crowded(12).await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    interrupt_after(&world, 1).await;
    let at = |hour: u32| {
        json!({"departure_datetime": format!("2026-11-21T{hour:02}:00:00Z"),
                                 "arrival_datetime": format!("2026-11-21T{:02}:00:00Z", hour + 4)})
    };
    admin.patch(&path_to(&flight), at(9)).await.expect(200);
    until_interrupted(&world).await;
    let at_nine = "booking_legs where departure_at = '2026-11-21T09:00:00Z'";
    assert_eq!(world.count(at_nine).await, 5);
    // The flight is still open.
    let late = customer.book(order(&[&flight])).await;
    assert_eq!(late["legs"][0]["departure_datetime"], "2026-11-21T09:00:00Z");
    act(&admin, &flight, "depart", json!({})).await.expect_problem(503, "unavailable");
    let gone = json!({"offload": [bookings[11]["ref_id"]]});
    let again = loadmaster_testkit::freight::with(at(10), gone);
    admin.patch(&path_to(&flight), again).await.expect(200);
    world.audit_and_rebuild().await;
    go_on(&world).await;
    assert_eq!(world.count("booking_legs where departure_at = '2026-11-21T10:00:00Z'").await, 12);
    assert_eq!(now(&admin, &bookings[11]).await["legs"][0]["status"], "OFFLOADED");
    assert_eq!(world.count("booking_events where event_type = 'FLIGHT_RETIMED'").await, 5 + 12);
    assert_eq!(flight_now(&admin, &flight).await["departure_datetime"], "2026-11-21T10:00:00Z");
    world.audit_and_rebuild().await;
}

/// A crowd from DEL to LHR, and the last of it goes on to JFK.
async fn crowd_with_a_connection(to_lhr: usize, onward: usize) -> (World, [Value; 2], Value) {
    let (world, first, _) = crowded(to_lhr).await;
    let second = world.flight(NewFlight::new("BA175", "LHR", "JFK").leaves_in_hours(32).weight(100_000.0)).await;
    let customer = world.customer().await;
    for _ in 0..onward {
        customer.book(order(&[&second])).await;
    }
    let connecting = customer.book(order(&[&first, &second])).await;
    (world, [first, second], connecting)
}

#[tokio::test]
async fn bookings_landed_with_a_crowd_are_neither_left_behind_nor_cancelled_while_pending() {
    let (world, [first, second], connecting) = crowd_with_a_connection(11, 1).await;
    let (admin, path) = (world.admin().await, path_of(&connecting));
    act(&admin, &first, "depart", json!({})).await.expect(200);
    until_followed(&world).await;
    interrupt_after(&world, 1).await;
    act(&admin, &first, "arrive", json!({})).await.expect(200);
    until_interrupted(&world).await;
    assert_eq!(now(&admin, &connecting).await["status"], "DEPARTED");
    let refused = act(&admin, &second, "depart", json!({})).await;
    assert_eq!(refused.header("retry-after"), Some("5"));
    refused.expect_problem(503, "unavailable");
    admin.poke(&format!("{path}/cancel")).await.expect_problem(409, "booking_locked");
    go_on(&world).await;
    admin.poke(&format!("{path}/cancel")).await.expect_problem(409, "invalid_transition");
    let departed = act(&admin, &second, "depart", json!({})).await.expect(200);
    assert_eq!((&departed["bookings_changed"], &departed["left_behind"]), (&json!(2), &json!([])));
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn a_booking_that_lands_after_a_crowded_departure_is_not_on_that_flight() {
    let (world, [first, second], connecting) = crowd_with_a_connection(0, 12).await;
    let operator = world.operator().await;
    act(&operator, &first, "depart", json!({})).await.expect(200);
    interrupt_after(&world, 1).await;
    act(&operator, &second, "depart", json!({})).await.expect(200);
    until_interrupted(&world).await;
    world.clock.advance(chrono::TimeDelta::minutes(1));
    act(&operator, &first, "arrive", json!({})).await.expect(200);
    go_on(&world).await;
    let left = now(&operator, &connecting).await;
    assert_eq!((&left["status"], &left["legs"][1]["offload_reason"]), (&json!("ARRIVED"), &json!("MISSED_CONNECTION")));
    assert_eq!(world.count("booking_legs where status = 'DEPARTED'").await, 12);
    world.audit_and_rebuild().await;
}

// Two seconds: twelve hundred transactions.
#[tokio::test]
async fn new_times_of_more_flights_than_are_looked_up_at_once_reach_them_all() {
    let (world, flight, _) = crowded(1).await;
    let copies = |table: &str, key: &str| {
        format!(
            "insert into {table} select (jsonb_populate_record(t, jsonb_build_object('{key}', md5(n::text)::uuid{}))).*
             from {table} t cross join generate_series(1, 1200) n where t.{key} = '{}'",
            if table == "flights" { ", 'scheduled_date', t.scheduled_date + n" } else { "" },
            text(&flight, "id"),
        )
    };
    let mut owner = world.database.owner().await;
    for sql in [
        copies("flights", "id"),
        copies("flight_capacity", "flight_id"),
        "insert into flight_steps (flight_id, step, created_at) select id, 'RETIME', now() from flights".to_owned(),
    ] {
        owner.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(sql))).await.unwrap();
    }
    world.state().background.run_now(STEPS).await.unwrap();
    until_followed(&world).await;
}

#[tokio::test]
async fn only_flights_that_have_bookings_are_waited_for_after_new_times() {
    let (world, flight, _) = crowded(7).await;
    let empty = world.flight(NewFlight::new("AI103", "DEL", "LHR")).await;
    interrupt_after(&world, 0).await;
    let rows = ["AI101", "AI103"]
        .map(|number| format!("{number},DEL,LHR,2026-11-21T09:00:00Z,2026-11-21T13:00:00Z,,100000,1000,10,\n"));
    let header = "flight_number,origin,destination,departure_datetime,arrival_datetime,aircraft_code,weight_kg,volume_m3,\
                  positions,cutoff_minutes\n";
    let admin = world.admin().await;
    let import = admin.request(reqwest::Method::POST, "/api/v1/flights/import").header("content-type", "text/csv");
    let done = loadmaster_testkit::Answer::of(import.body(format!("{header}{}", rows.concat()))).await.expect(200);
    assert_eq!(done["updated"], 2, "{done}");
    assert_eq!(world.texts("select flight_id::text from flight_steps").await, [text(&flight, "id")]);
    act(&admin, &empty, "depart", json!({})).await.expect(200);
}

#[tokio::test]
async fn the_answer_to_a_crowded_step_is_repeated_as_it_was() {
    let (world, flight, _) = crowded(7).await;
    let operator = world.operator().await;
    let depart = async || {
        let request = operator.request(reqwest::Method::POST, &format!("{}/depart", path_to(&flight)));
        loadmaster_testkit::Answer::of(request.header("idempotency-key", "once")).await.expect(200)
    };
    let first = depart().await;
    assert_eq!(first["bookings_pending"], 7);
    until_followed(&world).await;
    assert_eq!(depart().await, first);
    world.audit().await;
}

#[tokio::test]
async fn a_step_of_few_bookings_has_nothing_pending() {
    let (world, flight, bookings) = crowded(5).await;
    let departed = act(&world.operator().await, &flight, "depart", json!({})).await.expect(200);
    assert_eq!(departed["bookings_changed"], bookings.len());
    assert!(departed.get("bookings_pending").is_none());
    assert_eq!(world.count("flight_steps").await, 0);
}

#[tokio::test]
async fn a_manifest_is_shown_a_page_at_a_time_with_its_totals_whole() {
    let (world, flight, bookings) = crowded(12).await;
    let operator = world.operator().await;
    let mut references: Vec<&str> = bookings.iter().map(|booking| text(booking, "ref_id")).collect();
    references.sort_unstable();
    let (mut shown, mut next) = (Vec::new(), Some(format!("{}/manifest?limit=5", path_to(&flight))));
    while let Some(path) = next {
        let page = operator.get(&path).await;
        next = page
            .header("link")
            .map(|link| link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").expect(link).to_owned());
        let page = page.expect(200);
        assert_eq!((&page["totals"]["bookings"], &page["totals"]["weight_kg"]), (&json!(12), &json!(1200)));
        shown.extend(
            each(&page["bookings"], "ref_id").into_iter().map(|reference| reference.as_str().unwrap().to_owned()),
        );
    }
    assert_eq!(shown, references);
    for query in ["limit=0", "offset=1"] {
        operator.get(&format!("{}/manifest?{query}", path_to(&flight))).await.expect_faults();
    }
    let forged = operator.get(&format!("{}/manifest?cursor=x", path_to(&flight))).await;
    forged.expect_problem(400, "invalid_cursor");
}

/// The process's memory at its peak, in megabytes.
#[cfg(target_os = "linux")]
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

// Minutes: 250 000 bookings depart, land, are retimed and lose their flight.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg(target_os = "linux")]
async fn a_flight_with_a_quarter_of_a_million_bookings_makes_its_steps() {
    if !is_long() {
        return;
    }
    let bookings: u32 = std::env::var("LOADMASTER_TEST_CROWD").map_or(250_000, |many| many.parse().unwrap());
    let (world, flight) = filled(bookings).await;
    let (operator, admin) = (world.operator().await, world.admin().await);
    let before = peak();
    let later = json!({"departure_datetime": "2026-11-21T09:00:00Z", "arrival_datetime": "2026-11-21T13:00:00Z"});
    let began = Instant::now();
    admin.patch(&path_to(&flight), later).await.expect(200);
    followed(&world, "retimed", began).await;
    assert_eq!(world.count("booking_events where event_type = 'FLIGHT_RETIMED'").await, bookings as usize);
    for (verb, status) in [("depart", "DEPARTED"), ("arrive", "ARRIVED")] {
        let began = Instant::now();
        let done = act(&operator, &flight, verb, json!({})).await.expect(200);
        assert_eq!(done["bookings_pending"], bookings);
        followed(&world, verb, began).await;
        assert_eq!(world.count(&format!("booking_legs where status = '{status}'")).await, bookings as usize);
    }
    let page = operator.get(&format!("{}/manifest", path_to(&flight))).await.expect(200);
    assert_eq!((&page["totals"]["bookings"], page["bookings"].as_array().unwrap().len()), (&json!(bookings), 1000));
    world.audit_and_rebuild().await;
    println!("{before} MB before, {} MB at the peak", peak());
    assert!(peak() < before + 300, "{before} MB, then {} MB", peak());

    let (world, flight) = filled(bookings).await;
    let began = Instant::now();
    let lost = act(&world.admin().await, &flight, "cancel", json!({})).await.expect(200);
    assert_eq!(lost["bookings_pending"], bookings);
    followed(&world, "cancel", began).await;
    assert_eq!(world.available(&flight).await["weight_kg"], 1_000_000);
    world.audit_and_rebuild().await;
    println!("{before} MB before, {} MB at the peak", peak());
    assert!(peak() < before + 300, "{before} MB, then {} MB", peak());
}

/// A flight with this number of bookings, written behind the API.
async fn filled(bookings: u32) -> (World, Value) {
    let world = World::working().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(1e6).volume(1e6)).await;
    let mut owner = world.database.owner().await;
    owner.execute("set session_replication_role = replica").await.unwrap();
    let fill = include_str!("crowd.sql").replace(":aboard", &bookings.to_string());
    let fill = fill.replace(":flight", text(&flight, "id"));
    owner.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(fill))).await.unwrap();
    (world, flight)
}

/// Waits until all bookings have followed; says how long the answer and all of it took.
async fn followed(world: &World, step: &str, began: Instant) {
    let answered = began.elapsed();
    while world.count("flight_steps").await > 0 {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    println!("{step}: answered after {answered:?}, done after {:?}", began.elapsed());
    assert!(answered < Duration::from_secs(8), "{answered:?}");
}
