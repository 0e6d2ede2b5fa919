use axum::http::Method;
use chrono::TimeDelta;
use loadmaster_testkit::{Answer, Client, World, WorldOptions};
use serde_json::{Value, json};

use super::{me, register, rows, sms::Gateway};

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

/// A request of this client from another network address.
async fn from(address: &str, client: &Client, method: Method, path: &str, body: &Value) -> Answer {
    let request = client.request(method, path).header("x-forwarded-for", address);
    Answer::of(request.json(body)).await
}

#[tokio::test]
async fn a_network_address_has_some_codes_sent_in_a_day_whatever_the_number_of_accounts() {
    // Nobody sends.
    let limited = WorldOptions::default().set("server.trusted_proxies", "127.0.0.0/8");
    let world = limited.set("sms.codes_per_address", "3").start().await;
    let ask = async |address: &str, client: &Client, number: usize| {
        let phone = json!({"phone": format!("+4420794601{number:02}")});
        from(address, client, Method::PATCH, "/api/v1/auth/me", &phone).await
    };
    let mut last = world.customer().await;
    for number in 0..3 {
        if number > 0 {
            world.clock.advance(TimeDelta::hours(1));
        }
        last = world.customer().await;
        ask("203.0.113.7", &last, number).await.expect(200);
    }
    let stranger = world.customer().await;
    let refused = ask("203.0.113.7", &stranger, 3).await;
    assert_eq!(refused.header("retry-after"), Some((22 * 3600 + 1).to_string().as_str()));
    refused.expect_problem(429, "rate_limited");
    assert_eq!(me(&stranger).await["phone"], Value::Null, "nothing was changed");
    from("203.0.113.7", &last, Method::POST, AGAIN, &json!({})).await.expect_problem(429, "rate_limited");
    ask("198.51.100.7", &stranger, 3).await.expect(200);
    let texts = async || world.texts("select id::text from notifications where channel = 'sms'").await.len();
    assert_eq!(texts().await, 4);
    // A day after the first of them, one more; the next an hour later.
    world.clock.advance(TimeDelta::hours(22));
    let (one, other) = (world.customer().await, world.customer().await);
    ask("203.0.113.7", &one, 4).await.expect(200);
    ask("203.0.113.7", &other, 5).await.expect_problem(429, "rate_limited");
    for trace in ["203.0.113", "198.51.100"] {
        assert_eq!(world.found(&[trace]).await, Vec::<String>::new(), "addresses are not kept");
    }
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
    let world = loadmaster_testkit::World::start().await;
    let ann = world.customer().await;
    for phone in
        ["", "12345678", "+", "+123456", "+01234567890", "+1234567890123456", "+44 20 seven", "+44\n2079460123"]
    {
        let faults = ann.patch("/api/v1/auth/me", json!({ "phone": phone })).await.expect_faults();
        assert_eq!(faults[0].0, "/phone", "{phone}");
    }
    assert!(rows(&world).await.is_empty());
}
