//! Refreshing counts by session, and by address only where no session is known.
use chrono::TimeDelta;
use loadmaster_testkit::{Answer, Client, Watch, World};
use serde_json::{Value, json};
use sqlx::Executor;

use super::{behind_proxies, limited, post_as, refused, told};

const REFRESH: &str = "/api/v1/auth/refresh";
const PASSWORD: &str = "correct horse battery";
/// The address that the whole office has.
const OFFICE: &str = "203.0.113.7";

/// A limited world in which a session may be refreshed three times a minute.
async fn world() -> World {
    limited()
        .set("server.trusted_proxies", "127.0.0.0/8")
        .set("rate_limit.session_refreshes_per_minute", "3")
        .start()
        .await
}

/// The refresh token of a new session.
async fn session(world: &World, email: &str) -> Value {
    let account = json!({"email": email, "password": PASSWORD});
    let opened = post_as(&world.anonymous(), "192.0.2.250", "/api/v1/auth/register", &account).await.expect(201);
    opened["refresh_token"].clone()
}

async fn refresh_from(client: &Client, address: &str, token: &Value) -> Answer {
    post_as(client, address, REFRESH, &json!({"refresh_token": token})).await
}

#[tokio::test]
async fn a_session_has_a_quota_of_refreshes_whatever_the_address() {
    let world = world().await;
    let anybody = world.anonymous();
    let (mut ann, bob) = (session(&world, "ann@example.com").await, session(&world, "bob@example.com").await);
    for (address, left) in [(OFFICE, 2), ("203.0.113.8", 1), ("203.0.113.9", 0)] {
        let answer = refresh_from(&anybody, address, &ann).await;
        assert_eq!(told(&answer).unwrap()[..2], [3, left]);
        ann = answer.expect(200)["refresh_token"].clone();
    }
    let answer = refresh_from(&anybody, "203.0.113.10", &ann).await;
    let detail = answer.body["detail"].as_str().unwrap().to_owned();
    assert!(detail.starts_with("You may refresh one session 3 times per minute"), "{detail}");
    let seconds = refused(answer, 3);
    // Nobody else is concerned, at the same address or any other.
    refresh_from(&anybody, OFFICE, &bob).await.expect(200);
    world.clock.advance(TimeDelta::seconds(i64::from(seconds)));
    refresh_from(&anybody, OFFICE, &ann).await.expect(200);
}

