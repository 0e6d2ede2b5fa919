use loadmaster_testkit::{
    Client, NewFlight, World,
    amending::long_day,
    flight_verbs::{act, path_to},
    freight::{order, text, with},
};
use serde_json::{Value, json};

use super::{FLIGHTS, adds_up, at, report, rows};

/// A flight from Delhi to London that takes eight hours.
async fn flight(world: &World, number: &str, departs: &str) -> Value {
    world.flight(NewFlight::new(number, "DEL", "LHR").departs(departs).takes_minutes(480)).await
}

async fn moved(operator: &Client, flight: &Value, verb: &str, at: &str) {
    act(operator, flight, verb, json!({"occurred_at": at})).await.expect(200);
}

#[tokio::test]
async fn punctuality_is_by_the_scheduled_times() {
    let world = long_day().await;
    let operator = world.operator().await;
    let [early, late, short, gone, ahead] = [
        flight(&world, "AI101", "2026-11-21T00:00:00Z").await,
        flight(&world, "AI102", "2026-11-21T01:00:00Z").await,
        flight(&world, "AI103", "2026-11-21T02:00:00Z").await,
        flight(&world, "AI104", "2026-11-21T03:00:00Z").await,
        flight(&world, "AI105", "2026-11-21T04:00:00Z").await,
    ];
    // A new time is none that flights are measured by.
    world.admin().await.patch(&path_to(&late), json!({"departure_datetime": "2026-11-21T01:30:00Z"})).await.expect(200);
    act(&world.admin().await, &gone, "cancel", json!({})).await.expect(200);
    at(&world, "2026-11-22T08:00:00Z");
    moved(&operator, &early, "depart", "2026-11-20T23:30:00Z").await;
    moved(&operator, &late, "depart", "2026-11-21T01:45:30Z").await;
    moved(&operator, &short, "depart", "2026-11-21T02:15:00Z").await;
    moved(&operator, &early, "arrive", "2026-11-21T07:00:00Z").await;
    moved(&operator, &late, "arrive", "2026-11-21T09:15:01Z").await;

    let found = report(&operator, FLIGHTS, "from=2026-11-20&to=2026-11-22").await;
    assert_eq!((text(&ahead, "status"), &found["total"]["flights"]), ("SCHEDULED", &json!(5)));
    assert_eq!(found["total"]["cancelled_percent"], 20);
    // 45.5 and 15 minutes late, and one 30 minutes early.
    let departed = json!({"flights": 3, "on_time_percent": 66.7, "mean_delay_minutes": 20.2});
    assert_eq!(found["total"]["departed"], departed);
    // 15 minutes and a second late, and an hour early.
    let arrived = json!({"flights": 2, "on_time_percent": 50, "mean_delay_minutes": 7.5});
    assert_eq!(found["total"]["arrived"], arrived);
    let numbers = report(&operator, FLIGHTS, "from=2026-11-20&to=2026-11-22&group=flight_number").await;
    let expected = [
        ("AI101", json!(100)),
        ("AI102", json!(0)),
        ("AI103", json!(100)),
        ("AI104", Value::Null),
        ("AI105", Value::Null),
    ];
    let found: Vec<_> =
        rows(&numbers, "departed/on_time_percent").into_iter().map(|(_, key, figure)| (key, figure.clone())).collect();
    assert_eq!(found, expected);
    adds_up(&numbers, &["flights", "departed/flights", "arrived/flights"]);
    world.audit().await;
}

#[tokio::test]
async fn a_flight_counts_on_its_scheduled_local_date_whenever_it_leaves() {
    let world = long_day().await;
    let operator = world.operator().await;
    // In Delhi 01:30 of the 22nd.
    let flight = flight(&world, "AI101", "2026-11-21T20:00:00Z").await;
    at(&world, "2026-11-24T08:00:00Z");
    moved(&operator, &flight, "depart", "2026-11-23T20:00:00Z").await;
    for (date, count) in [("2026-11-21", 0), ("2026-11-22", 1), ("2026-11-24", 0)] {
        let found = report(&operator, FLIGHTS, &format!("from={date}&to={date}")).await;
        assert_eq!(found["total"]["flights"], count, "{date}");
    }
    let found = report(&operator, FLIGHTS, "by=week").await;
    assert_eq!(rows(&found, "departed/mean_delay_minutes"), [("2026-11-16", "-", &json!(2880))]);
}

#[tokio::test]
async fn what_a_flight_carried_was_booked_on_it_at_departure() {
    let world = long_day().await;
    let (customer, operator, admin) = (world.customer().await, world.operator().await, world.admin().await);
    let flight = flight(&world, "AI101", "2026-11-21T00:00:00Z").await;
    let overbooked =
        json!({"capacity": {"weight_kg": 800, "volume_m3": 80, "positions": 4}, "overbooking": {"weight_percent": 10}});
    admin.patch(&path_to(&flight), overbooked).await.expect(200);
    let book = async |weight: f64| {
        let wanted = json!({"weight_kg": weight, "volume_m3": 8, "positions": 1});
        customer.book(with(order(&[&flight]), wanted)).await
    };
    let (_stays, left, stopped) = (book(100.0).await, book(200.0).await, book(300.0).await);
    let query = "from=2026-11-21&to=2026-11-21";
    let space = |weight: u32, volume: u32, positions: u32| json!({"weight_kg": weight, "volume_m3": volume, "positions": positions});
    let found = report(&operator, FLIGHTS, query).await["total"].clone();
    assert_eq!((&found["capacity"], &found["carried"]), (&space(800, 80, 4), &space(600, 24, 3)), "what is booked now");
    assert_eq!(
        found["percent"],
        json!({"weight": 75, "volume": 30, "positions": 75}),
        "not of the overbooked capacity"
    );

    at(&world, "2026-11-21T00:05:00Z");
    let left_behind = json!({"left_behind": [{"ref_id": left["ref_id"], "reason": "NO_SHOW"}]});
    act(&operator, &flight, "depart", left_behind).await.expect(200);
    at(&world, "2026-11-21T01:00:00Z");
    // In the air, where nobody takes it off any more.
    operator.walk(&stopped, &["cancel"]).await;
    let found = report(&operator, FLIGHTS, query).await["total"].clone();
    assert_eq!(found["carried"], space(400, 16, 2), "without what was left behind");
    assert_eq!(found["percent"], json!({"weight": 50, "volume": 20, "positions": 50}));
    let own = report(&customer, FLIGHTS, query).await["total"].clone();
    assert_eq!((&own["flights"], &own["departed"]["on_time_percent"]), (&json!(1), &json!(100)));
    for member in ["capacity", "carried", "percent", "held", "available"] {
        assert_eq!(own[member], Value::Null, "{member} is the carrier's");
    }
    world.audit().await;
}

