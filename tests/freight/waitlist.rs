//! Waiting for room on full flights.
mod bounds;
mod faults;
mod freeing;
mod kept;
mod lapses;
mod order;
mod races;
mod scale;
mod sizes;
mod ways;

use chrono::TimeDelta;
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Client, NewFlight, World, WorldOptions,
    freight::{BOOKINGS, order, path_of, text, with},
    until,
    waitlist::{WAITLIST, at, join, reached, wanted},
};
use serde_json::{Value, json};

fn over(flights: &[Value; 2], kilograms: usize) -> Value {
    json!({ "flight_ids": [flights[0]["id"], flights[1]["id"]], "weight_kg": kilograms })
}

async fn full_flight(world: &World) -> (Value, Client, Value) {
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(1000.0).leaves_in_hours(200)).await;
    let holder = world.customer().await;
    let booking = holder.book(with(order(&[&flight]), json!({ "weight_kg": 1000 }))).await;
    (flight, holder, booking)
}

#[tokio::test]
async fn the_first_in_order_that_fits_is_offered_what_a_cancellation_frees() {
    let world = WorldOptions::working().start().await;
    let (flight, holder, booking) = full_flight(&world).await;
    let (one, other) = (world.customer().await, world.customer().await);
    let first = join(&one, wanted(&flight, 600.0)).await;
    let second = join(&other, wanted(&flight, 600.0)).await;
    assert_eq!((text(&first, "status"), &first["priority"]), ("WAITING", &json!(5)));
    assert_eq!((&first["place"], &second["place"]), (&json!(1), &json!(2)));
    let place = async |client: &Client, entry: &Value| client.get(&at(entry)).await.expect(200)["place"].clone();
    assert_eq!((place(&one, &first).await, place(&other, &second).await), (json!(1), json!(2)));
    holder.walk(&booking, &["cancel"]).await;
    let offered = reached(&one, &first, "OFFERED").await;
    let offer = &offered["offer"];
    assert_eq!((text(offer, "kind"), &offer["weight_kg"], &offered["place"]), ("OFFER", &json!(600), &Value::Null));
    // What nobody who waits can use is open again.
    until("the rest is open", async || one.room(&flight).await["available"]["weight_kg"] == 400).await;
    assert_eq!(place(&other, &second).await, 1);
    let passed = other.get(&at(&second)).await.expect(200);
    assert_eq!((text(&passed, "status"), &passed["passed_over"]), ("WAITING", &json!(0)));
    let booked = one.post(&format!("{}/book", at(&first)), json!({ "pieces": 2 })).await.expect(201);
    let entry = one.get(&at(&first)).await.expect(200);
    assert_eq!((text(&entry, "status"), text(&entry, "booking_ref")), ("BOOKED", text(&booked, "ref_id")));
    one.get(&path_of(&booked)).await.expect(200);
    world.audit().await;
}

#[tokio::test]
async fn walk_ins_do_not_get_what_is_set_aside() {
    // No matcher runs here.
    let world = World::start().await;
    let (flight, holder, booking) = full_flight(&world).await;
    let waiter = world.customer().await;
    join(&waiter, wanted(&flight, 100.0)).await;
    holder.walk(&booking, &["cancel"]).await;
    let room = holder.room(&flight).await;
    assert_eq!((&room["available"]["weight_kg"], &room["held"]["weight_kg"]), (&json!(0), &json!(1000)));
    holder.post(BOOKINGS, order(&[&flight])).await.expect_problem(409, "capacity_exceeded");
    // After half a minute nobody keeps it.
    world.clock.advance(TimeDelta::seconds(30));
    holder.book(order(&[&flight])).await;
    assert_eq!(holder.room(&flight).await["available"]["weight_kg"], 900);
    world.audit().await;
}

#[tokio::test]
async fn a_declined_or_expired_offer_goes_to_the_next() {
    let world = WorldOptions::working().start().await;
    let (flight, holder, booking) = full_flight(&world).await;
    let (user, organization) = (uuid::Uuid::new_v4(), uuid::Uuid::new_v4());
    let one = world.caller_in(Role::Customer, user, organization).await;
    let first = join(&one, wanted(&flight, 1000.0)).await;
    let second = join(&one, wanted(&flight, 1000.0)).await;
    let third = join(&one, wanted(&flight, 1000.0)).await;
    holder.walk(&booking, &["cancel"]).await;
    reached(&one, &first, "OFFERED").await;
    let answer = one.poke(&format!("{}/decline", at(&first))).await;
    let tag = answer.header("etag").map(str::to_owned);
    let declined = answer.expect(200);
    assert_eq!((text(&declined, "status"), &declined["id"]), ("DECLINED", &first["id"]));
    assert_eq!(tag, Some(format!("\"{}\"", declined["version"])));
    assert_eq!(one.get(&at(&first)).await.expect(200), declined);
    reached(&one, &second, "OFFERED").await;
    // An offer is held for a day.
    world.clock.advance(TimeDelta::hours(24));
    let one = one.with_token(&world.token(Role::Customer, user, organization));
    assert_eq!(text(&one.get(&at(&second)).await.expect(200), "status"), "EXPIRED");
    one.post(&format!("{}/book", at(&second)), json!({ "pieces": 1 })).await.expect_problem(409, "hold_expired");
    reached(&one, &third, "OFFERED").await;
    world.audit().await;
}

