use futures_util::future::join_all;
use loadmaster_testkit::{
    Answer,
    billing::{Market, usd},
    freight::{path_of, text},
};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn what_a_cancellation_costs_depends_on_the_hours_left() {
    let mut market = Market::open().await;
    let booking = market.paid().await;
    let path = format!("{}/cancellation", path_of(&booking));
    // The flight leaves in 100 hours.
    for (hours, fee, refund) in [(0, "0.00", "900.00"), (53, "225.00", "675.00"), (40, "450.00", "450.00")] {
        market.wait_hours(hours);
        let told = market.customer.get(&path).await.expect(200);
        assert_eq!((&told["fee"], &told["refund"]), (&usd(fee), &usd(refund)), "after {hours} more hours");
    }
    let customer = market.world.customer().await;
    customer.get(&path).await.expect(404);
    market.audit().await;
}

#[tokio::test]
async fn twenty_cancel_at_once_and_the_total_less_the_fee_goes_back_once() {
    let mut market = Market::open().await;
    let booking = market.paid().await;
    market.wait_hours(60);
    let cancel = format!("{}/cancel", path_of(&booking));
    let answers = join_all((0..20).map(|_| market.customer.post(&cancel, json!({})))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    let now = market.customer.refunded(&booking, "675.00").await;
    assert_eq!((&now["cancellation_fee"], &now["balance_due"]), (&usd("225.00"), &usd("0.00")));
    assert_eq!(text(&now, "payment_status"), "PARTIALLY_REFUNDED");
    assert_eq!(market.succeeded("REFUND").await, 1);
    market.audit().await;
}

#[tokio::test]
async fn the_carrier_waives_the_fee_and_bears_what_it_has_caused() {
    let mut market = Market::open().await;
    let (waived, caused) = (market.paid().await, market.paid().await);
    market.wait_hours(60);
    let cancel = format!("{}/cancel", path_of(&waived));
    market.customer.post(&cancel, json!({"waive_fee": true})).await.expect_problem(403, "forbidden");
    let delete = market.customer.request(Method::DELETE, &path_of(&waived)).header("content-type", "application/json");
    Answer::of(delete.body(r#"{"waive_fee": true}"#)).await.expect_problem(403, "forbidden");
    let operator = market.world.operator().await;
    let cancelled = operator.post(&cancel, json!({"waive_fee": true})).await.expect(200);
    assert_eq!(cancelled["cancellation_fee"], usd("0.00"));
    market.customer.refunded(&waived, "900.00").await;
    let acts = market.admin.get("/api/v1/admin/audit?limit=200").await.expect(200);
    assert!(acts.to_string().contains("booking.fee_waived"));

    market.admin.poke(&format!("/api/v1/flights/{}/cancel", text(&market.flight, "id"))).await.expect(200);
    let told = market.customer.get(&format!("{}/cancellation", path_of(&caused))).await.expect(200);
    assert_eq!((&told["fee"], &told["next_change_at"]), (&usd("0.00"), &json!(null)));
    market.customer.poke(&format!("{}/cancel", path_of(&caused))).await.expect(200);
    let now = market.customer.refunded(&caused, "900.00").await;
    assert_eq!(text(&now, "payment_status"), "REFUNDED");
    market.audit().await;
}

#[tokio::test]
async fn an_unpaid_booking_is_cancelled_for_nothing() {
    let mut market = Market::open().await;
    let hold = market.hold().await;
    let booking = market.customer.commit(&hold, json!({})).await;
    market.wait_hours(95);
    let cancelled = market.customer.poke(&format!("{}/cancel", path_of(&booking))).await.expect(200);
    assert_eq!((&cancelled["cancellation_fee"], &cancelled["balance_due"]), (&usd("0.00"), &usd("0.00")));
    assert_eq!(market.journal().await, []);
    market.audit().await;
}

#[tokio::test]
async fn all_is_kept_once_the_flight_has_departed_before_its_time_too() {
    let mut market = Market::open().await;
    let (flown, late) = (market.paid().await, market.paid().await);
    market.wait_hours(97);
    let told = market.customer.get(&format!("{}/cancellation", path_of(&flown))).await.expect(200);
    assert_eq!((&told["fee"], text(&told, "next_change_at").is_empty()), (&usd("450.00"), false));
    let left = json!({"left_behind": [{"ref_id": late["ref_id"], "reason": "NO_SHOW"}]});
    let path = format!("/api/v1/flights/{}/depart", text(&market.flight, "id"));
    market.world.operator().await.post(&path, left).await.expect(200);
    for booking in [&flown, &late] {
        let told = market.customer.get(&format!("{}/cancellation", path_of(booking))).await.expect(200);
        assert_eq!((&told["fee"], &told["next_change_at"]), (&usd("900.00"), &json!(null)), "{booking}");
    }
    market.audit().await;
}

#[tokio::test]
async fn what_went_back_before_is_no_refund_of_the_cancellation() {
    let mut market = Market::open().await;
    let booking = market.paid().await;
    let path = path_of(&booking);
    market.admin.post(&format!("{path}/refunds"), json!({"amount": usd("100.00")})).await.expect(201);
    market.wait_hours(60);
    for cancelled in [false, true] {
        if cancelled {
            market.customer.poke(&format!("{path}/cancel")).await.expect(200);
            market.customer.refunded(&booking, "675.00").await;
        }
        let told = market.customer.get(&format!("{path}/cancellation")).await.expect(200);
        assert_eq!((&told["fee"], &told["refund"]), (&usd("225.00"), &usd("575.00")), "cancelled: {cancelled}");
    }
    market.audit().await;
}

#[tokio::test]
async fn what_is_left_of_a_fee_is_paid_like_any_other_amount() {
    let mut market = Market::open().await;
    let booking = market.paid().await;
    market.wait_hours(60);
    let path = path_of(&booking);
    market.customer.poke(&format!("{path}/cancel")).await.expect(200);
    market.customer.refunded(&booking, "675.00").await;
    let told = market.customer.get(&format!("{path}/cancellation")).await.expect(200);
    assert_eq!((&told["fee"], &told["next_change_at"]), (&usd("225.00"), &json!(null)));
    market.admin.post(&format!("{path}/refunds"), json!({"amount": usd("25.00")})).await.expect(201);
    let now = market.customer.refunded(&booking, "700.00").await;
    assert_eq!((&now["balance_due"], text(&now, "payment_status")), (&usd("25.00"), "PARTIALLY_REFUNDED"));
    let paid = market.customer.post(&format!("{path}/payments"), json!({"payment_token": "tok_ok"})).await.expect(201);
    assert_eq!((text(&paid, "status"), &paid["captured"]), ("CAPTURED", &usd("25.00")));
    assert_eq!(market.customer.booked(&booking).await["balance_due"], usd("0.00"));
    market.audit().await;
}
