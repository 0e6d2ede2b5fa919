use axum::http::Method;
use chrono::TimeDelta;
use serde_json::{Value, json};

use loadmaster_testkit::{Answer, SmtpServer, TakenMail, Watch, World, WorldOptions, until};
use sqlx::{Connection, Executor};

use super::{PASSWORD, mailing, me, register, rows, taken, token_in};

const FORGOT: &str = "/api/v1/auth/password/forgot";
const RESET: &str = "/api/v1/auth/password/reset";
const NEW: &str = "another horse battery";

async fn log_in(world: &World, password: &str) -> Answer {
    world.anonymous().post("/api/v1/auth/login", json!({"email": "ann@example.org", "password": password})).await
}

/// The token of the last of so many letters: others, asked for before, may come later.
async fn link_to_reset(world: &World, relay: &SmtpServer, letters: usize) -> String {
    world.anonymous().post(FORGOT, json!({"email": "Ann@Example.org"})).await.expect(202);
    let is_about_it = |mail: &TakenMail| mail.header("Subject") == "Set a new password";
    let mut mails = Vec::new();
    until("the letter arrives", async || {
        mails = relay.taken();
        mails.retain(is_about_it);
        mails.len() >= letters
    })
    .await;
    token_in(&mails.remove(letters - 1).text(), "reset-password")
}

#[tokio::test]
async fn a_forgotten_password_is_set_anew_once_and_all_sessions_end() {
    let relay = SmtpServer::start().await;
    let world = mailing(&relay).start().await;
    let ann = register(&world, "ann@example.org").await;
    let other = link_to_reset(&world, &relay, 1).await;
    let token = link_to_reset(&world, &relay, 2).await;
    world.anonymous().post(RESET, json!({"token": token, "new": NEW})).await.expect(204);
    log_in(&world, PASSWORD).await.expect_problem(401, "invalid_credentials");
    log_in(&world, NEW).await.expect(200);
    ann.get("/api/v1/auth/me").await.expect_problem(401, "unauthenticated");
    for spent in [token, other] {
        world.anonymous().post(RESET, json!({"token": spent, "new": NEW})).await.expect_problem(400, "invalid_token");
    }
}

