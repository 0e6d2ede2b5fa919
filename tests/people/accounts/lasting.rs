//! What outlasts a session: who may make it, what a new password ends, and what a stranger is left with.
use std::collections::BTreeSet;

use chrono::TimeDelta;
use loadmaster_accounts::{NewToken, OneTime, Purpose};
use loadmaster_testkit::{Answer, Client, World, WorldOptions};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use super::{PASSWORD, bearer, log_in, me, refresh, register, without_request_id};

const EMAIL: &str = "ann@forwarder.example";
const KEYS: &str = "/api/v1/api-keys";
const HOOKS: &str = "/api/v1/webhooks";
const RESET: &str = "/api/v1/auth/password/reset";
const NEW: &str = "battery staple horse";
const FORM: &str = "application/x-www-form-urlencoded";

/// An installation that sends mail, so that addresses can be verified.
fn mailing(directory: &TempDir) -> WorldOptions {
    let directory = directory.path().to_str().unwrap();
    WorldOptions::default().set("mail.transport", "mailbox").set("embedded.data_dir", directory)
}

async fn verify(world: &World) {
    world.sql("update users set email_verified_at = created_at where email_verified_at is null").await;
}

fn named(name: &str) -> Value {
    json!({ "name": name })
}

fn hook() -> Value {
    json!({"url": "https://nowhere.example/"})
}

fn program(world: &World, key: &Value) -> Client {
    world.anonymous().with_token(key["key"].as_str().expect("a key"))
}

fn at(webhook: &Value) -> String {
    format!("{HOOKS}/{}", webhook["id"].as_str().unwrap())
}

/// The token of a link for a new password, as it is mailed.
async fn link_to_reset(world: &World, user: &Value) -> String {
    let one_time: OneTime = world.state().service().unwrap();
    let user: Uuid = user["id"].as_str().unwrap().parse().unwrap();
    let hash = one_time.address_hash("email", EMAIL);
    let new = NewToken::of_user(Purpose::RESET_PASSWORD, user.into(), hash, TimeDelta::minutes(30));
    let mut tx = world.db.begin().await.unwrap();
    let (id, _) = one_time.issue_in_tx(&mut tx, &new).await.unwrap();
    loadmaster_platform::postgres::commit(tx).await.unwrap();
    one_time.token_of(Purpose::RESET_PASSWORD, id)
}

/// As if the log-in of every session were eleven minutes ago.
async fn grow_stale(world: &World) {
    world.sql("update refresh_tokens set saved_at = saved_at - interval '11 minutes'").await;
}

/// Status and reason of a webhook.
async fn state(client: &Client, webhook: &Value) -> (Value, Value) {
    let shown = client.get(&at(webhook)).await.expect(200);
    (shown["status"].clone(), shown["disabled_reason"].clone())
}

#[tokio::test]
async fn keys_and_webhooks_need_a_verified_address() {
    let directory = tempfile::tempdir().unwrap();
    let world = mailing(&directory).start().await;
    let ann = bearer(&world, &register(&world.anonymous(), EMAIL, PASSWORD).await.expect(201));
    let told = ann.post(KEYS, named("scanner")).await.expect_problem(403, "email_unverified");
    assert!(told["detail"].as_str().unwrap().starts_with("Verify your e-mail address"), "{told}");
    ann.post(HOOKS, hook()).await.expect_problem(403, "email_unverified");
    verify(&world).await;
    ann.post(KEYS, named("scanner")).await.expect(201);
    let webhook = ann.post(HOOKS, hook()).await.expect(201);
    // An address that changes is not verified any more. Then a webhook may be switched off, and no more.
    world.sql("update users set email_verified_at = null").await;
    for change in [json!({"url": "https://elsewhere.example/"}), json!({"description": "Mine"})] {
        ann.patch(&at(&webhook), change).await.expect_problem(403, "email_unverified");
    }
    ann.poke(&format!("{}/secret", at(&webhook))).await.expect_problem(403, "email_unverified");
    ann.patch(&at(&webhook), json!({"status": "DISABLED"})).await.expect(200);
    ann.patch(&at(&webhook), json!({"status": "ACTIVE"})).await.expect_problem(403, "email_unverified");
    assert_eq!(ann.delete(&at(&webhook)).await.status.as_u16(), 204);
}

