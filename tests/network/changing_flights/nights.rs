//! Retimed over midnight and through the nights in which clocks change.
use chrono::TimeDelta;
use loadmaster_testkit::{
    NewFlight, World,
    freight::{instant, texts},
};
use serde_json::{Value, json};

use super::{FLIGHTS, change};

/// The numbers of the direct flights that a search for this local date finds.
async fn found(world: &World, origin: &str, date: &str) -> Vec<String> {
    let body = json!({"origin": origin, "destination": "DXB", "departure_date": date});
    let found = world.anonymous().post("/api/v1/routes/search", body).await.expect(200);
    numbers(&found["direct_flights"])
}

/// The numbers of the flights that the schedule has for this date.
async fn scheduled(world: &World, date: &str) -> Vec<String> {
    numbers(&world.anonymous().get(&format!("{FLIGHTS}?departure_date={date}")).await.expect(200))
}

fn numbers(flights: &Value) -> Vec<String> {
    texts(flights, "flight_number")
}

#[tokio::test]
async fn over_midnight_it_is_searched_by_its_new_date_and_listed_by_its_old_one() {
    let world = World::start().await;
    let admin = world.admin().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "DXB").departs("2026-11-21T23:00:00+05:30")).await;
    assert_eq!(found(&world, "DEL", "2026-11-21").await, ["AI101"]);

    for (departure, day, other) in [
        // Half past midnight in Delhi is seven in the evening of the day before in UTC.
        ("2026-11-22T00:30:00+05:30", "2026-11-22", "2026-11-21"),
        ("2026-11-21T23:59:59+05:30", "2026-11-21", "2026-11-22"),
        ("2026-11-22T00:00:00+05:30", "2026-11-22", "2026-11-21"),
        ("2026-11-20T23:59:00+05:30", "2026-11-20", "2026-11-21"),
    ] {
        let arrival = instant(&json!(departure)) + TimeDelta::hours(4);
        let wish = json!({"departure_datetime": departure, "arrival_datetime": arrival});
        let after = change(&admin, &flight, wish).await.expect(200);
        assert_eq!(after["departure_local"], departure);
        assert_eq!(after["scheduled_departure_datetime"], flight["scheduled_departure_datetime"]);
        assert_eq!(found(&world, "DEL", day).await, ["AI101"], "{departure}");
        assert_eq!(found(&world, "DEL", other).await, [""; 0], "{departure}");
        assert_eq!(scheduled(&world, "2026-11-21").await, ["AI101"], "{departure}");
        for never in ["2026-11-20", "2026-11-22"] {
            assert_eq!(scheduled(&world, never).await, [""; 0], "{departure}");
        }
    }
    // Its name is that of the day it was scheduled for.
    let twin = |departure: &str| {
        let arrival = instant(&json!(departure)) + TimeDelta::hours(4);
        json!({"flight_number": "AI101", "origin": "DEL", "destination": "DXB", "departure_datetime": departure,
               "arrival_datetime": arrival, "capacity": {"weight_kg": 1000}})
    };
    let taken = admin.post(FLIGHTS, twin("2026-11-21T08:00:00+05:30")).await;
    taken.expect_problem(409, "already_exists");
    admin.post(FLIGHTS, twin("2026-11-20T08:00:00+05:30")).await.expect(201);
}

#[tokio::test]
async fn the_night_in_which_clocks_change_shifts_local_times_and_nothing_else() {
    let world = World::start().await;
    let admin = world.admin().await;
    for (index, (origin, before, after)) in [
        ("LHR", "2027-03-28T00:30:00+00:00", "2027-03-28T02:30:00+01:00"),
        ("LHR", "2027-03-28T02:00:00+01:00", "2027-03-28T00:59:59+00:00"),
        ("LHR", "2027-10-31T01:30:00+01:00", "2027-10-31T01:30:00+00:00"),
        ("LHR", "2027-03-27T10:00:00+00:00", "2027-03-28T11:00:00+01:00"),
        ("JFK", "2027-11-07T01:30:00-04:00", "2027-11-07T01:30:00-05:00"),
        ("JFK", "2027-03-14T01:59:00-05:00", "2027-03-14T03:00:00-04:00"),
    ]
    .into_iter()
    .enumerate()
    {
        let number = format!("BA{}", index + 1);
        let flight = world.flight(NewFlight::new(&number, origin, "DXB").departs(before)).await;
        assert_eq!(flight["departure_local"], before);
        // The same instants in UTC: which offset is right there is for the server to know.
        let departure = instant(&json!(after));
        let wish = json!({"departure_datetime": departure, "arrival_datetime": departure + TimeDelta::hours(4)});
        let moved = change(&admin, &flight, wish).await.expect(200);
        assert_eq!((instant(&moved["departure_datetime"]), &moved["departure_local"]), (departure, &json!(after)));
        assert_eq!(moved["duration_minutes"], 240);
        for flight in [&flight, &moved] {
            let distance = instant(&flight["departure_datetime"]) - instant(&flight["cutoff_datetime"]);
            assert_eq!(distance, TimeDelta::minutes(60), "{number}");
        }
        assert_eq!(instant(&moved["scheduled_departure_datetime"]), instant(&json!(before)));
    }
}

#[tokio::test]
async fn through_a_long_or_short_day_it_keeps_to_its_local_dates() {
    let world = World::start().await;
    let admin = world.admin().await;
    let flight = world.flight(NewFlight::new("BA1", "LHR", "DXB").departs("2027-03-28T12:00:00Z")).await;
    // The 28th of March 2027 has 23 hours in London, the 31st of October 25.
    for (departure, day, other) in [
        ("2027-03-28T22:59:59Z", "2027-03-28", "2027-03-29"),
        ("2027-03-28T23:00:00Z", "2027-03-29", "2027-03-28"),
        ("2027-03-27T23:59:59Z", "2027-03-27", "2027-03-28"),
        ("2027-10-30T23:00:00Z", "2027-10-31", "2027-10-30"),
        ("2027-10-31T23:59:59Z", "2027-10-31", "2027-11-01"),
    ] {
        let arrival = instant(&json!(departure)) + TimeDelta::hours(7);
        let wish = json!({"departure_datetime": departure, "arrival_datetime": arrival});
        change(&admin, &flight, wish).await.expect(200);
        assert_eq!(found(&world, "LHR", day).await, ["BA1"], "{departure}");
        assert_eq!(found(&world, "LHR", other).await, [""; 0], "{departure}");
        assert_eq!(scheduled(&world, "2027-03-28").await, ["BA1"], "{departure}");
    }
}
