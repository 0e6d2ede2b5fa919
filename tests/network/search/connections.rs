//! What makes two flights a connection.
use loadmaster_testkit::{NewFlight, World, WorldOptions};
use serde_json::json;
use uuid::Uuid;

use super::{direct, from_bombay, names, ranked, search, search_for, to_bombay, transit};

const NONE: [&str; 0] = [];

#[tokio::test]
async fn a_connection_takes_two_hours_at_least() {
    let world = World::working().await;
    world.flight(to_bombay("AI1")).await;
    world.flight(from_bombay("AI2", "13:59")).await;
    world.flight(from_bombay("AI3", "14:00")).await;
    world.flight(from_bombay("AI4", "14:01")).await;
    let found = search(&world, "DEL", "LHR", "2026-11-21").await;
    assert_eq!(transit(&found), ["AI1+AI3", "AI1+AI4"]);
    assert_eq!(found["transit_routes"][0]["connection_minutes"], json!([120]));
    assert_eq!(found["transit_routes"][1]["connection_minutes"], json!([121]));
}

#[tokio::test]
async fn the_minimum_is_a_setting_that_single_airports_may_override() {
    let settings = WorldOptions::working()
        .set("search.min_connection_minutes", "60")
        .set("search.connection_minutes_by_airport", "BOM=180,FRA=0");
    let world = settings.start().await;
    world.flight(to_bombay("AI1")).await;
    world.flight(from_bombay("AI2", "14:59")).await;
    world.flight(from_bombay("AI3", "15:00")).await;
    // Dubai has no rule of its own, Frankfurt needs no time at all.
    world.flight(NewFlight::new("EK1", "DEL", "DXB").departs("2026-11-21T04:00:00Z").takes_minutes(240)).await;
    world.flight(NewFlight::new("EK2", "DXB", "LHR").departs("2026-11-21T08:59:00Z")).await;
    world.flight(NewFlight::new("EK3", "DXB", "LHR").departs("2026-11-21T09:00:00Z").takes_minutes(600)).await;
    world.flight(NewFlight::new("LH1", "DEL", "FRA").departs("2026-11-21T04:00:00Z").takes_minutes(480)).await;
    world.flight(NewFlight::new("LH2", "FRA", "LHR").departs("2026-11-21T12:00:00Z").takes_minutes(960)).await;
    let found = search(&world, "DEL", "LHR", "2026-11-21").await;
    assert_eq!(transit(&found), ["EK1+EK3", "AI1+AI3", "LH1+LH2"]);
}

#[tokio::test]
async fn a_flight_that_goes_on_under_its_number_needs_no_minimum() {
    let world = World::working().await;
    world.flight(to_bombay("AI101")).await;
    world.flight(from_bombay("AI101", "12:00")).await;
    assert_eq!(transit(&search(&world, "DEL", "LHR", "2026-11-21").await), ["AI101+AI101"]);

    world.flight(to_bombay("AI202")).await;
    world.flight(from_bombay("AI202", "11:59")).await;
    let found = search(&world, "DEL", "LHR", "2026-11-21").await;
    assert_eq!(
        transit(&found),
        ["AI101+AI101"],
        "it leaves before it has come, and 0 minutes are too few for AI202+AI101"
    );
}

#[tokio::test]
async fn the_next_leg_leaves_by_the_end_of_the_day_after_in_the_connecting_airports_time() {
    let world = World::working().await;
    // The last minute of 22 November there, and the first of the 23rd.
    let airports = [("BOM", "+05:30"), ("CXI", "+14:00"), ("PPG", "-11:00"), ("JFK", "-05:00")];
    for (index, (via, offset)) in airports.into_iter().enumerate() {
        let number = |n: usize| format!("AI{index}{n}").replace("AI0", "AI9");
        let inbound = NewFlight::new(&number(1), "DEL", via).departs("2026-11-21T00:30:00+05:30");
        world.flight(inbound.takes_minutes(600)).await;
        for (n, local) in [(2, "2026-11-22T23:59:00"), (3, "2026-11-23T00:00:00"), (4, "2026-11-23T00:01:00")] {
            world.flight(NewFlight::new(&number(n), via, "LHR").departs(&format!("{local}{offset}"))).await;
        }
        let found = ranked(&world, "origin=DEL&destination=LHR&departure_date=2026-11-21").await;
        let via_here: Vec<_> = names(&found).into_iter().filter(|name| name.starts_with(&number(1))).collect();
        assert_eq!(via_here, [format!("{}+{}", number(1), number(2))], "{via}");
    }
}

#[tokio::test]
async fn the_day_after_is_counted_from_the_departure_date_and_not_from_the_landing() {
    let world = World::working().await;
    // It leaves Delhi late on the 21st and lands on the 22nd: the 23rd is too late.
    let late = NewFlight::new("AI1", "DEL", "BOM").departs("2026-11-21T23:30:00+05:30").takes_minutes(150);
    world.flight(late).await;
    world.flight(NewFlight::new("AI2", "BOM", "LHR").departs("2026-11-22T23:59:00+05:30")).await;
    world.flight(NewFlight::new("AI3", "BOM", "LHR").departs("2026-11-23T00:30:00+05:30")).await;
    assert_eq!(transit(&search(&world, "DEL", "LHR", "2026-11-21").await), ["AI1+AI2"]);
}

