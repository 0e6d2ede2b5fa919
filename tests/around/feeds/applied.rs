//! What a run applies by itself.
use chrono::TimeDelta;
use loadmaster_testkit::{
    NewFlight, World,
    freight::{each, order, text, with},
};
use serde_json::{Value, json};

use super::{FEEDS, at_run, feeding, flight_of, flights, made, row, rows, run, runs_of, schedule, summary};

#[tokio::test]
async fn a_file_is_applied_and_the_same_file_again_writes_nothing() {
    let world = World::with(feeding()).await;
    let (admin, operator, customer) = (world.admin().await, world.operator().await, world.customer().await);
    let feed = made(&admin, flights()).await;
    let first = run(&admin, &feed, &rows(&world, 3)).await;
    assert_eq!(summary(&first), "APPLIED 3 0 0 0 0 0 0");
    assert_eq!((&first["because"], &first["faults"]), (&Value::Null, &json!(0)));
    let flights = schedule(&operator).await;
    let shown = &flights[0]["feed"];
    assert_eq!((&shown["id"], &shown["is_kept"]), (&feed["id"], &json!(false)), "{flights:?}");
    let path = format!("/api/v1/flights/{}", text(&flights[0], "id"));
    assert_eq!(operator.get(&path).await.expect(200)["feed"], *shown);
    for stranger in [&customer, &world.anonymous()] {
        assert_eq!(stranger.get(&path).await.expect(200).get("feed"), None);
        assert!(schedule(stranger).await.iter().all(|flight| flight.get("feed").is_none()));
    }
    let written = "select flight_id || ' ' || seen_at from flight_feeds union all select id || ' ' || updated_at from flights
                   union all select 'events ' || count(*) from flight_events union all select 'acts ' || count(*) from admin_acts
                   where act = 'flights.imported' order by 1";
    let before = world.texts(written).await;
    let again = run(&admin, &feed, &rows(&world, 3)).await;
    assert_eq!(summary(&again), "UNCHANGED 0 0 3 0 0 0 0");
    assert_eq!(world.texts(written).await, before);
    let differences = admin.get(&format!("{}/differences", at_run(&first))).await.expect(200);
    assert_eq!(each(&differences, "effect"), ["NEW"; 3]);
    assert_eq!(differences[0]["to"]["aircraft_code"], "77X");
    let shown = operator.get(&format!("{FEEDS}/{}", text(&feed, "id"))).await.expect(200);
    assert!(shown["last_success_at"].is_string() && shown["next_run_at"].is_null(), "{shown}");
    assert_eq!(each(&operator.get(&runs_of(&feed)).await.expect(200), "status"), ["UNCHANGED", "APPLIED"]);
    world.audit().await;
}

#[tokio::test]
async fn a_flight_needs_no_aircraft() {
    let world = World::with(feeding()).await;
    let admin = world.admin().await;
    let feed = made(&admin, flights()).await;
    let without = row(&world, "AI101", 10, 10, "").replace(",,,,,", ",,500,,,");
    let first = run(&admin, &feed, std::slice::from_ref(&without)).await;
    assert_eq!(summary(&first), "APPLIED 1 0 0 0 0 0 0");
    let differences = admin.get(&format!("{}/differences", at_run(&first))).await.expect(200);
    let to = &differences[0]["to"];
    assert_eq!((&to["aircraft_code"], &to["weight_kg"], &to["positions"]), (&Value::Null, &json!(500), &json!(0)));
    assert_eq!((&differences[0]["from"], &differences[0]["was_cancelled"]), (&Value::Null, &json!(false)));
}

#[tokio::test]
async fn flights_that_were_there_before_become_those_of_the_feed_once() {
    let world = World::with(feeding()).await;
    let admin = world.admin().await;
    let by_hand = super::file(&rows(&world, 2));
    admin.post_raw("/api/v1/flights/import", "text/csv", by_hand).await.expect(200);
    let feed = made(&admin, flights()).await;
    assert_eq!(summary(&run(&admin, &feed, &rows(&world, 2)).await), "APPLIED 0 0 2 0 0 0 0");
    assert_eq!(flight_of(&admin, "AI101").await["feed"]["id"], feed["id"]);
    assert_eq!(summary(&run(&admin, &feed, &rows(&world, 2)).await), "UNCHANGED 0 0 2 0 0 0 0");
}

