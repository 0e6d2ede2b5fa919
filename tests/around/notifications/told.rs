//! What letters say when something has changed since they were written down.
use chrono::TimeDelta;
use loadmaster_testkit::{
    NewFlight, World,
    freight::{order, path_of, text, with},
    holds::hold_on,
    letters::{directory, letter, letters, sent, writing},
    notifications::{PREFERENCES, Person, cancel_flight, heard, put},
    until,
};
use serde_json::{Value, json};

use super::letters::address;

/// The reasons for which notifications of a type were not sent.
async fn reasons(world: &World, kind: &str) -> Vec<String> {
    let reasons =
        format!("select reason from notifications where status = 'SUPPRESSED' and type = '{kind}' order by id");
    world.texts(&reasons).await
}

#[tokio::test]
async fn an_expiring_hold_is_notified_again_on_request_until_it_expires() {
    let files = directory();
    let world = writing(files.path()).await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").departs("2026-11-27T21:00:00Z")).await;
    let shipper = Person::new(&world).await;
    shipper.client.hold(with(hold_on(&[&flight]), json!({"ttl_seconds": 600}))).await;
    heard(&world).await;
    world.clock.advance(TimeDelta::seconds(301));
    let first = letter(&world, "hold_expiring", &address(&shipper)).await;
    let departure = "from AI101 on Sat 28 Nov 2026 02:30 IST (Fri 27 Nov 2026 21:00 UTC)";
    assert!(text(&first, "text").contains(departure), "{first}");
    sent(&world).await;
    let staff = world.operator().await;
    let id = world.texts("select id::text from notifications where type = 'hold_expiring'").await.remove(0);
    let path = format!("/api/v1/admin/notifications/{id}/resend");
    staff.poke(&path).await.expect(202);
    until("it is sent again", async || {
        letters(&world).await.iter().filter(|letter| letter["type"] == "hold_expiring").count() == 2
    })
    .await;
    sent(&world).await;
    world.clock.advance(TimeDelta::seconds(300));
    world.operator().await.poke(&path).await.expect(202);
    until("it is too late", async || reasons(&world, "hold_expiring").await.len() == 1).await;
}

#[tokio::test]
async fn a_reminder_of_a_booking_that_has_lost_its_first_flight_is_not_sent() {
    let files = directory();
    let world = writing(files.path()).await;
    let first = world.flight(NewFlight::new("AI101", "DEL", "DXB").leaves_in_hours(100)).await;
    let second = world.flight(NewFlight::new("AI102", "DXB", "LHR").leaves_in_hours(120)).await;
    let shipper = Person::new(&world).await;
    shipper.client.book(order(&[&first, &second])).await;
    heard(&world).await;
    let cutoff = text(&first, "cutoff_datetime").parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    world.clock.set(cutoff - TimeDelta::hours(24));
    let written = "select id::text from notifications where type = 'cutoff_reminder' and status = 'WAITING'";
    until("the reminder is written", async || !world.texts(written).await.is_empty()).await;
    cancel_flight(&world, &first).await;
    world.clock.advance(TimeDelta::seconds(10));
    until("it is not sent", async || reasons(&world, "cutoff_reminder").await == ["not_true"]).await;
}

#[tokio::test]
async fn a_member_who_leaves_before_a_letter_is_sent_does_not_get_it() {
    let files = directory();
    let world = writing(files.path()).await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (maker, foreign) = (Person::new(&world).await, Person::new(&world).await);
    let member = Person::in_organization(&world, maker.organization, loadmaster_accounts::Role::Customer).await;
    put(&member.client, PREFERENCES, json!({"scope": "organization"})).await.expect(200);
    maker.client.book(order(&[&flight])).await;
    sent(&world).await;
    cancel_flight(&world, &flight).await;
    heard(&world).await;
    let leave = format!("update users set organization_id = '{}' where id = '{}'", foreign.organization, member.id);
    world.sql(&leave).await;
    world.clock.advance(TimeDelta::seconds(61));
    letter(&world, "cancelled", &address(&maker)).await;
    until("the member is not told", async || reasons(&world, "cancelled").await == ["not_a_member"]).await;
}

