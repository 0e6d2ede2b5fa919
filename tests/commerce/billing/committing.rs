use futures_util::future::join_all;
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Answer, Client, NewFlight, WorldOptions,
    billing::{Market, order_for, usd},
    freight::{BOOKINGS, path_of, text, with},
    holds::{HOLDS, at},
    import::table,
    reference::set_door,
    until,
};
use serde_json::{Value, json};

async fn commit(caller: &Client, hold: &Value, token: &str) -> Answer {
    caller.post(&format!("{}/commit", at(hold)), json!({"payment_token": token})).await
}

#[tokio::test]
async fn a_commit_with_a_token_authorizes_books_and_captures() {
    let market = Market::open().await;
    let hold = market.hold().await;
    let booking = commit(&market.customer, &hold, "tok_ok").await.expect(201);
    assert_eq!(booking["hold_id"], hold["id"]);
    let paid = market.customer.booked(&booking).await;
    assert_eq!(text(&paid, "payment_status"), "COMPLETED", "it is captured before the answer");
    assert_eq!((&paid["paid"], &paid["balance_due"]), (&usd("900.00"), &usd("0.00")));
    let expected = ["AUTHORIZE", "CAPTURE"].map(|kind| (kind.to_owned(), "900.00".to_owned(), "SUCCEEDED".to_owned()));
    assert_eq!(market.journal().await, expected);
    let payments = market.customer.get(&format!("{}/payments", path_of(&booking))).await.expect(200);
    assert_eq!(payments.as_array().unwrap().len(), 1);
    assert_eq!((text(&payments[0], "status"), &payments[0]["captured"]), ("CAPTURED", &usd("900.00")));
    market.world.customer().await.get(&format!("/api/v1/payments/{}", text(&payments[0], "id"))).await.expect(404);
    market.audit().await;
}

#[tokio::test]
async fn a_declined_payment_leaves_the_hold_for_another_try() {
    let market = Market::open().await;
    let hold = market.hold().await;
    let declined = commit(&market.customer, &hold, "tok_declined").await.expect_problem(402, "payment_declined");
    assert_eq!(declined["hold_id"], hold["id"]);
    assert!(declined["decline_code"].is_string() && declined["payment_id"].is_string());
    let now = market.customer.held(&hold).await;
    assert_eq!((text(&now, "status"), text(&now["payment"], "status")), ("ACTIVE", "FAILED"));
    commit(&market.customer, &hold, "tok_visa").await.expect(201);
    assert_eq!(market.succeeded("CAPTURE").await, 1);
    market.audit().await;
}

#[tokio::test]
async fn after_a_decline_there_are_two_minutes_and_five_attempts_in_all() {
    let market = Market::open().await;
    let hold = market.customer.hold(with(market.wanted(), json!({"ttl_seconds": 10}))).await;
    for _ in 0..5 {
        commit(&market.customer, &hold, "tok_declined").await.expect_problem(402, "payment_declined");
    }
    market.world.clock.advance(chrono::TimeDelta::seconds(110));
    assert_eq!(text(&market.customer.held(&hold).await, "status"), "ACTIVE");
    let refused = commit(&market.customer, &hold, "tok_ok").await.expect_problem(409, "hold_limit_exceeded");
    assert_eq!((text(&refused, "limit"), &refused["maximum"]), ("attempts", &json!(5)));
    market.audit().await;
}

#[tokio::test]
async fn fifty_commits_of_a_hold_make_one_booking_and_one_charge() {
    let market = Market::open().await;
    let hold = market.hold().await;
    let answers = join_all((0..50).map(|_| commit(&market.customer, &hold, "tok_ok"))).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(made, 1);
    assert!(answers.iter().all(|answer| matches!(answer.status.as_u16(), 201 | 409 | 503)));
    assert_eq!((market.succeeded("AUTHORIZE").await, market.succeeded("CAPTURE").await), (1, 1));
    market.audit().await;
}

#[tokio::test]
async fn the_same_key_joins_a_commit_and_another_one_does_not() {
    let market = Market::with(WorldOptions::default().set("payments.wait_ms", "300")).await;
    let hold = market.hold().await;
    let path = format!("{}/commit", at(&hold));
    let with_key = |key: &'static str| {
        let request = market.customer.request(reqwest::Method::POST, &path).header("idempotency-key", key);
        Answer::of(request.json(&json!({"payment_token": "tok_confirm"})))
    };
    let waiting = with_key("one").await.expect(202);
    assert_eq!((text(&waiting, "status"), text(&waiting["payment"], "status")), ("COMMITTING", "REQUIRES_ACTION"));
    assert!(waiting["payment"]["action"]["url"].is_string());
    assert_eq!(with_key("one").await.expect(202)["payment"]["id"], waiting["payment"]["id"]);
    with_key("two").await.expect_problem(409, "payment_in_progress");
    market.customer.patch(&at(&hold), json!({"weight_kg": 90})).await.expect_problem(409, "payment_in_progress");
    market.customer.delete(&at(&hold)).await.expect_problem(409, "payment_in_progress");

    let reference = text(&waiting["payment"], "provider_reference");
    market.customer.poke(&format!("/api/v1/test-payments/{reference}/confirm")).await;
    until("it is booked", async || text(&market.customer.held(&hold).await, "status") == "COMMITTED").await;
    let booking = with_key("one").await.expect(201);
    let again = with_key("one").await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.expect(201)["ref_id"], booking["ref_id"]);
    assert_eq!(market.succeeded("CAPTURE").await, 1);
    market.audit().await;
}

