use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Answer, Brake, Client, NewFlight, World, WorldOptions,
    payments::{any_credit, audit_of_charges},
    redis_url,
    reference::set_door,
    until, until_blocked,
};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{Connection, Executor};

use crate::document::{examples, operations::assert_listed};

/// A problem that was met, and where.
#[derive(Debug)]
pub struct Provoked {
    pub method: &'static str,
    /// The path as the document writes it.
    pub template: &'static str,
    pub code: &'static str,
    pub body: Value,
}

/// Collects what was provoked.
#[derive(Debug, Default)]
struct Provocations(Vec<Provoked>);

impl Provocations {
    #[track_caller]
    fn met(&mut self, status: u16, code: &'static str, at: (&'static str, &'static str), answer: Answer) -> Value {
        let advice = matches!(code, "unavailable" | "booking_locked" | "idempotency_in_progress" | "rate_limited")
            .then(|| answer.header("retry-after").map(ToOwned::to_owned));
        assert!(advice.is_none_or(|seconds| seconds.is_some()), "{code} says when to come back");
        let body = answer.expect_problem(status, code);
        self.0.push(Provoked { method: at.0, template: at.1, code, body: body.clone() });
        body
    }
}

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/app/problems/examples.json");

const BOOKINGS: (&str, &str) = ("POST", "/api/v1/bookings");
const FLIGHTS: (&str, &str) = ("POST", "/api/v1/flights");
const LOGIN: (&str, &str) = ("POST", "/api/v1/auth/login");

/// Meets every problem of the catalogue through HTTP.
async fn provoke_all() -> Vec<Provoked> {
    // Who finds a booking locked is told so soon.
    let world = WorldOptions::default().set("server.max_body_bytes", "5000").set("locks.attempts", "5");
    let world = world.set("database.statement_timeout_ms", "60000").set("payments.provider", "test").start().await;
    let mut met = Provocations::default();
    requests_that_cannot_be_read(&world, &mut met).await;
    callers_that_may_not(&world, &mut met).await;
    bookings_that_cannot_be_made(&world, &mut met).await;
    prices_that_cannot_be_given(&world, &mut met).await;
    steps_that_cannot_be_taken(&world, &mut met).await;
    a_feed_that_runs(&world, &mut met).await;
    holds_that_cannot_be_made_or_booked(&world, &mut met).await;
    payments_that_are_not_believed_or_not_owed(&world, &mut met).await;
    bookings_that_cannot_be_paid(&world, &mut met).await;
    callers_that_do_not_wait(&world, &mut met).await;
    a_caller_that_asks_too_often(&world, &mut met).await;
    a_caller_that_keeps_a_stream(&world, &mut met).await;
    a_server_that_is_ill(&world, &mut met).await;
    met.0
}

#[tokio::test]
async fn every_code_of_the_catalogue_is_met_where_it_is_listed() {
    let problems = provoke_all().await;
    assert_listed(&problems);
    let mut met = BTreeMap::new();
    for problem in problems {
        met.entry(problem.code.to_owned()).or_insert_with(|| examples::plain(&problem.body));
    }
    let world = World::start().await;
    let catalogue = world.anonymous().get("/problems").await.expect(200);
    let entries = catalogue.as_array().unwrap();
    let codes: BTreeSet<_> = entries.iter().map(|entry| entry["code"].as_str().unwrap()).collect();
    assert!(met.keys().map(String::as_str).eq(codes), "all codes, and no others: {:?}", met.keys());

    let Some(written) = examples::written(EXAMPLES, &met) else { return };
    assert!(written.keys().eq(met.keys()), "the examples are of these codes");
    for entry in entries {
        let code = entry["code"].as_str().unwrap();
        assert_eq!(entry["problem"], written[code]);
        assert!(examples::is_like(&written[code], &met[code], false), "{code}: {} is not like its example", met[code]);
    }
}

#[test]
fn the_page_of_problems_is_what_the_code_says() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/problems.md")).unwrap();
    assert!(page == loadmaster::app::problems_page(), "docs/problems.md is stale; make it anew by `just problems`");
}

