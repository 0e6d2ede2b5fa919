//! Which parts a booked master carries: those to whose sum it was booked or amended last.
use loadmaster_testkit::{
    Client, World, WorldOptions,
    freight::{each, text},
    jobs::run_again,
    until_blocked,
};
use serde_json::{Value, json};
use sqlx::Executor;

use super::{flight, masters::held, named, of, part, shown, statuses};

/// The ids of the parts that the master from Delhi carries.
async fn aboard(owner: &Client, consolidation: &Value) -> Vec<Value> {
    let manifest = owner.get(&of(consolidation, "masters/DEL/manifest")).await.expect(200);
    each(&manifest["parts"], "id").into_iter().cloned().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_that_is_added_while_its_master_is_booked_is_not_aboard() {
    let world = World::with(WorldOptions::patient()).await;
    let owner = world.customer().await;
    let del = flight(&world, "AI101", "DEL", 1000.0).await;
    let whole = held(&owner, &del).await;
    let mut locking = world.database.owner().await;
    let lock = format!("begin; select from holds where id = '{}' for update", text(&whole["masters"][0], "hold_id"));
    locking.execute(sqlx::AssertSqlSafe(lock)).await.unwrap();
    let (caller, path) = (owner.clone(), of(&whole, "book"));
    let booking = tokio::spawn(async move { caller.post(&path, json!({})).await });
    until_blocked(&owner, 1).await;
    owner.post(&of(&whole, "parts"), part("DEL")).await.expect(201);
    locking.execute("commit").await.unwrap();
    assert_eq!(booking.await.unwrap().expect(200)["succeeded"], 1);
    let booked = shown(&owner, &whole).await;
    assert_eq!(statuses(&booked), named(&[("DEL", "BOOKED")]));
    assert_eq!(booked["masters"][0]["differs"], true);
    assert_eq!(aboard(&owner, &whole).await, [whole["parts"][0]["id"].clone()]);
    owner.post(&of(&whole, "masters/DEL/amend"), json!({})).await.expect(200);
    assert_eq!(aboard(&owner, &whole).await.len(), 2);
    world.audit().await;
}

#[tokio::test]
async fn a_booking_that_the_job_notes_carries_the_parts_of_its_sum() {
    let world = World::working().await;
    let owner = world.customer().await;
    let del = flight(&world, "AI101", "DEL", 1000.0).await;
    let consolidation = held(&owner, &del).await;
    owner.post(&of(&consolidation, "parts"), part("DEL")).await.expect(201);
    owner.post(&of(&consolidation, "book"), json!({})).await.expect(200);
    assert_eq!(aboard(&owner, &consolidation).await.len(), 2);
    // As if the process had ended between the booking and its note: of the hold, one part is noted.
    let forget = "update consolidation_masters set booking_id = null, booking_ref = null, part_ids = part_ids[1:1]";
    world.sql(forget).await;
    run_again(&world, "booked_masters").await;
    assert_eq!(aboard(&owner, &consolidation).await.len(), 2);
    world.audit().await;
}

#[tokio::test]
async fn an_amendment_to_other_parts_of_the_same_sum_puts_these_aboard() {
    let world = World::start().await;
    let owner = world.customer().await;
    let del = flight(&world, "AI101", "DEL", 1000.0).await;
    let whole = held(&owner, &del).await;
    owner.post(&of(&whole, "book"), json!({})).await.expect(200);
    let former = of(&whole, &format!("parts/{}", text(&whole["parts"][0], "id")));
    owner.delete(&former).await.expect(200);
    let other = owner.post(&of(&whole, "parts"), part("DEL")).await.expect(201);
    assert_eq!(aboard(&owner, &whole).await, [whole["parts"][0]["id"].clone()]);
    let amend = async || owner.post(&of(&whole, "masters/DEL/amend"), json!({})).await.expect(200);
    let amended = amend().await;
    assert_eq!(amended["masters"][0]["differs"], false);
    assert_eq!(aboard(&owner, &whole).await, [other["id"].clone()]);
    assert_eq!(amend().await["version"], amended["version"], "it carries them already");
    // Once it has departed, it carries what it carries.
    let booking = format!("/api/v1/bookings/{}", text(&amended["masters"][0], "booking_ref"));
    world.operator().await.poke(&format!("{booking}/depart")).await.expect(200);
    owner.delete(&of(&whole, &format!("parts/{}", text(&other, "id")))).await.expect(200);
    owner.post(&of(&whole, "parts"), part("DEL")).await.expect(201);
    amend().await;
    assert_eq!(aboard(&owner, &whole).await, [other["id"].clone()]);
}
