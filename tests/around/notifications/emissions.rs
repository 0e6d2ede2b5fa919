//! Letters that confirm bookings state what the freight emits, as an estimate.
use loadmaster_testkit::{
    NewFlight, World,
    claims::guest,
    emissions::set_factor,
    freight::{order, text, with},
    letters::{directory, letter, writing},
    notifications::Person,
};
use serde_json::{Value, json};

use super::letters::address;

async fn emitting(world: &World) -> Value {
    set_factor(&world.admin().await, "77X", json!(0.75)).await;
    world.flight(NewFlight::new("AI101", "DEL", "LHR").aircraft("77X").weight(100_000.0)).await
}

#[tokio::test]
async fn a_confirmation_states_the_emissions_in_the_language_and_its_figures() {
    let files = directory();
    let world = writing(files.path()).await;
    let flight = emitting(&world).await;
    for (language, point, group, word) in [("en", ".", "", "estimate"), ("de", ",", ".", "Schätzung")] {
        let shipper = Person::new(&world).await;
        shipper.client.patch("/api/v1/auth/me", json!({ "language": language })).await.expect(200);
        let booking = shipper.client.book(with(order(&[&flight]), json!({"weight_kg": 1234.5}))).await;
        let letter = letter(&world, "booking_confirmed", &address(&shipper)).await;
        let figure = booking["emissions"]["co2e_kg"].to_string();
        let (whole, decimals) =
            figure.split_once('.').map_or((figure.as_str(), None), |(whole, rest)| (whole, Some(rest)));
        // Some thousands of kilograms.
        let (thousands, rest) = whole.split_at(whole.len() - 3);
        let decimals = decimals.map(|decimals| format!("{point}{decimals}")).unwrap_or_default();
        let expected = format!(", {thousands}{group}{rest}{decimals} kg CO2e ({word})");
        for member in ["text", "html"] {
            assert!(text(&letter, member).contains(&expected), "{expected}: {letter}");
        }
    }
}

#[tokio::test]
async fn a_guests_letter_states_the_emissions_and_one_without_an_estimate_nothing() {
    let files = directory();
    let world = writing(files.path()).await;
    let flight = emitting(&world).await;
    let booking = guest(&world).await.book_by_hold(&flight).await;
    let to_guest = letter(&world, "guest_booking", "gus@example.com").await;
    let expected = format!(", {} kg CO2e (estimate).", booking["emissions"]["co2e_kg"]);
    assert!(text(&to_guest, "text").contains(&expected), "{expected}: {to_guest}");

    let unknown = world.flight(NewFlight::new("AI102", "DEL", "LHR")).await;
    let shipper = Person::new(&world).await;
    shipper.client.book(order(&[&unknown])).await;
    let letter = letter(&world, "booking_confirmed", &address(&shipper)).await;
    assert!(!letter.to_string().contains("CO2e"), "{letter}");
}