#[tokio::test]
async fn the_catalogue_states_status_and_remedy_of_each_code() {
    let world = World::start().await;
    let client = world.anonymous();
    let catalogue = client.get("/problems").await.expect(200);
    for entry in catalogue.as_array().unwrap() {
        let code = entry["code"].as_str().unwrap();
        assert_eq!(entry["type"], format!("/problems/{code}"));
        assert!((400..600).contains(&entry["status"].as_u64().unwrap()));
        assert!(entry["title"].as_str().is_some_and(|title| !title.is_empty()));
        assert!(entry["advice"].as_str().is_some_and(|advice| advice.ends_with('.')));
        assert_eq!(&client.get(&format!("/problems/{code}")).await.expect(200), entry);
    }
    for unknown in ["no_such_code", "NOT_FOUND", "not_found%00"] {
        client.get(&format!("/problems/{unknown}")).await.expect_problem(404, "not_found");
    }
}

async fn requests_that_cannot_be_read(world: &World, met: &mut Provocations) {
    let customer = world.customer().await;
    let send = |media_type: &'static str, body: String| customer.post_raw(BOOKINGS.1, media_type, body);
    met.met(400, "malformed_request", BOOKINGS, send("application/json", "{".to_owned()).await);
    met.met(413, "payload_too_large", BOOKINGS, send("application/json", " ".repeat(6000)).await);
    met.met(415, "unsupported_media_type", BOOKINGS, send("text/plain", "{}".to_owned()).await);
    let problem = met.met(400, "validation_failed", BOOKINGS, customer.post(BOOKINGS.1, json!({})).await);
    assert!(problem["errors"].as_array().is_some_and(|errors| errors.len() == 4), "{problem}");
    let at = ("GET", "/api/v1/bookings");
    met.met(400, "invalid_cursor", at, customer.get("/api/v1/bookings?cursor=x").await);
    let at = ("GET", "/api/v1/bookings/{ref_id}");
    met.met(404, "not_found", at, customer.get("/api/v1/bookings/ACB000000000").await);
    let put = Answer::of(customer.request(Method::PUT, BOOKINGS.1)).await;
    assert_eq!(put.header("allow"), Some("GET,HEAD,POST"));
    met.met(405, "method_not_allowed", ("PUT", BOOKINGS.1), put);
    let padded = Answer::of(customer.request(Method::GET, BOOKINGS.1).header("x-padding", "p".repeat(33 * 1024)));
    met.met(431, "headers_too_large", ("GET", BOOKINGS.1), padded.await);
    let graphql = ("POST", "/graphql");
    let ask = async |query: &str| customer.post(graphql.1, json!({ "query": query })).await;
    met.met(400, "graphql_invalid", graphql, ask("{ me { secret } }").await);
    let deep = "{ me ".repeat(10) + "{ id }" + &"}".repeat(10);
    met.met(400, "query_too_complex", graphql, ask(&deep).await);
}

/// Nothing carries its run out here.
async fn a_feed_that_runs(world: &World, met: &mut Provocations) {
    let admin = world.admin().await;
    let feed = json!({"name": "Flights", "kind": "FLIGHTS", "format": "CSV", "airline_codes": ["AI"]});
    let feed = admin.post("/api/v1/feeds", feed).await.expect(201);
    let runs = format!("/api/v1/feeds/{}/runs", feed["id"].as_str().unwrap());
    admin.post_raw(&runs, "text/csv", "flight_number\n").await.expect(202);
    let again = admin.post_raw(&runs, "text/csv", "flight_number\n").await;
    met.met(409, "feed_running", ("POST", "/api/v1/feeds/{id}/runs"), again);
}

