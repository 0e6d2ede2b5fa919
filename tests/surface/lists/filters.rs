//! Which bookings a list shows.
use chrono::TimeDelta;
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Client, NewFlight, World,
    freight::{BOOKINGS, each, order, path_of, text, texts},
};
use serde_json::{Value, json};
use uuid::Uuid;

/// The references that a list shows, in its order.
async fn listed(client: &Client, query: &str) -> Vec<String> {
    let list = client.get(&format!("{BOOKINGS}?{query}")).await.expect(200);
    texts(&list, "ref_id")
}

fn references(bookings: &[&Value]) -> Vec<String> {
    bookings.iter().map(|booking| text(booking, "ref_id").to_owned()).collect()
}

/// Five bookings of one organization, a minute apart, oldest first, and one of a stranger's.
struct Books {
    world: World,
    organization: Uuid,
    customer: Client,
    stranger: Client,
    operator: Client,
    flights: [Value; 3],
    own: Vec<Value>,
    foreign: Value,
}

async fn books() -> Books {
    let world = World::start().await;
    let organization = Uuid::new_v4();
    let customer = world.caller_in(Role::Customer, Uuid::new_v4(), organization).await;
    let (stranger, operator) = (world.customer().await, world.operator().await);
    let first = world.flight(NewFlight::new("AI101", "DEL", "BOM")).await;
    let second = world.flight(NewFlight::new("AI102", "BOM", "LHR").leaves_in_hours(36)).await;
    let direct = world.flight(NewFlight::new("AI103", "DEL", "LHR")).await;
    let mut own = Vec::new();
    for flights in [vec![&first], vec![&first, &second], vec![&direct], vec![&second], vec![&direct]] {
        own.push(customer.book(order(&flights)).await);
        world.clock.advance(TimeDelta::minutes(1));
    }
    let foreign = stranger.book(order(&[&direct])).await;
    operator.walk(&own[1], &["depart"]).await;
    operator.walk(&own[2], &["cancel"]).await;
    Books { world, organization, customer, stranger, operator, flights: [first, second, direct], own, foreign }
}

#[tokio::test]
async fn a_list_shows_whole_bookings_newest_first() {
    let books = books().await;
    let list = books.customer.get(BOOKINGS).await;
    assert_eq!(list.header("cache-control"), Some("private, no-cache"));
    assert_eq!(list.header("link"), None);
    let list = list.expect(200);
    let shown: Vec<_> = books.own.iter().rev().collect();
    assert_eq!(each(&list, "ref_id"), each(&json!(shown), "ref_id"));
    for booking in list.as_array().unwrap() {
        assert_eq!(*booking, books.customer.get(&path_of(booking)).await.expect(200));
    }
}

#[tokio::test]
async fn customers_see_their_organizations_bookings_and_operators_all() {
    let books = books().await;
    let colleague = books.world.caller_in(Role::Customer, Uuid::new_v4(), books.organization).await;
    assert_eq!(listed(&colleague, "").await, listed(&books.customer, "").await);
    assert_eq!(listed(&books.stranger, "").await, references(&[&books.foreign]));
    assert_eq!(listed(&books.operator, "").await.len(), 6);
    assert_eq!(listed(&books.world.admin().await, "").await.len(), 6);

    let organization = |id: Uuid| format!("organization_id={id}");
    assert_eq!(listed(&books.operator, &organization(books.organization)).await, listed(&books.customer, "").await);
    assert!(listed(&books.operator, &organization(Uuid::new_v4())).await.is_empty());
    // Others know their own only.
    assert_eq!(listed(&books.customer, &organization(books.organization)).await, listed(&books.customer, "").await);
    for id in [Uuid::new_v4(), Uuid::nil()] {
        let answer = books.customer.get(&format!("{BOOKINGS}?{}", organization(id))).await;
        assert_eq!(answer.expect_faults(), [("organization_id".to_owned(), "unknown_value".to_owned())]);
    }
}

