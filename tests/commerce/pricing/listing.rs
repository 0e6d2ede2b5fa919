//! Lists of the quotes that can still be taken: whose, which, page by page.
use chrono::TimeDelta;
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Answer, Client, NewFlight, World, WorldOptions,
    freight::{text, texts, with},
    pricing::{QUOTES, TARIFFS, asked, flat, make},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::guest;

/// A world with a price for each flight, and a flight. Its clock is moved by hours.
async fn priced() -> (World, Value) {
    let world = WorldOptions::default().set("auth.access_token_minutes", "100000").start().await;
    make(&world.admin().await, TARIFFS, flat("T", "5", json!({}))).await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").leaves_in_hours(90)).await;
    (world, flight)
}

async fn quoted(client: &Client, flight: &Value) -> Value {
    client.post(QUOTES, asked(&[flight], 10.0)).await.expect(201)
}

/// The ids in an answer.
#[track_caller]
fn ids(answer: Answer) -> Vec<String> {
    texts(&answer.expect(200), "id")
}

async fn listed(client: &Client, query: &str) -> Vec<String> {
    ids(client.get(&format!("{QUOTES}?{query}")).await)
}

#[tokio::test]
async fn quotes_that_can_be_taken_are_listed_for_their_organization_and_for_staff() {
    let (world, flight) = priced().await;
    let organization = Uuid::new_v4();
    let owner = world.caller_in(Role::Customer, Uuid::new_v4(), organization).await;
    let colleague = world.caller_in(Role::Customer, Uuid::new_v4(), organization).await;
    let (visitor, operator) = (guest(&world).await, world.operator().await);
    let older = quoted(&owner, &flight).await;
    let newer = quoted(&owner, &flight).await;
    let foreign = quoted(&visitor, &flight).await;
    for member in [&owner, &colleague] {
        assert_eq!(member.get(QUOTES).await.expect(200), json!([newer, older]));
    }
    assert_eq!(visitor.get(QUOTES).await.expect(200), json!([foreign]));
    for stranger in [guest(&world).await, world.customer().await] {
        assert_eq!(stranger.get(QUOTES).await.expect(200), json!([]));
    }
    world.anonymous().get(QUOTES).await.expect_problem(401, "unauthenticated");
    assert_eq!(text(&newer, "organization_id"), organization.to_string());
    let [older, newer, foreign] = [&older, &newer, &foreign].map(|quote| text(quote, "id"));
    assert_eq!(listed(&operator, "").await, [foreign, newer, older]);
    let of = format!("organization_id={organization}");
    for reader in [&operator, &owner] {
        assert_eq!(listed(reader, &of).await, [newer, older]);
    }
    assert_eq!(listed(&operator, &format!("organization_id={}", Uuid::new_v4())).await, [""; 0]);
    for (reader, query, name, code) in [
        (&visitor, &*of, "organization_id", "unknown_value"),
        (&operator, "organization_id=7", "organization_id", "invalid_format"),
        (&operator, "limit=0", "limit", "too_small"),
        (&operator, "colour=red", "colour", "unknown_field"),
    ] {
        let faults = reader.get(&format!("{QUOTES}?{query}")).await.expect_faults();
        assert_eq!(faults, [(name.to_owned(), code.to_owned())], "{query}");
    }
}

#[tokio::test]
async fn a_quote_is_listed_until_it_is_taken_or_expires() {
    let (world, flight) = priced().await;
    let customer = world.customer().await;
    let taken = quoted(&customer, &flight).await;
    world.clock.advance(TimeDelta::minutes(30));
    let kept = quoted(&customer, &flight).await;
    let [taken, kept] = [&taken, &kept].map(|quote| text(quote, "id"));
    assert_eq!(listed(&customer, "").await, [kept, taken]);
    let hold = with(json!({"flight_ids": [flight["id"]], "weight_kg": 10}), json!({"quote_id": taken}));
    let hold = customer.post("/api/v1/holds", hold).await.expect(201);
    assert_eq!(hold["quote"]["id"], taken);
    assert_eq!(listed(&customer, "").await, [kept]);
    world.clock.advance(TimeDelta::minutes(60) - TimeDelta::seconds(1));
    assert_eq!(listed(&customer, "").await, [kept]);
    world.clock.advance(TimeDelta::seconds(1));
    assert_eq!(listed(&customer, "").await, [""; 0]);
}

#[tokio::test]
async fn a_cursor_leads_through_all_quotes_of_its_reader_even_while_new_ones_come() {
    let (world, flight) = priced().await;
    let (customer, stranger) = (world.customer().await, world.customer().await);
    let mut made = Vec::new();
    for _ in 0..5 {
        made.insert(0, text(&quoted(&customer, &flight).await, "id").to_owned());
    }
    let mut path = format!("{QUOTES}?limit=2");
    let mut seen = Vec::new();
    loop {
        let page = customer.get(&path).await;
        let next = page.header("link").map(|link| link.trim_start_matches('<').split('>').next().unwrap().to_owned());
        seen.extend(ids(page));
        quoted(&customer, &flight).await;
        let Some(next) = next else { break };
        stranger.get(&next).await.expect_problem(400, "invalid_cursor");
        path = next;
    }
    assert_eq!(seen, made);
    assert_eq!(listed(&customer, "limit=2&offset=6").await, made[3..]);
}

#[tokio::test]
async fn quotes_are_sorted_by_creation_and_by_expiry() {
    let (world, flight) = priced().await;
    let (customer, stranger) = (world.customer().await, world.customer().await);
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(text(&quoted(&customer, &flight).await, "id").to_owned());
        world.clock.advance(TimeDelta::minutes(1));
    }
    quoted(&stranger, &flight).await;
    // The one in the middle holds longest.
    let longer = "update quotes set expires_at = expires_at + interval '5 minutes' where id";
    world.sql(&format!("{longer} = '{}'", made[1])).await;
    let [a, b, c] = &made[..] else { panic!("three") };
    for (sort, expected) in
        [("expires_at", [a, c, b]), ("-expires_at", [b, c, a]), ("created_at", [a, b, c]), ("-created_at", [c, b, a])]
    {
        assert_eq!(
            customer.whole_list(&format!("{QUOTES}?sort={sort}"), "id").await,
            expected.map(Clone::clone),
            "{sort}"
        );
    }
    assert_eq!(world.operator().await.whole_list(&format!("{QUOTES}?sort=expires_at"), "id").await.len(), 4);
}
