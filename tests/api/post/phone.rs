use chrono::TimeDelta;
use serde_json::json;

use super::{me, register, rows, sms::Gateway};
use crate::support::{Client, World, WorldOptions};

const VERIFY: &str = "/api/v1/auth/phone/verify";
const AGAIN: &str = "/api/v1/auth/phone/verification";

async fn set_phone(client: &Client, phone: &str) {
    let body = client.patch("/api/v1/auth/me", json!({ "phone": phone })).await.expect(200);
    assert_eq!(body["phone_verified"], false);
}

/// Another code of six digits.
fn other_than(code: &str) -> String {
    if code == "000000" { "000001" } else { "000000" }.to_owned()
}

#[tokio::test]
async fn a_phone_is_verified_by_six_digits() {
    let gateway = Gateway::start().await;
    let world = gateway.world().start().await;
    let ann = register(&world, "ann@example.org").await;
    set_phone(&ann, "+44 (0)20 7946-0123").await;
    let text = gateway.texts(1).await.remove(0);
    assert_eq!(text["to"], "+442079460123");
    let code = Gateway::code(&text);
    ann.post(VERIFY, json!({ "code": other_than(&code) })).await.expect_problem(400, "invalid_token");
    ann.post(VERIFY, json!({ "code": code })).await.expect(204);
    let body = me(&ann).await;
    assert_eq!((&body["phone"], &body["phone_verified"]), (&json!("+442079460123"), &json!(true)));
    ann.post(VERIFY, json!({ "code": code })).await.expect_problem(400, "invalid_token");
    // Another number is another matter.
    set_phone(&ann, "+442079460124").await;
    ann.patch("/api/v1/auth/me", json!({ "phone": null })).await.expect(200);
    assert_eq!(me(&ann).await["phone_verified"], false);
}

#[tokio::test]
async fn five_wrong_guesses_are_the_last() {
    let gateway = Gateway::start().await;
    let world = gateway.world().start().await;
    let ann = register(&world, "ann@example.org").await;
    set_phone(&ann, "+442079460123").await;
    let code = Gateway::code(&gateway.texts(1).await[0]);
    for _ in 0..5 {
        ann.post(VERIFY, json!({ "code": other_than(&code) })).await.expect_problem(400, "invalid_token");
    }
    ann.post(VERIFY, json!({ "code": code })).await.expect_problem(400, "invalid_token");
    // New digits have guesses of their own.
    ann.post(AGAIN, json!({})).await.expect(202);
    let code = Gateway::code(&gateway.texts(2).await[1]);
    ann.post(VERIFY, json!({ "code": code })).await.expect(204);
}

#[tokio::test]
async fn digits_are_good_for_ten_minutes_and_for_the_number_that_got_them() {
    let gateway = Gateway::start().await;
    let world = gateway.world().start().await;
    let ann = register(&world, "ann@example.org").await;
    ann.post(AGAIN, json!({})).await.expect_problem(409, "invalid_transition");
    set_phone(&ann, "+442079460123").await;
    let first = Gateway::code(&gateway.texts(1).await[0]);
    world.clock.advance(TimeDelta::minutes(10));
    ann.post(VERIFY, json!({ "code": first })).await.expect_problem(400, "invalid_token");
    ann.post(AGAIN, json!({})).await.expect(202);
    let second = Gateway::code(&gateway.texts(2).await[1]);
    set_phone(&ann, "+442079460999").await;
    if second != Gateway::code(&gateway.texts(3).await[2]) {
        ann.post(VERIFY, json!({ "code": second })).await.expect_problem(400, "invalid_token");
    }
}

#[tokio::test]
async fn a_number_gets_five_messages_a_day_from_all_accounts_together() {
    // Nobody sends.
    let world = World::start().await;
    let texts = async || world.texts("select id::text from notifications where channel = 'sms'").await.len();
    for expected in [1, 2, 3, 4, 5, 5, 5] {
        set_phone(&world.customer().await, "+442079460123").await;
        assert_eq!(texts().await, expected);
    }
    set_phone(&world.customer().await, "+442079460124").await;
    assert_eq!(texts().await, 6, "another number");
    world.clock.advance(TimeDelta::hours(24));
    set_phone(&world.customer().await, "+442079460123").await;
    assert_eq!(texts().await, 7);
}

#[tokio::test]
async fn numbers_are_set_as_often_as_credentials_are_tried() {
    let options =
        WorldOptions::default().set("rate_limit.enabled", "true").set("rate_limit.credentials_per_minute", "2");
    let world = options.start().await;
    let ann = world.customer().await;
    for phone in ["+442079460123", "+442079460124"] {
        set_phone(&ann, phone).await;
    }
    let third = ann.patch("/api/v1/auth/me", json!({"phone": "+442079460125"})).await;
    third.expect_problem(429, "rate_limited");
    ann.patch("/api/v1/auth/me", json!({"name": "Ann"})).await.expect(200);
}

#[tokio::test]
async fn what_is_no_phone_number_is_refused() {
    let world = crate::support::World::start().await;
    let ann = world.customer().await;
    for phone in
        ["", "12345678", "+", "+123456", "+01234567890", "+1234567890123456", "+44 20 seven", "+44\n2079460123"]
    {
        let faults = ann.patch("/api/v1/auth/me", json!({ "phone": phone })).await.expect_faults();
        assert_eq!(faults[0].0, "/phone", "{phone}");
    }
    assert!(rows(&world).await.is_empty());
}
