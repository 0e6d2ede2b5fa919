//! Cancelling a flight takes its bookings off it; they stay and need another way.
use chrono::TimeDelta;
use loadmaster_testkit::{
    NewFlight, World,
    amending::{amend, shown, timeline, told_of},
    flight_verbs::{act, done, flight_now, path_to},
    freight::{BOOKINGS, each, order, text, with},
};
use serde_json::{Value, json};

use super::{changed, flight_events, left_behind, legs, two_flights};

#[tokio::test]
async fn its_legs_are_cancelled_and_the_bookings_stay() {
    let world = World::start().await;
    let [first, second] = two_flights(&world).await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    let short = customer.book(with(order(&[&first]), json!({"positions": 1, "awb_number": "020-12345675"}))).await;
    let long = customer.book(order(&[&first, &second])).await;
    world.clock.advance(TimeDelta::minutes(4));

    let done = act(&admin, &first, "cancel", json!({"reason": "Fog in Delhi"})).await.expect(200);
    assert_eq!(done.as_object().unwrap().len(), 3, "{done}");
    assert_eq!((changed(&done), left_behind(&done)), (2, vec![]));
    let flight = flight_now(&admin, &first).await;
    assert_eq!(done["flight"], flight);
    assert_eq!((&flight["status"], &flight["version"]), (&json!("CANCELLED"), &json!(2)));
    assert_eq!((&flight["available"], &flight["utilization_percent"]), (&first["capacity"], &json!(0)));
    assert_eq!(flight["updated_at"], "2026-11-20T08:04:00Z");
    for member in ["departure_datetime", "arrival_datetime", "capacity", "actual_departure_datetime"] {
        assert_eq!(flight[member], first[member], "{member}");
    }
    assert_eq!(flight_events(&world, &first).await, ["CREATED", "CANCELLED"]);

    for (booking, statuses) in [(&short, json!(["CANCELLED"])), (&long, json!(["CANCELLED", "BOOKED"]))] {
        let now = shown(&customer, booking).await;
        assert_eq!((&now["status"], legs(&now)), (&json!("BOOKED"), statuses));
        assert_eq!((&now["needs_rerouting"], &now["version"]), (&json!(true), &json!(2)));
        assert_eq!((&now["next_actions"], &now["current_airport"]), (&json!(["cancel"]), &json!("DEL")));
        assert_eq!(now["awb_number"], booking["awb_number"], "it keeps its air waybill");
        let event = timeline(&customer, booking).await.pop().unwrap();
        assert_eq!((&event["event_type"], &event["status"]), (&json!("FLIGHT_CANCELLED"), &json!("BOOKED")));
        assert_eq!((&event["flight_id"], &event["leg_id"]), (&first["id"], &now["legs"][0]["id"]));
        assert_eq!((&event["notes"], &event["fsu_code"]), (&json!("Fog in Delhi"), &Value::Null));
    }
    assert_eq!(shown(&customer, &short).await["flight_ids"], json!([]));
    assert_eq!(shown(&customer, &long).await["flight_ids"], json!([second["id"]]));
    assert_eq!(world.available(&second).await["weight_kg"], 900, "the onward leg keeps its room");
    world.audit().await;
}

#[tokio::test]
async fn no_reason_need_be_given_and_nothing_private_is_in_the_events() {
    let world = World::start().await;
    let [first, second] = two_flights(&world).await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    let booking = customer.book(order(&[&first, &second])).await;
    done(&admin, &second, "cancel").await;
    act(&admin, &first, "cancel", json!({"reason": "SECRET\nreason"})).await.expect(200);
    let notes: Vec<_> = timeline(&customer, &booking).await.iter().map(|event| event["notes"].clone()).collect();
    assert_eq!(notes, [Value::Null, Value::Null, json!("SECRET\nreason")]);
    let tracked = world.anonymous().get(&format!("/api/v1/tracking/{}", text(&booking, "ref_id"))).await;
    assert!(!tracked.text.contains("SECRET"), "{}", tracked.text);
    let told = tracked.expect(200);
    let kinds = json!(each(&told["timeline"], "event_type"));
    assert_eq!(kinds, json!(["BOOKED", "FLIGHT_CANCELLED", "FLIGHT_CANCELLED"]));
    for table in ["booking_events", "flight_events", "outbox", "bookings", "booking_legs"] {
        let found = world.texts(&format!("select t::text from {table} t where t::text ilike '%secret%'")).await;
        assert!(found.is_empty(), "{table}: {found:?}");
    }
    world.audit().await;
}

