//! The world of the demo: what its companies ship, and how time goes on in it.
use chrono::TimeDelta;
use loadmaster::cli::demo_world;
use loadmaster_accounts::Role;
use loadmaster_testkit::{Client, NewFlight, WorldOptions, flight_verbs::flight_now, freight::order, is_long};
use reqwest::Method;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// A page of a list with this filter.
async fn listed(client: &Client, path: &str) -> Vec<Value> {
    client.get(path).await.expect(200).as_array().expect("a list").clone()
}

/// Takes some seconds: half a day of a network of some hundred flights.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_past_is_lived_through_and_leaves_shipments_in_every_state() {
    let world = WorldOptions::patient().start().await;
    let now = world.now();
    let made = demo_world::people(world.state()).await.unwrap();
    let titles: Vec<&str> = made.iter().map(|sign_in| sign_in.title).collect();
    assert_eq!(titles, ["Shipper", "Station agent"]);
    assert!(demo_world::people(world.state()).await.unwrap().is_empty(), "they are created once");
    let mut of_visitors = Vec::new();
    for number in 9001..9007 {
        let new = NewFlight { leaves_in: TimeDelta::hours(5), ..NewFlight::new(&format!("AI{number}"), "BOM", "DEL") };
        let flight = world.flight(new).await;
        let booking = world.customer().await.book(order(&[&flight])).await;
        of_visitors.push((flight, booking));
    }
    let stop = CancellationToken::new();
    // In fourteen hours, some shipments booked at their beginning are delivered.
    let from = now - TimeDelta::hours(if is_long() { 22 } else { 14 });
    let past = demo_world::live_through(world.parts.clone(), from, now, &stop);
    Box::pin(past).await.unwrap();

    let admin = world.caller(Role::Admin).await;
    for (flight, booking) in &of_visitors {
        assert_eq!(
            flight_now(&admin, flight).await["available"]["weight_kg"],
            900,
            "no other booking, and not cancelled"
        );
        assert_eq!(flight_now(&admin, flight).await["departure_datetime"], flight["departure_datetime"]);
        let path = format!("/api/v1/bookings/{}", booking["ref_id"].as_str().unwrap());
        assert_eq!(admin.get(&path).await.expect(200)["needs_rerouting"], false);
    }
    for status in ["BOOKED", "DEPARTED", "ARRIVED", "DELIVERED", "CANCELLED"] {
        let found = listed(&admin, &format!("/api/v1/bookings?status={status}")).await;
        assert!(!found.is_empty(), "no booking is {status}");
    }
    assert!(!listed(&admin, "/api/v1/bookings?needs_rerouting=true").await.is_empty());
    for (rows, expected) in [
        (
            "flights f join flight_capacity c on c.flight_id = f.id where c.status = 'SCHEDULED' and f.departure_at <= $now",
            "0",
        ),
        (
            "flights f join flight_capacity c on c.flight_id = f.id where c.status = 'DEPARTED' and f.arrival_at <= $now",
            "0",
        ),
        ("flight_capacity where status = 'CANCELLED'", "1"),
        (
            "flights f join flight_capacity c on c.flight_id = f.id where c.status = 'SCHEDULED' and f.departure_at <> f.scheduled_departure_at",
            "1",
        ),
        ("booking_events where occurred_at > $now or created_at > $now", "0"),
    ] {
        let rows = rows.replace("$now", &format!("'{}'", now.to_rfc3339()));
        assert_eq!(world.texts(&format!("select count(*)::text from {rows}")).await, [expected], "{rows}");
    }
    let full = "select count(*)::text from flight_capacity
                where status = 'SCHEDULED' and booked_weight_hg > 0 and capacity_weight_hg - booked_weight_hg < 5000";
    let full: u32 = world.texts(full).await[0].parse().unwrap();
    assert!(full >= 3, "{full} flights are nearly full");
    let companies = world.texts("select distinct organization_id::text from bookings").await;
    assert!(companies.len() >= 5, "{companies:?}");
    world.audit().await;
    // By the default tariff, which applies in the demo alone.
    let lanes = demo_world::invent_prices(world.parts.clone()).await.unwrap();
    assert!(lanes > 100, "{lanes}");
}

#[tokio::test]
async fn some_stations_say_something_and_are_described_once() {
    let world = WorldOptions::patient().start().await;
    demo_world::people(world.state()).await.unwrap();
    let describe = async || Box::pin(demo_world::describe_stations(world.parts.clone())).await.unwrap();
    assert_eq!(describe().await, 5);
    let anyone = world.anonymous();
    let codes = async |query: &str| {
        let found = listed(&anyone, &format!("/api/v1/stations{query}")).await;
        let codes = found.iter().map(|entry| entry["airport"]["iata_code"].as_str().unwrap().to_owned());
        codes.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(codes("").await, "DEL DXB FRA LHR SIN");
    assert_eq!(codes("?featured=true").await, "DEL DXB");
    assert_eq!(codes("?tag=pharma-hub").await, "DEL FRA SIN");
    assert_eq!(codes("?collection=cool-chain").await, "DEL FRA SIN");
    let delhi = anyone.get("/api/v1/stations/DEL").await.expect(200);
    assert_eq!(delhi["contacts"], json!(null));
    let singapore = anyone.get("/api/v1/stations/SIN").await.expect(200);
    assert_eq!(singapore["notices"][0]["is_current"], json!(true));
    assert_eq!(
        (&delhi["hours"][0]["desk"], &delhi["acceptance"][0]["minutes_before"]),
        (&json!("EXPORT"), &json!(240))
    );
    assert_eq!(listed(&anyone, "/api/v1/stations/FRA/tips").await.len(), 1);

    let operator = world.caller(Role::Operator).await;
    let emptied = operator.change_if(Method::PUT, "/api/v1/stations/DEL", "\"2\"", json!({})).await.expect(200);
    assert_eq!(describe().await, 0);
    assert_eq!(anyone.get("/api/v1/stations/DEL").await.expect(200)["version"], emptied["version"]);
    let counts = ["station_tags", "station_collections", "station_tips"];
    for (table, rows) in counts.into_iter().zip([3, 1, 1]) {
        assert_eq!(world.count(table).await, rows, "{table}");
    }
    world.audit().await;
}

#[tokio::test]
async fn stations_about_which_something_was_written_are_neither_featured_nor_given_a_tip() {
    let world = WorldOptions::patient().start().await;
    demo_world::people(world.state()).await.unwrap();
    let (operator, anyone) = (world.caller(Role::Operator).await, world.anonymous());
    for code in ["DXB", "FRA"] {
        let path = format!("/api/v1/stations/{code}");
        operator.change_if(Method::PUT, &path, "\"0\"", json!({"summary": "One hall."})).await.expect(200);
    }
    assert_eq!(Box::pin(demo_world::describe_stations(world.parts.clone())).await.unwrap(), 3);
    let featured = listed(&anyone, "/api/v1/stations?featured=true").await;
    assert_eq!((featured.len(), &featured[0]["airport"]["iata_code"]), (1, &json!("DEL")));
    assert_eq!(listed(&anyone, "/api/v1/stations/FRA/tips").await.len(), 0);
    assert_eq!(anyone.get("/api/v1/stations/FRA").await.expect(200)["version"], 1);
    world.audit().await;
}
