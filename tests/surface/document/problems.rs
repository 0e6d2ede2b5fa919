//! The problems that nearly every operation lists, met at each that lists them.
use chrono::TimeDelta;
use futures_util::{StreamExt, stream};
use loadmaster_accounts::{NewToken, OneTime, Purpose, Role};
use loadmaster_platform::postgres::commit;
use loadmaster_testkit::{
    Answer, Client, NewFlight, World, WorldOptions,
    notifications::{confirm_path, contact, put, unsubscribe_path},
    payments::{audit_of_charges, signed_webhook, with_test},
    until,
};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use sqlx::Connection;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::{
    Operation, document,
    members::{filled, fillings},
    operations,
};

/// The operations that list this code.
fn listing<'a>(document: &'a Value, code: &str) -> Vec<Operation<'a>> {
    let word = format!("`{code}`:");
    let says = |response: &Value| response["description"].as_str().is_some_and(|text| text.contains(&word));
    let lists = |it: &Operation<'_>| it.body["responses"].as_object().unwrap().values().any(says);
    operations(document).into_iter().filter(lists).collect()
}

/// Queries without which there is nothing to do.
const QUERIES: [(&str, &str); 8] = [
    ("/api/v1/aircraft/{code}/fit", "length_cm=120&width_cm=80&height_cm=150"),
    ("/api/v1/airports/search", "q=del"),
    ("/api/v1/organizations/{id}/credit/statement", "from=2026-11-01&to=2026-11-30"),
    ("/api/v1/rates/booking-window", "origin=DEL&destination=LHR"),
    ("/api/v1/rates/history", "origin=DEL&destination=LHR"),
    ("/api/v1/routes", "origin=DEL&destination=LHR&departure_date=2026-11-21"),
    ("/api/v1/routes/days", "origin=DEL&destination=LHR&from=2026-11-21"),
    ("/api/v1/schedules/export", "airline=AI&from=2026-11-20&to=2026-12-20"),
];

/// Bodies that are no examples: forms, and secrets that are not shown.
const BODIES: [(&str, &str); 3] = [
    ("/api/v1/auth/token", "grant_type=password&username=ann@forwarder.example&password=correct+horse+battery"),
    ("/confirm/{token}", "answer=agree"),
    ("/reset-password/{token}", "new=another+horse+battery"),
];

const KINDS: [&str; 4] = ["application/json", "text/csv", "application/x-www-form-urlencoded", "image/webp"];

/// A WebP of one pixel, as far as its header goes.
const PIXEL: &str = "RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// Takes a whole table, as imports do.
const FEED_RUN: &str = "POST /api/v1/feeds/{id}/runs";

