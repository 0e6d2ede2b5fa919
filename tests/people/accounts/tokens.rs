//! What an access token is worth: who it speaks for, how long, and what happens to one that is no good.
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use loadmaster_testkit::{Answer, World, WorldOptions};
use reqwest::Method;
use serde_json::json;

use super::{PASSWORD, members, part, register};

/// One route for callers and two that are public: a bad credential is refused on all.
const ROUTES: [&str; 3] = ["/api/v1/auth/me", "/api/v1/airports/DEL", "/health"];

#[tokio::test]
async fn an_access_token_says_who_calls_and_until_when() {
    let world = World::start().await;
    let session = register(&world.anonymous(), "ann@forwarder.example", PASSWORD).await.expect(201);
    let token = session["access_token"].as_str().unwrap();
    let (header, claims) = (part(token, 0), part(token, 1));
    assert_eq!(header["alg"], "EdDSA");
    let kid: String =
        sqlx::query_scalar("select kid from signing_keys").fetch_one(&mut world.database.owner().await).await.unwrap();
    assert_eq!(header["kid"], kid);
    assert_eq!(members(&claims), ["aud", "exp", "iat", "iss", "jti", "org", "role", "sid", "sub"]);
    let now = world.now().timestamp();
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!("loadmaster"), &json!("loadmaster")));
    assert_eq!((&claims["iat"], &claims["exp"]), (&json!(now), &json!(now + 900)));
    assert_eq!((&claims["sub"], &claims["org"]), (&session["user"]["id"], &session["user"]["organization_id"]));
    assert_eq!(claims["role"], "customer");
    let family: uuid::Uuid = sqlx::query_scalar("select family_id from refresh_tokens")
        .fetch_one(&mut world.database.owner().await)
        .await
        .unwrap();
    assert_eq!(claims["sid"], json!(family));
}

#[tokio::test]
async fn a_token_lives_fifteen_minutes() {
    let world = World::start().await;
    let customer = world.customer().await;
    world.clock.advance(TimeDelta::seconds(899));
    customer.get("/api/v1/auth/me").await.expect(200);
    world.clock.advance(TimeDelta::seconds(1));
    for route in ROUTES {
        let answer = customer.get(route).await;
        let challenge = answer.header("www-authenticate").expect("a challenge").to_owned();
        assert!(challenge.starts_with("Bearer ") && challenge.contains("error=\"invalid_token\""), "{challenge}");
        answer.expect_problem(401, "token_expired");
    }
    world.anonymous().get("/api/v1/airports/DEL").await.expect(200);
}

#[tokio::test]
async fn an_invalid_token_is_refused_on_every_route() {
    let world = World::start().await;
    let other_world = World::start().await;
    let token = world.customer().await.token.unwrap();
    let foreign = other_world.customer().await.token.unwrap();
    let [header, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("a JWT has three parts") };
    let admin = {
        let mut claims = part(&token, 1);
        claims["role"] = "admin".into();
        URL_SAFE_NO_PAD.encode(claims.to_string())
    };
    let unsigned =
        URL_SAFE_NO_PAD.encode(json!({"alg": "none", "typ": "JWT", "kid": part(&token, 0)["kid"]}).to_string());
    for authorization in [
        format!("Bearer {header}.{admin}.{signature}"),
        format!("Bearer {unsigned}.{admin}."),
        format!("Bearer {header}.{claims}."),
        format!("Bearer {header}.{claims}"),
        format!("Bearer {foreign}"),
        format!("Bearer {token}x"),
        format!("Basic {token}"),
        "Basic YW5uOnBhc3N3b3Jk".to_owned(),
        "Bearer garbage".to_owned(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        String::new(),
        token.clone(),
    ] {
        for route in ROUTES {
            let request = world.anonymous().request(Method::GET, route).header("authorization", &authorization);
            let answer = Answer::of(request).await;
            assert_eq!(answer.header("www-authenticate"), Some("Bearer error=\"invalid_token\""), "{authorization}");
            answer.expect_problem(401, "unauthenticated");
        }
    }
    let twice = world.anonymous().request(Method::GET, ROUTES[1]).bearer_auth(&token).bearer_auth(&token);
    Answer::of(twice).await.expect_problem(401, "unauthenticated");
    let lower = world.anonymous().request(Method::GET, ROUTES[0]).header("authorization", format!("bearer {token}"));
    Answer::of(lower).await.expect(200);
}

#[tokio::test]
async fn a_request_without_a_token_gets_a_challenge() {
    let world = World::start().await;
    let answer = world.anonymous().get("/api/v1/auth/me").await;
    assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    answer.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_token_whose_account_is_gone_is_refused() {
    let world = World::start().await;
    let customer = world.customer().await;
    let delete = "delete from refresh_tokens; delete from users";
    sqlx::raw_sql(delete).execute(&mut world.database.owner().await).await.unwrap();
    customer.get("/api/v1/auth/me").await.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn every_instance_takes_the_tokens_of_the_others() {
    let first = World::start().await;
    let second = WorldOptions { database: Some(first.database.clone()), ..WorldOptions::default() }.start().await;
    let customer = first.customer().await;
    let token = customer.token.clone().unwrap();
    let me = customer.get("/api/v1/auth/me").await.expect(200);
    assert_eq!(second.anonymous().with_token(&token).get("/api/v1/auth/me").await.expect(200), me);
}

#[tokio::test]
async fn tokens_may_be_signed_with_a_configured_secret() {
    let world = WorldOptions::default()
        .set("auth.algorithm", "HS256")
        .set("auth.secret", "a secret of more than thirty-two bytes")
        .set("auth.access_token_minutes", "1")
        .start()
        .await;
    let session = register(&world.anonymous(), "ann@forwarder.example", PASSWORD).await.expect(201);
    assert_eq!(session["expires_in"], 60);
    let token = session["access_token"].as_str().unwrap();
    assert_eq!(part(token, 0)["alg"], "HS256");
    let ann = world.anonymous().with_token(token);
    ann.get("/api/v1/auth/me").await.expect(200);
    let rotten = world.anonymous().with_token(&world.customer().await.token.unwrap().replace('.', "x."));
    rotten.get("/api/v1/auth/me").await.expect_problem(401, "unauthenticated");
    world.clock.advance(TimeDelta::seconds(60));
    ann.get("/api/v1/auth/me").await.expect_problem(401, "token_expired");
}
