use chrono::TimeDelta;
use loadmaster_testkit::{SmtpServer, World};
use serde_json::json;

use super::{PASSWORD, PUBLIC, mailing, me, register, register_as, rows, settled, taken, token_in};

const VERIFY: &str = "/api/v1/auth/email/verify";
const AGAIN: &str = "/api/v1/auth/email/verification";
const FORGOT: &str = "/api/v1/auth/password/forgot";

#[tokio::test]
async fn registration_sends_a_link_that_verifies_the_address_once() {
    let relay = SmtpServer::start().await;
    let world = mailing(&relay).start().await;
    let ann = register(&world, "ann@example.org").await;
    assert_eq!(me(&ann).await["email_verified"], false);
    let mail = taken(&relay, 1).await.remove(0);
    assert_eq!(
        (mail.from.as_str(), mail.to.as_slice()),
        ("cargo@example.com", ["ann@example.org".to_owned()].as_slice())
    );
    assert_eq!(mail.header("From"), "\"Example Cargo\" <cargo@example.com>");
    assert_eq!(mail.header("Subject"), "Confirm your e-mail address");
    assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
    assert!(mail.header("Message-ID").ends_with("@example.com>"), "{}", mail.header("Message-ID"));
    assert!(mail.header("Content-Type").starts_with("multipart/alternative"));
    assert!(!mail.header("Date").is_empty());
    let token = token_in(&mail.text(), "verify-email");

    // A program that looks at mails follows the link, and nothing happens.
    let page = world.anonymous().get(&format!("/verify-email/{token}")).await;
    assert_eq!((page.status.as_u16(), page.header("cache-control")), (200, Some("no-store")));
    assert!(page.text.contains("<button"), "{}", page.text);
    assert_eq!(me(&ann).await["email_verified"], false);

    world.anonymous().post(VERIFY, json!({ "token": token })).await.expect(204);
    assert_eq!(me(&ann).await["email_verified"], true);
    world.anonymous().post(VERIFY, json!({ "token": token })).await.expect_problem(400, "invalid_token");
    ann.post(AGAIN, json!({})).await.expect(202);
    assert_eq!(rows(&world).await.len(), 1, "a verified address gets no link");
}

#[tokio::test]
async fn the_page_of_the_link_verifies_too() {
    let relay = SmtpServer::start().await;
    let world = mailing(&relay).start().await;
    let ann = register(&world, "ann@example.org").await;
    let token = token_in(&taken(&relay, 1).await[0].text(), "verify-email");
    let path = format!("/verify-email/{token}");
    let pressed = world.anonymous().post_raw(&path, "application/x-www-form-urlencoded", "").await;
    assert_eq!(pressed.status, 200, "{}", pressed.text);
    assert_eq!(me(&ann).await["email_verified"], true);
    assert_eq!(world.anonymous().post_raw(&path, "application/x-www-form-urlencoded", "").await.status, 400);
}

#[tokio::test]
async fn a_token_that_is_forged_old_or_of_another_address_verifies_nothing() {
    let relay = SmtpServer::start().await;
    let world = mailing(&relay).start().await;
    let ann = register(&world, "ann@example.org").await;
    let token = token_in(&taken(&relay, 1).await[0].text(), "verify-email");
    let verify = async |token: &str| world.anonymous().post(VERIFY, json!({ "token": token })).await;
    for place in 0..token.len() {
        let mut forged = token.clone().into_bytes();
        forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(forged).unwrap();
        verify(&forged).await.expect_problem(400, "invalid_token");
    }
    // An administrator's change of the address, at the database as long as there is no other way.
    let change = "update users set email = 'eve@example.org', email_key = 'eve@example.org' where email_key = $1";
    sqlx::query(change).bind("ann@example.org").execute(&mut world.owner().await).await.unwrap();
    verify(&token).await.expect_problem(400, "invalid_token");
    assert_eq!(me(&ann).await["email_verified"], false);

    ann.post(AGAIN, json!({})).await.expect(202);
    let second = taken(&relay, 2).await.remove(1);
    assert_eq!(second.to, ["eve@example.org"]);
    let token = token_in(&second.text(), "verify-email");
    world.clock.advance(TimeDelta::hours(24));
    verify(&token).await.expect_problem(400, "invalid_token");
}

#[tokio::test]
async fn a_verified_address_that_changes_is_not_verified_any_more() {
    let relay = SmtpServer::start().await;
    let world = mailing(&relay).start().await;
    let ann = register(&world, "ann@example.org").await;
    let token = token_in(&taken(&relay, 1).await[0].text(), "verify-email");
    world.anonymous().post(VERIFY, json!({ "token": token })).await.expect(204);
    let change = "update users set email = 'eve@example.org', email_key = 'eve@example.org' where email_key = $1";
    sqlx::query(change).bind("ann@example.org").execute(&mut world.owner().await).await.unwrap();
    assert_eq!(me(&ann).await["email_verified"], false);
}

