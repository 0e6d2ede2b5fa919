//! Conditional requests: `ETag`, `If-Match`, `If-None-Match`.
mod coded;
mod flights;
mod minimal;
mod raced;

use loadmaster_testkit::{
    Answer, Client, NewFlight, World,
    freight::{order, path_of, text},
};
use reqwest::Method;
use serde_json::{Value, json};

async fn call(client: &Client, method: Method, path: &str, header: &str, value: &str) -> Answer {
    let request = client.request(method.clone(), path).header(header, value);
    // Only a patch needs something to be said.
    Answer::of(match method {
        Method::PATCH => request.header("content-type", "application/json").body(r#"{"pieces": 3}"#),
        _ => request,
    })
    .await
}

async fn one_booking() -> (World, Value, Client, Client) {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let booking = customer.book(order(&[&flight])).await;
    (world, booking, customer, operator)
}

#[tokio::test]
async fn a_bookings_tag_is_its_version_and_moves_with_every_change() {
    let (_world, booking, customer, operator) = one_booking().await;
    let path = path_of(&booking);
    for (step, tag) in [("", "\"1\""), ("depart", "\"2\""), ("arrive", "\"3\""), ("deliver", "\"4\"")] {
        if !step.is_empty() {
            let answer = operator.poke(&format!("{path}/{step}")).await;
            assert_eq!(answer.header("etag"), Some(tag), "{step}");
            assert_eq!(answer.header("cache-control"), Some("private, no-cache"), "{step}");
        }
        for view in ["", "/status", "/history", "?include=history"] {
            let answer = customer.get(&format!("{path}{view}")).await;
            assert_eq!(answer.header("etag"), Some(tag), "{step} {view}");
            assert_eq!(answer.header("cache-control"), Some("private, no-cache"), "{step} {view}");
        }
    }
}

/// Tags that name version 1, and such as do not.
const GOOD: &[&str] = &["\"1\"", "W/\"1\"", "\"0\", \"1\"", "\"0\",W/\"1\"", "*", "  \"1\"  "];
const STALE: &[&str] = &["\"0\"", "\"2\"", "W/\"2\"", "\"11\"", "\"\"", "\"2\", \"3\"", "\"one\""];
const MALFORMED: &[&str] = &["1", "\"1", "1\"", "W/1", "", "\"1\" \"2\"", "\"1\", 2", "w/\"1\""];

#[tokio::test]
async fn a_step_is_taken_only_on_the_version_that_was_seen() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(100_000.0)).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let steps: [(&[&str], Method, &str); 6] = [
        (&[], Method::PATCH, ""),
        (&[], Method::POST, "/depart"),
        (&["depart"], Method::POST, "/arrive"),
        (&["depart", "arrive"], Method::POST, "/deliver"),
        (&[], Method::POST, "/cancel"),
        (&[], Method::DELETE, ""),
    ];
    for (before, method, suffix) in steps {
        let version = 1 + before.len();
        // The lists above speak of version 1.
        let now = |tag: &str| tag.replace("\"1\"", &format!("\"{version}\""));
        let stale = STALE.iter().filter(|tag| !tag.contains(&format!("\"{version}\"")));
        let booking = customer.book(order(&[&flight])).await;
        let booking = operator.walk(&booking, before).await;
        let path = format!("{}{suffix}", path_of(&booking));
        for tag in stale {
            let answer = call(&operator, method.clone(), &path, "if-match", tag).await;
            let problem = answer.expect_problem(412, "version_mismatch");
            assert!(text(&problem, "detail").contains(&version.to_string()), "{tag}: {problem}");
        }
        for tag in MALFORMED {
            let answer = call(&operator, method.clone(), &path, "if-match", tag).await;
            assert_eq!(answer.body["errors"][0]["in"], "header", "{tag:?}: {}", answer.text);
            assert_eq!(answer.expect_faults(), [("if-match".to_owned(), "invalid_format".to_owned())], "{tag:?}");
        }
        assert_eq!(operator.get(&path_of(&booking)).await.expect(200), booking, "{suffix}: something changed");
        for tag in GOOD {
            let fresh = customer.book(order(&[&flight])).await;
            let fresh = operator.walk(&fresh, before).await;
            let path = format!("{}{suffix}", path_of(&fresh));
            let answer = call(&operator, method.clone(), &path, "if-match", &now(tag)).await;
            assert_eq!(answer.status, 200, "{suffix} {tag}: {}", answer.text);
        }
    }
    world.audit().await;
}

