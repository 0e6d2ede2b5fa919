//! Departing takes along every booking that is there, and leaves behind who is not.
use chrono::TimeDelta;
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    NewFlight, World,
    amending::{amend, long_day, shown, timeline, told_of},
    flight_verbs::{act, done, flight_now, path_to},
    freight::{BOOKINGS, order, path_of, text, with},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{changed, flight_events, left_behind, legs, two_flights};

#[tokio::test]
async fn all_bookings_that_are_there_depart() {
    let world = World::start().await;
    let [first, second] = two_flights(&world).await;
    let customer = world.customer().await;
    let staff = Uuid::new_v4();
    let operator = world.caller_in(Role::Operator, staff, Uuid::new_v4()).await;
    let mut bookings = Vec::new();
    for flights in [vec![&first], vec![&first, &second], vec![&first]] {
        bookings.push(customer.book(order(&flights)).await);
    }
    let elsewhere = customer.book(order(&[&second])).await;
    world.clock.advance(TimeDelta::minutes(3));

    let done = done(&operator, &first, "depart").await;
    assert_eq!(done.as_object().unwrap().len(), 3, "{done}");
    assert_eq!((changed(&done), left_behind(&done)), (3, vec![]));
    assert_eq!(done["flight"], flight_now(&operator, &first).await);
    for booking in &bookings {
        let now = shown(&customer, booking).await;
        assert_eq!((&now["status"], &now["version"]), (&json!("DEPARTED"), &json!(2)));
        assert_eq!((&now["legs"][0]["status"], &now["current_airport"]), (&json!("DEPARTED"), &Value::Null));
        assert_eq!(now["updated_at"], "2026-11-20T08:03:00Z");
        let event = timeline(&customer, booking).await.pop().unwrap();
        assert_eq!((&event["event_type"], &event["fsu_code"]), (&json!("DEPARTED"), &json!("DEP")));
        assert_eq!((&event["location"], &event["flight_id"]), (&json!("DEL"), &first["id"]));
        assert_eq!((&event["flight_number"], &event["leg_id"]), (&json!("AI101"), &now["legs"][0]["id"]));
        assert_eq!((&event["status"], &event["actor"]), (&json!("DEPARTED"), &json!(staff)));
        assert_eq!(event["occurred_at"], "2026-11-20T08:03:00Z");
    }
    assert_eq!(shown(&customer, &elsewhere).await, elsewhere);
    assert_eq!(world.available(&first).await["weight_kg"], 700, "what has flown keeps its room");
    world.audit().await;
}

#[tokio::test]
async fn the_flight_has_departed_at_the_reported_time() {
    let world = World::start().await;
    let [first, _] = two_flights(&world).await;
    let operator = world.operator().await;
    world.clock.advance(TimeDelta::minutes(3));
    let done = done(&operator, &first, "depart").await;
    let mut expected = first.clone();
    expected["status"] = json!("DEPARTED");
    expected["departure_datetime"] = json!("2026-11-20T08:03:00Z");
    expected["departure_local"] = json!("2026-11-20T13:33:00+05:30");
    expected["actual_departure_datetime"] = json!("2026-11-20T08:03:00Z");
    // Best known: it lands when it was to.
    expected["duration_minutes"] = json!(28 * 60 - 3);
    expected["version"] = json!(2);
    expected["updated_at"] = json!("2026-11-20T08:03:00Z");
    expected["cutoff_datetime"] = done["flight"]["cutoff_datetime"].clone();
    assert_eq!(done["flight"], expected);
    assert_eq!((changed(&done), left_behind(&done)), (0, vec![]));
    let tag = operator.get(&path_to(&first)).await.header("etag").unwrap().to_owned();
    assert!(tag.starts_with("\"2-"), "{tag}");
    assert_eq!(flight_events(&world, &first).await, ["CREATED", "DEPARTED"]);

    // Nobody is put on it any more, and nobody finds it.
    let customer = world.customer().await;
    customer.post(BOOKINGS, order(&[&first])).await.expect_problem(409, "flight_closed");
    let search = json!({"origin": "DEL", "destination": "BOM", "departure_date": "2026-11-21"});
    let found = customer.post("/api/v1/routes/search", search).await.expect(200);
    assert_eq!(found["direct_flights"], json!([]));
    world.audit().await;
}

