use loadmaster_testkit::{
    NewFlight,
    billing::{Market, usd},
    freight::{path_of, text, with},
};
use serde_json::json;

#[tokio::test]
async fn amended_freight_costs_by_the_rules_of_its_quote_and_the_difference_is_due_or_goes_back() {
    let market = Market::open().await;
    let booking = market.paid().await;
    let tariff = format!("/api/v1/tariffs/{}", text(&market.tariff, "id"));
    market.admin.patch(&tariff, json!({"normal": "20"})).await.expect(200);
    let path = path_of(&booking);

    let more = market.customer.patch(&path, json!({"weight_kg": 150})).await.expect(200);
    assert_eq!((&more["price"]["total"], &more["balance_due"]), (&usd("1350.00"), &usd("450.00")));
    assert_eq!(text(&more, "payment_status"), "PENDING");
    let paid = market.customer.post(&format!("{path}/payments"), json!({"payment_token": "tok_ok"})).await.expect(201);
    assert_eq!((text(&paid, "status"), &paid["amount"]), ("CAPTURED", &usd("450.00")));
    assert_eq!(text(&market.customer.settled(&booking).await, "payment_status"), "COMPLETED");

    let less = market.customer.patch(&path, json!({"weight_kg": 50})).await.expect(200);
    assert_eq!(less["price"]["total"], usd("450.00"));
    let now = market.customer.refunded(&booking, "900.00").await;
    assert_eq!((text(&now, "payment_status"), &now["balance_due"]), ("PARTIALLY_REFUNDED", &usd("0.00")));
    market.audit().await;
}

#[tokio::test]
async fn what_is_not_freight_changes_no_price() {
    let market = Market::open().await;
    let booking = market.paid().await;
    let other = market.world.flight(NewFlight::new("AI103", "DEL", "LHR").leaves_in_hours(120).weight(1000.0)).await;
    let path = path_of(&booking);
    let rerouted = market.customer.patch(&path, json!({"flight_ids": [text(&other, "id")]})).await.expect(200);
    assert_eq!(rerouted["price"], booking["price"]);
    let described = market.customer.patch(&path, json!({"description": "Bolts", "pieces": 3})).await.expect(200);
    assert_eq!(described["price"], booking["price"]);
    market.audit().await;
}

#[tokio::test]
async fn a_handling_code_that_is_added_afterwards_costs_its_surcharge() {
    let market = Market::open().await;
    let dangerous = |rate: &str| {
        json!({"code": "RAC", "basis": "FLAT", "rate": rate, "currency": "USD", "per": "SHIPMENT", "origin": "*",
               "destination": "*", "handling_codes": ["RFL", "RCL"], "valid_from": "2026-01-01"})
    };
    let rule = market.admin.post("/api/v1/surcharges", dangerous("120")).await.expect(201);
    let booking = market.paid().await;
    // What the change does not concern stays as it was quoted.
    let tariff = format!("/api/v1/tariffs/{}", text(&market.tariff, "id"));
    market.admin.patch(&tariff, json!({"normal": "20"})).await.expect(200);
    let fuel = json!({"code": "MYC", "basis": "FLAT", "rate": "50", "currency": "USD", "per": "SHIPMENT", "origin": "*",
                      "destination": "*", "valid_from": "2026-01-01"});
    market.admin.post("/api/v1/surcharges", fuel).await.expect(201);
    let path = path_of(&booking);
    let having =
        async |codes: &[&str]| market.customer.patch(&path, json!({"special_handling_codes": codes})).await.expect(200);
    let dear = having(&["RCL"]).await;
    assert_eq!((&dear["price"]["surcharges"], &dear["price"]["total"]), (&usd("120.00"), &usd("1020.00")));
    assert_eq!((&dear["balance_due"], text(&dear, "payment_status")), (&usd("120.00"), "PENDING"));
    assert_eq!(having(&["COL", "RCL"]).await["price"]["total"], usd("1020.00"));
    // It is one of the quote's own rules from now on.
    market.admin.delete(&format!("/api/v1/surcharges/{}", text(&rule, "id"))).await.expect(200);
    let more = json!({"weight_kg": 150, "special_handling_codes": ["COL", "RFL"]});
    let more = market.customer.patch(&path, more).await.expect(200);
    assert_eq!(more["price"]["total"], usd("1470.00"));
    assert_eq!(having(&["COL"]).await["price"]["total"], usd("1350.00"));
    market.world.audit_and_rebuild().await;
}

#[tokio::test]
async fn a_tariff_of_a_handling_code_applies_once_the_freight_has_it() {
    let market = Market::open().await;
    let perishables =
        with(loadmaster_testkit::billing::tariff(), json!({"code": "PER", "handling_code": "PER", "normal": "12"}));
    market.admin.post(loadmaster_testkit::pricing::TARIFFS, perishables).await.expect(201);
    let booking = market.paid().await;
    let path = path_of(&booking);
    let dear = market.customer.patch(&path, json!({"special_handling_codes": ["PER"]})).await.expect(200);
    assert_eq!((&dear["price"]["total"], &dear["balance_due"]), (&usd("1200.00"), &usd("300.00")));
    let plain = market.customer.patch(&path, json!({"special_handling_codes": []})).await.expect(200);
    assert_eq!((&plain["price"]["total"], &plain["balance_due"]), (&usd("900.00"), &usd("0.00")));
    market.world.audit_and_rebuild().await;
}

#[tokio::test]
async fn a_change_to_freight_without_a_rate_in_its_currency_is_refused() {
    let market = Market::open().await;
    let euros =
        with(loadmaster_testkit::billing::tariff(), json!({"code": "PER", "handling_code": "PER", "currency": "EUR"}));
    market.admin.post(loadmaster_testkit::pricing::TARIFFS, euros).await.expect(201);
    let booking = market.paid().await;
    let path = path_of(&booking);
    let refused = market.customer.patch(&path, json!({"special_handling_codes": ["PER"]})).await;
    refused.expect_problem(409, "no_rate");
    assert_eq!(market.customer.booked(&booking).await["special_handling_codes"], json!([]));
    market.audit().await;
}

#[tokio::test]
async fn nothing_due_cannot_be_paid() {
    let market = Market::open().await;
    let booking = market.paid().await;
    let path = format!("{}/payments", path_of(&booking));
    let refused = market.customer.post(&path, json!({"payment_token": "tok_ok"})).await;
    assert_eq!(text(&refused.expect_problem(409, "payment_not_possible"), "reason"), "nothing_due");
    let faults = market.customer.post(&path, json!({})).await.expect_faults();
    assert_eq!(faults, [("/payment_token".to_owned(), "required".to_owned())]);
    market.world.customer().await.post(&path, json!({"payment_token": "tok_ok"})).await.expect(404);
    market.audit().await;
}

#[tokio::test]
async fn a_declined_payment_of_a_booking_is_402_and_can_be_repeated() {
    let market = Market::open().await;
    let hold = market.hold().await;
    let booking = market.customer.commit(&hold, json!({})).await;
    let path = format!("{}/payments", path_of(&booking));
    let declined = market.customer.post(&path, json!({"payment_token": "tok_declined"})).await;
    declined.expect_problem(402, "payment_declined");
    assert_eq!(text(&market.customer.booked(&booking).await, "payment_status"), "FAILED");
    market.customer.post(&path, json!({"payment_token": "tok_ok"})).await.expect(201);
    assert_eq!(text(&market.customer.settled(&booking).await, "payment_status"), "COMPLETED");
    market.audit().await;
}