#[tokio::test]
async fn an_aircraft_that_does_not_take_what_is_being_paid_for_is_refused() {
    let market = Market::with(WorldOptions::default().set("payments.wait_ms", "300")).await;
    let (admin, customer) = (&market.admin, &market.customer);
    set_door(admin, "320", 120).await;
    let flight = NewFlight::new("AI103", "DEL", "LHR").leaves_in_hours(100).weight(10_000.0).aircraft("77W");
    let flight = market.world.flight(flight).await;
    let path = format!("/api/v1/flights/{}", text(&flight, "id"));
    let high = json!([{"pieces": 1, "length_cm": 100, "width_cm": 80, "height_cm": 150}]);
    let wanted = json!({"flight_ids": [text(&flight, "id")], "weight_kg": 100, "dimensions": high});
    let hold = customer.hold(wanted).await;
    let waiting = commit(customer, &hold, "tok_confirm").await.expect(202);
    let small = async || {
        let refused = admin.patch(&path, json!({"aircraft_code": "320"})).await;
        refused.expect_problem(409, "piece_too_large")["ref_ids"].clone()
    };
    assert_eq!(small().await, json!([]), "a hold has no reference");
    let (departs, lands) = (text(&flight, "departure_datetime"), text(&flight, "arrival_datetime"));
    let rows = table(&[&format!("AI103,DEL,LHR,{departs},{lands},320,10000,1000,10,60")]);
    let faults = admin.post_raw("/api/v1/flights/import", "text/csv", rows).await.expect_faults();
    assert_eq!(faults, [("/aircraft_code".to_owned(), "too_small".to_owned())]);

    let reference = text(&waiting["payment"], "provider_reference");
    customer.poke(&format!("/api/v1/test-payments/{reference}/confirm")).await;
    until("it is booked", async || text(&customer.held(&hold).await, "status") == "COMMITTED").await;
    assert_eq!(small().await, json!([customer.held(&hold).await["booking_ref"]]));
    let accepted =
        "select coalesce(data ->> 'accept_oversize', 'false') from booking_events where event_type = 'BOOKED'";
    assert_eq!(market.world.texts(accepted).await, ["false"]);
    market.audit().await;
}

#[tokio::test]
async fn a_provider_that_decides_late_is_waited_for() {
    let market = Market::open().await;
    let hold = market.hold().await;
    // It succeeds by its webhook after two seconds.
    let clock = async {
        until("it is booked", async || {
            market.world.clock.advance(chrono::TimeDelta::seconds(1));
            text(&market.customer.held(&hold).await, "status") == "COMMITTED"
        })
        .await;
    };
    let (booking, ()) = tokio::join!(commit(&market.customer, &hold, "tok_slow"), clock);
    let booking = booking.expect(201);
    assert_eq!(text(&market.customer.settled(&booking).await, "payment_status"), "COMPLETED");
    market.audit().await;
}

#[tokio::test]
async fn a_commit_is_answered_whose_payment_another_process_settles() {
    let market = Market::open().await;
    let hold = market.hold().await;
    let here = WorldOptions::default().set("payments.provider", "test").on(&market.world.database);
    let here = here.with_workers().start().await;
    here.clock.set(market.world.now());
    let customer = here.anonymous().with_token(&here.token(Role::Customer, market.ids[2], market.ids[3]));
    // By the clock of this process, which stands, it is never due.
    let there = async {
        let asked = "select provider_reference from payments where provider_reference is not null";
        until("the provider is asked", async || !market.world.texts(asked).await.is_empty()).await;
        market.world.clock.advance(chrono::TimeDelta::seconds(3));
    };
    let (booking, ()) = tokio::join!(commit(&customer, &hold, "tok_slow"), there);
    let booking = booking.expect(201);
    assert_eq!(booking["hold_id"], hold["id"]);
    assert_eq!(text(&market.customer.settled(&booking).await, "payment_status"), "COMPLETED");
    assert_eq!(market.succeeded("CAPTURE").await, 1);
    market.audit().await;
}

