//! In which language letters and text messages are.
use chrono::TimeDelta;
use loadmaster_testkit::{
    Answer, Client, NewFlight, World,
    freight::{order, text, with},
    letters::{directory, letter, writing},
    notifications::{PREFERENCES, Person, agree, contact, heard, put},
};
use reqwest::Method;
use serde_json::{Value, json};

use super::letters::{address, link};

async fn choose(client: &Client, language: Value) {
    client.patch("/api/v1/auth/me", json!({ "language": language })).await.expect(200);
}

async fn language_of_letters(client: &Client) -> Value {
    client.get(PREFERENCES).await.expect(200)["language"].clone()
}

/// A booking of 1,234.5 kg on a flight at half past two in India.
async fn booked(world: &World, shipper: &Client, more: Value) -> Value {
    let flight = NewFlight::new("AI101", "DEL", "LHR").departs("2026-11-27T21:00:00Z").weight(100_000.0);
    let flight = world.flight(flight).await;
    shipper.book(with(with(order(&[&flight]), json!({"weight_kg": 1234.5})), more)).await
}

fn assert_says(letter: &Value, member: &str, parts: &[&str]) {
    for part in parts {
        assert!(text(letter, member).contains(part), "{part}: {letter}");
    }
}

#[tokio::test]
async fn an_account_in_german_gets_german_letters_with_german_figures_and_dates() {
    let files = directory();
    let world = writing(files.path()).await;
    let shipper = Person::new(&world).await;
    choose(&shipper.client, json!("de")).await;
    let booking = booked(&world, &shipper.client, json!({})).await;
    let reference = text(&booking, "ref_id");
    let letter = letter(&world, "booking_confirmed", &address(&shipper)).await;
    assert_eq!(text(&letter, "subject"), format!("Buchung {reference} ist bestätigt"));
    let parts = [
        "Guten Tag,",
        "Flug AI101, DEL nach LHR",
        "Abflug: 28.11.2026, 02:30 Uhr IST (27.11.2026, 21:00 Uhr UTC)",
        "Annahmeschluss: ",
        "2 Packstücke, 1.234,5 kg",
    ];
    assert_says(&letter, "text", &parts);
    assert_says(&letter, "text", &["Benachrichtigungen dieser Art abbestellen: "]);
    assert_says(&letter, "html", &parts);
    assert_says(&letter, "html", &["<html lang=\"de\">", "Sie erhalten diese Nachricht von"]);
}

#[tokio::test]
async fn a_contact_in_german_gets_a_german_question_and_german_letters() {
    let files = directory();
    let world = writing(files.path()).await;
    let (shipper, staff) = (Person::new(&world).await, world.operator().await);
    world.sql(&format!("update organizations set name = 'Müller' where id = '{}'", shipper.organization)).await;
    let cora = with(contact("cora@example.com"), json!({"language": "de-AT"}));
    let booking = booked(&world, &shipper.client, json!({"contacts": [cora]})).await;
    let question = letter(&world, "contact_question", "cora@example.com").await;
    assert_eq!(text(&question, "subject"), "Müller möchte Sie über Sendungen informieren");
    assert_says(&question, "text", &["Zustimmen oder dauerhaft ablehnen:", "Müller hat diese Adresse angegeben"]);
    agree(&world, "cora@example.com").await;
    staff.walk(&booking, &["depart"]).await;
    heard(&world).await;
    world.clock.advance(TimeDelta::seconds(61));
    let departed = letter(&world, "departed", "cora@example.com").await;
    let subject = format!("Sendung {} ist mit AI101 abgeflogen", text(&booking, "ref_id"));
    assert_eq!(text(&departed, "subject"), subject);
    let confirmed = letter(&world, "booking_confirmed", &address(&shipper)).await;
    assert_says(&confirmed, "text", &["Hello,"]);
}

#[tokio::test]
async fn a_name_that_is_not_repeated_to_strangers_is_a_german_shipper_in_german() {
    let files = directory();
    let world = writing(files.path()).await;
    let shipper = Person::new(&world).await;
    world.sql(&format!("update organizations set name = 'win.example' where id = '{}'", shipper.organization)).await;
    let cora = with(contact("cora@example.com"), json!({"language": "de"}));
    booked(&world, &shipper.client, json!({"contacts": [cora]})).await;
    let question = letter(&world, "contact_question", "cora@example.com").await;
    assert_eq!(text(&question, "subject"), "Ein Versender möchte Sie über Sendungen informieren");
}

