//! The air waybill number of a booking may come, change and go; no two bookings in force share one.
use loadmaster_testkit::{
    NewFlight, World,
    amending::{amend, refused, shown},
    freight::{at_once, order, path_of, text, with},
};
use serde_json::{Value, json};

use super::awb;

/// The reference of the booking that an air waybill number leads to.
async fn tracked(world: &World, number: &str) -> Option<String> {
    let answer = world.anonymous().get(&format!("/api/v1/tracking/{number}")).await;
    (answer.status == 200).then(|| text(&answer.body, "ref_id").to_owned())
}

fn reference(booking: &Value) -> &str {
    text(booking, "ref_id")
}

#[tokio::test]
async fn a_number_comes_later_is_corrected_and_is_given_back() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let booking = customer.book(order(&[&flight])).await;
    let (first, second) = (awb(1_234_567), awb(7_654_321));

    let after = amend(&customer, &booking, json!({"awb_number": first.replace('-', "")})).await.expect(200);
    assert_eq!((&after["awb_number"], &after["version"]), (&json!(first), &json!(2)));
    assert_eq!(tracked(&world, &first).await.as_deref(), Some(reference(&booking)));
    world.audit().await;

    amend(&customer, &booking, json!({"awb_number": second})).await.expect(200);
    assert_eq!(tracked(&world, &first).await, None);
    assert_eq!(tracked(&world, &second).await.as_deref(), Some(reference(&booking)));
    world.audit().await;

    let after = amend(&customer, &booking, json!({"awb_number": null})).await.expect(200);
    assert_eq!(after["awb_number"], Value::Null);
    assert_eq!(tracked(&world, &second).await, None);
    world.audit().await;

    // What was given back can be had by anyone.
    let other = world.customer().await.book(with(order(&[&flight]), json!({"awb_number": first}))).await;
    amend(&customer, &booking, json!({"awb_number": second})).await.expect(200);
    assert_eq!(tracked(&world, &first).await.as_deref(), Some(reference(&other)));
    world.audit().await;
}

#[tokio::test]
async fn a_number_that_another_booking_has_is_refused() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (customer, stranger, operator) = (world.customer().await, world.customer().await, world.operator().await);
    let taken = with(order(&[&flight]), json!({"awb_number": awb(1)}));
    let holder = stranger.book(taken).await;
    let booking = customer.book(with(order(&[&flight]), json!({"awb_number": awb(2)}))).await;
    for caller in [&customer, &operator] {
        for change in
            [json!({"awb_number": awb(1)}), json!({"awb_number": awb(1), "weight_kg": 10, "description": "x"})]
        {
            let problem = refused(&world, caller, &booking, change, "already_exists").await;
            assert!(text(&problem, "detail").contains(&awb(1)), "{problem}");
        }
    }
    assert_eq!(shown(&customer, &booking).await, booking);
    assert_eq!(tracked(&world, &awb(2)).await.as_deref(), Some(reference(&booking)));

    // Delivered freight keeps its number; a cancelled booking has freed it, and still shows it.
    operator.walk(&holder, &["depart", "arrive", "deliver"]).await;
    refused(&world, &customer, &booking, json!({"awb_number": awb(1)}), "already_exists").await;
    let gone = stranger.book(with(order(&[&flight]), json!({"awb_number": awb(3)}))).await;
    let flown = customer.book(order(&[&flight])).await;
    stranger.walk(&gone, &["cancel"]).await;
    amend(&customer, &flown, json!({"awb_number": awb(3)})).await.expect(200);
    assert_eq!(shown(&stranger, &gone).await["awb_number"], json!(awb(3)));
    assert_eq!(tracked(&world, &awb(3)).await.as_deref(), Some(reference(&flown)));
    world.audit().await;
}

#[tokio::test]
async fn two_bookings_swap_their_numbers_by_way_of_none() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let one = customer.book(with(order(&[&flight]), json!({"awb_number": awb(1)}))).await;
    let two = customer.book(with(order(&[&flight]), json!({"awb_number": awb(2)}))).await;
    refused(&world, &customer, &one, json!({"awb_number": awb(2)}), "already_exists").await;
    amend(&customer, &one, json!({"awb_number": null})).await.expect(200);
    amend(&customer, &two, json!({"awb_number": awb(1)})).await.expect(200);
    amend(&customer, &one, json!({"awb_number": awb(2)})).await.expect(200);
    assert_eq!(tracked(&world, &awb(1)).await.as_deref(), Some(reference(&two)));
    assert_eq!(tracked(&world, &awb(2)).await.as_deref(), Some(reference(&one)));
    world.audit().await;
}

#[tokio::test]
async fn a_number_with_a_wrong_check_digit_or_form_is_a_fault() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let booking = customer.book(order(&[&flight])).await;
    let before = world.written().await;
    for number in ["020-12345670", "020-1234567", "O20-12345675", "", "020-12345675\u{0}"] {
        let faults = amend(&customer, &booking, json!({"awb_number": number})).await.expect_faults();
        assert_eq!(faults, [("/awb_number".to_owned(), "invalid_format".to_owned())], "{number:?}");
    }
    assert_eq!(world.written().await, before);
}

#[tokio::test]
async fn one_of_ten_concurrent_amendments_gets_an_air_waybill_number() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let mut bookings = Vec::new();
    for _ in 0..10 {
        bookings.push(customer.book(with(order(&[&flight]), json!({"weight_kg": 10}))).await);
    }
    let answers = at_once(bookings.iter().map(|booking| {
        let (client, path) = (customer.clone(), path_of(booking));
        async move { loadmaster_testkit::amending::patch(&client, &path, json!({"awb_number": awb(1)})).await }
    }))
    .await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!(won.len(), 1);
    for answer in lost {
        answer.expect_problem(409, "already_exists");
    }
    assert_eq!(tracked(&world, &awb(1)).await.as_deref(), Some(reference(&won[0].body)));
    world.audit().await;
}