#[tokio::test]
async fn a_flight_that_leaves_after_it_was_to_land_lands_later() {
    let world = long_day().await;
    let operator = world.operator().await;
    // Four hours from the clock's 24th on.
    for (number, hours, departure, arrival) in [
        ("AI201", 27, "2026-11-21T11:00:00Z", "2026-11-21T12:00:00Z"),
        ("AI202", 28, "2026-11-21T12:00:00Z", "2026-11-21T16:00:00Z"),
        ("AI203", 31, "2026-11-21T15:00:00Z", "2026-11-21T19:00:00Z"),
    ] {
        let flight = world.flight(NewFlight::new(number, "DEL", "BOM")).await;
        world.clock.set(loadmaster_testkit::start_of_time() + TimeDelta::hours(hours));
        let flight = done(&operator, &flight, "depart").await["flight"].clone();
        assert_eq!(flight["departure_datetime"], departure, "{number}");
        assert_eq!(flight["arrival_datetime"], arrival, "{number}");
        assert_eq!(flight["scheduled_departure_datetime"], "2026-11-21T08:00:00Z");
        assert_eq!(flight["scheduled_arrival_datetime"], "2026-11-21T12:00:00Z");
        assert_eq!(flight["actual_arrival_datetime"], Value::Null);
    }
}

#[tokio::test]
async fn named_bookings_are_left_behind() {
    let world = World::start().await;
    let [first, second] = two_flights(&world).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let goes = customer.book(order(&[&first])).await;
    let absent = customer.book(with(order(&[&first]), json!({"positions": 2}))).await;
    let unloaded = customer.book(order(&[&first, &second])).await;
    let said = json!({"left_behind": [
        {"ref_id": text(&absent, "ref_id").to_lowercase(), "reason": "NO_SHOW"},
        {"ref_id": unloaded["ref_id"], "reason": "OFFLOADED"},
    ]});
    let done = act(&operator, &first, "depart", said).await.expect(200);
    let mut expected = [(&absent, "NO_SHOW"), (&unloaded, "OFFLOADED")]
        .map(|(booking, reason)| (text(booking, "ref_id").to_owned(), reason.to_owned()));
    expected.sort();
    assert_eq!((changed(&done), left_behind(&done)), (3, expected.to_vec()));

    assert_eq!(shown(&customer, &goes).await["status"], "DEPARTED");
    for (booking, reason, rest) in [(&absent, "NO_SHOW", vec![]), (&unloaded, "OFFLOADED", vec!["BOOKED"])] {
        let now = shown(&customer, booking).await;
        assert_eq!((&now["status"], &now["needs_rerouting"]), (&json!("BOOKED"), &json!(true)));
        assert_eq!(legs(&now), json!([vec!["OFFLOADED"], rest].concat()));
        assert_eq!(now["legs"][0]["offload_reason"], reason);
        assert_eq!((&now["version"], &now["current_airport"]), (&json!(2), &json!("DEL")));
        let event = timeline(&customer, booking).await.pop().unwrap();
        assert_eq!((&event["event_type"], &event["status"]), (&json!("OFFLOADED"), &json!("BOOKED")));
        assert_eq!((&event["flight_id"], &event["leg_id"]), (&first["id"], &now["legs"][0]["id"]));
    }
    assert_eq!(shown(&customer, &absent).await["next_actions"], json!(["cancel"]));
    assert_eq!(world.available(&first).await, json!({"weight_kg": 900, "volume_m3": 999, "positions": 10}));
    assert_eq!(world.available(&second).await["weight_kg"], 900, "the onward leg keeps its room");
    world.audit().await;
}

