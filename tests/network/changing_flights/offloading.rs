//! Bookings may be taken off a flight in the step that leaves no room for them.
use loadmaster_testkit::{
    NewFlight, World,
    amending::{shown, timeline, told_of},
    flight_verbs::flight_now,
    freight::{each, order, text, with},
};
use serde_json::{Value, json};

use super::{change, direct, refused, version_tag};

#[tokio::test]
async fn an_offloaded_booking_releases_capacity_and_needs_rerouting() {
    let world = World::start().await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    let first = world.flight(NewFlight::new("AI101", "DEL", "BOM")).await;
    let second = world.flight(NewFlight::new("AI102", "BOM", "LHR").leaves_in_hours(36)).await;
    let stays = customer.book(order(&[&first])).await;
    let short = customer.book(with(order(&[&first]), json!({"positions": 2}))).await;
    let long = customer.book(order(&[&first, &second])).await;
    let tag = admin.get(&loadmaster_testkit::flight_verbs::path_to(&first)).await.header("etag").unwrap().to_owned();
    world.clock.advance(chrono::TimeDelta::minutes(2));

    let references = [text(&short, "ref_id").to_lowercase(), text(&long, "ref_id").to_owned()];
    let answer = change(&admin, &first, json!({"offload": references})).await;
    let moved = answer.header("etag").unwrap().to_owned();
    let after = answer.expect(200);
    // Room was given back: the version of the schedule stays, the tag moves.
    assert_eq!(
        (&after["version"], &after["available"]),
        (&json!(1), &json!({"weight_kg": 900, "volume_m3": 999, "positions": 10}))
    );
    assert_ne!(moved, tag);
    assert_eq!(version_tag(&admin, &first).await, "1");
    assert_eq!(flight_now(&admin, &first).await, after);
    for (booking, statuses) in [(&short, json!(["OFFLOADED"])), (&long, json!(["OFFLOADED", "BOOKED"]))] {
        let now = shown(&customer, booking).await;
        assert_eq!((&now["status"], &now["needs_rerouting"]), (&json!("BOOKED"), &json!(true)));
        assert_eq!(json!(each(&now["legs"], "status")), statuses);
        assert_eq!(now["legs"][0]["offload_reason"], "OFFLOADED");
        assert_eq!((&now["version"], &now["updated_at"]), (&json!(2), &json!("2026-11-20T08:02:00Z")));
        let event = timeline(&customer, booking).await.pop().unwrap();
        assert_eq!((&event["event_type"], &event["status"]), (&json!("OFFLOADED"), &json!("BOOKED")));
        assert_eq!((&event["flight_id"], &event["leg_id"]), (&first["id"], &now["legs"][0]["id"]));
    }
    assert_eq!(shown(&customer, &stays).await, stays);
    assert_eq!(world.available(&second).await["weight_kg"], 900, "the onward leg keeps its room");
    world.audit().await;
}

#[tokio::test]
async fn the_capacity_shrinks_after_the_offload_in_the_same_request() {
    let world = World::start().await;
    let (flight, customer, admin) = (direct(&world).await, world.customer().await, world.admin().await);
    let stays = customer.book(with(order(&[&flight]), json!({"weight_kg": 300}))).await;
    let goes = customer.book(with(order(&[&flight]), json!({"weight_kg": 400}))).await;
    let small = json!({"capacity": {"weight_kg": 350}});
    refused(&world, &admin, &flight, small.clone(), "capacity_below_booked").await;
    let wish = with(small, json!({"offload": [goes["ref_id"]]}));
    let after = change(&admin, &flight, wish).await.expect(200);
    assert_eq!((&after["capacity"]["weight_kg"], &after["available"]["weight_kg"]), (&json!(350), &json!(50)));
    assert_eq!(after["version"], 2);
    assert_eq!(shown(&customer, &goes).await["needs_rerouting"], true);
    assert_eq!(shown(&customer, &stays).await, stays);
    world.audit().await;
}

