//! Sessions: a refresh token is good once, and a session ends when it is shown by two.
use chrono::TimeDelta;
use loadmaster_testkit::{World, freight::at_once};
use serde_json::{Value, json};

use super::{PASSWORD, bearer, disable, log_in, log_out, me, members, refresh, register};

const EMAIL: &str = "ann@forwarder.example";

async fn world_with_a_session() -> (World, Value) {
    let world = World::start().await;
    let session = register(&world.anonymous(), EMAIL, PASSWORD).await.expect(201);
    (world, session)
}

#[tokio::test]
async fn a_refresh_token_gives_a_session_like_a_log_in_does() {
    let (world, session) = world_with_a_session().await;
    let answer = refresh(&world.anonymous(), &session["refresh_token"]).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let next = answer.expect(200);
    assert_eq!(members(&next), members(&session));
    assert_eq!(next["user"], session["user"]);
    assert_ne!(next["refresh_token"], session["refresh_token"]);
    assert_ne!(next["access_token"], session["access_token"]);
    me(&bearer(&world, &next)).await.expect(200);
    me(&bearer(&world, &session)).await.expect(200);
    assert_eq!(world.texts("select distinct family_id::text from refresh_tokens").await.len(), 1, "one session");
}

#[tokio::test]
async fn an_expired_access_token_in_the_header_does_not_keep_from_refreshing() {
    let (world, session) = world_with_a_session().await;
    world.clock.advance(TimeDelta::minutes(16));
    let ann = bearer(&world, &session);
    me(&ann).await.expect_problem(401, "token_expired");
    let next = refresh(&ann, &session["refresh_token"]).await.expect(200);
    me(&bearer(&world, &next)).await.expect(200);
    log_out(&ann, &next["refresh_token"]).await.expect(204);
}

