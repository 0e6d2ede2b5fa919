//! Who is disabled, demoted, moved or logged out loses access within a minute, on every instance.
use chrono::TimeDelta;
use loadmaster_accounts::Role;
use loadmaster_testkit::{Client, Watch, World, WorldOptions, until};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{PASSWORD, bearer, log_out, me, refresh, register};

const EMAIL: &str = "ann@forwarder.example";

/// Two instances on one database, and a user who has been seen by both.
struct Scene {
    here: World,
    there: World,
    session: Value,
}

impl Scene {
    async fn set() -> Self {
        let here = World::start().await;
        let there = WorldOptions::default().on(&here.database).start().await;
        let session = register(&here.anonymous(), EMAIL, PASSWORD).await.expect(201);
        let scene = Self { here, there, session };
        me(&scene.ann_there()).await.expect(200);
        scene
    }

    fn ann_there(&self) -> Client {
        bearer(&self.there, &self.session)
    }

    fn user_path(&self) -> String {
        format!("/api/v1/users/{}", self.session["user"]["id"].as_str().unwrap())
    }

    /// What the worker of the other instance does every ten seconds.
    async fn look(&self) {
        self.there.sessions().poll_changes().await.unwrap();
    }
}

#[tokio::test]
async fn a_disabled_user_loses_access_at_once_here_and_with_the_next_look_elsewhere() {
    let scene = Scene::set().await;
    let admin = scene.here.admin().await;
    admin.patch(&scene.user_path(), json!({"disabled": true})).await.expect(200);
    me(&bearer(&scene.here, &scene.session)).await.expect_problem(401, "unauthenticated");
    scene.look().await;
    me(&scene.ann_there()).await.expect_problem(401, "unauthenticated");
    scene.ann_there().get("/api/v1/airports/DEL").await.expect_problem(401, "unauthenticated");
    // Enabled again, the user logs in anew: what was out before stays worthless.
    admin.patch(&scene.user_path(), json!({"disabled": false})).await.expect(200);
    refresh(&scene.here.anonymous(), &scene.session["refresh_token"]).await.expect_problem(401, "unauthenticated");
    scene.look().await;
    me(&scene.ann_there()).await.expect_problem(401, "unauthenticated");
    let anew = super::log_in(&scene.there.anonymous(), EMAIL, PASSWORD).await.expect(200);
    me(&bearer(&scene.there, &anew)).await.expect(200);
}

