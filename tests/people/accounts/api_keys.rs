//! Keys for programs: made by people, shown once, never worth more than who made them.
use chrono::TimeDelta;
use loadmaster_accounts::Role;
use loadmaster_testkit::{Client, NewFlight, World, WorldOptions};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{PASSWORD, bearer, members, register};

const PATH: &str = "/api/v1/api-keys";

async fn make(owner: &Client, body: Value) -> Value {
    owner.post(PATH, body).await.expect(201)
}

fn user_of(world: &World, key: &Value) -> Client {
    world.anonymous().with_token(key["key"].as_str().expect("a key"))
}

fn path_of(key: &Value) -> String {
    format!("{PATH}/{}", key["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_key_is_shown_once_and_works_like_a_token() {
    let world = World::start().await;
    let ann = bearer(&world, &register(&world.anonymous(), "ann@forwarder.example", PASSWORD).await.expect(201));
    let answer = ann.post(PATH, json!({"name": " scanner "})).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let key = answer.expect(201);
    let told = ["created_at", "expires_at", "id", "key", "last_used_at", "name", "rate_limit_per_minute", "role"];
    assert_eq!(members(&key), told);
    assert_eq!((&key["name"], &key["role"]), (&json!("scanner"), &json!("customer")));
    assert_eq!([&key["expires_at"], &key["last_used_at"], &key["rate_limit_per_minute"]], [&Value::Null; 3]);
    let secret = key["key"].as_str().unwrap();
    assert!(secret.starts_with("lmk_") && secret.len() == 47, "256 bits");

    let program = user_of(&world, &key);
    assert_eq!(program.get("/api/v1/auth/me").await.expect(200)["email"], "ann@forwarder.example");
    world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let booking =
        program.post("/api/v1/bookings", loadmaster_testkit::freight::open_order("DEL", "LHR")).await.expect(201);
    let path = format!("/api/v1/bookings/{}", booking["ref_id"].as_str().unwrap());
    assert_eq!(ann.get(&path).await.expect(200), booking);
    world.customer().await.get(&path).await.expect_problem(404, "not_found");

    let listed = ann.get(PATH).await;
    assert_eq!(listed.header("cache-control"), Some("private, no-cache"), "there is no credential in it");
    assert!(!listed.text.contains(secret));
    assert_eq!(listed.expect(200)[0]["id"], key["id"]);
    let kept = world.texts("select k::text from api_keys k").await.concat();
    assert!(!kept.contains(secret) && !kept.contains(&secret[4..]));
    let is_hash = format!("select (key_hash = sha256('{secret}'))::text from api_keys");
    assert_eq!(world.texts(&is_hash).await, ["true"], "its SHA-256 is kept");
    world.audit().await;
}

#[tokio::test]
async fn a_key_never_does_more_than_its_owner_may_at_the_time() {
    let world = World::start().await;
    let (user, organization) = (Uuid::new_v4(), Uuid::new_v4());
    let operator = world.caller_in(Role::Operator, user, organization).await;
    operator.post(PATH, json!({"name": "x", "role": "admin"})).await.expect_problem(403, "forbidden");
    let own = user_of(&world, &make(&operator, json!({"name": "own"})).await);
    let lesser = user_of(&world, &make(&operator, json!({"name": "lesser", "role": "customer"})).await);
    let least = user_of(&world, &make(&operator, json!({"name": "least", "role": "guest"})).await);
    let staff = "/api/metrics/summary";
    own.get(staff).await.expect(200);
    lesser.get(staff).await.expect_problem(403, "forbidden");
    lesser.get("/api/v1/bookings").await.expect(200);
    // A guest's key sees what was made with it alone.
    assert_eq!(least.get("/api/v1/bookings").await.expect(200), json!([]));
    least.get("/api/v1/waitlist").await.expect_problem(403, "forbidden");
    least.get("/api/v1/flights").await.expect(200);
    // The owner's fall is the key's,
    let admin = world.admin().await;
    let owner = format!("/api/v1/users/{user}");
    admin.patch(&owner, json!({"role": "customer"})).await.expect(200);
    own.get(staff).await.expect_problem(403, "forbidden");
    own.get("/api/v1/bookings").await.expect(200);
    // and so is the rise again, up to what the key was made for.
    admin.patch(&owner, json!({"role": "admin"})).await.expect(200);
    own.get(staff).await.expect(200);
    own.get("/api/v1/users").await.expect_problem(403, "forbidden");
}

#[tokio::test]
async fn a_key_sleeps_while_its_owner_belongs_to_another_organization() {
    let world = World::start().await;
    let (user, home, other) = (Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4());
    let ann = world.caller_in(Role::Customer, user, home).await;
    world.caller_in(Role::Customer, Uuid::new_v4(), other).await;
    let key = make(&ann, json!({"name": "x"})).await;
    let program = user_of(&world, &key);
    program.get("/api/v1/bookings").await.expect(200);
    let admin = world.admin().await;
    let list = format!("{PATH}?user_id={user}");
    for (to, because) in [(other, json!("user_moved")), (home, Value::Null)] {
        let path = format!("/api/v1/users/{user}");
        admin.patch(&path, json!({"organization_id": to})).await.expect(200);
        let listed = admin.get(&list).await.expect(200);
        assert_eq!(
            (&listed[0]["asleep"], &listed[0]["asleep_because"]),
            (&json!(!because.is_null()), &because),
            "{listed}"
        );
        let answer = program.get("/api/v1/bookings").await;
        if because.is_null() {
            answer.expect(200);
        } else {
            answer.expect_problem(401, "unauthenticated");
        }
    }
}

#[tokio::test]
async fn a_revoked_expired_or_unknown_key_is_refused_and_so_is_that_of_a_disabled_user() {
    let world = World::start().await;
    let user = Uuid::new_v4();
    let ann = world.caller_in(Role::Customer, user, Uuid::new_v4()).await;
    let revoked = make(&ann, json!({"name": "revoked"})).await;
    let expiring = make(&ann, json!({"name": "expiring", "expires_at": world.now() + TimeDelta::minutes(5)})).await;
    let kept = make(&ann, json!({"name": "kept"})).await;
    for key in [&revoked, &expiring, &kept] {
        user_of(&world, key).get("/api/v1/bookings").await.expect(200);
    }
    ann.delete(&path_of(&revoked)).await.expect(204);
    user_of(&world, &revoked).get("/api/v1/airports/DEL").await.expect_problem(401, "unauthenticated");
    ann.delete(&path_of(&revoked)).await.expect_problem(404, "not_found");
    assert_eq!(ann.get(PATH).await.expect(200).as_array().unwrap().len(), 2);

    world.clock.advance(TimeDelta::seconds(299));
    user_of(&world, &expiring).get("/api/v1/bookings").await.expect(200);
    world.clock.advance(TimeDelta::seconds(1));
    user_of(&world, &expiring).get("/api/v1/bookings").await.expect_problem(401, "token_expired");

    let path = format!("/api/v1/users/{user}");
    let admin = world.admin().await;
    admin.patch(&path, json!({"disabled": true})).await.expect(200);
    user_of(&world, &kept).get("/api/v1/bookings").await.expect_problem(401, "unauthenticated");
    let asleep = admin.patch(&path_of(&kept), json!({"rate_limit_per_minute": 9})).await.expect(200);
    assert_eq!((&asleep["asleep"], &asleep["asleep_because"]), (&json!(true), &json!("user_disabled")));
    admin.patch(&path, json!({"disabled": false})).await.expect(200);
    user_of(&world, &kept).get("/api/v1/bookings").await.expect(200);
    for unknown in ["lmk_", "lmk_unknown", &format!("{}x", kept["key"].as_str().unwrap())] {
        let nobody = world.anonymous().with_token(unknown);
        nobody.get("/api/v1/airports/DEL").await.expect_problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn other_instances_refuse_a_revoked_key_with_their_next_look_or_after_a_minute() {
    let here = World::start().await;
    let there = WorldOptions::default().on(&here.database).start().await;
    let ann = here.customer().await;
    let [seen, unseen] = [make(&ann, json!({"name": "1"})).await, make(&ann, json!({"name": "2"})).await];
    for key in [&seen, &unseen] {
        user_of(&there, key).get("/api/v1/bookings").await.expect(200);
    }
    ann.delete(&path_of(&seen)).await.expect(204);
    there.sessions().poll_changes().await.unwrap();
    user_of(&there, &seen).get("/api/v1/bookings").await.expect_problem(401, "unauthenticated");
    ann.delete(&path_of(&unseen)).await.expect(204);
    there.clock.advance(TimeDelta::seconds(60));
    user_of(&there, &unseen).get("/api/v1/bookings").await.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn when_a_key_was_last_used_is_kept_to_the_minute() {
    let world = World::start().await;
    let ann = world.customer().await;
    let key = make(&ann, json!({"name": "x"})).await;
    let last = async || ann.get(PATH).await.expect(200)[0]["last_used_at"].clone();
    assert_eq!(last().await, Value::Null);
    let first = world.now();
    let program = user_of(&world, &key);
    for _ in 0..3 {
        program.get("/api/v1/bookings").await.expect(200);
        world.clock.advance(TimeDelta::seconds(19));
    }
    assert_eq!(last().await, json!(first), "within a minute it is not written again");
    world.clock.advance(TimeDelta::seconds(3));
    program.get("/api/v1/bookings").await.expect(200);
    assert_eq!(last().await, json!(first + TimeDelta::seconds(60)));
}

#[tokio::test]
async fn only_people_make_keys_and_change_passwords() {
    let world = World::start().await;
    let ann = world.customer().await;
    let program = user_of(&world, &make(&ann, json!({"name": "x"})).await);
    program.post(PATH, json!({"name": "y"})).await.expect_problem(403, "forbidden");
    let change = json!({"current": PASSWORD, "new": "battery staple horse"});
    program.post("/api/v1/auth/password", change).await.expect_problem(403, "forbidden");
    program.get(PATH).await.expect(200);
    // Nor does a key become a session of its owner.
    let key = program.token.clone().unwrap();
    for path in ["/api/v1/auth/refresh", "/api/v1/auth/logout"] {
        let status = program.post(path, json!({"refresh_token": key})).await.status.as_u16();
        assert_eq!(status, if path.ends_with("refresh") { 401 } else { 204 });
    }
    program.get("/api/v1/bookings").await.expect(200);
    assert_eq!(world.count("api_keys").await, 1);
}

#[tokio::test]
async fn a_foreign_key_is_not_there_but_for_administrators() {
    let world = World::start().await;
    let (user, admin) = (Uuid::new_v4(), world.admin().await);
    let ann = world.caller_in(Role::Customer, user, Uuid::new_v4()).await;
    let key = make(&ann, json!({"name": "x"})).await;
    for stranger in [world.customer().await, world.operator().await] {
        stranger.delete(&path_of(&key)).await.expect_problem(404, "not_found");
        stranger.patch(&path_of(&key), json!({"rate_limit_per_minute": 5})).await.expect_problem(403, "forbidden");
        assert_eq!(stranger.get(PATH).await.expect(200), json!([]));
        let faults = stranger.get(&format!("{PATH}?user_id={user}")).await.expect_faults();
        assert_eq!(faults, [("user_id".to_owned(), "unknown_value".to_owned())]);
    }
    assert_eq!(admin.get(&format!("{PATH}?user_id={user}")).await.expect(200)[0]["id"], key["id"]);
    admin.delete(&path_of(&key)).await.expect(204);
    user_of(&world, &key).get("/api/v1/bookings").await.expect_problem(401, "unauthenticated");
    let acts = admin.get("/api/v1/admin/audit").await.expect(200);
    assert_eq!((&acts[0]["act"], &acts[0]["subject_id"]), (&json!("api_key.revoked"), &key["id"]));
}

#[tokio::test]
async fn an_administrator_gives_a_key_a_rate_of_its_own() {
    let world = World::start().await;
    let (ann, admin) = (world.customer().await, world.admin().await);
    let key = make(&ann, json!({"name": "x"})).await;
    user_of(&world, &key).get("/api/v1/bookings").await.expect(200);
    let patch = async |body: Value| admin.patch(&path_of(&key), body).await;
    assert_eq!(patch(json!({"rate_limit_per_minute": 6000})).await.expect(200)["rate_limit_per_minute"], 6000);
    assert_eq!(ann.get(PATH).await.expect(200)[0]["rate_limit_per_minute"], 6000);
    assert_eq!(patch(json!({})).await.expect(200)["rate_limit_per_minute"], 6000);
    assert_eq!(patch(json!({"rate_limit_per_minute": null})).await.expect(200)["rate_limit_per_minute"], Value::Null);
    for (limit, code) in [(json!(0), "too_small"), (json!(1_000_001), "too_large"), (json!("5"), "wrong_type")] {
        let faults = patch(json!({"rate_limit_per_minute": limit})).await.expect_faults();
        assert_eq!(faults, [("/rate_limit_per_minute".to_owned(), code.to_owned())]);
    }
    let acts = admin.get("/api/v1/admin/audit?act=api_key.changed").await.expect(200);
    assert_eq!(acts.as_array().unwrap().len(), 2, "what changed nothing is no act");
}

#[tokio::test]
async fn an_invalid_new_api_key_is_refused() {
    let world = World::start().await;
    let ann = world.customer().await;
    for (body, place, code) in [
        (json!({}), "/name", "required"),
        (json!({"name": ""}), "/name", "too_short"),
        (json!({"name": "a\u{7}b"}), "/name", "invalid_format"),
        (json!({"name": "x", "role": "owner"}), "/role", "unknown_value"),
        (json!({"name": "x", "expires_at": "2026-11-20T08:00:00Z"}), "/expires_at", "out_of_order"),
        (json!({"name": "x", "expires_at": "tomorrow"}), "/expires_at", "invalid_format"),
        (json!({"name": "x", "password": ""}), "/password", "too_short"),
        (json!({"name": "x", "password": 7}), "/password", "wrong_type"),
        (json!({"name": "x", "rate_limit_per_minute": 9}), "/rate_limit_per_minute", "unknown_field"),
        (json!({"name": "x", "key": "lmk_mine"}), "/key", "unknown_field"),
    ] {
        let faults = ann.post(PATH, body.clone()).await.expect_faults();
        assert_eq!(faults, [(place.to_owned(), code.to_owned())], "{body}");
    }
}

#[tokio::test]
async fn the_list_has_pages() {
    let world = World::start().await;
    let ann = world.customer().await;
    let mut made = Vec::new();
    for number in 0..3 {
        made.insert(0, make(&ann, json!({"name": number.to_string()})).await["id"].clone());
    }
    let first = ann.get(&format!("{PATH}?limit=2")).await;
    let link = first.header("link").unwrap().to_owned();
    let next = link.strip_prefix('<').unwrap().split('>').next().unwrap().to_owned();
    let rest = ann.get(&next).await.expect(200);
    let ids: Vec<_> = [first.expect(200), rest].iter().flat_map(|page| page.as_array().unwrap().clone()).collect();
    assert_eq!(ids.iter().map(|key| key["id"].clone()).collect::<Vec<_>>(), made);
    world.customer().await.get(&next).await.expect_problem(400, "invalid_cursor");
}

/// A key's answer is never kept: the header does nothing.
#[tokio::test]
async fn an_idempotency_key_makes_no_difference() {
    let world = World::start().await;
    let ann = world.customer().await;
    let ask = async || ann.post_under("once", PATH, &json!({"name": "x"})).await.expect(201);
    assert_ne!(ask().await["key"], ask().await["key"]);
    assert_eq!(world.count("idempotency_records").await, 0);
}
