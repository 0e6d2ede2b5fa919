//! Masters: held together or not at all, booked each by itself, amended to the sum, and what becomes of them.
use chrono::TimeDelta;
use loadmaster_testkit::{
    Client, NewFlight, World,
    freight::{at_once, order, text, with},
    notifications::Person,
};
use serde_json::{Value, json};

use super::{CONSOLIDATIONS, at, flight, named, of, part, plan, shown, statuses, ways};

/// A consolidation with parts of 100 kg that are ready at these origins.
pub async fn ready(owner: &Client, origins: &[&str]) -> Value {
    let consolidation = owner.post(CONSOLIDATIONS, plan()).await.expect(201);
    for origin in origins {
        owner.post(&of(&consolidation, "parts"), part(origin)).await.expect(201);
    }
    consolidation
}

/// A consolidation whose master from Delhi is held.
pub async fn held(owner: &Client, del: &Value) -> Value {
    let consolidation = ready(owner, &["DEL"]).await;
    owner.post(&of(&consolidation, "hold"), ways(&[("DEL", del)])).await.expect(200)
}

pub async fn open_holds(world: &World) -> usize {
    world.texts("select id::text from holds where status = 'ACTIVE'").await.len()
}

pub fn awb(serial: u32) -> String {
    format!("020-{serial:07}{}", serial % 7)
}

#[tokio::test]
async fn if_one_of_three_origins_is_full_nothing_is_held() {
    let world = World::start().await;
    let owner = world.customer().await;
    let del = flight(&world, "AI101", "DEL", 1000.0).await;
    let bom = flight(&world, "AI102", "BOM", 1000.0).await;
    let full = flight(&world, "AI103", "MAA", 99.0).await;
    let consolidation = ready(&owner, &["BOM", "DEL", "MAA"]).await;
    let wanted = ways(&[("DEL", &del), ("BOM", &bom), ("MAA", &full)]);
    let refused = owner.post_under("k1", &of(&consolidation, "hold"), &wanted).await;
    let problem = refused.expect_problem(409, "capacity_exceeded");
    assert_eq!(problem["origin"], "MAA");
    assert_eq!(open_holds(&world).await, 0);
    assert_eq!(shown(&owner, &consolidation).await["masters"], json!([]));
    // With room, the same request under the same key succeeds: the holds that were given back are no masters.
    let larger = json!({"capacity": {"weight_kg": 500, "volume_m3": 1000, "positions": 10}});
    world.admin().await.patch(&format!("/api/v1/flights/{}", text(&full, "id")), larger).await.expect(200);
    let held = owner.post_under("k1", &of(&consolidation, "hold"), &wanted).await.expect(200);
    assert_eq!(statuses(&held), named(&[("BOM", "HELD"), ("DEL", "HELD"), ("MAA", "HELD")]));
    assert_eq!(open_holds(&world).await, 3);
    world.audit().await;
}

#[tokio::test]
async fn a_key_whose_request_was_refused_is_free_for_other_flights() {
    let world = World::start().await;
    let owner = world.customer().await;
    let del = flight(&world, "AI101", "DEL", 1000.0).await;
    let later = flight(&world, "AI102", "DEL", 1000.0).await;
    let (full, open) = (flight(&world, "AI103", "MAA", 99.0).await, flight(&world, "AI104", "MAA", 1000.0).await);
    let consolidation = ready(&owner, &["DEL", "MAA"]).await;
    let path = of(&consolidation, "hold");
    let refused = owner.post_under("k1", &path, &ways(&[("DEL", &del), ("MAA", &full)])).await;
    refused.expect_problem(409, "capacity_exceeded");
    let held = owner.post_under("k1", &path, &ways(&[("DEL", &later), ("MAA", &open)])).await.expect(200);
    assert_eq!(statuses(&held), named(&[("DEL", "HELD"), ("MAA", "HELD")]));
    assert_eq!(open_holds(&world).await, 2);
    assert_eq!(world.available(&del).await["weight_kg"], 1000);
    owner.post_under("k1", &path, &ways(&[("DEL", &del)])).await.expect_problem(422, "idempotency_key_reused");
    world.audit().await;
}

