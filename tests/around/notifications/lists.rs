//! What was sent, or was not.
use chrono::TimeDelta;
use loadmaster_testkit::{
    World,
    freight::{each, order, text, two_flights, with},
    notifications::{Person, contact, heard},
};
use serde_json::{Value, json};

const OWN: &str = "/api/v1/notifications";
const ALL: &str = "/api/v1/admin/notifications";

#[tokio::test]
async fn a_user_sees_its_own_and_the_staff_sees_all_with_masked_addresses() {
    let world = World::working().await;
    let [first, _] = two_flights(&world).await;
    let (one, other) = (Person::new(&world).await, Person::new(&world).await);
    let booking = one.client.book(order(&[&first])).await;
    let others = other.client.book(order(&[&first])).await;
    heard(&world).await;
    let own = one.client.get(OWN).await.expect(200);
    assert_eq!(each(&own, "ref_id"), [&booking["ref_id"]]);
    let members: Vec<&String> = own[0].as_object().unwrap().keys().collect();
    assert_eq!(members, ["channel", "created_at", "id", "reason", "ref_id", "sent_at", "status", "type"]);
    let staff = world.operator().await;
    let all = staff.get(ALL).await.expect(200);
    assert_eq!(each(&all, "ref_id"), [&others["ref_id"], &booking["ref_id"]]);
    let address = text(&all[0], "address");
    assert!(address.ends_with("***@example.com") && !address.contains(&other.id.to_string()), "{address}");
    let some = staff.get(&format!("{ALL}?ref_id={}", text(&booking, "ref_id"))).await.expect(200);
    assert_eq!(each(&some, "id"), [&own[0]["id"]]);
    assert_eq!(staff.get(&format!("{ALL}?status=FAILED")).await.expect(200), Value::Array(Vec::new()));
    one.client.get(ALL).await.expect_problem(403, "forbidden");
    // The next page, and nobody else's.
    let page = staff.get(&format!("{ALL}?limit=1")).await;
    let next = page.header("link").unwrap().split(['<', '>']).nth(1).unwrap().to_owned();
    assert_eq!(each(&staff.get(&next).await.expect(200), "ref_id"), [&booking["ref_id"]]);
    world.clock.advance(TimeDelta::days(91));
    assert_eq!(one.now(&world).get(OWN).await.expect(200), Value::Array(Vec::new()));
}

#[tokio::test]
async fn the_staff_has_a_notification_sent_again() {
    let world = World::working().await;
    let [first, _] = two_flights(&world).await;
    let shipper = Person::new(&world).await;
    shipper.client.book(order(&[&first])).await;
    heard(&world).await;
    world
        .sql(
            "update notifications set status = 'SUPPRESSED', reason = 'expired', expires_at = created_at, attempts = 3",
        )
        .await;
    let staff = world.operator().await;
    let id = text(&staff.get(ALL).await.expect(200)[0], "id").to_owned();
    let path = format!("{ALL}/{id}/resend");
    shipper.client.poke(&path).await.expect_problem(403, "forbidden");
    staff.poke(&path.replace(&id, &uuid::Uuid::new_v4().to_string())).await.expect_problem(404, "not_found");
    let again = staff.poke(&path).await.expect(202);
    assert_eq!((&again["status"], &again["reason"]), (&"WAITING".into(), &Value::Null));
    let act = world.texts("select subject_id from admin_acts where act = 'notification.resent'").await;
    assert_eq!(act, [id]);
}

#[tokio::test]
async fn a_question_is_listed_with_its_booking_and_sent_once() {
    let world = World::working().await;
    let [first, _] = two_flights(&world).await;
    let shipper = Person::new(&world).await;
    let named = with(order(&[&first]), json!({"contacts": [contact("cora@example.com")]}));
    let booking = shipper.client.book(named).await;
    heard(&world).await;
    let staff = world.operator().await;
    let listed = staff.get(&format!("{ALL}?ref_id={}", text(&booking, "ref_id"))).await.expect(200);
    let is_question = |one: &&Value| text(one, "type") == "contact_question";
    let id = text(listed.as_array().unwrap().iter().find(is_question).unwrap(), "id").to_owned();
    let path = format!("{ALL}/{id}/resend");
    let of_question = |change: &str| format!("update notifications set {change} where id = '{id}'");
    world.sql(&of_question("status = 'SENT', reason = null, sent_at = now()")).await;
    staff.poke(&path).await.expect_problem(409, "invalid_transition");
    assert!(world.texts("select act from admin_acts where act = 'notification.resent'").await.is_empty());
    // It has not reached anybody.
    world.sql(&of_question("status = 'FAILED', reason = 'refused', sent_at = null")).await;
    assert_eq!(staff.poke(&path).await.expect(202)["status"], "WAITING");
}
