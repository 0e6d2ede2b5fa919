use chrono::TimeDelta;
use loadmaster_accounts::Role;
use loadmaster_testkit::{Client, World};
use serde_json::json;
use uuid::Uuid;

use super::{OPEN, limited, refused, told, until_refused};

async fn world() -> World {
    limited().set("rate_limit.authenticated_per_minute", "5").set("rate_limit.anonymous_per_minute", "3").start().await
}

/// A new key of the caller: its id, and a client that shows it.
async fn key_of(caller: &Client) -> (String, Client) {
    let made = caller.post("/api/v1/api-keys", json!({"name": "scanner"})).await.expect(201);
    (made["id"].as_str().unwrap().to_owned(), caller.with_token(made["key"].as_str().unwrap()))
}

#[tokio::test]
async fn each_caller_has_a_quota_whatever_the_address() {
    let world = world().await;
    let (ann, bob) = (world.customer().await, world.customer().await);
    assert_eq!(until_refused(&ann, OPEN).await, 5);
    refused(ann.get("/api/v1/bookings").await, 5);
    assert_eq!(until_refused(&bob, OPEN).await, 5);
    assert_eq!(until_refused(&world.anonymous(), OPEN).await, 3, "nobody else has used it up");
}

#[tokio::test]
async fn two_tokens_of_one_caller_are_one_caller() {
    let world = world().await;
    let (user, organization) = (Uuid::new_v4(), Uuid::new_v4());
    let one = world.caller_in(Role::Customer, user, organization).await;
    let other = world.anonymous().with_token(&world.token(Role::Customer, user, organization));
    for client in [&one, &other, &one, &other, &one] {
        client.get(OPEN).await.expect(200);
    }
    refused(other.get(OPEN).await, 5);
}

#[tokio::test]
async fn a_guests_token_counts_as_its_address() {
    let world = world().await;
    let anybody = world.anonymous();
    let token = anybody.poke("/api/v1/auth/guest").await.expect(200)["access_token"].as_str().unwrap().to_owned();
    let guest = anybody.with_token(&token);
    assert_eq!(
        told(&guest.get(OPEN).await),
        told(&anybody.get(OPEN).await).map(|[limit, left, reset]| [limit, left + 1, reset])
    );
    guest.get(OPEN).await.expect(200);
    refused(guest.get(OPEN).await, 3);
    refused(anybody.get(OPEN).await, 3);
}

#[tokio::test]
async fn a_caller_with_an_invalid_token_has_the_anonymous_quota() {
    let world = world().await;
    let thief = world.anonymous().with_token("a.b.c");
    for _ in 0..3 {
        let answer = thief.get(OPEN).await;
        assert_eq!(told(&answer).unwrap()[0], 3);
        answer.expect_problem(401, "unauthenticated");
    }
    refused(thief.get(OPEN).await, 3);
    refused(world.anonymous().get(OPEN).await, 3);
    world.customer().await.get(OPEN).await.expect(200);
}

#[tokio::test]
async fn callers_with_an_expired_token_have_a_separate_quota_of_the_same_size() {
    let world = world().await;
    let late = world.customer().await;
    world.clock.advance(TimeDelta::hours(1));
    for left in [2, 1, 0] {
        let answer = late.get(OPEN).await;
        assert_eq!(told(&answer).unwrap()[..2], [3, left]);
        answer.expect_problem(401, "token_expired");
    }
    refused(late.get(OPEN).await, 3);
    // Others at the same address pay nothing for it.
    assert_eq!(until_refused(&world.anonymous(), OPEN).await, 3);
    world.customer().await.get(OPEN).await.expect(200);
}

#[tokio::test]
async fn a_key_counts_with_its_owner_until_it_has_a_rate_of_its_own() {
    let world = world().await;
    let owner = world.customer().await;
    let (_, key) = key_of(&owner).await;
    let (id, own) = key_of(&owner).await;
    assert_eq!(told(&key.get(OPEN).await).unwrap()[..2], [5, 2], "two requests made the keys");
    let rate = json!({"rate_limit_per_minute": 4});
    let changed = world.admin().await.patch(&format!("/api/v1/api-keys/{id}"), rate).await.expect(200);
    assert_eq!(changed["rate_limit_per_minute"], 4);
    assert_eq!(until_refused(&own, OPEN).await, 4);
    refused(own.get(OPEN).await, 4);
    assert_eq!(until_refused(&key, OPEN).await, 2);
    refused(owner.get(OPEN).await, 5);
    // More than others may have it, too.
    let rate = json!({"rate_limit_per_minute": 9});
    world.admin().await.patch(&format!("/api/v1/api-keys/{id}"), rate).await.expect(200);
    assert_eq!(until_refused(&own, OPEN).await, 5);
}

#[tokio::test]
async fn a_refused_request_has_no_effect() {
    let world = world().await;
    let caller = world.customer().await;
    assert_eq!(until_refused(&caller, OPEN).await, 5);
    let answer = caller.post("/api/v1/api-keys", json!({"name": "scanner"})).await;
    refused(answer, 5);
    // Also before the body is looked at.
    refused(caller.post_raw("/api/v1/bookings", "text/plain", vec![b'x'; 2_000_000]).await, 5);
    let mut owner = world.database.owner().await;
    let keys: i64 = sqlx::query_scalar("select count(*) from api_keys").fetch_one(&mut owner).await.unwrap();
    assert_eq!(keys, 0);
}

#[tokio::test]
async fn a_token_counts_wherever_it_is_shown() {
    let world = world().await;
    let thief = world.anonymous().with_token("lmk_guessedguessedguessed");
    for path in ["/livez", "/metrics", "/docs/"] {
        assert_eq!(told(&thief.get(path).await).unwrap()[0], 3, "{path}");
    }
    refused(thief.get("/livez").await, 3);
    world.anonymous().get("/livez").await.expect(200);
}

#[tokio::test]
async fn logging_out_counts_as_an_address_whatever_token_is_shown() {
    let world = world().await;
    let caller = world.customer().await;
    for _ in 0..3 {
        let answer = caller.post("/api/v1/auth/logout", json!({"refresh_token": "x"})).await;
        assert_eq!(told(&answer).unwrap()[0], 3);
        answer.expect(204);
    }
    refused(caller.post("/api/v1/auth/logout", json!({"refresh_token": "x"})).await, 3);
}
