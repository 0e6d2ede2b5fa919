//! A cancellation fee holds through changes of the booking.
use chrono::TimeDelta;
use loadmaster_testkit::{
    WorldOptions,
    billing::{Market, usd},
    freight::{path_of, text},
};
use serde_json::{Value, json};

#[tokio::test]
async fn a_move_to_a_later_flight_keeps_the_fee_that_stood() {
    let mut market = Market::open().await;
    let booking = market.paid().await;
    let later = market.flight_in("AI103", 300).await;
    market.wait_hours(60);
    let before = market.cancellation(&booking).await;
    assert_eq!(
        (&before["fee"], text(&before, "reason"), &before["floor"]),
        (&usd("225.00"), "HOURS_LEFT", &Value::Null)
    );
    let moved = market.customer.move_to(&booking, &later).await;
    assert_eq!((&moved["price"], &moved["balance_due"]), (&booking["price"], &usd("0.00")));
    let after = market.cancellation(&booking).await;
    assert_eq!((&after["fee"], &after["refund"]), (&usd("225.00"), &usd("675.00")));
    assert_eq!((text(&after, "reason"), &after["floor"]), ("CHANGED", &usd("225.00")));
    // The same percentage of the nearer departure is no rise: the next one is 12 hours before it.
    let next = market.world.now() + TimeDelta::hours(300 - 60 - 12);
    assert_eq!(text(&after, "next_change_at"), next.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true));
    market.cancel_for(&booking, "225.00").await;
    market.customer.refunded(&booking, "675.00").await;
    let fixed = market.cancellation(&booking).await;
    assert_eq!((&fixed["fee"], text(&fixed, "reason")), (&usd("225.00"), "CHANGED"));
    market.world.audit_and_rebuild().await;
}

#[tokio::test]
async fn of_moves_to_and_fro_the_highest_fee_that_stood_is_kept() {
    let mut market = Market::open().await;
    let booking = market.paid().await;
    let (later, sooner) = (market.flight_in("AI103", 300).await, market.flight_in("AI105", 70).await);
    market.customer.move_to(&booking, &later).await;
    assert_eq!(market.cancellation(&booking).await["floor"], Value::Null, "nothing was due");
    market.wait_hours(60);
    market.customer.move_to(&booking, &sooner).await;
    let near = market.cancellation(&booking).await;
    assert_eq!((&near["fee"], &near["floor"]), (&usd("450.00"), &Value::Null));
    market.customer.move_to(&booking, &later).await;
    market.customer.move_to(&booking, &market.flight.clone()).await;
    market.customer.move_to(&booking, &later).await;
    let far = market.cancellation(&booking).await;
    assert_eq!((&far["fee"], text(&far, "reason"), &far["floor"]), (&usd("450.00"), "CHANGED", &usd("450.00")));
    market.cancel_for(&booking, "450.00").await;
    market.customer.refunded(&booking, "450.00").await;
    market.world.audit_and_rebuild().await;
}

#[tokio::test]
async fn less_freight_lowers_neither_the_fee_nor_what_is_kept_of_it() {
    let mut market = Market::open().await;
    let booking = market.paid().await;
    market.wait_hours(60);
    let less = market.customer.patch(&path_of(&booking), json!({"weight_kg": 50})).await.expect(200);
    assert_eq!(less["price"]["total"], usd("450.00"));
    market.customer.refunded(&booking, "450.00").await;
    let least = market.customer.patch(&path_of(&booking), json!({"weight_kg": 0.1})).await.expect(200);
    assert_eq!(least["price"]["total"], usd("75.00"));
    let now = market.customer.refunded(&booking, "675.00").await;
    assert_eq!((&now["balance_due"], text(&now, "payment_status")), (&usd("0.00"), "PARTIALLY_REFUNDED"));
    let told = market.cancellation(&booking).await;
    assert_eq!((&told["fee"], &told["refund"], &told["floor"]), (&usd("225.00"), &usd("0.00"), &usd("225.00")));
    market.cancel_for(&booking, "225.00").await;
    assert_eq!(market.succeeded("REFUND").await, 2);
    market.world.audit_and_rebuild().await;
}

