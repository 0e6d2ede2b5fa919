//! Webhooks: whose they are, and that they are hints.
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::TimeDelta;
use loadmaster_kernel::PaymentId;
use loadmaster_testkit::{
    freight::text,
    payments::{WEBHOOK_SECRET, WEBHOOKS, Webhook},
    until,
};
use serde_json::{Value, json};

use super::{Shop, hostile::asking, provider::Hostile};

/// `whsec_` and its base64.
const OLD: &[u8] = b"an old secret of the provider";

async fn shop() -> (Hostile, Shop) {
    let hostile = Hostile::start().await;
    let secrets = format!("{WEBHOOK_SECRET},whsec_{}", STANDARD.encode(OLD));
    let shop = Shop::open(asking(&hostile).set("payments.webhook_secrets", &secrets).with_workers()).await.with_till();
    (hostile, shop)
}

async fn waiting(shop: &Shop) -> PaymentId {
    let payment = shop.pay("pm_action").await;
    assert_eq!(shop.status(payment).await, "REQUIRES_ACTION");
    payment
}

async fn attempts(shop: &Shop, payment: PaymentId) -> i32 {
    shop.find(payment).await.1[0].attempts
}

#[tokio::test]
async fn a_webhook_has_the_payment_looked_up_and_its_repetition_does_not() {
    let (hostile, shop) = shop().await;
    let payment = waiting(&shop).await;
    hostile.settle("pi_1", "requires_capture");
    assert!(Webhook::about("msg_1", "pi_1").send(&shop.world).await.status == 204);
    shop.until_status(payment, "CAPTURED").await;
    let asked = hostile.asked().len();
    for _ in 0..3 {
        Webhook::about("msg_1", "pi_1").send(&shop.world).await.expect(204);
    }
    assert_eq!(hostile.asked().len(), asked);
    assert_eq!(hostile.done(), ["AUTHORIZE 10000", "CAPTURE 10000"]);
    assert_eq!(shop.world.texts("select webhook_id from payment_webhooks").await, ["msg_1"]);
    shop.world.audit().await;
}

#[tokio::test]
async fn the_state_comes_from_the_provider_whatever_order_webhooks_have() {
    let (hostile, shop) = shop().await;
    let payment = waiting(&shop).await;
    // It says that the payment succeeded; the provider says that it waits.
    Webhook::about("msg_2", "pi_1").send(&shop.world).await.expect(204);
    until("it was looked up", async || attempts(&shop, payment).await == 2).await;
    assert_eq!(shop.status(payment).await, "REQUIRES_ACTION");
    hostile.settle("pi_1", "requires_capture");
    for id in ["msg_4", "msg_3"] {
        Webhook::about(id, "pi_1").send(&shop.world).await.expect(204);
    }
    shop.until_status(payment, "CAPTURED").await;
    assert_eq!(shop.messages(payment).await, ["CREATED", "PROCESSING", "REQUIRES_ACTION", "AUTHORIZED", "CAPTURED"]);
    assert_eq!(hostile.done(), ["AUTHORIZE 10000", "CAPTURE 10000"]);
    shop.world.audit().await;
}

#[tokio::test]
async fn what_is_not_signed_as_it_should_be_is_refused() {
    let (_, shop) = shop().await;
    let payment = waiting(&shop).await;
    let before = attempts(&shop, payment).await;
    let about = |id| Webhook::about(id, "pi_1");
    for (webhook, what) in [
        (Webhook { secret: b"not the secret", ..about("msg_1") }, "forged"),
        (Webhook { secret: b"", ..about("msg_1") }, "an empty secret"),
        (Webhook { age: TimeDelta::minutes(6), ..about("msg_1") }, "old"),
        (Webhook { age: TimeDelta::minutes(-6), ..about("msg_1") }, "from the future"),
    ] {
        let answer = webhook.send(&shop.world).await;
        assert_eq!(answer.status, 401, "{what}");
        answer.expect_problem(401, "invalid_signature");
    }
    let bare = shop.world.anonymous();
    bare.post(WEBHOOKS, json!({"data": {"id": "pi_1"}})).await.expect_problem(401, "invalid_signature");
    assert_eq!(shop.world.texts("select webhook_id from payment_webhooks").await, [""; 0]);
    assert_eq!(attempts(&shop, payment).await, before);
    Webhook { secret: OLD, ..about("msg_1") }.send(&shop.world).await.expect(204);
    Webhook { age: TimeDelta::minutes(4), ..about("msg_2") }.send(&shop.world).await.expect(204);
}

