use chrono::TimeDelta;
use loadmaster_testkit::{
    NewFlight,
    freight::{path_of, text, with},
};
use serde_json::json;

use super::{Stage, at, flight_in};

#[tokio::test]
async fn an_allotment_is_kept_on_each_flight_of_its_kind_and_on_new_ones() {
    let stage = Stage::set(1000.0).await;
    let Stage { world, flight, .. } = &stage;
    let other = world.flight(NewFlight::new("AI103", "DEL", "LHR").leaves_in_hours(102)).await;
    let allotment = stage.make(with(stage.wanted(300.0), json!({ "flight_number": "AI101" }))).await;
    stage.until(&allotment, flight, "KEPT", 300.0).await;
    let room = world.customer().await.room(flight).await;
    assert_eq!((&room["held"]["weight_kg"], &room["available"]["weight_kg"]), (&json!(300), &json!(700)));
    let new = world.flight(flight_in(124, 500.0)).await;
    stage.until(&allotment, &new, "KEPT", 300.0).await;
    assert_eq!(stage.on(&allotment, &other).await, None);
    let found = world.operator().await.get(&format!("{}/flights", at(&allotment))).await.expect(200);
    let flights: Vec<_> = found.as_array().unwrap().iter().map(|on| text(on, "flight_id")).collect();
    assert_eq!(flights, [text(flight, "id"), text(&new, "id")], "in order of departure");
    world.audit().await;
}

#[tokio::test]
async fn days_of_the_week_and_dates_select_flights() {
    let stage = Stage::set(1000.0).await;
    let Stage { world, flight, .. } = &stage;
    let next = world.flight(flight_in(124, 1000.0)).await;
    let scheduled = text(flight, "departure_local")[..10].parse::<chrono::NaiveDate>().unwrap();
    let day = chrono::Datelike::weekday(&scheduled).number_from_monday();
    let weekly = stage.make(with(stage.wanted(100.0), json!({ "weekdays": [day] }))).await;
    let until_then = stage.make(with(stage.wanted(200.0), json!({ "date_to": scheduled }))).await;
    for (allotment, kilograms) in [(&weekly, 100.0), (&until_then, 200.0)] {
        stage.until(allotment, flight, "KEPT", kilograms).await;
        assert_eq!(stage.on(allotment, &next).await, None);
    }
    assert_eq!(world.available(flight).await["weight_kg"], 700);
    world.audit().await;
}

#[tokio::test]
async fn without_space_for_all_of_it_nothing_is_kept_and_it_is_tried_again() {
    let stage = Stage::set(200.0).await;
    let Stage { world, flight, .. } = &stage;
    let allotment = stage.make(stage.wanted(300.0)).await;
    stage.until(&allotment, flight, "SHORT", 0.0).await;
    assert_eq!(world.available(flight).await["weight_kg"], 200);
    world.clock.advance(TimeDelta::minutes(5));
    let path = format!("/api/v1/flights/{}", text(flight, "id"));
    world.admin().await.patch(&path, json!({ "capacity": { "weight_kg": 1000 } })).await.expect(200);
    stage.until(&allotment, flight, "KEPT", 300.0).await;
    world.audit().await;
}

#[tokio::test]
async fn what_is_kept_is_free_for_all_from_the_time_of_release() {
    let stage = Stage::set(500.0).await;
    let Stage { world, flight, .. } = &stage;
    let allotment = stage.kept(300.0).await;
    stage.user().await.book(with(loadmaster_testkit::freight::order(&[flight]), json!({ "weight_kg": 120 }))).await;
    assert_eq!(stage.figures(&allotment).await, (180.0, 120.0));
    world.clock.advance(TimeDelta::hours(52));
    assert_eq!(world.available(flight).await["weight_kg"], 380);
    stage.until(&allotment, flight, "RELEASED", 0.0).await;
    assert_eq!(stage.figures(&allotment).await, (0.0, 120.0));
    world.audit().await;
}

