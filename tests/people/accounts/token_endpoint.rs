//! `/auth/token` speaks RFC 6749, so that Swagger's *Authorize* works.
use loadmaster_testkit::{Answer, Client, World, WorldOptions};
use reqwest::Method;
use serde_json::{Value, json};

use super::{PASSWORD, disable, members, register};

const PATH: &str = "/api/v1/auth/token";
const FORM: &str = "application/x-www-form-urlencoded";
const EMAIL: &str = "ann@forwarder.example";

async fn ask(client: &Client, form: &str) -> Answer {
    client.post_raw(PATH, FORM, form.to_owned()).await
}

/// The error in the shape of RFC 6749, section 5.2, with what all our errors have beside.
#[track_caller]
fn refused(answer: Answer) -> Value {
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("pragma"), Some("no-cache"));
    let request_id = answer.header("x-request-id").unwrap().to_owned();
    let body = answer.expect(400);
    assert_eq!(members(&body), ["detail", "error", "error_description", "request_id"]);
    assert_eq!(body["request_id"], request_id);
    assert!(body["detail"].as_str().is_some_and(|detail| !detail.is_empty()));
    let description = body["error_description"].as_str().unwrap();
    assert!(description.chars().all(|c| matches!(c, ' '..='~') && c != '"' && c != '\\'), "{description}");
    body
}

#[tokio::test]
async fn a_password_grant_gives_a_bearer_token() {
    let world = World::start().await;
    let client = world.anonymous();
    let registered = register(&client, EMAIL, PASSWORD).await.expect(201);
    let form = "grant_type=password&username=ANN%40forwarder.example&password=correct+horse%20battery\
                &scope=&client_id=swagger&client_secret=";
    for content_type in [FORM, "application/x-www-form-urlencoded; charset=UTF-8", "Application/X-WWW-Form-Urlencoded"]
    {
        let answer = client.post_raw(PATH, content_type, form).await;
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("pragma"), Some("no-cache"));
        let token = answer.expect(200);
        assert_eq!(members(&token), ["access_token", "expires_in", "refresh_token", "token_type"]);
        assert_eq!((&token["token_type"], &token["expires_in"]), (&json!("bearer"), &json!(900)));
        let ann = client.with_token(token["access_token"].as_str().unwrap());
        assert_eq!(ann.get("/api/v1/auth/me").await.expect(200), registered["user"]);
    }
}

#[tokio::test]
async fn client_credentials_in_the_header_are_ignored() {
    let world = World::start().await;
    register(&world.anonymous(), EMAIL, PASSWORD).await.expect(201);
    let form = format!("grant_type=password&username={EMAIL}&password={PASSWORD}");
    for authorization in ["Basic c3dhZ2dlcjo=", "Bearer no.good.token", "nonsense"] {
        let request = world.anonymous().request(Method::POST, PATH).header("authorization", authorization);
        Answer::of(request.header("content-type", FORM).body(form.clone())).await.expect(200);
    }
}

#[tokio::test]
async fn faults_of_a_grant_are_rfc_6749_errors() {
    let world = World::start().await;
    let client = world.anonymous();
    register(&client, EMAIL, PASSWORD).await.expect(201);
    register(&client, "disabled@forwarder.example", PASSWORD).await.expect(201);
    disable(&world, "disabled@forwarder.example").await;
    for (form, error) in [
        ("", "invalid_request"),
        ("username=ann@forwarder.example&password=correct+horse+battery", "invalid_request"),
        ("grant_type=&username=ann@forwarder.example&password=correct+horse+battery", "invalid_request"),
        ("grant_type=password&password=correct+horse+battery", "invalid_request"),
        ("grant_type=password&username=ann@forwarder.example", "invalid_request"),
        ("grant_type=password&username=ann@forwarder.example&password=", "invalid_request"),
        (
            "grant_type=password&grant_type=password&username=ann@forwarder.example&password=correct+horse+battery",
            "invalid_request",
        ),
        (
            "grant_type=password&username=ann@forwarder.example&password=correct+horse+battery&password=x",
            "invalid_request",
        ),
        ("grant_type=password&username=%FF&password=x", "invalid_request"),
        ("grant_type=client_credentials", "unsupported_grant_type"),
        ("grant_type=authorization_code&code=x", "unsupported_grant_type"),
        ("grant_type=PASSWORD&username=ann@forwarder.example&password=x", "unsupported_grant_type"),
        ("grant_type=password&username=ann@forwarder.example&password=wrong", "invalid_grant"),
        ("grant_type=password&username=bob@forwarder.example&password=correct+horse+battery", "invalid_grant"),
        ("grant_type=password&username=nobody&password=correct+horse+battery", "invalid_grant"),
        ("grant_type=password&username=disabled@forwarder.example&password=correct+horse+battery", "invalid_grant"),
    ] {
        assert_eq!(refused(ask(&client, form).await)["error"], error, "{form}");
    }
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_are_answered_alike() {
    let world = World::start().await;
    let client = world.anonymous();
    register(&client, EMAIL, PASSWORD).await.expect(201);
    let mut bodies = Vec::new();
    for user in [EMAIL, "bob@forwarder.example", "nobody"] {
        let answer = ask(&client, &format!("grant_type=password&username={user}&password=wrong+password")).await;
        bodies.push(super::without_request_id(refused(answer)));
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
}

#[tokio::test]
async fn only_a_form_without_query_is_taken() {
    let world = World::start().await;
    let client = world.anonymous();
    register(&client, EMAIL, PASSWORD).await.expect(201);
    let json = json!({"grant_type": "password", "username": EMAIL, "password": PASSWORD});
    assert_eq!(refused(client.post(PATH, json).await)["error"], "invalid_request");
    assert_eq!(refused(client.poke(PATH).await)["error"], "invalid_request");
    let form = format!("grant_type=password&username={EMAIL}&password={PASSWORD}");
    for query in ["grant_type=password", "x=%22%C3%A9", "%FF"] {
        let answer = client.post_raw(&format!("{PATH}?{query}"), FORM, form.clone()).await;
        assert_eq!(refused(answer)["error"], "invalid_request", "{query}");
    }
}

#[tokio::test]
async fn failures_unrelated_to_the_grant_are_problems() {
    let world = WorldOptions::default().set("server.max_body_bytes", "2000").start().await;
    let form = format!("grant_type=password&username={EMAIL}&password={}", "x".repeat(3000));
    ask(&world.anonymous(), &form).await.expect_problem(413, "payload_too_large");
    world.anonymous().get(PATH).await.expect_problem(405, "method_not_allowed");
}