#[tokio::test]
async fn flights_are_grouped_and_filtered_and_the_rest_is_in_other() {
    let world = World::start().await;
    let operator = world.operator().await;
    for (number, origin, destination, day) in [
        ("AI101", "DEL", "LHR", 21),
        ("AI101", "DEL", "LHR", 22),
        ("AI101", "DEL", "LHR", 23),
        ("EK501", "BOM", "DXB", 21),
        ("EK501", "BOM", "DXB", 22),
        ("AI201", "DEL", "BOM", 23),
    ] {
        let new = NewFlight::new(number, origin, destination).departs(&format!("2026-11-{day}T10:00:00Z"));
        world.flight(new.weight(1000.0)).await;
    }
    let span = "from=2026-11-16&to=2026-11-29&by=week";
    let find = async |query: &str| report(&operator, FLIGHTS, &format!("{span}&{query}")).await;
    let airlines = find("group=airline").await;
    assert_eq!(
        rows(&airlines, "flights"),
        [("2026-11-16", "AI", &json!(2)), ("2026-11-16", "EK", &json!(2)), ("2026-11-23", "AI", &json!(2)),]
    );
    let lanes = find("group=lane&limit=1").await;
    assert_eq!(rows(&lanes, "flights"), [("2026-11-16", "DEL-LHR", &json!(2)), ("2026-11-23", "DEL-LHR", &json!(1))]);
    assert_eq!((&lanes["other"]["flights"], &lanes["other"]["capacity"]["weight_kg"]), (&json!(3), &json!(3000)));
    adds_up(
        &lanes,
        &["flights", "capacity/weight_kg", "capacity/volume_m3", "capacity/positions", "carried/weight_kg"],
    );
    for (filter, count) in [("origin=DEL", 4), ("destination=BOM", 1), ("airline=EK", 2), ("airline=EK&origin=DEL", 0)]
    {
        assert_eq!(find(filter).await["total"]["flights"], count, "{filter}");
    }
}

#[tokio::test]
async fn what_can_be_sold_at_each_station_is_reported_of_flights_that_have_not_left() {
    let world = long_day().await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let new = |number: &str, origin: &'static str, departs: &str| {
        NewFlight::new(number, origin, "LHR").departs(departs).weight(500.0).volume(50.0).positions(5)
    };
    let left = world.flight(new("AI101", "DEL", "2026-11-20T08:30:00Z")).await;
    let [ahead, away, gone] = [
        world.flight(new("AI102", "DEL", "2026-11-23T10:00:00Z")).await,
        world.flight(new("AI103", "BOM", "2026-11-23T10:00:00Z")).await,
        world.flight(new("AI104", "BOM", "2026-11-23T11:00:00Z")).await,
    ];
    let overbooked =
        json!({"capacity": {"weight_kg": 500, "volume_m3": 50, "positions": 5}, "overbooking": {"weight_percent": 10}});
    world.admin().await.patch(&path_to(&away), overbooked).await.expect(200);
    customer.book(with(order(&[&ahead]), json!({"weight_kg": 100, "volume_m3": 5, "positions": 1}))).await;
    let held = json!({"flight_ids": [ahead["id"]], "weight_kg": 50, "volume_m3": 2, "positions": 2});
    let held = customer.hold(held).await;
    act(&world.admin().await, &gone, "cancel", json!({})).await.expect(200);
    act(&operator, &left, "depart", json!({})).await.expect(200);
    let space = |weight: u32, volume: u32, positions: u32| json!({"weight_kg": weight, "volume_m3": volume, "positions": positions});
    let span = "from=2026-11-20&to=2026-12-20";
    let find = async || report(&operator, FLIGHTS, &format!("{span}&by=month&group=station")).await;
    let found = find().await;
    let expected = [("2026-11-01", "BOM", &space(0, 0, 0)), ("2026-11-01", "DEL", &space(50, 2, 2))];
    assert_eq!(rows(&found, "held"), expected);
    let expected = [("2026-11-01", "BOM", &space(550, 50, 5)), ("2026-11-01", "DEL", &space(350, 43, 2))];
    assert_eq!(rows(&found, "available"), expected);
    assert_eq!((&found["total"]["available"], &found["total"]["flights"]), (&space(900, 93, 7), &json!(4)));
    adds_up(&found, &["held/weight_kg", "available/weight_kg", "available/volume_m3", "available/positions"]);
    // The hold has ended: what it kept can be sold again.
    customer.delete(&loadmaster_testkit::holds::at(&held)).await.expect(200);
    assert_eq!(find().await["total"]["held"], space(0, 0, 0));
    world.audit().await;
}
