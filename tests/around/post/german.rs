//! Letters about accounts in German, as a relay and a gateway take them.
use base64::{Engine, engine::general_purpose::STANDARD};
use loadmaster_testkit::{Answer, Client, SmtpServer};
use reqwest::Method;
use serde_json::json;

use super::{mailing, register, sms::Gateway, taken, token_in};

async fn in_german(client: &Client) {
    client.patch("/api/v1/auth/me", json!({"language": "de"})).await.expect(200);
}

/// A header without the encoded words of RFC 2047.
fn decoded(header: &str) -> String {
    let mut text: Vec<u8> = Vec::new();
    let mut was_encoded = false;
    for word in header.split_whitespace() {
        let encoded = word.strip_prefix("=?utf-8?b?").and_then(|rest| rest.strip_suffix("?="));
        // Blanks between two encoded words are none.
        if !(was_encoded && encoded.is_some()) {
            text.push(b' ');
        }
        match encoded {
            Some(encoded) => text.extend(STANDARD.decode(encoded).expect("base64")),
            None => text.extend(word.as_bytes()),
        }
        was_encoded = encoded.is_some();
    }
    let text = String::from_utf8(text).expect("UTF-8");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The umlauts of a content in quoted-printable.
fn with_umlauts(content: &str) -> String {
    [("=C3=A4", "ä"), ("=C3=B6", "ö"), ("=C3=BC", "ü"), ("=C3=9F", "ß"), ("=C3=9C", "Ü")]
        .into_iter()
        .fold(content.to_owned(), |text, (coded, letter)| text.replace(coded, letter))
}

#[tokio::test]
async fn letters_about_an_account_in_german_have_their_umlauts_in_subject_and_body() {
    let relay = SmtpServer::start().await;
    let world = mailing(&relay).start().await;
    let ann = register(&world, "ann@example.org").await;
    assert_eq!(taken(&relay, 1).await[0].header("Subject"), "Confirm your e-mail address");
    in_german(&ann).await;
    ann.post("/api/v1/auth/email/verification", json!({})).await.expect(202);
    let mail = taken(&relay, 2).await.remove(1);
    assert_eq!(decoded(&mail.header("Subject")), "Bestätigen Sie Ihre E-Mail-Adresse");
    assert!(mail.content.is_ascii());
    let text = with_umlauts(&mail.text());
    assert!(text.contains("bitte bestätigen Sie, dass dies Ihre E-Mail-Adresse ist"), "{text}");
    assert!(text.contains(" Uhr UTC.") && text.contains("<html lang=\"de\">"), "{text}");
    let forgot = json!({"email": "ann@example.org"});
    world.anonymous().post("/api/v1/auth/password/forgot", forgot).await.expect(202);
    assert_eq!(decoded(&taken(&relay, 3).await[2].header("Subject")), "Neues Passwort für Ihr Konto");
}

#[tokio::test]
async fn the_notice_of_a_new_key_is_in_the_language_of_its_owner() {
    let relay = SmtpServer::start().await;
    let world = mailing(&relay).start().await;
    let ann = register(&world, "ann@example.org").await;
    taken(&relay, 1).await;
    world.sql("update users set email_verified_at = now()").await;
    in_german(&ann).await;
    ann.post("/api/v1/api-keys", json!({"name": "Lagerscanner"})).await.expect(201);
    let mail = taken(&relay, 2).await.remove(1);
    assert_eq!(decoded(&mail.header("Subject")), "Ein neuer API-Schlüssel für Ihr Konto");
    assert!(with_umlauts(&mail.text()).contains("für Ihr Konto wurde ein API-Schlüssel angelegt: Lagerscanner"));
}

#[tokio::test]
async fn the_digits_for_a_phone_come_in_german() {
    let gateway = Gateway::start().await;
    let world = gateway.world().start().await;
    let ann = register(&world, "ann@example.org").await;
    in_german(&ann).await;
    ann.patch("/api/v1/auth/me", json!({"phone": "+442079460123"})).await.expect(200);
    let message = gateway.texts(1).await.remove(0);
    let code = Gateway::code(&message);
    assert!(message.to_string().contains(&format!("{code} ist Ihr Code für ")), "{message}");
    ann.post("/api/v1/auth/phone/verify", json!({ "code": code })).await.expect(204);
}

/// What a browser gets that sends this form.
async fn pressed(client: &Client, path: &str, form: &'static str) -> Answer {
    let request = client.request(Method::POST, path).header("accept", "text/html");
    Answer::of(request.header("content-type", "application/x-www-form-urlencoded").body(form)).await
}

fn assert_german(page: &Answer, status: u16, part: &str) {
    assert_eq!(page.status, status, "{}", page.text);
    assert!(page.text.contains("<html lang=\"de\">") && page.text.contains(part), "{part}: {}", page.text);
}

#[tokio::test]
async fn links_to_a_german_account_lead_to_german_pages() {
    let relay = SmtpServer::start().await;
    let world = mailing(&relay).start().await;
    let ann = register(&world, "ann@example.org").await;
    in_german(&ann).await;
    let anyone = world.anonymous();
    let verify = format!("/verify-email/{}", token_in(&taken(&relay, 1).await[0].text(), "verify-email"));
    assert_german(&anyone.get(&verify).await, 200, "<h1>Bestätigen Sie Ihre E-Mail-Adresse</h1>");
    assert_german(&pressed(&anyone, &verify, "").await, 200, "Ihre E-Mail-Adresse ist bestätigt.");
    assert_german(&pressed(&anyone, &verify, "").await, 400, "Dieser Link ist falsch, verbraucht oder abgelaufen.");
    anyone.post("/api/v1/auth/password/forgot", json!({"email": "ann@example.org"})).await.expect(202);
    let reset = format!("/reset-password/{}", token_in(&taken(&relay, 2).await[1].text(), "reset-password"));
    assert_german(&anyone.get(&reset).await, 200, "<button type=\"submit\">Passwort setzen</button>");
    assert_german(&pressed(&anyone, &reset, "new=short").await, 400, "Es muss 10 bis 128 Zeichen haben");
    let set = pressed(&anyone, &reset, "new=another+horse+battery").await;
    assert_german(&set, 200, "Ihr Passwort ist gesetzt");
    let forged = anyone.get("/verify-email/forged").await;
    assert!(forged.status == 200 && forged.text.contains("<html lang=\"en\">"), "{}", forged.text);
}
