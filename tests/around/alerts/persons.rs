//! Alerts of people who go.
use loadmaster_accounts::Role;
use loadmaster_privacy::PrivacyService;
use loadmaster_testkit::{World, jobs::run_again, notifications::Person};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{ALERTS, at, checked, fill, flight, messages, shown, space};

#[tokio::test]
async fn the_alerts_of_a_person_are_exported_and_erased_and_no_others() {
    let world = World::start().await;
    let (person, other) = (Person::new(&world).await, Person::new(&world).await);
    let alert = person.client.post(ALERTS, space(600.0)).await.expect(201);
    let deleted = person.client.post(ALERTS, space(700.0)).await.expect(201);
    person.client.delete(&at(&deleted)).await.expect(204);
    let foreign = other.client.post(ALERTS, space(600.0)).await.expect(201);
    let privacy: PrivacyService = world.state().service().unwrap();
    let export = privacy.export(person.id.into()).await.unwrap();
    let exported = export["alerts"].as_array().unwrap();
    assert_eq!((exported.len(), &exported[0]["id"]), (1, &alert["id"]), "{export}");
    assert_eq!(exported[0]["created_by_this_person"], true);
    privacy.erase(person.id.into()).await.unwrap();
    let left = world.texts("select id::text from alerts").await;
    assert_eq!(json!(left), json!([foreign["id"]]), "the deleted one has gone, too");
    world.audit().await;
}

#[tokio::test]
async fn an_alert_ends_when_its_user_is_in_another_organization() {
    let world = World::working().await;
    let person = Person::new(&world).await;
    let alert = person.client.post(ALERTS, space(600.0)).await.expect(201);
    let colleague = world.caller_in(Role::Customer, Uuid::new_v4(), person.organization).await;
    let elsewhere = Person::new(&world).await.organization;
    let moved = format!("update users set organization_id = '{elsewhere}' where id = '{}'", person.id);
    world.sql(&moved).await;
    run_again(&world, "ended_alerts").await;
    assert_eq!(shown(&colleague, &alert).await["status"], "EXPIRED");
}

#[tokio::test]
async fn an_alert_of_a_disabled_user_sends_no_letter() {
    let world = World::working().await;
    let (flight, holder) = (flight(&world).await, world.customer().await);
    let booking = fill(&holder, &flight).await;
    let (gone, colleague) = (Person::new(&world).await, Uuid::new_v4());
    let alert = gone.client.post(ALERTS, space(600.0)).await.expect(201);
    let colleague = Person {
        client: world.caller_in(Role::Customer, colleague, gone.organization).await,
        id: colleague,
        organization: gone.organization,
    };
    let stays = colleague.client.post(ALERTS, space(600.0)).await.expect(201);
    world.sql(&format!("update users set disabled_at = now() where id = '{}'", gone.id)).await;
    holder.walk(&booking, &["cancel"]).await;
    checked(&world).await;
    let met = async |alert: &Value| shown(&colleague.client, alert).await["times_met"].clone();
    assert_eq!((met(&alert).await, met(&stays).await), (json!(0), json!(1)));
    assert_eq!(messages(&world).await, 1);
}
