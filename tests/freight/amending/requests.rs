//! Who may ask for a change, on which version, and in which form: judged in this order.
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Answer, Client, NewFlight, World,
    amending::{amend, patch, patch_if, shown},
    freight::{order, path_of, text, without},
};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use super::one_booking;

async fn raw_patch(client: &Client, path: &str, media_type: &str, body: impl Into<reqwest::Body>) -> Answer {
    Answer::of(client.request(Method::PATCH, path).header("content-type", media_type).body(body)).await
}

#[tokio::test]
async fn a_booking_is_amended_by_its_organization_and_the_carrier() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let organization = Uuid::new_v4();
    let owner = world.caller_in(Role::Customer, Uuid::new_v4(), organization).await;
    let colleague = world.caller_in(Role::Customer, Uuid::new_v4(), organization).await;
    let booking = owner.book(order(&[&flight])).await;
    let path = path_of(&booking);
    for (pieces, caller) in (3..).zip([&owner, &colleague, &world.operator().await, &world.admin().await]) {
        let after = amend(caller, &booking, json!({"pieces": pieces})).await.expect(200);
        assert_eq!((&after["pieces"], &after["created_by"]), (&json!(pieces), &booking["created_by"]));
    }
    let lower = path.to_lowercase();
    patch(&owner, &lower, json!({"pieces": 9})).await.expect(200);
    let before = world.written().await;
    patch(&world.anonymous(), &path, json!({"pieces": 1})).await.expect_problem(401, "unauthenticated");
    let guest = world.caller(Role::Guest).await;
    patch(&guest, &path, json!({"pieces": 1})).await.expect_problem(403, "forbidden");
    patch(&world.customer().await, &path, json!({"pieces": 1})).await.expect_problem(404, "not_found");
    assert_eq!(world.written().await, before);
    world.audit().await;
}

