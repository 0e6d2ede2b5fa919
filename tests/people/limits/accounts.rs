use chrono::TimeDelta;
use loadmaster_testkit::{Answer, World};
use serde_json::{Value, json};

use super::{behind_proxies, limited, post_as, refused, told};

const LOGIN: &str = "/api/v1/auth/login";
const PASSWORD: &str = "correct horse battery";

async fn register(world: &World, email: &str) -> Value {
    let account = json!({"email": email, "password": PASSWORD});
    post_as(&world.anonymous(), "192.0.2.250", "/api/v1/auth/register", &account).await.expect(201)
}

#[tokio::test]
async fn an_address_tries_credentials_ten_times_a_minute_whichever_they_are() {
    let world = limited().start().await;
    let anybody = world.anonymous();
    let mut left = 10;
    let mut count = |answer: &Answer| {
        left -= 1;
        assert_eq!(told(answer).unwrap()[..2], [10, left], "{}", answer.text);
    };
    let login = json!({"email": "nobody@example.com", "password": "wrong password"});
    for _ in 0..3 {
        let answer = anybody.post(LOGIN, login.clone()).await;
        count(&answer);
        answer.expect_problem(401, "invalid_credentials");
    }
    count(&anybody.post(LOGIN, json!({})).await);
    count(&anybody.post_raw(LOGIN, "application/json", "{").await);
    count(&anybody.poke("/api/v1/auth/guest").await);
    count(&anybody.post("/api/v1/auth/refresh", json!({"refresh_token": "guessed"})).await);
    count(&anybody.post("/api/v1/auth/register", json!({"email": "x"})).await);
    let form = "grant_type=password&username=nobody%40example.com&password=wrong";
    let token = async || anybody.post_raw("/api/v1/auth/token", "application/x-www-form-urlencoded", form).await;
    count(&token().await);
    // A token beside them makes no caller of it.
    let customer = world.customer().await;
    count(&customer.post(LOGIN, login.clone()).await);
    refused(customer.post(LOGIN, login.clone()).await, 10);
    refused(token().await, 10);
    refused(anybody.poke("/api/v1/auth/guest").await, 10);
    // All else has its own quota.
    assert_eq!(told(&anybody.get(super::OPEN).await).unwrap()[..2], [60, 59]);
    assert_eq!(told(&anybody.get(LOGIN).await).unwrap()[..2], [60, 58], "405 tries nothing");
}

#[tokio::test]
async fn an_account_is_tried_ten_times_a_minute_from_wherever_and_an_unknown_one_alike() {
    let world = behind_proxies().await;
    register(&world, "ann@example.com").await;
    let anybody = world.anonymous();
    let mut seen = Vec::new();
    for email in ["ann@example.com", "zoe@example.com"] {
        let mut answers = Vec::new();
        for attempt in 0..12 {
            let email = if attempt % 2 == 0 { email.to_owned() } else { email.to_uppercase() };
            let login = json!({"email": email, "password": format!("guess {attempt}")});
            let answer = post_as(&anybody, &format!("203.0.113.{attempt}"), LOGIN, &login).await;
            let mut body = answer.body.clone();
            body["request_id"] = Value::Null;
            answers.push((answer.status, told(&answer), body));
        }
        assert!(answers[..10].iter().all(|(status, ..)| status.as_u16() == 401));
        assert!(answers[10..].iter().all(|(status, ..)| status.as_u16() == 429));
        seen.push(answers.into_iter().map(|(status, told, body)| (status, told.unwrap()[0], body)).collect::<Vec<_>>());
    }
    assert_eq!(seen[0], seen[1], "nobody learns which of them exists");
    let right = json!({"email": "ann@example.com", "password": PASSWORD});
    let seconds = refused(post_as(&anybody, "198.51.100.1", LOGIN, &right).await, 10);
    let form = format!("grant_type=password&username=ann%40example.com&password={PASSWORD}");
    let request =
        anybody.request(reqwest::Method::POST, "/api/v1/auth/token").header("x-forwarded-for", "198.51.100.2");
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(form.replace(' ', "+"));
    refused(Answer::of(request).await, 10);
    // Other accounts are not concerned, and hers only for so long.
    post_as(&anybody, "198.51.100.3", LOGIN, &json!({"email": "bob@example.com", "password": "x"})).await.expect(401);
    world.clock.advance(TimeDelta::seconds(i64::from(seconds)));
    post_as(&anybody, "198.51.100.4", LOGIN, &right).await.expect(200);
}

#[tokio::test]
async fn finding_out_again_and_again_that_an_address_is_registered_is_trying_the_account() {
    let world = behind_proxies().await;
    register(&world, "ann@example.com").await;
    let again = async |attempt: u8| {
        let account = json!({"email": "Ann@example.com", "password": PASSWORD});
        post_as(&world.anonymous(), &format!("203.0.113.{attempt}"), "/api/v1/auth/register", &account).await
    };
    for attempt in 0..10 {
        again(attempt).await.expect_problem(409, "already_exists");
    }
    refused(again(10).await, 10);
}

#[tokio::test]
async fn guessing_the_current_password_is_trying_the_account() {
    let world = behind_proxies().await;
    let ann = register(&world, "ann@example.com").await;
    let ann = world.anonymous().with_token(ann["access_token"].as_str().unwrap());
    let change = json!({"current": "a guess", "new": "another good password"});
    for attempt in 1..=10 {
        let answer = post_as(&ann, &format!("203.0.113.{attempt}"), "/api/v1/auth/password", &change).await;
        answer.expect_problem(401, "invalid_credentials");
    }
    refused(post_as(&ann, "203.0.113.99", "/api/v1/auth/password", &change).await, 10);
    let login = json!({"email": "ann@example.com", "password": PASSWORD});
    refused(post_as(&world.anonymous(), "203.0.113.100", LOGIN, &login).await, 10);
}
