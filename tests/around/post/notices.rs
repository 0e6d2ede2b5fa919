//! Letters to the owners of accounts about access that was made, which nobody switches off.
use loadmaster_testkit::{Answer, Client, SmtpServer, TakenMail, World, until};
use reqwest::Method;
use serde_json::{Value, json};

use super::{PASSWORD, PUBLIC, mailing, register, token_in};

const EMAIL: &str = "ann@example.org";
const KEYS: &str = "/api/v1/api-keys";
const HOOKS: &str = "/api/v1/webhooks";
const NEW_KEY: &str = "A new API key for your account";
const NEW_HOOK: &str = "A webhook of your account sends events to a new address";
const NEW_SECRET: &str = "A webhook of your account has a new secret";
const NEW_PASSWORD: &str = "Your password was changed";

/// Somebody whose address is verified.
async fn owner(world: &World) -> Client {
    let ann = register(world, EMAIL).await;
    world.sql("update users set email_verified_at = now()").await;
    ann
}

/// The letters with this subject, when there are as many.
async fn letters(relay: &SmtpServer, subject: &str, count: usize) -> Vec<TakenMail> {
    let about_it = || {
        let mut mails = relay.taken();
        mails.retain(|mail| mail.header("Subject") == subject);
        mails
    };
    until(&format!("{count} letters say: {subject}"), async || about_it().len() >= count).await;
    about_it()
}

async fn keyed(client: &Client, method: Method, path: &str, body: Value) -> Answer {
    client.send(method, path, &[("idempotency-key", "once")], Some(&body)).await
}

/// The notifications of this type that are written.
async fn written(world: &World, kind: &str) -> usize {
    world.texts(&format!("select id::text from notifications where type = '{kind}'")).await.len()
}

#[tokio::test]
async fn the_owner_of_an_account_is_notified_of_a_new_key() {
    let relay = SmtpServer::start().await;
    let world = mailing(&relay).start().await;
    let ann = owner(&world).await;
    ann.post(KEYS, json!({"name": "night <b>scanner</b>"})).await.expect(201);
    let letter = letters(&relay, NEW_KEY, 1).await.remove(0);
    assert_eq!(letter.to, [EMAIL]);
    let text = letter.text();
    assert!(text.contains("night <b>scanner</b>") && text.contains(&format!("{PUBLIC}/account")), "{text}");
    let html = text.split("text/html").nth(1).unwrap();
    assert!(html.contains("night &lt;b&gt;scanner"), "{html}");
    assert_eq!(letter.header("List-Unsubscribe"), "", "nobody switches it off");
    // Each key is told of once, also if its making is repeated, which makes another one.
    for _ in 0..2 {
        keyed(&ann, Method::POST, KEYS, json!({"name": "again"})).await.expect(201);
    }
    letters(&relay, NEW_KEY, 3).await;
    assert_eq!(written(&world, "new_api_key").await, 3);
    let refused = ann.post(KEYS, json!({"name": "x", "role": "admin"})).await;
    refused.expect_problem(403, "forbidden");
    assert_eq!(written(&world, "new_api_key").await, 3, "what is not made is not told");
}

#[tokio::test]
async fn the_owner_of_an_account_is_notified_once_of_the_address_of_its_webhooks() {
    let relay = SmtpServer::start().await;
    let world = mailing(&relay).start().await;
    let ann = owner(&world).await;
    let webhook = ann.post(HOOKS, json!({"url": "https://one.example/"})).await.expect(201);
    let letter = letters(&relay, NEW_HOOK, 1).await.remove(0);
    assert!(letter.text().contains("https://one.example/"), "{}", letter.text());
    let path = format!("{HOOKS}/{}", webhook["id"].as_str().unwrap());
    for _ in 0..2 {
        keyed(&ann, Method::PATCH, &path, json!({"url": "https://two.example/"})).await.expect(200);
    }
    let told = letters(&relay, NEW_HOOK, 2).await;
    assert!(told[1].text().contains("https://two.example/"), "{}", told[1].text());
    ann.patch(&path, json!({"description": "It goes where it went"})).await.expect(200);
    ann.patch(&path, json!({"status": "DISABLED"})).await.expect(200);
    ann.patch(&path, json!({"status": "ACTIVE"})).await.expect(200);
    assert_eq!(written(&world, "new_webhook").await, 2);
    // One that had ended acts again.
    world.sql("update users set lasting_from = clock_timestamp()").await;
    ann.patch(&path, json!({"status": "ACTIVE"})).await.expect(200);
    letters(&relay, NEW_HOOK, 3).await;
}

#[tokio::test]
async fn the_owner_of_an_account_is_notified_of_each_new_secret_of_its_webhooks() {
    let relay = SmtpServer::start().await;
    let world = mailing(&relay).start().await;
    let ann = owner(&world).await;
    let webhook = ann.post(HOOKS, json!({"url": "https://one.example/"})).await.expect(201);
    let path = format!("{HOOKS}/{}/secret", webhook["id"].as_str().unwrap());
    for _ in 0..2 {
        ann.poke(&path).await.expect(200);
    }
    let told = letters(&relay, NEW_SECRET, 2).await;
    assert!(told[0].text().contains("https://one.example/"), "{}", told[0].text());
    let admin = world.admin().await;
    world.sql("update users set email_verified_at = now()").await;
    admin.poke(&path).await.expect(200);
    assert_eq!(letters(&relay, NEW_SECRET, 3).await[2].to, [EMAIL], "whoever replaces it");
}

#[tokio::test]
async fn the_owner_of_an_account_is_notified_of_a_new_password() {
    let relay = SmtpServer::start().await;
    let world = mailing(&relay).start().await;
    let ann = owner(&world).await;
    let change = json!({"current": PASSWORD, "new": "another horse battery"});
    ann.post("/api/v1/auth/password", change).await.expect(204);
    assert_eq!(letters(&relay, NEW_PASSWORD, 1).await[0].to, [EMAIL]);
    world.anonymous().post("/api/v1/auth/password/forgot", json!({ "email": EMAIL })).await.expect(202);
    let token = token_in(&letters(&relay, "Set a new password", 1).await[0].text(), "reset-password");
    let reset = json!({"token": token, "new": "one more horse battery"});
    world.anonymous().post("/api/v1/auth/password/reset", reset).await.expect(204);
    letters(&relay, NEW_PASSWORD, 2).await;
}

#[tokio::test]
async fn a_notice_goes_to_a_verified_address_even_if_its_owner_wants_no_messages() {
    let relay = SmtpServer::start().await;
    let world = mailing(&relay).start().await;
    let ann = register(&world, EMAIL).await;
    // Anybody can register with anybody's address, and choose passwords all day.
    let change = |current: &str, new: &str| json!({"current": current, "new": new});
    ann.post("/api/v1/auth/password", change(PASSWORD, "another horse battery")).await.expect(204);
    until("it is not told", async || {
        let suppressed = "select reason from notifications where type = 'new_password' and status = 'SUPPRESSED'";
        world.texts(suppressed).await == ["unverified"]
    })
    .await;
    world.sql("update users set email_verified_at = now()").await;
    let one_time: loadmaster_accounts::OneTime = world.state().service().unwrap();
    let mut owner = world.owner().await;
    sqlx::query("insert into suppressions (address_hash, is_declined, created_at) values ($1, true, now())")
        .bind(one_time.address_hash("email", EMAIL))
        .execute(&mut owner)
        .await
        .unwrap();
    world.give_back(owner);
    ann.post("/api/v1/auth/password", change("another horse battery", "one more horse battery")).await.expect(204);
    letters(&relay, NEW_PASSWORD, 1).await;
}
