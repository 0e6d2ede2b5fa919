//! Changing one's password and name.
use loadmaster_testkit::{Answer, Client, World};
use serde_json::{Value, json};

use super::{PASSWORD, bearer, log_in, me, refresh, register};

const EMAIL: &str = "ann.smith@forwarder.example";
const NEW: &str = "battery staple horse";

async fn change(client: &Client, current: &str, new: &str) -> Answer {
    client.post("/api/v1/auth/password", json!({"current": current, "new": new})).await
}

#[tokio::test]
async fn changing_the_password_ends_all_sessions_but_the_callers_own() {
    let world = World::start().await;
    let client = world.anonymous();
    let own = register(&client, EMAIL, PASSWORD).await.expect(201);
    let other = log_in(&client, EMAIL, PASSWORD).await.expect(200);
    change(&bearer(&world, &own), PASSWORD, NEW).await.expect(204);
    me(&bearer(&world, &own)).await.expect(200);
    refresh(&client, &own["refresh_token"]).await.expect(200);
    me(&bearer(&world, &other)).await.expect_problem(401, "unauthenticated");
    refresh(&client, &other["refresh_token"]).await.expect_problem(401, "unauthenticated");
    log_in(&client, EMAIL, PASSWORD).await.expect_problem(401, "invalid_credentials");
    log_in(&client, EMAIL, NEW).await.expect(200);
}

#[tokio::test]
async fn the_current_password_must_be_right_and_the_new_one_good() {
    let world = World::start().await;
    let own = register(&world.anonymous(), EMAIL, PASSWORD).await.expect(201);
    let ann = bearer(&world, &own);
    change(&ann, "wrong password", NEW).await.expect_problem(401, "invalid_credentials");
    for (new, code) in [
        ("ninechars", "too_short"),
        ("qwertyuiop", "invalid_format"),
        (EMAIL, "invalid_format"),
        ("ann.smith", "too_short"),
        ("ann.smith@FORWARDER.example", "invalid_format"),
    ] {
        let faults = change(&ann, PASSWORD, new).await.expect_faults();
        assert_eq!(faults, [("/new".to_owned(), code.to_owned())], "{new}");
    }
    let faults = ann.post("/api/v1/auth/password", json!({})).await.expect_faults();
    assert_eq!(faults, ["/current", "/new"].map(|place| (place.to_owned(), "required".to_owned())));
    log_in(&world.anonymous(), EMAIL, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn one_of_two_concurrent_password_changes_succeeds() {
    let world = World::start().await;
    let own = register(&world.anonymous(), EMAIL, PASSWORD).await.expect(201);
    let ann = bearer(&world, &own);
    let bodies = [json!({"current": PASSWORD, "new": NEW}), json!({"current": PASSWORD, "new": "another good phrase"})];
    let answers =
        loadmaster_testkit::freight::at_once(bodies.into_iter().map(|body| ann.sending("/api/v1/auth/password", body)))
            .await;
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 401]);
}

#[tokio::test]
async fn a_name_can_be_changed_and_cleared_and_nothing_else() {
    let world = World::start().await;
    let own = register(&world.anonymous(), EMAIL, PASSWORD).await.expect(201);
    let ann = bearer(&world, &own);
    let patch = async |body: Value| ann.patch("/api/v1/auth/me", body).await;
    assert_eq!(patch(json!({"name": " Ann Smith "})).await.expect(200)["name"], "Ann Smith");
    assert_eq!(me(&ann).await.expect(200)["name"], "Ann Smith");
    assert_eq!(patch(json!({})).await.expect(200)["name"], "Ann Smith");
    assert_eq!(patch(json!({"name": null})).await.expect(200)["name"], json!(null));
    for name in ["", "with\u{0}NUL", "two\nlines", "esc\u{1b}[31m"] {
        patch(json!({"name": name})).await.expect_faults();
    }
    assert_eq!(me(&ann).await.expect(200)["name"], json!(null));
}