#[tokio::test]
async fn an_address_is_not_flooded_with_links() {
    let relay = SmtpServer::start().await;
    let world = mailing(&relay).set("auth.access_token_minutes", "600").start().await;
    let ann = register(&world, "ann@example.org").await;
    for _ in 0..8 {
        ann.post(AGAIN, json!({})).await.expect(202);
    }
    assert_eq!(rows(&world).await.len(), 5);
    world.clock.advance(TimeDelta::minutes(61));
    ann.post(AGAIN, json!({})).await.expect(202);
    assert_eq!(rows(&world).await.len(), 6);
}

#[tokio::test]
async fn a_name_writes_no_header_and_no_markup() {
    let relay = SmtpServer::start().await;
    let world = mailing(&relay).start().await;
    let name = "Ann\u{2028}Bcc: eve@example.org \"<b>é</b>";
    register_as(&world, json!({"email": "ann@example.org", "password": PASSWORD, "name": name})).await;
    let token = token_in(&taken(&relay, 1).await[0].text(), "verify-email");
    world.anonymous().post(VERIFY, json!({ "token": token })).await.expect(204);
    world.anonymous().post(FORGOT, json!({"email": "ann@example.org"})).await.expect(202);
    let mail = taken(&relay, 2).await.remove(1);
    assert_eq!(mail.to, ["ann@example.org"]);
    assert_eq!(mail.header("Bcc"), "");
    let html = mail.text().split("text/html").nth(1).unwrap().to_owned();
    assert!(html.contains("&lt;b&gt;"), "{html}");
    assert!(!html.contains("<b>"), "{html}");
    let head = mail.content.split("\n\n").next().unwrap();
    assert!(head.is_ascii(), "{head}");
}

#[tokio::test]
async fn an_address_that_is_not_verified_gets_no_text_of_a_stranger() {
    let relay = SmtpServer::start().await;
    let world = mailing(&relay).start().await;
    let body = json!({"email": "ann@example.org", "password": PASSWORD, "name": "Win at evil.example"});
    register_as(&world, body).await;
    taken(&relay, 1).await;
    world.anonymous().post(FORGOT, json!({"email": "ann@example.org"})).await.expect(202);
    for mail in taken(&relay, 2).await {
        assert!(!mail.text().contains("Win at"), "{}", mail.text());
    }
}

#[tokio::test]
async fn an_address_that_no_mail_can_be_sent_to_is_refused() {
    let world = World::start().await;
    for email in ["\"john doe\"@example.org", "\"ann\"@example.org"] {
        let body = json!({"email": email, "password": PASSWORD});
        let faults = world.anonymous().post("/api/v1/auth/register", body).await.expect_faults();
        assert_eq!(faults, [("/email".to_owned(), "invalid_format".to_owned())], "{email}");
    }
}

#[tokio::test]
async fn a_link_that_is_no_text_leads_nowhere() {
    let world = World::start().await;
    for path in ["/verify-email/%ff", "/reset-password/%ff"] {
        world.anonymous().get(path).await.expect_problem(404, "not_found");
        let pressed = world.anonymous().post_raw(path, "application/x-www-form-urlencoded", "new=x").await;
        pressed.expect_problem(404, "not_found");
    }
}

/// A counter of links for new passwords would tell whether an address has an account.
#[tokio::test]
async fn letters_about_accounts_are_counted_together() {
    let relay = SmtpServer::start().await;
    let world = mailing(&relay).start().await;
    register(&world, "ann@example.org").await;
    settled(&world, "SENT", 1).await;
    let metrics = world.anonymous().get("/metrics").await.text;
    let counted: Vec<&str> =
        metrics.lines().filter(|line| line.starts_with("loadmaster_notifications_total{")).collect();
    assert!(counted.iter().any(|line| line.contains("type=\"account\"")), "{counted:?}");
    for kind in ["verify_email", "verify_phone", "reset_password"] {
        assert!(counted.iter().all(|line| !line.contains(kind)), "{counted:?}");
    }
}

#[tokio::test]
async fn links_are_on_the_public_address_whatever_the_host_header_says() {
    let relay = SmtpServer::start().await;
    let world = mailing(&relay).start().await;
    let request = world.anonymous().request(reqwest::Method::POST, "/api/v1/auth/register");
    let body = json!({"email": "ann@example.org", "password": PASSWORD});
    loadmaster_testkit::Answer::of(request.header("host", "evil.example.net").json(&body)).await.expect(201);
    let mail = taken(&relay, 1).await.remove(0);
    assert!(mail.text().contains(PUBLIC));
    assert!(!mail.text().contains("evil.example.net"));
}

#[tokio::test]
async fn without_a_transport_nothing_is_sent_and_nothing_piles_up() {
    let world = World::working().await;
    register(&world, "ann@example.org").await;
    let row = settled(&world, "SUPPRESSED", 0).await;
    assert_eq!(row.reason.as_deref(), Some("no_transport"));
}