async fn callers_that_may_not(world: &World, met: &mut Provocations) {
    let client = world.anonymous();
    met.met(401, "unauthenticated", BOOKINGS, client.post(BOOKINGS.1, json!({})).await);
    met.met(403, "forbidden", FLIGHTS, world.operator().await.post(FLIGHTS.1, json!({})).await);
    let account = json!({"email": "ann@forwarder.example", "password": "correct horse battery"});
    met.met(401, "invalid_credentials", LOGIN, client.post(LOGIN.1, account.clone()).await);
    client.post("/api/v1/auth/register", account.clone()).await.expect(201);
    let register = ("POST", "/api/v1/auth/register");
    met.met(409, "already_exists", register, client.post(register.1, account.clone()).await);
    let claim = ("POST", "/api/v1/bookings/claim");
    let forged = world.customer().await.post(claim.1, json!({"claim_token": "forged"})).await;
    met.met(400, "invalid_token", claim, forged);
    let claiming =
        json!({"email": "bob@forwarder.example", "password": "correct horse battery", "claim_token": "forged"});
    met.met(400, "invalid_token", register, client.post(register.1, claiming).await);
    let (webhooks, shipper) = (("POST", "/api/v1/webhooks"), world.customer().await);
    for _ in 0..10 {
        shipper.post(webhooks.1, json!({"url": "https://example.com/"})).await.expect(201);
    }
    let eleventh = shipper.post(webhooks.1, json!({"url": "https://example.com/"})).await;
    met.met(409, "limit_reached", webhooks, eleventh);
    what_lasts_is_for_owners(world, met).await;
    let (airport, admin) = (("DELETE", "/api/v1/airports/{code}"), world.admin().await);
    world.flight(NewFlight::new("AI901", "DEL", "LHR")).await;
    met.met(409, "in_use", airport, admin.delete("/api/v1/airports/DEL").await);
    world
        .sql(
            "insert into admin_acts (id, act, subject_kind, subject_id, data, acted_at)
             select ('ffffffff-ffff-ffff-ffff-' || lpad(to_hex(n), 12, '0'))::uuid, 'test', 'test', 'test', '{}', now()
             from generate_series(1, 100001) n",
        )
        .await;
    let export = ("GET", "/api/v1/admin/audit/export");
    let refused = admin.get(&format!("{}?format=xlsx", export.1)).await;
    assert_eq!(refused.body["limit"], 100_000);
    met.met(409, "export_too_large", export, refused);
    world.database.owner().await.execute("update users set disabled_at = now()").await.unwrap();
    met.met(403, "account_disabled", LOGIN, client.post(LOGIN.1, account).await);
}

async fn what_lasts_is_for_owners(world: &World, met: &mut Provocations) {
    const KEYS: (&str, &str) = ("POST", "/api/v1/api-keys");
    let (customer, key) = (world.customer().await, json!({"name": "scanner"}));
    let directory = tempfile::tempdir().unwrap();
    let mailing = WorldOptions::default().set("mail.transport", "mailbox").on(&world.database);
    let mailing = mailing.set("embedded.data_dir", directory.path().to_str().unwrap()).start().await;
    let unverified = mailing.same(&customer);
    met.met(403, "email_unverified", KEYS, unverified.post(KEYS.1, key.clone()).await);
    world.sql("update refresh_tokens set saved_at = saved_at - interval '11 minutes'").await;
    met.met(403, "sign_in_required", KEYS, customer.post(KEYS.1, key).await);
}

fn order(destination: &str, weight: u32, flights: &[&Value]) -> Value {
    let ids: Vec<_> = flights.iter().map(|flight| &flight["id"]).collect();
    json!({"origin": "DEL", "destination": destination, "pieces": 1, "weight_kg": weight, "flight_ids": ids})
}

