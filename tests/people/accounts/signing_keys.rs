//! The keys that sign access tokens: public, named, and followed by others without anybody noticing.
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use loadmaster_accounts::Rotation;
use loadmaster_testkit::{World, WorldOptions, is_long};
use serde_json::{Value, json};

use super::{PASSWORD, bearer, log_in, me, refresh, register};

const JWKS: &str = "/.well-known/jwks.json";
const EMAIL: &str = "ann@forwarder.example";

async fn kids(world: &World) -> Vec<String> {
    let keys = world.anonymous().get(JWKS).await.expect(200);
    keys["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

fn kid_of(session: &Value) -> String {
    let header = session["access_token"].as_str().unwrap().split('.').next().unwrap();
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

/// As any other service would, by RFC 7515 and RFC 8037 alone.
fn verifies(keys: &Value, token: &str) -> bool {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let header: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(signed.split('.').next().unwrap()).unwrap()).unwrap();
    let key =
        keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header["kid"]).expect("the key is there");
    let x = URL_SAFE_NO_PAD.decode(key["x"].as_str().unwrap()).unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    UnparsedPublicKey::new(&ED25519, x).verify(signed.as_bytes(), &signature).is_ok()
}

#[tokio::test]
async fn anybody_can_verify_a_token_with_the_published_keys() {
    let world = World::working().await;
    let answer = world.anonymous().get(JWKS).await;
    assert_eq!(answer.header("cache-control"), Some("public, max-age=60"));
    let keys = answer.expect(200);
    let session = register(&world.anonymous(), EMAIL, PASSWORD).await.expect(201);
    let token = session["access_token"].as_str().unwrap();
    assert!(verifies(&keys, token));
    let mut changed = token.to_owned().into_bytes();
    let at = changed.len() / 2;
    changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
    assert!(!verifies(&keys, std::str::from_utf8(&changed).unwrap()));
    let key = &keys["keys"][0];
    assert_eq!((&key["kty"], &key["crv"]), (&json!("OKP"), &json!("Ed25519")));
    assert_eq!((&key["use"], &key["alg"]), (&json!("sig"), &json!("EdDSA")));
    assert!(key.get("d").is_none(), "the private part is nobody's business");
}

#[tokio::test]
async fn a_shared_secret_is_not_published() {
    let world = WorldOptions::working()
        .set("auth.algorithm", "HS256")
        .set("auth.secret", "a secret of more than thirty-two bytes")
        .start()
        .await;
    assert_eq!(world.anonymous().get(JWKS).await.expect(200), json!({"keys": []}));
    assert!(world.tokens().rotate_keys(Rotation::InTurn).await.is_err());
}

#[tokio::test]
async fn keys_follow_each_other_without_one_good_token_refused() {
    let first = World::working().await;
    let second = WorldOptions::working().on(&first.database).start().await;
    let worlds = [&first, &second];
    let mut session = register(&first.anonymous(), EMAIL, PASSWORD).await.expect(201);
    let mut sessions = vec![session.clone()];
    let old = kid_of(&session);
    let guest = first.anonymous().poke("/api/v1/auth/guest").await.expect(200);
    let advance = async |seconds| {
        for world in worlds {
            world.clock.advance(TimeDelta::seconds(seconds));
            world.sessions().poll_changes().await.unwrap();
        }
    };
    let new = first.tokens().rotate_keys(Rotation::InTurn).await.unwrap().kid;
    assert_ne!(new, old);
    // Published at once here, and elsewhere with the next look, before it signs.
    assert!(kids(&first).await.contains(&new));
    advance(10).await;
    assert!(kids(&second).await.contains(&new));

    let mut signers = Vec::new();
    let mut age = 0;
    for step in 0..40 {
        let at = worlds[step % 2];
        session = refresh(&at.anonymous(), &session["refresh_token"]).await.expect(200);
        signers.push(kid_of(&session));
        sessions.push(session.clone());
        advance(60).await;
        age += 60;
        // Every token that has not expired is taken everywhere. With little time, of each step the oldest, the newest and
        // one between them are asked.
        let minutes_old = |made: usize| (step + 1).saturating_sub(made.saturating_sub(1));
        let good: Vec<_> = (0..sessions.len()).filter(|made| minutes_old(*made) < 15).collect();
        for (place, made) in good.iter().enumerate() {
            if is_long() || [0, good.len() / 2, good.len() - 1].contains(&place) {
                for world in worlds {
                    me(&bearer(world, &sessions[*made])).await.expect(200);
                }
            }
        }
    }
    assert_eq!(age, 2400);
    signers.dedup();
    assert_eq!(signers, [old.clone(), new.clone()], "once, and not back");
    // A guest's token lives longest.
    advance(79 * 60).await;
    for world in worlds {
        bearer(world, &guest).get("/api/v1/bookings").await.expect(200);
    }
    advance(8 * 60).await;
    for world in worlds {
        assert_eq!(kids(world).await, std::slice::from_ref(&new), "the former key is gone when its last token is");
    }
    first.sessions().delete_expired_tokens().await.unwrap();
    assert_eq!(first.texts("select kid from signing_keys").await, [new]);
}

#[tokio::test]
async fn a_key_that_others_may_have_ends_at_once() {
    let first = World::working().await;
    let second = WorldOptions::working().on(&first.database).start().await;
    let session = register(&first.anonymous(), EMAIL, PASSWORD).await.expect(201);
    me(&bearer(&second, &session)).await.expect(200);
    first.clock.advance(TimeDelta::seconds(1));
    second.clock.advance(TimeDelta::seconds(1));
    first.tokens().rotate_keys(Rotation::Compromised).await.unwrap();
    second.sessions().poll_changes().await.unwrap();
    for world in [&first, &second] {
        me(&bearer(world, &session)).await.expect_problem(401, "token_expired");
    }
    let next = refresh(&second.anonymous(), &session["refresh_token"]).await.expect(200);
    me(&bearer(&first, &next)).await.expect(200);
    log_in(&first.anonymous(), EMAIL, PASSWORD).await.expect(200);
}
