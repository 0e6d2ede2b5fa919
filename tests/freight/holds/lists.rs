//! Lists of holds: by status, kind and flight, page by page.
use chrono::TimeDelta;
use loadmaster_testkit::{
    Answer, Client, World,
    freight::{text, texts, with},
    holds::{HOLDS, at, hold_on},
};
use serde_json::{Value, json};

use super::direct;

/// The ids in an answer.
#[track_caller]
fn ids(answer: Answer) -> Vec<String> {
    texts(&answer.expect(200), "id")
}

fn id(hold: &Value) -> String {
    text(hold, "id").to_owned()
}

async fn filtered(client: &Client, query: &str) -> Vec<String> {
    ids(client.get(&format!("{HOLDS}?{query}")).await)
}

#[tokio::test]
async fn holds_are_listed_by_what_they_are_now() {
    let world = World::start().await;
    let (flight, other) = (direct(&world, "AI101", 1000.0).await, direct(&world, "AI102", 1000.0).await);
    let (customer, operator) = (world.customer().await, world.operator().await);
    let brief = customer.hold(with(hold_on(&[&flight]), json!({ "ttl_seconds": 10 }))).await;
    let released = customer.hold(hold_on(&[&flight])).await;
    customer.delete(&at(&released)).await.expect(200);
    let committed = customer.hold(with(hold_on(&[&other]), json!({ "pieces": 1 }))).await;
    customer.commit(&committed, json!({})).await;
    let path = format!("/api/v1/flights/{}/reservations", text(&other, "id"));
    let reservation = customer.post(&path, json!({ "weight_kg": 1 })).await.expect(201);
    let foreign = world.customer().await.hold(hold_on(&[&flight])).await;
    let [brief, released, committed, reservation, foreign] =
        [&brief, &released, &committed, &reservation, &foreign].map(id);
    assert_eq!(filtered(&customer, "status=ACTIVE").await, [&*reservation, &brief]);
    world.clock.advance(TimeDelta::seconds(10));
    assert_eq!(filtered(&customer, "status=ACTIVE").await, [&*reservation]);
    assert_eq!(filtered(&customer, "status=expired").await, [&*brief]);
    assert_eq!(filtered(&customer, "status=RELEASED").await, [&*released]);
    assert_eq!(filtered(&customer, "status=COMMITTED&kind=ITINERARY").await, [&*committed]);
    assert_eq!(filtered(&customer, "kind=RESERVATION").await, [&*reservation]);
    assert_eq!(filtered(&customer, "kind=OFFER").await, [""; 0]);
    let of = |flight: &Value| format!("flight_id={}", text(flight, "id"));
    assert_eq!(filtered(&customer, &of(&other)).await, [&*reservation, &committed]);
    assert_eq!(filtered(&operator, &of(&flight)).await, [&*foreign, &released, &brief]);
    let organization = text(&customer.get("/api/v1/auth/me").await.expect(200), "organization_id").to_owned();
    let own = format!("organization_id={organization}&status=ACTIVE");
    assert_eq!(filtered(&operator, &own).await, [&*reservation]);
    world.audit().await;
}

#[tokio::test]
async fn filters_are_checked_and_organizations_are_the_carriers() {
    let world = World::start().await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    for (query, name, code) in [
        ("status=OPEN", "status", "unknown_value"),
        ("kind=HOLD", "kind", "unknown_value"),
        ("flight_id=AI101", "flight_id", "invalid_format"),
        ("limit=0", "limit", "too_small"),
        ("colour=red", "colour", "unknown_field"),
    ] {
        let faults = customer.get(&format!("{HOLDS}?{query}")).await.expect_faults();
        assert_eq!(faults, [(name.to_owned(), code.to_owned())], "{query}");
    }
    let organization = format!("{HOLDS}?organization_id=01900000-0000-7000-8000-000000000001");
    let faults = customer.get(&organization).await.expect_faults();
    assert_eq!(faults, [("organization_id".to_owned(), "unknown_value".to_owned())]);
    assert_eq!(operator.get(&organization).await.expect(200), json!([]));
    operator.get(&format!("{HOLDS}?organization_id=x")).await.expect_faults();
    customer.get(&format!("{HOLDS}?cursor=x")).await.expect_problem(400, "invalid_cursor");
}

#[tokio::test]
async fn a_cursor_leads_through_all_holds_of_its_reader_even_while_new_ones_come() {
    let world = World::start().await;
    let flight = direct(&world, "AI101", 100_000.0).await;
    let (customer, stranger) = (world.customer().await, world.customer().await);
    let mut made = Vec::new();
    for _ in 0..5 {
        made.insert(0, id(&customer.hold(hold_on(&[&flight])).await));
    }
    let mut path = format!("{HOLDS}?limit=2&status=ACTIVE");
    let mut seen = Vec::new();
    loop {
        let page = customer.get(&path).await;
        let next = page.header("link").map(|link| link.trim_start_matches('<').split('>').next().unwrap().to_owned());
        seen.extend(ids(page));
        customer.hold(hold_on(&[&flight])).await;
        let Some(next) = next else { break };
        stranger.get(&next).await.expect_problem(400, "invalid_cursor");
        path = next;
    }
    assert_eq!(seen, made);
    assert_eq!(filtered(&customer, "limit=2&offset=6").await, made[3..]);
}

#[tokio::test]
async fn holds_are_sorted_by_creation_and_by_expiry() {
    let world = World::start().await;
    let flight = direct(&world, "AI101", 1000.0).await;
    let customer = world.customer().await;
    let mut held = Vec::new();
    for seconds in [300, 100, 200, 100] {
        held.push(id(&customer.hold(with(hold_on(&[&flight]), json!({ "ttl_seconds": seconds }))).await));
        world.clock.advance(TimeDelta::seconds(1));
    }
    world.customer().await.hold(hold_on(&[&flight])).await;
    let [late, first, middle, second] = held.iter().map(String::as_str).collect::<Vec<_>>()[..] else { panic!("four") };
    for (sort, expected) in [
        ("expires_at", [first, second, middle, late]),
        ("-expires_at", [late, middle, second, first]),
        ("created_at", [late, first, middle, second]),
        ("-created_at", [second, middle, first, late]),
    ] {
        let all = customer.whole_list(&format!("{HOLDS}?sort={sort}"), "id").await;
        assert_eq!(all, expected.map(ToString::to_string), "{sort}");
    }
    world.clock.advance(TimeDelta::seconds(120));
    let active = customer.whole_list(&format!("{HOLDS}?status=ACTIVE&sort=expires_at"), "id").await;
    assert_eq!(active, [middle, late]);
    world.audit().await;
}
