//! What becomes of the messages of the outbox.
use chrono::TimeDelta;
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    NewFlight, World, WorldOptions,
    claims::guest,
    freight::{order, text, two_flights, with},
    holds::hold_on,
    notifications::{PREFERENCES, Person, cancel_flight, heard, put, retime, told, told_to},
    until,
    waitlist::{join, reached, wanted},
};
use serde_json::json;
use uuid::Uuid;

#[tokio::test]
async fn the_user_who_made_a_booking_is_notified_once_of_each_step_that_is_on_by_default() {
    let world = World::working().await;
    let [first, second] = two_flights(&world).await;
    let (shipper, staff) = (Person::new(&world).await, world.operator().await);
    let booking = shipper.client.book(order(&[&first, &second])).await;
    staff.walk(&booking, &["depart", "arrive", "depart", "arrive", "deliver"]).await;
    assert_eq!(told_to(&world, &shipper.name()).await, ["booking_confirmed", "delivered"]);
    // Every message comes again.
    heard(&world).await;
    world.sql("update outbox_sinks set position = 0, reached = 0, awaited = '[]', leased_by = null where name = 'notifications'").await;
    heard(&world).await;
    assert_eq!(told(&world).await.len(), 2);
    let refs = world.texts("select distinct ref_id from notifications").await;
    assert_eq!(refs, [text(&booking, "ref_id")]);
    world.audit().await;
}

#[tokio::test]
async fn only_verified_addresses_and_enabled_users_are_notified() {
    let world = World::working().await;
    let [first, _] = two_flights(&world).await;
    world.customer().await.book(order(&[&first])).await;
    let disabled = Person::new(&world).await;
    disabled.client.book(order(&[&first])).await;
    // The message is heard after the user has lost the account.
    heard(&world).await;
    assert_eq!(told(&world).await.len(), 1);
    world.sql(&format!("update users set disabled_at = now() where id = '{}'", disabled.id)).await;
    cancel_flight(&world, &first).await;
    assert_eq!(told(&world).await.len(), 1);
}

#[tokio::test]
async fn members_who_opt_in_are_notified_of_all_of_their_organization() {
    let world = World::working().await;
    let [first, _] = two_flights(&world).await;
    let maker = Person::new(&world).await;
    let all = Person::in_organization(&world, maker.organization, Role::Customer).await;
    let own = Person::in_organization(&world, maker.organization, Role::Customer).await;
    let foreign = Person::new(&world).await;
    for person in [&all, &foreign] {
        put(&person.client, PREFERENCES, json!({"scope": "organization"})).await.expect(200);
    }
    put(&own.client, PREFERENCES, json!({"scope": "own"})).await.expect(200);
    maker.client.book(order(&[&first])).await;
    let mut expected = [&maker, &all].map(|person| format!("booking_confirmed email {}", person.name()));
    expected.sort();
    let mut found = told(&world).await;
    found.sort();
    assert_eq!(found, expected);
    assert!(told_to(&world, &own.name()).await.is_empty() && told_to(&world, &foreign.name()).await.is_empty());
}

#[tokio::test]
async fn a_user_who_has_left_the_organization_is_not_notified_of_it() {
    let world = World::working().await;
    let [first, second] = two_flights(&world).await;
    let (maker, foreign) = (Person::new(&world).await, Person::new(&world).await);
    let staff = Person::in_organization(&world, Uuid::new_v4(), Role::Operator).await;
    maker.client.book(order(&[&first])).await;
    heard(&world).await;
    let leave = |person: &Person| {
        format!("update users set organization_id = '{}' where id = '{}'", foreign.organization, person.id)
    };
    world.sql(&leave(&maker)).await;
    // The carrier's staff belong to no shipper.
    staff.client.book(order(&[&second])).await;
    heard(&world).await;
    world.sql(&leave(&staff)).await;
    cancel_flight(&world, &first).await;
    cancel_flight(&world, &second).await;
    assert_eq!(told_to(&world, &maker.name()).await, ["booking_confirmed"]);
    assert_eq!(told_to(&world, &staff.name()).await, ["booking_confirmed", "cancelled"]);
}