async fn holds_that_cannot_be_made_or_booked(world: &World, met: &mut Provocations) {
    const HOLDS: (&str, &str) = ("POST", "/api/v1/holds");
    const COMMIT: (&str, &str) = ("POST", "/api/v1/holds/{id}/commit");
    let flight = world.flight(NewFlight::new("AI501", "DEL", "LHR").positions(2)).await;
    let (admin, guest) = (world.admin().await, world.caller(Role::Guest).await);
    let wish = |weight: u32, more: Value| {
        let mut wish = json!({"flight_ids": [flight["id"]], "weight_kg": weight, "ttl_seconds": 10});
        wish.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        wish
    };
    let id = flight["id"].as_str().unwrap();
    let named = json!({"position_names": {id: ["P1"]}});
    let hold = admin.post(HOLDS.1, wish(1, named.clone())).await.expect(201);
    let answer = admin.post(HOLDS.1, wish(1, named)).await;
    met.met(409, "position_taken", HOLDS, answer);
    let answer = guest.post(HOLDS.1, wish(999, json!({}))).await;
    met.met(409, "hold_limit_exceeded", HOLDS, answer);
    let waiting = json!({"flight_ids": [flight["id"]], "weight_kg": 1});
    let answer = admin.post("/api/v1/waitlist", waiting).await;
    met.met(409, "not_full", ("POST", "/api/v1/waitlist"), answer);
    let commit = format!("/api/v1/holds/{}/commit", hold["id"].as_str().unwrap());
    let answer = admin.poke(&commit).await;
    met.met(409, "hold_incomplete", COMMIT, answer);
    world.clock.advance(TimeDelta::seconds(10));
    let answer = admin.poke(&commit).await;
    met.met(409, "hold_expired", COMMIT, answer);
}

async fn payments_that_are_not_believed_or_not_owed(world: &World, met: &mut Provocations) {
    const WEBHOOKS: (&str, &str) = ("POST", "/api/v1/payments/webhooks/{provider}");
    const PAYMENTS: (&str, &str) = ("POST", "/api/v1/organizations/{id}/credit/payments");
    let unsigned = world.anonymous().post("/api/v1/payments/webhooks/test", json!({})).await;
    met.met(401, "invalid_signature", WEBHOOKS, unsigned);
    let admin = world.admin().await;
    let me = admin.get("/api/v1/auth/me").await.expect(200);
    let credit = any_credit(world, me["organization_id"].as_str().unwrap().parse().unwrap()).await;
    let too_much = json!({"amount": {"amount": "100.01", "currency": "USD"}, "reference": "INV-1"});
    let refused = admin.post(&format!("{credit}/payments"), too_much).await;
    met.met(409, "payment_not_possible", PAYMENTS, refused);
}

async fn bookings_that_cannot_be_paid(world: &World, met: &mut Provocations) {
    const HOLDS: (&str, &str) = ("POST", "/api/v1/holds");
    const COMMIT: (&str, &str) = ("POST", "/api/v1/holds/{id}/commit");
    let admin = world.admin().await;
    admin.post("/api/v1/tariffs", loadmaster_testkit::pricing::tariff("PAID", json!({}))).await.expect(201);
    let flight = world.flight(NewFlight::new("AI503", "DEL", "LHR")).await;
    let wish = json!({"flight_ids": [flight["id"]], "weight_kg": 10, "pieces": 1});
    let held = async || {
        let hold = admin.post(HOLDS.1, wish.clone()).await.expect(201);
        format!("/api/v1/holds/{}/commit", hold["id"].as_str().unwrap())
    };
    let commit = held().await;
    let declined = admin.post(&commit, json!({"payment_token": "tok_declined"})).await;
    met.met(402, "payment_declined", COMMIT, declined);
    let me = admin.get("/api/v1/auth/me").await.expect(200);
    let credit = format!("/api/v1/organizations/{}/credit", me["organization_id"].as_str().unwrap());
    admin.patch(&credit, json!({"limit": {"amount": "1.00", "currency": "USD"}})).await.expect(200);
    let exceeded = admin.post(&commit, json!({"payment_method": "ACCOUNT"})).await;
    met.met(409, "credit_exceeded", COMMIT, exceeded);
    let other = json!({"expected_total": {"amount": "1.00", "currency": "USD"}});
    met.met(409, "price_changed", COMMIT, admin.post(&commit, other).await);
    admin.post(&commit, json!({"payment_token": "tok_confirm"})).await.expect(202);
    met.met(409, "payment_in_progress", COMMIT, admin.post(&commit, json!({"payment_token": "tok_ok"})).await);
    let booking = admin.post(&held().await, json!({"payment_token": "tok_ok"})).await.expect(201);
    let refunds = format!("/api/v1/bookings/{}/refunds", booking["ref_id"].as_str().unwrap());
    let too_much = admin.post(&refunds, json!({"amount": {"amount": "10000.00", "currency": "USD"}})).await;
    met.met(409, "refund_exceeds_paid", ("POST", "/api/v1/bookings/{ref_id}/refunds"), too_much);
    let asked = json!({"origin": "DEL", "destination": "LHR", "flight_ids": [flight["id"]], "weight_kg": 10});
    let quote = admin.post("/api/v1/quotes", asked).await.expect(201);
    let strict = WorldOptions::default().on(&world.database).set("pricing.required", "true").start().await;
    let order = order("LHR", 1, &[&flight]);
    met.met(409, "quote_required", BOOKINGS, strict.customer().await.post(BOOKINGS.1, order).await);
    world.database.owner().await.execute("update quotes set expires_at = created_at").await.unwrap();
    let late = json!({"flight_ids": [flight["id"]], "weight_kg": 10, "quote_id": quote["id"]});
    met.met(409, "quote_expired", HOLDS, admin.post(HOLDS.1, late).await);
    audit_of_charges(world).await;
}