#[tokio::test]
async fn unknown_refresh_tokens_count_by_address_and_do_not_keep_known_ones_from_working() {
    let world = behind_proxies().await;
    let (anybody, ann) = (world.anonymous(), session(&world, "ann@example.com").await);
    for number in 1..=10 {
        let answer = refresh_from(&anybody, OFFICE, &json!(format!("guess {number}"))).await;
        assert_eq!(told(&answer).unwrap()[..2], [10, 10 - number]);
        answer.expect_problem(401, "unauthenticated");
    }
    refused(refresh_from(&anybody, OFFICE, &json!("another guess")).await, 10);
    // What names no token at all is no better than a guess.
    refused(post_as(&anybody, OFFICE, REFRESH, &json!({})).await, 10);
    let login = json!({"email": "ann@example.com", "password": PASSWORD});
    refused(post_as(&anybody, OFFICE, "/api/v1/auth/login", &login).await, 10);
    let answer = refresh_from(&anybody, OFFICE, &ann).await;
    assert_eq!(told(&answer).unwrap()[..2], [60, 59]);
    answer.expect(200);
    refresh_from(&anybody, "203.0.113.8", &json!("a guess")).await.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_forged_refresh_token_is_refused_without_a_look_up() {
    let world = behind_proxies().await;
    let (anybody, ann) = (world.anonymous(), session(&world, "ann@example.com").await);
    let mut forged = ann.as_str().unwrap().to_owned();
    let last = if forged.ends_with('A') { "B" } else { "A" };
    forged.replace_range(forged.len() - 1.., last);
    let mut owner = world.database.owner().await;
    owner.execute("begin; lock table refresh_tokens").await.unwrap();
    for guess in [forged.as_str(), "lmr_", "a guess"] {
        refresh_from(&anybody, OFFICE, &json!(guess)).await.expect_problem(401, "unauthenticated");
        let ended = post_as(&anybody, OFFICE, "/api/v1/auth/logout", &json!({"refresh_token": guess})).await;
        ended.expect(204);
    }
    // A token that was issued is looked up.
    let refreshing = tokio::spawn(async move { refresh_from(&anybody, OFFICE, &ann).await });
    Watch::over(&world.database).await.until_waiting(1).await;
    owner.execute("rollback").await.unwrap();
    refreshing.await.unwrap().expect(200);
}

/// A text in the form of the refresh tokens of former releases: 32 bytes in base64.
fn in_former_form(number: u32) -> Value {
    json!(format!("{number:A<43}"))
}

/// Makes the refresh token of a session one of a former release.
async fn as_of_a_former_release(world: &World, token: &Value, former: u32) -> Value {
    let former = in_former_form(former);
    let hash = |text: &str| format!("sha256('{text}'::bytea)");
    let (from, to) = (hash(token.as_str().unwrap()), hash(former.as_str().unwrap()));
    world.sql(&format!("update refresh_tokens set token_hash = {to} where token_hash = {from}")).await;
    former
}

#[tokio::test]
async fn tokens_of_a_former_release_are_renewed_and_guesses_in_their_form_are_looked_up_within_a_quota() {
    let world = world().await;
    let anybody = world.anonymous();
    let (ann, bob) = (session(&world, "ann@example.com").await, session(&world, "bob@example.com").await);
    let former = as_of_a_former_release(&world, &ann, 100).await;
    let renewed = refresh_from(&anybody, OFFICE, &former).await.expect(200)["refresh_token"].clone();
    assert!(renewed.as_str().unwrap().starts_with("lmr_"), "{renewed}");
    // An address has ten times the quota of a session.
    for number in 1..30 {
        let answer = refresh_from(&anybody, OFFICE, &in_former_form(number)).await;
        // Guesses count among the credentials of their address, too.
        if number <= 10 {
            answer.expect_problem(401, "unauthenticated");
        } else {
            refused(answer, 10);
        }
    }
    let former = as_of_a_former_release(&world, &bob, 101).await;
    let mut owner = world.database.owner().await;
    owner.execute("begin; lock table refresh_tokens").await.unwrap();
    refused(refresh_from(&anybody, OFFICE, &in_former_form(30)).await, 30);
    owner.execute("rollback").await.unwrap();
    // Sessions of this release are not concerned, nor are those of the former one elsewhere.
    refresh_from(&anybody, OFFICE, &renewed).await.expect(200);
    refresh_from(&anybody, "203.0.113.8", &former).await.expect(200);
}

#[tokio::test]
async fn the_token_of_a_session_that_has_ended_counts_by_that_session() {
    let world = world().await;
    let (anybody, ann) = (world.anonymous(), session(&world, "ann@example.com").await);
    post_as(&anybody, OFFICE, "/api/v1/auth/logout", &json!({"refresh_token": ann})).await.expect(204);
    for left in [2, 1, 0] {
        let answer = refresh_from(&anybody, OFFICE, &ann).await;
        assert_eq!(told(&answer).unwrap()[..2], [3, left]);
        answer.expect_problem(401, "unauthenticated");
    }
    refused(refresh_from(&anybody, OFFICE, &ann).await, 3);
    let guess = refresh_from(&anybody, OFFICE, &json!("a guess")).await;
    assert_eq!(told(&guess).unwrap()[..2], [10, 9], "nothing of it was counted by address");
}

#[tokio::test]
async fn the_token_endpoint_counts_refreshes_by_session_too() {
    let world = world().await;
    let (anybody, mut ann) = (world.anonymous(), session(&world, "ann@example.com").await);
    let exchange = async |token: &Value| {
        let form = format!("grant_type=refresh_token&refresh_token={}", token.as_str().unwrap());
        anybody.post_raw("/api/v1/auth/token", "application/x-www-form-urlencoded", form).await
    };
    for _ in 0..3 {
        ann = exchange(&ann).await.expect(200)["refresh_token"].clone();
    }
    refused(exchange(&ann).await, 3);
    refused(refresh_from(&anybody, OFFICE, &ann).await, 3);
}