#[tokio::test]
async fn a_session_may_be_refreshed_again_and_again() {
    let (world, mut session) = world_with_a_session().await;
    for _ in 0..5 {
        world.clock.advance(TimeDelta::days(29));
        session = refresh(&world.anonymous(), &session["refresh_token"]).await.expect(200);
    }
    me(&bearer(&world, &session)).await.expect(200);
    world.clock.advance(TimeDelta::days(30));
    refresh(&world.anonymous(), &session["refresh_token"]).await.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn within_thirty_seconds_a_spent_token_gives_another_one_of_its_session() {
    let (world, session) = world_with_a_session().await;
    let client = world.anonymous();
    let lost = refresh(&client, &session["refresh_token"]).await.expect(200);
    world.clock.advance(TimeDelta::seconds(30));
    let found = refresh(&client, &session["refresh_token"]).await.expect(200);
    assert_ne!(lost["refresh_token"], found["refresh_token"]);
    me(&bearer(&world, &found)).await.expect(200);
    refresh(&client, &found["refresh_token"]).await.expect(200);
    assert_eq!(world.texts("select distinct family_id::text from refresh_tokens").await.len(), 1, "one session");
}

#[tokio::test]
async fn later_a_spent_token_ends_the_session_and_its_access_tokens() {
    let (world, session) = world_with_a_session().await;
    let client = world.anonymous();
    let other = log_in(&client, EMAIL, PASSWORD).await.expect(200);
    let next = refresh(&client, &session["refresh_token"]).await.expect(200);
    world.clock.advance(TimeDelta::seconds(31));
    refresh(&client, &session["refresh_token"]).await.expect_problem(401, "unauthenticated");
    // Nobody has anything from that session any more,
    refresh(&client, &next["refresh_token"]).await.expect_problem(401, "unauthenticated");
    for of_session in [&session, &next] {
        me(&bearer(&world, of_session)).await.expect_problem(401, "unauthenticated");
    }
    // and another session of the same user goes on.
    me(&bearer(&world, &other)).await.expect(200);
    refresh(&client, &other["refresh_token"]).await.expect(200);
    assert_eq!(world.texts("select reason from revoked_families").await, ["REUSE"]);
}

/// Thief and owner each got a token for one that was stolen in time: the session is not theirs for long.
#[tokio::test]
async fn only_one_of_two_tokens_given_for_one_continues_the_session() {
    let (world, session) = world_with_a_session().await;
    let client = world.anonymous();
    let owners = refresh(&client, &session["refresh_token"]).await.expect(200);
    let thiefs = refresh(&client, &session["refresh_token"]).await.expect(200);
    world.clock.advance(TimeDelta::minutes(10));
    let next = refresh(&client, &owners["refresh_token"]).await.expect(200);
    world.clock.advance(TimeDelta::minutes(1));
    refresh(&client, &thiefs["refresh_token"]).await.expect_problem(401, "unauthenticated");
    refresh(&client, &next["refresh_token"]).await.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn twelve_at_once_with_one_token_all_stay_in_the_session() {
    let (world, session) = world_with_a_session().await;
    let body = json!({"refresh_token": session["refresh_token"]});
    let client = world.anonymous();
    let answers = at_once((0..12).map(|_| client.sending("/api/v1/auth/refresh", body.clone()))).await;
    let sessions: Vec<Value> = answers.into_iter().map(|answer| answer.expect(200)).collect();
    let mut tokens: Vec<_> = sessions.iter().map(|session| session["refresh_token"].as_str().unwrap()).collect();
    tokens.sort_unstable();
    tokens.dedup();
    assert_eq!(tokens.len(), 12, "each got a token of its own");
    for of_session in &sessions {
        me(&bearer(&world, of_session)).await.expect(200);
    }
    // All are of one generation: whichever is used, the others are spent with it.
    refresh(&client, &sessions[3]["refresh_token"]).await.expect(200);
    let live = "select count(*)::text from refresh_tokens where spent_at is null";
    assert_eq!(world.texts(live).await, ["1"]);
}

#[tokio::test]
async fn twelve_at_once_with_a_token_that_was_spent_long_ago_all_fail() {
    let (world, session) = world_with_a_session().await;
    let client = world.anonymous();
    refresh(&client, &session["refresh_token"]).await.expect(200);
    world.clock.advance(TimeDelta::minutes(5));
    let body = json!({"refresh_token": session["refresh_token"]});
    for answer in at_once((0..12).map(|_| client.sending("/api/v1/auth/refresh", body.clone()))).await {
        answer.expect_problem(401, "unauthenticated");
    }
    assert_eq!(world.texts("select reason from revoked_families").await, ["REUSE"]);
}

#[tokio::test]
async fn a_string_that_is_not_a_refresh_token_is_refused_without_details() {
    let (world, session) = world_with_a_session().await;
    let client = world.anonymous();
    let told = |answer: loadmaster_testkit::Answer| answer.expect_problem(401, "unauthenticated")["detail"].clone();
    let unknown = told(refresh(&client, &json!("no such token")).await);
    let key = told(refresh(&client, &json!("lmk_0123456789")).await);
    log_out(&client, &session["refresh_token"]).await.expect(204);
    let ended = told(refresh(&client, &session["refresh_token"]).await);
    assert_eq!([&unknown, &key], [&ended, &ended]);
    // An access token is longer than any refresh token.
    let faults = refresh(&client, &session["access_token"]).await.expect_faults();
    assert_eq!(faults, [("/refresh_token".to_owned(), "too_long".to_owned())]);
    let faults = client.post("/api/v1/auth/refresh", json!({})).await.expect_faults();
    assert_eq!(faults, [("/refresh_token".to_owned(), "required".to_owned())]);
}

#[tokio::test]
async fn logging_out_ends_one_session_with_its_access_tokens() {
    let (world, session) = world_with_a_session().await;
    let client = world.anonymous();
    let other = log_in(&client, EMAIL, PASSWORD).await.expect(200);
    let next = refresh(&client, &session["refresh_token"]).await.expect(200);
    // A spent token names its session as well.
    log_out(&client, &session["refresh_token"]).await.expect(204);
    refresh(&client, &next["refresh_token"]).await.expect_problem(401, "unauthenticated");
    for of_session in [&session, &next] {
        me(&bearer(&world, of_session)).await.expect_problem(401, "unauthenticated");
    }
    me(&bearer(&world, &other)).await.expect(200);
    for token in [&session["refresh_token"], &json!("no such token")] {
        log_out(&client, token).await.expect(204);
    }
}

#[tokio::test]
async fn a_disabled_user_refreshes_nothing_and_starts_anew_when_enabled() {
    let (world, session) = world_with_a_session().await;
    disable(&world, EMAIL).await;
    refresh(&world.anonymous(), &session["refresh_token"]).await.expect_problem(403, "account_disabled");
}

#[tokio::test]
async fn the_token_endpoint_takes_refresh_tokens_too() {
    let (world, session) = world_with_a_session().await;
    let client = world.anonymous();
    let grant = async |token: &Value| {
        let form = format!("grant_type=refresh_token&refresh_token={}", token.as_str().unwrap());
        client.post_raw("/api/v1/auth/token", "application/x-www-form-urlencoded", form).await
    };
    let answer = grant(&session["refresh_token"]).await;
    assert_eq!((answer.header("cache-control"), answer.header("pragma")), (Some("no-store"), Some("no-cache")));
    let next = answer.expect(200);
    assert_eq!(members(&next), ["access_token", "expires_in", "refresh_token", "token_type"]);
    me(&bearer(&world, &next)).await.expect(200);
    for token in [&json!("unknown"), &session["access_token"]] {
        assert_eq!(grant(token).await.expect(400)["error"], "invalid_grant");
    }
    log_out(&client, &next["refresh_token"]).await.expect(204);
    assert_eq!(grant(&next["refresh_token"]).await.expect(400)["error"], "invalid_grant");
}

#[tokio::test]
async fn expired_tokens_and_outdated_records_are_deleted() {
    let (world, session) = world_with_a_session().await;
    log_out(&world.anonymous(), &session["refresh_token"]).await.expect(204);
    world.clock.advance(TimeDelta::days(31));
    world.sql("update revoked_families set revoked_at = revoked_at - interval '2 days'").await;
    world.sql("update access_changes set changed_at = changed_at - interval '2 days'").await;
    assert_eq!(world.sessions().delete_expired_tokens().await.unwrap(), 1);
    let left = "select (select count(*) from refresh_tokens) || ' ' || (select count(*) from revoked_families) || ' '
                       || (select count(*) from access_changes)";
    assert_eq!(world.texts(left).await, ["0 0 0"]);
}
