//! The routes that airlines fly, derived from the flights there are.
use loadmaster_testkit::{Readings, World, until_it_follows};
use serde_json::{Value, json};

use super::{create, id_of};

/// A flight of so many minutes.
fn leg(number: &str, origin: &str, destination: &str, departure: &str, minutes: i64) -> Value {
    let leaves = chrono::DateTime::parse_from_rfc3339(departure).unwrap();
    json!({"flight_number": number, "origin": origin, "destination": destination, "departure_datetime": departure,
           "arrival_datetime": (leaves + chrono::Duration::minutes(minutes)).to_rfc3339()})
}

#[tokio::test]
async fn a_route_has_exactly_the_promised_members() {
    let world = World::working().await;
    // The clock stands at 2026-11-20T08:00Z: yesterday's flight tells how long it takes, but is none of the next 30 days.
    for (number, departure, minutes) in [
        ("AI101", "2026-11-19T10:00:00Z", 560),
        ("AI101", "2026-11-20T08:00:00Z", 570),
        ("AI101", "2026-12-20T07:59:59Z", 700),
        ("AI102", "2026-12-20T08:00:00Z", 571),
        ("AI101", "2026-08-01T08:00:00Z", 100),
    ] {
        create(&world, leg(number, "DEL", "LHR", departure, minutes)).await;
    }
    let routes = world.anonymous().get("/api/v1/airlines/ai/routes").await.expect(200);
    let distance = routes[0]["distance_km"].as_i64().unwrap();
    assert!((6_700..6_750).contains(&distance), "{distance}");
    assert_eq!(
        routes,
        json!([{"airline_code": "AI", "origin": "DEL", "destination": "LHR", "distance_km": distance,
                "typical_duration_minutes": 570, "flights_next_30_days": 2, "days_of_operation": [5, 7],
                "first_date": "2026-11-20", "last_date": "2026-12-20", "typical_rate": null}])
    );
}

#[tokio::test]
async fn days_and_dates_of_a_route_are_local_to_its_origin_and_only_of_departures_to_come() {
    let world = World::working().await;
    // Half past midnight in Delhi, on the day after that in UTC.
    for (number, departure) in
        [("AI101", "2026-11-23T19:00:00Z"), ("AI101", "2026-11-24T19:00:00Z"), ("AI101", "2027-02-03T19:00:00Z")]
    {
        create(&world, leg(number, "DEL", "LHR", departure, 500)).await;
    }
    create(&world, leg("AI201", "BOM", "LHR", "2026-11-19T10:00:00Z", 500)).await;
    let routes = world.anonymous().get("/api/v1/airlines/AI/routes").await.expect(200);
    let told =
        |route: usize| ["days_of_operation", "first_date", "last_date"].map(|member| routes[route][member].clone());
    assert_eq!(told(0), [json!([]), Value::Null, Value::Null], "only in the past: {routes}");
    assert_eq!(told(1), [json!([2, 3]), json!("2026-11-24"), json!("2027-02-04")], "{routes}");
    let found = world.anonymous().get("/api/v1/airlines/routes/search").await.expect(200);
    assert_eq!(found, routes);
}

#[tokio::test]
async fn routes_are_found_by_airline_and_by_airports() {
    let world = World::working().await;
    for (number, origin, destination) in [
        ("BA1", "DEL", "LHR"),
        ("AI1", "DEL", "LHR"),
        ("AI2", "LHR", "DEL"),
        ("AI3", "DEL", "BOM"),
        ("AI4", "DEL", "LHR"),
    ] {
        create(&world, leg(number, origin, destination, "2026-11-21T10:00:00Z", 500)).await;
    }
    let gone = create(&world, leg("AI5", "BOM", "LHR", "2026-11-21T10:00:00Z", 500)).await;
    let mut owner = world.database.owner().await;
    sqlx::query("update flights set cancelled_at = now() where id = $1")
        .bind(id_of(&gone))
        .execute(&mut owner)
        .await
        .unwrap();

    for (path, expected) in [
        ("/api/v1/airlines/AI/routes", vec!["AI DEL BOM 1", "AI DEL LHR 2", "AI LHR DEL 1"]),
        ("/api/v1/airlines/BA/routes", vec!["BA DEL LHR 1"]),
        ("/api/v1/airlines/LH/routes", vec![]),
        ("/api/v1/airlines/routes/search?origin=del&destination=LHR", vec!["AI DEL LHR 2", "BA DEL LHR 1"]),
        ("/api/v1/airlines/routes/search?origin=BOM", vec![]),
        ("/api/v1/airlines/routes/search?destination=DEL", vec!["AI LHR DEL 1"]),
        ("/api/v1/airlines/routes/search", vec!["AI DEL BOM 1", "AI DEL LHR 2", "AI LHR DEL 1", "BA DEL LHR 1"]),
        ("/api/v1/airlines/routes/search?limit=1&offset=2", vec!["AI LHR DEL 1"]),
    ] {
        let routes = world.anonymous().get(path).await.expect(200);
        let text = |route: &Value, member: &str| route[member].to_string().replace('"', "");
        let told: Vec<_> = routes
            .as_array()
            .unwrap()
            .iter()
            .map(|route| {
                ["airline_code", "origin", "destination", "flights_next_30_days"].map(|m| text(route, m)).join(" ")
            })
            .collect();
        assert_eq!(told, expected, "{path}");
    }
}