async fn bookings_that_cannot_be_made(world: &World, met: &mut Provocations) {
    let customer = world.customer().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let closed = world.flight(NewFlight::new("AI103", "DEL", "LHR").leaves_in_minutes(30));
    let closed = closed.await;
    let cancelled = world.flight(NewFlight::new("AI105", "DEL", "LHR")).await;
    let cancel = format!("/api/v1/flights/{}/cancel", cancelled["id"].as_str().unwrap());
    world.admin().await.poke(&cancel).await.expect(200);
    let mut book = async |status, code, body| {
        let answer = customer.post(BOOKINGS.1, body).await;
        met.met(status, code, BOOKINGS, answer)
    };
    let full = book(409, "capacity_exceeded", order("LHR", 1001, &[&flight])).await;
    assert_eq!(full["flight_id"], flight["id"]);
    assert_eq!((&full["flight_number"], &full["dimension"]), (&json!("AI101"), &json!("weight_kg")));
    assert_eq!((&full["requested"], &full["available"]), (&json!(1001), &json!(1000)));
    book(409, "flight_closed", order("LHR", 1, &[&closed])).await;
    book(409, "flight_cancelled", order("LHR", 1, &[&cancelled])).await;
    book(409, "itinerary_invalid", order("JFK", 1, &[&flight])).await;
    book(409, "no_bookable_itinerary", order("SYD", 1, &[])).await;
    let embargo = json!({"name": "Strike", "reason": "No staff", "origin": "DEL", "destination": "LHR",
                         "valid_from": "2026-01-01", "handling_codes": ["AVI"], "effect": "FORBID"});
    let cool = json!({"name": "Cool chain", "reason": "Heat", "origin": "DEL", "destination": "LHR",
                      "valid_from": "2026-01-01", "handling_codes": ["PER"], "effect": {"require_any": ["COL", "FRO"]}});
    let admin = world.admin().await;
    for (embargo, code, freight) in [(embargo, "embargoed", "AVI"), (cool, "handling_required", "PER")] {
        let embargo = admin.post("/api/v1/embargoes", embargo).await.expect(201);
        let mut order = order("LHR", 1, &[&flight]);
        order["special_handling_codes"] = json!([freight]);
        let refused = book(409, code, order).await;
        assert_eq!((&refused["embargo_id"], &refused["flight_id"]), (&embargo["id"], &flight["id"]));
    }
    set_door(&admin, "320", 120).await;
    let small = world.flight(NewFlight::new("AI777", "DEL", "LHR").aircraft("320")).await;
    let mut high = order("LHR", 100, &[&small]);
    high["dimensions"] = json!([{"pieces": 1, "length_cm": 120, "width_cm": 80, "height_cm": 150}]);
    let refused = book(409, "piece_too_large", high).await;
    assert_eq!((&refused["line"], &refused["flight_id"]), (&json!(1), &small["id"]));
    audit_of_charges(world).await;
}