/// The media type of an operation's body.
fn media_type(operation: &Operation<'_>) -> &'static str {
    let content = &operation.body["requestBody"]["content"];
    KINDS.into_iter().find(|kind| content[*kind].is_object()).unwrap_or(KINDS[0])
}

/// The example of each request, sent to what is there.
pub(super) struct Requests {
    fillings: Vec<(&'static str, String)>,
    claim: String,
    /// Room on a flight that there is.
    hold: String,
    /// In letters: for an address, and for a new password.
    tokens: [String; 2],
    /// Of a session.
    refresh: String,
}

impl Requests {
    pub(super) async fn to(world: &World, caller: &Client) -> Self {
        let guest = world.caller(Role::Guest).await;
        let flight = world.flight(NewFlight::new("AI405", "DEL", "LHR").leaves_in_hours(30)).await;
        let wish = json!({"flight_ids": [flight["id"]], "weight_kg": 1, "contact": {"email": "gus@example.com"}});
        let room = json!({"flight_ids": [flight["id"]], "weight_kg": 1}).to_string();
        let hold = guest.post("/api/v1/holds", wish).await.expect(201);
        let commit = format!("/api/v1/holds/{}/commit", hold["id"].as_str().unwrap());
        let booking = guest.post(&commit, json!({"pieces": 1, "payment_token": "tok_ok"})).await.expect(201);
        let claim = json!({"claim_token": booking["claim"]["token"]}).to_string();
        let contacts = format!("/api/v1/bookings/{}/contacts", booking["ref_id"].as_str().unwrap());
        put(&world.admin().await, &contacts, json!([contact("cora@example.com")])).await.expect(200);
        let token = |path: String| path.rsplit('/').next().unwrap().to_owned();
        let tokens = [mailed(world, Purpose::VERIFY_EMAIL).await, mailed(world, Purpose::RESET_PASSWORD).await];
        let mut all = vec![
            ("/problems/{code}", "/problems/not_found".to_owned()),
            ("/confirm/{token}", format!("/confirm/{}", token(confirm_path(world, "cora@example.com").await))),
            ("/unsubscribe/{token}", unsubscribe_path(world, "cora@example.com", "departed").await),
            ("/verify-email/{token}", format!("/verify-email/{}", tokens[0])),
            ("/reset-password/{token}", format!("/reset-password/{}", tokens[1])),
        ];
        all.extend(fillings(world, caller).await);
        let login = json!({"email": "rita@example.com", "password": "correct horse battery"});
        let session = world.anonymous().post("/api/v1/auth/register", login).await.expect(201);
        let refresh = session["refresh_token"].as_str().unwrap().to_owned();
        Self { fillings: all, claim, hold: room, tokens, refresh }
    }

    pub(super) fn path(&self, operation: &Operation<'_>) -> String {
        let path = filled(operation.path, &self.fillings);
        let query = QUERIES.iter().find(|(template, _)| *template == operation.path);
        query.map_or(path.clone(), |(_, query)| format!("{path}?{query}"))
    }

    /// With the example of its body, or with that one of this type.
    pub(super) fn request(
        &self,
        caller: &Client,
        operation: &Operation<'_>,
        body: Option<(&str, String)>,
    ) -> RequestBuilder {
        let mut request = caller.request(operation.method.parse().unwrap(), &self.path(operation));
        // What a station says is replaced under a version only.
        if operation.path == "/api/v1/stations/{code}" && operation.method.eq_ignore_ascii_case("put") {
            request = request.header("if-match", "*");
        }
        let content = &operation.body["requestBody"]["content"];
        if !content.is_object() {
            return request;
        }
        let form = BODIES.iter().find(|(template, _)| *template == operation.path);
        let kind = media_type(operation);
        let (media_type, text) = match (body, operation.path) {
            (Some(body), _) => body,
            (None, "/api/v1/holds") => (kind, self.hold.clone()),
            (None, "/api/v1/bookings/claim" | "/api/v1/bookings/guest" | "/api/v1/bookings/guest/cancel") => {
                (kind, self.claim.clone())
            }
            (None, "/api/v1/bookings/guest/payments") => {
                (kind, self.claim.replace('}', ",\"payment_token\":\"tok_ok\"}"))
            }
            (None, "/api/v1/auth/refresh" | "/api/v1/auth/logout") => {
                (kind, json!({"refresh_token": self.refresh}).to_string())
            }
            (None, "/api/v1/auth/email/verify") => (kind, json!({"token": self.tokens[0]}).to_string()),
            (None, "/api/v1/auth/password/reset") => {
                (kind, json!({"token": self.tokens[1], "new": "another horse battery"}).to_string())
            }
            (None, _) if kind == KINDS[3] => (kind, PIXEL.to_owned()),
            (None, _) => match (form, &content[kind]["example"]) {
                (Some((_, form)), _) => (KINDS[2], (*form).to_owned()),
                (None, Value::Null) => (kind, "{}".to_owned()),
                (None, Value::String(text)) => (kind, text.clone()),
                (None, example) => (kind, example.to_string()),
            },
        };
        request.header("content-type", media_type).body(text)
    }

    /// At each operation that lists it the code is met, but at those of `elsewhere` and where `untried.txt` says why not.
    async fn meet(&self, code: &str, elsewhere: &[&str], request: impl Fn(&Operation<'_>) -> RequestBuilder) {
        let (document, request) = (document(), &request);
        let asked =
            listing(&document, code).into_iter().filter(|it| !elsewhere.iter().any(|end| it.name().ends_with(end)));
        let exports = &Mutex::new(());
        let asked = asked.map(|operation| async move {
            // A caller may have two at a time.
            let _one = if operation.path.ends_with("/export") { Some(exports.lock().await) } else { None };
            let mut answer = Answer::of(request(&operation)).await;
            // One at a time may be admitted before it is too much.
            if answer.body["code"] != code {
                answer = Answer::of(request(&operation)).await;
            }
            (operation.name(), answer)
        });
        let answers: Vec<_> = stream::iter(asked).buffer_unordered(32).collect().await;
        let met = |answer: &Answer| answer.body["code"] == code;
        let excused = |name: &str, answer: &Answer| {
            let exceptions = include_str!("../../untried.txt").lines();
            let fact = format!("{name} ");
            exceptions.filter_map(|line| line.strip_prefix(&fact)).any(|rest| {
                rest.starts_with(|digit: char| digit.is_ascii_digit()) && rest.contains(&format!(" {code}  # "))
            }) && !met(answer)
        };
        let others = answers.iter().filter(|(name, answer)| !met(answer) && !excused(name, answer));
        let others: Vec<_> = others.map(|(name, it)| format!("{name}: {} {:.200}", it.status, it.text)).collect();
        assert!(others.is_empty(), "no {code}:\n{}", others.join("\n"));
    }
}

/// A token of this purpose, as a letter to a new user has it.
async fn mailed(world: &World, purpose: Purpose) -> String {
    let user = world.customer().await.get("/api/v1/auth/me").await.expect(200);
    let id: Uuid = user["id"].as_str().unwrap().parse().unwrap();
    let one_time: OneTime = world.state().service().unwrap();
    let address = one_time.address_hash("email", user["email"].as_str().unwrap());
    let mut tx = world.db.begin().await.unwrap();
    let (token, _) = one_time
        .issue_in_tx(&mut tx, &NewToken::of_user(purpose, id.into(), address, TimeDelta::hours(1)))
        .await
        .unwrap();
    commit(tx).await.unwrap();
    one_time.token_of(purpose, token)
}

/// All connections to the database but none for the server.
async fn without_connections(world: &World) -> Vec<impl Sized> {
    let mut held = Vec::new();
    for _ in 0..8 {
        held.push(world.db.begin().await.unwrap());
    }
    held
}

/// Another server on the same database.
fn beside(world: &World) -> WorldOptions {
    with_test().on(&world.database).set("database.acquire_timeout_ms", "60000")
}

#[tokio::test]
async fn every_operation_refuses_headers_over_the_limit() {
    let world = with_test().start().await;
    let admin = world.admin().await;
    let requests = Requests::to(&world, &admin).await;
    let padding = "p".repeat(33 * 1024);
    let padded = |it: &Operation<'_>| requests.request(&admin, it, None).header("x-padding", &padding);
    requests.meet("headers_too_large", &[], padded).await;
}

#[tokio::test]
async fn every_operation_refuses_a_credential_that_is_none_or_has_lapsed() {
    let world = with_test().start().await;
    let (forged, admin) = (world.anonymous().with_token("nonsense"), world.admin().await);
    let requests = Requests::to(&world, &admin).await;
    let unknown = |it: &Operation<'_>| {
        let body = it.path.ends_with("/auth/refresh").then(|| (KINDS[0], json!({"refresh_token": "x"}).to_string()));
        requests.request(&forged, it, body)
    };
    requests.meet("unauthenticated", &[], unknown).await;
    world.clock.advance(TimeDelta::minutes(16));
    requests.meet("token_expired", &[], |it| requests.request(&admin, it, None)).await;
}

#[tokio::test]
async fn every_operation_refuses_a_query_or_a_body_that_cannot_be_read() {
    let world = with_test().set("server.max_body_bytes", "5000").start().await;
    let admin = world.admin().await;
    let requests = Requests::to(&world, &admin).await;
    let with_query = |it: &Operation<'_>, query: &str| {
        admin.request(it.method.parse().unwrap(), &format!("{}?{query}", filled(it.path, &requests.fillings)))
    };
    let malformed = |it: &Operation<'_>| match it.path {
        "/confirm/{token}" => requests.request(&admin, it, Some(("application/json", "{".to_owned()))),
        _ => with_query(it, "%FF=1"),
    };
    requests.meet("malformed_request", &[], malformed).await;
    requests.meet("invalid_cursor", &[], |it| with_query(it, "cursor=x")).await;
    let with_body = |it: &Operation<'_>, media_type: &str, text: String| {
        let request = admin.request(it.method.parse().unwrap(), &requests.path(it));
        request.header("content-type", media_type).body(text)
    };
    requests.meet("unsupported_media_type", &[], |it| with_body(it, "text/x-none", "x".to_owned())).await;
    let large = |it: &Operation<'_>| {
        let is_table = it.path.ends_with("/import") || it.name() == FEED_RUN;
        let bytes = if is_table { 33 * 1024 * 1024 } else { 6000 };
        with_body(it, media_type(it), " ".repeat(bytes))
    };
    requests.meet("payload_too_large", &[], large).await;
    for path in ["/api/v1/info", "/api/metrics/summary"] {
        admin.get(&format!("{path}?no_such_name=1")).await.expect_problem(400, "validation_failed");
    }
}

