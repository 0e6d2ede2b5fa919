use loadmaster_testkit::{
    Answer,
    billing::{Market, usd},
    freight::{path_of, text},
};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn an_administrator_refunds_what_is_left_and_no_more() {
    let market = Market::open().await;
    let booking = market.paid().await;
    let path = format!("{}/refunds", path_of(&booking));
    market.customer.post(&path, json!({})).await.expect_problem(403, "forbidden");
    market.world.operator().await.post(&path, json!({})).await.expect_problem(403, "forbidden");
    let part = json!({"amount": usd("100.00"), "reason": "Late delivery"});
    let refunded = market.admin.post(&path, part).await.expect(201);
    assert_eq!((text(&refunded, "payment_status"), &refunded["refunded"]), ("PARTIALLY_REFUNDED", &usd("100.00")));
    let more = market.admin.post(&path, json!({"amount": usd("800.01")})).await;
    assert_eq!(more.expect_problem(409, "refund_exceeds_paid")["available"], usd("800.00"));
    let faults = market.admin.post(&path, json!({"amount": {"amount": "1", "currency": "EUR"}})).await.expect_faults();
    assert_eq!(faults, [("/amount/currency".to_owned(), "unknown_value".to_owned())]);
    let all = market.admin.post(&path, json!({})).await.expect(201);
    assert_eq!((text(&all, "payment_status"), &all["refunded"]), ("REFUNDED", &usd("900.00")));
    market.admin.post(&path, json!({})).await.expect_problem(409, "refund_exceeds_paid");
    assert_eq!(market.succeeded("REFUND").await, 2);
    market.audit().await;
}

#[tokio::test]
async fn a_repeated_refund_under_its_key_is_made_once() {
    let market = Market::open().await;
    let booking = market.paid().await;
    let path = format!("{}/refunds", path_of(&booking));
    let refund = || {
        let request = market.admin.request(Method::POST, &path).header("idempotency-key", "refund-1");
        Answer::of(request.json(&json!({"amount": usd("100.00")})))
    };
    let first = refund().await.expect(201);
    assert_eq!(refund().await.expect(201), first);
    assert_eq!(market.succeeded("REFUND").await, 1);
    market.audit().await;
}

#[tokio::test]
async fn a_booking_without_a_payment_has_nothing_to_refund() {
    let market = Market::open().await;
    let hold = market.hold().await;
    let booking = market.customer.commit(&hold, json!({})).await;
    let path = format!("{}/refunds", path_of(&booking));
    market.admin.post(&path, json!({})).await.expect_problem(409, "refund_exceeds_paid");
    market.admin.post("/api/v1/bookings/LM-AAAA-AAAA/refunds", json!({})).await.expect(404);
    market.audit().await;
}

#[tokio::test]
async fn a_refund_of_a_booking_that_has_changed_is_refused() {
    let market = Market::open().await;
    let booking = market.paid().await;
    let path = format!("{}/refunds", path_of(&booking));
    let read = market.admin.get(&path_of(&booking)).await;
    let (tag, part) = (read.header("etag").unwrap().to_owned(), json!({"amount": usd("100.00")}));
    market.admin.change_if(Method::POST, &path, &tag, part.clone()).await.expect(201);
    let stale = market.admin.change_if(Method::POST, &path, &tag, part).await.expect_problem(412, "version_mismatch");
    assert_eq!(stale["version"], market.admin.booked(&booking).await["version"]);
    let faults = market.admin.change_if(Method::POST, &path, "7", json!({})).await.expect_faults();
    assert_eq!(faults, [("if-match".to_owned(), "invalid_format".to_owned())]);
    assert_eq!(market.succeeded("REFUND").await, 1);
    market.audit().await;
}

#[tokio::test]
async fn a_decision_about_a_payment_that_has_changed_is_refused() {
    let (market, _, path) = Market::authorized().await;
    let decide = async |decision: &str, tag: &str| {
        let body = if decision == "resolve" { json!({"done": true, "note": "By telephone"}) } else { json!({}) };
        market.admin.change_if(Method::POST, &format!("{path}/{decision}"), tag, body).await
    };
    let read = market.admin.get(&path).await;
    let tag = read.header("etag").unwrap().to_owned();
    for decision in ["capture", "void", "resolve"] {
        let stale = decide(decision, "\"0\"").await.expect_problem(412, "version_mismatch");
        assert_eq!(format!("\"{}\"", stale["version"]), tag, "{decision}");
    }
    assert_eq!(market.admin.get(&path).await.header("etag"), Some(&*tag));
    decide("capture", &tag).await.expect(200);
    decide("void", &tag).await.expect_problem(412, "version_mismatch");
    assert_eq!((market.succeeded("CAPTURE").await, market.succeeded("VOID").await), (1, 0));
    market.audit().await;
}
