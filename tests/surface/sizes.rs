//! Dimensions of freight: each request that has them takes all their members, and each answer shows them.
use loadmaster_testkit::{
    Client, NewFlight, World, WorldOptions,
    freight::{BOOKINGS, path_of, text, with},
    holds::{HOLDS, at, hold_on},
    parties::TEMPLATES,
    pricing::{QUOTES, TARIFFS, asked, flat, make},
    reference::set_door,
    stations::accept,
    waitlist::{self, WAITLIST, fill, join, reached},
};
use serde_json::{Value, json};

const ALERTS: &str = "/api/v1/alerts";

/// A piece with all members.
fn weighed() -> Value {
    json!([{"pieces": 1, "length_cm": 60, "width_cm": 40, "height_cm": 50, "weight_kg": 25, "is_tiltable": true,
            "is_stackable": false}])
}

/// A piece whose members that may be null are null.
fn bare() -> Value {
    json!([{"pieces": 1, "length_cm": 60, "width_cm": 40, "height_cm": 50, "weight_kg": null, "is_tiltable": null,
            "is_stackable": null}])
}

/// The same as answers show it.
fn shown_bare() -> Value {
    json!([{"pieces": 1, "length_cm": 60, "width_cm": 40, "height_cm": 50, "weight_kg": null, "is_tiltable": false,
            "is_stackable": true}])
}

fn sized() -> Value {
    json!({"weight_kg": 25, "dimensions": weighed()})
}

/// Changes the dimensions to both kinds of pieces, and sees them.
async fn change(client: &Client, path: &str) {
    for (given, shown) in [(bare(), shown_bare()), (weighed(), weighed())] {
        let changed = client.patch(path, json!({"weight_kg": 25, "dimensions": given})).await.expect(200);
        assert_eq!(changed["dimensions"], shown, "{path}");
        assert_eq!(client.get(path).await.expect(200)["dimensions"], shown, "{path}");
    }
}

/// The first entry of a list has the dimensions.
async fn lists(client: &Client, path: &str) -> Value {
    let first = client.get(path).await.expect(200)[0].clone();
    assert_eq!(first["dimensions"], weighed(), "{path}");
    first
}

#[tokio::test]
async fn holds_quotes_and_bookings_have_dimensions_with_all_their_members() {
    let world = World::with(WorldOptions::default().with_factors()).await;
    let (admin, customer) = (world.admin().await, world.customer().await);
    make(&admin, TARIFFS, flat("T", "2", json!({}))).await;
    accept(&world.operator().await, "DEL", 0, json!([{"minutes_before": 240}])).await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").aircraft("77X")).await;

    let quote = customer.post(QUOTES, with(asked(&[&flight], 25.0), sized())).await.expect(201);
    assert_eq!(quote["dimensions"], weighed());
    lists(&customer, QUOTES).await;

    let hold = customer.hold(with(hold_on(&[&flight]), sized())).await;
    change(&customer, &at(&hold)).await;
    lists(&customer, HOLDS).await;
    let booking = customer.commit(&hold, sized()).await;
    assert_eq!(booking["dimensions"], weighed());
    change(&customer, &path_of(&booking)).await;
    lists(&customer, BOOKINGS).await;

    let reservations = format!("/api/v1/flights/{}/reservations", text(&flight, "id"));
    let reservation = customer.post(&reservations, json!({"weight_kg": 25})).await.expect(201);
    change(&customer, &at(&reservation)).await;
    let listed = lists(&customer, &reservations).await;
    assert_eq!(listed["emissions"]["method"], "GLEC", "{listed}");
    assert!(listed["latest_acceptance_datetime"].is_string(), "{listed}");
    world.audit().await;
}

#[tokio::test]
async fn alerts_templates_and_parts_have_dimensions_with_all_their_members() {
    let world = World::start().await;
    let customer = world.customer().await;
    let alert = json!({"kind": "SPACE", "origin": "DEL", "destination": "LHR"});
    let alert = customer.post(ALERTS, with(alert, sized())).await.expect(201);
    change(&customer, &format!("{ALERTS}/{}", text(&alert, "id"))).await;
    lists(&customer, ALERTS).await;

    let template = customer.post(TEMPLATES, with(json!({"name": "Pallet"}), sized())).await.expect(201);
    change(&customer, &format!("{TEMPLATES}/{}", text(&template, "id"))).await;
    lists(&customer, TEMPLATES).await;

    let plan = customer.post("/api/v1/consolidations", json!({"name": "Week 49", "destination": "LHR"})).await;
    let parts = format!("/api/v1/consolidations/{}/parts", text(&plan.expect(201), "id"));
    customer.post(&parts, with(json!({"origin": "DEL"}), sized())).await.expect(201);
    let part = lists(&customer, &parts).await;
    let part = format!("{parts}/{}", text(&part, "id"));
    for (given, shown) in [(bare(), shown_bare()), (weighed(), weighed())] {
        customer.patch(&part, json!({"weight_kg": 25, "dimensions": given})).await.expect(200);
        assert_eq!(customer.get(&part).await.expect(200)["dimensions"], shown);
    }
}

#[tokio::test]
async fn searches_take_dimensions_with_all_their_members() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let date = text(&flight, "departure_datetime").split_once('T').unwrap().0;
    let where_to = json!({"destination": "LHR", "departure_date": date});
    let anyone = world.anonymous();
    for dimensions in [weighed(), bare()] {
        let freight = json!({"origin": "DEL", "weight_kg": 25, "dimensions": dimensions});
        let found = anyone.post("/api/v1/routes/search", with(where_to.clone(), freight.clone())).await.expect(200);
        assert_eq!(found["direct_flights"].as_array().map(Vec::len), Some(1), "{found}");
        let group = with(where_to.clone(), json!({"parts": [freight]}));
        let found = anyone.post("/api/v1/routes/group-search", group).await.expect(200);
        assert_eq!(found.as_array().map(Vec::len), Some(1), "{found}");
    }
}

#[tokio::test]
async fn staff_books_from_the_waitlist_what_no_door_takes() {
    let world = WorldOptions::working().start().await;
    let operator = world.operator().await;
    set_door(&world.admin().await, "320", 120).await;
    let flight = NewFlight::new("AI101", "DEL", "LHR").weight(100.0).leaves_in_hours(200).aircraft("320");
    let flight = world.flight(flight).await;
    let full = fill(&operator, &flight).await;
    // It never becomes larger than what waited.
    let entry = join(&operator, with(json!({"flight_ids": [flight["id"]], "volume_m3": 2}), sized())).await;
    lists(&operator, WAITLIST).await;
    operator.walk(&full, &["cancel"]).await;
    reached(&operator, &entry, "OFFERED").await;
    let large = json!([{"pieces": 1, "length_cm": 90, "width_cm": 90, "height_cm": 150, "weight_kg": 25}]);
    let book = format!("{}/book", waitlist::at(&entry));
    let refused = operator.post(&book, json!({"dimensions": large})).await;
    refused.expect_problem(409, "piece_too_large");
    let wanted = json!({"dimensions": large, "accept_oversize": true});
    let booked = operator.post(&book, wanted).await.expect(201);
    assert_eq!(booked["dimensions"][0]["height_cm"], 150);
    world.audit().await;
}