#[tokio::test]
async fn every_operation_refuses_a_caller_above_its_rate() {
    let world = with_test().start().await;
    let requests = Requests::to(&world, &world.admin().await).await;
    let strict = beside(&world).set("rate_limit.enabled", "true").set("rate_limit.flood_per_second", "1");
    let strict = strict.set("rate_limit.anonymous_per_minute", "1").set("rate_limit.credentials_per_minute", "1");
    let strict = strict.start().await;
    let anyone = strict.anonymous();
    requests.meet("rate_limited", &[], |it| requests.request(&anyone, it, None)).await;
}

#[tokio::test]
async fn every_operation_is_unavailable_where_too_many_requests_are_under_way() {
    let world = with_test().start().await;
    let admin = world.admin().await;
    let requests = Requests::to(&world, &admin).await;
    let full = beside(&world).set("server.max_in_flight", "1").set("server.request_timeout_ms", "60000").start().await;
    let admin = full.same(&admin);
    let held = without_connections(&full).await;
    let waiting = admin.clone();
    let waiting = tokio::spawn(async move { waiting.get("/api/v1/flights").await });
    until("it waits", async || admin.get("/api/v1/airports/DEL").await.status == 503).await;
    // These answer, whatever is under way: they tell that the database is away (`system::health`).
    let probes = ["/readyz", "/health/detailed"];
    requests.meet("unavailable", &probes, |it| requests.request(&admin, it, None)).await;
    drop(held);
    waiting.await.unwrap().expect(200);
}

