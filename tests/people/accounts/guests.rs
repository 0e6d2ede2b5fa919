//! Guests: a token for anybody, that stands for no account.
use chrono::TimeDelta;
use loadmaster_testkit::{Client, World, WorldOptions};
use serde_json::json;

use super::{bearer, me, members};

const PATH: &str = "/api/v1/auth/guest";

#[tokio::test]
async fn anybody_becomes_a_guest_and_may_look_around() {
    let world = World::start().await;
    let answer = world.anonymous().poke(PATH).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let pass = answer.expect(200);
    assert_eq!(members(&pass), ["access_token", "expires_in", "token_type"]);
    assert_eq!((&pass["token_type"], &pass["expires_in"]), (&json!("bearer"), &json!(7200)));
    let guest = bearer(&world, &pass);
    guest.get("/api/v1/airports/DEL").await.expect(200);
    guest.get("/api/v1/flights").await.expect(200);
    me(&guest).await.expect_problem(403, "forbidden");
    guest.post("/api/v1/bookings", json!({})).await.expect_problem(403, "forbidden");
    guest.post("/api/v1/api-keys", json!({"name": "x"})).await.expect_problem(403, "forbidden");
    assert_eq!(world.count("users").await, 0);
}

#[tokio::test]
async fn a_token_that_is_worth_nothing_does_not_keep_from_being_a_guest() {
    let world = World::start().await;
    let confused = Client { token: Some("no.good.token".to_owned()), ..world.anonymous() };
    confused.post(PATH, json!({})).await.expect(200);
    let faults = confused.post(PATH, json!({"role": "admin"})).await.expect_faults();
    assert_eq!(faults, [("/role".to_owned(), "unknown_field".to_owned())]);
}

#[tokio::test]
async fn a_guests_token_lives_for_two_hours_or_as_long_as_the_settings_say() {
    for (world, minutes) in
        [(World::start().await, 120), (WorldOptions::default().set("auth.guest_token_minutes", "7").start().await, 7)]
    {
        let pass = world.anonymous().poke(PATH).await.expect(200);
        assert_eq!(pass["expires_in"], minutes * 60);
        let guest = bearer(&world, &pass);
        world.clock.advance(TimeDelta::seconds(minutes * 60 - 1));
        guest.get("/api/v1/bookings").await.expect(200);
        world.clock.advance(TimeDelta::seconds(1));
        guest.get("/api/v1/bookings").await.expect_problem(401, "token_expired");
    }
}
