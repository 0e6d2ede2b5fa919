//! Which consolidations a list shows.
use loadmaster_testkit::{
    Client, World,
    freight::{each, text},
    notifications::Person,
};
use serde_json::{Value, json};

use super::{
    CONSOLIDATIONS, at, flight, join,
    masters::{held, ready},
    of, shown,
};

/// The ids of the consolidations that a list has.
async fn listed(client: &Client, query: &str) -> Vec<Value> {
    let list = client.get(&format!("{CONSOLIDATIONS}?{query}")).await.expect(200);
    each(&list, "id").into_iter().cloned().collect()
}

fn ids(consolidations: &[&Value]) -> Vec<Value> {
    consolidations.iter().map(|one| one["id"].clone()).collect()
}

/// A consolidation whose master from Delhi is booked.
async fn booked(owner: &Client, del: &Value) -> Value {
    let consolidation = held(owner, del).await;
    owner.post(&of(&consolidation, "book"), json!({})).await.expect(200);
    shown(owner, &consolidation).await
}

#[tokio::test]
async fn a_list_by_status_has_what_each_consolidation_shows() {
    let world = World::start().await;
    let person = Person::new(&world).await;
    let owner = &person.client;
    let del = flight(&world, "AI101", "DEL", 1000.0).await;
    let (without_parts, held) = (ready(owner, &[]).await, held(owner, &del).await);
    let (first, partly, lost) = (booked(owner, &del).await, booked(owner, &del).await, booked(owner, &del).await);
    owner.post(&of(&partly, "parts"), super::part("BOM")).await.expect(201);
    let reference = text(&lost["masters"][0], "booking_ref").to_owned();
    owner.poke(&format!("/api/v1/bookings/{reference}/cancel")).await.expect(200);
    // Its booking is noted nowhere yet.
    let by_itself = self::held(owner, &del).await;
    let commit = format!("/api/v1/holds/{}/commit", text(&by_itself["masters"][0], "hold_id"));
    owner.post(&commit, json!({})).await.expect(201);
    let cancelled = booked(owner, &del).await;
    owner.delete(&at(&cancelled)).await.expect(200);

    let expected = [
        ("PLANNING", ids(&[&lost, &partly, &held, &without_parts])),
        ("BOOKED", ids(&[&by_itself, &first])),
        ("CANCELLED", ids(&[&cancelled])),
    ];
    let member = Person::new(&world).await;
    let (operator, own) = (world.operator().await, format!("organization_id={}", person.organization));
    for (status, all) in &expected {
        let query = format!("status={status}");
        assert_eq!(listed(owner, &query).await, *all, "{status}");
        assert_eq!(listed(&operator, &query).await, *all, "{status}, to staff");
        assert_eq!(listed(&operator, &format!("{query}&{own}")).await, *all, "{status}, of the organization");
        assert!(listed(&member.client, &query).await.is_empty(), "{status}, to a stranger");
        let shown = owner.get(&format!("{CONSOLIDATIONS}?{query}")).await.expect(200);
        assert!(each(&shown, "status").iter().all(|shown| *shown == status), "{shown}");
    }
    join(&world, owner, &partly, &member).await;
    assert_eq!(listed(&member.client, "status=PLANNING").await, ids(&[&partly]));
    assert!(listed(&member.client, "status=BOOKED").await.is_empty());
}

#[tokio::test]
async fn a_list_by_status_goes_on_by_its_cursor_and_refuses_other_states() {
    let world = World::start().await;
    let owner = world.customer().await;
    let del = flight(&world, "AI101", "DEL", 1000.0).await;
    let (first, _, last) = (booked(&owner, &del).await, ready(&owner, &["DEL"]).await, booked(&owner, &del).await);
    let page = owner.get(&format!("{CONSOLIDATIONS}?status=BOOKED&limit=1")).await;
    let link = page.header("link").expect("a second page");
    let next = link.trim_start_matches('<').split('>').next().unwrap().to_owned();
    assert_eq!(each(&page.expect(200), "id"), [&last["id"]]);
    let second = owner.get(&next).await;
    assert_eq!(second.header("link"), None);
    assert_eq!(each(&second.expect(200), "id"), [&first["id"]]);
    let other = next.replace("status=BOOKED", "status=PLANNING");
    assert_ne!(other, next);
    assert_eq!(owner.get(&other).await.status, 400, "the cursor is that of another list");
    let faults = owner.get(&format!("{CONSOLIDATIONS}?status=HELD")).await.expect_faults();
    assert_eq!(faults, [("status".to_owned(), "unknown_value".to_owned())]);
}
