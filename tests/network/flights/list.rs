//! Finding flights.
use loadmaster_testkit::{Client, World, freight::texts};
use serde_json::{Value, json};

use super::{FLIGHTS, create, id_of};

async fn numbers(client: &Client, query: &str) -> Vec<String> {
    let list = client.get(&format!("{FLIGHTS}?{query}")).await.expect(200);
    texts(&list, "flight_number")
}

/// Leaves at this instant and flies an hour.
fn at(number: &str, origin: &str, destination: &str, departure: &str) -> Value {
    let leaves = chrono::DateTime::parse_from_rfc3339(departure).unwrap();
    json!({"flight_number": number, "origin": origin, "destination": destination, "departure_datetime": departure,
           "arrival_datetime": (leaves + chrono::Duration::hours(1)).to_rfc3339()})
}

#[tokio::test]
async fn filters_combine_with_and() {
    let world = World::start().await;
    for flight in [
        at("AI1", "DEL", "LHR", "2026-11-21T10:00:00Z"),
        at("AI2", "DEL", "BOM", "2026-11-21T11:00:00Z"),
        at("AI1", "DEL", "LHR", "2026-11-22T10:00:00Z"),
        at("BA1", "DEL", "LHR", "2026-11-21T12:00:00Z"),
        at("BA2", "LHR", "DEL", "2026-11-21T13:00:00Z"),
    ] {
        create(&world, flight).await;
    }
    let anyone = world.anonymous();
    for (query, expected) in [
        ("", vec!["AI1", "AI2", "BA1", "BA2", "AI1"]),
        ("origin=DEL", vec!["AI1", "AI2", "BA1", "AI1"]),
        ("origin=del&destination=+lhr", vec!["AI1", "BA1", "AI1"]),
        ("destination=DEL", vec!["BA2"]),
        ("departure_date=2026-11-21", vec!["AI1", "AI2", "BA1", "BA2"]),
        ("departure_date=2026-11-23", vec![]),
        ("departure_from=2026-11-21T12:00:00Z", vec!["BA1", "BA2", "AI1"]),
        ("departure_to=2026-11-21T11:00:00Z", vec!["AI1"]),
        ("departure_from=2026-11-21T16:30:00%2B05:30&departure_to=2026-11-21T12:00:00.000001Z", vec!["AI2", "BA1"]),
        ("departure_from=2026-11-22T00:00:00Z&departure_to=2026-11-21T00:00:00Z", vec![]),
        ("departure_from=2026-11-21T12:00:00Z&destination=LHR", vec!["BA1", "AI1"]),
        ("arrival_from=2026-11-21T13:00:00Z", vec!["BA1", "BA2", "AI1"]),
        ("arrival_to=2026-11-21T12:00:00Z", vec!["AI1"]),
        ("arrival_from=2026-11-21T17:30:00%2B05:30&arrival_to=2026-11-21T13:00:00.000001Z", vec!["AI2", "BA1"]),
        ("arrival_from=2026-11-21T12:00:00Z&arrival_to=2026-11-21T12:00:00Z", vec![]),
        ("arrival_to=2026-11-21T13:00:00Z&destination=BOM", vec!["AI2"]),
        ("airline=ba", vec!["BA1", "BA2"]),
        ("flight_number=AI0001", vec!["AI1", "AI1"]),
        ("flight_number=AI%20001", vec!["AI1", "AI1"]),
        ("flight_number=AI1&departure_date=2026-11-22", vec!["AI1"]),
        ("airline=AI&origin=LHR", vec![]),
        ("status=SCHEDULED&origin=LHR", vec!["BA2"]),
        ("status=DEPARTED", vec![]),
    ] {
        assert_eq!(numbers(&anyone, query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn the_status_filter_knows_all_four() {
    let world = World::start().await;
    let mut owner = world.database.owner().await;
    for (index, status) in ["SCHEDULED", "DEPARTED", "ARRIVED", "CANCELLED"].into_iter().enumerate() {
        let made = create(&world, json!({"flight_number": format!("AI{}", index + 1)})).await;
        sqlx::query("update flight_capacity set status = $2 where flight_id = $1")
            .bind(id_of(&made))
            .bind(status)
            .execute(&mut owner)
            .await
            .unwrap();
        // As the product records it beside the status.
        sqlx::query(
            "update flights set actual_departure_at = case when $2 in ('DEPARTED', 'ARRIVED') then departure_at end,
                                actual_arrival_at = case when $2 = 'ARRIVED' then arrival_at end,
                                cancelled_at = case when $2 = 'CANCELLED' then departure_at end
             where id = $1",
        )
        .bind(id_of(&made))
        .bind(status)
        .execute(&mut owner)
        .await
        .unwrap();
    }
    for (index, status) in ["scheduled", "DEPARTED", "ARRIVED", "CANCELLED"].into_iter().enumerate() {
        assert_eq!(numbers(&world.anonymous(), &format!("status={status}")).await, [format!("AI{}", index + 1)]);
    }
}

#[tokio::test]
async fn the_departure_date_is_the_scheduled_one_at_the_origin() {
    let world = World::start().await;
    create(&world, at("AI1", "DEL", "LHR", "2026-11-21T18:29:00Z")).await;
    let late = create(&world, at("AI2", "DEL", "LHR", "2026-11-21T18:30:00Z")).await;
    create(&world, at("NZ1", "CXI", "HNL", "2026-11-21T10:00:00Z")).await;
    create(&world, at("HA1", "HNL", "CXI", "2026-11-22T09:59:00Z")).await;
    let anyone = world.anonymous();
    assert_eq!(numbers(&anyone, "departure_date=2026-11-21").await, ["AI1", "HA1"]);
    assert_eq!(numbers(&anyone, "departure_date=2026-11-22").await, ["NZ1", "AI2"]);

    // Retimed to the next day it keeps its date.
    let mut owner = world.database.owner().await;
    sqlx::query("update flights set departure_at = departure_at + interval '1 day', arrival_at = arrival_at + interval '1 day' where id = $1")
        .bind(id_of(&late))
        .execute(&mut owner)
        .await
        .unwrap();
    assert_eq!(numbers(&anyone, "departure_date=2026-11-22").await, ["NZ1", "AI2"]);
    assert_eq!(numbers(&anyone, "departure_date=2026-11-23").await, Vec::<String>::new());
    assert_eq!(numbers(&anyone, "departure_from=2026-11-22T18:30:00Z").await, ["AI2"], "bounds are of the new time");
    assert_eq!(numbers(&anyone, "departure_to=2026-11-22T18:30:00Z").await, ["NZ1", "AI1", "HA1"]);
}

#[tokio::test]
async fn flights_go_by_departure_then_id() {
    let world = World::start().await;
    create(&world, at("AI9", "DEL", "LHR", "2026-11-22T10:00:00Z")).await;
    let twins = [
        create(&world, at("AI1", "DEL", "LHR", "2026-11-21T10:00:00Z")).await,
        create(&world, at("AI2", "DEL", "LHR", "2026-11-21T10:00:00Z")).await,
        create(&world, at("AI3", "DEL", "LHR", "2026-11-21T10:00:00Z")).await,
    ];
    let mut twins: Vec<_> =
        twins.iter().map(|flight| (id_of(flight), flight["flight_number"].as_str().unwrap())).collect();
    twins.sort_unstable();
    let expected: Vec<_> = twins.iter().map(|(_, number)| *number).chain(["AI9"]).collect();
    assert_eq!(numbers(&world.anonymous(), "").await, expected);
}

#[tokio::test]
async fn pages_follow_each_other_by_cursor_and_by_offset() {
    let world = World::start().await;
    for n in 1..=5 {
        // Two at one time, so that a page ends between them.
        create(&world, at(&format!("AI{n}"), "DEL", "LHR", &format!("2026-11-2{}T10:00:00Z", n / 2 + 1))).await;
    }
    let anyone = world.anonymous();
    let all = numbers(&anyone, "origin=DEL").await;
    let (mut seen, mut next) = (Vec::new(), Some(format!("{FLIGHTS}?origin=DEL&limit=2")));
    while let Some(path) = next {
        let page = anyone.get(&path).await;
        next = page
            .header("link")
            .map(|link| link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned());
        let flights = page.expect(200);
        assert!(flights.as_array().unwrap().len() <= 2);
        seen.extend(flights.as_array().unwrap().iter().map(|f| f["flight_number"].as_str().unwrap().to_owned()));
    }
    assert_eq!(seen, all);
    assert_eq!(numbers(&anyone, "origin=DEL&limit=2&offset=2").await, all[2..4]);
    assert_eq!(numbers(&anyone, "origin=DEL&offset=5").await, Vec::<String>::new());
}

#[tokio::test]
async fn a_page_goes_on_where_it_ended_though_flights_came_before_it() {
    let world = World::start().await;
    for n in 1..=3 {
        create(&world, at(&format!("AI{n}"), "DEL", "LHR", &format!("2026-11-2{n}T10:00:00Z"))).await;
    }
    let anyone = world.anonymous();
    let first = anyone.get(&format!("{FLIGHTS}?limit=2")).await;
    let next = first.header("link").unwrap().strip_prefix('<').unwrap().split_once('>').unwrap().0.to_owned();
    create(&world, at("AI9", "DEL", "LHR", "2026-11-20T12:00:00Z")).await;
    let rest = anyone.get(&next).await.expect(200);
    assert_eq!(rest.as_array().unwrap().len(), 1);
    assert_eq!(rest[0]["flight_number"], "AI3");
}

#[tokio::test]
async fn faulty_filters_are_reported_by_name() {
    let world = World::start().await;
    for (query, name, code) in [
        ("origin=QQQ", "origin", "unknown_value"),
        ("destination=x", "destination", "invalid_format"),
        ("departure_date=2026-02-30", "departure_date", "invalid_format"),
        ("departure_from=2026-11-21", "departure_from", "invalid_format"),
        ("departure_to=tomorrow", "departure_to", "invalid_format"),
        ("airline=QQ", "airline", "unknown_value"),
        ("airline=AIR", "airline", "invalid_format"),
        ("flight_number=QQ1", "flight_number", "unknown_value"),
        ("status=BOARDING", "status", "unknown_value"),
        ("limit=0", "limit", "too_small"),
        ("offset=10001", "offset", "too_large"),
        ("color=red", "color", "unknown_field"),
    ] {
        let faults = world.anonymous().get(&format!("{FLIGHTS}?{query}")).await.expect_faults();
        assert_eq!(faults, [(name.to_owned(), code.to_owned())], "{query}");
    }
    world.anonymous().get(&format!("{FLIGHTS}?cursor=x")).await.expect_problem(400, "invalid_cursor");
}

#[tokio::test]
async fn a_flight_that_is_not_there_is_not_found() {
    let world = World::start().await;
    let anyone = world.anonymous();
    for id in ["01934f2e-0000-7000-8000-000000000000", "101", "%00"] {
        anyone.get(&format!("{FLIGHTS}/{id}")).await.expect_problem(404, "not_found");
        anyone.get(&format!("{FLIGHTS}/{id}/availability")).await.expect_problem(404, "not_found");
    }
}
