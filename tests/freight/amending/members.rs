//! Each member that can be changed, and what else changes with it.
use chrono::TimeDelta;
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Client, NewFlight, World,
    amending::{amend, shown, timeline, told_of},
    freight::{order, raw, two_flights, with, without},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::party;

/// A booking that has everything.
async fn rich(world: &World, customer: &Client) -> Value {
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let said = json!({
        "positions": 1, "description": "Mangoes", "special_handling_codes": ["PER"], "awb_number": "020-12345675",
        "shipper": {"name": "Ann", "city": "Delhi"}, "consignee": {"name": "Bob"}, "customer_reference": "PO 1",
    });
    customer.book(with(order(&[&flight]), said)).await
}

/// What is sent, what it makes of the booking, and what of its leg.
fn steps() -> Vec<(Value, Value, Value)> {
    let same = |change: Value| (change.clone(), change, json!({}));
    let freight = |change: Value, booking: Value| (change.clone(), with(change.clone(), booking), change);
    vec![
        freight(json!({"pieces": 5}), json!({})),
        // A cubic metre is charged as 167 kg.
        freight(json!({"weight_kg": 200.5}), json!({"chargeable_weight_kg": 200.5})),
        freight(json!({"volume_m3": 2.5}), json!({"chargeable_weight_kg": 417})),
        freight(json!({"positions": 3}), json!({})),
        (json!({"awb_number": "098 12345675"}), json!({"awb_number": "098-12345675"}), json!({})),
        same(json!({"description": "Roses,\n\tcut"})),
        same(json!({"customer_reference": "PO 2"})),
        (
            json!({"special_handling_codes": ["per", " COL", "PER"]}),
            json!({"special_handling_codes": ["COL", "PER"]}),
            json!({}),
        ),
        (
            json!({"shipper": {"city": "Agra"}}),
            json!({"shipper": party(&json!({"name": "Ann", "city": "Agra"}))}),
            json!({}),
        ),
        (json!({"consignee": {"name": "Cy"}}), json!({"consignee": party(&json!({"name": "Cy"}))}), json!({})),
    ]
}

#[tokio::test]
async fn each_member_is_changed_and_nothing_else_is() {
    let world = World::start().await;
    let customer = world.customer().await;
    let mut before = rich(&world, &customer).await;
    for (minute, (change, booking, leg)) in (1..).zip(steps()) {
        world.clock.advance(TimeDelta::minutes(1));
        let mut expected = with(before.clone(), booking);
        expected["version"] = json!(minute + 1);
        expected["updated_at"] = json!(format!("2026-11-20T08:{minute:02}:00Z"));
        expected["legs"][0] = with(expected["legs"][0].clone(), leg);

        let answer = amend(&customer, &before, change.clone()).await;
        assert_eq!(answer.header("etag"), Some(format!("\"{}\"", minute + 1).as_str()), "{change}");
        assert_eq!(answer.header("cache-control"), Some("private, no-cache"), "{change}");
        let after = answer.expect(200);
        assert_eq!(after, expected, "{change}");
        assert_eq!(shown(&customer, &before).await, after, "{change}");
        before = after;
    }
    world.audit().await;
}

#[tokio::test]
async fn several_members_change_in_one_step() {
    let world = World::start().await;
    let customer = world.customer().await;
    let booking = rich(&world, &customer).await;
    let change =
        json!({"pieces": 3, "weight_kg": 300, "positions": 2, "description": "Figs", "awb_number": "098-12345675"});
    let after = amend(&customer, &booking, change.clone()).await.expect(200);
    for member in ["pieces", "weight_kg", "positions", "description", "awb_number"] {
        assert_eq!(after[member], change[member], "{member}");
    }
    assert_eq!(after["version"], 2);
    assert_eq!(told_of(&customer, &booking).await, json!(["BOOKED", "AMENDED"]));
    world.audit().await;
}

#[tokio::test]
async fn null_clears_what_is_optional() {
    let world = World::start().await;
    let customer = world.customer().await;
    let booking = rich(&world, &customer).await;
    let nothing = json!({"description": null, "customer_reference": null, "shipper": null, "consignee": null,
                         "special_handling_codes": null, "awb_number": null, "volume_m3": null, "positions": null});
    let after = amend(&customer, &booking, nothing.clone()).await.expect(200);
    for member in ["description", "customer_reference", "shipper", "consignee", "awb_number"] {
        assert_eq!(after[member], Value::Null, "{member}");
    }
    assert_eq!((&after["special_handling_codes"], &after["positions"]), (&json!([]), &json!(0)));
    assert_eq!((&after["volume_m3"], &after["chargeable_weight_kg"]), (&json!(0.6), &json!(100)));
    assert_eq!((&after["legs"][0]["volume_m3"], &after["legs"][0]["positions"]), (&json!(0.6), &json!(0)));
    assert_eq!(after["version"], 2);
    // What is clear cannot be cleared again.
    let again = amend(&customer, &booking, nothing).await;
    assert_eq!(again.header("etag"), Some("\"2\""));
    assert_eq!(again.expect(200), after);
    world.audit().await;
}

