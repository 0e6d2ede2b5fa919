//! What letters say, as the mailbox keeps them.

use chrono::TimeDelta;
use loadmaster_testkit::{
    Client, NewFlight,
    freight::{order, text, two_flights, with},
    holds::hold_on,
    letters::{directory, letter, letters, sent, writing},
    notifications::{PREFERENCES, Person, cancel_flight, contact, heard, put, retime},
    until,
};
use serde_json::{Value, json};

pub(super) fn address(person: &Person) -> String {
    format!("{}@example.com", person.id)
}

/// The path of the link that begins like this.
pub(super) fn link(letter: &Value, begin: &str) -> String {
    let body = text(letter, "text");
    let at = body.find(begin).unwrap_or_else(|| panic!("no {begin} in {body}"));
    body[at..].split_whitespace().next().unwrap().to_owned()
}

#[tokio::test]
async fn a_confirmed_booking_is_notified_with_local_times_and_a_link_that_ends_it() {
    let files = directory();
    let world = writing(files.path()).await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").departs("2026-11-27T21:00:00Z")).await;
    let shipper = Person::new(&world).await;
    let booking = shipper.client.book(order(&[&flight])).await;
    let letter = letter(&world, "booking_confirmed", &address(&shipper)).await;
    let (reference, body) = (text(&booking, "ref_id"), text(&letter, "text"));
    assert!(text(&letter, "subject").contains(reference), "{letter}");
    for part in
        [reference, "AI101, DEL to LHR", "Sat 28 Nov 2026 02:30 IST (Fri 27 Nov 2026 21:00 UTC)", "2 pieces, 100 kg"]
    {
        assert!(body.contains(part), "{part}: {body}");
    }
    assert!(text(&letter, "html").contains("Sat 28 Nov 2026 02:30 IST"), "{letter}");
    let anyone = world.anonymous();
    let link = link(&letter, "/unsubscribe/");
    let is_on =
        async || shipper.client.get(PREFERENCES).await.expect(200)["types"]["booking_confirmed"]["email"].clone();
    assert_eq!(anyone.get(&link).await.status, 200);
    assert_eq!(is_on().await, true);
    let one_click = anyone.post_raw(&link, "application/x-www-form-urlencoded", "List-Unsubscribe=One-Click").await;
    assert_eq!(one_click.status, 200);
    assert_eq!(is_on().await, false);
    anyone.poke(&format!("{link}x")).await.expect_problem(400, "invalid_token");
}

#[tokio::test]
async fn a_cancelled_flight_is_one_letter_to_each_shipper_however_many_bookings() {
    let files = directory();
    let world = writing(files.path()).await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(100_000.0).positions(1000)).await;
    let many = Person::new(&world).await;
    put(&many.client, PREFERENCES, json!({"types": {"booking_confirmed": {"email": false}}})).await.expect(200);
    for _ in 0..120 {
        many.client.book(with(order(&[&flight]), json!({"volume_m3": 0.1}))).await;
    }
    let mut others = Vec::new();
    for _ in 0..5 {
        let other = Person::new(&world).await;
        other.client.book(with(order(&[&flight]), json!({"volume_m3": 0.1}))).await;
        others.push(other);
    }
    cancel_flight(&world, &flight).await;
    heard(&world).await;
    assert!(letters(&world).await.iter().all(|letter| text(letter, "type") != "cancelled"), "they wait for a minute");
    world.clock.advance(TimeDelta::seconds(61));
    sent(&world).await;
    let all = letters(&world).await;
    let cancelled: Vec<&Value> = all.iter().filter(|letter| text(letter, "type") == "cancelled").collect();
    assert_eq!(cancelled.len(), 6);
    let of = |person: &Person| cancelled.iter().find(|letter| text(letter, "to") == address(person)).unwrap();
    let long = of(&many);
    assert_eq!(text(long, "subject"), "AI101 is cancelled: 120 shipments");
    assert_eq!(text(long, "text").matches("/api/v1/tracking/").count(), 100);
    assert!(text(long, "text").contains("and 20 more"), "{long}");
    for other in &others {
        assert!(text(of(other), "text").contains("needs another flight"), "{}", of(other));
    }
}

#[tokio::test]
async fn a_contact_consents_and_is_notified_by_the_links_of_its_letters() {
    let files = directory();
    let world = writing(files.path()).await;
    let [first, second] = two_flights(&world).await;
    let (shipper, staff, anyone) = (Person::new(&world).await, world.operator().await, world.anonymous());
    world.sql(&format!("update organizations set name = 'Ann & <b>Sons' where id = '{}'", shipper.organization)).await;
    let named = with(order(&[&first, &second]), json!({"contacts": [contact("cora@example.com")]}));
    let booking = shipper.client.book(named).await;
    let question = letter(&world, "contact_question", "cora@example.com").await;
    assert!(text(&question, "html").contains("Ann &amp; &lt;b&gt;Sons"), "{question}");
    assert_eq!(anyone.poke(&link(&question, "/confirm/")).await.status, 200);
    staff.walk(&booking, &["depart"]).await;
    heard(&world).await;
    world.clock.advance(TimeDelta::seconds(61));
    let departed = letter(&world, "departed", "cora@example.com").await;
    assert!(text(&departed, "text").contains(text(&booking, "ref_id")), "{departed}");
    assert_eq!(anyone.poke(&link(&departed, "/unsubscribe/")).await.status, 200);
    let staff = world.operator().await;
    staff.walk(&booking, &["arrive", "depart"]).await;
    heard(&world).await;
    world.clock.advance(TimeDelta::seconds(61));
    sent(&world).await;
    let kinds: Vec<Value> = letters(&world).await;
    let to_cora = kinds.iter().filter(|letter| text(letter, "to") == "cora@example.com");
    let mut kinds: Vec<&str> = to_cora.map(|letter| text(letter, "type")).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["arrived", "contact_question", "departed"]);
}