#[tokio::test]
async fn no_entry_is_passed_over_more_than_three_times() {
    let world = WorldOptions::working().start().await;
    let (flight, holder, booking) = full_flight(&world).await;
    let operator = world.operator().await;
    let large = join(&holder, wanted(&flight, 400.0)).await;
    let small: Vec<Value> = {
        let mut small = Vec::new();
        for _ in 0..4 {
            small.push(join(&holder, wanted(&flight, 100.0)).await);
        }
        small
    };
    for (kilograms, entry) in [900, 800, 700].iter().zip(&small) {
        operator.patch(&path_of(&booking), json!({ "weight_kg": kilograms })).await.expect(200);
        reached(&holder, entry, "OFFERED").await;
    }
    assert_eq!(holder.get(&at(&large)).await.expect(200)["passed_over"], 3);
    operator.patch(&path_of(&booking), json!({ "weight_kg": 600 })).await.expect(200);
    // It is kept for the large one, also after half a minute.
    world.clock.advance(TimeDelta::seconds(60));
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(text(&holder.get(&at(&small[3])).await.expect(200), "status"), "WAITING");
    assert_eq!(holder.room(&flight).await["available"]["weight_kg"], 0);
    for entry in &small[..3] {
        holder.poke(&format!("{}/decline", at(entry))).await.expect(200);
    }
    reached(&holder, &large, "OFFERED").await;
    world.audit().await;
}

#[tokio::test]
async fn operators_change_the_order() {
    let world = WorldOptions::working().start().await;
    let (flight, holder, booking) = full_flight(&world).await;
    let operator = world.operator().await;
    let mut entries = Vec::new();
    for _ in 0..4 {
        entries.push(join(&holder, wanted(&flight, 1000.0)).await);
    }
    holder.patch(&at(&entries[3]), json!({ "priority": 1 })).await.expect_problem(403, "forbidden");
    operator.patch(&at(&entries[3]), json!({ "priority": 1 })).await.expect(200);
    let before = json!({ "before": entries[0]["id"] });
    operator.post(&format!("{}/move", at(&entries[2])), before.clone()).await.expect(200);
    operator.post(&format!("{}/move", at(&entries[1])), before).await.expect(200);
    let mut places = Vec::new();
    for entry in &entries {
        places.push(holder.get(&at(entry)).await.expect(200)["place"].clone());
    }
    assert_eq!(places, [json!(4), json!(3), json!(2), json!(1)]);
    holder.walk(&booking, &["cancel"]).await;
    reached(&holder, &entries[3], "OFFERED").await;
    world.audit().await;
}

#[tokio::test]
async fn an_entry_ends_with_its_flight() {
    let world = WorldOptions::working().start().await;
    let (flight, holder, _) = full_flight(&world).await;
    let entry = join(&holder, wanted(&flight, 100.0)).await;
    let mine = join(&holder, wanted(&flight, 100.0)).await;
    holder.delete(&at(&mine)).await.expect(200);
    world.admin().await.poke(&format!("/api/v1/flights/{}/cancel", text(&flight, "id"))).await.expect(200);
    reached(&holder, &entry, "CANCELLED").await;
    holder.poke(&format!("{}/cancel", at(&entry))).await.expect_problem(409, "invalid_transition");
    world.audit().await;
}

#[tokio::test]
async fn any_way_on_the_date_will_do_and_larger_than_a_flight_will_not() {
    let world = WorldOptions::working().start().await;
    let (flight, holder, booking) = full_flight(&world).await;
    let date = &text(&flight, "departure_local")[..10];
    let by_date = |kilograms: f64| json!({ "origin": "DEL", "destination": "LHR", "departure_date": date, "weight_kg": kilograms });
    holder.post(WAITLIST, by_date(1000.1)).await.expect_problem(409, "capacity_exceeded");
    holder.post(WAITLIST, wanted(&flight, 1000.1)).await.expect_problem(409, "capacity_exceeded");
    let entry = join(&holder, by_date(1000.0)).await;
    holder.walk(&booking, &["cancel"]).await;
    let offered = reached(&holder, &entry, "OFFERED").await;
    assert_eq!(offered["offer"]["flight_ids"], json!([flight["id"]]));
    world.audit().await;
}

#[tokio::test]
async fn an_entry_is_its_organizations_own() {
    let world = World::start().await;
    let (flight, holder, _) = full_flight(&world).await;
    let (other, guest) = (world.customer().await, world.caller(Role::Guest).await);
    let entry = join(&holder, wanted(&flight, 100.0)).await;
    for path in ["cancel", "decline", "book"] {
        other.poke(&format!("{}/{path}", at(&entry))).await.expect_problem(404, "not_found");
        guest.poke(&format!("{}/{path}", at(&entry))).await.expect_problem(403, "forbidden");
    }
    other.get(&at(&entry)).await.expect_problem(404, "not_found");
    assert_eq!(other.get(WAITLIST).await.expect(200), json!([]));
    holder.poke(&format!("{}/book", at(&entry))).await.expect_problem(409, "invalid_transition");
    let faults = holder.post(WAITLIST, json!({ "weight_kg": 0, "extra": 1 })).await.expect_faults();
    let faults: Vec<String> = faults.into_iter().map(|(pointer, code)| format!("{pointer} {code}")).collect();
    assert_eq!(
        faults,
        [
            "/departure_date required",
            "/destination required",
            "/extra unknown_field",
            "/origin required",
            "/weight_kg too_small"
        ]
    );
    world.audit().await;
}