#[tokio::test]
async fn the_hold_follows_the_allotment() {
    let stage = Stage::set(500.0).await;
    let Stage { world, flight, .. } = &stage;
    let allotment = stage.kept(300.0).await;
    stage.user().await.book(with(loadmaster_testkit::freight::order(&[flight]), json!({ "weight_kg": 120 }))).await;
    let admin = world.admin().await;
    admin.patch(&at(&allotment), json!({ "weight_kg": 400 })).await.expect(200);
    stage.until(&allotment, flight, "KEPT", 280.0).await;
    admin.patch(&at(&allotment), json!({ "weight_kg": 100 })).await.expect(200);
    stage.until(&allotment, flight, "KEPT", 0.0).await;
    assert_eq!(stage.figures(&allotment).await, (0.0, 100.0));
    admin.patch(&at(&allotment), json!({ "weight_kg": 200 })).await.expect(200);
    stage.until(&allotment, flight, "KEPT", 80.0).await;
    // 120 kg are booked, and 480 would be needed beside them.
    admin.patch(&at(&allotment), json!({ "weight_kg": 600 })).await.expect(200);
    stage.until(&allotment, flight, "SHORT", 0.0).await;
    assert_eq!(world.available(flight).await["weight_kg"], 380);
    admin.patch(&at(&allotment), json!({ "weight_kg": 300 })).await.expect(200);
    stage.until(&allotment, flight, "KEPT", 180.0).await;
    assert_eq!(stage.figures(&allotment).await, (180.0, 120.0));
    world.audit().await;
}

#[tokio::test]
async fn an_allotment_that_is_kept_again_takes_only_what_was_not_drawn_from_it() {
    let stage = Stage::set(500.0).await;
    let Stage { world, flight, .. } = &stage;
    let allotment = stage.kept(100.0).await;
    let user = stage.user().await;
    let weighing = |kilograms| with(loadmaster_testkit::freight::order(&[flight]), json!({ "weight_kg": kilograms }));
    let (booking, other) = (user.book(weighing(50)).await, user.book(weighing(30)).await);
    world.clock.advance(TimeDelta::hours(60));
    // The keeper looks when any flight is new; by itself it does so only twice a minute.
    world.flight(NewFlight::new("AI105", "DEL", "BOM").leaves_in_hours(100)).await;
    stage.until(&allotment, flight, "RELEASED", 0.0).await;
    assert_eq!(world.available(flight).await["weight_kg"], 420);
    let user = stage.user().await;
    // What is given back meanwhile is free for all, and no longer drawn.
    user.patch(&path_of(&other), json!({ "weight_kg": 20 })).await.expect(200);
    assert_eq!(world.available(flight).await["weight_kg"], 430);
    let admin = world.admin().await;
    admin.patch(&at(&allotment), json!({ "release_hours": 24 })).await.expect(200);
    stage.until(&allotment, flight, "KEPT", 30.0).await;
    assert_eq!(stage.figures(&allotment).await, (30.0, 70.0));
    user.walk(&booking, &["cancel"]).await;
    assert_eq!(stage.figures(&allotment).await, (80.0, 20.0));
    assert_eq!(world.available(flight).await["weight_kg"], 400);
    world.audit().await;
}

#[tokio::test]
async fn what_a_hold_drew_is_remembered_in_its_booking_while_the_allotment_is_elsewhere() {
    let stage = Stage::set(500.0).await;
    let Stage { world, flight, .. } = &stage;
    let allotment = stage.kept(100.0).await;
    let (user, admin) = (stage.user().await, world.admin().await);
    let (hold, all) = (user.hold_weight(flight, 60.0).await, user.hold_weight(flight, 40.0).await);
    admin.patch(&at(&allotment), json!({ "destination": "BOM" })).await.expect(200);
    stage.until(&allotment, flight, "RELEASED", 0.0).await;
    let booking = user.commit(&hold, json!({ "pieces": 1 })).await;
    admin.patch(&at(&allotment), json!({ "destination": "LHR" })).await.expect(200);
    stage.until(&allotment, flight, "KEPT", 0.0).await;
    assert_eq!(stage.figures(&allotment).await, (0.0, 100.0));
    user.walk(&booking, &["cancel"]).await;
    user.delete(&loadmaster_testkit::holds::at(&all)).await.expect(200);
    assert_eq!(stage.figures(&allotment).await, (100.0, 0.0));
    world.audit().await;
}

