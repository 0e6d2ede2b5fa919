use loadmaster_testkit::{
    billing::{Market, order_for, tariff, usd},
    freight::{BOOKINGS, at_once, text, with},
    holds::{HOLDS, at},
    pricing::{QUOTES, TARIFFS},
    until,
};
use serde_json::json;

#[tokio::test]
async fn a_hold_is_priced_at_once_and_keeps_its_price_when_the_tariff_changes() {
    let market = Market::open().await;
    let hold = market.hold().await;
    assert_eq!(hold["quote"]["total"], usd("900.00"));
    let path = format!("{TARIFFS}/{}", text(&market.tariff, "id"));
    market.admin.patch(&path, json!({"normal": "20"})).await.expect(200);
    assert_eq!(market.customer.held(&hold).await["quote"]["total"], usd("900.00"));

    // Freight is rated by the quote's own rules, the rest by today's.
    let amended = market.customer.patch(&at(&hold), json!({"weight_kg": 200})).await.expect(200);
    assert_eq!(amended["quote"]["total"], usd("1800.00"));
    let other = market.customer.patch(&at(&hold), json!({"product": "EXPRESS"})).await.expect(200);
    assert_eq!(other["quote"]["total"], usd("4000.00"));
    let booking = market.customer.commit(&hold, json!({})).await;
    assert_eq!((&booking["price"]["total"], &booking["balance_due"]), (&usd("4000.00"), &usd("4000.00")));
    assert_eq!(text(&booking, "payment_status"), "PENDING");
    market.audit().await;
}

#[tokio::test]
async fn without_a_rate_a_hold_has_no_quote_and_its_booking_no_price() {
    let market = Market::open().await;
    market.admin.delete(&format!("{TARIFFS}/{}", text(&market.tariff, "id"))).await.expect(200);
    let hold = market.hold().await;
    assert_eq!(hold["quote"], json!(null));
    let booking = market.customer.commit(&hold, json!({"payment_token": "tok_ok"})).await;
    assert_eq!(booking["price"], json!(null));
    assert_eq!(text(&booking, "payment_status"), "NOT_REQUIRED");
    for member in ["paid", "refunded", "balance_due", "cancellation_fee"] {
        assert_eq!(booking[member], json!(null), "{member}");
    }
    assert_eq!(market.journal().await, []);
    market.audit().await;
}

#[tokio::test]
async fn a_quote_is_for_its_flights_its_freight_and_its_time() {
    let mut market = Market::open().await;
    let quote = market.quote(&market.customer).await;
    let with_quote = with(market.wanted(), json!({"quote_id": quote["id"]}));
    let heavier = with(with_quote.clone(), json!({"weight_kg": 101}));
    market.customer.post(HOLDS, heavier).await.expect_problem(409, "price_changed");
    let stranger = market.world.customer().await;
    let faults = stranger.post(HOLDS, with_quote.clone()).await.expect_faults();
    assert_eq!(faults, [("/quote_id".to_owned(), "unknown_value".to_owned())]);
    stranger.get(&format!("{QUOTES}/{}", text(&quote, "id"))).await.expect_problem(404, "not_found");
    let hold = market.customer.hold(with_quote.clone()).await;
    assert_eq!(hold["quote"]["id"], quote["id"]);

    market.wait_hours(2);
    market.customer.post(HOLDS, with_quote).await.expect_problem(409, "quote_expired");
    market.audit().await;
}

#[tokio::test]
async fn a_booking_by_a_quote_has_its_price_and_another_one_has_none() {
    let market = Market::open().await;
    let quote = market.quote(&market.customer).await;
    let priced = market.customer.book(order_for(&market.flight, json!({"quote_id": quote["id"]}))).await;
    assert_eq!((&priced["price"]["total"], &priced["price"]["quote_id"]), (&usd("900.00"), &quote["id"]));
    assert!(priced["hold_id"].is_string());
    let plain = market.customer.book(order_for(&market.flight, json!({}))).await;
    assert_eq!(plain["price"], json!(null));
    let other = order_for(&market.flight, json!({"quote_id": quote["id"], "expected_total": usd("899.00")}));
    let refused = market.customer.post(BOOKINGS, other).await.expect_problem(409, "price_changed");
    assert_eq!(refused["total"], usd("900.00"));
    market.audit().await;
}

#[tokio::test]
async fn where_quotes_are_required_nothing_is_booked_without_one() {
    let options = loadmaster_testkit::WorldOptions::default().set("pricing.required", "true");
    let market = Market::with(options).await;
    market.customer.post(BOOKINGS, order_for(&market.flight, json!({}))).await.expect_problem(409, "quote_required");
    let hold = market.hold().await;
    market.customer.commit(&hold, json!({})).await;
    market.admin.delete(&format!("{TARIFFS}/{}", text(&market.tariff, "id"))).await.expect(200);
    let unpriced = market.hold().await;
    let path = format!("{}/commit", at(&unpriced));
    market.customer.post(&path, json!({})).await.expect_problem(409, "quote_required");
    market.audit().await;
}

