//! Questions to contacts by text message: each costs money, and rings a stranger's telephone.
use chrono::TimeDelta;
use loadmaster_testkit::{
    Client, World,
    freight::{order, text, two_flights},
    notifications::{Person, contacts_of, put},
};
use serde_json::{Value, json};

/// The questions by text message, in order: `status reason`.
async fn by_text(world: &World) -> Vec<String> {
    world
        .texts(
            "select status || coalesce(' ' || reason, '') from notifications
             where type = 'contact_question' and channel = 'sms' order by id",
        )
        .await
}

fn phones(numbers: std::ops::Range<usize>) -> Value {
    numbers
        .map(|number| json!({"name": "Ned", "role": "notify", "phone": format!("+4420794601{number:02}")}))
        .collect::<Vec<_>>()
        .into()
}

/// Names these contacts in a new booking. Returns its reference.
async fn name(client: &Client, flight: &Value, contacts: Value) -> String {
    let booking = client.book(order(&[flight])).await;
    put(client, &contacts_of(&booking), contacts).await.expect(200);
    text(&booking, "ref_id").to_owned()
}

#[tokio::test]
async fn an_account_that_is_not_verified_requests_consent_by_letter_alone() {
    // Nobody sends.
    let world = World::start().await;
    let [flight, _] = two_flights(&world).await;
    let person = Person::new(&world).await;
    world.sql(&format!("update users set email_verified_at = null where id = '{}'", person.id)).await;
    let both = json!([{"name": "Ned", "role": "notify", "email": "ned@example.com", "phone": "+442079460100"}]);
    let reference = name(&person.client, &flight, both.clone()).await;
    assert_eq!(by_text(&world).await, ["SUPPRESSED unverified_account"]);
    let shown = format!("/api/v1/admin/notifications?ref_id={reference}");
    let shown = world.operator().await.get(&shown).await.expect(200);
    let told: Vec<(&str, &str, &Value)> = shown
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (text(one, "channel"), text(one, "status"), &one["reason"]))
        .collect();
    assert!(told.contains(&("email", "WAITING", &Value::Null)), "{shown}");
    assert!(told.contains(&("sms", "SUPPRESSED", &json!("unverified_account"))), "{shown}");

    // Once the address is verified, setting the contacts again asks.
    world.sql(&format!("update users set email_verified_at = now() where id = '{}'", person.id)).await;
    name(&person.client, &flight, both).await;
    assert_eq!(by_text(&world).await, ["SUPPRESSED unverified_account", "WAITING"]);
    // The carrier's staff are appointed.
    name(&world.operator().await, &flight, phones(1..2)).await;
    assert_eq!(by_text(&world).await[2..], ["WAITING"]);
}

#[tokio::test]
async fn an_organization_requests_consent_by_twenty_texts_a_day_and_the_next_is_listed_as_not_sent() {
    let world = World::start().await;
    let [_, flight] = two_flights(&world).await;
    let (person, other) = (Person::new(&world).await, Person::new(&world).await);
    name(&person.client, &flight, phones(0..10)).await;
    name(&person.client, &flight, phones(10..20)).await;
    assert_eq!(by_text(&world).await, ["WAITING"; 20]);
    let mut last = phones(20..21);
    last[0]["email"] = json!("ned@example.com");
    let reference = name(&person.client, &flight, last.clone()).await;
    assert_eq!(by_text(&world).await[20..], ["SUPPRESSED texts_used_up"]);
    let path = format!("/api/v1/admin/notifications?ref_id={reference}&status=SUPPRESSED");
    let shown = world.operator().await.get(&path).await.expect(200);
    assert_eq!((&shown[0]["channel"], &shown[0]["reason"]), (&json!("sms"), &json!("texts_used_up")));
    // An operator who has it sent again does not get around the bound: it was never recorded as asked.
    let asked = "select id::text from contact_questions where is_text";
    assert_eq!(world.texts(asked).await.len(), 20);
    let letters = "select id::text from notifications where type = 'contact_question' and channel = 'email'
                   and status = 'WAITING'";
    assert_eq!(world.texts(letters).await.len(), 1, "letters have a bound of their own");
    // Another organization has its own twenty, and a day later this one has them again.
    name(&other.client, &flight, phones(30..31)).await;
    assert_eq!(by_text(&world).await[21..], ["WAITING"]);
    world.clock.advance(TimeDelta::hours(24));
    name(&person.now(&world), &flight, last).await;
    assert_eq!(by_text(&world).await[22..], ["WAITING"]);
}