#[tokio::test]
async fn a_change_that_no_message_announced_counts_after_a_minute() {
    let scene = Scene::set().await;
    super::disable(&scene.here, EMAIL).await;
    scene.there.clock.advance(TimeDelta::seconds(60));
    me(&scene.ann_there()).await.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn an_export_under_way_breaks_off_when_its_caller_loses_access() {
    let world = World::start().await;
    let admin = world.admin().await;
    let organization = admin.get("/api/v1/auth/me").await.expect(200)["organization_id"].clone();
    let changes =
        [json!({}), json!({"disabled": true}), json!({"role": "operator"}), json!({"organization_id": organization})];
    for (number, change) in changes.iter().enumerate() {
        let session =
            register(&world.anonymous(), &format!("ann{number}@forwarder.example"), PASSWORD).await.expect(201);
        let mut owner = world.owner().await;
        sqlx::raw_sql("begin; lock table bookings").execute(&mut owner).await.unwrap();
        let export = bearer(&world, &session).request(reqwest::Method::GET, "/api/v1/bookings/export");
        let export = tokio::spawn(export.send());
        Watch::over(&world.database).await.until_waiting(1).await;
        if number == 0 {
            assert_eq!(log_out(&world.anonymous(), &session["refresh_token"]).await.status, 204);
        } else {
            let user = format!("/api/v1/users/{}", session["user"]["id"].as_str().unwrap());
            admin.patch(&user, change.clone()).await.expect(200);
        }
        sqlx::raw_sql("rollback").execute(&mut owner).await.unwrap();
        world.give_back(owner);
        // The head of the answer may not have left yet.
        if let Ok(answer) = export.await.unwrap() {
            assert_eq!(answer.status(), 200);
            answer.text().await.expect_err(&change.to_string());
        }
    }
}

#[tokio::test]
async fn another_role_or_organization_makes_the_token_expire_and_the_next_one_right() {
    let scene = Scene::set().await;
    let admin = scene.here.admin().await;
    let organization = admin.get("/api/v1/auth/me").await.expect(200)["organization_id"].clone();
    let mut session = scene.session.clone();
    for change in [json!({"role": "operator"}), json!({"organization_id": organization}), json!({"role": "customer"})] {
        admin.patch(&scene.user_path(), change.clone()).await.expect(200);
        scene.look().await;
        me(&bearer(&scene.there, &session)).await.expect_problem(401, "token_expired");
        session = refresh(&scene.there.anonymous(), &session["refresh_token"]).await.expect(200);
        let now = me(&bearer(&scene.there, &session)).await.expect(200);
        for (member, value) in change.as_object().unwrap() {
            assert_eq!(&now[member], value);
        }
    }
}

#[tokio::test]
async fn a_demoted_operator_moves_nothing_any_more() {
    let scene = Scene::set().await;
    let (user, organization) = (Uuid::new_v4(), Uuid::new_v4());
    let operator = scene.there.caller_in(Role::Operator, user, organization).await;
    operator.get("/api/metrics/summary").await.expect(200);
    let demote = json!({"role": "customer"});
    scene.here.admin().await.patch(&format!("/api/v1/users/{user}"), demote).await.expect(200);
    scene.look().await;
    operator.get("/api/metrics/summary").await.expect_problem(401, "token_expired");
}

#[tokio::test]
async fn a_session_that_ended_is_over_on_every_instance() {
    let scene = Scene::set().await;
    log_out(&scene.here.anonymous(), &scene.session["refresh_token"]).await.expect(204);
    scene.look().await;
    me(&scene.ann_there()).await.expect_problem(401, "unauthenticated");
}

/// A transaction takes its time between writing and committing.
#[tokio::test]
async fn a_change_that_was_committed_late_is_not_missed() {
    use sqlx::{Connection, Executor};
    let scene = Scene::set().await;
    let mut owner = scene.here.database.owner().await;
    let mut slow = owner.begin().await.unwrap();
    slow.execute("update users set disabled_at = now()").await.unwrap();
    scene.look().await;
    me(&scene.ann_there()).await.expect(200);
    slow.commit().await.unwrap();
    scene.look().await;
    me(&scene.ann_there()).await.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn accounts_are_served_from_memory_for_a_minute_without_a_database() {
    let scene = Scene::set().await;
    super::disable(&scene.here, EMAIL).await;
    scene.here.database.close_doors().await;
    // Nobody can look. What was seen last counts for a minute,
    assert!(scene.there.sessions().poll_changes().await.is_err());
    scene.there.clock.advance(TimeDelta::seconds(59));
    scene.ann_there().get("/api/v1/airports/DEL").await.expect(200);
    // then nobody is let in unasked,
    scene.there.clock.advance(TimeDelta::seconds(1));
    scene.ann_there().get("/api/v1/airports/DEL").await.expect_problem(503, "unavailable");
    scene.there.anonymous().get("/api/v1/airports/DEL").await.expect(200);
    // and who asks finds out, although the look still fails.
    scene.here.database.open_doors().await;
    let ask = async || scene.ann_there().get("/api/v1/airports/DEL").await;
    until("the database answers", async || ask().await.status != 503).await;
    ask().await.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_token_that_was_seen_before_still_expires_on_time() {
    let scene = Scene::set().await;
    let ann = scene.ann_there();
    for _ in 0..3 {
        scene.there.clock.advance(TimeDelta::seconds(299));
        scene.look().await;
        me(&ann).await.expect(200);
    }
    scene.there.clock.advance(TimeDelta::seconds(2));
    me(&ann).await.expect(200);
    scene.there.clock.advance(TimeDelta::seconds(1));
    me(&ann).await.expect_problem(401, "token_expired");
}

#[tokio::test]
async fn a_changed_password_ends_the_other_sessions_on_every_instance() {
    let scene = Scene::set().await;
    let other = super::log_in(&scene.there.anonymous(), EMAIL, PASSWORD).await.expect(200);
    me(&bearer(&scene.there, &other)).await.expect(200);
    let change = json!({"current": PASSWORD, "new": "battery staple horse"});
    bearer(&scene.here, &scene.session).post("/api/v1/auth/password", change).await.expect(204);
    scene.look().await;
    me(&bearer(&scene.there, &other)).await.expect_problem(401, "unauthenticated");
    refresh(&scene.there.anonymous(), &other["refresh_token"]).await.expect_problem(401, "unauthenticated");
    me(&scene.ann_there()).await.expect(200);
}

/// A stolen refresh token that is found out on one instance.
#[tokio::test]
async fn a_session_that_was_stolen_is_over_on_every_instance() {
    let scene = Scene::set().await;
    refresh(&scene.there.anonymous(), &scene.session["refresh_token"]).await.expect(200);
    scene.here.clock.advance(TimeDelta::seconds(31));
    let again = refresh(&scene.here.anonymous(), &scene.session["refresh_token"]).await;
    again.expect_problem(401, "unauthenticated");
    scene.look().await;
    me(&scene.ann_there()).await.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_key_falls_with_its_owner_on_every_instance() {
    let scene = Scene::set().await;
    let (user, organization) = (Uuid::new_v4(), Uuid::new_v4());
    let operator = scene.here.caller_in(Role::Operator, user, organization).await;
    let key = operator.post("/api/v1/api-keys", json!({"name": "scanner"})).await.expect(201);
    let program = scene.there.anonymous().with_token(key["key"].as_str().unwrap());
    let (admin, path) = (scene.here.admin().await, format!("/api/v1/users/{user}"));
    program.get("/api/metrics/summary").await.expect(200);
    admin.patch(&path, json!({"role": "customer"})).await.expect(200);
    scene.look().await;
    program.get("/api/metrics/summary").await.expect_problem(403, "forbidden");
    program.get("/api/v1/bookings").await.expect(200);
    admin.patch(&path, json!({"disabled": true})).await.expect(200);
    scene.look().await;
    program.get("/api/v1/airports/DEL").await.expect_problem(401, "unauthenticated");
    // Nobody looks: what was seen counts for a minute.
    admin.patch(&path, json!({"disabled": false})).await.expect(200);
    scene.look().await;
    program.get("/api/v1/bookings").await.expect(200);
    admin.patch(&path, json!({"disabled": true})).await.expect(200);
    scene.there.clock.advance(TimeDelta::seconds(60));
    program.get("/api/v1/airports/DEL").await.expect_problem(401, "unauthenticated");
}

/// Whatever the order in which they come: in the end nothing that was given out is worth anything.
#[tokio::test]
async fn a_user_disabled_during_a_refresh_or_log_in_keeps_no_session() {
    let scene = Scene::set().await;
    let client = scene.there.anonymous();
    let token = json!({"refresh_token": scene.session["refresh_token"]});
    let login = json!({"email": EMAIL, "password": PASSWORD});
    let mut asking = Vec::new();
    for _ in 0..4 {
        asking.push(tokio::spawn(client.sending("/api/v1/auth/refresh", token.clone())));
        asking.push(tokio::spawn(client.sending("/api/v1/auth/login", login.clone())));
    }
    scene.here.admin().await.patch(&scene.user_path(), json!({"disabled": true})).await.expect(200);
    let mut sessions = vec![scene.session.clone()];
    for answer in asking {
        let answer = answer.await.unwrap();
        match answer.status.as_u16() {
            200 => sessions.push(answer.body),
            status => assert!([401, 403].contains(&status), "{}", answer.text),
        }
    }
    scene.look().await;
    for session in &sessions {
        me(&bearer(&scene.there, session)).await.expect_problem(401, "unauthenticated");
        let status = refresh(&client, &session["refresh_token"]).await.status.as_u16();
        assert!([401, 403].contains(&status), "{status}");
    }
    // Enabled again, none of them comes back.
    scene.here.admin().await.patch(&scene.user_path(), json!({"disabled": false})).await.expect(200);
    scene.look().await;
    for session in &sessions {
        me(&bearer(&scene.there, session)).await.expect_problem(401, "unauthenticated");
        refresh(&client, &session["refresh_token"]).await.expect_problem(401, "unauthenticated");
    }
}