#[tokio::test]
async fn a_booking_whose_inbound_has_not_arrived_misses_the_connection() {
    let world = World::start().await;
    let [first, second] = two_flights(&world).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let waiting = customer.book(order(&[&first, &second])).await;
    let flying = customer.book(order(&[&first, &second])).await;
    let there = customer.book(order(&[&first, &second])).await;
    operator.walk(&flying, &["depart"]).await;
    operator.walk(&there, &["depart", "arrive"]).await;

    let gone = done(&operator, &second, "depart").await;
    let mut expected: Vec<_> = [&waiting, &flying]
        .iter()
        .map(|booking| (text(booking, "ref_id").to_owned(), "MISSED_CONNECTION".to_owned()))
        .collect();
    expected.sort();
    assert_eq!((changed(&gone), left_behind(&gone)), (3, expected));
    for (booking, status, statuses) in [
        (&waiting, "BOOKED", ["BOOKED", "OFFLOADED"]),
        (&flying, "DEPARTED", ["DEPARTED", "OFFLOADED"]),
        (&there, "DEPARTED", ["ARRIVED", "DEPARTED"]),
    ] {
        let now = shown(&customer, booking).await;
        assert_eq!((&now["status"], legs(&now)), (&json!(status), json!(statuses)));
        let left = statuses[1] == "OFFLOADED";
        assert_eq!(now["needs_rerouting"], left);
        assert_eq!(now["legs"][1]["offload_reason"], if left { json!("MISSED_CONNECTION") } else { Value::Null });
    }
    assert_eq!(world.available(&second).await["weight_kg"], 900);
    world.audit().await;

    // What is left of their journeys goes on.
    let gone = done(&operator, &first, "depart").await;
    assert_eq!((changed(&gone), left_behind(&gone)), (1, vec![]));
    assert_eq!(shown(&customer, &waiting).await["needs_rerouting"], true);
    let landed = operator.walk(&flying, &["arrive"]).await;
    assert_eq!((&landed["next_actions"], &landed["needs_rerouting"]), (&json!([]), &json!(true)));
    world.audit().await;
}

#[tokio::test]
async fn a_booking_left_at_a_connection_stays_there() {
    let world = World::start().await;
    let [first, second] = two_flights(&world).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let there = customer.book(order(&[&first, &second])).await;
    operator.walk(&there, &["depart", "arrive"]).await;
    // Told to be left behind though it would have missed the flight: as it is told.
    let away = customer.book(order(&[&first, &second])).await;
    let left = [(&there, "OFFLOADED"), (&away, "NO_SHOW")]
        .map(|(booking, reason)| json!({"ref_id": booking["ref_id"], "reason": reason}));
    let done = act(&operator, &second, "depart", json!({"left_behind": left})).await.expect(200);
    assert_eq!(changed(&done), 2);
    for (booking, status, airport, reason, next) in [
        (&there, "ARRIVED", "BOM", "OFFLOADED", json!([])),
        (&away, "BOOKED", "DEL", "NO_SHOW", json!(["depart", "cancel"])),
    ] {
        let now = shown(&customer, booking).await;
        assert_eq!((&now["status"], &now["current_airport"]), (&json!(status), &json!(airport)));
        assert_eq!((&now["needs_rerouting"], &now["next_actions"]), (&json!(true), &next));
        assert_eq!(now["legs"][1]["offload_reason"], reason);
    }
    assert_eq!(world.available(&second).await["weight_kg"], 1000);
    world.audit().await;
}

#[tokio::test]
async fn a_booking_whose_first_flight_was_cancelled_misses_the_second() {
    let world = World::start().await;
    let [first, second] = two_flights(&world).await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    let booking = customer.book(order(&[&first, &second])).await;
    done(&admin, &first, "cancel").await;
    let gone = done(&admin, &second, "depart").await;
    let missed = (text(&booking, "ref_id").to_owned(), "MISSED_CONNECTION".to_owned());
    assert_eq!((changed(&gone), left_behind(&gone)), (1, vec![missed]));
    let now = shown(&customer, &booking).await;
    assert_eq!((&now["status"], legs(&now)), (&json!("BOOKED"), json!(["CANCELLED", "OFFLOADED"])));
    assert_eq!((&now["flight_ids"], &now["next_actions"]), (&json!([]), &json!(["cancel"])));
    let told = told_of(&customer, &booking).await;
    assert_eq!(told, json!(["BOOKED", "FLIGHT_CANCELLED", "OFFLOADED"]));
    world.audit().await;
}

