//! The use of a sale by what was never paid goes back when it ends, once.
use loadmaster_testkit::{
    WorldOptions,
    billing::{Market, usd},
    freight::{path_of, text, with},
    holds::HOLDS,
    until,
};
use serde_json::{Value, json};

const SALES: &str = "/api/v1/sales";

fn spring() -> Value {
    json!({"code": "SPRING", "percent": "10", "sale_from": "2026-11-01", "sale_to": "2026-12-31", "origin": "*",
           "destination": "*", "valid_from": "2026-01-01", "max_uses": 2})
}

async fn with_sale(options: WorldOptions) -> Market {
    let market = Market::with(options).await;
    market.admin.post(SALES, spring()).await.expect(201);
    market
}

async fn uses(market: &Market) -> String {
    let uses = "select used || '/' || (select count(*) from sale_uses) from sale_counters";
    market.world.texts(uses).await.remove(0)
}

async fn hold_with_code(market: &Market) -> Value {
    market.customer.hold(with(market.wanted(), json!({"discount_code": "SPRING"}))).await
}

#[tokio::test]
async fn a_booking_that_is_cancelled_unpaid_returns_its_use_and_one_that_was_paid_keeps_it() {
    let market = with_sale(WorldOptions::default()).await;
    let unpaid = market.customer.commit(&hold_with_code(&market).await, json!({})).await;
    let paid = market.customer.commit(&hold_with_code(&market).await, json!({"payment_token": "tok_ok"})).await;
    market.customer.settled(&paid).await;
    let wanted = with(market.wanted(), json!({"discount_code": "SPRING"}));
    let refusal = market.customer.post(HOLDS, wanted).await;
    assert_eq!(refusal.expect_problem(409, "discount_not_applicable")["reason"], "used_up");
    let cancel = |booking: &Value| format!("{}/cancel", path_of(booking));
    market.customer.poke(&cancel(&unpaid)).await.expect(200);
    market.customer.poke(&cancel(&unpaid)).await.expect(409);
    market.customer.poke(&cancel(&paid)).await.expect(200);
    market.customer.refunded(&paid, "810.00").await;
    assert_eq!(uses(&market).await, "1/1");
    let booked = market.customer.commit(&hold_with_code(&market).await, json!({})).await;
    assert_eq!(booked["price"]["total"], usd("810.00"));
    assert_eq!(uses(&market).await, "2/2");
    market.audit().await;
}

#[tokio::test]
async fn a_payment_that_comes_to_nothing_after_the_cancellation_returns_the_use() {
    let market = with_sale(WorldOptions::default().set("payments.capture", "manual")).await;
    let booking = market.customer.commit(&hold_with_code(&market).await, json!({"payment_token": "tok_ok"})).await;
    let cancelled = market.customer.poke(&format!("{}/cancel", path_of(&booking))).await.expect(200);
    assert_eq!(cancelled["cancellation_fee"], usd("0.00"));
    market.customer.settled(&booking).await;
    until("the use is returned", async || uses(&market).await == "0/0").await;
    assert_eq!(text(&market.customer.booked(&booking).await, "status"), "CANCELLED");
    market.audit().await;
}

#[tokio::test]
async fn a_hold_that_is_released_or_runs_out_returns_its_use() {
    let mut market = with_sale(WorldOptions::default()).await;
    let (released, forgotten) = (hold_with_code(&market).await, hold_with_code(&market).await);
    assert_eq!(uses(&market).await, "2/2");
    market.customer.delete(&loadmaster_testkit::holds::at(&released)).await.expect(200);
    market.customer.delete(&loadmaster_testkit::holds::at(&released)).await.expect(409);
    assert_eq!(uses(&market).await, "1/1");
    market.wait_hours(2);
    until("the other has run out", async || uses(&market).await == "0/0").await;
    market.customer.post(&format!("{}/commit", loadmaster_testkit::holds::at(&forgotten)), json!({})).await.expect(409);
    market.audit().await;
}

#[tokio::test]
async fn a_sale_that_is_over_stays_in_the_price_of_a_booking_whose_codes_change() {
    let market = with_sale(WorldOptions::default()).await;
    let dangerous = json!({"code": "RAC", "basis": "FLAT", "rate": "120", "currency": "USD", "per": "SHIPMENT",
                           "origin": "*", "destination": "*", "handling_codes": ["RCL"], "valid_from": "2026-01-01"});
    market.admin.post("/api/v1/surcharges", dangerous).await.expect(201);
    let booking = market.customer.commit(&hold_with_code(&market).await, json!({"payment_token": "tok_ok"})).await;
    market.customer.settled(&booking).await;
    let id = market.world.texts("select id::text from sales").await.remove(0);
    market.admin.delete(&format!("{SALES}/{id}")).await.expect(200);
    let codes = json!({"special_handling_codes": ["RCL"]});
    let dear = market.customer.patch(&path_of(&booking), codes).await.expect(200);
    assert_eq!((&dear["price"]["discount"], &dear["price"]["total"]), (&usd("-90.00"), &usd("930.00")));
    market.audit().await;
}