#[tokio::test]
async fn a_volume_that_was_not_given_follows_the_weight() {
    let world = World::start().await;
    let customer = world.customer().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(10_000.0)).await;
    let booking = customer.book(without(order(&[&flight]), "volume_m3")).await;
    assert_eq!(booking["volume_m3"], 0.6);
    for (change, volume) in [
        (json!({"weight_kg": 500}), json!(3)),
        (json!({"pieces": 4}), json!(3)),
        (json!({"weight_kg": 166.7}), json!(1.001)),
        // Once given it stays.
        (json!({"volume_m3": 5}), json!(5)),
        (json!({"weight_kg": 1000}), json!(5)),
        // Until it is given no more.
        (json!({"volume_m3": null}), json!(6)),
        (json!({"weight_kg": 500}), json!(3)),
        (json!({"weight_kg": 100, "volume_m3": 2}), json!(2)),
        (json!({"weight_kg": 500, "volume_m3": null}), json!(3)),
        (json!({"weight_kg": 100}), json!(0.6)),
        // Given, though it is what it would have been.
        (json!({"weight_kg": 200, "volume_m3": 1.2}), json!(1.2)),
        (json!({"weight_kg": 300}), json!(1.2)),
    ] {
        let after = amend(&customer, &booking, change.clone()).await.expect(200);
        assert_eq!((&after["volume_m3"], &after["legs"][0]["volume_m3"]), (&volume, &volume), "{change}");
        assert_eq!(after["legs"][0]["weight_kg"], after["weight_kg"], "{change}");
    }
    world.audit().await;
}

#[tokio::test]
async fn a_volume_that_is_given_as_it_was_no_longer_follows_and_the_event_says_so() {
    let world = World::start().await;
    let customer = world.customer().await;
    let [first, _] = two_flights(&world).await;
    let wish = json!({"origin": "DEL", "destination": first["destination"], "pieces": 1, "weight_kg": 100,
                      "flight_ids": [first["id"]]});
    let booking = customer.book(wish).await;
    let fixed = amend(&customer, &booking, json!({"volume_m3": booking["volume_m3"]})).await.expect(200);
    let heavier = amend(&customer, &booking, json!({"weight_kg": 200})).await.expect(200);
    assert_eq!((&fixed["volume_m3"], &heavier["volume_m3"]), (&booking["volume_m3"], &booking["volume_m3"]));
    let notes: Vec<_> = timeline(&customer, &booking).await.iter().map(|event| event["notes"].clone()).collect();
    assert_eq!(notes[1], "Changed volume, which no longer follows the weight.");
    world.audit().await;
}

#[tokio::test]
async fn a_patch_without_differences_changes_nothing() {
    let world = World::start().await;
    let customer = world.customer().await;
    let booking = rich(&world, &customer).await;
    world.clock.advance(TimeDelta::minutes(5));
    let before = world.written().await;
    let mut all = json!({"flight_ids": booking["flight_ids"]});
    for member in [
        "pieces",
        "weight_kg",
        "volume_m3",
        "positions",
        "awb_number",
        "description",
        "customer_reference",
        "special_handling_codes",
        "shipper",
        "consignee",
    ] {
        all[member] = booking[member].clone();
    }
    for change in [
        json!({}),
        all,
        json!({"weight_kg": raw("1.000e2")}),
        json!({"pieces": raw("2.0"), "positions": raw("1e0")}),
        json!({"awb_number": "02012345675"}),
        json!({"special_handling_codes": [" per", "PER"]}),
        json!({"shipper": {}}),
        json!({"shipper": {"name": "Ann", "phone": null}}),
        json!({"flight_ids": []}),
    ] {
        let answer = amend(&customer, &booking, change.clone()).await;
        assert_eq!(answer.header("etag"), Some("\"1\""), "{change}");
        assert_eq!(answer.expect(200), booking, "{change}");
        assert_eq!(world.written().await, before, "{change}");
    }
}

#[tokio::test]
async fn an_event_records_each_changed_member_with_both_values() {
    let world = World::start().await;
    let user = Uuid::new_v4();
    let customer = world.caller_in(Role::Customer, user, Uuid::new_v4()).await;
    let booking = rich(&world, &customer).await;
    world.clock.advance(TimeDelta::minutes(7));
    let change =
        json!({"pieces": 7, "weight_kg": 150.5, "description": "Figs", "shipper": {"phone": "+91 11 2345 6789"}});
    amend(&customer, &booking, change).await.expect(200);
    let events = timeline(&customer, &booking).await;
    assert_eq!(events.len(), 2);
    let event = &events[1];
    assert_eq!((&event["sequence"], &event["event_type"]), (&json!(2), &json!("AMENDED")));
    assert_eq!((&event["status"], &event["fsu_code"]), (&json!("BOOKED"), &Value::Null));
    assert_eq!((&event["pieces"], &event["weight_kg"]), (&json!(7), &json!(150.5)));
    assert_eq!((&event["actor"], &event["location"]), (&json!(user), &json!("DEL")));
    for when in ["occurred_at", "created_at"] {
        assert_eq!(event[when], "2026-11-20T08:07:00Z", "{when}");
    }
    let notes = event["notes"].as_str().expect("notes");
    for word in ["pieces", "weight", "100", "150.5", "2", "7", "description", "shipper"] {
        assert!(notes.contains(word), "{word} is not in {notes:?}");
    }
    for untouched in ["volume", "positions", "consignee", "awb", "reference", "handling"] {
        assert!(!notes.contains(untouched), "{untouched} is in {notes:?}");
    }
    for personal in ["911123456789", "Ann", "Figs", "Mangoes"] {
        assert!(!notes.contains(personal), "{personal} is in {notes:?}");
    }
    // The history of a booking that is read with it is the same.
    let path = format!("/api/v1/bookings/{}?include=history", booking["ref_id"].as_str().unwrap());
    assert_eq!(customer.get(&path).await.expect(200)["events"], json!(events));
    world.audit().await;
}
