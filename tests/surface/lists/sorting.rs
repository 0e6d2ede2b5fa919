//! In which order lists show their entries, and how many there are.
use chrono::TimeDelta;
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Client, NewFlight, World, WorldOptions,
    freight::{BOOKINGS, order, text, with},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::described::{described, next};

const FLIGHTS: &str = "/api/v1/flights";

fn reference(booking: &Value) -> String {
    text(booking, "ref_id").to_owned()
}

/// Checks that a list has these entries in an order, and the opposite in the reverse one.
async fn expect_both_ways(client: &Client, path: &str, sort: &str, member: &str, expected: &[&str]) {
    assert_eq!(client.whole_list(&format!("{path}sort={sort}"), member).await, expected, "{path}{sort}");
    let backwards: Vec<_> = expected.iter().rev().copied().collect();
    assert_eq!(client.whole_list(&format!("{path}sort=-{sort}"), member).await, backwards, "{path}-{sort}");
}

#[tokio::test]
async fn bookings_are_sorted_by_creation_and_by_the_departure_of_their_first_leg() {
    let world = World::start().await;
    let (customer, stranger) = (world.customer().await, world.customer().await);
    let mut flights = Vec::new();
    for (number, hours) in [("AI103", 60), ("AI101", 30), ("AI102", 40)] {
        flights.push(world.flight(NewFlight::new(number, "DEL", "LHR").leaves_in_hours(hours)).await);
    }
    let [latest, first, middle] = &flights[..] else { panic!("three") };
    let mut booked = Vec::new();
    for flight in [latest, first, middle, first, latest] {
        let members = json!({"description": "Pumps", "customer_reference": "PO-1"});
        booked.push(reference(&customer.book(with(order(&[flight]), members)).await));
        world.clock.advance(TimeDelta::minutes(1));
    }
    stranger.book(order(&[first])).await;
    let named = |places: &[usize]| places.iter().map(|place| booked[*place].as_str()).collect::<Vec<_>>();
    let (created, departing) = (named(&[0, 1, 2, 3, 4]), named(&[1, 3, 2, 0, 4]));
    let list = format!("{BOOKINGS}?");
    expect_both_ways(&customer, &list, "created_at", "ref_id", &created).await;
    expect_both_ways(&customer, &list, "departure_datetime", "ref_id", &departing).await;
    let on_first = format!("{BOOKINGS}?flight_id={}&", text(first, "id"));
    expect_both_ways(&customer, &on_first, "departure_datetime", "ref_id", &named(&[1, 3])).await;
    let descending = ["-created_at", "-CREATED_AT"].map(|sort| format!("{BOOKINGS}?sort={sort}"));
    for same in descending {
        assert_eq!(customer.get(&same).await.expect(200), customer.get(BOOKINGS).await.expect(200));
    }

    // Which text finds them, alone or as a part, does not change the order; they are not counted then.
    for text in ["PO-1", "pump"] {
        for (sort, expected) in [
            ("created_at", &created),
            ("departure_datetime", &departing),
            ("-departure_datetime", &named(&[4, 0, 2, 3, 1])),
        ] {
            let answer = customer.get(&format!("{BOOKINGS}?q={text}&sort={sort}&count=true")).await;
            assert_eq!(answer.header("total-count"), None);
            let found = answer.expect(200);
            let shown: Vec<_> = found.as_array().unwrap().iter().map(reference).collect();
            assert_eq!(shown, *expected, "{text} {sort}");
        }
    }

    // Cancelled, it stands where it would have left.
    customer.poke(&format!("{BOOKINGS}/{}/cancel", booked[1])).await.expect(200);
    expect_both_ways(&customer, &list, "departure_datetime", "ref_id", &departing).await;
    expect_both_ways(
        &customer,
        &format!("{list}status=BOOKED&"),
        "departure_datetime",
        "ref_id",
        &named(&[3, 2, 0, 4]),
    )
    .await;
    assert_eq!(world.operator().await.whole_list(&format!("{list}sort=departure_datetime"), "id").await.len(), 6);
    world.audit().await;
}

#[tokio::test]
async fn a_text_is_looked_for_from_the_oldest_booking_on() {
    let world = World::start().await;
    let customer = world.customer().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let mut booked = Vec::new();
    for turn in 0..3 {
        let members = json!({"description": if turn == 1 { "Chairs" } else { "Tables" }});
        booked.push(reference(&customer.book(with(order(&[&flight]), members)).await));
    }
    let first = customer.get(&format!("{BOOKINGS}?q=table&sort=created_at&limit=1")).await;
    let link = next(&first).expect("a second page");
    assert_eq!(reference(&first.expect(200)[0]), booked[0]);
    let second = customer.get(&link).await;
    assert_eq!(reference(&second.expect(200)[0]), booked[2]);
}