#[tokio::test]
async fn a_link_is_good_for_thirty_minutes_and_a_password_must_still_be_good() {
    let relay = SmtpServer::start().await;
    let world = mailing(&relay).start().await;
    register(&world, "ann@example.org").await;
    let token = link_to_reset(&world, &relay, 1).await;
    for weak in ["short", "password123", "ann@example.org"] {
        let answer = world.anonymous().post(RESET, json!({"token": token, "new": weak})).await;
        answer.expect_problem(400, "validation_failed");
    }
    world.clock.advance(TimeDelta::minutes(30));
    world.anonymous().post(RESET, json!({"token": token, "new": NEW})).await.expect_problem(400, "invalid_token");
    log_in(&world, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn neither_the_response_nor_the_work_reveals_whether_there_is_an_account() {
    // Nobody takes the jobs.
    let world = World::start().await;
    register(&world, "ann@example.org").await;
    let known = world.anonymous().post(FORGOT, json!({"email": "ann@example.org"})).await;
    let unknown = world.anonymous().post(FORGOT, json!({"email": "nobody@example.org"})).await;
    assert_eq!((known.status.as_u16(), known.text.as_str()), (202, ""));
    assert_eq!((unknown.status, unknown.text), (known.status, known.text));
    let mut owner = world.owner().await;
    let jobs: Vec<Value> = sqlx::query_scalar("select payload from jobs where kind = 'forgotten_password' order by id")
        .fetch_all(&mut owner)
        .await
        .unwrap();
    world.give_back(owner);
    assert_eq!(jobs.len(), 2, "{jobs:?}");
    assert!(jobs[0]["user_id"].is_string() && jobs[1]["user_id"].is_null(), "{jobs:?}");
    assert!(!json!(jobs).to_string().contains("example.org"), "{jobs:?}");
}

#[tokio::test]
async fn an_address_without_account_gets_no_letter() {
    let relay = SmtpServer::start().await;
    let world = mailing(&relay).start().await;
    register(&world, "ann@example.org").await;
    world.anonymous().post(FORGOT, json!({"email": "nobody@example.org"})).await.expect(202);
    world.anonymous().post(FORGOT, json!({"email": "ann@example.org"})).await.expect(202);
    let mails = taken(&relay, 2).await;
    assert!(mails.iter().all(|mail| mail.to == ["ann@example.org"]));
    assert_eq!(rows(&world).await.len(), 2);
}

#[tokio::test]
async fn attempts_count_against_the_quota_of_the_account_existing_or_not() {
    let options =
        WorldOptions::default().set("rate_limit.enabled", "true").set("rate_limit.credentials_per_minute", "2");
    let world = options.set("rate_limit.anonymous_per_minute", "1000").start().await;
    for email in ["ann@example.org", "nobody@example.org"] {
        for _ in 0..2 {
            world.anonymous().post(FORGOT, json!({ "email": email })).await.expect(202);
        }
        world.anonymous().post(FORGOT, json!({ "email": email })).await.expect_problem(429, "rate_limited");
    }
}

#[tokio::test]
async fn a_reset_and_a_verification_that_meet_hold_no_token_while_they_wait_for_the_account() {
    let relay = SmtpServer::start().await;
    let world = mailing(&relay).set("database.statement_timeout_ms", "120000").start().await;
    register(&world, "ann@example.org").await;
    let verification = token_in(&taken(&relay, 1).await[0].text(), "verify-email");
    let reset = link_to_reset(&world, &relay, 1).await;
    let mut owner = world.database.owner().await;
    let mut lock = owner.begin().await.unwrap();
    lock.execute("select from users where email = 'ann@example.org' for update").await.unwrap();
    let mut watch = Watch::over(&world.database).await;
    let mut waiting = Vec::new();
    for (path, body) in
        [(RESET, json!({"token": reset, "new": NEW})), ("/api/v1/auth/email/verify", json!({"token": verification}))]
    {
        let anybody = world.anonymous();
        waiting.push(tokio::spawn(async move { anybody.post(path, body).await }));
        watch.until_waiting(i64::try_from(waiting.len()).unwrap()).await;
    }
    let tokens = lock.execute("select from one_time_tokens for update nowait").await;
    tokens.expect("whoever has locked the account may lock its tokens");
    lock.rollback().await.unwrap();
    let [reset, verification] = &mut waiting[..] else { panic!("two requests") };
    reset.await.unwrap().expect(204);
    verification.await.unwrap().expect_problem(400, "invalid_token");
    log_in(&world, NEW).await.expect(200);
    world.shutdown().await;
    assert_eq!(watch.deadlocks().await, 0);
}

async fn forget_as(world: &World, address: &str) {
    let request = world.anonymous().request(Method::POST, FORGOT).header("x-forwarded-for", address);
    Answer::of(request.json(&json!({"email": "ann@example.org"}))).await.expect(202);
}

/// The links for a new password that were written, when nobody is asked for more.
async fn links(world: &World) -> usize {
    until("all that was asked for is done", async || {
        world.texts("select id::text from jobs where kind = 'forgotten_password'").await.is_empty()
    })
    .await;
    world.texts("select id::text from notifications where type = 'reset_password'").await.len()
}

#[tokio::test]
async fn a_stranger_uses_up_no_link_of_the_owner_and_many_strangers_send_no_flood() {
    let relay = SmtpServer::start().await;
    let world = mailing(&relay).set("server.trusted_proxies", "127.0.0.0/8").start().await;
    register(&world, "ann@example.org").await;
    for _ in 0..8 {
        forget_as(&world, "203.0.113.1").await;
    }
    assert_eq!(links(&world).await, 5);
    forget_as(&world, "198.51.100.7").await;
    assert_eq!(links(&world).await, 6, "the owner still gets one");
    for stranger in 2..8 {
        for _ in 0..5 {
            forget_as(&world, &format!("203.0.113.{stranger}")).await;
        }
    }
    // Twenty, and one for each who asks for the first time after that.
    assert_eq!(links(&world).await, 23);
    world.clock.advance(TimeDelta::minutes(61));
    forget_as(&world, "203.0.113.1").await;
    assert_eq!(links(&world).await, 24);
    // The addresses of those who ask are not kept.
    for trace in ["203.0.113", "198.51.100"] {
        assert_eq!(world.found(&[trace]).await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_stranger_uses_up_no_attempt_of_the_owner() {
    let limited = WorldOptions::working().set("rate_limit.enabled", "true").set("redis.timeout_ms", "10000");
    let limited = limited.set("rate_limit.credentials_per_minute", "3").set("server.trusted_proxies", "127.0.0.0/8");
    let world = limited.start().await;
    let ask = async |address: &str| {
        let request = world.anonymous().request(Method::POST, FORGOT).header("x-forwarded-for", address);
        Answer::of(request.json(&json!({"email": "ann@example.org"}))).await
    };
    for _ in 0..3 {
        ask("203.0.113.1").await.expect(202);
    }
    ask("203.0.113.1").await.expect_problem(429, "rate_limited");
    ask("198.51.100.7").await.expect(202);
}

#[tokio::test]
async fn the_page_of_the_link_sets_a_password_without_scripts() {
    let relay = SmtpServer::start().await;
    let world = mailing(&relay).start().await;
    let ann = register(&world, "ann@example.org").await;
    me(&ann).await;
    let token = link_to_reset(&world, &relay, 1).await;
    let path = format!("/reset-password/{token}");
    let form = "application/x-www-form-urlencoded";
    let anybody = world.anonymous();
    let page = anybody.get(&path).await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("type=\"password\"") && !page.text.contains("<script"), "{}", page.text);
    let weak = anybody.post_raw(&path, form, "new=short").await;
    assert_eq!(weak.status, 400);
    assert!(weak.text.contains("must have at least 10 characters"), "{}", weak.text);
    assert_eq!(anybody.post_raw(&path, form, "new=another+horse+battery").await.status, 200);
    log_in(&world, NEW).await.expect(200);
    // Whoever comes again learns that the link was used: a person from a page, a program from a problem.
    let browser =
        anybody.request(Method::GET, &path).header("accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8");
    let page = Answer::of(browser).await;
    assert_eq!((page.status.as_u16(), page.header("content-type")), (400, Some("text/html; charset=utf-8")));
    assert!(page.text.contains("Ask for a new one"), "{}", page.text);
    for answer in [anybody.get(&path).await, anybody.post_raw(&path, form, "new=a+third+horse+battery").await] {
        let problem = answer.expect_problem(400, "invalid_token");
        assert_eq!(problem["errors"][0]["in"], "path", "{problem}");
        assert_eq!(problem["errors"][0]["code"], "unknown_value", "{problem}");
    }
}

#[tokio::test]
async fn an_installation_without_passwords_sets_none() {
    let world = WorldOptions::default().set("auth.password_grant", "false").start().await;
    let anybody = world.anonymous();
    anybody.post(FORGOT, json!({"email": "ann@example.org"})).await.expect_problem(403, "forbidden");
    anybody.post(RESET, json!({"token": "x", "new": NEW})).await.expect_problem(403, "forbidden");
}
