//! Routes with two and three stops: the best by arrival, duration and number of stops.
use loadmaster_testkit::{NewFlight, OwnRedis, World, WorldOptions, freight::text, until_it_follows};
use serde_json::{Value, json};

use super::{direct, names, ranked, search, search_for, transit};

/// A flight on 21 November 2026 that departs and arrives at these hours in UTC, counted from that day's start.
async fn flight(
    world: &World,
    number: &str,
    (origin, destination): (&'static str, &'static str),
    hours: (i64, i64),
) -> Value {
    let start: chrono::DateTime<chrono::Utc> = "2026-11-21T00:00:00Z".parse().unwrap();
    let departure = start + chrono::TimeDelta::hours(hours.0);
    let minutes = u32::try_from(60 * (hours.1 - hours.0)).unwrap();
    let flight = NewFlight::new(number, origin, destination).departs(&departure.to_rfc3339());
    world.flight(flight.takes_minutes(minutes.into())).await
}

/// From Delhi over Dubai and Frankfurt to New York, and over Chicago to Seattle.
async fn chain(world: &World) {
    flight(world, "AI1", ("DEL", "DXB"), (1, 4)).await;
    flight(world, "AI2", ("DXB", "FRA"), (6, 13)).await;
    flight(world, "AI3", ("FRA", "JFK"), (15, 24)).await;
    flight(world, "AI4", ("JFK", "SEA"), (26, 32)).await;
}

async fn to(world: &World, destination: &str, stops: u8) -> Vec<String> {
    let query = format!("origin=DEL&destination={destination}&departure_date=2026-11-21&max_stops={stops}");
    names(&ranked(world, &query).await)
}

#[tokio::test]
async fn routes_have_up_to_the_requested_stops_in_memory_and_in_the_tables() {
    for options in [WorldOptions::working(), WorldOptions::default()] {
        let follows = options.with_workers;
        for ttl in ["0", "300"] {
            let world = options.clone().set("search.cache_ttl_seconds", ttl).start().await;
            chain(&world).await;
            if follows {
                until_it_follows(&world).await;
            }
            assert_eq!(to(&world, "JFK", 1).await, [""; 0]);
            assert_eq!(to(&world, "JFK", 2).await, ["AI1+AI2+AI3"]);
            assert_eq!(to(&world, "SEA", 2).await, [""; 0]);
            assert_eq!(to(&world, "SEA", 3).await, ["AI1+AI2+AI3+AI4"]);
            // Unless more are asked for, there is one at most.
            assert_eq!(transit(&search(&world, "DEL", "JFK", "2026-11-21").await), [""; 0]);
        }
    }
}

#[tokio::test]
async fn a_route_with_more_stops_is_shown_only_if_it_is_better_in_something() {
    let world = World::working().await;
    chain(&world).await;
    // Later than by way of Frankfurt, and shorter.
    flight(&world, "AI5", ("DEL", "LHR"), (16, 26)).await;
    flight(&world, "AI6", ("LHR", "JFK"), (29, 37)).await;
    // As early as that, after a longer journey and as many stops.
    flight(&world, "EK2", ("DXB", "CDG"), (6, 13)).await;
    flight(&world, "EK3", ("CDG", "JFK"), (15, 24)).await;
    // Later than what is known, longer, and with more stops.
    flight(&world, "QR1", ("DEL", "DOH"), (0, 4)).await;
    flight(&world, "QR2", ("DOH", "MAD"), (6, 14)).await;
    flight(&world, "QR3", ("MAD", "JFK"), (16, 38)).await;
    let found = to(&world, "JFK", 3).await;
    assert_eq!(found.len(), 2, "one of the two that are alike: {found:?}");
    assert!(found[0] == "AI1+AI2+AI3" || found[0] == "AI1+EK2+EK3", "{found:?}");
    assert_eq!(found[1], "AI5+AI6");
    assert_eq!(to(&world, "JFK", 3).await, found, "and always the same");
}

#[tokio::test]
async fn an_option_says_where_it_stops_and_can_be_booked() {
    let world = World::working().await;
    chain(&world).await;
    let body = json!({"max_stops": 3, "weight_kg": 100});
    let found = search_for(&world, "DEL", "SEA", "2026-11-21", body).await;
    assert_eq!(direct(&found), [""; 0]);
    let option = &found["transit_routes"][0];
    assert_eq!((&option["route_type"], &option["stops"]), (&json!("transit"), &json!(3)));
    assert_eq!(option["transit_airport"], "DXB");
    assert_eq!(option["transit_airports"], json!(["DXB", "FRA", "JFK"]));
    assert_eq!(option["connection_minutes"], json!([120, 120, 120]));
    assert_eq!(option["total_duration_minutes"], 31 * 60);
    let flights: Vec<&str> = option["flights"].as_array().unwrap().iter().map(|flight| text(flight, "id")).collect();
    let order = json!({"origin": "DEL", "destination": "SEA", "pieces": 1, "weight_kg": 100, "flight_ids": flights});
    let booked = world.customer().await.book(order).await;
    assert_eq!(booked["flight_ids"].as_array().unwrap().len(), 4);
    world.audit().await;
}

#[tokio::test]
async fn a_new_or_changed_flight_is_in_routes_with_many_stops_at_once() {
    let redis = OwnRedis::start().await;
    let options = WorldOptions::working().without_redis();
    let world = options.set("redis.url", &redis.url()).start().await;
    until_it_follows(&world).await;
    chain(&world).await;
    for _ in 0..3 {
        assert_eq!(to(&world, "SEA", 3).await, ["AI1+AI2+AI3+AI4"]);
    }
    // A change at a place in between counts, too.
    let faster = flight(&world, "AI7", ("DXB", "FRA"), (6, 12)).await;
    flight(&world, "AI8", ("FRA", "JFK"), (14, 23)).await;
    flight(&world, "AI9", ("JFK", "SEA"), (25, 31)).await;
    assert_eq!(to(&world, "SEA", 3).await, ["AI1+AI7+AI8+AI9"]);
    let admin = world.admin().await;
    let times = json!({"departure_datetime": "2026-11-21T07:00:00Z", "arrival_datetime": "2026-11-21T13:00:00Z"});
    admin.patch(&format!("/api/v1/flights/{}", text(&faster, "id")), times).await.expect(200);
    let found = to(&world, "SEA", 3).await;
    assert!(found.iter().all(|route| !route.contains("AI7+AI8")), "the connection is lost: {found:?}");
    assert_eq!(found.len(), 1, "{found:?}");
    admin.poke(&format!("/api/v1/flights/{}/cancel", text(&faster, "id"))).await.expect(200);
    assert_eq!(to(&world, "SEA", 3).await, ["AI1+AI2+AI3+AI4"]);
}

#[tokio::test]
async fn an_installation_may_offer_fewer_stops() {
    let world = WorldOptions::working().set("search.max_stops", "2").start().await;
    chain(&world).await;
    assert_eq!(to(&world, "JFK", 2).await, ["AI1+AI2+AI3"]);
    let path = "/api/v1/routes?origin=DEL&destination=SEA&departure_date=2026-11-21&max_stops=3";
    let faults = world.anonymous().get(path).await.expect_faults();
    assert_eq!(faults, [("max_stops".to_owned(), "too_large".to_owned())]);
}