#[tokio::test]
async fn what_is_signed_and_about_nothing_of_ours_is_received() {
    let (_, shop) = shop().await;
    for (id, body) in [
        ("msg_1", json!({"type": "x", "timestamp": "t", "data": {"id": "pi_other"}}).to_string()),
        ("msg_2", json!({"type": "x"}).to_string()),
        ("msg_3", "[]".to_owned()),
        ("msg_4", "\"\"".to_owned()),
        ("msg_7", json!({"type": "x", "data": {"id": "pi_1\0"}}).to_string()),
    ] {
        Webhook { body, ..Webhook::about(id, "") }.send(&shop.world).await.expect(204);
    }
    let broken = Webhook { body: "{".to_owned(), ..Webhook::about("msg_5", "") };
    broken.send(&shop.world).await.expect_problem(400, "malformed_request");
    let large = Webhook { body: format!("\"{}\"", "x".repeat(2 << 20)), ..Webhook::about("msg_6", "") };
    large.send(&shop.world).await.expect_problem(413, "payload_too_large");
    let odd = shop.world.anonymous().post_raw(WEBHOOKS, "text/plain", "{}").await;
    odd.expect_problem(415, "unsupported_media_type");
    shop.world.anonymous().post(&format!("{WEBHOOKS}?x=1"), json!({})).await.expect_faults();
    let other = shop.world.anonymous().post("/api/v1/payments/webhooks/test", json!({})).await;
    other.expect_problem(404, "not_found");
    assert_eq!(shop.world.texts("select webhook_id from payment_webhooks order by 1").await.len(), 5);
}

#[tokio::test]
async fn a_storm_of_webhooks_has_one_effect() {
    let (hostile, shop) = shop().await;
    let payment = waiting(&shop).await;
    hostile.settle("pi_1", "requires_capture");
    let ids: Vec<String> = (0..30).map(|number| format!("msg_{}", number % 10)).collect();
    let webhooks: Vec<Webhook<'_>> = ids.iter().map(|id| Webhook::about(id, "pi_1")).collect();
    let sent = webhooks.iter().map(|webhook| webhook.send(&shop.world));
    for answer in futures_util::future::join_all(sent).await {
        assert_eq!(answer.status, 204, "{}", answer.text);
    }
    shop.until_status(payment, "CAPTURED").await;
    assert_eq!(hostile.done(), ["AUTHORIZE 10000", "CAPTURE 10000"]);
    shop.world.audit().await;
}

#[tokio::test]
async fn webhooks_are_forgotten_after_thirty_days() {
    let (_, shop) = shop().await;
    Webhook::about("msg_old", "pi_9").send(&shop.world).await.expect(204);
    shop.world.clock.advance(TimeDelta::days(30) + TimeDelta::seconds(1));
    Webhook::about("msg_new", "pi_9").send(&shop.world).await.expect(204);
    shop.world.state().background.run_now("old_payment_webhooks").await.unwrap();
    assert_eq!(shop.world.texts("select webhook_id from payment_webhooks").await, ["msg_new"]);
}

/// The metric of this outcome.
#[tokio::test]
async fn webhooks_are_counted_by_what_became_of_them() {
    let (_, shop) = shop().await;
    let counted = async |outcome: &str| {
        let line = format!("loadmaster_payment_webhooks_total{{outcome=\"{outcome}\"}}");
        loadmaster_testkit::sum_of(&shop.world.anonymous(), &line, "").await
    };
    let payment = waiting(&shop).await;
    let before =
        [counted("accepted").await, counted("repeated").await, counted("unknown").await, counted("refused").await];
    Webhook::about("msg_1", "pi_1").send(&shop.world).await.expect(204);
    Webhook::about("msg_1", "pi_1").send(&shop.world).await.expect(204);
    Webhook::about("msg_2", "pi_7").send(&shop.world).await.expect(204);
    Webhook { secret: b"no", ..Webhook::about("msg_3", "pi_1") }
        .send(&shop.world)
        .await
        .expect_problem(401, "invalid_signature");
    let after =
        [counted("accepted").await, counted("repeated").await, counted("unknown").await, counted("refused").await];
    assert!(before.iter().zip(after).all(|(before, after)| after > *before), "{before:?} {after:?}");
    let shown: Value = shop.shown(payment).await;
    assert_eq!(text(&shown, "provider_reference"), "pi_1");
}