#[tokio::test]
async fn a_cancelled_flight_is_neither_found_nor_booked() {
    let world = World::start().await;
    let [first, _] = two_flights(&world).await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    done(&admin, &first, "cancel").await;
    let search = json!({"origin": "DEL", "destination": "BOM", "departure_date": "2026-11-21"});
    let found = customer.post("/api/v1/routes/search", search).await.expect(200);
    assert_eq!(found["direct_flights"], json!([]));
    let problem = customer.post(BOOKINGS, order(&[&first])).await.expect_problem(409, "flight_cancelled");
    assert!(text(&problem, "detail").contains("AI101"));
    let open = json!({"origin": "DEL", "destination": "BOM", "pieces": 1, "weight_kg": 10});
    customer.post(BOOKINGS, open).await.expect_problem(409, "no_bookable_itinerary");
    let listed = customer.get("/api/v1/flights?status=CANCELLED").await.expect(200);
    assert_eq!(each(&listed, "id"), [&first["id"]]);
    world.audit().await;
}

#[tokio::test]
async fn its_number_and_date_are_free_again() {
    let world = World::start().await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let lost = customer.book(order(&[&flight])).await;
    done(&admin, &flight, "cancel").await;
    let again = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    assert_ne!(again["id"], flight["id"]);
    let booking = customer.book(order(&[&again])).await;
    assert_eq!(booking["status"], "BOOKED");
    let found = amend(&customer, &lost, json!({"flight_ids": [again["id"]]})).await.expect(200);
    assert_eq!((&found["needs_rerouting"], legs(&found)), (&json!(false), json!(["CANCELLED", "BOOKED"])));
    assert_eq!(world.available(&again).await["weight_kg"], 800);
    world.audit().await;
}

#[tokio::test]
async fn a_flight_that_took_anybody_along_cannot_be_cancelled() {
    let world = World::start().await;
    let (customer, operator, admin) = (world.customer().await, world.operator().await, world.admin().await);
    for (number, steps) in [
        ("AI201", &["depart"][..]),
        ("AI202", &["depart", "arrive"]),
        ("AI203", &["depart", "arrive", "deliver"]),
        ("AI204", &["depart", "cancel"]),
    ] {
        let flight = world.flight(NewFlight::new(number, "DEL", "LHR")).await;
        let moved = customer.book(order(&[&flight])).await;
        operator.walk(&moved, steps).await;
        let waiting = customer.book(order(&[&flight])).await;
        let before = world.written().await;
        let problem = act(&admin, &flight, "cancel", json!({})).await.expect_problem(409, "invalid_transition");
        assert_eq!((&problem["from"], &problem["action"]), (&json!("SCHEDULED"), &json!("cancel")));
        assert_eq!(problem["allowed"], json!(["depart"]), "{steps:?}");
        assert_eq!(world.written().await, before);
        assert_eq!(shown(&customer, &waiting).await, waiting);
        assert_eq!(flight_now(&admin, &flight).await["status"], "SCHEDULED");
    }
    world.audit().await;
}

#[tokio::test]
async fn legs_that_were_given_up_before_are_passed_over() {
    let world = World::start().await;
    let [first, second] = two_flights(&world).await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    let direct = world.flight(NewFlight::new("AI103", "DEL", "LHR")).await;
    let released = customer.walk(&customer.book(order(&[&first])).await, &["cancel"]).await;
    let replaced = customer.book(order(&[&first, &second])).await;
    let replaced = amend(&customer, &replaced, json!({"flight_ids": [direct["id"]]})).await.expect(200);
    let offloaded = customer.book(order(&[&first])).await;
    let offload = json!({"offload": [offloaded["ref_id"]]});
    loadmaster_testkit::amending::patch(&admin, &path_to(&first), offload).await.expect(200);
    let offloaded = shown(&customer, &offloaded).await;
    let aboard = customer.book(order(&[&first])).await;

    assert_eq!(changed(&done(&admin, &first, "cancel").await), 1);
    for booking in [&released, &replaced, &offloaded] {
        assert_eq!(shown(&customer, booking).await, *booking, "nothing happened to it");
    }
    assert_eq!(told_of(&customer, &aboard).await, json!(["BOOKED", "FLIGHT_CANCELLED"]));
    world.audit().await;
}
