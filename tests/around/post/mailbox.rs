use std::os::unix::fs::PermissionsExt;

use loadmaster_testkit::{Client, World, WorldOptions, until};
use serde_json::{Value, json};

use super::{PASSWORD, flood, register, rows, token_in};

const MAILBOX: &str = "/api/v1/admin/mailbox";

async fn boxed(directory: &tempfile::TempDir) -> World {
    WorldOptions::working()
        .set("mail.transport", "mailbox")
        .set("sms.transport", "mailbox")
        .set("mail.per_minute", "60000")
        .set("embedded.data_dir", directory.path().to_str().unwrap())
        .set("server.public_url", super::PUBLIC)
        .start()
        .await
}

async fn letters(admin: &Client, count: usize) -> Vec<Value> {
    until(&format!("{count} letters are in the mailbox"), async || {
        admin.get(MAILBOX).await.expect(200).as_array().unwrap().len() >= count
    })
    .await;
    admin.get(MAILBOX).await.expect(200).as_array().unwrap().clone()
}

#[tokio::test]
async fn the_mailbox_shows_what_would_be_sent() {
    let directory = tempfile::tempdir().unwrap();
    let world = boxed(&directory).await;
    let ann = register(&world, "ann@example.org").await;
    let admin = world.admin().await;
    letters(&admin, 1).await;
    ann.patch("/api/v1/auth/me", json!({"phone": "+442079460123"})).await.expect(200);
    let listed = letters(&admin, 2).await;
    assert_eq!((&listed[0]["channel"], &listed[0]["to"]), (&json!("sms"), &json!("+442079460123")));
    assert_eq!(listed[0]["subject"], Value::Null);
    assert_eq!((&listed[1]["type"], &listed[1]["to"]), (&json!("verify_email"), &json!("ann@example.org")));
    let id = listed[1]["id"].as_str().unwrap();
    let answer = admin.get(&format!("{MAILBOX}/{id}")).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"), "its link is worth a session");
    let letter = answer.expect(200);
    assert!(letter["html"].as_str().unwrap().contains("<a href="));
    let token = token_in(letter["text"].as_str().unwrap(), "verify-email");
    world.anonymous().post("/api/v1/auth/email/verify", json!({ "token": token })).await.expect(204);

    let folder = directory.path().join("mailbox");
    assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    let mut endings: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().extension().unwrap().to_string_lossy().into_owned())
        .collect();
    endings.sort();
    assert_eq!(endings, ["eml", "txt"]);
    let eml = std::fs::read_to_string(folder.join(format!("{id}.eml"))).unwrap();
    assert!(eml.contains("Subject: Confirm your e-mail address\r\n"), "{eml}");
    admin.get(&format!("{MAILBOX}/{}", uuid::Uuid::now_v7())).await.expect_problem(404, "not_found");
}

/// Fills a mailbox: takes a few seconds.
#[tokio::test]
async fn the_newest_thousand_letters_stay_and_come_in_pages() {
    let directory = tempfile::tempdir().unwrap();
    let world = boxed(&directory).await;
    let admin = world.admin().await;
    let folder = directory.path().join("mailbox");
    std::fs::create_dir_all(&folder).unwrap();
    // Older ones, as an earlier server left them.
    for number in 0..999u128 {
        std::fs::write(folder.join(format!("{}.eml", uuid::Uuid::from_u128(number))), "old").unwrap();
    }
    flood(&world, 5).await;
    until("all are recorded", async || rows(&world).await.iter().all(|row| row.status == "SENT")).await;
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1_000);
    let first = admin.get(&format!("{MAILBOX}?limit=2")).await;
    let next = first.header("link").unwrap().split(['<', '>']).nth(1).unwrap().to_owned();
    let ids = |answer: &Value| -> Vec<String> {
        answer.as_array().unwrap().iter().map(|letter| letter["id"].as_str().unwrap().to_owned()).collect()
    };
    let mut seen = ids(&first.expect(200));
    seen.extend(ids(&admin.get(&next).await.expect(200)));
    let mut sorted = seen.clone();
    sorted.sort();
    sorted.reverse();
    assert_eq!((seen.len(), &seen), (4, &sorted));
}

#[tokio::test]
async fn only_administrators_read_the_mailbox_and_erasures_empty_it() {
    let directory = tempfile::tempdir().unwrap();
    let world = boxed(&directory).await;
    let session = world
        .anonymous()
        .post("/api/v1/auth/register", json!({"email": "ann@example.org", "password": PASSWORD}))
        .await
        .expect(201);
    let admin = world.admin().await;
    letters(&admin, 1).await;
    // A letter may hold the key to any account.
    world.operator().await.get(MAILBOX).await.expect_problem(403, "forbidden");
    until("it is recorded", async || rows(&world).await[0].status == "SENT").await;
    let privacy: loadmaster_privacy::PrivacyService = world.state().service().unwrap();
    let user: uuid::Uuid = session["user"]["id"].as_str().unwrap().parse().unwrap();
    privacy.erase(user.into()).await.unwrap();
    assert_eq!(admin.get(MAILBOX).await.expect(200), json!([]));
    assert_eq!(std::fs::read_dir(directory.path().join("mailbox")).unwrap().count(), 0);
}

#[tokio::test]
async fn erasures_find_the_letters_that_were_sent_twice() {
    let directory = tempfile::tempdir().unwrap();
    let world = boxed(&directory).await;
    let body = json!({"email": "ann@example.org", "password": PASSWORD});
    let session = world.anonymous().post("/api/v1/auth/register", body).await.expect(201);
    register(&world, "ben@example.org").await;
    let admin = world.admin().await;
    letters(&admin, 2).await;
    until("both are recorded", async || rows(&world).await.iter().all(|row| row.status == "SENT")).await;
    let user: uuid::Uuid = session["user"]["id"].as_str().unwrap().parse().unwrap();
    let id = world.texts(&format!("select id::text from notifications where user_id = '{user}'")).await.remove(0);
    admin.poke(&format!("/api/v1/admin/notifications/{id}/resend")).await.expect(202);
    letters(&admin, 3).await;
    until("it is recorded", async || rows(&world).await.iter().all(|row| row.status == "SENT")).await;
    let privacy: loadmaster_privacy::PrivacyService = world.state().service().unwrap();
    privacy.erase(user.into()).await.unwrap();
    let left = admin.get(MAILBOX).await.expect(200);
    assert_eq!((left.as_array().unwrap().len(), &left[0]["to"]), (1, &json!("ben@example.org")));
    for folder in ["mailbox", "mailbox-parts"] {
        assert_eq!(std::fs::read_dir(directory.path().join(folder)).unwrap().count(), 1, "{folder}");
    }
}