#[tokio::test]
async fn where_no_mail_is_sent_no_address_needs_to_be_verified() {
    let world = World::start().await;
    let ann = bearer(&world, &register(&world.anonymous(), EMAIL, PASSWORD).await.expect(201));
    assert_eq!(me(&ann).await.expect(200)["email_verified"], false);
    ann.post(KEYS, named("scanner")).await.expect(201);
    ann.post(HOOKS, hook()).await.expect(201);
}

#[tokio::test]
async fn a_key_needs_a_recent_log_in_or_the_password() {
    let world = World::start().await;
    let session = register(&world.anonymous(), EMAIL, PASSWORD).await.expect(201);
    let ann = bearer(&world, &session);
    ann.post(KEYS, named("first")).await.expect(201);
    grow_stale(&world).await;
    let with = |password: &str| json!({"name": "second", "password": password});
    let missing = ann.post(KEYS, named("second")).await.expect_problem(403, "sign_in_required");
    let wrong = ann.post(KEYS, with("wrong password")).await.expect_problem(403, "sign_in_required");
    assert_eq!(without_request_id(missing), without_request_id(wrong));
    // A refreshed session is no younger.
    let next = refresh(&world.anonymous(), &session["refresh_token"]).await.expect(200);
    bearer(&world, &next).post(KEYS, named("second")).await.expect_problem(403, "sign_in_required");
    ann.post(KEYS, with(PASSWORD)).await.expect(201);
    // What stands in the body is judged, however young the session is.
    let again = bearer(&world, &log_in(&world.anonymous(), EMAIL, PASSWORD).await.expect(200));
    again.post(KEYS, with("wrong password")).await.expect_problem(403, "sign_in_required");
    again.post(KEYS, named("third")).await.expect(201);
    let form = format!("grant_type=password&username={EMAIL}&password=correct+horse+battery");
    let granted = world.anonymous().post_raw("/api/v1/auth/token", FORM, form).await.expect(200);
    bearer(&world, &granted).post(KEYS, named("fourth")).await.expect(201);
    let names = world.texts("select name from api_keys order by id").await;
    assert_eq!(names, ["first", "second", "third", "fourth"]);
}

#[tokio::test]
async fn a_wrong_password_for_a_key_counts_as_an_attempt_to_log_in() {
    let limited = WorldOptions::default().set("rate_limit.enabled", "true").set("redis.timeout_ms", "10000");
    let world = limited.set("rate_limit.credentials_per_minute", "2").start().await;
    let ann = bearer(&world, &register(&world.anonymous(), EMAIL, PASSWORD).await.expect(201));
    for _ in 0..2 {
        let wrong = json!({"name": "x", "password": "wrong password"});
        ann.post(KEYS, wrong).await.expect_problem(403, "sign_in_required");
    }
    let right = json!({"name": "x", "password": PASSWORD});
    ann.post(KEYS, right).await.expect_problem(429, "rate_limited");
    log_in(&world.anonymous(), EMAIL, PASSWORD).await.expect_problem(429, "rate_limited");
}