async fn prices_that_cannot_be_given(world: &World, met: &mut Provocations) {
    let (guest, admin) = (world.caller(Role::Guest).await, world.admin().await);
    let flight = world.flight(NewFlight::new("AI121", "DEL", "LHR")).await;
    let at = ("POST", "/api/v1/quotes");
    let asked = json!({"origin": "DEL", "destination": "LHR", "flight_ids": [flight["id"]], "weight_kg": 1,
                       "discount_code": "SPRING"});
    let refused = guest.post(at.1, asked.clone()).await;
    met.met(409, "no_rate", at, refused);
    admin.post("/api/v1/tariffs", loadmaster_testkit::pricing::tariff("T1", json!({}))).await.expect(201);
    let refused = guest.post(at.1, asked).await;
    assert_eq!(met.met(409, "discount_not_applicable", at, refused)["reason"], "unknown");
}

async fn steps_that_cannot_be_taken(world: &World, met: &mut Provocations) {
    let operator = world.operator().await;
    let booking = operator.post(BOOKINGS.1, order("LHR", 1, &[])).await.expect(201);
    let path = format!("/api/v1/bookings/{}", booking["ref_id"].as_str().unwrap());
    let depart = ("POST", "/api/v1/bookings/{ref_id}/depart");
    let mut step = async |code, body| {
        let answer = operator.post(&format!("{path}/depart"), body).await;
        met.met(409, code, depart, answer)
    };
    step("flight_mismatch", json!({"flight_number": "AI999"})).await;
    step("location_mismatch", json!({"location": "LHR"})).await;
    let deliver = ("POST", "/api/v1/bookings/{ref_id}/deliver");
    let refused = met.met(409, "invalid_transition", deliver, operator.poke(&format!("{path}/deliver")).await);
    assert_eq!((&refused["from"], &refused["action"]), (&json!("BOOKED"), &json!("deliver")));
    assert_eq!(refused["allowed"], json!(["depart", "cancel"]));
    let correct = ("POST", "/api/v1/bookings/{ref_id}/correct");
    let refused = operator.post(&format!("{path}/correct"), json!({"reason": "Wrong booking"})).await;
    assert_eq!(met.met(409, "correction_not_possible", correct, refused)["reason"], "no_step");
    let flight = format!("/api/v1/flights/{}", booking["flight_ids"][0].as_str().unwrap());
    let shrink = world.admin().await.patch(&flight, json!({"capacity": {"weight_kg": 0.1}})).await;
    let refused = met.met(409, "capacity_below_booked", ("PATCH", "/api/v1/flights/{id}"), shrink);
    let short = json!([{"dimension": "weight_kg", "requested": 0.1, "booked": 1, "held": 0}]);
    assert_eq!(refused["shortfalls"], short);
    let stale = operator.request(Method::DELETE, &path).header("if-match", "\"99\"");
    met.met(412, "version_mismatch", ("DELETE", "/api/v1/bookings/{ref_id}"), Answer::of(stale).await);
    audit_of_charges(world).await;
}

