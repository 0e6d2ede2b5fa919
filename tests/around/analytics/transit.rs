use loadmaster_testkit::{
    Client, NewFlight, World,
    amending::long_day,
    flight_verbs::act,
    freight::{order, path_of, text, with},
};
use serde_json::{Value, json};

use super::{TRANSIT, adds_up, at, firm, report, rows};

/// A flight that leaves at this time and takes so many minutes.
async fn flight(
    world: &World,
    number: &str,
    from: &'static str,
    to: &'static str,
    departs: &str,
    minutes: i64,
) -> Value {
    let new = NewFlight::new(number, from, to).departs(departs).takes_minutes(minutes);
    world.flight(new.weight(100_000.0)).await
}

/// Lets a flight leave and land at these times.
async fn fly(operator: &Client, flight: &Value, departs: &str, arrives: &str) {
    act(operator, flight, "depart", json!({"occurred_at": departs})).await.expect(200);
    act(operator, flight, "arrive", json!({"occurred_at": arrives})).await.expect(200);
}

fn minutes(p50: i32, p90: i32, p95: i32) -> Value {
    json!({"p50": p50, "p90": p90, "p95": p95})
}

#[tokio::test]
async fn times_are_from_the_first_departure_to_the_arrival_at_the_destination() {
    let world = long_day().await;
    let (customer, operator) = (firm(&world).await.0, world.operator().await);
    let first = flight(&world, "AI101", "DEL", "BOM", "2026-11-21T00:00:00Z", 120).await;
    let second = flight(&world, "AI102", "BOM", "LHR", "2026-11-21T06:00:00Z", 600).await;
    let booking = customer.book(order(&[&first, &second])).await;
    // A later plan than the one that was booked.
    let later = json!({"departure_datetime": "2026-11-21T07:00:00Z", "arrival_datetime": "2026-11-21T17:00:00Z"});
    world.admin().await.patch(&loadmaster_testkit::flight_verbs::path_to(&second), later).await.expect(200);
    at(&world, "2026-11-23T08:00:00Z");
    fly(&operator, &first, "2026-11-21T00:10:00Z", "2026-11-21T02:00:00Z").await;
    let query = "from=2026-11-20&to=2026-11-23&group=lane";
    assert_eq!(report(&customer, TRANSIT, query).await["total"]["shipments"], 0, "it is on its way");
    fly(&operator, &second, "2026-11-21T07:05:00Z", "2026-11-21T16:15:00Z").await;
    let found = report(&customer, TRANSIT, query).await;
    let figures = json!({"shipments": 1, "planned": minutes(960, 960, 960), "actual": minutes(965, 965, 965),
                         "late_percent": 0, "as_booked_percent": 100});
    assert_eq!(found["total"], figures);
    assert_eq!(found["rows"], json!([with(figures, json!({"period": "2026-11-21", "key": "DEL-LHR"}))]));
    customer.get(&path_of(&booking)).await.expect(200);
    operator.walk(&booking, &["deliver"]).await;
    assert_eq!(report(&customer, TRANSIT, query).await["total"], found["total"], "also when it is delivered");
    world.audit().await;
}

#[tokio::test]
async fn percentiles_are_times_of_shipments() {
    let world = long_day().await;
    let ((customer, _), (other, _)) = (firm(&world).await, firm(&world).await);
    let operator = world.operator().await;
    let mut flown = Vec::new();
    for nth in 1..=20_i64 {
        let flight = flight(&world, &format!("AI{nth}"), "DEL", "LHR", "2026-11-21T00:00:00Z", 500).await;
        customer.book(order(&[&flight])).await;
        flown.push((nth, flight));
    }
    let elsewhere = flight(&world, "AI99", "DEL", "DXB", "2026-11-21T00:00:00Z", 200).await;
    other.book(order(&[&elsewhere])).await;
    at(&world, "2026-11-22T08:00:00Z");
    for (nth, flight) in &flown {
        // 491, 492, … 510 minutes; the last four are later than a quarter of an hour.
        let arrival = world.now() - chrono::TimeDelta::hours(32)
            + chrono::TimeDelta::minutes(490 + nth + i64::from(*nth > 16) * 10);
        fly(&operator, flight, "2026-11-21T00:00:00Z", &arrival.to_rfc3339()).await;
    }
    fly(&operator, &elsewhere, "2026-11-21T00:00:00Z", "2026-11-21T10:00:00Z").await;
    let own = report(&customer, TRANSIT, "").await;
    assert_eq!(own["total"]["shipments"], 20, "another's is not its own");
    assert_eq!((&own["total"]["planned"], &own["total"]["actual"]), (&minutes(500, 500, 500), &minutes(500, 518, 519)));
    assert_eq!(own["total"]["late_percent"], 20);
    let lanes = report(&operator, TRANSIT, "group=lane&limit=1").await;
    assert_eq!(rows(&lanes, "shipments"), [("2026-11-21", "DEL-LHR", &json!(20))]);
    assert_eq!(lanes["total"]["actual"], minutes(501, 519, 520), "of all, and never computed from parts");
    assert_eq!(lanes["other"]["actual"], minutes(600, 600, 600));
    adds_up(&lanes, &["shipments"]);
    let named = report(&operator, TRANSIT, "destination=DXB").await;
    assert_eq!((&named["total"]["shipments"], &named["total"]["late_percent"]), (&json!(1), &json!(100)));
}