#[tokio::test]
async fn a_foreign_booking_is_answered_like_one_that_does_not_exist() {
    let (world, customer, booking) = one_booking().await;
    let stranger = world.customer().await;
    let bodies = [r#"{"pieces": 3}"#, r#"{"pieces": 0}"#, "{", "[]", "", r#"{"colour": 1}"#];
    for body in bodies {
        let ask = async |path: &str| raw_patch(&stranger, path, "application/json", body).await;
        let foreign = ask(&path_of(&booking)).await.expect_problem(404, "not_found");
        for reference in ["ACB000000000", "ACB1", "nonsense", "%00"] {
            let absent = ask(&format!("/api/v1/bookings/{reference}?x=1")).await.expect_problem(404, "not_found");
            if reference == "ACB000000000" {
                assert_eq!(without(foreign.clone(), "request_id"), without(absent, "request_id"), "{body}");
            }
        }
    }
    patch_if(&stranger, &path_of(&booking), "\"77\"", json!({})).await.expect_problem(404, "not_found");
    assert_eq!(shown(&customer, &booking).await, booking);
}

#[tokio::test]
async fn the_credential_comes_first_then_the_role_then_existence() {
    let (world, _customer, booking) = one_booking().await;
    let guest = world.caller(Role::Guest).await;
    for path in [path_of(&booking), "/api/v1/bookings/ACB000000000".to_owned(), "/api/v1/bookings/nonsense".to_owned()]
    {
        for change in [json!({}), json!({"pieces": 0}), json!({"colour": "red"})] {
            patch(&world.anonymous(), &path, change.clone()).await.expect_problem(401, "unauthenticated");
            patch(&guest, &path, change).await.expect_problem(403, "forbidden");
        }
    }
}

#[tokio::test]
async fn a_change_is_made_only_to_the_version_that_was_seen() {
    let (world, customer, booking) = one_booking().await;
    let path = path_of(&booking);
    let before = world.written().await;
    for tag in ["\"0\"", "\"2\"", "W/\"2\"", "\"11\"", "\"\"", "\"2\", \"3\""] {
        let answer = patch_if(&customer, &path, tag, json!({"pieces": 3})).await;
        let problem = answer.expect_problem(412, "version_mismatch");
        assert!(text(&problem, "detail").contains('1'), "{tag}: {problem}");
    }
    for tag in ["1", "\"1", "W/1", "", "\"1\" \"2\"", "w/\"1\""] {
        let answer = patch_if(&customer, &path, tag, json!({"pieces": 3})).await;
        assert_eq!(answer.body["errors"][0]["in"], "header", "{tag:?}: {}", answer.text);
        assert_eq!(answer.expect_faults(), [("if-match".to_owned(), "invalid_format".to_owned())], "{tag:?}");
    }
    assert_eq!(world.written().await, before);
    for (version, tag) in (1..).zip(["\"1\"", "W/\"2\"", "\"9\", \"3\"", "*", "  \"5\"  "]) {
        let answer = patch_if(&customer, &path, tag, json!({"pieces": 10 + version})).await;
        assert_eq!(answer.header("etag"), Some(format!("\"{}\"", version + 1).as_str()), "{tag}: {}", answer.text);
        answer.expect(200);
    }
    // Also what changes nothing is asked of one version.
    patch_if(&customer, &path, "\"5\"", json!({})).await.expect_problem(412, "version_mismatch");
    patch_if(&customer, &path, "\"6\"", json!({})).await.expect(200);
    world.audit().await;
}

#[tokio::test]
async fn faults_come_before_the_version_and_the_version_before_the_state() {
    let (world, customer, booking) = one_booking().await;
    let path = path_of(&booking);
    customer.walk(&booking, &["cancel"]).await;
    let faulty = patch_if(&customer, &path, "\"1\"", json!({"pieces": 0})).await.expect_faults();
    assert_eq!(faulty, [("/pieces".to_owned(), "too_small".to_owned())]);
    patch_if(&customer, &path, "\"1\"", json!({"pieces": 3})).await.expect_problem(412, "version_mismatch");
    patch_if(&customer, &path, "\"2\"", json!({"pieces": 3})).await.expect_problem(409, "invalid_transition");
    world.audit().await;
}

#[tokio::test]
async fn a_body_that_is_no_change_says_what_it_is_not() {
    let (world, customer, booking) = one_booking().await;
    let path = path_of(&booking);
    let before = world.written().await;
    for body in ["{", "nonsense", "{} {}", "{\"pieces\": 3,}", " ", "", "{\"weight_kg\": NaN}", "{\"weight_kg\": 01}"] {
        let answer = raw_patch(&customer, &path, "application/json", body).await;
        assert_eq!(answer.status, 400, "{body:?}: {}", answer.text);
        answer.expect_problem(400, "malformed_request");
    }
    let deep = format!("{{\"pieces\": {}{}}}", "[".repeat(128), "]".repeat(128));
    raw_patch(&customer, &path, "application/json", deep).await.expect_problem(400, "malformed_request");
    let broken = b"{\"description\": \"D\xffL\"}".to_vec();
    raw_patch(&customer, &path, "application/json", broken).await.expect_problem(400, "malformed_request");
    for body in ["[]", "null", "5", "\"text\"", "true", "[{\"pieces\": 3}]"] {
        let answer = raw_patch(&customer, &path, "application/json", body).await;
        assert_eq!(answer.expect_faults(), [(String::new(), "wrong_type".to_owned())], "{body}");
    }
    for media_type in ["text/plain", "application/xml", "application/json-patch+json", "application/jsonp", ""] {
        let answer = raw_patch(&customer, &path, media_type, "{\"pieces\": 3}").await;
        answer.expect_problem(415, "unsupported_media_type");
    }
    let large = format!("{{\"description\": \"{}\"}}", "x".repeat(2 * 1024 * 1024));
    raw_patch(&customer, &path, "application/json", large).await.expect_problem(413, "payload_too_large");
    let faults = patch(&customer, &format!("{path}?force=true"), json!({"pieces": 3})).await.expect_faults();
    assert_eq!(faults, [("force".to_owned(), "unknown_field".to_owned())]);
    assert_eq!(world.written().await, before);
    assert_eq!(shown(&customer, &booking).await, booking);
    raw_patch(&customer, &path, "Application/JSON; charset=utf-8", "{\"pieces\": 3}").await.expect(200);
}

#[tokio::test]
async fn a_booking_is_patched_and_not_put() {
    let (_world, customer, booking) = one_booking().await;
    let request = customer.request(Method::PUT, &path_of(&booking)).header("content-type", "application/json");
    let answer = Answer::of(request.body("{}")).await;
    let allowed = answer.header("allow").expect("Allow").to_owned();
    answer.expect_problem(405, "method_not_allowed");
    assert!(allowed.split(',').any(|method| method.trim() == "PATCH"), "{allowed}");
}