#[tokio::test]
async fn the_user_who_claimed_a_guests_booking_is_notified() {
    let world = World::working().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let booking = guest(&world).await.book_by_hold(&flight).await;
    heard(&world).await;
    let owner = Person::new(&world).await;
    owner.client.claim(&booking).await.expect(200);
    owner.client.walk(&booking, &["cancel"]).await;
    assert_eq!(told_to(&world, &owner.name()).await, ["cancelled"]);
}

#[tokio::test]
async fn preferences_decide_by_type_and_channel() {
    let world = World::working().await;
    let [first, second] = two_flights(&world).await;
    let (shipper, staff) = (Person::new(&world).await, world.operator().await);
    world
        .sql(&format!("update users set phone = '+4969123456', phone_verified_at = now() where id = '{}'", shipper.id))
        .await;
    world.sql(&format!("update users set phone_verified_at = now() where id = '{}'", shipper.id)).await;
    let wanted = json!({"types": {"departed": {"email": true, "sms": true}, "booking_confirmed": {"email": false}}});
    put(&shipper.client, PREFERENCES, wanted).await.expect(200);
    let booking = shipper.client.book(order(&[&first, &second])).await;
    staff.walk(&booking, &["depart"]).await;
    let mut expected = ["email", "sms"].map(|channel| format!("departed {channel} {}", shipper.name()));
    expected.sort();
    let mut found = told(&world).await;
    found.sort();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn what_one_flight_causes_waits_in_one_bundle_for_each_receiver() {
    let world = World::working().await;
    let [first, _] = two_flights(&world).await;
    let (one, other) = (Person::new(&world).await, Person::new(&world).await);
    for _ in 0..5 {
        one.client.book(order(&[&first])).await;
    }
    other.client.book(order(&[&first])).await;
    cancel_flight(&world, &first).await;
    heard(&world).await;
    let bundles = "select receiver || ' ' || count(*) || ' ' || count(distinct bundle) || ' ' || bool_and(is_urgent)
                          || ' ' || extract(epoch from min(due_at) - min(created_at))::int
                   from notifications where type = 'cancelled' group by receiver order by count(*) desc";
    let found = world.texts(bundles).await;
    assert_eq!(found, [format!("{} 5 1 true 60", one.name()), format!("{} 1 1 true 60", other.name())]);
    // A single booking that is cancelled concerns nobody else: it does not wait.
    let [again, _] = [world.flight(NewFlight::new("AI109", "DEL", "LHR")).await, first];
    let booking = one.client.book(order(&[&again])).await;
    one.client.walk(&booking, &["cancel"]).await;
    heard(&world).await;
    let alone = format!(
        "select (bundle is null and due_at = created_at)::text from notifications where type = 'cancelled' and ref_id = '{}'",
        text(&booking, "ref_id")
    );
    assert_eq!(world.texts(&alone).await, ["true"]);
}

#[tokio::test]
async fn new_times_and_freight_left_behind_are_notified() {
    let world = World::working().await;
    let [first, second] = two_flights(&world).await;
    let shipper = Person::new(&world).await;
    let booking = shipper.client.book(order(&[&first, &second])).await;
    retime(&world, &first, TimeDelta::minutes(30)).await;
    let offload = json!({"offload": [booking["ref_id"]]});
    world.admin().await.patch(&format!("/api/v1/flights/{}", text(&first, "id")), offload).await.expect(200);
    assert_eq!(told_to(&world, &shipper.name()).await, ["booking_confirmed", "offloaded", "retimed"]);
}

#[tokio::test]
async fn nothing_is_sent_about_events_before_the_room_or_older_than_a_day() {
    // Nobody delivers yet.
    let quiet = World::start().await;
    let [first, _] = two_flights(&quiet).await;
    let shipper = Person::new(&quiet).await;
    shipper.client.book(order(&[&first])).await;
    quiet
        .sql("update installation set value = (select max(id) from outbox)::text where name = 'notifications_from'")
        .await;
    let fresh = shipper.client.book(order(&[&first])).await;
    let working = WorldOptions::working().on(&quiet.database).start().await;
    heard(&working).await;
    assert_eq!(working.texts("select ref_id from notifications").await, [text(&fresh, "ref_id")]);
    working.shutdown().await;
    let late = shipper.client.book(order(&[&first])).await;
    let later = WorldOptions::working().on(&quiet.database).prepare().await;
    later.clock.advance(TimeDelta::hours(25));
    let later = Box::pin(later.launch()).await;
    heard(&later).await;
    assert!(!later.texts("select ref_id from notifications").await.contains(&text(&late, "ref_id").to_owned()));
}

#[tokio::test]
async fn a_hold_is_notified_five_minutes_before_it_expires_and_again_after_it_was_extended() {
    let world = World::working().await;
    let [first, _] = two_flights(&world).await;
    let shipper = Person::new(&world).await;
    let hold = shipper.client.hold(with(hold_on(&[&first]), json!({"ttl_seconds": 600}))).await;
    let brief = shipper.client.hold(with(hold_on(&[&first]), json!({"ttl_seconds": 300}))).await;
    heard(&world).await;
    let rows = "select extract(epoch from expires_at - due_at)::int || ' ' || extract(epoch from due_at - created_at)::int || ' '
                       || subject_id from notifications where type = 'hold_expiring' order by due_at";
    let id = text(&hold, "id");
    assert_eq!(world.texts(rows).await, [format!("300 300 {id}")], "{brief}");
    world.clock.advance(TimeDelta::seconds(60));
    let path = format!("/api/v1/holds/{id}/extend");
    shipper.client.post(&path, json!({"ttl_seconds": 900})).await.expect(200);
    heard(&world).await;
    assert_eq!(world.texts(rows).await, [format!("300 300 {id}"), format!("300 600 {id}")]);
}

#[tokio::test]
async fn an_offer_of_space_is_notified_until_it_ends() {
    let world = World::working().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(1000.0).leaves_in_hours(200)).await;
    let holder = world.customer().await;
    let booking = holder.book(with(order(&[&flight]), json!({"weight_kg": 1000}))).await;
    let waiter = Person::new(&world).await;
    let entry = join(&waiter.client, wanted(&flight, 600.0)).await;
    holder.walk(&booking, &["cancel"]).await;
    let offered = reached(&waiter.client, &entry, "OFFERED").await;
    until("the offer is told", async || told_to(&world, &waiter.name()).await.contains(&"waitlist_offer".to_owned()))
        .await;
    let row = world.texts("select subject_id || ' ' || extract(epoch from expires_at)::bigint from notifications where type = 'waitlist_offer'").await;
    let until = text(&offered["offer"], "expires_at").parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    assert_eq!(row, [format!("{} {}", text(&entry, "id"), until.timestamp())]);
}

