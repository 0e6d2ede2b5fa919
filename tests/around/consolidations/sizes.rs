//! Parts with dimensions, and masters whose pieces do not fit on a flight.
use loadmaster_testkit::{
    Client, NewFlight, World,
    freight::{text, with},
    reference::set_doors,
};
use serde_json::{Value, json};

use super::{CONSOLIDATIONS, of, plan, shown, ways};

/// Two pieces of this height.
fn pieces(height: i32) -> Value {
    json!([{"pieces": 2, "length_cm": 100, "width_cm": 100, "height_cm": height, "weight_kg": 50, "is_tiltable": false,
            "is_stackable": true}])
}

fn sized(height: i32) -> Value {
    json!({"origin": "DEL", "status": "READY", "dimensions": pieces(height)})
}

/// A flight of an A320, whose doors are 120 cm high, and one of a 777F, whose doors are 300 cm high.
async fn flights(world: &World) -> [Value; 2] {
    set_doors(&world.admin().await).await;
    let small = world.flight(NewFlight::new("AI101", "DEL", "LHR").aircraft("320")).await;
    [small, world.flight(NewFlight::new("AI103", "DEL", "LHR").leaves_in_hours(25).aircraft("77X")).await]
}

async fn with_part(owner: &Client, part: Value) -> (Value, String) {
    let consolidation = owner.post(CONSOLIDATIONS, plan()).await.expect(201);
    owner.post(&of(&consolidation, "parts"), part).await.expect(201);
    let part = shown(owner, &consolidation).await["parts"][0].clone();
    let path = of(&consolidation, &format!("parts/{}", text(&part, "id")));
    (consolidation, path)
}

#[tokio::test]
async fn dimensions_of_a_part_are_kept_changed_and_cleared() {
    let world = World::start().await;
    let owner = world.customer().await;
    let (consolidation, path) = with_part(&owner, sized(100)).await;
    let part = async || shown(&owner, &consolidation).await["parts"][0].clone();
    let made = part().await;
    assert_eq!((&made["pieces"], &made["weight_kg"], &made["volume_m3"]), (&json!(2), &json!(100), &json!(2)));
    assert_eq!(made["dimensions"], pieces(100));
    for change in [json!({"pieces": 3}), json!({"weight_kg": 102}), json!({"volume_m3": 1.9})] {
        let faults = owner.patch(&path, change.clone()).await.expect_faults();
        assert_eq!(faults, [("/dimensions".to_owned(), "inconsistent".to_owned())], "{change}");
    }
    owner.patch(&path, json!({"dimensions": pieces(150)})).await.expect(200);
    assert_eq!((&part().await["volume_m3"], &part().await["dimensions"]), (&json!(3), &pieces(150)));
    owner.patch(&path, json!({"dimensions": null, "pieces": 3})).await.expect(200);
    assert_eq!((&part().await["pieces"], &part().await["dimensions"]), (&json!(3), &Value::Null));
    let faults = owner.post(&of(&consolidation, "parts"), with(sized(100), json!({"pieces": 3}))).await.expect_faults();
    assert_eq!(faults, [("/dimensions".to_owned(), "inconsistent".to_owned())]);
}

#[tokio::test]
async fn a_master_has_the_dimensions_of_its_parts_and_takes_only_flights_on_which_they_fit() {
    let world = World::start().await;
    let [small, large] = flights(&world).await;
    let owner = world.customer().await;
    let (consolidation, path) = with_part(&owner, sized(150)).await;
    owner.post(&of(&consolidation, "parts"), sized(100)).await.expect(201);
    let hold = of(&consolidation, "hold");
    let refused = owner.post(&hold, ways(&[("DEL", &small)])).await.expect_problem(409, "piece_too_large");
    assert_eq!(refused["origin"], "DEL");
    owner.patch(&path, json!({"dimensions": pieces(110)})).await.expect(200);
    owner.post(&hold, ways(&[("DEL", &small)])).await.expect(200);
    let master = async || shown(&owner, &consolidation).await["masters"][0].clone();
    let lines = json!([pieces(110)[0], pieces(100)[0]]);
    assert_eq!((&master().await["dimensions"], &master().await["pieces"]), (&lines, &json!(4)));
    assert_eq!(master().await["differs"], false);
    owner.post(&of(&consolidation, "book"), json!({})).await.expect(200);

    owner.patch(&path, json!({"dimensions": pieces(130)})).await.expect(200);
    assert_eq!(master().await["differs"], true);
    let amend = of(&consolidation, "masters/DEL/amend");
    owner.post(&amend, json!({})).await.expect_problem(409, "piece_too_large");
    let booking = format!("/api/v1/bookings/{}", text(&master().await, "booking_ref"));
    owner.patch(&booking, json!({"flight_ids": [large["id"]]})).await.expect(200);
    owner.post(&amend, json!({})).await.expect(200);
    let lines = json!([pieces(130)[0], pieces(100)[0]]);
    assert_eq!((&master().await["dimensions"], &master().await["differs"]), (&lines, &json!(false)));
    assert_eq!(owner.get(&booking).await.expect(200)["dimensions"], lines);
    owner.patch(&path, json!({"dimensions": null})).await.expect(200);
    owner.post(&amend, json!({})).await.expect(200);
    assert_eq!(master().await["dimensions"], Value::Null);
    world.audit().await;
}