#[tokio::test]
async fn no_booking_is_taken_off_if_it_does_not_fit_even_then() {
    let world = World::start().await;
    let (flight, customer, admin) = (direct(&world).await, world.customer().await, world.admin().await);
    let stays = customer.book(with(order(&[&flight]), json!({"weight_kg": 300}))).await;
    let goes = customer.book(with(order(&[&flight]), json!({"weight_kg": 400}))).await;
    let wish = json!({"capacity": {"weight_kg": 299.9}, "offload": [goes["ref_id"]], "cutoff_minutes": 10});
    let problem = refused(&world, &admin, &flight, wish, "capacity_below_booked").await;
    // Judged by what would be left.
    let shortfall = json!({"dimension": "weight_kg", "requested": 299.9, "booked": 300, "held": 0});
    assert_eq!(problem["shortfalls"], json!([shortfall]));
    assert_eq!(shown(&customer, &goes).await, goes);
    assert_eq!(shown(&customer, &stays).await, stays);
    assert_eq!(world.available(&flight).await["weight_kg"], 300);
    world.audit().await;
}

#[tokio::test]
async fn a_booking_that_is_not_on_the_flight_cannot_be_offloaded() {
    let world = World::start().await;
    let (flight, customer, admin) = (direct(&world).await, world.customer().await, world.admin().await);
    let other = world.flight(NewFlight::new("AI102", "DEL", "LHR")).await;
    let aboard = customer.book(order(&[&flight])).await;
    let elsewhere = customer.book(order(&[&other])).await;
    let gone = admin.walk(&customer.book(order(&[&flight])).await, &["depart"]).await;
    let cancelled = customer.walk(&customer.book(order(&[&flight])).await, &["cancel"]).await;
    let offloaded = customer.book(order(&[&flight])).await;
    change(&admin, &flight, json!({"offload": [offloaded["ref_id"]]})).await.expect(200);
    let nobody = json!({"ref_id": "ACB000000000"});
    for odd in [&elsewhere, &gone, &cancelled, &offloaded, &nobody] {
        for list in [json!([odd["ref_id"]]), json!([aboard["ref_id"], odd["ref_id"]])] {
            let wish = json!({"offload": list, "cutoff_minutes": 10});
            let problem = refused(&world, &admin, &flight, wish, "flight_mismatch").await;
            assert!(text(&problem, "detail").contains(text(odd, "ref_id")), "{problem}");
        }
    }
    assert_eq!(shown(&customer, &aboard).await, aboard);
    world.audit().await;
}

#[tokio::test]
async fn an_offloaded_booking_is_not_retimed() {
    let world = World::start().await;
    let (flight, customer, admin) = (direct(&world).await, world.customer().await, world.admin().await);
    let (stays, goes) = (customer.book(order(&[&flight])).await, customer.book(order(&[&flight])).await);
    let wish = json!({"offload": [goes["ref_id"]], "arrival_datetime": "2026-11-21T22:00:00Z"});
    let after = change(&admin, &flight, wish).await.expect(200);
    assert_eq!((&after["version"], &after["arrival_datetime"]), (&json!(2), &json!("2026-11-21T22:00:00Z")));
    assert_eq!(told_of(&customer, &stays).await, json!(["BOOKED", "FLIGHT_RETIMED"]));
    assert_eq!(told_of(&customer, &goes).await, json!(["BOOKED", "OFFLOADED"]));
    let off: Value = shown(&customer, &goes).await;
    assert_eq!(off["legs"][0]["arrival_datetime"], flight["arrival_datetime"]);
    world.audit().await;
}

#[tokio::test]
async fn a_booking_cannot_be_named_twice_for_offload() {
    let world = World::start().await;
    let (flight, customer, admin) = (direct(&world).await, world.customer().await, world.admin().await);
    let booking = customer.book(order(&[&flight])).await;
    let reference = text(&booking, "ref_id");
    let twice = json!({"offload": [reference, reference.to_lowercase()]});
    let faults = change(&admin, &flight, twice).await.expect_faults();
    let [(pointer, code)] = &faults[..] else { panic!("{faults:?}") };
    assert!(pointer.starts_with("/offload"), "{pointer}");
    assert_eq!(code, "invalid_format");
    assert_eq!(shown(&customer, &booking).await, booking);
}