#[tokio::test]
async fn the_letter_about_a_disabled_webhook_says_why() {
    let files = directory();
    let world = writing(files.path()).await;
    let owner = Person::new(&world).await;
    let reasons = [
        ("failing", "it has failed for too long", "A webhook was disabled: it has failed for too long"),
        ("gone", "it answered 410, that it is gone", "A webhook was disabled: it is gone"),
        ("owner_changed", "no longer an operator", "A webhook was disabled: it is for operators"),
        ("key_ended", "was revoked or has expired", "A webhook was disabled: its API key has ended"),
        ("access_ended", "a new password has ended", "A webhook was disabled: its access has ended"),
    ];
    for (reason, ..) in reasons {
        let hook = json!({"url": format!("https://{reason}.example.com/hook").replace('_', "-")});
        let hook = owner.client.post("/api/v1/webhooks", hook).await.expect(201);
        let id = text(&hook, "id");
        // As the room of webhooks writes it.
        world
            .sql(&format!(
                "update webhooks
                 set status = 'DISABLED',
                     disabled_reason = case when '{reason}' like '%_ended' then 'owner_changed' else '{reason}' end,
                     ended_because = case when '{reason}' like '%_ended' then '{reason}' end
                 where id = '{id}'"
            ))
            .await;
        let data = json!({"webhook_id": id, "status": "DISABLED", "disabled_reason": reason, "failing_since": null});
        let message = json!({"specversion": "1.0", "id": format!("{id}-1"), "source": "/loadmaster", "subject": id,
                             "sequence": "1", "type": "loadmaster.webhook.disabled.v1", "time": world.now(),
                             "datacontenttype": "application/json", "data": data});
        world
            .sql(&format!(
                "insert into outbox (aggregate, aggregate_id, sequence, event_type, payload, occurred_at)
                 values ('webhook', '{id}', 1, 'DISABLED', '{message}', now())"
            ))
            .await;
    }
    sent(&world).await;
    let all = letters(&world).await;
    for (reason, says, subject) in reasons {
        let is_meant = |letter: &&Value| letter["subject"] == subject;
        let letter = all.iter().find(is_meant).unwrap_or_else(|| panic!("{reason}: {all:#?}"));
        for part in ["text", "html"] {
            assert!(text(letter, part).contains(says), "{letter}");
        }
    }
}

/// Takes the last step of a booking back.
async fn correct(world: &World, booking: &Value) {
    let path = format!("{}/correct", path_of(booking));
    world.operator().await.post(&path, json!({"reason": "Wrong booking"})).await.expect(200);
}

#[tokio::test]
async fn receivers_of_a_step_are_notified_of_its_correction() {
    let files = directory();
    let world = writing(files.path()).await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (shipper, silent) = (Person::new(&world).await, Person::new(&world).await);
    put(&silent.client, PREFERENCES, json!({"types": {"delivered": {"email": false}}})).await.expect(200);
    for person in [&shipper, &silent] {
        let booking = person.client.book(order(&[&flight])).await;
        world.operator().await.walk(&booking, &["depart", "arrive", "deliver"]).await;
        sent(&world).await;
        correct(&world, &booking).await;
        sent(&world).await;
    }
    let corrected = letter(&world, "corrected", &address(&shipper)).await;
    let body = text(&corrected, "text");
    assert!(body.contains("was recorded by mistake: it has arrived and is not delivered."), "{body}");
    assert!(!body.contains("Wrong booking"), "{body}");
    let all = letters(&world).await;
    assert!(all.iter().all(|letter| text(letter, "type") != "corrected" || text(letter, "to") == address(&shipper)));
}

#[tokio::test]
async fn a_letter_about_a_step_that_was_taken_back_meanwhile_is_not_sent_nor_its_correction() {
    let files = directory();
    let world = writing(files.path()).await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let shipper = Person::new(&world).await;
    put(&shipper.client, PREFERENCES, json!({"types": {"departed": {"email": true}}})).await.expect(200);
    let booking = shipper.client.book(order(&[&flight])).await;
    world.operator().await.walk(&booking, &["depart"]).await;
    heard(&world).await;
    correct(&world, &booking).await;
    heard(&world).await;
    world.clock.advance(TimeDelta::seconds(61));
    until("it is not sent", async || reasons(&world, "departed").await == ["not_true"]).await;
    assert!(world.texts("select id::text from notifications where type = 'corrected'").await.is_empty());
}