#[tokio::test]
async fn flights_are_sorted_by_departure_by_arrival_and_by_number() {
    let world = World::start().await;
    let mut ids = Vec::new();
    for (number, hours, takes) in [("BA7", 40, 6), ("AI101", 60, 4), ("AI101", 30, 20), ("AI20", 40, 6)] {
        let flight = NewFlight::new(number, "DEL", "LHR").leaves_in_hours(hours).takes_minutes(takes * 60);
        ids.push(text(&world.flight(flight).await, "id").to_owned());
    }
    let [ba, late, early, twenty] = ids.iter().map(String::as_str).collect::<Vec<_>>()[..] else { panic!("four") };
    let anybody = world.anonymous();
    expect_both_ways(&anybody, &format!("{FLIGHTS}?"), "departure_datetime", "id", &[early, ba, twenty, late]).await;
    expect_both_ways(&anybody, &format!("{FLIGHTS}?"), "arrival_datetime", "id", &[ba, twenty, early, late]).await;
    expect_both_ways(&anybody, &format!("{FLIGHTS}?"), "flight_number", "id", &[early, late, twenty, ba]).await;
    expect_both_ways(&anybody, &format!("{FLIGHTS}?airline=AI&"), "flight_number", "id", &[early, late, twenty]).await;
    assert_eq!(anybody.whole_list(FLIGHTS, "id").await, [early, ba, twenty, late].map(ToString::to_string));
}

#[tokio::test]
async fn filters_choose_the_same_flights_in_the_order_of_arrival() {
    let world = World::start().await;
    let mut flights = Vec::new();
    for (hours, takes) in [(30, 20), (40, 6), (60, 24)] {
        let flight = NewFlight::new(&format!("AI{hours}"), "DEL", "LHR").leaves_in_hours(hours);
        flights.push(world.flight(flight.takes_minutes(takes * 60)).await);
    }
    let [slow, quick, last] = &flights[..] else { panic!("three") };
    let ids = |flights: &[&Value]| flights.iter().map(|flight| text(flight, "id").to_owned()).collect::<Vec<_>>();
    let anybody = world.anonymous();
    let departure = |flight: &Value| text(flight, "departure_datetime").to_owned();
    let arrival = |flight: &Value| text(flight, "arrival_datetime").to_owned();
    for (filter, expected) in [
        (format!("departure_from={}", departure(quick)), vec![quick, last]),
        (format!("departure_to={}", departure(last)), vec![quick, slow]),
        (format!("departure_from={}&departure_to={}", departure(slow), departure(quick)), vec![slow]),
        (format!("arrival_from={}", arrival(slow)), vec![slow, last]),
        (format!("arrival_to={}", arrival(slow)), vec![quick]),
        ("flight_number=AI40".to_owned(), vec![quick]),
        ("status=SCHEDULED".to_owned(), vec![quick, slow, last]),
        ("status=DEPARTED".to_owned(), vec![]),
        ("airline=BA".to_owned(), vec![]),
    ] {
        let path = format!("{FLIGHTS}?{filter}&sort=arrival_datetime");
        assert_eq!(anybody.whole_list(&path, "id").await, ids(&expected), "{filter}");
        let counted = anybody.get(&format!("{path}&count=true")).await;
        assert_eq!(counted.header("total-count"), Some(expected.len().to_string().as_str()), "{filter}");
    }
}

#[tokio::test]
async fn organizations_are_sorted_by_name_in_any_case() {
    let world = World::start().await;
    let admin = world.admin().await;
    for name in ["zebra Cargo", "Blue Crate", "apex", "blue Arrow"] {
        admin.post("/api/v1/organizations", json!({"name": name})).await.expect(201);
    }
    let among = |all: Vec<String>| -> Vec<String> { all.into_iter().filter(|name| name != "Test").collect() };
    let sorted = async |sort: &str| among(admin.whole_list(&format!("/api/v1/organizations?{sort}"), "name").await);
    assert_eq!(sorted("sort=name").await, ["apex", "blue Arrow", "Blue Crate", "zebra Cargo"]);
    assert_eq!(sorted("sort=-name").await, ["zebra Cargo", "Blue Crate", "blue Arrow", "apex"]);
    assert_eq!(sorted("sort=created_at").await, ["zebra Cargo", "Blue Crate", "apex", "blue Arrow"]);
    assert_eq!(sorted("sort=-created_at").await, ["blue Arrow", "apex", "Blue Crate", "zebra Cargo"]);
    assert_eq!(sorted("q=BLUE&sort=name").await, ["blue Arrow", "Blue Crate"]);

    // A page does not begin behind a name that has changed: what is between the two names would be skipped.
    let page = admin.get("/api/v1/organizations?q=blue&sort=name&limit=1").await;
    let behind = next(&page).expect("a second page");
    let arrow = page.expect(200)[0].clone();
    admin.get(&behind).await.expect(200);
    let renamed = json!({"name": "Blue Zebra"});
    admin.patch(&format!("/api/v1/organizations/{}", text(&arrow, "id")), renamed).await.expect(200);
    let refused = admin.get(&behind).await;
    assert_eq!(refused.expect(400)["code"], "invalid_cursor");
}