#[tokio::test]
async fn pages_of_routes_follow_each_other() {
    let world = World::working().await;
    for (number, destination) in [("AI1", "LHR"), ("AI2", "BOM"), ("AI3", "FRA"), ("BA4", "LHR")] {
        create(&world, leg(number, "DEL", destination, "2026-11-21T10:00:00Z", 500)).await;
    }
    let (mut seen, mut next) = (Vec::new(), Some("/api/v1/airlines/routes/search?origin=DEL&limit=1".to_owned()));
    while let Some(path) = next {
        let page = world.anonymous().get(&path).await;
        next = page.header("link").map(|link| link.strip_prefix('<').unwrap().split_once('>').unwrap().0.to_owned());
        let routes = page.expect(200);
        assert_eq!(routes.as_array().unwrap().len(), 1);
        seen.push(routes[0]["destination"].as_str().unwrap().to_owned());
    }
    assert_eq!(seen, ["BOM", "FRA", "LHR", "LHR"]);
}

#[tokio::test]
async fn unknown_airlines_and_airports_are_refused() {
    let world = World::working().await;
    let anyone = world.anonymous();
    for code in ["QQ", "AIR", "1"] {
        anyone.get(&format!("/api/v1/airlines/{code}/routes")).await.expect_problem(404, "not_found");
    }
    for (query, name, code) in [
        ("origin=QQQ", "origin", "unknown_value"),
        ("destination=5", "destination", "invalid_format"),
        ("airline=AI", "airline", "unknown_field"),
        ("limit=0", "limit", "too_small"),
    ] {
        let faults = anyone.get(&format!("/api/v1/airlines/routes/search?{query}")).await.expect_faults();
        assert_eq!(faults, [(name.to_owned(), code.to_owned())], "{query}");
    }
}

async fn upcoming(world: &World) -> i64 {
    let routes = world.anonymous().get("/api/v1/airlines/routes/search?origin=DEL").await.expect(200);
    routes.as_array().unwrap().iter().map(|route| route["flights_next_30_days"].as_i64().unwrap()).sum()
}

/// Without filters it goes over every flight there is; whoever asks it again and again must not.
#[tokio::test]
async fn the_routes_are_read_once_for_concurrent_callers() {
    let world = World::working().await;
    for (number, destination) in [("AI1", "LHR"), ("AI2", "BOM"), ("BA3", "LHR")] {
        create(&world, leg(number, "DEL", destination, "2026-11-21T10:00:00Z", 500)).await;
    }
    // The server has read them for its searches, too.
    until_it_follows(&world).await;
    let mut readings = Readings::of(&world.database, "flights").await;
    assert_eq!(upcoming(&world).await, 3);
    let first = readings.count().await;
    assert!(first >= 3, "{first}");
    for path in ["/api/v1/airlines/routes/search", "/api/v1/airlines/AI/routes", "/api/v1/airlines/LH/routes"] {
        for offset in 0..10 {
            let path = format!("{path}?limit=1&offset={offset}");
            world.anonymous().get(&path).await.expect(200);
        }
    }
    assert_eq!(readings.count().await, first, "rows of flights were read again");
}

#[tokio::test]
async fn a_new_flight_is_on_its_route_at_once_and_other_changes_within_a_minute() {
    let world = World::working().await;
    let flight = create(&world, leg("AI1", "DEL", "LHR", "2026-11-21T10:00:00Z", 500)).await;
    assert_eq!(upcoming(&world).await, 1);
    create(&world, leg("AI2", "DEL", "BOM", "2026-11-21T10:00:00Z", 500)).await;
    assert_eq!(upcoming(&world).await, 2);
    let cancel = format!("/api/v1/flights/{}/cancel", flight["id"].as_str().unwrap());
    world.admin().await.post(&cancel, json!({})).await.expect(200);
    world.clock.advance(chrono::TimeDelta::seconds(61));
    assert_eq!(upcoming(&world).await, 1);
    // A clock that was put back makes nothing young again.
    world.clock.advance(chrono::TimeDelta::days(40));
    assert_eq!(upcoming(&world).await, 0);
    world.clock.advance(-chrono::TimeDelta::days(40));
    assert_eq!(upcoming(&world).await, 1);
}
