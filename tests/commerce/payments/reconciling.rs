//! The books are compared with the provider's, and nothing is mended in silence.
use loadmaster_testkit::until;

use super::{Shop, hostile::asking, provider::Hostile};

#[tokio::test]
async fn a_payment_of_which_the_provider_says_otherwise_is_counted_until_it_does_not() {
    let hostile = Hostile::start().await;
    let shop = Shop::open(asking(&hostile)).await.with_till();
    let payment = shop.pay("pm_card_visa").await;
    shop.until_status(payment, "CAPTURED").await;
    let other = shop.pay("pm_action").await;
    let marked = async || shop.world.texts("select id::text from payments where is_unmatched").await;
    let reconcile = async || {
        shop.world.state().background.run_now("reconcile_payments").await.unwrap();
    };
    reconcile().await;
    assert_eq!(marked().await, [""; 0]);
    hostile.lie("pi_1", 300);
    reconcile().await;
    assert_eq!(marked().await, [payment.to_string()]);
    let before = shop.shown(payment).await;
    assert_eq!(before["refunded"]["amount"], "0.00", "it is not mended");
    hostile.lie("pi_1", 0);
    reconcile().await;
    assert_eq!(marked().await, [""; 0]);
    assert_eq!(shop.status(other).await, "REQUIRES_ACTION", "what is awaited is left to the driver");
    shop.world.audit().await;
}

#[tokio::test]
async fn differences_are_measured_in_every_process() {
    let hostile = Hostile::start().await;
    let shop = Shop::open(asking(&hostile).with_workers()).await.with_till();
    let payment = shop.pay("pm_card_visa").await;
    shop.until_status(payment, "CAPTURED").await;
    shop.world.sql("update payments set is_unmatched = true").await;
    until("it is counted", async || {
        let metrics = shop.world.anonymous().get("/metrics").await.text;
        metrics.lines().any(|line| line == "loadmaster_payments_unmatched 1")
    })
    .await;
}