#[tokio::test]
async fn the_fee_that_stood_waits_for_a_later_payment() {
    let mut market = Market::open().await;
    let hold = market.hold().await;
    let (paid, unpaid) =
        (market.customer.commit(&hold, json!({})).await, market.customer.commit(&market.hold().await, json!({})).await);
    let later = market.flight_in("AI103", 300).await;
    market.wait_hours(60);
    for booking in [&paid, &unpaid] {
        let moved = market.customer.move_to(booking, &later).await;
        assert_eq!(moved["balance_due"], usd("900.00"));
        let told = market.cancellation(booking).await;
        assert_eq!((&told["fee"], text(&told, "reason"), &told["floor"]), (&usd("0.00"), "CHANGED", &usd("225.00")));
        assert_eq!(told["next_change_at"], Value::Null, "nothing was paid");
    }
    let payments = format!("{}/payments", path_of(&paid));
    market.customer.post(&payments, json!({"payment_token": "tok_ok"})).await.expect(201);
    market.customer.settled(&paid).await;
    market.cancel_for(&paid, "225.00").await;
    market.customer.refunded(&paid, "675.00").await;
    market.cancel_for(&unpaid, "0.00").await;
    market.world.audit_and_rebuild().await;
}

#[tokio::test]
async fn carrier_staff_waive_a_fee_that_a_change_has_made_due() {
    let mut market = Market::open().await;
    let booking = market.paid().await;
    let later = market.flight_in("AI103", 300).await;
    market.wait_hours(60);
    market.customer.move_to(&booking, &later).await;
    let cancel = format!("{}/cancel", path_of(&booking));
    let cancelled = market.world.operator().await.post(&cancel, json!({"waive_fee": true})).await.expect(200);
    assert_eq!(cancelled["cancellation_fee"], usd("0.00"));
    market.customer.refunded(&booking, "900.00").await;
    assert_eq!(text(&market.cancellation(&booking).await, "reason"), "WAIVED");
    market.audit().await;
}

#[tokio::test]
async fn what_is_authorized_is_captured_as_far_as_the_fee_and_the_rest_is_voided() {
    let (mut market, booking, path) = Market::authorized().await;
    let free = market.customer.commit(&market.hold().await, json!({"payment_token": "tok_ok"})).await;
    market.cancel_for(&free, "0.00").await;
    market.customer.settled(&free).await;
    market.wait_hours(60);
    let told = market.cancellation(&booking).await;
    assert_eq!((&told["fee"], &told["refund"]), (&usd("225.00"), &usd("0.00")));
    market.cancel_for(&booking, "225.00").await;
    let now = market.customer.settled(&booking).await;
    assert_eq!((&now["paid"], &now["refunded"], &now["balance_due"]), (&usd("225.00"), &usd("0.00"), &usd("0.00")));
    let payment = market.admin.get(&path).await.expect(200);
    assert_eq!((text(&payment, "status"), &payment["captured"]), ("CAPTURED", &usd("225.00")));
    let journal = market.journal().await;
    let after: Vec<_> = journal[2..].iter().map(|(kind, amount, _)| (kind.as_str(), amount.as_str())).collect();
    assert_eq!(after, [("VOID", "900.00"), ("CAPTURE", "225.00")]);
    market.world.audit_and_rebuild().await;
}

#[tokio::test]
async fn the_fee_of_a_changed_booking_is_captured_too() {
    let market = WorldOptions::default().set("payments.capture", "manual");
    let mut market = Market::with(market).await;
    let booking = market.customer.commit(&market.hold().await, json!({"payment_token": "tok_ok"})).await;
    let later = market.flight_in("AI103", 300).await;
    market.wait_hours(60);
    market.customer.patch(&path_of(&booking), json!({"weight_kg": 50})).await.expect(200);
    market.customer.move_to(&booking, &later).await;
    market.cancel_for(&booking, "225.00").await;
    let now = market.customer.settled(&booking).await;
    assert_eq!((&now["paid"], &now["refunded"]), (&usd("225.00"), &usd("0.00")));
    market.audit().await;
}