#[tokio::test]
async fn a_repeated_request_to_hold_repeats_its_answer_and_holds_nothing_twice() {
    let world = World::start().await;
    let owner = world.customer().await;
    let (del, bom) = (flight(&world, "AI101", "DEL", 150.0).await, flight(&world, "AI102", "BOM", 150.0).await);
    let consolidation = ready(&owner, &["BOM", "DEL"]).await;
    let wanted = ways(&[("DEL", &del), ("BOM", &bom)]);
    let path = of(&consolidation, "hold");
    let first = owner.post_under("once", &path, &wanted).await;
    assert_eq!(first.status, 200, "{}", first.text);
    let again = owner.post_under("once", &path, &wanted).await;
    assert_eq!((again.header("idempotency-replayed"), &again.text), (Some("true"), &first.text));
    assert_eq!(open_holds(&world).await, 2);
    let problem = owner.post(&path, wanted).await.expect_problem(409, "invalid_transition");
    assert_eq!(problem["origin"], "DEL");
    assert_eq!(open_holds(&world).await, 2, "another request takes nothing");
    let released = owner.post(&of(&consolidation, "release"), json!({})).await.expect(200);
    assert_eq!(statuses(&released), named(&[("BOM", "RELEASED"), ("DEL", "RELEASED")]));
    assert_eq!(open_holds(&world).await, 0);
    world.audit().await;
}

#[tokio::test]
async fn ways_must_be_of_origins_with_parts_that_are_ready() {
    let world = World::start().await;
    let owner = world.customer().await;
    let del = flight(&world, "AI101", "DEL", 1000.0).await;
    let empty = owner.post(CONSOLIDATIONS, plan()).await.expect(201);
    let one = ways(&[("DEL", &del)]);
    owner.post(&of(&empty, "hold"), one.clone()).await.expect_problem(409, "hold_incomplete");
    owner.post(&of(&empty, "book"), json!({})).await.expect_problem(409, "hold_incomplete");
    owner.post(&of(&empty, "parts"), with(part("DEL"), json!({"status": "DRAFT"}))).await.expect(201);
    owner.post(&of(&empty, "book"), json!({})).await.expect_problem(409, "hold_incomplete");
    let consolidation = ready(&owner, &["DEL"]).await;
    owner.post(&of(&consolidation, "book"), json!({})).await.expect_problem(409, "hold_incomplete");
    for (wanted, pointer, code) in [
        (json!({}), "/ways", "required"),
        (json!({"ways": []}), "/ways", "required"),
        (json!({"ways": [{"origin": "DEL", "flight_ids": []}]}), "/ways/0/flight_ids", "required"),
        (ways(&[("DEL", &del), ("DEL", &del)]), "/ways/1/origin", "not_allowed"),
        (ways(&[("BOM", &del)]), "/ways/0/origin", "unknown_value"),
    ] {
        let faults = owner.post(&of(&consolidation, "hold"), wanted.clone()).await.expect_faults();
        assert_eq!(faults, [(pointer.to_owned(), code.to_owned())], "{wanted}");
    }
    let elsewhere = world.flight(NewFlight::new("AI104", "DEL", "FRA")).await;
    let faults = owner.post(&of(&consolidation, "hold"), ways(&[("DEL", &elsewhere)])).await.expect_faults();
    assert_eq!(faults, [("/ways/0/flight_ids".to_owned(), "not_allowed".to_owned())]);
    assert_eq!(open_holds(&world).await, 0, "it is given back");
}