#[tokio::test]
async fn shipments_that_were_rerouted_or_left_behind_are_not_as_booked() {
    let world = long_day().await;
    let (customer, operator) = (firm(&world).await.0, world.operator().await);
    let day = flight(&world, "AI101", "DEL", "LHR", "2026-11-21T00:00:00Z", 480).await;
    let next = flight(&world, "AI102", "DEL", "LHR", "2026-11-22T00:00:00Z", 480).await;
    let mut bookings = Vec::new();
    for _ in 0..4 {
        bookings.push(customer.book(order(&[&day])).await);
    }
    let [_, rerouted, left, amended] = &bookings[..] else { unreachable!() };
    customer.patch(&path_of(rerouted), json!({"flight_ids": [next["id"]]})).await.expect(200);
    customer.patch(&path_of(amended), json!({"weight_kg": 50})).await.expect(200);
    at(&world, "2026-11-21T00:00:00Z");
    let behind = json!({"left_behind": [{"ref_id": left["ref_id"], "reason": "OFFLOADED"}]});
    act(&operator, &day, "depart", behind).await.expect(200);
    operator.patch(&path_of(left), json!({"flight_ids": [next["id"]]})).await.expect(200);
    at(&world, "2026-11-22T09:00:00Z");
    act(&operator, &day, "arrive", json!({"occurred_at": "2026-11-21T08:00:00Z"})).await.expect(200);
    fly(&operator, &next, "2026-11-22T00:00:00Z", "2026-11-22T08:00:00Z").await;
    let found = report(&customer, TRANSIT, "").await;
    assert_eq!((&found["total"]["shipments"], &found["total"]["as_booked_percent"]), (&json!(4), &json!(50)));
    let late = [("2026-11-21", "-", &json!(0)), ("2026-11-22", "-", &json!(100))];
    assert_eq!(rows(&found, "late_percent"), late, "by the plan that was booked first");
    world.audit().await;
}

#[tokio::test]
async fn a_shipment_counts_on_the_date_of_its_arrival_there() {
    let world = long_day().await;
    let (customer, operator) = (firm(&world).await.0, world.operator().await);
    let east = flight(&world, "AI101", "HNL", "CXI", "2026-11-21T06:00:00Z", 270).await;
    let west = flight(&world, "AI102", "HNL", "PPG", "2026-11-21T06:00:00Z", 280).await;
    let same = customer.book(order(&[&east])).await;
    customer.book(order(&[&west])).await;
    at(&world, "2026-11-22T08:00:00Z");
    // On Kiritimati it is 00:30 of the 22nd, in Pago Pago 23:40 of the 20th.
    fly(&operator, &east, "2026-11-21T06:00:00Z", "2026-11-21T10:30:00Z").await;
    fly(&operator, &west, "2026-11-21T06:00:00Z", "2026-11-21T10:40:00Z").await;
    let found = report(&customer, TRANSIT, "group=lane").await;
    assert_eq!(rows(&found, "shipments"), [("2026-11-20", "HNL-PPG", &json!(1)), ("2026-11-22", "HNL-CXI", &json!(1))]);
    assert_eq!(text(&same, "origin"), "HNL");
    for (span, count) in [
        ("from=2026-11-22&to=2026-11-22", 1),
        ("from=2026-11-21&to=2026-11-21", 0),
        ("from=2026-11-20&to=2026-11-20", 1),
    ] {
        assert_eq!(report(&customer, TRANSIT, span).await["total"]["shipments"], count, "{span}");
    }
}

#[tokio::test]
async fn a_step_that_was_taken_back_is_no_time_of_a_shipment() {
    let world = long_day().await;
    let (customer, operator) = (firm(&world).await.0, world.operator().await);
    let only = flight(&world, "AI101", "DEL", "LHR", "2026-11-21T00:00:00Z", 600).await;
    let booking = customer.book(order(&[&only])).await;
    let correct = async |operator: &Client| {
        let path = format!("{}/correct", path_of(&booking));
        operator.post(&path, json!({"reason": "Wrong booking"})).await.expect(200);
    };
    operator.walk(&booking, &["depart"]).await;
    correct(&operator).await;
    at(&world, "2026-11-22T08:00:00Z");
    let reported = |time: &str| json!({ "occurred_at": time });
    let step = async |verb: &str, time: &str| {
        operator.post(&format!("{}/{verb}", path_of(&booking)), reported(time)).await.expect(200);
    };
    step("depart", "2026-11-21T00:10:00Z").await;
    step("arrive", "2026-11-22T07:00:00Z").await;
    correct(&operator).await;
    step("arrive", "2026-11-21T10:15:00Z").await;
    let found = report(&customer, TRANSIT, "from=2026-11-20&to=2026-11-23&group=lane").await;
    assert_eq!((&found["total"]["shipments"], &found["total"]["actual"]), (&json!(1), &minutes(605, 605, 605)));
    world.audit().await;
}
