//! An installation whose users do not exchange passwords for tokens: every way to do so is closed, the others stay open.
use loadmaster_testkit::{Answer, Client, World, WorldOptions};
use serde_json::json;

use super::{PASSWORD, bearer, log_in, me, refresh, register};

const EMAIL: &str = "ada@example.com";
const FORM: &str = "application/x-www-form-urlencoded";

/// A world that takes no passwords, and a session that was opened on the same database while passwords were taken.
async fn world_with_a_former_session() -> (World, serde_json::Value) {
    let before = World::start().await;
    let session = register(&before.anonymous(), EMAIL, PASSWORD).await.expect(201);
    let world = WorldOptions::default().set("auth.password_grant", "false").on(&before.database).start().await;
    (world, session)
}

#[track_caller]
fn closed(answer: Answer) {
    let detail = answer.expect_problem(403, "forbidden")["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("passwords"), "{detail}");
}

async fn token(client: &Client, form: &str) -> Answer {
    client.post_raw("/api/v1/auth/token", FORM, form.to_owned()).await
}

#[tokio::test]
async fn without_the_password_grant_log_ins_and_registrations_are_refused() {
    let (world, _) = world_with_a_former_session().await;
    let client = world.anonymous();
    closed(log_in(&client, EMAIL, PASSWORD).await);
    closed(log_in(&client, EMAIL, "another password").await);
    closed(register(&client, "new@example.com", PASSWORD).await);
    // An address that is taken is not told from one that is free, and nothing of the body is judged.
    closed(register(&client, EMAIL, PASSWORD).await);
    closed(client.post("/api/v1/auth/register", json!({"email": 5})).await);
    closed(client.post_raw("/api/v1/auth/login", "text/plain", "x").await);
    let users = "select email from users";
    assert_eq!(world.texts(users).await, [EMAIL]);
}

#[tokio::test]
async fn without_the_password_grant_the_token_endpoint_refuses_the_grant() {
    let (world, _) = world_with_a_former_session().await;
    for password in ["correct+horse+battery", "wrong"] {
        let form = format!("grant_type=password&username={EMAIL}&password={password}");
        let answer = token(&world.anonymous(), &form).await.expect(400);
        assert_eq!(answer["error"], "unsupported_grant_type", "{answer}");
    }
}

#[tokio::test]
async fn without_the_password_grant_changes_of_a_password_are_refused() {
    let (world, session) = world_with_a_former_session().await;
    let change = json!({"current": PASSWORD, "new": "another good password"});
    closed(bearer(&world, &session).post("/api/v1/auth/password", change.clone()).await);
    // Who has no credential hears of that first, as everywhere.
    world.anonymous().post("/api/v1/auth/password", change).await.expect_problem(401, "unauthenticated");
    let with_passwords = WorldOptions::default().on(&world.database).start().await;
    log_in(&with_passwords.anonymous(), EMAIL, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn without_the_password_grant_sessions_keys_and_guests_go_on() {
    let (world, session) = world_with_a_former_session().await;
    let caller = bearer(&world, &session);
    me(&caller).await.expect(200);
    // Nobody can log in again: a session of any age makes keys. A password is of no use.
    world.sql("update refresh_tokens set saved_at = saved_at - interval '11 minutes'").await;
    closed(caller.post("/api/v1/api-keys", json!({"name": "scanner", "password": PASSWORD})).await);
    let key = caller.post("/api/v1/api-keys", json!({"name": "scanner"})).await.expect(201);
    me(&world.anonymous().with_token(key["key"].as_str().unwrap())).await.expect(200);
    let next = refresh(&world.anonymous(), &session["refresh_token"]).await.expect(200);
    let form = format!("grant_type=refresh_token&refresh_token={}", next["refresh_token"].as_str().unwrap());
    token(&world.anonymous(), &form).await.expect(200);
    world.anonymous().poke("/api/v1/auth/guest").await.expect(200);
}