/// What a browser gets: by `GET`, or as the answer to a form.
async fn page(client: &Client, path: &str, form: Option<&'static str>) -> Answer {
    let method = if form.is_some() { Method::POST } else { Method::GET };
    let request = client.request(method, path).header("accept", "text/html");
    Answer::of(match form {
        Some(form) => request.header("content-type", "application/x-www-form-urlencoded").body(form),
        None => request,
    })
    .await
}

fn assert_german(page: &Answer, status: u16, parts: &[&str]) {
    assert_eq!(page.status, status, "{}", page.text);
    for part in parts.iter().chain(&["<html lang=\"de\">"]) {
        assert!(page.text.contains(part), "{part}: {}", page.text);
    }
}

#[tokio::test]
async fn links_of_german_letters_lead_to_german_pages() {
    let files = directory();
    let world = writing(files.path()).await;
    let (shipper, anyone) = (Person::new(&world).await, world.anonymous());
    choose(&shipper.client, json!("de")).await;
    world.sql(&format!("update organizations set name = 'win.example' where id = '{}'", shipper.organization)).await;
    let cora = with(contact("cora@example.com"), json!({"language": "de-AT"}));
    booked(&world, &shipper.client, json!({"contacts": [cora]})).await;
    let asking = link(&letter(&world, "contact_question", "cora@example.com").await, "/confirm/");
    let asked = page(&anyone, &asking, None).await;
    assert_german(&asked, 200, &["Nachrichten über Sendungen", "Ein Versender möchte", "Ja, informieren Sie mich"]);
    assert_german(&page(&anyone, &asking, Some("answer=agree")).await, 200, &["Vielen Dank", "Sie werden informiert."]);
    assert_german(&page(&anyone, &asking, None).await, 200, &["Sie haben dem zugestimmt."]);
    let declined = page(&anyone, &asking, Some("answer=never")).await;
    assert_german(&declined, 200, &["An diese Adresse wird nichts gesendet"]);
    assert_german(&page(&anyone, &asking, Some("answer=agree")).await, 400, &["Dieser Link ist nicht gültig"]);
    let ending = link(&letter(&world, "booking_confirmed", &address(&shipper)).await, "/unsubscribe/");
    let asked = page(&anyone, &ending, None).await;
    assert_german(&asked, 200, &["<button>Abbestellen</button>", "Keine E-Mails dieser Art mehr: bestätigte"]);
    let ended = page(&anyone, &ending, Some("List-Unsubscribe=One-Click")).await;
    assert_german(&ended, 200, &["Sie erhalten keine E-Mails dieser Art mehr: bestätigte Buchungen."]);
    let damaged = page(&anyone, &format!("{ending}x"), None).await;
    assert!(damaged.status == 400 && damaged.text.contains("<html lang=\"en\">"), "{}", damaged.text);
}

#[tokio::test]
async fn letters_follow_the_account_unless_a_later_choice_is_for_letters_alone() {
    let world = World::start().await;
    let (one, other) = (Person::new(&world).await, Person::new(&world).await);
    let client = &one.client;
    assert_eq!(language_of_letters(client).await, "en", "that of the installation");
    choose(client, json!("de")).await;
    assert_eq!(language_of_letters(client).await, "de");
    let answer = put(client, PREFERENCES, json!({"language": "nl"})).await.expect(200);
    assert_eq!((&answer["language"], &language_of_letters(client).await), (&json!("nl"), &json!("nl")));
    choose(client, json!("en")).await;
    assert_eq!(language_of_letters(client).await, "en", "the later choice counts");
    let answer = put(client, PREFERENCES, json!({})).await.expect(200);
    assert_eq!(answer["language"], "en", "what is left out is the account's");
    choose(client, Value::Null).await;
    assert_eq!(language_of_letters(client).await, "en");
    assert_eq!(language_of_letters(&other.client).await, "en");
}

#[tokio::test]
async fn preferences_that_are_read_and_written_back_choose_no_language_for_letters_alone() {
    let world = World::start().await;
    let person = Person::new(&world).await;
    let client = &person.client;
    choose(client, json!("de")).await;
    let read = client.get(PREFERENCES).await.expect(200);
    assert_eq!(read["language"], "de");
    let answer = put(client, PREFERENCES, read.clone()).await.expect(200);
    assert_eq!(answer, read);
    choose(client, Value::Null).await;
    assert_eq!(language_of_letters(client).await, "en", "that of the installation");
}
