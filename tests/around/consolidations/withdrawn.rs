//! Withdrawn parts: how many are kept, and whose come back.
use loadmaster_testkit::{World, freight::text, notifications::Person};
use serde_json::{Value, json};

use super::{CONSOLIDATIONS, join, of, part, plan, shown};

/// Adds this many withdrawn parts from Delhi.
async fn add_withdrawn(world: &World, consolidation: &Value, organization: &impl std::fmt::Display, number: usize) {
    let statement = format!(
        "insert into consolidation_parts (id, consolidation_id, organization_id, origin, pieces, weight_hg, volume_l,
                                          volume_defaulted, positions, special_handling_codes, status, created_at, updated_at)
         select gen_random_uuid(), '{}', '{organization}', 'DEL', 1, 10, 10, false, 0, '{{}}', 'WITHDRAWN', '{now}', '{now}'
         from generate_series(1, {number})",
        text(consolidation, "id"),
        now = "2026-11-19T08:00:00Z",
    );
    world.sql(&statement).await;
}

async fn number_withdrawn(world: &World) -> usize {
    world.count("consolidation_parts where status = 'WITHDRAWN'").await
}

#[tokio::test]
async fn a_part_that_is_withdrawn_by_a_change_leaves_a_hundred_withdrawn_parts() {
    let world = World::start().await;
    let owner = Person::new(&world).await;
    let consolidation = owner.client.post(CONSOLIDATIONS, plan()).await.expect(201);
    let added = owner.client.post(&of(&consolidation, "parts"), part("DEL")).await.expect(201);
    add_withdrawn(&world, &consolidation, &owner.organization, 100).await;
    let path = of(&consolidation, &format!("parts/{}", text(&added, "id")));
    let changed = owner.client.patch(&path, json!({"status": "WITHDRAWN"})).await.expect(200);
    assert_eq!(changed["status"], "WITHDRAWN");
    assert_eq!(number_withdrawn(&world).await, 100);
    assert_eq!(owner.client.get(&path).await.expect(200)["id"], added["id"], "the newest is kept");
}

#[tokio::test]
async fn a_member_that_is_removed_leaves_a_hundred_withdrawn_parts_and_names_their_origins() {
    let world = World::start().await;
    let (owner, member) = (Person::new(&world).await, Person::new(&world).await);
    let consolidation = owner.client.post(CONSOLIDATIONS, plan()).await.expect(201);
    join(&world, &owner.client, &consolidation, &member).await;
    for origin in ["DEL", "BOM"] {
        member.client.post(&of(&consolidation, "parts"), part(origin)).await.expect(201);
    }
    add_withdrawn(&world, &consolidation, &owner.organization, 100).await;
    let path = of(&consolidation, &format!("members/{}", member.organization));
    owner.client.delete(&path).await.expect(204);
    assert_eq!(number_withdrawn(&world).await, 100);
    let events = owner.client.get(&of(&consolidation, "events")).await.expect(200);
    assert_eq!((&events[0]["change"], &events[0]["origins"]), (&json!("MEMBER_REMOVED"), &json!(["BOM", "DEL"])));
}

#[tokio::test]
async fn a_part_of_a_member_that_left_does_not_come_back() {
    let world = World::start().await;
    let (owner, member) = (Person::new(&world).await, Person::new(&world).await);
    let consolidation = owner.client.post(CONSOLIDATIONS, plan()).await.expect(201);
    join(&world, &owner.client, &consolidation, &member).await;
    let added = member.client.post(&of(&consolidation, "parts"), part("DEL")).await.expect(201);
    let path = of(&consolidation, &format!("parts/{}", text(&added, "id")));
    // While it is a member, the owner brings back what it withdrew.
    member.client.delete(&path).await.expect(200);
    owner.client.patch(&path, json!({"status": "READY"})).await.expect(200);
    member.client.delete(&of(&consolidation, &format!("members/{}", member.organization))).await.expect(204);
    for status in ["READY", "DRAFT"] {
        let problem = owner.client.patch(&path, json!({ "status": status })).await;
        assert_eq!(problem.expect_problem(409, "invalid_transition")["from"], "WITHDRAWN");
    }
    assert_eq!(shown(&owner.client, &consolidation).await["parts"][0]["status"], "WITHDRAWN");
}
