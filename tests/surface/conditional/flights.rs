//! A flight's tag: its version, then what its bookings count.
use loadmaster_testkit::{
    Answer, NewFlight, World,
    flight_verbs::path_to,
    freight::{order, path_of, text},
};
use reqwest::Method;
use serde_json::json;

use super::call;

/// Tags that name version 1, and such as do not.
const GOOD: [&str; 8] =
    ["\"1\"", "\"1-1\"", "\"1-999\"", "W/\"1-1\"", "\"7-1\", \"1-3\"", "*", "\"1-\"", "W/\"1\" , \"2\""];
const STALE: [&str; 7] = ["\"2-1\"", "\"0-1\"", "\"11-1\"", "\"-1\"", "\"\"", "W/\"2\"", "\"2-1\", \"3-1\""];

#[tokio::test]
async fn every_step_of_a_flight_is_taken_only_on_the_version_that_was_seen() {
    let world = World::start().await;
    let admin = world.admin().await;
    let verbs = [(Method::PATCH, ""), (Method::POST, "/depart"), (Method::POST, "/cancel")];
    for (number, (method, suffix)) in verbs.iter().enumerate() {
        let mut next = 0;
        let mut fresh = async || {
            next += 1;
            path_to(&world.flight(NewFlight::new(&format!("AI{}", 100 * (number + 1) + next), "DEL", "LHR")).await)
        };
        let send = |path: String, tag: &'static str| {
            let request = admin.request(method.clone(), &format!("{path}{suffix}")).header("if-match", tag);
            let body = if suffix.is_empty() { json!({"capacity": {"positions": 3}}) } else { json!({}) };
            Answer::of(request.header("content-type", "application/json").body(body.to_string()))
        };
        let flight = fresh().await;
        for tag in STALE {
            let problem = send(flight.clone(), tag).await.expect_problem(412, "version_mismatch");
            assert!(text(&problem, "detail").contains('1'), "{suffix} {tag}: {problem}");
        }
        assert_eq!(admin.get(&flight).await.header("etag"), Some("\"1-1\""), "{suffix}: something changed");
        for tag in GOOD {
            let answer = send(fresh().await, tag).await;
            assert_eq!(answer.status, 200, "{suffix} {tag}: {}", answer.text);
        }
        let faults = send(flight, "1-1").await.expect_faults();
        assert_eq!(faults, [("if-match".to_owned(), "invalid_format".to_owned())]);
    }
    world.audit().await;
}

#[tokio::test]
async fn a_flight_that_is_known_is_not_sent_again() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (anyone, customer, path) = (world.anonymous(), world.customer().await, path_to(&flight));
    for tag in ["\"1-1\"", "W/\"1-1\"", "\"9-9\", \"1-1\"", "*"] {
        let answer = call(&anyone, Method::GET, &path, "if-none-match", tag).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (304, ""), "{tag}");
        assert_eq!(answer.header("etag"), Some("\"1-1\""), "{tag}");
        assert_eq!(answer.header("cache-control"), anyone.get(&path).await.header("cache-control"), "{tag}");
    }
    // To read, all of the tag counts.
    for tag in ["\"1\"", "\"1-2\"", "\"2-1\"", "1-1", "junk"] {
        call(&anyone, Method::GET, &path, "if-none-match", tag).await.expect(200);
    }
    let booking = customer.book(order(&[&flight])).await;
    let mut seen = vec!["\"1-1\"".to_owned()];
    let admin = world.admin().await;
    for what in ["booked", "cancelled", "changed", "departed", "arrived"] {
        match what {
            "cancelled" => drop(customer.walk(&booking, &["cancel"]).await),
            "changed" => drop(admin.patch(&path, json!({"capacity": {"positions": 3}})).await.expect(200)),
            "departed" => drop(admin.poke(&format!("{path}/depart")).await.expect(200)),
            "arrived" => drop(admin.poke(&format!("{path}/arrive")).await.expect(200)),
            _ => {}
        }
        let answer = call(&anyone, Method::GET, &path, "if-none-match", &seen.join(", ")).await;
        let tag = answer.header("etag").unwrap().to_owned();
        answer.expect(200);
        assert!(!seen.contains(&tag), "{what}: {tag}");
        seen.push(tag);
        call(&anyone, Method::GET, &path, "if-none-match", &seen.join(", ")).await.expect(304);
    }
}

#[tokio::test]
async fn retiming_a_flight_moves_its_bookings_tags_too() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    let booking = path_of(&customer.book(order(&[&flight])).await);
    let path = path_to(&flight);
    admin.patch(&path, json!({"capacity": {"positions": 3}})).await.expect(200);
    assert_eq!(customer.get(&booking).await.header("etag"), Some("\"1\""), "its own concerns are not the bookings'");
    let later = json!({"arrival_datetime": "2026-11-21T18:00:00Z"});
    admin.patch(&path, later).await.expect(200);
    assert_eq!(customer.get(&booking).await.header("etag"), Some("\"2\""));
    call(&customer, Method::DELETE, &booking, "if-match", "\"1\"").await.expect_problem(412, "version_mismatch");
    call(&customer, Method::DELETE, &booking, "if-match", "\"2\"").await.expect(200);
    world.audit().await;
}