#[tokio::test]
async fn every_operation_that_waits_gives_up_when_its_time_is_over() {
    let world = with_test().start().await;
    let admin = world.admin().await;
    let requests = Requests::to(&world, &admin).await;
    let slow = beside(&world).set("server.request_timeout_ms", "300").start().await;
    let caller = slow.same(&admin);
    // The first request builds the schema, on a slow machine in more than the time that it has: no case of the description.
    let schema = async || caller.request(Method::GET, "/graphql/schema").send().await;
    until("the schema of GraphQL is built", async || schema().await.is_ok_and(|answer| answer.status() == 200)).await;
    let held = without_connections(&slow).await;
    // Tables and actions on many may take minutes; the last three have connections of their own.
    let others = [
        "/export",
        "/import",
        FEED_RUN,
        "/bulk",
        "/webhooks/{provider}",
        "/health/detailed",
        "/api/v1/stream",
        "/api/v1/holds",
    ];
    requests.meet("timeout", &others, |it| requests.request(&caller, it, None)).await;
    assert_eq!(signed_webhook(&slow, "evt_1", "pay_1").await.body["code"], "timeout");
    drop(held);
    let mut owner = slow.owner().await;
    let mut locked = owner.begin().await.unwrap();
    let tables = "lock table outbox, _sqlx_migrations, holds in access exclusive mode";
    sqlx::query(tables).execute(&mut *locked).await.unwrap();
    for path in ["/health/detailed", "/api/v1/stream", "/api/v1/holds"] {
        caller.get(path).await.expect_problem(504, "timeout");
    }
    locked.rollback().await.unwrap();
}

#[tokio::test]
async fn every_operation_that_reads_the_database_admits_a_fault_of_its_own() {
    let world = with_test().start().await;
    let admin = world.admin().await;
    let requests = Requests::to(&world, &admin).await;
    world.sql("alter schema public rename to gone").await;
    requests.meet("internal", &["/webhooks/{provider}"], |it| requests.request(&admin, it, None)).await;
    signed_webhook(&world, "evt_1", "pay_1").await.expect_problem(500, "internal");
    world.sql("alter schema gone rename to public").await;
    audit_of_charges(&world).await;
}

#[tokio::test]
async fn every_page_refuses_a_link_that_is_not_valid() {
    let world = with_test().start().await;
    let anyone = world.anonymous();
    let (confirm, unsubscribe) = (("confirm", "answer=agree"), ("unsubscribe", ""));
    let accounts = [("verify-email", ""), ("reset-password", "new=another+horse+battery")];
    let ask = |method: &str, path: String, form: &'static str| {
        let request = anyone.request(method.parse().unwrap(), &path).header("accept", "text/html");
        if method == "GET" {
            return request;
        }
        request.header("content-type", KINDS[2]).body(form)
    };
    for (page, form) in [confirm, unsubscribe] {
        for method in ["GET", "POST"] {
            let refused = Answer::of(ask(method, format!("/{page}/x"), form)).await;
            assert_eq!(refused.status, 400, "{method} {page}: {}", refused.text);
            assert!(refused.header("content-type").unwrap().starts_with("text/html"), "{method} {page}");
            let too_long = format!("/{page}/{}", "x".repeat(501));
            Answer::of(anyone.request(method.parse().unwrap(), &too_long)).await.expect_problem(404, "not_found");
        }
    }
    for (page, form) in accounts {
        let refused = Answer::of(ask("POST", format!("/{page}/x"), form)).await;
        assert_eq!(refused.status, 400, "{page}: {}", refused.text);
        assert!(refused.header("content-type").unwrap().starts_with("text/html"), "{page}");
    }
    let without = beside(&world).set("auth.password_grant", "false").start().await;
    let refused = without.anonymous().post_raw("/reset-password/x", KINDS[2], "new=another+horse+battery").await;
    refused.expect_problem(403, "forbidden");
}
