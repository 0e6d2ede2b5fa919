//! The body of cancel and delete.
use loadmaster_testkit::{
    Answer, NewFlight, World,
    bad_input::{Case, each_alone, long},
    freight::{order, path_of},
};
use reqwest::Method;
use serde_json::{Value, json};

fn cases() -> Vec<Case> {
    vec![
        ("reason", json!(5), "wrong_type"),
        ("reason", json!(false), "wrong_type"),
        ("reason", json!(["late"]), "wrong_type"),
        ("reason", json!({"text": "late"}), "wrong_type"),
        ("reason", json!(""), "too_short"),
        ("reason", json!("\n\t "), "too_short"),
        ("reason", long(501), "too_long"),
        ("reason", json!("a\u{0}b"), "invalid_format"),
        ("reason", json!("a\u{7f}b"), "invalid_format"),
        ("notes", json!("late"), "unknown_field"),
        ("occurred_at", Value::Null, "unknown_field"),
    ]
}

#[tokio::test]
async fn the_reason_is_judged_and_nothing_else_taken() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let path = path_of(&customer.book(order(&[&flight])).await);
    each_alone(&world, &customer, &format!("{path}/cancel"), &json!({}), cases()).await;
    customer.post(&format!("{path}/cancel"), json!({"reason": long(500)})).await.expect(200);
    world.audit().await;
}

#[tokio::test]
async fn deleting_judges_the_same() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let path = path_of(&customer.book(order(&[&flight])).await);
    let before = world.written().await;
    for (member, value, code) in cases() {
        let request = customer.request(Method::DELETE, &path).header("content-type", "application/json");
        let answer = Answer::of(request.body(json!({(member): value}).to_string())).await;
        assert_eq!(answer.expect_faults(), [(format!("/{member}"), code.to_owned())]);
    }
    assert_eq!(world.written().await, before);
}