#[tokio::test]
async fn new_times_and_aircraft_reach_the_bookings() {
    let world = World::with(feeding()).await;
    let (admin, customer) = (world.admin().await, world.customer().await);
    let feed = made(&admin, flights()).await;
    run(&admin, &feed, &[row(&world, "AI101", 10, 10, "77X")]).await;
    let booking = customer.book(order(&[&flight_of(&admin, "AI101").await])).await;
    let later = run(&admin, &feed, &[row(&world, "AI101", 10, 12, "74Y")]).await;
    assert_eq!(summary(&later), "APPLIED 0 1 0 0 0 0 0", "two hours are not far");
    let flight = flight_of(&admin, "AI101").await;
    assert_eq!(flight["aircraft_code"], "74Y");
    let now = customer.get(&loadmaster_testkit::freight::path_of(&booking)).await.expect(200);
    assert_eq!(now["legs"][0]["departure_datetime"], flight["departure_datetime"]);
    let differences = admin.get(&format!("{}/differences", at_run(&later))).await.expect(200);
    let [from, to] = ["from", "to"].map(|member| differences[0][member]["aircraft_code"].clone());
    assert_eq!((from, to), (json!("77X"), json!("74Y")));
    world.audit().await;
}

#[tokio::test]
async fn absent_flights_stay_unless_the_feed_cancels_them_and_then_only_empty_ones_go() {
    let world = World::with(feeding()).await;
    let (admin, customer) = (world.admin().await, world.customer().await);
    let other = world.flight(NewFlight::new("AI900", "DEL", "LHR").leaves_in_hours(240)).await;
    let feed = made(&admin, flights()).await;
    let all = rows(&world, 20);
    run(&admin, &feed, &all).await;
    let booked = flight_of(&admin, "AI119").await;
    customer.book(order(&[&booked])).await;
    // The last two of twenty: not more than ten percent.
    let stay = run(&admin, &feed, &all[..18]).await;
    assert_eq!(summary(&stay), "UNCHANGED 0 0 18 0 2 0 0");
    assert_eq!(schedule(&admin).await.len(), 21);
    admin.patch(&super::at(&feed), json!({"cancels_absent": true})).await.expect(200);
    let gone = run(&admin, &feed, &all[..18]).await;
    assert_eq!(summary(&gone), "APPLIED 0 0 18 0 2 0 1");
    let cancelled = admin.get("/api/v1/flights?status=CANCELLED").await.expect(200);
    assert_eq!(each(&cancelled, "flight_number"), ["AI120"]);
    assert_eq!(flight_of(&admin, "AI119").await["id"], booked["id"], "one with freight is cancelled by no feed");
    assert_eq!(flight_of(&admin, "AI900").await["id"], other["id"], "one of no feed is none that it lacks");
    let differences = admin.get(&format!("{}/differences", at_run(&gone))).await.expect(200);
    assert_eq!(each(&differences, "effect"), ["ABSENT"; 2]);
    assert_eq!(each(&differences, "has_freight"), [&json!(false), &json!(true)]);
    let back = run(&admin, &feed, &all).await;
    assert_eq!(summary(&back), "APPLIED 1 0 19 0 0 0 0", "what comes back is there again");
    let again = with(flights(), json!({"name": "Another"}));
    admin.post(FEEDS, again).await.expect_problem(409, "already_exists");
    world.audit().await;
}

#[tokio::test]
async fn flights_that_have_left_are_not_absent_from_a_later_file_of_the_day() {
    let world = World::with(feeding()).await;
    let admin = world.admin().await;
    let feed = made(&admin, with(flights(), json!({"cancels_absent": true}))).await;
    let morning = row(&world, "AI100", 1, 1, "77X");
    let later: Vec<String> = (101..111).map(|number| row(&world, &format!("AI{number}"), 1, 10, "77X")).collect();
    let all: Vec<String> = std::iter::once(morning).chain(later.iter().cloned()).collect();
    assert_eq!(summary(&run(&admin, &feed, &all).await), "APPLIED 11 0 0 0 0 0 0");
    let tomorrow = (world.now().date_naive() + TimeDelta::days(1)).and_hms_opt(5, 0, 0).unwrap().and_utc();
    world.clock.advance(tomorrow - world.now());
    assert_eq!(summary(&run(&admin, &feed, &later).await), "UNCHANGED 0 0 10 0 0 0 0");
    let cancelled = admin.get("/api/v1/flights?status=CANCELLED").await.expect(200);
    assert_eq!(cancelled, json!([]));
}
