//! `Prefer: return=minimal`: a change is made all the same, and its answer has no body.
use loadmaster_testkit::{
    Answer, Client, NewFlight, World,
    freight::{BOOKINGS, order, path_of, text},
};
use reqwest::Method;
use serde_json::{Value, json};

async fn ask(client: &Client, method: Method, path: &str, body: Option<&Value>, more: &[(&str, &str)]) -> Answer {
    let headers = [&[("prefer", "return=minimal")][..], more].concat();
    client.send(method, path, &headers, body).await
}

fn assert_minimal(answer: &Answer, status: u16, tag: &str) {
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (status, ""), "{}", answer.text);
    assert_eq!(answer.header("preference-applied"), Some("return=minimal"));
    assert_eq!((answer.header("etag"), answer.header("content-type")), (Some(tag), None));
}

#[tokio::test]
async fn changes_are_answered_without_what_can_be_read_again() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let key = [("idempotency-key", "one")];
    for repetition in 0..2 {
        let made = ask(&customer, Method::POST, BOOKINGS, Some(&order(&[&flight])), &key).await;
        assert_minimal(&made, 201, "\"1\"");
        assert_eq!(made.header("idempotency-replayed"), (repetition == 1).then_some("true"));
        let found = customer.get(made.header("location").expect("a place")).await.expect(200);
        assert_eq!(text(&found, "status"), "BOOKED");
    }
    let booking = customer.get(BOOKINGS).await.expect(200)[0].clone();
    let path = path_of(&booking);
    let amended = ask(&customer, Method::PATCH, &path, Some(&json!({"pieces": 7})), &[("if-match", "\"1\"")]).await;
    assert_minimal(&amended, 204, "\"2\"");
    let stale = ask(&customer, Method::PATCH, &path, Some(&json!({"pieces": 8})), &[("if-match", "\"1\"")]).await;
    stale.expect_problem(412, "version_mismatch");
    assert_minimal(&ask(&operator, Method::POST, &format!("{path}/depart"), None, &[]).await, 204, "\"3\"");
    let now = customer.get(&path).await.expect(200);
    assert_eq!((&now["pieces"], text(&now, "status")), (&json!(7), "DEPARTED"));
    world.audit().await;
}

#[tokio::test]
async fn what_cannot_be_read_again_is_answered_whole() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    let preview = format!("/api/v1/flights/{}/cancel?dry_run=true", text(&flight, "id"));
    for (client, method, path, body, member) in [
        (&customer, Method::POST, "/api/v1/api-keys", Some(json!({"name": "scanner"})), "key"),
        (&customer, Method::POST, "/api/v1/webhooks", Some(json!({"url": "https://nowhere.example/"})), "secret"),
        (&customer, Method::POST, "/api/v1/auth/guest", None, "access_token"),
        (&admin, Method::POST, &preview, None, "flight"),
        (&customer, Method::GET, "/api/v1/auth/me", None, "email"),
    ] {
        let answer = ask(client, method, path, body.as_ref(), &[]).await;
        assert!(answer.status.is_success() && answer.body.get(member).is_some(), "{path}: {}", answer.text);
        assert_eq!(answer.header("preference-applied"), None, "{path}");
    }
    let refused = ask(&customer, Method::POST, BOOKINGS, Some(&json!({})), &[]).await;
    assert_eq!(refused.expect_faults().len(), 4);
}