#[tokio::test]
async fn a_stranger_who_registers_an_address_first_keeps_nothing() {
    // Of before addresses had to be verified.
    let before = World::start().await;
    let session = register(&before.anonymous(), EMAIL, PASSWORD).await.expect(201);
    let stranger = bearer(&before, &session);
    let key = stranger.post(KEYS, named("kept")).await.expect(201);
    let [of_session, of_key] =
        [stranger.post(HOOKS, hook()).await.expect(201), program(&before, &key).post(HOOKS, hook()).await.expect(201)];

    let directory = tempfile::tempdir().unwrap();
    let world = mailing(&directory).on(&before.database).start().await;
    program(&world, &key).get("/api/v1/bookings").await.expect(200);
    world.sql("update users set phone = '+442079460123', phone_verified_at = created_at").await;
    let token = link_to_reset(&world, &session["user"]).await;
    world.anonymous().post(RESET, json!({"token": token, "new": NEW})).await.expect(204);
    program(&world, &key).get("/api/v1/bookings").await.expect_problem(401, "unauthenticated");
    me(&bearer(&world, &session)).await.expect_problem(401, "unauthenticated");

    // The link has shown whose the address is.
    let owner = bearer(&world, &log_in(&world.anonymous(), EMAIL, NEW).await.expect(200));
    let shown = me(&owner).await.expect(200);
    assert_eq!(
        (&shown["email_verified"], &shown["phone"]),
        (&json!(true), &Value::Null),
        "the phone is the stranger's"
    );
    assert_eq!(owner.get(KEYS).await.expect(200), json!([]));
    assert_eq!(state(&owner, &of_session).await, (json!("DISABLED"), json!("access_ended")));
    assert_eq!(state(&owner, &of_key).await, (json!("DISABLED"), json!("key_ended")));
    let listed = async |status: &str| {
        let found = owner.get(&format!("{HOOKS}?status={status}")).await.expect(200);
        let ids = found.as_array().unwrap().iter().map(|webhook| webhook["id"].to_string());
        ids.collect::<BTreeSet<_>>()
    };
    let both = BTreeSet::from([of_session["id"].to_string(), of_key["id"].to_string()]);
    assert_eq!((listed("DISABLED").await, listed("ACTIVE").await), (both, BTreeSet::new()));
    owner.poke(&format!("{}/test", at(&of_session))).await.expect_problem(409, "invalid_transition");

    // What the owner makes or takes over is the owner's.
    let own = owner.post(KEYS, named("own")).await.expect(201);
    program(&world, &own).get("/api/v1/bookings").await.expect(200);
    owner.patch(&at(&of_session), json!({"status": "ACTIVE"})).await.expect(200);
    assert_eq!(state(&owner, &of_session).await, (json!("ACTIVE"), Value::Null));
}

/// As of a reset at another server, of which this one will read within seconds.
#[tokio::test]
async fn a_session_that_has_ended_makes_nothing_though_its_token_still_passes() {
    let world = World::start().await;
    let session = register(&world.anonymous(), EMAIL, PASSWORD).await.expect(201);
    let ann = bearer(&world, &session);
    me(&ann).await.expect(200);
    world
        .sql("insert into revoked_families (family_id, reason) select distinct family_id, 'PASSWORD' from refresh_tokens")
        .await;
    ann.post(KEYS, named("late")).await.expect_problem(401, "unauthenticated");
    ann.post(HOOKS, hook()).await.expect_problem(401, "unauthenticated");
    assert_eq!(world.texts("select name from api_keys union all select url from webhooks").await, Vec::<String>::new());
}

#[tokio::test]
async fn a_reset_spares_what_its_owner_made_unless_all_is_to_end() {
    let directory = tempfile::tempdir().unwrap();
    let world = mailing(&directory).start().await;
    let session = register(&world.anonymous(), EMAIL, PASSWORD).await.expect(201);
    verify(&world).await;
    let ann = bearer(&world, &session);
    let [spared, ended] = [ann.post(KEYS, named("1")).await.expect(201), ann.post(KEYS, named("2")).await.expect(201)];
    let webhook = ann.post(HOOKS, hook()).await.expect(201);
    let reset = async |body: Value| {
        let token = link_to_reset(&world, &session["user"]).await;
        let body = loadmaster_testkit::freight::with(json!({ "token": token, "new": NEW }), body);
        world.anonymous().post(RESET, body).await.expect(204);
        bearer(&world, &log_in(&world.anonymous(), EMAIL, NEW).await.expect(200))
    };
    let ann = reset(json!({"end_all": false})).await;
    program(&world, &spared).get("/api/v1/bookings").await.expect(200);
    assert_eq!(state(&ann, &webhook).await.0, "ACTIVE");
    ann.delete(&format!("{KEYS}/{}", spared["id"].as_str().unwrap())).await.expect(204);

    let ann = reset(json!({"end_all": true})).await;
    program(&world, &ended).get("/api/v1/bookings").await.expect_problem(401, "unauthenticated");
    assert_eq!(ann.get(KEYS).await.expect(200), json!([]));
    assert_eq!(state(&ann, &webhook).await, (json!("DISABLED"), json!("access_ended")));
    let faults = world.anonymous().post(RESET, json!({"token": "x", "new": NEW, "end_all": "yes"})).await;
    assert_eq!(faults.expect_faults(), [("/end_all".to_owned(), "wrong_type".to_owned())]);
}

