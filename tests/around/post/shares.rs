//! The share of the day's text messages that is for codes, and the share of all others.
use loadmaster_testkit::{
    World, WorldOptions,
    freight::{order, two_flights},
    notifications::{Person, contacts_of, put},
    until,
};
use serde_json::{Value, json};

use super::{register, sms::Gateway};

/// Five texts a day, two of them for codes.
fn five_a_day(gateway: &Gateway) -> WorldOptions {
    gateway.world().set("sms.max_per_day", "5").set("sms.codes_percent", "40")
}

/// Has the contacts of bookings asked by text message, as many as `count`.
async fn ask_by_text(world: &World, count: usize) {
    let [flight, _] = two_flights(world).await;
    let shipper = Person::new(world).await;
    let numbers: Vec<Value> = (0..count)
        .map(|number| json!({"name": "Ned", "role": "notify", "phone": format!("+4420794601{number:02}")}))
        .collect();
    for part in numbers.chunks(10) {
        let booking = shipper.client.book(order(&[&flight])).await;
        put(&shipper.client, &contacts_of(&booking), json!(part)).await.expect(200);
    }
}

/// Has a new account's telephone number verified.
async fn ask_for_code(world: &World, number: usize) {
    let client = register(world, &format!("u{number}@example.org")).await;
    client.patch("/api/v1/auth/me", json!({"phone": format!("+4420794602{number:02}")})).await.expect(200);
}

/// The number of texts of a type that were sent.
async fn sent(world: &World, kind: &str) -> usize {
    let sent =
        format!("select id::text from notifications where channel = 'sms' and type = '{kind}' and status = 'SENT'");
    world.texts(&sent).await.len()
}

async fn until_sent(world: &World, kind: &str, count: usize) {
    until(&format!("{count} texts of {kind} are sent"), async || sent(world, kind).await == count).await;
}

/// The senders look four times a second: time enough to send something.
async fn some_looks() {
    tokio::time::sleep(std::time::Duration::from_millis(800)).await;
}

#[tokio::test]
async fn a_code_overtakes_a_backlog_of_other_texts() {
    // Nobody sends yet.
    let world = World::start().await;
    ask_by_text(&world, 20).await;
    ask_for_code(&world, 1).await;
    let gateway = Gateway::start().await;
    let sending = gateway.world().on(&world.database).start().await;
    // The clock stands still: of the 21, at most ten go at once. The code was written last.
    until_sent(&sending, "verify_phone", 1).await;
    assert!(gateway.received().len() <= 11, "{}", gateway.received().len());
}

#[tokio::test]
async fn codes_are_sent_when_the_other_texts_of_the_day_are_used_up_and_the_reverse() {
    let gateway = Gateway::start().await;
    let world = five_a_day(&gateway).start().await;
    ask_by_text(&world, 6).await;
    until_sent(&world, "contact_question", 3).await;
    for number in 0..3 {
        ask_for_code(&world, number).await;
    }
    until_sent(&world, "verify_phone", 2).await;
    some_looks().await;
    assert_eq!((sent(&world, "contact_question").await, sent(&world, "verify_phone").await), (3, 2));

    let other = five_a_day(&gateway).start().await;
    for number in 0..3 {
        ask_for_code(&other, number).await;
    }
    until_sent(&other, "verify_phone", 2).await;
    some_looks().await;
    ask_by_text(&other, 6).await;
    until_sent(&other, "contact_question", 3).await;
    some_looks().await;
    assert_eq!((sent(&other, "contact_question").await, sent(&other, "verify_phone").await), (3, 2));
    assert_eq!(gateway.received().len(), 10);
}

#[tokio::test]
async fn processes_share_the_shares_of_a_day_also_after_a_restart() {
    let gateway = Gateway::start().await;
    let one = five_a_day(&gateway).start().await;
    let other = five_a_day(&gateway).on(&one.database).start().await;
    ask_by_text(&one, 6).await;
    for number in 0..3 {
        ask_for_code(&other, number).await;
    }
    until_sent(&one, "contact_question", 3).await;
    until_sent(&one, "verify_phone", 2).await;
    other.shutdown().await;
    let again = five_a_day(&gateway).on(&one.database).start().await;
    some_looks().await;
    assert_eq!(gateway.received().len(), 5);
    // Another day has texts of its own. Codes of yesterday have expired, and so have questions.
    for world in [&one, &again] {
        world.clock.advance(chrono::TimeDelta::days(1));
    }
    ask_for_code(&again, 7).await;
    until_sent(&one, "verify_phone", 3).await;
    some_looks().await;
    assert_eq!(gateway.received().len(), 6);
}