#[tokio::test]
async fn fifty_holds_want_a_sale_that_may_be_used_five_times_and_five_get_it() {
    let market = Market::open().await;
    let sale = json!({
        "code": "SPRING", "percent": "10", "sale_from": "2020-01-01", "sale_to": "2099-12-31", "origin": "*",
        "destination": "*", "valid_from": "2020-01-01", "max_uses": 5,
    });
    market.admin.post("/api/v1/sales", sale).await.expect(201);
    let wanted = with(market.wanted(), json!({"discount_code": "SPRING"}));
    let answers = at_once((0..50).map(|_| market.customer.sending(HOLDS, wanted.clone()))).await;
    let (made, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 201);
    assert_eq!(made.len(), 5);
    for answer in refused {
        let problem = answer.expect_problem(409, "discount_not_applicable");
        assert_eq!(text(&problem, "reason"), "used_up");
    }
    let holds: Vec<_> = made.into_iter().map(|answer| answer.expect(201)).collect();
    assert!(holds.iter().all(|hold| hold["quote"]["total"] == usd("810.00")));
    market.audit().await;

    // A hold that ends unbooked returns its use; a booking keeps it.
    market.customer.commit(&holds[0], json!({})).await;
    market.customer.delete(&at(&holds[1])).await.expect(200);
    until("a use is left", async || {
        let answer = market.customer.post(HOLDS, wanted.clone()).await;
        answer.status == 201
    })
    .await;
    market.customer.post(HOLDS, wanted).await.expect_problem(409, "discount_not_applicable");
    market.audit().await;
}

#[tokio::test]
async fn an_offer_of_the_waitlist_has_a_price() {
    let market = Market::open().await;
    let express = with(tariff(), json!({"code": "DELLHR2", "product": "EXPRESS", "normal": "12"}));
    market.admin.post(TARIFFS, express).await.expect(201);
    let full = with(market.wanted(), json!({"weight_kg": 10_000}));
    let all = market.customer.hold(full).await;
    let wish = json!({"flight_ids": [text(&market.flight, "id")], "weight_kg": 100});
    let entry = market.customer.post("/api/v1/waitlist", wish).await.expect(201);
    market.customer.delete(&at(&all)).await.expect(200);
    let path = format!("/api/v1/waitlist/{}", text(&entry, "id"));
    let mut offered = json!(null);
    until("it is offered", async || {
        offered = market.customer.get(&path).await.expect(200);
        text(&offered, "status") == "OFFERED"
    })
    .await;
    let hold = market.customer.get(&format!("{HOLDS}/{}", text(&offered["offer"], "id"))).await.expect(200);
    assert_eq!(hold["quote"]["total"], usd("900.00"));
    let paid = json!({"pieces": 1, "payment_token": "tok_ok"});
    let booking = market.customer.post(&format!("{path}/book"), paid).await.expect(201);
    assert_eq!(text(&market.customer.settled(&booking).await, "payment_status"), "COMPLETED");
    market.audit().await;
}

#[tokio::test]
async fn a_code_is_judged_also_where_nothing_is_rated() {
    let market = Market::open().await;
    market.admin.delete(&format!("{TARIFFS}/{}", text(&market.tariff, "id"))).await.expect(200);
    let sale = json!({
        "code": "SPRING", "percent": "10", "sale_from": "2020-01-01", "sale_to": "2099-12-31", "origin": "*",
        "destination": "*", "valid_from": "2020-01-01",
    });
    market.admin.post("/api/v1/sales", sale).await.expect(201);
    let hold =
        async |code: &str| market.customer.post(HOLDS, with(market.wanted(), json!({"discount_code": code}))).await;
    let refused = hold("NOPE").await.expect_problem(409, "discount_not_applicable");
    assert_eq!(text(&refused, "reason"), "unknown");
    hold("SPRING").await.expect_problem(409, "no_rate");
}

#[tokio::test]
async fn quotes_of_holds_are_counted() {
    let market = Market::open().await;
    let count = async || -> u64 {
        let metrics = market.world.anonymous().get("/metrics").await.text;
        let own = metrics.lines().find_map(|line| line.strip_prefix("loadmaster_quotes_total "));
        own.map_or(0, |count| count.parse().unwrap())
    };
    let before = count().await;
    market.hold().await;
    assert!(count().await > before);
}