#[tokio::test]
async fn each_filter_chooses_and_together_they_narrow() {
    let books = books().await;
    let [short, flown, cancelled, onward, whole] = &books.own[..] else { panic!("five") };
    books.world.sql(&format!("update bookings set needs_rerouting = true where id = '{}'", text(onward, "id"))).await;
    let [first, second, direct] = &books.flights;
    let on = |flight: &Value| format!("flight_id={}", text(flight, "id"));
    let cases: Vec<(String, Vec<&Value>)> = vec![
        ("status=BOOKED".into(), vec![whole, onward, short]),
        ("status=booked".into(), vec![whole, onward, short]),
        ("status=DEPARTED".into(), vec![flown]),
        ("status=CANCELLED".into(), vec![cancelled]),
        ("status=DELIVERED".into(), vec![]),
        ("origin=DEL".into(), vec![whole, cancelled, flown, short]),
        ("origin=%20bom".into(), vec![onward]),
        ("destination=BOM".into(), vec![short]),
        ("destination=LHR".into(), vec![whole, onward, cancelled, flown]),
        (on(first), vec![flown, short]),
        (on(second), vec![onward, flown]),
        // A cancelled booking is on no flight.
        (on(direct), vec![whole]),
        (format!("flight_id={}", Uuid::new_v4()), vec![]),
        ("needs_rerouting=true".into(), vec![onward]),
        ("needs_rerouting=false".into(), vec![whole, cancelled, flown, short]),
        // From inclusive, to exclusive; any offset.
        ("created_from=2026-11-20T08:03:00Z".into(), vec![whole, onward]),
        ("created_to=2026-11-20T08:03:00Z".into(), vec![cancelled, flown, short]),
        (
            "created_from=2026-11-20T13:31:00%2B05:30&created_to=2026-11-20T08:02:00.000001Z".into(),
            vec![cancelled, flown],
        ),
        ("created_from=2026-11-20T09:00:00Z&created_to=2026-11-20T08:00:00Z".into(), vec![]),
        ("origin=DEL&destination=LHR".into(), vec![whole, cancelled, flown]),
        ("origin=DEL&destination=LHR&status=BOOKED".into(), vec![whole]),
        (format!("{}&status=BOOKED&created_to=2026-11-20T08:01:00Z", on(first)), vec![short]),
        ("origin=LHR&destination=LHR".into(), vec![]),
    ];
    for (query, expected) in cases {
        assert_eq!(listed(&books.customer, &query).await, references(&expected), "{query}");
    }
    let of = format!("organization_id={}&status=CANCELLED", books.organization);
    assert_eq!(listed(&books.operator, &of).await, references(&[cancelled]));
    assert_eq!(listed(&books.operator, &on(direct)).await, references(&[&books.foreign, whole]));
}

#[tokio::test]
async fn a_filter_that_makes_no_sense_is_a_fault() {
    let world = World::start().await;
    let operator = world.operator().await;
    let cases = [
        ("status=LOST", "status", "unknown_value"),
        ("status=", "status", "unknown_value"),
        ("origin=XQX", "origin", "unknown_value"),
        ("origin=DELHI", "origin", "invalid_format"),
        ("destination=", "destination", "invalid_format"),
        ("flight_id=AI101", "flight_id", "invalid_format"),
        ("organization_id=7", "organization_id", "invalid_format"),
        ("created_from=2026-11-20", "created_from", "invalid_format"),
        ("created_to=2026-02-30T00:00:00Z", "created_to", "invalid_format"),
        // A plus in a query is a space.
        ("created_to=2026-11-20T08:00:00+05:30", "created_to", "invalid_format"),
        ("needs_rerouting=yes", "needs_rerouting", "wrong_type"),
        ("colour=red", "colour", "unknown_field"),
        ("Status=BOOKED", "Status", "unknown_field"),
        ("status=BOOKED&status=BOOKED", "status", "invalid_format"),
    ];
    for (query, name, code) in cases {
        let answer = operator.get(&format!("{BOOKINGS}?{query}")).await;
        assert_eq!(answer.body["errors"][0]["in"], "query", "{query}");
        assert_eq!(answer.body["errors"][0]["pointer"], Value::Null, "{query}");
        assert_eq!(answer.expect_faults(), [(name.to_owned(), code.to_owned())], "{query}");
    }
    let all = operator.get(&format!("{BOOKINGS}?status=LOST&origin=XQX&limit=0&colour=red")).await.expect_faults();
    let names: Vec<_> = all.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["colour", "limit", "origin", "status"]);
    let broken = operator.get(&format!("{BOOKINGS}?status=%FF")).await;
    broken.expect_problem(400, "malformed_request");
}

#[tokio::test]
async fn a_booking_is_found_from_its_own_microsecond_on() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    // Ids know milliseconds, and this instant is nearer to the next one.
    world.clock.set("2026-11-20T08:00:00.123789Z".parse().unwrap());
    let order =
        json!({"origin": "DEL", "destination": "LHR", "pieces": 1, "weight_kg": 1, "flight_ids": [flight["id"]]});
    let booking = customer.post("/api/v1/bookings", order).await.expect(201);
    assert_eq!(booking["created_at"], "2026-11-20T08:00:00.123789Z");

    for (query, found) in [
        ("created_from=2026-11-20T08:00:00.123789Z", 1),
        ("created_from=2026-11-20T08:00:00.123790Z", 0),
        ("created_to=2026-11-20T08:00:00.123789Z", 0),
        ("created_to=2026-11-20T08:00:00.123790Z", 1),
    ] {
        let list = customer.get(&format!("/api/v1/bookings?{query}")).await.expect(200);
        assert_eq!(list.as_array().unwrap().len(), found, "{query}");
    }
}
