use chrono::TimeDelta;
use loadmaster_testkit::{
    Watch, World, WorldOptions,
    claims::{CLAIM, claim_of, complete, guest},
    freight::{BOOKINGS, at_once, each, path_of, text, with},
    holds::{at, hold_on},
    until_blocked,
};
use serde_json::{Value, json};
use sqlx::{Connection, Executor};

use super::{PASSWORD, REGISTER, flight, register};

#[tokio::test]
async fn a_claimed_booking_is_the_accounts_and_no_longer_the_guests() {
    let world = World::start().await;
    let flight = flight(&world).await;
    let (guest, customer) = (guest(&world).await, world.customer().await);
    let hold = guest.hold(with(hold_on(&[&flight]), json!({ "description": "Mangoes" }))).await;
    let booking = guest.commit(&hold, complete()).await;
    assert_eq!(booking["claim"]["expires_at"], "2026-12-20T08:00:00Z", "30 days from its creation");
    let path = path_of(&booking);
    customer.get(&path).await.expect_problem(404, "not_found");

    let answer = customer.claim(&booking).await;
    assert_eq!(answer.header("etag"), Some("\"2\""));
    let claimed = answer.expect(200);
    let me = customer.get("/api/v1/auth/me").await.expect(200);
    assert_eq!(claimed["organization_id"], me["organization_id"]);
    assert_eq!((&claimed["created_by"], &claimed["description"]), (&booking["created_by"], &json!("Mangoes")));
    assert_eq!(claimed.get("claim"), None);

    for gone in ["", "/status", "/history"] {
        guest.get(&format!("{path}{gone}")).await.expect_problem(404, "not_found");
    }
    guest.poke(&format!("{path}/cancel")).await.expect_problem(404, "not_found");
    assert_eq!(guest.get(BOOKINGS).await.expect(200), json!([]));
    let left = guest.get(&at(&hold)).await;
    assert_eq!(left.header("etag"), Some("\"3\""), "a reader that has its texts reads it again");
    assert_eq!((&left.body["status"], &left.body["booking_ref"]), (&json!("COMMITTED"), &booking["ref_id"]));
    assert_eq!((&left.body["description"], &left.body["contact"]), (&Value::Null, &Value::Null));

    assert_eq!(each(&customer.get(BOOKINGS).await.expect(200), "ref_id"), [&booking["ref_id"]]);
    let history = customer.get(&format!("{path}/history")).await.expect(200);
    assert_eq!(each(&history["timeline"], "event_type"), ["BOOKED", "CLAIMED"]);
    assert_eq!((&history["timeline"][1]["actor"], &history["timeline"][1]["status"]), (&me["id"], &json!("BOOKED")));
    let told = world.texts("select event_type from outbox where aggregate = 'booking' order by sequence").await;
    assert_eq!(told, ["BOOKED", "CLAIMED"]);
    customer.patch(&path, json!({ "weight_kg": 50 })).await.expect(200);
    customer.walk(&booking, &["cancel"]).await;
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn a_claim_is_used_once() {
    let world = World::start().await;
    let flight = flight(&world).await;
    let booking = guest(&world).await.book_by_hold(&flight).await;
    let (one, other) = (world.customer().await, world.customer().await);
    let first = one.post_under("once", CLAIM, &claim_of(&booking)).await;
    assert_eq!(first.status, 200, "{}", first.text);
    for again in [&one, &other, &world.operator().await] {
        again.claim(&booking).await.expect_problem(400, "invalid_token");
    }
    register(&world, "late@example.com", &claim_of(&booking)).await.expect_problem(400, "invalid_token");
    let replayed = one.post_under("once", CLAIM, &claim_of(&booking)).await;
    assert_eq!((replayed.header("idempotency-replayed"), &replayed.text), (Some("true"), &first.text));
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn a_claim_ends_thirty_days_after_the_booking_was_made() {
    let world = World::start().await;
    let flight = flight(&world).await;
    let guest = guest(&world).await;
    let (first, second) = (guest.book_by_hold(&flight).await, guest.book_by_hold(&flight).await);
    world.clock.advance(TimeDelta::days(30) - TimeDelta::seconds(1));
    world.customer().await.claim(&first).await.expect(200);
    world.clock.advance(TimeDelta::seconds(1));
    world.customer().await.claim(&second).await.expect_problem(400, "invalid_token");
    register(&world, "late@example.com", &claim_of(&second)).await.expect_problem(400, "invalid_token");
    world.audit().await;
}

#[tokio::test]
async fn only_what_was_issued_is_a_claim() {
    let world = World::start().await;
    let flight = flight(&world).await;
    let guest = guest(&world).await;
    let booking = guest.book_by_hold(&flight).await;
    let token = text(&booking["claim"], "token");
    let customer = world.customer().await;
    let mut forged = vec!["forged".to_owned(), "A".repeat(96), format!("{token}="), token[1..].to_owned()];
    forged.extend((0..token.len()).step_by(7).map(|place| {
        let other = if token.as_bytes()[place] == b'A' { "B" } else { "A" };
        format!("{}{other}{}", &token[..place], &token[place + 1..])
    }));
    for forged in forged {
        customer.post(CLAIM, json!({ "claim_token": forged })).await.expect_problem(400, "invalid_token");
    }
    for (body, fault) in [
        (json!({}), "required"),
        (json!({ "claim_token": null }), "required"),
        (json!({ "claim_token": 5 }), "wrong_type"),
        (json!({ "claim_token": " " }), "too_short"),
        (json!({ "claim_token": "x".repeat(501) }), "too_long"),
        (json!({ "claim_token": "x\ny" }), "invalid_format"),
    ] {
        let faults = customer.post(CLAIM, body).await.expect_faults();
        assert_eq!(faults, [("/claim_token".to_owned(), fault.to_owned())]);
    }
    let more = with(claim_of(&booking), json!({ "email": "gus@example.com" }));
    let faults = customer.post(CLAIM, more).await.expect_faults();
    assert_eq!(faults, [("/email".to_owned(), "unknown_field".to_owned())], "the address gives no right");
    guest.claim(&booking).await.expect_problem(403, "forbidden");
    world.anonymous().claim(&booking).await.expect_problem(401, "unauthenticated");
    world.operator().await.claim(&booking).await.expect(200);
    world.audit().await;
}

#[tokio::test]
async fn a_repeated_commit_returns_the_same_claim_which_is_stored_nowhere() {
    let world = World::start().await;
    let flight = flight(&world).await;
    let (guest, customer) = (guest(&world).await, world.customer().await);
    let hold = guest.hold(hold_on(&[&flight])).await;
    let commit = format!("{}/commit", at(&hold));
    let first = guest.post_under("once", &commit, &complete()).await;
    assert_eq!((first.status.as_u16(), first.header("cache-control")), (201, Some("no-store")));
    let again = guest.post_under("once", &commit, &complete()).await;
    assert_eq!((again.header("idempotency-replayed"), &again.text), (Some("true"), &first.text));
    let token = text(&first.body["claim"], "token");
    assert_eq!(world.found(&[&token.to_lowercase()]).await, [""; 0]);
    assert_eq!(world.found(&["\"claim\""]).await, [""; 0]);
    assert_eq!(guest.get(&path_of(&first.body)).await.expect(200).get("claim"), None);
    customer.claim(&first.body).await.expect(200);
    guest.post_under("once", &commit, &complete()).await.expect_problem(404, "not_found");
    world.audit().await;
}

#[tokio::test]
async fn the_booking_of_a_customer_has_no_claim() {
    let world = World::start().await;
    let flight = flight(&world).await;
    let customer = world.customer().await;
    assert_eq!(customer.book_by_hold(&flight).await.get("claim"), None);
    let guest = guest(&world).await;
    let hold = guest.hold(hold_on(&[&flight])).await;
    let booking = world.operator().await.commit(&hold, complete()).await;
    assert_eq!(booking.get("claim"), None, "it is for the guest alone");
    assert_eq!(guest.get(&path_of(&booking)).await.expect(200), booking);
    world.audit().await;
}

#[tokio::test]
async fn of_all_who_claim_a_booking_at_once_one_gets_it() {
    let world = WorldOptions::patient().start().await;
    let flight = flight(&world).await;
    let booking = guest(&world).await.book_by_hold(&flight).await;
    let claim = claim_of(&booking);
    let mut wishes = Vec::new();
    for _ in 0..4 {
        wishes.push((world.customer().await, CLAIM, claim.clone()));
    }
    for number in 0..3 {
        let account = json!({ "email": format!("ann{number}@example.com"), "password": PASSWORD });
        wishes.push((world.anonymous(), REGISTER, with(account, claim.clone())));
    }
    let answers = at_once(wishes.iter().map(|(client, path, body)| client.sending(path, body.clone()))).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status.is_success());
    assert_eq!((won.len(), lost.len()), (1, 6));
    for answer in lost {
        answer.expect_problem(400, "invalid_token");
    }
    let made = world.count("users where email like 'ann%'").await;
    assert_eq!(made, usize::from(won[0].status == 201));
    assert_eq!(world.count("booking_events where event_type = 'CLAIMED'").await, 1);
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn every_instance_shows_a_claimed_booking_at_once_to_its_new_owner_alone() {
    let here = World::start().await;
    let there = WorldOptions::default().on(&here.database).start().await;
    let flight = flight(&here).await;
    let (guest, customer) = (guest(&here).await, here.customer().await);
    let booking = guest.book_by_hold(&flight).await;
    let path = path_of(&booking);
    let at_there = |client: &loadmaster_testkit::Client| there.same(client);
    // Both instances know the booking, as the guest's.
    for _ in 0..2 {
        guest.get(&path).await.expect(200);
        at_there(&guest).get(&path).await.expect(200);
        at_there(&customer).get(&path).await.expect_problem(404, "not_found");
    }
    customer.claim(&booking).await.expect(200);
    at_there(&guest).poke(&format!("{path}/cancel")).await.expect_problem(404, "not_found");
    for world in [&here, &there] {
        let [guest, customer] = [&guest, &customer].map(|it| world.same(it));
        for shown in ["", "/status", "/history", "?include=history"] {
            guest.get(&format!("{path}{shown}")).await.expect_problem(404, "not_found");
            customer.get(&format!("{path}{shown}")).await.expect(200);
        }
        assert_eq!(guest.get(BOOKINGS).await.expect(200), json!([]));
        assert_eq!(each(&customer.get(BOOKINGS).await.expect(200), "ref_id"), [&booking["ref_id"]]);
    }
    at_there(&customer).poke(&format!("{path}/cancel")).await.expect(200);
    here.audit_and_rebuild().await;
}

#[tokio::test]
async fn a_guest_that_cancels_while_its_booking_is_claimed_cancels_nothing() {
    let world = WorldOptions::patient().start().await;
    let flight = flight(&world).await;
    let (guest, customer) = (guest(&world).await, world.customer().await);
    let booking = guest.book_by_hold(&flight).await;
    let path = path_of(&booking);
    let mut owner = world.database.owner().await;
    let mut lock = owner.begin().await.unwrap();
    lock.execute("select * from bookings for update").await.unwrap();
    // The guest's booking is seen, and the desk waits for its row; so does the claim.
    let cancel = tokio::spawn({
        let (guest, path) = (guest.clone(), format!("{path}/cancel"));
        async move { guest.poke(&path).await }
    });
    until_blocked(&guest, 1).await;
    let claim = tokio::spawn({
        let (customer, booking) = (customer.clone(), booking.clone());
        async move { customer.claim(&booking).await }
    });
    Watch::over(&world.database).await.until_waiting(1).await;
    lock.rollback().await.unwrap();
    claim.await.unwrap().expect(200);
    cancel.await.unwrap().expect_problem(404, "not_found");
    assert_eq!(customer.get(&path).await.expect(200)["status"], "BOOKED");
    world.audit_and_rebuild().await;
}
