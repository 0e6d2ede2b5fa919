use loadmaster_testkit::{
    SOON, World, WorldOptions,
    freight::{order, path_of, text},
};
use serde_json::Value;

use super::{follow, follow_booking, roomy, sequence};

#[tokio::test]
async fn a_stream_begins_with_the_booking_as_it_is_and_goes_on_with_each_of_its_events() {
    let world = World::working().await;
    let flight = roomy(&world).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let booking = customer.book(order(&[&flight])).await;
    let mut stream = follow_booking(&customer, &booking, None).await;
    let first = stream.expect("booking").await;
    assert_eq!((first.id.as_str(), &first.data["event"]), ("1", &Value::Null));
    assert_eq!(first.data["booking"], customer.get(&path_of(&booking)).await.expect(200));
    operator.walk(&booking, &["depart", "arrive"]).await;
    for (number, event_type, status) in [(2, "DEPARTED", "DEPARTED"), (3, "ARRIVED", "ARRIVED")] {
        let told = stream.expect("booking").await;
        assert_eq!((sequence(&told.data), told.id.as_str()), (number, number.to_string().as_str()));
        assert_eq!(told.data["event"]["event_type"], event_type);
        // The booking is as it was when the event was read: another may have followed.
        assert!([status, "ARRIVED"].contains(&text(&told.data["booking"], "status")), "{}", told.text);
    }
    let history = customer.get(&format!("{}/history", path_of(&booking))).await.expect(200);
    operator.walk(&booking, &["deliver"]).await;
    let told = stream.expect("booking").await;
    assert_eq!(told.data["event"]["sequence"], 4);
    assert_eq!(told.data["booking"], customer.get(&path_of(&booking)).await.expect(200));
    assert_eq!(history["timeline"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_stream_that_is_resumed_on_another_instance_after_a_restart_has_each_event_once() {
    let world = World::working().await;
    let flight = roomy(&world).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let booking = customer.book(order(&[&flight])).await;
    let mut stream = follow_booking(&customer, &booking, None).await;
    stream.expect("booking").await;
    let amend = async |pieces: u32| {
        customer.patch(&path_of(&booking), serde_json::json!({ "pieces": pieces })).await.expect(200);
    };
    amend(3).await;
    let mut seen = vec![sequence(&stream.expect("booking").await.data)];
    let last = stream.last.clone();
    drop(stream);
    amend(4).await;
    amend(5).await;
    let database = world.database.clone();
    let token = customer.token.clone().unwrap();
    let staff = operator.token.clone().unwrap();
    world.shutdown().await;

    let again = WorldOptions::working().on(&database).start().await;
    let (customer, operator) = (again.anonymous().with_token(&token), again.anonymous().with_token(&staff));
    let mut stream = follow_booking(&customer, &booking, Some(&last)).await;
    seen.push(sequence(&stream.expect("booking").await.data));
    seen.push(sequence(&stream.expect("booking").await.data));
    operator.walk(&booking, &["depart"]).await;
    seen.push(sequence(&stream.expect("booking").await.data));
    assert_eq!(seen, [2, 3, 4, 5]);
    // The same by the address, which is all that `EventSource` has when it is made.
    let path = format!("{}/stream?last_event_id=4", path_of(&booking));
    let mut late = loadmaster_testkit::Events::open(customer.request(reqwest::Method::GET, &path)).await;
    assert_eq!(sequence(&late.expect("booking").await.data), 5);
}

#[tokio::test]
async fn every_instance_shows_what_another_commits_within_a_second() {
    let one = World::working().await;
    let other = WorldOptions::working().on(&one.database).start().await;
    let flight = roomy(&one).await;
    let customer = one.customer().await;
    let booking = customer.book(order(&[&flight])).await;
    let elsewhere = other.anonymous().with_token(customer.token.as_ref().unwrap());
    let mut stream = follow_booking(&elsewhere, &booking, None).await;
    stream.expect("booking").await;
    one.operator().await.walk(&booking, &["depart"]).await;
    // Not how soon, which the bench measures, but that it comes by itself.
    let told = tokio::time::timeout(SOON, stream.expect("booking")).await.expect("it comes");
    assert_eq!(sequence(&told.data), 2);
}

#[tokio::test]
async fn a_long_absence_is_read_page_by_page() {
    let world = World::working().await;
    let flight = roomy(&world).await;
    let customer = world.customer().await;
    let booking = customer.book(order(&[&flight])).await;
    // As many as two pages and a half; copies of the first event, written past the product.
    world
        .sql(
            "insert into booking_events
             select (jsonb_populate_record(e, jsonb_build_object('id', gen_random_uuid(), 'sequence', n))).*
             from booking_events e cross join generate_series(2, 500) n;
             update bookings set event_sequence = 500, version = 500",
        )
        .await;
    let mut stream = follow_booking(&customer, &booking, Some("1")).await;
    for number in 2..=500 {
        assert_eq!(sequence(&stream.expect("booking").await.data), number);
    }
}

#[tokio::test]
async fn an_id_that_leads_nowhere_begins_anew_and_the_newest_says_nothing() {
    let world = World::working().await;
    let flight = roomy(&world).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let booking = customer.book(order(&[&flight])).await;
    for id in ["2", "x", "-1", "1.0", "99999999999999999999", "ä"] {
        let mut stream = follow_booking(&customer, &booking, Some(id)).await;
        assert_eq!(stream.expect("reset").await.data, serde_json::json!({"reason": "unknown"}), "{id}");
        let state = stream.expect("booking").await;
        assert_eq!((state.id.as_str(), &state.data["event"]), ("1", &Value::Null), "{id}");
    }
    let mut newest = follow_booking(&customer, &booking, Some("1")).await;
    operator.walk(&booking, &["depart"]).await;
    assert_eq!(sequence(&newest.expect("booking").await.data), 2);
    // An empty one is none.
    let mut empty = follow_booking(&customer, &booking, Some("")).await;
    assert_eq!(empty.expect("booking").await.data["event"], Value::Null);
}

#[tokio::test]
async fn only_its_readers_may_follow_a_booking() {
    let world = World::working().await;
    let flight = roomy(&world).await;
    let customer = world.customer().await;
    let booking = customer.book(order(&[&flight])).await;
    let path = format!("{}/stream", path_of(&booking));
    world.anonymous().get(&path).await.expect_problem(401, "unauthenticated");
    world.customer().await.get(&path).await.expect_problem(404, "not_found");
    let token = customer.token.clone().unwrap();
    world.anonymous().get(&format!("{path}?token={token}")).await.expect_problem(401, "unauthenticated");
    customer.get(&format!("{path}?token={token}")).await.expect_problem(400, "validation_failed");
    let path = path_of(&booking).to_lowercase().replace("/api/v1/bookings/", "");
    let mut staff = follow(&world.operator().await, &format!("/api/v1/bookings/{path}"), None).await;
    assert_eq!(staff.expect("booking").await.data["booking"]["ref_id"], booking["ref_id"]);
}
