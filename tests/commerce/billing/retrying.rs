//! A booking whose payment was declined: its room is kept for its own retry.
use chrono::TimeDelta;
use futures_util::future::join;
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Answer, Client, NewFlight,
    billing::{Market, order_for},
    freight::{BOOKINGS, text, with},
    holds::HOLDS,
    pricing::QUOTES,
    reference::set_door,
};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

/// All of the flight for 90 000 USD.
async fn quote_of_all(market: &Market, caller: &Client) -> Value {
    let wanted = json!({
        "origin": "DEL", "destination": "LHR", "flight_ids": [text(&market.flight, "id")], "weight_kg": 10_000,
    });
    caller.post(QUOTES, wanted).await.expect(201)
}

fn all_of_it(market: &Market, quote: &Value, token: &str) -> Value {
    let members = json!({"weight_kg": 10_000, "quote_id": quote["id"], "payment_token": token});
    order_for(&market.flight, members)
}

/// The hold that a declined order leaves.
async fn declined(caller: &Client, order: Value) -> String {
    let declined = caller.post(BOOKINGS, order).await.expect_problem(402, "payment_declined");
    text(&declined, "hold_id").to_owned()
}

async fn under_key(caller: &Client, key: &str, order: &Value) -> Answer {
    Answer::of(caller.request(Method::POST, BOOKINGS).header("idempotency-key", key).json(order)).await
}

#[tokio::test]
async fn its_own_retry_takes_the_space_over_of_a_flight_that_is_full_by_now() {
    for keys in [["one", "one"], ["one", "two"]] {
        let market = Market::open().await;
        let quote = quote_of_all(&market, &market.customer).await;
        let answer = under_key(&market.customer, keys[0], &all_of_it(&market, &quote, "tok_declined")).await;
        let hold = answer.expect_problem(402, "payment_declined")["hold_id"].clone();
        assert_eq!(market.customer.room(&market.flight).await["available"]["weight_kg"], 0);
        let booking = under_key(&market.customer, keys[1], &all_of_it(&market, &quote, "tok_ok")).await.expect(201);
        assert_eq!(booking["hold_id"], hold);
        assert_eq!(text(&market.customer.settled(&booking).await, "payment_status"), "COMPLETED");
        assert_eq!(market.succeeded("CAPTURE").await, 1);
        let room = market.customer.room(&market.flight).await;
        assert_eq!((&room["booked"]["weight_kg"], &room["held"]["weight_kg"]), (&json!(10_000), &json!(0)));
        market.audit().await;
    }
}

#[tokio::test]
async fn what_staff_accepts_although_it_does_not_fit_is_accepted_in_the_retry_and_stands_in_the_event() {
    let market = Market::open().await;
    let admin = &market.admin;
    set_door(admin, "320", 120).await;
    let flight = NewFlight::new("AI103", "DEL", "LHR").leaves_in_hours(100).weight(10_000.0).aircraft("320");
    let flight = market.world.flight(flight).await;
    let high = json!([{"pieces": 1, "length_cm": 100, "width_cm": 80, "height_cm": 150}]);
    let wanted = json!({"origin": "DEL", "destination": "LHR", "flight_ids": [text(&flight, "id")], "weight_kg": 100,
                        "dimensions": high});
    let quote = admin.post(QUOTES, wanted).await.expect(201);
    let order = |token: &str| {
        let members =
            json!({"dimensions": high, "accept_oversize": true, "quote_id": quote["id"], "payment_token": token});
        order_for(&flight, members)
    };
    let hold = declined(admin, order("tok_declined")).await;
    let booking = admin.post(BOOKINGS, order("tok_ok")).await.expect(201);
    assert_eq!(text(&booking, "hold_id"), hold);
    let accepted =
        "select coalesce(data ->> 'accept_oversize', 'false') from booking_events where event_type = 'BOOKED'";
    assert_eq!(market.world.texts(accepted).await, ["true"]);
    market.audit().await;
}

#[tokio::test]
async fn five_attempts_are_made_with_one_hold_and_more_need_space_beside_it() {
    let market = Market::open().await;
    let quote = quote_of_all(&market, &market.customer).await;
    let first = declined(&market.customer, all_of_it(&market, &quote, "tok_declined")).await;
    for _ in 0..4 {
        assert_eq!(declined(&market.customer, all_of_it(&market, &quote, "tok_declined")).await, first);
    }
    let refused = market.customer.post(BOOKINGS, all_of_it(&market, &quote, "tok_ok")).await;
    refused.expect_problem(409, "capacity_exceeded");
    assert_eq!(market.succeeded("AUTHORIZE").await, 0);
    market.audit().await;
}