#[tokio::test]
async fn an_allotment_that_ends_or_goes_elsewhere_releases_its_space() {
    let stage = Stage::set(500.0).await;
    let Stage { world, flight, .. } = &stage;
    let elsewhere = world.flight(NewFlight::new("AI105", "DEL", "BOM").leaves_in_hours(100)).await;
    let allotment = stage.kept(300.0).await;
    let admin = world.admin().await;
    admin.patch(&at(&allotment), json!({ "destination": "BOM" })).await.expect(200);
    stage.until(&allotment, &elsewhere, "KEPT", 300.0).await;
    stage.until(&allotment, flight, "RELEASED", 0.0).await;
    admin.delete(&at(&allotment)).await.expect(200);
    loadmaster_testkit::until("the room is free", async || world.available(&elsewhere).await["weight_kg"] == 1000)
        .await;
    assert_eq!(world.available(flight).await["weight_kg"], 500);
    let reasons = world.texts("select end_reason from holds order by id").await;
    assert_eq!(reasons, ["ALLOTMENT", "ALLOTMENT"]);
    world.audit().await;
}

#[tokio::test]
async fn the_hold_ends_with_its_flight_and_moves_with_its_departure() {
    let stage = Stage::set(500.0).await;
    let Stage { world, flight, .. } = &stage;
    let allotment = stage.kept(300.0).await;
    let admin = world.admin().await;
    let path = format!("/api/v1/flights/{}", text(flight, "id"));
    let later = |hours| world.now() + TimeDelta::hours(hours);
    let times = json!({ "departure_datetime": later(101), "arrival_datetime": later(106) });
    admin.patch(&path, times).await.expect(200);
    let ends = "select to_char(expires_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI') from holds";
    let expected = later(53).format("%Y-%m-%d %H:%M").to_string();
    loadmaster_testkit::until("it ends later", async || world.texts(ends).await == [expected.clone()]).await;
    stage.user().await.book(with(loadmaster_testkit::freight::order(&[flight]), json!({ "weight_kg": 120 }))).await;
    admin.post(&format!("{path}/cancel"), json!({})).await.expect(200);
    stage.until(&allotment, flight, "RELEASED", 0.0).await;
    world.audit().await;
}

#[tokio::test]
async fn a_smaller_aircraft_ends_allotments_before_the_holds_that_drew_all_they_have() {
    let stage = Stage::set(500.0).await;
    let Stage { world, flight, .. } = &stage;
    let allotment = stage.kept(300.0).await;
    let user = stage.user().await;
    let hold = user.hold_weight(flight, 200.0).await;
    let path = format!("/api/v1/flights/{}", text(flight, "id"));
    let cut = |kilograms: u32| json!({ "capacity": { "weight_kg": kilograms }, "release_holds": true });
    let admin = world.admin().await;
    admin.patch(&path, cut(250)).await.expect(200);
    assert_eq!(stage.on(&allotment, flight).await.unwrap()["kept"]["weight_kg"], 0);
    assert_eq!(user.get(&loadmaster_testkit::holds::at(&hold)).await.expect(200)["status"], "ACTIVE");
    assert_eq!(world.available(flight).await["weight_kg"], 50);
    admin.patch(&path, cut(100)).await.expect(200);
    assert_eq!(user.get(&loadmaster_testkit::holds::at(&hold)).await.expect(200)["status"], "RELEASED");
    assert_eq!(world.available(flight).await["weight_kg"], 100);
    world.audit().await;
}
