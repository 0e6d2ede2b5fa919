use loadmaster_accounts::{AccountError, UserService};
use loadmaster_privacy::{PrivacyError, PrivacyService};
use loadmaster_testkit::{
    World, WorldOptions,
    claims::guest,
    freight::{BOOKINGS, each, order, path_of, text},
};
use reqwest::Method;
use serde_json::{Value, json};

use super::flight;

#[tokio::test]
async fn a_guest_reads_and_cancels_the_bookings_made_of_its_holds_and_does_nothing_else() {
    let world = World::start().await;
    let flight = flight(&world).await;
    let (gus, other) = (guest(&world).await, guest(&world).await);
    let (customer, operator) = (world.customer().await, world.operator().await);
    let booking = gus.book_by_hold(&flight).await;
    let path = path_of(&booking);
    assert_eq!(gus.get(&path).await.expect(200)["ref_id"], booking["ref_id"]);
    assert_eq!(gus.get(&format!("{path}/status")).await.expect(200)["status"], "BOOKED");
    assert_eq!(each(&gus.get(&format!("{path}/history")).await.expect(200)["timeline"], "event_type"), ["BOOKED"]);
    customer.book(order(&[&flight])).await;
    assert_eq!(each(&gus.get(BOOKINGS).await.expect(200), "ref_id"), [&booking["ref_id"]]);

    for stranger in [&other, &customer] {
        for (method, of_it) in
            [(Method::GET, ""), (Method::GET, "/status"), (Method::GET, "/history"), (Method::POST, "/cancel")]
        {
            let request = stranger.request(method, &format!("{path}{of_it}"));
            loadmaster_testkit::Answer::of(request).await.expect_problem(404, "not_found");
        }
        stranger.delete(&path).await.expect_problem(404, "not_found");
    }
    assert_eq!(other.get(BOOKINGS).await.expect(200), json!([]));

    gus.patch(&path, json!({ "weight_kg": 50 })).await.expect_problem(403, "forbidden");
    for staff in ["depart", "arrive", "deliver"] {
        gus.poke(&format!("{path}/{staff}")).await.expect_problem(403, "forbidden");
    }
    gus.post(BOOKINGS, order(&[&flight])).await.expect_problem(403, "forbidden");
    let cancelled = gus.poke(&format!("{path}/cancel")).await.expect(200);
    assert_eq!(cancelled["status"], "CANCELLED");
    let second = gus.book_by_hold(&flight).await;
    assert_eq!(gus.delete(&path_of(&second)).await.expect(200)["status"], "CANCELLED");

    let flown = gus.book_by_hold(&flight).await;
    operator.walk(&flown, &["depart"]).await;
    let refused = gus.poke(&format!("{}/cancel", path_of(&flown))).await.expect_problem(409, "invalid_transition");
    assert_eq!(refused["allowed"], json!([]));
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn a_guest_that_booked_is_a_user_that_no_list_shows() {
    let world = World::start().await;
    let flight = flight(&world).await;
    let (guest, admin) = (guest(&world).await, world.admin().await);
    let booking = guest.book_by_hold(&flight).await;
    let again = guest.book_by_hold(&flight).await;
    assert_eq!(
        (&again["created_by"], &again["organization_id"]),
        (&booking["created_by"], &booking["organization_id"])
    );
    let id = text(&booking, "created_by");
    let rows =
        world.texts("select concat_ws(' ', id, email, email_key, password_hash, name) from users where role = 'guest'");
    assert_eq!(rows.await, [id]);

    let listed = admin.get("/api/v1/users").await.expect(200);
    assert!(!each(&listed, "id").contains(&&booking["created_by"]), "{listed}");
    let of_it = format!("/api/v1/users?organization_id={}", text(&booking, "organization_id"));
    assert_eq!(admin.get(&of_it).await.expect(200), json!([]));
    let path = format!("/api/v1/users/{id}");
    admin.get(&path).await.expect_problem(404, "not_found");
    for change in [json!({ "disabled": true }), json!({ "role": "admin" })] {
        admin.patch(&path, change).await.expect_problem(404, "not_found");
    }
    let users: UserService = world.state().service().unwrap();
    assert!(users.all().await.unwrap().iter().all(|user| user.user.id.to_string() != id));
    let privacy: PrivacyService = world.state().service().unwrap();
    for refused in [privacy.export(id.parse().unwrap()).await.err(), privacy.erase(id.parse().unwrap()).await.err()] {
        assert!(matches!(refused, Some(PrivacyError::Account(AccountError::Unknown("user")))), "{refused:?}");
    }
    let changes = format!("select kind from access_changes where subject = '{id}'");
    assert_eq!(world.texts(&changes).await, [""; 0]);
    guest.get(&path_of(&booking)).await.expect(200);
    world.audit().await;
}

#[tokio::test]
async fn guests_that_booked_are_still_counted_by_their_address() {
    let options = WorldOptions::default().set("rate_limit.enabled", "true");
    let world = options.set("rate_limit.anonymous_per_minute", "6").start().await;
    let flight = flight(&world).await;
    let guest = guest(&world).await;
    guest.book_by_hold(&flight).await;
    for _ in 0..4 {
        guest.get(BOOKINGS).await.expect(200);
    }
    guest.get(BOOKINGS).await.expect_problem(429, "rate_limited");
}

#[tokio::test]
async fn a_guests_key_acts_for_itself_and_sees_nothing_of_its_owners() {
    let world = World::start().await;
    let flight = flight(&world).await;
    for owner in [world.customer().await, world.admin().await] {
        let theirs = owner.book_by_hold(&flight).await;
        let key = owner.post("/api/v1/api-keys", json!({ "name": "widget", "role": "guest" })).await.expect(201);
        let widget = world.anonymous().with_token(text(&key, "key"));
        assert_eq!(widget.get(BOOKINGS).await.expect(200), json!([]));
        assert_eq!(widget.get("/api/v1/holds").await.expect(200), json!([]));
        widget.get(&path_of(&theirs)).await.expect_problem(404, "not_found");
        widget.delete(&path_of(&theirs)).await.expect_problem(404, "not_found");
        let own = widget.book_by_hold(&flight).await;
        assert_eq!(each(&widget.get(BOOKINGS).await.expect(200), "ref_id"), [&own["ref_id"]]);
        let claimed = owner.claim(&own).await.expect(200);
        assert_eq!(claimed["organization_id"], theirs["organization_id"]);
        assert_eq!(widget.get(BOOKINGS).await.expect(200), Value::Array(Vec::new()));
    }
    world.audit_and_rebuild().await;
}
