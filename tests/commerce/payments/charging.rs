//! Each token of the provider `test`, from the promise to the end.
use std::time::Duration;

use chrono::TimeDelta;
use loadmaster_kernel::PaymentId;
use loadmaster_payments::OperationKind;
use loadmaster_testkit::{
    freight::text,
    payments::{SOON, usd, with_test},
    until,
};
use serde_json::json;
use uuid::Uuid;

use super::Shop;

#[tokio::test]
async fn what_is_authorized_is_captured_once() {
    for token in ["tok_ok", "tok_visa"] {
        let shop = Shop::open(with_test()).await.with_till();
        let payment = shop.pay(token).await;
        shop.until_status(payment, "CAPTURED").await;
        let shown = shop.shown(payment).await;
        assert_eq!(shown["captured"], json!({"amount": "100.00", "currency": "USD"}));
        assert_eq!(shown["refunded"], json!({"amount": "0.00", "currency": "USD"}));
        assert_eq!((&shown["action"], &shown["failure"]), (&json!(null), &json!(null)));
        assert!(text(&shown, "provider_reference").starts_with("test_"));
        assert_eq!(shop.journal().await, ["AUTHORIZE 100.00 USD SUCCEEDED", "CAPTURE 100.00 USD SUCCEEDED"]);
        assert_eq!(shop.messages(payment).await, ["CREATED", "PROCESSING", "AUTHORIZED", "CAPTURED"]);
        shop.world.audit().await;
    }
}

#[tokio::test]
async fn a_declined_token_charges_nothing_and_says_why() {
    for token in ["tok_declined", "tok_whatever"] {
        let shop = Shop::open(with_test()).await.with_till();
        let payment = shop.pay(token).await;
        let shown = shop.shown(payment).await;
        assert_eq!((text(&shown, "status"), text(&shown["failure"], "code")), ("FAILED", "card_declined"));
        assert_eq!(shop.journal().await, ["AUTHORIZE 100.00 USD DECLINED"]);
        assert_eq!(shop.messages(payment).await, ["CREATED", "PROCESSING", "FAILED"]);
        shop.world.audit().await;
    }
}

/// Promises something more of a payment, and has it done.
async fn promise(shop: &Shop, id: PaymentId, kind: OperationKind, amount: i64) {
    let promised = shop.promise_more(id, kind, amount).await;
    assert!(shop.payments().at_once(promised, None).within(SOON).await);
}

#[tokio::test]
async fn what_was_captured_goes_back_in_parts_and_never_more() {
    let shop = Shop::open(with_test()).await.with_till();
    let payment = shop.pay("tok_ok").await;
    shop.until_status(payment, "CAPTURED").await;
    promise(&shop, payment, OperationKind::Refund, 2_500).await;
    promise(&shop, payment, OperationKind::Refund, 7_500).await;
    assert_eq!(shop.shown(payment).await["refunded"], json!(usd(10_000)));
    assert_eq!(shop.messages(payment).await[4..], ["REFUNDED", "REFUNDED"]);
    // The provider has the last word, too.
    promise(&shop, payment, OperationKind::Refund, 1).await;
    assert_eq!(shop.shown(payment).await["refunded"], json!(usd(10_000)));
    assert_eq!(
        shop.journal().await[2..],
        ["REFUND 25.00 USD SUCCEEDED", "REFUND 75.00 USD SUCCEEDED", "REFUND 0.01 USD DECLINED"]
    );
    // An administrator says that it is not to be made.
    let resolve = format!("/api/v1/payments/{payment}/resolve");
    shop.world.admin().await.post(&resolve, json!({"done": false, "note": "Too much"})).await.expect(200);
    shop.world.audit().await;
}

#[tokio::test]
async fn an_authorization_is_given_up() {
    let shop = Shop::open(with_test()).await;
    let payment = shop.pay("tok_ok").await;
    assert_eq!(shop.status(payment).await, "AUTHORIZED");
    promise(&shop, payment, OperationKind::Void, 10_000).await;
    assert_eq!(shop.status(payment).await, "VOIDED");
    assert_eq!(shop.messages(payment).await, ["CREATED", "PROCESSING", "AUTHORIZED", "VOIDED"]);
    shop.world.audit().await;
}

