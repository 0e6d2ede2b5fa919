//! Consolidations of people who go, and what the audit finds.
use loadmaster::app::AuditOptions;
use loadmaster_accounts::Role;
use loadmaster_privacy::PrivacyService;
use loadmaster_testkit::{World, breaches, notifications::Person};
use reqwest::Method;
use serde_json::json;

use super::{CONSOLIDATIONS, at, flight, invite, join, of, part, plan, secret_part, shown, ways};

#[tokio::test]
async fn what_belongs_to_a_person_alone_is_exported_and_erased() {
    let world = World::start().await;
    let (owner, member) = (Person::new(&world).await, Person::new(&world).await);
    let consolidation = owner.client.post(CONSOLIDATIONS, plan()).await.expect(201);
    join(&world, &owner.client, &consolidation, &member).await;
    member.client.post(&of(&consolidation, "parts"), secret_part("DEL")).await.expect(201);
    owner.client.post(&of(&consolidation, "parts"), part("BOM")).await.expect(201);
    let own = member.client.post(CONSOLIDATIONS, plan()).await.expect(201);
    invite(&owner.client, &consolidation, &Person::new(&world).await).await;
    let privacy: PrivacyService = world.state().service().unwrap();
    let export = privacy.export(member.id.into()).await.unwrap();
    assert_eq!(export["consolidations"][0]["id"], own["id"], "{export}");
    assert_eq!(export["consolidation_parts"].as_array().unwrap().len(), 1, "{export}");
    assert_eq!(export["consolidation_parts"][0]["shipper"]["name"], "Secretsender");
    privacy.erase(member.id.into()).await.unwrap();
    assert_eq!(world.texts("select id::text from consolidations").await, [consolidation["id"].as_str().unwrap()]);
    let left = shown(&owner.client, &consolidation).await;
    assert_eq!((left["parts"].as_array().unwrap().len(), left["members"].as_array().unwrap().len()), (1, 2));
    let found = world.found(&["house-4711", "secretware", "secretsender", "secretreceiver"]).await;
    assert!(found.is_empty(), "{found:?}");
    privacy.erase(owner.id.into()).await.unwrap();
    assert_eq!(world.texts("select id::text from consolidations").await.len(), 0);
    world.audit().await;
}

#[tokio::test]
async fn of_a_person_whose_organization_remains_only_the_name_is_erased() {
    let world = World::start().await;
    let owner = Person::new(&world).await;
    let colleague = Person::in_organization(&world, owner.organization, Role::Customer).await;
    let consolidation = owner.client.post(CONSOLIDATIONS, plan()).await.expect(201);
    owner.client.post(&of(&consolidation, "parts"), part("DEL")).await.expect(201);
    let privacy: PrivacyService = world.state().service().unwrap();
    privacy.erase(owner.id.into()).await.unwrap();
    let left = shown(&colleague.client, &consolidation).await;
    assert_eq!((&left["created_by"], left["parts"].as_array().unwrap().len()), (&json!(null), 1));
    let events = colleague.client.get(&of(&consolidation, "events")).await.expect(200);
    assert!(events.as_array().unwrap().iter().all(|event| event["actor_id"].is_null()), "{events}");
}

#[tokio::test]
async fn the_audit_finds_a_master_of_another_organization() {
    let world = World::start().await;
    let (owner, other) = (Person::new(&world).await, Person::new(&world).await);
    let del = flight(&world, "AI101", "DEL", 1000.0).await;
    let consolidation = owner.client.post(CONSOLIDATIONS, plan()).await.expect(201);
    owner.client.post(&of(&consolidation, "parts"), part("DEL")).await.expect(201);
    owner.client.post(&of(&consolidation, "hold"), ways(&[("DEL", &del)])).await.expect(200);
    owner.client.post(&of(&consolidation, "book"), json!({})).await.expect(200);
    world.audit().await;
    world.sql(&format!("update consolidations set organization_id = '{}'", other.organization)).await;
    let wrong = breaches(&world.database, AuditOptions::default()).await;
    let numbers: Vec<_> = wrong.iter().map(|check| check.rule.number).collect();
    assert_eq!(numbers, [Some(19)], "{wrong:#?}");
}

#[tokio::test]
async fn an_invitation_that_names_the_domain_in_letters_is_erased_with_its_person() {
    let world = World::start().await;
    let (owner, invited) = (Person::new(&world).await, Person::new(&world).await);
    let consolidation = owner.client.post(CONSOLIDATIONS, plan()).await.expect(201);
    let address = "ann@b\u{fc}cher.example";
    let account = format!(
        "update users set email = '{address}', email_key = 'ann@xn--bcher-kva.example' where id = '{}'",
        invited.id
    );
    world.sql(&account).await;
    let members = of(&consolidation, "members");
    owner.client.post_under("k", &members, &json!({"email": address})).await.expect(202);
    let privacy: PrivacyService = world.state().service().unwrap();
    privacy.erase(invited.id.into()).await.unwrap();
    assert_eq!(shown(&owner.client, &consolidation).await["members"].as_array().unwrap().len(), 1);
    let kept = world.count("idempotency_records where path like '%/members'").await;
    assert_eq!(kept, 0, "the stored answer names the address");
}

#[tokio::test]
async fn stored_answers_with_parts_of_a_member_that_left_are_erased_with_it() {
    let world = World::start().await;
    let (owner, member) = (Person::new(&world).await, Person::new(&world).await);
    let consolidation = owner.client.post(CONSOLIDATIONS, plan()).await.expect(201);
    join(&world, &owner.client, &consolidation, &member).await;
    member.client.post(&of(&consolidation, "parts"), secret_part("DEL")).await.expect(201);
    member.client.delete(&of(&consolidation, &format!("members/{}", member.organization))).await.expect(204);
    let renamed = json!({"name": "Week 50"});
    let key = [("idempotency-key", "k")];
    let answer = owner.client.send(Method::PATCH, &at(&consolidation), &key, Some(&renamed)).await.expect(200);
    assert_eq!(answer["parts"][0]["shipper"]["name"], "Secretsender", "the owner reads it still");
    let privacy: PrivacyService = world.state().service().unwrap();
    privacy.erase(member.id.into()).await.unwrap();
    let found = world.found(&["house-4711", "secretware", "secretsender", "secretreceiver"]).await;
    assert!(found.is_empty(), "{found:?}");
}

#[tokio::test]
async fn a_consolidation_whose_creator_is_erased_has_another_version() {
    let world = World::start().await;
    let owner = Person::new(&world).await;
    let colleague = Person::in_organization(&world, owner.organization, Role::Customer).await;
    let consolidation = owner.client.post(CONSOLIDATIONS, plan()).await.expect(201);
    let tag = colleague.client.get(&at(&consolidation)).await.header("etag").unwrap().to_owned();
    let privacy: PrivacyService = world.state().service().unwrap();
    privacy.erase(owner.id.into()).await.unwrap();
    let now = colleague.client.get(&at(&consolidation)).await;
    assert_ne!(now.header("etag"), Some(tag.as_str()));
    assert_eq!(now.expect(200)["created_by"], json!(null));
}
