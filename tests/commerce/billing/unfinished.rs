//! Commits whose payment is under way when something else happens.
use chrono::TimeDelta;
use loadmaster_testkit::{
    billing::{Market, usd},
    freight::{path_of, text},
    holds::at,
    until,
};
use serde_json::{Value, json};
use sqlx::Executor as _;

/// A hold that waits for its payer.
async fn waiting(market: &Market) -> Value {
    let hold = market.hold().await;
    let token = json!({"payment_token": "tok_confirm"});
    market.customer.post(&format!("{}/commit", at(&hold)), token).await.expect(202)
}

async fn until_voided(market: &Market, waiting: &Value) {
    let path = format!("/api/v1/payments/{}", text(&waiting["payment"], "id"));
    until("it is voided", async || text(&market.customer.get(&path).await.expect(200), "status") == "VOIDED").await;
    assert_eq!(market.succeeded("CAPTURE").await, 0);
    market.audit().await;
}

#[tokio::test]
async fn a_commit_that_takes_too_long_ends_and_its_payment_is_voided() {
    let market = Market::open().await;
    let hold = waiting(&market).await;
    market.world.clock.advance(TimeDelta::minutes(9));
    assert_eq!(text(&market.customer.held(&hold).await, "status"), "COMMITTING");
    market.world.clock.advance(TimeDelta::minutes(1));
    assert_eq!(text(&market.customer.held(&hold).await, "status"), "EXPIRED");
    until_voided(&market, &hold).await;
    until("its room is free", async || market.customer.room(&market.flight).await["held"]["weight_kg"] == 0).await;
}

#[tokio::test]
async fn cancelling_the_flight_ends_the_commit_and_voids_its_payment() {
    let market = Market::open().await;
    let hold = waiting(&market).await;
    market.admin.poke(&format!("/api/v1/flights/{}/cancel", text(&market.flight, "id"))).await.expect(200);
    let ended = market.customer.held(&hold).await;
    assert_eq!((text(&ended, "status"), text(&ended, "end_reason")), ("RELEASED", "FLIGHT_CANCELLED"));
    until_voided(&market, &hold).await;
}

#[tokio::test]
async fn a_payer_that_declines_returns_the_hold() {
    let market = Market::open().await;
    let hold = waiting(&market).await;
    let reference = text(&hold["payment"], "provider_reference");
    market.customer.poke(&format!("/api/v1/test-payments/{reference}/fail")).await;
    until("it is returned", async || text(&market.customer.held(&hold).await, "status") == "ACTIVE").await;
    market.customer.commit(&hold, json!({"payment_token": "tok_ok"})).await;
    market.audit().await;
}

#[tokio::test]
async fn a_payment_that_fails_when_the_time_of_its_hold_is_up_leaves_nothing_that_waits_for_it() {
    let market = Market::open().await;
    let hold = waiting(&market).await;
    // As long as its flight is locked, the end of the hold cannot be recorded.
    let mut flights = market.world.database.owner().await;
    flights.execute("begin; select from flight_capacity for update").await.unwrap();
    market.world.clock.advance(TimeDelta::minutes(10));
    let reference = text(&hold["payment"], "provider_reference");
    market.customer.poke(&format!("/api/v1/test-payments/{reference}/fail")).await;
    // It may be voided before: its hold has ended.
    let is_over = |hold: &Value| ["FAILED", "VOIDED"].contains(&text(&hold["payment"], "status"));
    until("its payment is over", async || is_over(&market.customer.held(&hold).await)).await;
    market.audit().await;
    assert_eq!(text(&market.customer.held(&hold).await, "status"), "EXPIRED");
    flights.execute("rollback").await.unwrap();
    until("its room is free", async || market.customer.room(&market.flight).await["held"]["weight_kg"] == 0).await;
    let token = json!({"payment_token": "tok_ok"});
    market.customer.post(&format!("{}/commit", at(&hold)), token).await.expect_problem(409, "hold_expired");
    market.audit().await;
}

#[tokio::test]
async fn a_capacity_cut_spares_a_hold_whose_payment_is_under_way() {
    let market = Market::open().await;
    let hold = waiting(&market).await;
    let path = format!("/api/v1/flights/{}", text(&market.flight, "id"));
    let cut = json!({"capacity": {"weight_kg": 50}, "release_holds": true});
    market.admin.patch(&path, cut).await.expect_problem(409, "capacity_below_booked");
    assert_eq!(text(&market.customer.held(&hold).await, "status"), "COMMITTING");
    market.audit().await;
}

#[tokio::test]
async fn a_payment_can_be_captured_by_hand_once_and_in_part() {
    let (market, booking, path) = Market::authorized().await;
    assert_eq!(text(&market.customer.get(&path).await.expect(200), "status"), "AUTHORIZED");
    let capture = format!("{path}/capture");
    market.customer.post(&capture, json!({})).await.expect_problem(403, "forbidden");
    let faults = market.admin.post(&capture, json!({"amount": usd("900.01")})).await.expect_faults();
    assert_eq!(faults, [("/amount".to_owned(), "too_large".to_owned())]);
    let captured = market.admin.post(&capture, json!({"amount": usd("600.00")})).await.expect(200);
    assert_eq!((text(&captured, "status"), &captured["captured"]), ("CAPTURED", &usd("600.00")));
    market.admin.post(&capture, json!({})).await.expect_problem(409, "payment_not_possible");
    let now = market.customer.booked(&booking).await;
    assert_eq!((text(&now, "payment_status"), &now["balance_due"]), ("PENDING", &usd("300.00")));

    // What is still due can be paid by another payment, which can be voided.
    let more =
        market.customer.post(&format!("{}/payments", path_of(&booking)), json!({"payment_token": "tok_ok"})).await;
    let more = more.expect(201);
    assert_eq!((text(&more, "status"), &more["amount"]), ("AUTHORIZED", &usd("300.00")));
    let void = format!("/api/v1/payments/{}/void", text(&more, "id"));
    assert_eq!(text(&market.admin.poke(&void).await.expect(200), "status"), "VOIDED");
    market.admin.poke(&void).await.expect_problem(409, "payment_not_possible");
    assert_eq!(market.customer.booked(&booking).await["balance_due"], usd("300.00"));
    market.audit().await;
}

#[tokio::test]
async fn a_decided_payment_has_nothing_to_resolve() {
    let market = Market::open().await;
    let booking = market.paid().await;
    let payments = market.customer.get(&format!("{}/payments", path_of(&booking))).await.expect(200);
    let resolve = format!("/api/v1/payments/{}/resolve", text(&payments[0], "id"));
    let refused = market.admin.post(&resolve, json!({"done": true, "note": "By telephone"})).await;
    let refused = refused.expect_problem(409, "payment_not_possible");
    assert_eq!(text(&refused, "reason"), "not_due");
    let faults = market.admin.post(&resolve, json!({})).await.expect_faults();
    assert_eq!(faults.len(), 2);
}
