//! One key for requests to all operations.
use loadmaster_platform::web::digest_of;
use loadmaster_testkit::{
    freight::text,
    payments::{audit_of_charges, with_test},
};
use reqwest::Method;
use serde_json::json;
use sqlx::PgConnection;

use super::{
    effects, fresh, kept,
    operations::{Deed, deeds},
};

const KEY: &str = "k";

/// The number of the lock that a request under the key has in the database until it is done.
fn lock_of(user: &str, deed: &Deed) -> i64 {
    let digest = digest_of(&[user, deed.operation.0, &deed.path, KEY]);
    digest.iter().take(8).fold(0, |number, byte| (number << 8) | i64::from(*byte))
}

async fn execute(session: &mut PgConnection, statement: &'static str, lock: i64) {
    sqlx::query(statement).bind(lock).execute(session).await.unwrap();
}

#[tokio::test]
async fn a_key_of_another_request_is_refused_by_every_operation_while_that_is_in_progress_and_afterwards() {
    let world = with_test().start().await;
    let admin = world.admin().await;
    let deeds = deeds(&world, &admin).await;
    let me = admin.get("/api/v1/auth/me").await.expect(200);
    // At each key in turn, as the session of a request that is under way.
    let mut other = world.database.owner().await;
    for deed in &deeds {
        // What is done by a claim counts as done by the guest.
        let users = if deed.path.starts_with("/api/v1/bookings/guest/") {
            world.texts("select distinct created_by::text from bookings").await
        } else {
            vec![text(&me, "id").to_owned()]
        };
        let locks: Vec<i64> = users.iter().map(|user| lock_of(user, deed)).collect();
        for lock in &locks {
            execute(&mut other, "select pg_advisory_lock($1)", *lock).await;
        }
        deed.ask(&admin, Some(KEY)).await.expect_problem(409, "idempotency_in_progress");
        for lock in &locks {
            execute(&mut other, "select pg_advisory_unlock($1)", *lock).await;
        }
        fresh(deed.ask(&admin, Some(KEY)).await, deed.status);
    }
    assert_eq!(kept(&world).await, deeds.len().to_string());
    // Each was done for a request that differs from the one that is now repeated.
    world.sql("update idempotency_records set request_hash = sha256(request_hash)").await;
    let done = effects(&world).await;
    for deed in &deeds {
        deed.ask(&admin, Some(KEY)).await.expect_problem(422, "idempotency_key_reused");
    }
    assert_eq!(effects(&world).await, done);
    audit_of_charges(&world).await;
}

/// Entries of reference data are made by the deeds themselves.
fn is_there_from_the_start(deed: &Deed) -> bool {
    !["/airports/", "/airlines/", "/aircraft/", "/image"].iter().any(|list| deed.path.contains(list))
}

#[tokio::test]
async fn every_change_that_takes_a_tag_is_refused_for_another_version() {
    let world = with_test().start().await;
    let admin = world.admin().await;
    let document = serde_json::to_value(loadmaster::app::openapi()).unwrap();
    let takes_tag = |deed: &Deed| {
        let (method, path) = deed.operation;
        let parameters = document["paths"][path][method.to_lowercase()]["parameters"].as_array();
        parameters.is_some_and(|all| all.iter().any(|it| it["name"] == "If-Match"))
    };
    let other_version = Some(("if-match", "\"999-999\""));
    let deeds = deeds(&world, &admin).await;
    let webhook = admin.post("/api/v1/webhooks", json!({"url": "https://nowhere.example/"})).await.expect(201);
    let secret = format!("/api/v1/webhooks/{}/secret", webhook["id"].as_str().unwrap());
    let before = effects(&world).await;
    // A new secret is not made under a key.
    let refused = admin.change_if(Method::POST, &secret, "\"999-999\"", json!({})).await;
    refused.expect_problem(412, "version_mismatch");
    for deed in deeds.iter().filter(|deed| takes_tag(deed) && is_there_from_the_start(deed)) {
        deed.ask_with(&admin, other_version).await.expect_problem(412, "version_mismatch");
    }
    assert_eq!(effects(&world).await, before);
    admin.change_if(Method::POST, &secret, "*", json!({})).await.expect(200);
    for deed in &deeds {
        if !takes_tag(deed) {
            deed.ask(&admin, None).await.expect(deed.status);
            continue;
        }
        if !is_there_from_the_start(deed) {
            deed.ask_with(&admin, other_version).await.expect_problem(412, "version_mismatch");
        }
        deed.ask_with(&admin, Some(("if-match", "*"))).await.expect(deed.status);
    }
    audit_of_charges(&world).await;
}
