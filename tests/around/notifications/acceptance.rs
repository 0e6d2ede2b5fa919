//! Letters name by when the station takes the freight, and the reminder of the cut-off does so first.
use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_testkit::{
    NewFlight, World,
    claims::guest,
    freight::{order, text, with},
    letters::{directory, letter, writing},
    notifications::{Person, told_to},
    stations::accept,
    until,
};
use serde_json::{Value, json};

use super::letters::address;

/// Leaves Delhi on 24 November 2026 at 17:30 by its clocks, and takes bookings until 16:30. The station takes freight until 13:30,
/// and perishables until 11:30.
async fn flight(world: &World) -> Value {
    let rules = json!([{"minutes_before": 240}, {"minutes_before": 360, "handling_code": "PER"}]);
    accept(&world.operator().await, "DEL", 0, rules).await;
    world.flight(NewFlight::new("AI101", "DEL", "LHR").leaves_in_hours(100).weight(10_000.0)).await
}

/// Lets the last day before the cut-off begin, in which these persons are reminded.
async fn remind(world: &World, flight: &Value, of: &[&Person]) {
    let cutoff: DateTime<Utc> = text(flight, "cutoff_datetime").parse().unwrap();
    world.clock.set(cutoff - TimeDelta::hours(24));
    for person in of {
        let is_written = async || told_to(world, &person.name()).await.contains(&"cutoff_reminder".to_owned());
        until("the reminder is written", is_written).await;
    }
    // What is due at the same time is sent together.
    world.clock.advance(TimeDelta::seconds(10));
}

fn expect(letter: &Value, expected: &[&str]) {
    for member in ["text", "html"] {
        for part in expected {
            assert!(text(letter, member).contains(part), "{part}: {letter}");
        }
    }
}

#[tokio::test]
async fn the_confirmation_and_the_reminder_name_it_in_the_language_of_the_receiver() {
    let files = directory();
    let world = writing(files.path()).await;
    let flight = flight(&world).await;
    let (shipper, german) = (Person::new(&world).await, Person::new(&world).await);
    german.client.patch("/api/v1/auth/me", json!({ "language": "de" })).await.expect(200);
    for person in [&shipper, &german] {
        person.client.book(order(&[&flight])).await;
    }
    let english = "Latest acceptance: Tue 24 Nov 2026 13:30 IST (Tue 24 Nov 2026 08:00 UTC)";
    let in_german = "Späteste Anlieferung: 24.11.2026, 13:30 Uhr IST (24.11.2026, 08:00 Uhr UTC)";
    expect(&letter(&world, "booking_confirmed", &address(&shipper)).await, &[english]);
    expect(&letter(&world, "booking_confirmed", &address(&german)).await, &[in_german]);
    remind(&world, &flight, &[&shipper, &german]).await;
    let by = "must be at DEL by Tue 24 Nov 2026 13:30 IST for AI101.";
    expect(&letter(&world, "cutoff_reminder", &address(&shipper)).await, &[by, english]);
    let by = "muss für AI101 bis 24.11.2026, 13:30 Uhr IST in DEL angeliefert sein.";
    expect(&letter(&world, "cutoff_reminder", &address(&german)).await, &[by, in_german]);
}

#[tokio::test]
async fn a_reminder_of_several_shipments_names_that_of_each_by_the_rules_of_then() {
    let files = directory();
    let world = writing(files.path()).await;
    let flight = flight(&world).await;
    let shipper = Person::new(&world).await;
    shipper.client.book(order(&[&flight])).await;
    shipper.client.book(with(order(&[&flight]), json!({"special_handling_codes": ["PER"]}))).await;
    let rules = json!([{"minutes_before": 180}, {"minutes_before": 360, "handling_code": "PER"}]);
    accept(&world.operator().await, "DEL", 1, rules).await;
    remind(&world, &flight, &[&shipper]).await;
    let letter = letter(&world, "cutoff_reminder", &address(&shipper)).await;
    let each = [", latest acceptance Tue 24 Nov 2026 14:30 IST", ", latest acceptance Tue 24 Nov 2026 11:30 IST"];
    expect(&letter, &each);
}

#[tokio::test]
async fn a_guests_letter_names_it_and_one_about_a_station_without_rules_does_not() {
    let files = directory();
    let world = writing(files.path()).await;
    let flight = flight(&world).await;
    guest(&world).await.book_by_hold(&flight).await;
    let to_guest = letter(&world, "guest_booking", "gus@example.com").await;
    expect(&to_guest, &["Latest acceptance: Tue 24 Nov 2026 13:30 IST (Tue 24 Nov 2026 08:00 UTC)"]);

    let elsewhere = world.flight(NewFlight::new("AI102", "BOM", "LHR").leaves_in_hours(100)).await;
    let shipper = Person::new(&world).await;
    shipper.client.book(order(&[&elsewhere])).await;
    let confirmed = letter(&world, "booking_confirmed", &address(&shipper)).await;
    remind(&world, &elsewhere, &[&shipper]).await;
    let reminder = letter(&world, "cutoff_reminder", &address(&shipper)).await;
    expect(&reminder, &["must be at BOM by the cut-off of AI102."]);
    for letter in [confirmed, reminder] {
        assert!(!text(&letter, "text").to_lowercase().contains("latest acceptance"), "{letter}");
    }
}
