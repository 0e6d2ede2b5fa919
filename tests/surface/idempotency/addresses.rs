//! One thing has one address for a key, however the address is written, and no address makes a key fail.
use loadmaster_testkit::{
    Dice, NewFlight, World,
    freight::{order, path_of},
};
use serde_json::json;
use uuid::Uuid;

use super::{fresh, kept, poke, post, repeats};

/// `/a/b` with each character of the last segment as `%XX`.
fn encoded(path: &str) -> String {
    let (before, name) = path.rsplit_once('/').unwrap();
    let name: String = name.bytes().map(|byte| format!("%{byte:02x}")).collect();
    format!("{before}/{name}")
}

#[tokio::test]
async fn a_key_is_found_again_under_each_spelling_of_the_address() {
    let world = World::start().await;
    let admin = world.admin().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let booking = path_of(&admin.book(order(&[&flight])).await);
    let (before, name) = booking.rsplit_once('/').unwrap();
    let first = fresh(poke(&admin, "k", &format!("{booking}/depart")).await, 200);
    for path in [encoded(&booking), format!("{before}/{}", name.to_lowercase()), format!("{before}/%61{}", &name[1..])]
    {
        repeats(&first, poke(&admin, "k", &format!("{path}/depart")).await);
    }
    let id = flight["id"].as_str().unwrap();
    let first = fresh(poke(&admin, "k", &format!("/api/v1/flights/{id}/depart")).await, 200);
    let upper = id.to_uppercase();
    for path in
        [encoded(&format!("/{id}")), format!("/{upper}"), format!("/{}", id.replace('-', "")), format!("/%7b{id}%7D")]
    {
        let path = format!("/api/v1/flights{path}");
        // Whether an id may be written so is not asked here; if it may, it is the same flight.
        if admin.get(&path).await.status == 200 {
            repeats(&first, poke(&admin, "k", &format!("{path}/depart")).await);
        }
    }
    assert_eq!(kept(&world).await, "2");
}

#[tokio::test]
async fn an_over_long_address_with_a_key_is_not_there() {
    let world = World::start().await;
    let admin = world.admin().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let booking = path_of(&admin.book(order(&[&flight])).await);
    let mut dice = Dice::new(1);
    // In no order that could be compressed to what an index holds.
    let blanks: String = (0..4_000).map(|_| *dice.pick(&["%20", "%09", "%0a", "%0D", "%C2%A0", "%E2%80%83"])).collect();
    for path in [
        booking.replacen("ACB", &format!("{blanks}ACB"), 1),
        format!("{booking}{blanks}"),
        format!("{booking}{}", "1".repeat(9_000)),
    ] {
        poke(&admin, "k", &format!("{path}/depart")).await.expect_problem(404, "not_found");
        post(&admin, "k", &format!("{path}/cancel"), &json!({})).await.expect_problem(404, "not_found");
    }
    let user = format!("/api/v1/users/{}{blanks}", Uuid::nil());
    poke(&admin, "k", &format!("{user}/x")).await.expect_problem(404, "not_found");
    assert_eq!(kept(&world).await, "0");
    fresh(poke(&admin, "k", &format!("{booking}/depart")).await, 200);
}
