//! Idempotency-Keys of holding and booking: each consolidation has its own, and no request gives back another's master.
use loadmaster_testkit::{World, freight::text};
use reqwest::Method;
use serde_json::json;

use super::{
    at, flight,
    masters::{held, open_holds, ready},
    named, of, shown, statuses, ways,
};

#[tokio::test]
async fn one_key_on_two_consolidations_holds_masters_of_each() {
    let world = World::start().await;
    let owner = world.customer().await;
    let del = flight(&world, "AI101", "DEL", 1000.0).await;
    let (first, second) = (ready(&owner, &["DEL"]).await, ready(&owner, &["DEL"]).await);
    for consolidation in [&first, &second] {
        let held = owner.post_under("k", &of(consolidation, "hold"), &ways(&[("DEL", &del)])).await.expect(200);
        assert_eq!(statuses(&held), named(&[("DEL", "HELD")]));
    }
    assert_eq!(statuses(&shown(&owner, &first).await), named(&[("DEL", "HELD")]));
    assert_eq!(open_holds(&world).await, 2);
    world.audit().await;
}

#[tokio::test]
async fn a_refused_request_gives_back_no_hold_that_is_a_master() {
    let world = World::start().await;
    let owner = world.customer().await;
    let del = flight(&world, "AI101", "DEL", 1000.0).await;
    let full = flight(&world, "AI103", "MAA", 99.0).await;
    let (mine, twin) = (ready(&owner, &["DEL", "MAA"]).await, ready(&owner, &["DEL"]).await);
    owner.post_under("k", &of(&mine, "hold"), &ways(&[("DEL", &del)])).await.expect(200);
    // As if a twin of the next request had made this hold a master meanwhile.
    world.sql(&format!("update consolidation_masters set consolidation_id = '{}'", text(&twin, "id"))).await;
    world.sql("delete from idempotency_records where key = 'k'").await;
    let refused = owner.post_under("k", &of(&mine, "hold"), &ways(&[("DEL", &del), ("MAA", &full)])).await;
    refused.expect_problem(409, "capacity_exceeded");
    assert_eq!(statuses(&shown(&owner, &twin).await), named(&[("DEL", "HELD")]));
    assert_eq!(open_holds(&world).await, 1, "the same hold was found under the key");
}

#[tokio::test]
async fn a_key_that_was_refused_many_times_still_holds() {
    let world = World::start().await;
    let owner = world.customer().await;
    let del = flight(&world, "AI101", "DEL", 1000.0).await;
    let full = flight(&world, "AI103", "MAA", 99.0).await;
    let consolidation = ready(&owner, &["DEL", "MAA"]).await;
    let (path, wanted) = (of(&consolidation, "hold"), ways(&[("DEL", &del), ("MAA", &full)]));
    for _ in 0..7 {
        owner.post_under("k", &path, &wanted).await.expect_problem(409, "capacity_exceeded");
        assert_eq!(open_holds(&world).await, 0);
    }
    let larger = json!({"capacity": {"weight_kg": 500, "volume_m3": 1000, "positions": 10}});
    world.admin().await.patch(&format!("/api/v1/flights/{}", text(&full, "id")), larger).await.expect(200);
    owner.post_under("k", &path, &wanted).await.expect(200);
    assert_eq!(open_holds(&world).await, 2);
    world.audit().await;
}

#[tokio::test]
async fn a_booking_that_is_repeated_with_its_tag_has_its_result_again() {
    let world = World::start().await;
    let owner = world.customer().await;
    let del = flight(&world, "AI101", "DEL", 1000.0).await;
    let consolidation = held(&owner, &del).await;
    let tag = owner.get(&at(&consolidation)).await.header("etag").unwrap().to_owned();
    let (path, body) = (of(&consolidation, "book"), json!({}));
    let book = async |key: &str| {
        owner.send(Method::POST, &path, &[("if-match", tag.as_str()), ("idempotency-key", key)], Some(&body)).await
    };
    let first = book("k").await.expect(200);
    assert_eq!(first["succeeded"], 1, "{first}");
    assert_eq!(book("k").await.expect(200), first);
    book("another").await.expect_problem(412, "version_mismatch");
    let events = owner.get(&of(&consolidation, "events")).await.expect(200);
    let booked = events.as_array().unwrap().iter().filter(|event| event["event_type"] == "BOOKED").count();
    assert_eq!(booked, 1, "{events}");
}
