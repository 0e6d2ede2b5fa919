//! The link of the letter: what whoever has the claim of a guest's booking may do with it, without an account.
use chrono::TimeDelta;
use loadmaster_testkit::{
    NewFlight, Watch, World, WorldOptions,
    billing::{Market, usd},
    claims::{claim_of, complete, guest},
    freight::{each, path_of, text, with},
    holds::{at, hold_on},
    letters::{directory, letter, letters, sent, writing},
    until,
};
use serde_json::{Value, json};
use sqlx::Executor;

use super::flight;

const OPEN: &str = "/api/v1/bookings/guest";
const CANCEL: &str = "/api/v1/bookings/guest/cancel";
const PAY: &str = "/api/v1/bookings/guest/payments";

#[tokio::test]
async fn the_claim_opens_the_booking_with_its_history_for_anybody_who_has_it() {
    let world = World::start().await;
    let flight = flight(&world).await;
    let guest = guest(&world).await;
    let hold = guest.hold(with(hold_on(&[&flight]), json!({ "description": "Mangoes" }))).await;
    let booking = guest.commit(&hold, complete()).await;
    let opened = world.anonymous().post(OPEN, claim_of(&booking)).await;
    assert_eq!((opened.header("etag"), opened.header("cache-control")), (Some("\"1\""), Some("no-store")));
    let opened = opened.expect(200);
    assert_eq!(
        (&opened["booking"]["ref_id"], &opened["booking"]["description"]),
        (&booking["ref_id"], &json!("Mangoes"))
    );
    assert_eq!(each(&opened["timeline"], "event_type"), ["BOOKED"]);
    assert_eq!((&opened["payments"], &opened["cancellation"]["fee"]), (&json!([]), &Value::Null));
    assert_eq!(opened["claim_expires_at"], booking["claim"]["expires_at"]);
    world.customer().await.post(OPEN, claim_of(&booking)).await.expect(200);
}

