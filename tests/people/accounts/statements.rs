//! What is not told must not be noticed either: the same work is done whatever is the case.
use loadmaster_testkit::{Answer, Client, NewFlight, World, freight::open_order, listening::Log};
use reqwest::Method;
use serde_json::{Value, json};

use super::{PASSWORD, disable, register};

/// The statements of the database, the hashing of passwords, and the requests that they are of.
const WORK: &str = "sqlx::query=debug,loadmaster=trace";
const HASHING: &str = "loadmaster_accounts::credentials::passwords";

/// Sends a request by this name; answers what was answered, without the name. Names that are compared are of one length.
async fn ask(client: &Client, name: &str, (method, rest): (&str, &str), path: &str, body: &str) -> Answer {
    let request =
        client.request(method.parse::<Method>().unwrap(), &format!("{path}{rest}")).header("x-request-id", name);
    let request = match body {
        "" => request,
        body => request.header("content-type", "application/json").body(body.to_owned()),
    };
    let mut answer = Answer::of(request).await;
    assert_eq!(answer.header("x-request-id"), Some(name));
    answer.text = answer.text.replace(name, "NAME");
    answer
}

/// The statements of a request, in their order. What they found is not compared: that is what differs.
fn statements(log: &Log, request: &str) -> Vec<String> {
    let events = log.of_request(request);
    let queries = events.iter().filter(|event| event["target"] == "sqlx::query").map(|event| &event["fields"]);
    let text = |fields: &Value, name: &str| fields[name].as_str().unwrap_or_default().trim().to_owned();
    queries.map(|fields| text(fields, "summary") + &text(fields, "db.statement")).collect()
}

/// All headers but those that name the request and the moment.
fn headers(answer: &Answer) -> Vec<(String, String)> {
    let told = answer.headers.iter().map(|(name, value)| (name.to_string(), format!("{value:?}")));
    let mut told: Vec<_> = told.filter(|(name, _)| !["x-request-id", "date"].contains(&name.as_str())).collect();
    told.sort();
    told
}

const ASKED: [((&str, &str), &str); 12] = [
    (("GET", ""), ""),
    (("GET", "?include=history"), ""),
    (("GET", "/status"), ""),
    (("GET", "/history"), ""),
    (("PATCH", ""), r#"{"description": "mine now"}"#),
    (("PATCH", ""), r#"{"weight_kg": 7}"#),
    (("PATCH", ""), r#"{"no such member": 7}"#),
    (("PATCH", ""), "{"),
    (("POST", "/cancel"), r#"{"reason": "mine now"}"#),
    (("POST", "/cancel"), ""),
    (("POST", "/cancel"), r#"{"no such member": 7}"#),
    (("DELETE", ""), ""),
];

#[tokio::test]
async fn a_foreign_booking_costs_the_same_statements_as_an_absent_one() {
    let (log, _listening) = Log::of_this_thread(WORK);
    let world = World::start().await;
    world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (owner, stranger) = (world.customer().await, world.customer().await);
    let booking = owner.book(open_order("DEL", "LHR")).await;
    let path = |ref_id: &str| format!("/api/v1/bookings/{ref_id}");
    let (foreign, absent) = (path(booking["ref_id"].as_str().unwrap()), path("ACB000000000"));
    // The first request of a kind may ask for more, such as what a new connection is told.
    for path in [&foreign, &absent] {
        ask(&stranger, "warming", ("GET", ""), path, "").await;
    }
    let before = world.written().await;
    let mut different = Vec::new();
    for (number, (asked, body)) in ASKED.into_iter().enumerate() {
        let names = [format!("foreign-{number}"), format!("nowhere-{number}")];
        let theirs = ask(&stranger, &names[0], asked, &foreign, body).await;
        let nobodys = ask(&stranger, &names[1], asked, &absent, body).await;
        assert_eq!(theirs.status, 404, "{asked:?} {body}: {}", theirs.text);
        assert_eq!((&theirs.text, headers(&theirs)), (&nobodys.text, headers(&nobodys)), "{asked:?} {body}");
        let [theirs, nobodys] = names.map(|name| statements(&log, &name));
        assert!(!theirs.is_empty(), "{asked:?}: the log was heard");
        if theirs != nobodys {
            different.push(format!("{asked:?} {body}: {} for a foreign one, {} for none", theirs.len(), nobodys.len()));
        }
    }
    assert_eq!(world.written().await, before, "nothing happened to it");
    assert_eq!(owner.get(&foreign).await.expect(200), booking);
    assert!(different.is_empty(), "{different:#?}");
}

#[tokio::test]
async fn a_repeated_request_for_a_foreign_booking_is_not_found_either() {
    let world = World::start().await;
    world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (owner, stranger) = (world.customer().await, world.customer().await);
    let booking = owner.book(open_order("DEL", "LHR")).await;
    let path = format!("/api/v1/bookings/{}", booking["ref_id"].as_str().unwrap());
    for (method, rest, body) in
        [("PATCH", "", r#"{"description": "x"}"#), ("POST", "/cancel", "{}"), ("DELETE", "", "")]
    {
        let send = async |client: &Client, path: &str| {
            let request = client.request(method.parse::<Method>().unwrap(), &format!("{path}{rest}"));
            let request = request.header("idempotency-key", "once").header("x-request-id", "same");
            let request = request.header("content-type", "application/json").body(body);
            Answer::of(request).await
        };
        // The owner's answer is kept; the same key of a stranger brings neither it nor a hint of it.
        let kept = send(&owner, &path).await;
        assert_eq!(kept.status, if method == "DELETE" { 409 } else { 200 }, "{}", kept.text);
        for _ in 0..2 {
            let theirs = send(&stranger, &path).await;
            let nobodys = send(&stranger, "/api/v1/bookings/ACB000000000").await;
            assert_eq!(theirs.header("idempotency-replayed"), None);
            assert_eq!((&theirs.text, headers(&theirs)), (&nobodys.text, headers(&nobodys)), "{method} {rest}");
            theirs.expect_problem(404, "not_found");
        }
    }
    let kept = world.texts("select distinct principal_id::text from idempotency_records").await;
    assert_eq!(kept.len(), 1, "what is refused is not kept");
    world.audit().await;
}

#[tokio::test]
async fn a_log_in_that_fails_does_the_same_work_and_says_the_same_whyever_it_fails() {
    let (log, _listening) = Log::of_this_thread(WORK);
    let world = World::start().await;
    let client = world.anonymous();
    for email in ["ann@forwarder.example", "bob@forwarder.example"] {
        register(&client, email, PASSWORD).await.expect(201);
    }
    disable(&world, "bob@forwarder.example").await;
    let mut answers = Vec::new();
    let mut works = Vec::new();
    for (name, email) in [
        ("mistaken", "ann@forwarder.example"),
        ("disabled", "bob@forwarder.example"),
        ("nameless", "eve@forwarder.example"),
    ] {
        let body = json!({"email": email, "password": "no such password"}).to_string();
        let answer = ask(&client, name, ("POST", ""), "/api/v1/auth/login", &body).await;
        assert_eq!(answer.status, 401, "{name}: {}", answer.text);
        answers.push((answer.text.clone(), headers(&answer)));
        let hashes = log.of_request(name).iter().filter(|event| event["target"] == HASHING).count();
        assert_eq!(hashes, 1, "{name}: one Argon2");
        works.push(statements(&log, name));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert!(works.iter().all(|work| !work.is_empty() && *work == works[0]), "{works:?}");
}