#[tokio::test]
async fn a_part_that_does_not_fit_keeps_the_master_off_a_flight_also_where_others_have_no_dimensions() {
    let world = World::start().await;
    let [small, large] = flights(&world).await;
    let owner = world.customer().await;
    let (consolidation, _) = with_part(&owner, sized(150)).await;
    let bare = json!({"origin": "DEL", "status": "READY", "pieces": 1, "weight_kg": 10});
    owner.post(&of(&consolidation, "parts"), bare).await.expect(201);
    let hold = of(&consolidation, "hold");
    let refused = owner.post(&hold, ways(&[("DEL", &small)])).await.expect_problem(409, "piece_too_large");
    assert_eq!((&refused["origin"], &refused["flight_id"]), (&json!("DEL"), &small["id"]));
    assert_eq!(refused["alternatives"][0]["flights"][0]["id"], large["id"], "{refused}");
    owner.post(&hold, ways(&[("DEL", &large)])).await.expect(200);
    assert_eq!(shown(&owner, &consolidation).await["masters"][0]["dimensions"], Value::Null);
    world.audit().await;
}

#[tokio::test]
async fn a_master_is_not_brought_to_parts_that_do_not_fit_where_some_have_no_dimensions() {
    let world = World::start().await;
    let [small, large] = flights(&world).await;
    let owner = world.customer().await;
    let (consolidation, _) = with_part(&owner, sized(100)).await;
    owner.post(&of(&consolidation, "hold"), ways(&[("DEL", &small)])).await.expect(200);
    let bare = json!({"origin": "DEL", "status": "READY", "pieces": 1, "weight_kg": 10});
    for part in [sized(150), bare] {
        owner.post(&of(&consolidation, "parts"), part).await.expect(201);
    }
    // Neither the hold nor the booking takes what does not fit.
    let (amend, book) = (of(&consolidation, "masters/DEL/amend"), of(&consolidation, "book"));
    let refused = owner.post(&amend, json!({})).await.expect_problem(409, "piece_too_large");
    assert_eq!(refused["alternatives"][0]["flights"][0]["id"], large["id"], "{refused}");
    let failed = owner.post(&book, json!({})).await.expect(200);
    assert_eq!(failed["results"][0]["problem"]["code"], "piece_too_large", "{failed}");
    let parts = shown(&owner, &consolidation).await["parts"].clone();
    let high = parts.as_array().unwrap().iter().find(|part| part["dimensions"] == pieces(150)).unwrap();
    let high = of(&consolidation, &format!("parts/{}", text(high, "id")));
    owner.patch(&high, json!({"dimensions": pieces(110)})).await.expect(200);
    assert_eq!(owner.post(&book, json!({})).await.expect(200)["succeeded"], 1);
    owner.patch(&high, json!({"dimensions": pieces(150)})).await.expect(200);
    owner.post(&amend, json!({})).await.expect_problem(409, "piece_too_large");
    world.audit().await;
}

#[tokio::test]
async fn a_master_is_not_booked_on_an_aircraft_that_has_become_too_small_for_some_of_its_parts() {
    let world = World::start().await;
    let [_, large] = flights(&world).await;
    let owner = world.customer().await;
    let (consolidation, _) = with_part(&owner, sized(150)).await;
    let bare = json!({"origin": "DEL", "status": "READY", "pieces": 1, "weight_kg": 10});
    owner.post(&of(&consolidation, "parts"), bare).await.expect(201);
    owner.post(&of(&consolidation, "hold"), ways(&[("DEL", &large)])).await.expect(200);
    let (admin, path) = (world.admin().await, format!("/api/v1/flights/{}", text(&large, "id")));
    let aircraft = async |code: &str| {
        admin.patch(&path, json!({"aircraft_code": code})).await.expect(200);
    };
    aircraft("320").await;
    let book = async || owner.post(&of(&consolidation, "book"), json!({})).await.expect(200);
    let failed = book().await;
    assert_eq!(failed["results"][0]["problem"]["code"], "piece_too_large", "{failed}");
    aircraft("77X").await;
    assert_eq!(book().await["succeeded"], 1);
    world.audit().await;
}
