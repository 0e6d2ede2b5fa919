//! Who may ask for a change of a flight, on which version, and in which form.
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Answer, World,
    amending::{patch, patch_if},
    flight_verbs::{flight_now, path_to},
    freight::{order, text},
};
use reqwest::Method;
use serde_json::json;

use super::{change, direct};

#[tokio::test]
async fn only_admins_change_flights_and_the_role_is_judged_before_existence() {
    let world = World::start().await;
    let (flight, admin) = (direct(&world).await, world.admin().await);
    let guest = world.caller(Role::Guest).await;
    let absent = "/api/v1/flights/01934f2e-0000-7000-8000-000000000000".to_owned();
    let before = world.written().await;
    for path in [path_to(&flight), absent, "/api/v1/flights/AI101".to_owned(), "/api/v1/flights/%00".to_owned()] {
        for wish in [json!({}), json!({"cutoff_minutes": 30}), json!({"colour": "red"}), json!({"capacity": 5})] {
            patch(&world.anonymous(), &path, wish.clone()).await.expect_problem(401, "unauthenticated");
            for caller in [&guest, &world.customer().await, &world.operator().await] {
                patch(caller, &path, wish.clone()).await.expect_problem(403, "forbidden");
            }
            if path != path_to(&flight) {
                patch(&admin, &path, wish.clone()).await.expect_problem(404, "not_found");
                patch_if(&admin, &path, "junk", wish.clone()).await.expect_problem(404, "not_found");
            }
        }
    }
    assert_eq!(world.written().await, before);
    change(&admin, &flight, json!({"cutoff_minutes": 30})).await.expect(200);
}

#[tokio::test]
async fn a_flight_is_changed_only_in_the_version_that_was_seen() {
    let world = World::start().await;
    let (flight, admin) = (direct(&world).await, world.admin().await);
    let path = path_to(&flight);
    let tag = admin.get(&path).await.header("etag").unwrap().to_owned();
    assert_eq!(tag, "\"1-1\"");
    // A booking moves only what comes after the dash, which is not compared.
    world.customer().await.book(order(&[&flight])).await;
    let before = world.written().await;
    for stale in ["\"0\"", "\"2\"", "\"2-1\"", "\"2-2\"", "W/\"2\"", "\"11-1\"", "\"\"", "\"-1\"", "\"2-1\", \"3-1\""] {
        let answer = patch_if(&admin, &path, stale, json!({"cutoff_minutes": 30})).await;
        let problem = answer.expect_problem(412, "version_mismatch");
        assert!(text(&problem, "detail").contains('1'), "{stale}: {problem}");
    }
    for malformed in ["1", "1-1", "\"1", "", "w/\"1-1\"", "\"1\" \"2\""] {
        let answer = patch_if(&admin, &path, malformed, json!({"cutoff_minutes": 30})).await;
        assert_eq!(answer.body["errors"][0]["in"], "header", "{malformed:?}: {}", answer.text);
        assert_eq!(answer.expect_faults(), [("if-match".to_owned(), "invalid_format".to_owned())], "{malformed:?}");
    }
    assert_eq!(world.written().await, before);
    for (version, good) in (1..).zip([tag.as_str(), "W/\"2-7\"", "\"3\"", "\"0-1\", \"4-999\"", "*"]) {
        let answer = patch_if(&admin, &path, good, json!({"cutoff_minutes": 100 + version})).await;
        let moved = answer.header("etag").map(str::to_owned);
        assert_eq!(answer.expect(200)["version"], version + 1, "{good}");
        assert!(moved.is_some_and(|tag| tag.starts_with(&format!("\"{}-", version + 1))), "{good}");
    }
    patch_if(&admin, &path, &tag, json!({})).await.expect_problem(412, "version_mismatch");
    world.audit().await;
}

#[tokio::test]
async fn faults_come_before_the_version_and_the_version_before_the_state() {
    let world = World::start().await;
    let (flight, admin) = (direct(&world).await, world.admin().await);
    let path = path_to(&flight);
    admin.poke(&format!("{path}/cancel")).await.expect(200);
    let faults = patch_if(&admin, &path, "\"1\"", json!({"cutoff_minutes": -1})).await.expect_faults();
    assert_eq!(faults, [("/cutoff_minutes".to_owned(), "too_small".to_owned())]);
    patch_if(&admin, &path, "\"1\"", json!({"cutoff_minutes": 30})).await.expect_problem(412, "version_mismatch");
    patch_if(&admin, &path, "\"2\"", json!({"cutoff_minutes": 30})).await.expect_problem(409, "invalid_transition");
}

#[tokio::test]
async fn a_body_that_is_no_change_says_what_it_is_not() {
    let world = World::start().await;
    let (flight, admin) = (direct(&world).await, world.admin().await);
    let path = path_to(&flight);
    let send = async |media_type: &str, body: String| {
        Answer::of(admin.request(Method::PATCH, &path).header("content-type", media_type).body(body)).await
    };
    let before = world.written().await;
    for body in ["{", "nonsense", "{} {}", " ", "", "{\"cutoff_minutes\": NaN}"] {
        send("application/json", body.to_owned()).await.expect_problem(400, "malformed_request");
    }
    for body in ["[]", "null", "5", "\"text\""] {
        let faults = send("application/json", body.to_owned()).await.expect_faults();
        assert_eq!(faults, [(String::new(), "wrong_type".to_owned())], "{body}");
    }
    for media_type in ["text/plain", "text/csv", "application/jsonp", ""] {
        send(media_type, "{}".to_owned()).await.expect_problem(415, "unsupported_media_type");
    }
    let large = format!("{{\"aircraft_code\": \"{}\"}}", "x".repeat(2 * 1024 * 1024));
    send("application/json", large).await.expect_problem(413, "payload_too_large");
    let faults = patch(&admin, &format!("{path}?force=true"), json!({})).await.expect_faults();
    assert_eq!(faults, [("force".to_owned(), "unknown_field".to_owned())]);
    assert_eq!(world.written().await, before);
    assert_eq!(flight_now(&admin, &flight).await, flight);
}

#[tokio::test]
async fn a_search_sees_the_change_at_once() {
    let world = World::start().await;
    let (flight, admin) = (direct(&world).await, world.admin().await);
    let search = json!({"origin": "DEL", "destination": "LHR", "departure_date": "2026-11-21"});
    for (wish, member) in [
        (json!({"capacity": {"weight_kg": 77}}), "capacity"),
        (json!({"departure_datetime": "2026-11-21T11:00:00Z"}), "departure_datetime"),
        (json!({"aircraft_code": "77X"}), "aircraft_code"),
        (json!({"cutoff_minutes": 15}), "cutoff_datetime"),
    ] {
        let found = admin.post("/api/v1/routes/search", search.clone()).await.expect(200);
        let after = change(&admin, &flight, wish).await.expect(200);
        assert_ne!(found["direct_flights"][0][member], after[member]);
        let found = admin.post("/api/v1/routes/search", search.clone()).await.expect(200);
        assert_eq!(found["direct_flights"][0][member], after[member], "{member}");
    }
}