#[tokio::test]
async fn a_booking_rerouted_back_to_a_flight_departs_with_it_once() {
    let world = World::start().await;
    let [first, second] = two_flights(&world).await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    let direct = world.flight(NewFlight::new("AI103", "DEL", "LHR")).await;
    let booking = customer.book(order(&[&first, &second])).await;
    amend(&customer, &booking, json!({"flight_ids": [direct["id"]]})).await.expect(200);
    amend(&customer, &booking, json!({"flight_ids": booking["flight_ids"]})).await.expect(200);
    let offload = json!({"offload": [booking["ref_id"]]});
    loadmaster_testkit::amending::patch(&admin, &path_to(&first), offload).await.expect(200);
    amend(&customer, &booking, json!({"flight_ids": booking["flight_ids"]})).await.expect(200);

    let list = admin.get(&format!("{}/manifest", path_to(&first))).await.expect(200);
    assert_eq!((&list["totals"]["bookings"], &list["totals"]["weight_kg"]), (&json!(1), &json!(100)));
    let gone = done(&admin, &first, "depart").await;
    assert_eq!((changed(&gone), left_behind(&gone)), (1, vec![]));
    let now = shown(&customer, &booking).await;
    assert_eq!((&now["status"], &now["flight_ids"]), (&json!("DEPARTED"), &booking["flight_ids"]));
    assert_eq!(world.available(&first).await["weight_kg"], 900);
    assert_eq!(changed(&done(&admin, &first, "arrive").await), 1);
    world.audit().await;
}

#[tokio::test]
async fn bookings_that_departed_alone_or_left_the_flight_are_skipped() {
    let world = World::start().await;
    let [first, second] = two_flights(&world).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let mut before = Vec::new();
    for steps in
        [&["depart"][..], &["depart", "arrive"], &["depart", "arrive", "deliver"], &["cancel"], &["depart", "cancel"]]
    {
        let booking = customer.book(order(&[&first])).await;
        before.push(operator.walk(&booking, steps).await);
    }
    let rerouted = customer.book(order(&[&first, &second])).await;
    let direct = world.flight(NewFlight::new("AI103", "DEL", "LHR")).await;
    before.push(amend(&customer, &rerouted, json!({"flight_ids": [direct["id"]]})).await.expect(200));
    let goes = customer.book(order(&[&first])).await;

    let done = done(&operator, &first, "depart").await;
    assert_eq!((changed(&done), left_behind(&done)), (1, vec![]));
    for booking in &before {
        assert_eq!(shown(&customer, booking).await, *booking, "nothing happened to it");
    }
    assert_eq!(told_of(&customer, &goes).await, json!(["BOOKED", "DEPARTED"]));
    world.audit().await;
}

#[tokio::test]
async fn a_booking_that_is_not_on_the_flight_cannot_be_left_behind() {
    let world = World::start().await;
    let [first, second] = two_flights(&world).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let aboard = customer.book(order(&[&first])).await;
    let onward = customer.book(order(&[&second])).await;
    let gone = operator.walk(&customer.book(order(&[&first])).await, &["depart"]).await;
    let cancelled = customer.walk(&customer.book(order(&[&first])).await, &["cancel"]).await;
    let named = |booking: &Value| json!({"ref_id": booking["ref_id"], "reason": "NO_SHOW"});
    let nobody = json!({"ref_id": "ACB000000000"});
    let before = world.written().await;
    for other in [&onward, &gone, &cancelled, &nobody] {
        for list in [json!([named(other)]), json!([named(&aboard), named(other)])] {
            let refused = act(&operator, &first, "depart", json!({"left_behind": list})).await;
            let problem = refused.expect_problem(409, "flight_mismatch");
            assert!(text(&problem, "detail").contains(text(other, "ref_id")), "{problem}");
        }
    }
    assert_eq!(world.written().await, before);
    assert_eq!(flight_now(&operator, &first).await["status"], "SCHEDULED");
    assert_eq!(operator.get(&path_of(&aboard)).await.expect(200), aboard);
    world.audit().await;
}