#[tokio::test]
async fn a_claim_opens_and_changes_its_own_booking_alone() {
    let world = World::start().await;
    let flight = flight(&world).await;
    // The bookings of a widget's key belong to one guest, but to several people.
    let admin = world.admin().await;
    let key = admin.post("/api/v1/api-keys", json!({ "name": "widget", "role": "guest" })).await.expect(201);
    let widget = world.anonymous().with_token(text(&key, "key"));
    let (mine, other) = (widget.book_by_hold(&flight).await, widget.book_by_hold(&flight).await);
    let anyone = world.anonymous();
    let opened = anyone.post(OPEN, claim_of(&mine)).await.expect(200);
    assert!(!opened.to_string().contains(text(&other, "ref_id")), "{opened}");
    anyone.post(CANCEL, claim_of(&mine)).await.expect(200);
    assert_eq!(widget.get(&path_of(&other)).await.expect(200)["status"], "BOOKED");
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn what_is_forged_expired_or_claimed_opens_and_changes_nothing() {
    let world = World::start().await;
    let flight = flight(&world).await;
    let (gus, anyone) = (guest(&world).await, world.anonymous());
    let (claimed, old) = (gus.book_by_hold(&flight).await, gus.book_by_hold(&flight).await);
    let customer = world.customer().await;
    customer.claim(&claimed).await.expect(200);
    let refused = async |claim: Value| {
        anyone.post(OPEN, claim.clone()).await.expect_problem(400, "invalid_token");
        anyone.post(CANCEL, claim.clone()).await.expect_problem(400, "invalid_token");
        let pays = with(claim, json!({ "payment_token": "tok_ok" }));
        anyone.post(PAY, pays).await.expect_problem(400, "invalid_token");
    };
    refused(claim_of(&claimed)).await;
    let token = text(&old["claim"], "token");
    for forged in ["forged".to_owned(), token[1..].to_owned(), format!("{token}A")] {
        refused(json!({ "claim_token": forged })).await;
    }
    world.clock.advance(TimeDelta::days(30));
    refused(claim_of(&old)).await;
    for (path, more) in [(OPEN, json!({})), (CANCEL, json!({})), (PAY, json!({ "payment_token": "tok_ok" }))] {
        let faults = world.anonymous().post(path, more).await.expect_faults();
        assert_eq!(faults, [("/claim_token".to_owned(), "required".to_owned())], "{path}");
    }
    assert_eq!(world.operator().await.get(&path_of(&old)).await.expect(200)["status"], "BOOKED");
    world.audit().await;
}

#[tokio::test]
async fn a_booking_is_cancelled_by_its_claim_once_at_the_version_that_was_shown() {
    let world = World::start().await;
    let flight = flight(&world).await;
    let (gus, anyone) = (guest(&world).await, world.anonymous());
    let booking = gus.book_by_hold(&flight).await;
    let stale = anyone.request(reqwest::Method::POST, CANCEL).header("if-match", "\"7\"").json(&claim_of(&booking));
    loadmaster_testkit::Answer::of(stale).await.expect_problem(412, "version_mismatch");
    let body = with(claim_of(&booking), json!({ "reason": "Not ready" }));
    let waived = with(claim_of(&booking), json!({ "waive_fee": true }));
    let faults = anyone.post(CANCEL, waived).await.expect_faults();
    assert_eq!(faults, [("/waive_fee".to_owned(), "unknown_field".to_owned())]);
    let first = anyone.post_under("once", CANCEL, &body).await;
    assert_eq!((first.status.as_u16(), &first.body["status"]), (200, &json!("CANCELLED")));
    let again = anyone.post_under("once", CANCEL, &body).await;
    assert_eq!((again.header("idempotency-replayed"), &again.text), (Some("true"), &first.text));
    anyone.post_under("once", CANCEL, &claim_of(&booking)).await.expect_problem(422, "idempotency_key_reused");
    let refused = anyone.post(CANCEL, body.clone()).await.expect_problem(409, "invalid_transition");
    assert_eq!(refused["allowed"], json!([]));
    assert_eq!(anyone.post(OPEN, claim_of(&booking)).await.expect(200)["booking"]["status"], "CANCELLED");
    // Whoever claims it meanwhile: the answer is not repeated to the link.
    world.customer().await.claim(&booking).await.expect(200);
    anyone.post_under("once", CANCEL, &body).await.expect_problem(400, "invalid_token");
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn what_has_departed_is_not_cancelled_by_its_claim() {
    let world = World::start().await;
    let flight = flight(&world).await;
    let booking = guest(&world).await.book_by_hold(&flight).await;
    world.operator().await.walk(&booking, &["depart"]).await;
    world.anonymous().post(CANCEL, claim_of(&booking)).await.expect_problem(409, "invalid_transition");
}

/// A market in which guests may pay later.
async fn on_invoice() -> Market {
    Market::with(WorldOptions::default().set("payments.guests_on_invoice", "true")).await
}

#[tokio::test]
async fn a_guest_books_on_invoice_where_the_carrier_allows_it_and_pays_by_the_link() {
    let market = on_invoice().await;
    let gus = guest(&market.world).await;
    let hold = gus.hold(market.wanted()).await;
    let account = with(complete(), json!({ "payment_method": "ACCOUNT" }));
    let commit = format!("{}/commit", at(&hold));
    gus.post(&commit, account).await.expect_problem(409, "hold_incomplete");
    let booking = gus.commit(&hold, complete()).await;
    assert_eq!((text(&booking, "payment_status"), &booking["balance_due"]), ("PENDING", &usd("900.00")));
    let anyone = market.world.anonymous();
    let with_token = |token: &str| with(claim_of(&booking), json!({ "payment_token": token }));
    let declined = anyone.post(PAY, with_token("tok_declined")).await.expect_problem(402, "payment_declined");
    assert!(declined["payment_id"].is_string());
    let paid = anyone.post_under("once", PAY, &with_token("tok_ok")).await;
    assert_eq!(paid.status, 201, "{}", paid.text);
    let again = anyone.post_under("once", PAY, &with_token("tok_ok")).await;
    assert_eq!((again.header("idempotency-replayed"), &again.text), (Some("true"), &paid.text));
    anyone.post(PAY, with_token("tok_ok")).await.expect_problem(409, "payment_not_possible");
    until("it is captured", async || {
        anyone.post(OPEN, claim_of(&booking)).await.expect(200)["booking"]["payment_status"] == "COMPLETED"
    })
    .await;
    let opened = anyone.post(OPEN, claim_of(&booking)).await.expect(200);
    assert_eq!(each(&opened["payments"], "status"), ["FAILED", "CAPTURED"]);
    assert_eq!(market.succeeded("CAPTURE").await, 1);
    let faults = anyone.post(PAY, claim_of(&booking)).await.expect_faults();
    assert_eq!(faults, [("/payment_token".to_owned(), "required".to_owned())]);
    let credit = with(claim_of(&booking), json!({ "payment_token": "tok_ok", "payment_method": "ACCOUNT" }));
    let faults = anyone.post(PAY, credit).await.expect_faults();
    assert_eq!(faults, [("/payment_method".to_owned(), "unknown_field".to_owned())]);
    market.audit().await;
}

#[tokio::test]
async fn a_payment_by_the_link_that_waits_for_its_payer_is_the_only_one() {
    let market = on_invoice().await;
    let gus = guest(&market.world).await;
    let hold = gus.hold(market.wanted()).await;
    let booking = gus.commit(&hold, complete()).await;
    let (anyone, with_token) =
        (market.world.anonymous(), |token: &str| with(claim_of(&booking), json!({ "payment_token": token })));
    let waiting = anyone.post(PAY, with_token("tok_confirm")).await;
    assert!(waiting.header("location").is_some_and(|path| path.starts_with("/api/v1/payments/")));
    assert_eq!(waiting.expect(202)["status"], "REQUIRES_ACTION");
    anyone.post(PAY, with_token("tok_ok")).await.expect_problem(409, "payment_in_progress");
    market.audit().await;
}

#[tokio::test]
async fn what_is_claimed_while_its_link_is_used_is_not_found_by_the_link() {
    let options = WorldOptions::patient().without_redis();
    let market = Market::with(options.set("payments.guests_on_invoice", "true")).await;
    let gus = guest(&market.world).await;
    let hold = gus.hold(market.wanted()).await;
    let booking = gus.commit(&hold, complete()).await;
    let mut owner = market.world.database.owner().await;
    let mut watch = Watch::over(&market.world.database).await;
    owner.execute("begin; select from bookings for update").await.unwrap();
    let claiming = tokio::spawn({
        let (customer, claim) = (market.customer.clone(), claim_of(&booking));
        async move { customer.post("/api/v1/bookings/claim", claim).await }
    });
    watch.until_waiting(1).await;
    let mut late = Vec::new();
    for (path, body) in
        [(CANCEL, claim_of(&booking)), (PAY, with(claim_of(&booking), json!({ "payment_token": "tok_ok" })))]
    {
        let anyone = market.world.anonymous();
        late.push(tokio::spawn(async move { anyone.post(path, body).await }));
        watch.until_waiting(1 + i64::try_from(late.len()).unwrap()).await;
    }
    owner.execute("rollback").await.unwrap();
    claiming.await.unwrap().expect(200);
    for late in late {
        late.await.unwrap().expect_problem(404, "not_found");
    }
    assert_eq!(market.customer.get(&path_of(&booking)).await.expect(200)["status"], "BOOKED");
    market.audit().await;
}

/// What cancelling costs unless the settings say otherwise.
fn fees() -> Value {
    let fee = |hours: u32, percent: u8| json!({ "hours": hours, "percent": percent });
    json!({ "cancellation_fees": [fee(48, 0), fee(12, 25), fee(0, 50)] })
}

#[tokio::test]
async fn a_provider_with_fields_of_its_own_is_shown_with_its_script_and_public_key() {
    let options = WorldOptions::default()
        .set("payments.provider", "http")
        .set("payments.http_url", "http://127.0.0.1:9")
        .set("payments.http_secret", "sk_of_the_tests")
        .set("payments.publishable_key", "pk_of_the_tests")
        .set("payments.script_url", "https://js.provider.example/v3/");
    let info = options.start().await.anonymous().get("/api/v1/info").await.expect(200);
    let fields = json!({ "publishable_key": "pk_of_the_tests", "script_url": "https://js.provider.example/v3/" });
    let payments = json!({ "provider": "http", "fields": fields, "guests_on_invoice": false });
    assert_eq!(info["payments"], with(payments, fees()));
}

#[tokio::test]
async fn a_guest_may_not_book_on_invoice_elsewhere() {
    let market = Market::open().await;
    let info = market.world.anonymous().get("/api/v1/info").await.expect(200);
    let payments = json!({ "provider": "test", "fields": null, "guests_on_invoice": false });
    assert_eq!(info["payments"], with(payments, fees()));
    let gus = guest(&market.world).await;
    let hold = gus.hold(market.wanted()).await;
    let refused = gus.post(&format!("{}/commit", at(&hold)), complete()).await.expect_problem(409, "hold_incomplete");
    assert_eq!(refused["missing"], json!(["/payment_token"]));
}

#[tokio::test]
async fn the_letter_to_a_guest_has_a_link_that_opens_the_booking() {
    let files = directory();
    let world = writing(files.path()).await;
    let flight = flight(&world).await;
    let booking = guest(&world).await.book_by_hold(&flight).await;
    let letter = letter(&world, "guest_booking", "gus@example.com").await;
    let body = text(&letter, "text");
    let token = text(&booking["claim"], "token");
    assert!(body.contains(&format!("/guest#{token}\n")), "{body}");
    assert!(body.contains(text(&booking, "ref_id")) && body.contains("AI101"), "{body}");
    world.anonymous().post(OPEN, json!({ "claim_token": token })).await.expect(200);
    let rows =
        world.texts("select concat_ws(' ', receiver, data::text) from notifications where type = 'guest_booking'");
    let rows = rows.await.join("\n");
    assert!(!rows.contains("gus@example.com") && !rows.contains(token), "{rows}");
}

#[tokio::test]
async fn a_guests_letter_is_not_sent_for_a_booking_that_was_claimed_or_cancelled() {
    let files = directory();
    let world = World::start().await;
    let flight = flight(&world).await;
    let gus = guest(&world).await;
    let [claimed, cancelled] = [gus.book_by_hold(&flight).await, gus.book_by_hold(&flight).await];
    world.customer().await.claim(&claimed).await.expect(200);
    gus.poke(&format!("{}/cancel", path_of(&cancelled))).await.expect(200);
    let options = WorldOptions::working().set("mail.transport", "mailbox");
    let options = options.set("embedded.data_dir", files.path().to_str().unwrap());
    let working = options.on(&world.database).start().await;
    sent(&working).await;
    let of_guests = "select reason from notifications where type = 'guest_booking'";
    assert_eq!(working.texts(of_guests).await, ["booking_cancelled"], "a claimed booking names no address any more");
    let kinds = letters(&working).await;
    assert!(kinds.iter().all(|letter| text(letter, "type") != "guest_booking"), "{kinds:?}");
}

#[tokio::test]
async fn an_address_gets_ten_letters_about_bookings_of_guests_in_a_day() {
    let files = directory();
    let world = writing(files.path()).await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(100_000.0)).await;
    let gus = guest(&world).await;
    for _ in 0..11 {
        gus.book_by_hold(&flight).await;
    }
    sent(&world).await;
    let suppressed = "select reason from notifications where type = 'guest_booking' and status = 'SUPPRESSED'";
    assert_eq!(world.texts(suppressed).await, ["letters_used_up"]);
    let letters = letters(&world).await;
    assert_eq!(letters.iter().filter(|letter| text(letter, "type") == "guest_booking").count(), 10);
    // What was not sent does not count: as soon as one of the ten is a day old, another one is sent.
    let oldest = "select id from notifications where type = 'guest_booking' and status = 'SENT' order by id limit 1";
    world
        .sql(&format!("update notifications set created_at = created_at - interval '1 day' where id = ({oldest})"))
        .await;
    gus.book_by_hold(&flight).await;
    sent(&world).await;
    assert_eq!(world.texts(suppressed).await, ["letters_used_up"]);
}

#[tokio::test]
async fn without_the_console_no_letter_with_a_link_to_its_page_is_written() {
    let world = WorldOptions::working().set("console.enabled", "false").start().await;
    let flight = flight(&world).await;
    guest(&world).await.book_by_hold(&flight).await;
    sent(&world).await;
    assert_eq!(world.texts("select id::text from notifications where type = 'guest_booking'").await, [""; 0]);
}

#[tokio::test]
async fn opening_counts_by_the_address_as_any_anonymous_call() {
    let options = WorldOptions::default().set("rate_limit.enabled", "true");
    let world = options.set("rate_limit.anonymous_per_minute", "3").start().await;
    for _ in 0..3 {
        world.anonymous().post(OPEN, json!({ "claim_token": "forged" })).await.expect_problem(400, "invalid_token");
    }
    world.anonymous().post(OPEN, json!({ "claim_token": "forged" })).await.expect_problem(429, "rate_limited");
}