#[tokio::test]
async fn what_is_not_true_any_more_is_not_sent() {
    let files = directory();
    let world = writing(files.path()).await;
    let [first, _] = two_flights(&world).await;
    let shipper = Person::new(&world).await;
    let hold = shipper.client.hold(with(hold_on(&[&first]), json!({"ttl_seconds": 600}))).await;
    let released = shipper.client.hold(with(hold_on(&[&first]), json!({"ttl_seconds": 600}))).await;
    let retimed = shipper.client.book(order(&[&first])).await;
    letter(&world, "booking_confirmed", &address(&shipper)).await;
    retime(&world, &first, TimeDelta::minutes(30)).await;
    shipper.client.walk(&retimed, &["cancel"]).await;
    let extend = format!("/api/v1/holds/{}/extend", text(&hold, "id"));
    world.clock.advance(TimeDelta::seconds(10));
    shipper.client.post(&extend, json!({"ttl_seconds": 900})).await.expect(200);
    shipper.client.poke(&format!("/api/v1/holds/{}/release", text(&released, "id"))).await.expect(200);
    heard(&world).await;
    assert_eq!(world.texts("select id::text from notifications where type = 'hold_expiring'").await.len(), 3);
    world.clock.advance(TimeDelta::seconds(300));
    until("what is not true is suppressed", async || {
        let reasons = "select type || ' ' || reason from notifications where status = 'SUPPRESSED' order by 1";
        world.texts(reasons).await == ["hold_expiring ended", "hold_expiring extended", "retimed booking_cancelled"]
    })
    .await;
    world.clock.advance(TimeDelta::seconds(310));
    letter(&world, "hold_expiring", &address(&shipper)).await;
}

#[tokio::test]
async fn a_flight_retimed_twice_is_one_letter_with_the_last_times() {
    let files = directory();
    let world = writing(files.path()).await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").departs("2026-11-27T21:00:00Z")).await;
    let shipper = Person::new(&world).await;
    shipper.client.book(order(&[&flight])).await;
    retime(&world, &flight, TimeDelta::minutes(30)).await;
    retime(&world, &flight, TimeDelta::minutes(45)).await;
    heard(&world).await;
    world.clock.advance(TimeDelta::seconds(61));
    let letter = letter(&world, "retimed", &address(&shipper)).await;
    assert!(text(&letter, "text").contains("Fri 27 Nov 2026 21:45 UTC"), "{letter}");
    assert!(!text(&letter, "text").contains("21:30 UTC"), "{letter}");
    sent(&world).await;
    assert_eq!(letters(&world).await.iter().filter(|letter| letter["type"] == "retimed").count(), 1);
}

#[tokio::test]
async fn a_text_message_is_short() {
    let files = directory();
    let world = writing(files.path()).await;
    let [first, second] = two_flights(&world).await;
    let shipper = Person::new(&world).await;
    let staff: Client = world.operator().await;
    world.sql(&format!("update users set phone = '+4969123456' where id = '{}'", shipper.id)).await;
    world.sql(&format!("update users set phone_verified_at = now() where id = '{}'", shipper.id)).await;
    let every = ["booking_confirmed", "departed", "arrived", "delivered", "retimed"];
    let types: serde_json::Map<String, Value> =
        every.iter().map(|kind| ((*kind).to_owned(), json!({"sms": true}))).collect();
    put(&shipper.client, PREFERENCES, json!({ "types": types })).await.expect(200);
    let booking = shipper.client.book(order(&[&first, &second])).await;
    retime(&world, &first, TimeDelta::minutes(30)).await;
    heard(&world).await;
    world.clock.advance(TimeDelta::seconds(61));
    sent(&world).await;
    staff.walk(&booking, &["depart", "arrive", "depart", "arrive", "deliver"]).await;
    heard(&world).await;
    world.clock.advance(TimeDelta::seconds(61));
    sent(&world).await;
    let all = letters(&world).await;
    let short: Vec<&Value> = all.iter().filter(|letter| letter["channel"] == "sms").collect();
    assert!(short.len() >= 5, "{all:#?}");
    for letter in short {
        let body = text(letter, "text");
        assert!(body.chars().count() <= 160 && body.contains(text(&booking, "ref_id")), "{body}");
    }
}