#[tokio::test]
async fn the_user_who_changed_a_webhook_last_is_notified_that_it_fails() {
    let world = World::working().await;
    let owner = Person::new(&world).await;
    let member = Person::in_organization(&world, owner.organization, Role::Customer).await;
    put(&member.client, PREFERENCES, json!({"scope": "organization"})).await.expect(200);
    let hook = json!({"url": "https://receiver.example.com/hook"});
    let hook = owner.client.post("/api/v1/webhooks", hook).await.expect(201);
    let id = text(&hook, "id");
    // As the room of webhooks writes it after a day of failing.
    world.sql(&format!("update webhooks set status = 'FAILING', failing_since = now() where id = '{id}'")).await;
    let data = json!({"webhook_id": id, "status": "FAILING", "disabled_reason": null, "failing_since": world.now()});
    let message = json!({"specversion": "1.0", "id": format!("{id}-1"), "source": "/loadmaster", "subject": id, "sequence": "1",
                         "type": "loadmaster.webhook.failing.v1", "time": world.now(), "datacontenttype": "application/json",
                         "data": data});
    world
        .sql(&format!(
            "insert into outbox (aggregate, aggregate_id, sequence, event_type, payload, occurred_at)
             values ('webhook', '{id}', 1, 'FAILING', '{message}', now())"
        ))
        .await;
    let told = told(&world).await;
    assert_eq!(told, ["new_webhook", "webhook_failing"].map(|kind| format!("{kind} email {}", owner.name())));
}