#[tokio::test]
async fn several_lines_of_if_match_are_one_list() {
    let (_world, booking, _customer, operator) = one_booking().await;
    let request = operator.request(Method::POST, &format!("{}/depart", path_of(&booking)));
    Answer::of(request.header("if-match", "\"7\"").header("if-match", "\"1\"")).await.expect(200);
}

#[tokio::test]
async fn a_stale_version_is_reported_before_an_impossible_step() {
    let (_world, booking, customer, operator) = one_booking().await;
    let path = path_of(&booking);
    for (method, path) in [
        (Method::POST, format!("{path}/arrive")),
        (Method::POST, format!("{path}/deliver")),
        (Method::POST, format!("{path}/depart")),
    ] {
        let answer = call(&operator, method.clone(), &path, "if-match", "\"9\"").await;
        answer.expect_problem(412, "version_mismatch");
    }
    operator.walk(&booking, &["depart"]).await;
    for (method, path) in [(Method::POST, format!("{path}/cancel")), (Method::DELETE, path.clone())] {
        let answer = call(&customer, method.clone(), &path, "if-match", "\"1\"").await;
        answer.expect_problem(412, "version_mismatch");
        let answer = call(&customer, method, &path, "if-match", "\"2\"").await;
        answer.expect_problem(409, "invalid_transition");
    }
    // And before what is said about the step.
    let (stale, body) = ([("if-match", "\"1\"")], json!({"location": "DEL"}));
    let answer = operator.send(Method::POST, &format!("{path}/arrive"), &stale, Some(&body)).await;
    answer.expect_problem(412, "version_mismatch");
}

#[tokio::test]
async fn a_missing_booking_is_reported_before_its_version() {
    let (world, booking, _customer, _operator) = one_booking().await;
    let stranger = world.customer().await;
    for (reference, tag) in [("ACB000000000", "\"1\""), (text(&booking, "ref_id"), "\"9\""), ("ACB000000000", "junk")] {
        let path = format!("/api/v1/bookings/{reference}/cancel");
        call(&stranger, Method::POST, &path, "if-match", tag).await.expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn a_representation_that_the_client_has_is_not_sent_again() {
    let (_world, booking, customer, operator) = one_booking().await;
    let path = path_of(&booking);
    for view in ["", "/status", "/history"] {
        let path = format!("{path}{view}");
        for tag in ["\"1\"", "W/\"1\"", "\"7\", \"1\"", "*"] {
            let answer = call(&customer, Method::GET, &path, "if-none-match", tag).await;
            assert_eq!((answer.status.as_u16(), answer.text.as_str()), (304, ""), "{view} {tag}");
            assert_eq!(answer.header("etag"), Some("\"1\""), "{view} {tag}");
            assert_eq!(answer.header("cache-control"), Some("private, no-cache"), "{view} {tag}");
        }
        for tag in ["\"0\"", "\"11\"", "1", "junk"] {
            call(&customer, Method::GET, &path, "if-none-match", tag).await.expect(200);
        }
    }
    operator.walk(&booking, &["depart"]).await;
    call(&customer, Method::GET, &path, "if-none-match", "\"1\"").await.expect(200);
}

#[tokio::test]
async fn a_flights_tag_distinguishes_bookings_from_changes_of_the_schedule() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let path = format!("/api/v1/flights/{}", text(&flight, "id"));
    let (anyone, customer) = (world.anonymous(), world.customer().await);
    let fresh = anyone.get(&path).await;
    let tag = fresh.header("etag").expect("a tag").to_owned();
    assert_eq!(tag, "\"1-1\"");
    assert_eq!(fresh.expect(200)["version"], 1);
    let same = call(&anyone, Method::GET, &path, "if-none-match", &tag).await;
    assert_eq!((same.status.as_u16(), same.text.as_str()), (304, ""));
    assert_eq!(same.header("etag"), Some(tag.as_str()));

    // A booking changes what is available, not the version; giving back does so too.
    let booking = customer.book(order(&[&flight])).await;
    let booked = call(&anyone, Method::GET, &path, "if-none-match", &tag).await;
    assert_eq!(booked.header("etag"), Some("\"1-2\""));
    let booked = booked.expect(200);
    assert_eq!((&booked["version"], &booked["available"]["weight_kg"]), (&json!(1), &json!(900)));
    customer.walk(&booking, &["cancel"]).await;
    assert_eq!(anyone.get(&path).await.header("etag"), Some("\"1-3\""));
}