#[tokio::test]
async fn what_was_confirmed_and_voided_before_it_was_looked_at_is_voided() {
    let shop = Shop::open(with_test()).await;
    let payment = shop.pay("tok_confirm").await;
    let (found, operations) = shop.find(payment).await;
    let confirm = format!("/api/v1/test-payments/{}/confirm", found.provider_reference.unwrap());
    shop.payer.poke(&confirm).await.expect(200);
    promise(&shop, payment, OperationKind::Void, 10_000).await;
    shop.world.clock.advance(TimeDelta::minutes(1));
    assert!(shop.payments().at_once(operations[0].id, None).within(Duration::from_secs(10)).await);
    let (found, operations) = shop.find(payment).await;
    assert_eq!((found.status.as_str(), found.failure), ("VOIDED", None));
    assert_eq!(operations[0].status.as_str(), "DECLINED");
    assert_eq!(shop.journal().await, ["AUTHORIZE 100.00 USD SUCCEEDED", "VOID 100.00 USD SUCCEEDED"]);
    shop.world.audit().await;
}

#[tokio::test]
async fn a_payment_that_succeeds_later_is_confirmed_by_a_webhook() {
    let shop = Shop::driven().await.with_till();
    let payment = shop.pay("tok_slow").await;
    assert_eq!(shop.status(payment).await, "PROCESSING");
    shop.world.clock.advance(TimeDelta::seconds(2));
    shop.until_status(payment, "CAPTURED").await;
    assert_eq!(shop.world.texts("select provider from payment_webhooks").await, ["test"]);
    assert_eq!(shop.messages(payment).await, ["CREATED", "PROCESSING", "AUTHORIZED", "CAPTURED"]);
    shop.world.audit().await;
}

#[tokio::test]
async fn a_payer_confirms_or_fails_a_payment() {
    let shop = Shop::driven().await.with_till();
    for (verb, status) in [("confirm", "CAPTURED"), ("fail", "FAILED")] {
        let payment = shop.pay("tok_confirm").await;
        let shown = shop.shown(payment).await;
        assert_eq!(text(&shown, "status"), "REQUIRES_ACTION");
        let url = text(&shown["action"], "url").to_owned();
        assert!(url.ends_with("/confirm"), "{url}");
        let path = url.replace("/confirm", &format!("/{verb}"));
        let stranger = shop.world.customer().await;
        stranger.poke(&path).await.expect_problem(404, "not_found");
        let done = shop.payer.poke(&path).await.expect(200);
        assert_eq!(done["reference"], shown["provider_reference"]);
        shop.until_status(payment, status).await;
        assert_eq!(shop.shown(payment).await["action"], json!(null));
        let again = shop.payer.poke(&path).await.expect_problem(409, "invalid_transition");
        assert_eq!(again["allowed"], json!([]));
    }
    shop.world.operator().await.poke("/api/v1/test-payments/nonsense/confirm").await.expect_problem(404, "not_found");
    shop.world.audit().await;
}

#[tokio::test]
async fn without_the_provider_its_operations_do_not_exist() {
    let world = loadmaster_testkit::World::start().await;
    let admin = world.admin().await;
    admin.get(super::JOURNAL).await.expect_problem(404, "not_found");
    let path = format!("/api/v1/test-payments/test_{}/confirm", Uuid::nil().simple());
    admin.poke(&path).await.expect_problem(404, "not_found");
    admin.post("/api/v1/payments/webhooks/test", json!({})).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_lost_request_is_declined_after_a_minute() {
    let shop = Shop::driven().await;
    let (payment, operation) = shop.promise(usd(500)).await;
    let attempt = shop.payments().at_once(operation, Some("tok_lost".into()));
    assert!(!attempt.clone().within(Duration::from_millis(300)).await, "it is not answered");
    assert_eq!(shop.status(payment).await, "PROCESSING");
    // The first silence is over after ten seconds.
    until("the silence is recorded", async || shop.find(payment).await.1[0].note.is_some()).await;
    shop.world.clock.advance(TimeDelta::seconds(65));
    shop.until_status(payment, "FAILED").await;
    assert_eq!(shop.journal().await, ["AUTHORIZE 5.00 USD DECLINED"]);
    shop.world.audit().await;
}