#[tokio::test]
async fn a_list_of_more_than_a_thousand_entries_has_the_count_1000_plus() {
    let world = World::start().await;
    let admin = world.admin().await;
    let fill = |from: u32, to: u32| {
        format!(
            "insert into organizations (id, name, created_at)
             select gen_random_uuid(), 'Forwarder ' || n, now() from generate_series({from}, {to}) n"
        )
    };
    let total = async || {
        let answer = admin.get("/api/v1/organizations?q=forwarder&count=true&limit=1").await;
        answer.header("total-count").map(ToOwned::to_owned)
    };
    world.sql(&fill(1, 1_000)).await;
    assert_eq!(total().await.as_deref(), Some("1000"));
    world.sql(&fill(1_001, 1_001)).await;
    assert_eq!(total().await.as_deref(), Some("1000+"));
    assert_eq!(admin.get("/api/v1/organizations?q=nobody&count=true").await.header("total-count"), Some("0"));
    for none in ["/api/v1/organizations", "/api/v1/organizations?count=false"] {
        assert_eq!(admin.get(none).await.header("total-count"), None);
    }
}

/// Every list that can be sorted, as the description has them.
#[tokio::test]
async fn unknown_orders_and_cursors_of_another_order_are_refused() {
    let world = WorldOptions::default().set("payments.provider", "test").start().await;
    let admin = world.caller_in(Role::Admin, Uuid::new_v4(), Uuid::new_v4()).await;
    for number in ["AI101", "AI102"] {
        let flight = world.flight(NewFlight::new(number, "DEL", "LHR")).await;
        admin.book(order(&[&flight])).await;
    }
    let feed = json!({"name": "Flights", "kind": "FLIGHTS", "format": "CSV", "airline_codes": ["AI"]});
    let feed = admin.post("/api/v1/feeds", feed).await.expect(201);
    let mut tried = Vec::new();
    for (name, list) in described() {
        assert_eq!(list.filters.contains_key("sort"), list.filters.contains_key("count"), "{name}");
        if !list.filters.contains_key("sort") {
            continue;
        }
        let path = list.path.replace("/feeds/{id}", &format!("/feeds/{}", text(&feed, "id")));
        for wrong in ["", "name_of_nothing", "--created_at", "created_at,id", "id"] {
            let answer = admin.get(&format!("{path}?sort={wrong}")).await;
            let message = answer.body["errors"][0]["message"].as_str().unwrap().to_owned();
            assert!(message.contains("`sort` must be one of ") && message.contains(", -"), "{name}: {message}");
            assert_eq!(answer.expect_faults(), [("sort".to_owned(), "unknown_value".to_owned())], "{name} {wrong}");
        }
        let counted = admin.get(&format!("{path}?count=many")).await.expect_faults();
        assert_eq!(counted, [("count".to_owned(), "wrong_type".to_owned())], "{name}");
        tried.push(name);
    }
    let expected = [
        "listAlerts",
        "listBookings",
        "listFeedRuns",
        "listFeeds",
        "listFlights",
        "listHolds",
        "listOrganizations",
        "listPayments",
        "listQuotes",
        "listUsers",
    ];
    assert_eq!(tried, expected);

    for (path, orders) in [
        (BOOKINGS, ["", "sort=created_at&", "sort=departure_datetime&", "sort=-departure_datetime&"]),
        (FLIGHTS, ["", "sort=-departure_datetime&", "sort=flight_number&", "sort=-flight_number&"]),
        (FLIGHTS, ["", "sort=-departure_datetime&", "sort=arrival_datetime&", "sort=-arrival_datetime&"]),
    ] {
        for own in orders {
            let link = next(&admin.get(&format!("{path}?{own}limit=1")).await).expect("a second page");
            let (_, cursor) = link.split_once("cursor=").unwrap();
            for other in orders.into_iter().filter(|other| *other != own) {
                let answer = admin.get(&format!("{path}?{other}limit=1&cursor={cursor}")).await;
                answer.expect_problem(400, "invalid_cursor");
            }
            // Whether the list is counted does not make it another one.
            admin.get(&format!("{link}&count=true")).await.expect(200);
        }
    }
}