#[tokio::test]
async fn a_guest_pays_at_once() {
    let market = Market::open().await;
    let guest = market.world.caller(Role::Guest).await;
    let hold = guest.hold(market.wanted()).await;
    let path = format!("{}/commit", at(&hold));
    let lacking = guest.post(&path, json!({})).await.expect_problem(409, "hold_incomplete");
    assert_eq!(lacking["missing"], json!(["/contact/email", "/payment_token"]));
    let contact = json!({"contact": {"email": "guest@example.com"}, "payment_token": "tok_ok"});
    let booking = guest.post(&path, contact).await.expect(201);
    assert!(booking["claim"]["token"].is_string());
    let paid = guest.settled(&booking).await;
    assert_eq!(text(&paid, "payment_status"), "COMPLETED");

    // A claim takes the payments along.
    let claim = json!({"claim_token": booking["claim"]["token"]});
    market.customer.post("/api/v1/bookings/claim", claim).await.expect(200);
    let payments = market.customer.get(&format!("{}/payments", path_of(&booking))).await.expect(200);
    assert_eq!(payments.as_array().unwrap().len(), 1);
    market.customer.get(&format!("/api/v1/payments/{}", text(&payments[0], "id"))).await.expect(200);
    market.audit().await;
}

#[tokio::test]
async fn a_booking_by_a_quote_can_be_paid_at_once() {
    let market = Market::open().await;
    let quote = market.quote(&market.customer).await;
    let order = |token: &str| order_for(&market.flight, json!({"quote_id": quote["id"], "payment_token": token}));
    let declined = market.customer.post(BOOKINGS, order("tok_declined")).await.expect_problem(402, "payment_declined");
    let hold = market.customer.get(&format!("{HOLDS}/{}", text(&declined, "hold_id"))).await.expect(200);
    assert_eq!(text(&hold, "status"), "ACTIVE");
    let first = commit(&market.customer, &hold, "tok_ok").await.expect(201);
    let second = market.customer.post(BOOKINGS, order("tok_ok")).await.expect(201);
    for booking in [&first, &second] {
        assert_eq!(text(&market.customer.settled(booking).await, "payment_status"), "COMPLETED");
    }
    assert_eq!(market.succeeded("CAPTURE").await, 2);
    market.audit().await;
}

#[tokio::test]
async fn an_expected_total_that_is_another_one_books_nothing() {
    let market = Market::open().await;
    let hold = market.hold().await;
    let path = format!("{}/commit", at(&hold));
    for expected in [usd("899.99"), json!({"amount": "900.00", "currency": "EUR"})] {
        let body = json!({"payment_token": "tok_ok", "expected_total": expected});
        market.customer.post(&path, body).await.expect_problem(409, "price_changed");
    }
    let faults = market.customer.post(&path, json!({"expected_total": usd("1.001")})).await.expect_faults();
    assert_eq!(faults, [("/expected_total/amount".to_owned(), "too_precise".to_owned())]);
    let both = json!({"payment_token": "tok_ok", "payment_method": "ACCOUNT"});
    let faults = market.customer.post(&path, both).await.expect_faults();
    assert_eq!(faults, [("/payment_method".to_owned(), "invalid_format".to_owned())]);
    let right = json!({"payment_token": "tok_ok", "expected_total": usd("900.00")});
    market.customer.post(&path, right).await.expect(201);
    market.audit().await;
}

#[tokio::test]
async fn without_a_provider_payment_by_token_is_refused() {
    let market = Market::with(WorldOptions::default().set("payments.provider", "none")).await;
    let hold = market.hold().await;
    let refused = commit(&market.customer, &hold, "tok_ok").await.expect_problem(409, "payment_not_possible");
    assert_eq!(text(&refused, "reason"), "no_provider");
    let booking = market.customer.commit(&hold, json!({})).await;
    assert_eq!(text(&booking, "payment_status"), "PENDING");
    market.audit().await;
}

#[tokio::test]
async fn an_air_waybill_is_taken_only_by_what_is_booked() {
    let market = Market::open().await;
    let numbered = with(market.wanted(), json!({"awb_number": "098-12345675"}));
    let (first, second) = (market.customer.hold(numbered.clone()).await, market.customer.hold(numbered).await);
    commit(&market.customer, &first, "tok_declined").await.expect_problem(402, "payment_declined");
    commit(&market.customer, &second, "tok_ok").await.expect(201);
    commit(&market.customer, &first, "tok_ok").await.expect_problem(409, "already_exists");
    assert_eq!(market.succeeded("AUTHORIZE").await, 1);
    market.audit().await;
}

#[tokio::test]
async fn a_charge_never_sent_to_the_provider_is_no_attempt() {
    let away = WorldOptions::default().set("payments.provider", "http").set("payments.http_url", "http://127.0.0.1:9");
    let market = Market::with(away.set("payments.http_secret", "sk_of_the_tests")).await;
    let hold = market.hold().await;
    for _ in 0..6 {
        let refused = commit(&market.customer, &hold, "pm_card_visa").await.expect_problem(503, "unavailable");
        assert_eq!(refused["hold_id"], hold["id"]);
    }
    assert_eq!(text(&market.customer.held(&hold).await, "status"), "ACTIVE");
    market.audit().await;
}