#[tokio::test]
async fn an_air_waybill_that_is_taken_leaves_its_master_held_and_the_others_booked() {
    let world = World::start().await;
    let owner = world.customer().await;
    let del = flight(&world, "AI101", "DEL", 1000.0).await;
    let bom = flight(&world, "AI102", "BOM", 1000.0).await;
    let maa = flight(&world, "AI103", "MAA", 1000.0).await;
    let taken = awb(1_234_567);
    world.customer().await.book(with(order(&[&del]), json!({"awb_number": taken}))).await;
    let consolidation = ready(&owner, &["BOM", "DEL", "MAA"]).await;
    let wanted = ways(&[("DEL", &del), ("BOM", &bom), ("MAA", &maa)]);
    owner.post(&of(&consolidation, "hold"), wanted).await.expect(200);
    let path = of(&consolidation, "book");
    let numbers = json!({"awb_numbers": {"DEL": taken, "BOM": awb(2_345_678)}});
    let booked = owner.post_under("b1", &path, &numbers).await.expect(200);
    assert_eq!((&booked["succeeded"], &booked["failed"]), (&json!(2), &json!(1)), "{booked}");
    let rows = booked["results"].as_array().unwrap();
    let problems: Vec<&Value> = rows.iter().map(|row| &row["problem"]["code"]).collect();
    assert_eq!(problems, [&Value::Null, &json!("already_exists"), &Value::Null], "{booked}");
    let now = shown(&owner, &consolidation).await;
    assert_eq!(statuses(&now), named(&[("BOM", "BOOKED"), ("DEL", "HELD"), ("MAA", "BOOKED")]));
    assert_eq!(now["status"], "PLANNING");
    // Under the same key what is booked is repeated.
    let again = owner.post_under("b1", &path, &numbers).await.expect(200);
    assert_eq!(again["results"][0]["booking_ref"], booked["results"][0]["booking_ref"]);
    let rest = json!({"origins": ["DEL"], "awb_numbers": {"DEL": awb(3_456_789)}});
    let rest = owner.post(&path, rest).await.expect(200);
    assert_eq!(rest["succeeded"], 1, "{rest}");
    let now = shown(&owner, &consolidation).await;
    assert_eq!(now["status"], "BOOKED");
    let master = &now["masters"][1];
    let booking = owner.get(&format!("/api/v1/bookings/{}", text(master, "booking_ref"))).await.expect(200);
    assert_eq!((&booking["weight_kg"], &booking["hold_id"]), (&json!(100), &master["hold_id"]));
    let events =
        world.texts("select event_type from outbox where aggregate = 'consolidation' order by id desc limit 1").await;
    assert_eq!(events, ["BOOKED"]);
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn a_master_that_differs_is_amended_to_the_sum() {
    let world = World::start().await;
    let owner = world.customer().await;
    let del = flight(&world, "AI101", "DEL", 1000.0).await;
    let consolidation = ready(&owner, &["DEL"]).await;
    let amend = of(&consolidation, "masters/DEL/amend");
    owner.post(&amend, json!({})).await.expect_problem(404, "not_found");
    owner.post(&of(&consolidation, "hold"), ways(&[("DEL", &del)])).await.expect(200);
    let add = async |kilograms: u32| {
        let more = with(part("DEL"), json!({"weight_kg": kilograms, "special_handling_codes": ["PER"]}));
        owner.post(&of(&consolidation, "parts"), more).await.expect(201);
        shown(&owner, &consolidation).await["masters"][0].clone()
    };
    let master = add(50).await;
    assert_eq!((&master["differs"], &master["weight_kg"]), (&json!(true), &json!(100)));
    let held = owner.post(&amend, json!({})).await.expect(200)["masters"][0].clone();
    assert_eq!((&held["differs"], &held["weight_kg"], &held["pieces"]), (&json!(false), &json!(150), &json!(4)));
    assert_eq!(held["special_handling_codes"], json!(["PER"]));
    owner.post(&of(&consolidation, "book"), json!({})).await.expect(200);
    assert_eq!(add(25).await["differs"], true);
    let booked = owner.post_under("a1", &amend, &json!({})).await.expect(200)["masters"][0].clone();
    assert_eq!(
        (&booked["status"], &booked["differs"], &booked["weight_kg"]),
        (&json!("BOOKED"), &json!(false), &json!(175))
    );
    let version = shown(&owner, &consolidation).await["version"].clone();
    owner.post(&amend, json!({})).await.expect(200);
    assert_eq!(shown(&owner, &consolidation).await["version"], version, "it is the sum already");
    add(2000).await;
    let problem = owner.post(&amend, json!({})).await.expect_problem(409, "capacity_exceeded");
    assert_eq!(problem["origin"], "DEL");
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn booking_brings_a_hold_to_the_sum_of_its_parts() {
    let world = World::start().await;
    let owner = world.customer().await;
    let del = flight(&world, "AI101", "DEL", 1000.0).await;
    let consolidation = held(&owner, &del).await;
    owner.post(&of(&consolidation, "parts"), part("DEL")).await.expect(201);
    owner.post(&of(&consolidation, "book"), json!({})).await.expect(200);
    let master = shown(&owner, &consolidation).await["masters"][0].clone();
    assert_eq!((&master["weight_kg"], &master["differs"]), (&json!(200), &json!(false)));
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn an_origin_whose_hold_expired_or_whose_booking_was_cancelled_is_planned_again() {
    let world = World::start().await;
    let person = Person::new(&world).await;
    let del = flight(&world, "AI101", "DEL", 1000.0).await;
    let consolidation = ready(&person.client, &["DEL"]).await;
    person.client.post(&of(&consolidation, "hold"), ways(&[("DEL", &del)])).await.expect(200);
    world.clock.advance(TimeDelta::minutes(15));
    let owner = person.now(&world);
    let hold = async || owner.post(&of(&consolidation, "hold"), ways(&[("DEL", &del)])).await.expect(200);
    let status = async || shown(&owner, &consolidation).await["status"].clone();
    assert_eq!(statuses(&shown(&owner, &consolidation).await), named(&[("DEL", "EXPIRED")]));
    let late = owner.post(&of(&consolidation, "book"), json!({"origins": ["DEL"]})).await.expect(200);
    assert_eq!(late["results"][0]["problem"]["code"], "hold_expired", "{late}");
    hold().await;
    owner.post(&of(&consolidation, "book"), json!({})).await.expect(200);
    assert_eq!(status().await, "BOOKED");
    let reference = shown(&owner, &consolidation).await["masters"][0]["booking_ref"].clone();
    owner.poke(&format!("/api/v1/bookings/{}/cancel", reference.as_str().unwrap())).await.expect(200);
    assert_eq!(statuses(&shown(&owner, &consolidation).await), named(&[("DEL", "CANCELLED")]));
    assert_eq!(status().await, "PLANNING");
    hold().await;
    owner.post(&of(&consolidation, "book"), json!({})).await.expect(200);
    assert_eq!(status().await, "BOOKED");
    let cancelled = owner.delete(&at(&consolidation)).await.expect(200);
    assert_eq!((&cancelled["status"], statuses(&cancelled)), (&json!("CANCELLED"), named(&[("DEL", "CANCELLED")])));
    owner.post(&of(&consolidation, "parts"), part("DEL")).await.expect_problem(409, "invalid_transition");
    owner.delete(&at(&consolidation)).await.expect_problem(409, "invalid_transition");
    assert_eq!(world.available(&del).await["weight_kg"], 1000);
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn a_consolidation_stays_while_a_master_has_departed() {
    let world = World::start().await;
    let owner = world.customer().await;
    let del = flight(&world, "AI101", "DEL", 1000.0).await;
    let bom = flight(&world, "AI102", "BOM", 1000.0).await;
    let consolidation = ready(&owner, &["BOM", "DEL"]).await;
    owner.post(&of(&consolidation, "hold"), ways(&[("DEL", &del), ("BOM", &bom)])).await.expect(200);
    owner.post(&of(&consolidation, "book"), json!({"origins": ["DEL"]})).await.expect(200);
    let reference = shown(&owner, &consolidation).await["masters"][1]["booking_ref"].clone();
    let depart = format!("/api/v1/bookings/{}/depart", reference.as_str().unwrap());
    world.operator().await.poke(&depart).await.expect(200);
    let problem = owner.delete(&at(&consolidation)).await.expect_problem(409, "invalid_transition");
    assert_eq!(problem["origin"], "DEL");
    let now = shown(&owner, &consolidation).await;
    assert_eq!(statuses(&now), named(&[("BOM", "RELEASED"), ("DEL", "DEPARTED")]));
    assert_ne!(now["status"], "CANCELLED");
}

#[tokio::test]
async fn of_two_owners_who_hold_the_last_room_at_once_one_gets_it_whole() {
    let world = World::start().await;
    let del = flight(&world, "AI101", "DEL", 150.0).await;
    let bom = flight(&world, "AI102", "BOM", 150.0).await;
    let mut requests = Vec::new();
    for _ in 0..2 {
        let owner = world.customer().await;
        let consolidation = ready(&owner, &["BOM", "DEL"]).await;
        let (path, wanted) = (of(&consolidation, "hold"), ways(&[("BOM", &bom), ("DEL", &del)]));
        requests.push(async move { owner.post(&path, wanted).await.status.as_u16() });
    }
    let mut answers = at_once(requests.into_iter()).await;
    answers.sort_unstable();
    assert_eq!(answers, [200, 409]);
    assert_eq!(open_holds(&world).await, 2);
    world.audit().await;
}