#[tokio::test]
async fn the_page_of_the_link_offers_to_end_all() {
    let directory = tempfile::tempdir().unwrap();
    let world = mailing(&directory).start().await;
    let session = register(&world.anonymous(), EMAIL, PASSWORD).await.expect(201);
    verify(&world).await;
    let key = bearer(&world, &session).post(KEYS, named("x")).await.expect(201);
    let page = |token: &str| format!("/reset-password/{token}");
    let token = link_to_reset(&world, &session["user"]).await;
    let shown = world.anonymous().get(&page(&token)).await;
    assert!(shown.text.contains("type=\"checkbox\" name=\"end_all\""), "{}", shown.text);
    let send = async |token: &str, form: &str| world.anonymous().post_raw(&page(token), FORM, form.to_owned()).await;
    assert_eq!(send(&token, "new=battery+staple+horse").await.status, 200);
    program(&world, &key).get("/api/v1/bookings").await.expect(200);
    let token = link_to_reset(&world, &session["user"]).await;
    assert_eq!(send(&token, "new=battery+staple+horses&end_all=true").await.status, 200);
    program(&world, &key).get("/api/v1/bookings").await.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_change_of_the_password_ends_all_if_that_is_wanted() {
    let world = World::start().await;
    let ann = bearer(&world, &register(&world.anonymous(), EMAIL, PASSWORD).await.expect(201));
    let (key, webhook) = (ann.post(KEYS, named("x")).await.expect(201), ann.post(HOOKS, hook()).await.expect(201));
    let change = async |current: &str, new: &str, more: Value| -> Answer {
        let body = loadmaster_testkit::freight::with(json!({"current": current, "new": new}), more);
        ann.post("/api/v1/auth/password", body).await
    };
    change(PASSWORD, NEW, json!({})).await.expect(204);
    program(&world, &key).get("/api/v1/bookings").await.expect(200);
    assert_eq!(state(&ann, &webhook).await.0, "ACTIVE");
    change(NEW, PASSWORD, json!({"end_all": true})).await.expect(204);
    program(&world, &key).get("/api/v1/bookings").await.expect_problem(401, "unauthenticated");
    assert_eq!(state(&ann, &webhook).await, (json!("DISABLED"), json!("access_ended")));
}

#[tokio::test]
async fn the_end_of_an_operators_key_by_a_new_password_is_on_record() {
    let world = World::start().await;
    let admin = world.admin().await;
    let session = register(&world.anonymous(), EMAIL, PASSWORD).await.expect(201);
    let path = format!("/api/v1/users/{}", session["user"]["id"].as_str().unwrap());
    admin.patch(&path, json!({"role": "operator"})).await.expect(200);
    let operator = bearer(&world, &log_in(&world.anonymous(), EMAIL, PASSWORD).await.expect(200));
    let key = operator.post(KEYS, named("scanner")).await.expect(201);
    let change = json!({"current": PASSWORD, "new": NEW, "end_all": true});
    operator.post("/api/v1/auth/password", change).await.expect(204);
    let acts = admin.get("/api/v1/admin/audit?act=api_key.revoked").await.expect(200);
    assert_eq!((&acts[0]["subject_id"], &acts[0]["actor_id"]), (&key["id"], &session["user"]["id"]));
}
