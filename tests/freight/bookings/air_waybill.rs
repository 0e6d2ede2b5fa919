//! Air waybill numbers: their check digit, their form, and that no two bookings in force share one.
use loadmaster_testkit::{
    NewFlight, World,
    freight::{BOOKINGS, at_once, order, path_of, with},
};
use serde_json::json;

#[tokio::test]
async fn a_number_is_shown_in_one_form_however_it_is_written() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    for written in ["020-12345675", "02012345675", "020 12345675", "  020-12345675 "] {
        let booking = customer.book(with(order(&[&flight]), json!({"awb_number": written}))).await;
        assert_eq!(booking["awb_number"], "020-12345675", "{written:?}");
        // The next one writes the same number.
        customer.walk(&booking, &["cancel"]).await;
    }
    world.audit().await;
}

#[tokio::test]
async fn a_wrong_check_digit_or_form_is_a_fault() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let before = world.written().await;
    // 1234567 modulo 7 is 5.
    let right = 5;
    let wrong = (0..=9).filter(|digit| *digit != right).map(|digit| format!("020-1234567{digit}"));
    let odd =
        ["020-1234567", "020-123456755", "O20-12345675", "020--12345675", "", "020-1234--5675", "020-12345675\u{0}"];
    for number in wrong.chain(odd.map(str::to_owned)) {
        let answer = customer.post(BOOKINGS, with(order(&[&flight]), json!({"awb_number": number}))).await;
        assert_eq!(answer.expect_faults(), [("/awb_number".to_owned(), "invalid_format".to_owned())], "{number:?}");
    }
    assert_eq!(world.written().await, before);
}

#[tokio::test]
async fn a_number_belongs_to_one_booking_until_that_is_cancelled() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (customer, stranger, operator) = (world.customer().await, world.customer().await, world.operator().await);
    let waybill = with(order(&[&flight]), json!({"awb_number": "020-12345675"}));

    let first = customer.book(waybill.clone()).await;
    let before = world.written().await;
    for caller in [&customer, &stranger, &operator] {
        let problem = caller.post(BOOKINGS, waybill.clone()).await.expect_problem(409, "already_exists");
        assert!(problem["detail"].as_str().unwrap().contains("020-12345675"));
    }
    assert_eq!(world.written().await, before);

    customer.walk(&first, &["cancel"]).await;
    let second = stranger.book(waybill.clone()).await;
    // The cancelled booking still shows its number.
    assert_eq!(customer.get(&path_of(&first)).await.expect(200)["awb_number"], "020-12345675");

    // A delivered shipment keeps its number.
    operator.walk(&second, &["depart", "arrive", "deliver"]).await;
    customer.post(BOOKINGS, waybill).await.expect_problem(409, "already_exists");
    world.audit().await;
}

#[tokio::test]
async fn a_number_that_was_refused_with_its_booking_is_free() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(50.0)).await;
    let customer = world.customer().await;
    let waybill = |weight: u32| with(order(&[&flight]), json!({"awb_number": "020-12345675", "weight_kg": weight}));
    customer.post(BOOKINGS, waybill(51)).await.expect_problem(409, "capacity_exceeded");
    customer.book(waybill(50)).await;
    world.audit().await;
}

#[tokio::test]
async fn one_of_ten_concurrent_bookings_gets_an_air_waybill_number() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let waybill = with(order(&[&flight]), json!({"awb_number": "020-12345675"}));
    let answers = at_once((0..10).map(|_| customer.sending(BOOKINGS, waybill.clone()))).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 201);
    assert_eq!(won.len(), 1);
    for answer in lost {
        answer.expect_problem(409, "already_exists");
    }
    assert_eq!(world.available(&flight).await["weight_kg"], 900);
    world.audit().await;
}
