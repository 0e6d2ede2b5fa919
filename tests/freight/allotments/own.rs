use loadmaster_testkit::{Client, freight::text, until};
use serde_json::{Value, json};

use super::Stage;

const SEARCH: &str = "/api/v1/routes/search";

/// A search for so many kilograms on the day of the stage's flight.
fn search(stage: &Stage, kilograms: f64) -> Value {
    let date = &text(&stage.flight, "departure_local")[..10];
    json!({ "origin": "DEL", "destination": "LHR", "departure_date": date, "weight_kg": kilograms })
}

/// Whether the flight can be booked, by a search, and what it shows as available.
async fn found(client: &Client, wanted: Value) -> (bool, f64) {
    let found = client.post(SEARCH, wanted).await.expect(200);
    let option = &found["direct_flights"][0];
    (option["bookable"].as_bool().unwrap(), option["available"]["weight_kg"].as_f64().unwrap())
}

#[tokio::test]
async fn availability_and_search_show_an_organization_its_own_space() {
    let stage = Stage::set(500.0).await;
    stage.kept(300.0).await;
    let (user, stranger) = (stage.user().await, stage.world.customer().await);
    let nobody = stage.world.anonymous();
    assert_eq!(stage.available_to(&user).await, 500);
    let room = user.room(&stage.flight).await;
    assert_eq!(room["held"]["weight_kg"], 0);
    for other in [&stranger, &nobody] {
        assert_eq!(stage.available_to(other).await, 200);
    }
    until("the search knows of it", async || found(&user, search(&stage, 400.0)).await == (true, 500.0)).await;
    for _ in 0..2 {
        for other in [&stranger, &nobody] {
            assert_eq!(found(other, search(&stage, 400.0)).await, (false, 200.0));
        }
        assert_eq!(found(&user, search(&stage, 400.0)).await, (true, 500.0));
    }
    let path = format!(
        "/api/v1/routes?origin=DEL&destination=LHR&weight_kg=400&departure_date={}",
        &text(&stage.flight, "departure_local")[..10]
    );
    let ranked = user.get(&path).await.expect(200);
    assert_eq!((&ranked[0]["bookable"], &ranked[0]["reasons"]), (&json!(true), &json!([])));
    assert_eq!(stranger.get(&path).await.expect(200)[0]["reasons"], json!(["weight_exceeded"]));
    stage.world.audit().await;
}

#[tokio::test]
async fn a_booking_by_date_finds_the_organizations_own_space() {
    let stage = Stage::set(300.0).await;
    let allotment = stage.kept(300.0).await;
    let (user, stranger) = (stage.user().await, stage.world.customer().await);
    let wanted = json!({
        "origin": "DEL", "destination": "LHR", "departure_date": &text(&stage.flight, "departure_local")[..10],
        "pieces": 1, "weight_kg": 200,
    });
    stranger.post("/api/v1/bookings", wanted.clone()).await.expect_problem(409, "no_bookable_itinerary");
    until("the search knows of it", async || found(&user, search(&stage, 300.0)).await.0).await;
    user.book(wanted).await;
    assert_eq!(stage.figures(&allotment).await, (100.0, 200.0));
    until("the search knows of it", async || found(&user, search(&stage, 100.0)).await == (true, 100.0)).await;
    stage.world.audit().await;
}
