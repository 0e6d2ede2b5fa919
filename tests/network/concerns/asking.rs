//! Which flights are looked at, and who may ask.
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    NewFlight,
    flight_verbs::{done, path_to},
    freight::{order, text},
};

use super::{ALL, CONNECTIONS, Transfer, count, counts};

#[tokio::test]
async fn the_window_begins_with_its_first_moment_and_ends_before_its_last() {
    let transfer = Transfer::start().await;
    transfer.book().await;
    transfer.lands_at("19:00:00").await;
    for (window, expected) in [
        ("from=2026-11-21T08:00:00Z", 1),
        ("from=2026-11-21T08:00:00.000001Z", 0),
        ("from=2026-11-21T13:30:00%2B05:30", 1),
        ("from=2026-11-21T00:00:00Z&to=2026-11-21T08:00:00Z", 0),
        ("from=2026-11-21T00:00:00Z&to=2026-11-21T08:00:00.000001Z", 1),
        // From a day ago to a day from now on: it ends just before the flight leaves.
        ("", 0),
        ("to=2026-11-21T09:00:00Z", 1),
        ("from=2026-11-20T08:00:00Z&to=2026-11-24T08:00:00Z", 1),
    ] {
        let found = transfer.operator.get(&format!("{CONNECTIONS}?{window}")).await.expect(200);
        assert_eq!(found.as_array().unwrap().len(), expected, "{window}");
    }
}

#[tokio::test]
async fn a_station_sees_the_flights_that_leave_it_or_land_there() {
    let transfer = Transfer::start().await;
    transfer.book().await;
    transfer.lands_at("19:00:00").await;
    done(&transfer.admin, &transfer.second, "cancel").await;
    for (station, expected) in [
        ("DEL", vec![count("AI101", 0, 1)]),
        ("bom", vec![count("AI101", 0, 1), count("AI102", 0, 1)]),
        ("LHR", vec![count("AI102", 0, 1)]),
        ("JFK", vec![]),
    ] {
        let found = transfer.operator.get(&format!("{CONNECTIONS}?station={station}&{ALL}")).await.expect(200);
        assert_eq!(counts(&found), expected, "{station}");
    }
}

#[tokio::test]
async fn bookings_of_every_organization_count() {
    let transfer = Transfer::start().await;
    transfer.book().await;
    let other = transfer.world.customer().await;
    other.book(order(&[&transfer.first, &transfer.second])).await;
    transfer.lands_at("19:00:00").await;
    for caller in [&transfer.operator, &transfer.admin] {
        let found = caller.get(&format!("{CONNECTIONS}?{ALL}")).await;
        assert_eq!(found.header("cache-control"), Some("private, no-cache"));
        assert_eq!(counts(&found.expect(200)), [count("AI101", 2, 0)]);
    }
}

#[tokio::test]
async fn pages_go_on_behind_the_last_flight_that_was_looked_at() {
    let transfer = Transfer::start().await;
    // Nothing is on it: it is looked at, and left out.
    transfer.world.flight(NewFlight::new("AI100", "DEL", "BOM").leaves_in_hours(20)).await;
    transfer.book().await;
    done(&transfer.admin, &transfer.second, "cancel").await;
    let (mut path, mut pages) = (Some(format!("{CONNECTIONS}?{ALL}&limit=1")), Vec::new());
    while let Some(target) = path {
        let page = transfer.operator.get(&target).await;
        path = page.header("link").map(|link| link[1..].split_once('>').unwrap().0.to_owned());
        pages.push(counts(&page.expect(200)));
    }
    assert_eq!(pages, [vec![], vec![count("AI101", 0, 1)], vec![count("AI102", 0, 1)]]);
}

#[tokio::test]
async fn invalid_filters_are_reported_with_their_name_and_code() {
    let transfer = Transfer::start().await;
    let of_flight = format!("{}/connections", path_to(&transfer.first));
    for (path, name, code) in [
        (format!("{CONNECTIONS}?station=QQQ"), "station", "unknown_value"),
        (format!("{CONNECTIONS}?from=2026-11-21"), "from", "invalid_format"),
        (format!("{CONNECTIONS}?from=2026-11-21T08:00:00Z&to=2026-11-21T08:00:00Z"), "to", "out_of_order"),
        (format!("{CONNECTIONS}?from=2026-11-20T08:00:00Z&to=2026-11-24T08:00:00.000001Z"), "to", "out_of_order"),
        (format!("{CONNECTIONS}?limit=0"), "limit", "too_small"),
        (format!("{CONNECTIONS}?flight_number=AI101"), "flight_number", "unknown_field"),
        (format!("{of_flight}?concern=LATE"), "concern", "unknown_value"),
        (format!("{of_flight}?station=DEL"), "station", "unknown_field"),
    ] {
        let faults = transfer.operator.get(&path).await.expect_faults();
        assert_eq!(faults, [(name.to_owned(), code.to_owned())], "{path}");
    }
    // A flight that does not exist comes before faults.
    let unknown = format!("/api/v1/flights/{}/connections", uuid::Uuid::new_v4());
    for path in [unknown.clone(), format!("{unknown}?concern=LATE")] {
        transfer.operator.get(&path).await.expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn only_staff_may_ask() {
    let transfer = Transfer::start().await;
    let guest = transfer.world.caller(Role::Guest).await;
    let of_flight = format!("/api/v1/flights/{}/connections", text(&transfer.first, "id"));
    for path in [CONNECTIONS, &of_flight] {
        transfer.world.anonymous().get(path).await.expect_problem(401, "unauthenticated");
        for caller in [&guest, &transfer.customer] {
            caller.get(path).await.expect_problem(403, "forbidden");
        }
        for caller in [&transfer.operator, &transfer.admin] {
            caller.get(path).await.expect(200);
        }
    }
}