#[tokio::test]
async fn a_night_in_which_the_connecting_airports_clocks_change_ends_at_its_own_midnight() {
    let world = World::working().await;
    // London's 31 October 2027 lasts 25 hours: it ends at 24:00Z, where the 30th ended at 23:00Z.
    world.flight(NewFlight::new("BA1", "DEL", "LHR").departs("2027-10-30T06:00:00Z").takes_minutes(540)).await;
    world.flight(NewFlight::new("BA2", "LHR", "JFK").departs("2027-10-31T23:59:00Z")).await;
    world.flight(NewFlight::new("BA3", "LHR", "JFK").departs("2027-11-01T00:00:00Z")).await;
    assert_eq!(transit(&search(&world, "DEL", "JFK", "2027-10-30").await), ["BA1+BA2"]);
}

#[tokio::test]
async fn only_scheduled_flights_are_offered() {
    // Rows are changed behind the API: nothing is kept.
    let world = WorldOptions::working().set("search.cache_ttl_seconds", "0").start().await;
    let mut flights = vec![world.flight(NewFlight::new("AI9", "DEL", "LHR").departs("2026-11-21T02:00:00Z")).await];
    flights.push(world.flight(to_bombay("AI1")).await);
    flights.push(world.flight(from_bombay("AI2", "15:00")).await);
    let mut owner = world.database.owner().await;
    for flight in &flights {
        let id: Uuid = flight["id"].as_str().unwrap().parse().unwrap();
        for status in ["DEPARTED", "ARRIVED", "CANCELLED", "SCHEDULED"] {
            sqlx::query("update flight_capacity set status = $2 where flight_id = $1")
                .bind(id)
                .bind(status)
                .execute(&mut owner)
                .await
                .unwrap();
            let found = search(&world, "DEL", "LHR", "2026-11-21").await;
            let (expected_direct, expected_transit) = match (flight["flight_number"].as_str().unwrap(), status) {
                (_, "SCHEDULED") => (1, 1),
                ("AI9", _) => (0, 1),
                _ => (1, 0),
            };
            assert_eq!(direct(&found).len(), expected_direct, "{status} {flight}");
            assert_eq!(transit(&found).len(), expected_transit, "{status} {flight}");
        }
    }
}

#[tokio::test]
async fn no_airport_is_met_twice() {
    let world = World::working().await;
    world.flight(to_bombay("AI1")).await;
    world.flight(NewFlight::new("AI2", "BOM", "DEL").departs("2026-11-21T15:00:00+05:30")).await;
    world.flight(NewFlight::new("AI3", "DEL", "LHR").departs("2026-11-22T09:00:00+05:30")).await;
    world.flight(NewFlight::new("AI4", "LHR", "BOM").departs("2026-11-21T12:00:00Z")).await;
    let found = search(&world, "DEL", "LHR", "2026-11-21").await;
    assert_eq!((direct(&found), transit(&found)), (vec![], vec![]));
}

#[tokio::test]
async fn max_stops_zero_leaves_direct_flights_alone() {
    let world = World::working().await;
    world.flight(to_bombay("AI1")).await;
    world.flight(from_bombay("AI2", "15:00")).await;
    world.flight(NewFlight::new("AI9", "DEL", "LHR").departs("2026-11-21T02:00:00Z")).await;
    for (stops, connecting) in [(0, vec![]), (1, vec!["AI1+AI2"])] {
        let found = search_for(&world, "DEL", "LHR", "2026-11-21", json!({"max_stops": stops})).await;
        assert_eq!(direct(&found), ["AI9"]);
        assert_eq!(transit(&found), connecting);
        let query = format!("origin=DEL&destination=LHR&departure_date=2026-11-21&max_stops={stops}");
        assert_eq!(names(&ranked(&world, &query).await).len(), 1 + connecting.len());
    }
}

#[tokio::test]
async fn an_installation_may_offer_direct_flights_only() {
    let world = WorldOptions::working().set("search.max_stops", "0").start().await;
    world.flight(to_bombay("AI1")).await;
    world.flight(from_bombay("AI2", "15:00")).await;
    assert_eq!(transit(&search(&world, "DEL", "LHR", "2026-11-21").await), NONE);
}

#[tokio::test]
async fn a_retimed_first_leg_keeps_or_loses_its_connection() {
    // Rows are changed behind the API: nothing is kept.
    let world = WorldOptions::working().set("search.cache_ttl_seconds", "0").start().await;
    let inbound = world.flight(to_bombay("AI1")).await;
    world.flight(from_bombay("AI2", "14:00")).await;
    assert_eq!(transit(&search(&world, "DEL", "LHR", "2026-11-21").await), ["AI1+AI2"]);
    let mut owner = world.database.owner().await;
    sqlx::query("update flights set arrival_at = arrival_at + interval '1 minute' where id = $1")
        .bind(inbound["id"].as_str().unwrap().parse::<Uuid>().unwrap())
        .execute(&mut owner)
        .await
        .unwrap();
    assert_eq!(transit(&search(&world, "DEL", "LHR", "2026-11-21").await), NONE);
}