#[tokio::test]
async fn neither_a_strangers_order_nor_another_one_takes_it_over() {
    let market = Market::open().await;
    let quote = quote_of_all(&market, &market.customer).await;
    let order = all_of_it(&market, &quote, "tok_ok");
    let hold = declined(&market.customer, all_of_it(&market, &quote, "tok_declined")).await;
    let stranger = market.world.customer().await;
    stranger.post(BOOKINGS, order.clone()).await.expect_problem(409, "capacity_exceeded");
    let own = quote_of_all(&market, &stranger).await;
    let of_stranger = stranger.post(BOOKINGS, all_of_it(&market, &own, "tok_ok")).await;
    of_stranger.expect_problem(409, "capacity_exceeded");
    let colleague = market.world.caller_in(Role::Customer, Uuid::new_v4(), market.ids[3]).await;
    colleague.post(BOOKINGS, order.clone()).await.expect_problem(409, "capacity_exceeded");
    for other in [
        json!({"pieces": 7}),
        json!({"description": "Another shipment"}),
        json!({"special_handling_codes": ["EAT"]}),
        json!({"contacts": [{"name": "Ann", "role": "NOTIFY", "email": "ann@example.com"}]}),
    ] {
        let other = market.customer.post(BOOKINGS, with(order.clone(), other)).await;
        assert_eq!(other.status, 409, "{}", other.text);
    }
    let booking = market.customer.post(BOOKINGS, order).await.expect(201);
    assert_eq!(text(&booking, "hold_id"), hold);
    assert_eq!(market.succeeded("AUTHORIZE").await, 1);
    market.audit().await;
}

#[tokio::test]
async fn of_two_retries_at_once_one_takes_it_over() {
    let market = Market::open().await;
    let quote = quote_of_all(&market, &market.customer).await;
    let hold = declined(&market.customer, all_of_it(&market, &quote, "tok_declined")).await;
    let order = all_of_it(&market, &quote, "tok_ok");
    let (one, two) = join(market.customer.post(BOOKINGS, order.clone()), market.customer.post(BOOKINGS, order)).await;
    let (booked, refused) = if one.status == 201 { (one, two) } else { (two, one) };
    assert_eq!(text(&booked.expect(201), "hold_id"), hold);
    refused.expect_problem(409, "capacity_exceeded");
    assert_eq!(market.succeeded("AUTHORIZE").await, 1);
    market.audit().await;
}

#[tokio::test]
async fn a_hold_that_was_made_before_its_commit_waits_for_its_commit() {
    let market = Market::open().await;
    let quote = quote_of_all(&market, &market.customer).await;
    let wanted =
        json!({"flight_ids": [text(&market.flight, "id")], "weight_kg": 10_000, "pieces": 1, "quote_id": quote["id"]});
    let hold = market.customer.post(HOLDS, wanted).await.expect(201);
    let commit = format!("{HOLDS}/{}/commit", text(&hold, "id"));
    let refused = market.customer.post(&commit, json!({"payment_token": "tok_declined"})).await;
    refused.expect_problem(402, "payment_declined");
    let order = order_for(
        &market.flight,
        json!({"weight_kg": 10_000, "pieces": 1, "quote_id": quote["id"], "payment_token": "tok_ok"}),
    );
    market.customer.post(BOOKINGS, order).await.expect_problem(409, "capacity_exceeded");
    market.customer.post(&commit, json!({"payment_token": "tok_ok"})).await.expect(201);
    market.audit().await;
}

#[tokio::test]
async fn a_retry_that_comes_too_late_takes_space_anew() {
    let market = Market::open().await;
    let quote = quote_of_all(&market, &market.customer).await;
    let hold = declined(&market.customer, all_of_it(&market, &quote, "tok_declined")).await;
    market.world.clock.advance(TimeDelta::minutes(14));
    // The rest of its first quarter of an hour, and 120 seconds at least.
    let still = declined(&market.customer, all_of_it(&market, &quote, "tok_declined")).await;
    assert_eq!(still, hold);
    market.world.clock.advance(TimeDelta::seconds(121));
    let customer =
        market.world.anonymous().with_token(&market.world.token(Role::Customer, market.ids[2], market.ids[3]));
    let booking = customer.post(BOOKINGS, all_of_it(&market, &quote, "tok_ok")).await.expect(201);
    assert_ne!(text(&booking, "hold_id"), hold);
    market.audit().await;
}