/// Others are at it, or they themselves are.
async fn callers_that_do_not_wait(world: &World, met: &mut Provocations) {
    let customer = world.customer().await;
    let flight = world.flight(NewFlight::new("AI109", "DEL", "LHR")).await;
    let keyed = |weight| {
        let request = customer.request(Method::POST, BOOKINGS.1).header("idempotency-key", "catalogue");
        Answer::of(
            request.header("content-type", "application/json").body(order("LHR", weight, &[&flight]).to_string()),
        )
    };
    let mut owner = world.database.owner().await;
    let mut lock = owner.begin().await.unwrap();
    lock.execute("select * from flight_capacity for update").await.unwrap();
    let first = tokio::spawn(keyed(1));
    until_blocked(&customer, 1).await;
    met.met(409, "idempotency_in_progress", BOOKINGS, keyed(1).await);
    lock.rollback().await.unwrap();
    let booking = first.await.unwrap().expect(201);
    met.met(422, "idempotency_key_reused", BOOKINGS, keyed(2).await);

    let ref_id = booking["ref_id"].as_str().unwrap();
    let mut redis = redis::Client::open(redis_url()).unwrap().get_multiplexed_async_connection().await.unwrap();
    let taken = redis::cmd("SET").arg(format!("lock:booking:{ref_id}")).arg("somebody").arg("EX").arg(60).to_owned();
    taken.query_async::<()>(&mut redis).await.unwrap();
    let cancel = customer.poke(&format!("/api/v1/bookings/{ref_id}/cancel")).await;
    met.met(409, "booking_locked", ("POST", "/api/v1/bookings/{ref_id}/cancel"), cancel);
    audit_of_charges(world).await;
}

async fn a_caller_that_asks_too_often(world: &World, met: &mut Provocations) {
    let strict = WorldOptions::default().on(&world.database).set("rate_limit.enabled", "true");
    let strict = strict.set("rate_limit.authenticated_per_minute", "1").start().await;
    let customer = strict.customer().await;
    let at = ("GET", "/api/v1/bookings");
    customer.get(at.1).await.expect(200);
    met.met(429, "rate_limited", at, customer.get(at.1).await);
}

async fn a_caller_that_keeps_a_stream(world: &World, met: &mut Provocations) {
    let strict = WorldOptions::default().on(&world.database).set("stream.max_per_caller", "1").start().await;
    let operator = strict.operator().await;
    let at = ("GET", "/api/v1/stream");
    let open = operator.request(Method::GET, at.1).send().await.unwrap();
    assert_eq!(open.status(), 200);
    met.met(429, "too_many_streams", at, operator.get(at.1).await);
}

async fn a_server_that_is_ill(world: &World, met: &mut Provocations) {
    let customer = world.customer().await;
    let mut owner = world.database.owner().await;

    owner.execute("alter table bookings rename to gone").await.unwrap();
    let at = ("GET", "/api/v1/bookings");
    met.met(500, "internal", at, customer.get(at.1).await);
    owner.execute("alter table gone rename to bookings").await.unwrap();
    customer.get(at.1).await.expect(200);

    met.met(504, "timeout", BOOKINGS, book_slowly(world, &customer).await);

    world.clock.advance(TimeDelta::minutes(16));
    met.met(401, "token_expired", at, customer.get(at.1).await);

    drop(owner);
    world.database.close_doors().await;
    let at = ("GET", "/api/v1/flights");
    met.met(503, "unavailable", at, world.anonymous().get(at.1).await);
    world.database.open_doors().await;
    until("the database is back", async || world.anonymous().get(at.1).await.status == 200).await;
}

/// Asks an impatient instance for a booking whose writing takes longer.
async fn book_slowly(world: &World, customer: &Client) -> Answer {
    let flight = world.flight(NewFlight::new("AI107", "DEL", "LHR")).await;
    let database = Some(world.database.clone());
    let impatient = WorldOptions { database, ..WorldOptions::default() }.set("server.request_timeout_ms", "300");
    let impatient = impatient.start().await;
    let brake = Brake::on(&world.database).await;
    let customer = impatient.same(customer);
    let answer = customer.post(BOOKINGS.1, order("LHR", 1, &[&flight])).await;
    brake.release().await;
    // What was begun is finished all the same.
    until("the booking is made", async || {
        customer.get(&format!("/api/v1/bookings?flight_id={}", flight["id"].as_str().unwrap())).await.text != "[]"
    })
    .await;
    audit_of_charges(world).await;
    answer
}
