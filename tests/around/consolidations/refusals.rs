//! What the desk refuses of a master, and what is refused of a consolidation: with its origin, and without effect.
use chrono::TimeDelta;
use loadmaster_testkit::{
    Client, NewFlight, World, WorldOptions,
    embargoes::{embargo, impose, only_with},
    flight_verbs::done,
    freight::{text, with},
    notifications::Person,
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{CONSOLIDATIONS, at, flight, invite, of, part, plan, shown, statuses, ways};

/// A consolidation with one part that is ready.
async fn ready(owner: &Client, part: Value) -> Value {
    let consolidation = owner.post(CONSOLIDATIONS, plan()).await.expect(201);
    owner.post(&of(&consolidation, "parts"), part).await.expect(201);
    consolidation
}

fn coded(origin: &str, codes: &[&str]) -> Value {
    with(part(origin), json!({ "special_handling_codes": codes }))
}

#[tokio::test]
async fn each_refusal_of_a_hold_names_its_origin_and_leaves_no_hold() {
    let world = World::with(WorldOptions::default().set("holds.organization_active", "1")).await;
    let owner = world.customer().await;
    let admin = world.admin().await;
    let open = flight(&world, "AI101", "DEL", 1000.0).await;
    let closed = world.flight(NewFlight::new("AI102", "DEL", "LHR").leaves_in_hours(1)).await;
    let cancelled = flight(&world, "AI103", "DEL", 1000.0).await;
    done(&admin, &cancelled, "cancel").await;
    impose(&admin, embargo(json!({"handling_codes": ["AVI"]}))).await;
    impose(&admin, only_with(&["COL"], json!({"handling_codes": ["PER"]}))).await;
    for (wanted, flights, code) in [
        (part("DEL"), vec![&closed], "flight_closed"),
        (part("DEL"), vec![&cancelled], "flight_cancelled"),
        (part("DEL"), vec![&open, &open], "itinerary_invalid"),
        (coded("DEL", &["AVI"]), vec![&open], "embargoed"),
        (coded("DEL", &["PER"]), vec![&open], "handling_required"),
        (with(part("DEL"), json!({"weight_kg": 1001})), vec![&open], "capacity_exceeded"),
    ] {
        let consolidation = ready(&owner, wanted).await;
        let ids: Vec<&Value> = flights.iter().map(|flight| &flight["id"]).collect();
        let ways = json!({"ways": [{"origin": "DEL", "flight_ids": ids}]});
        let problem = owner.post(&of(&consolidation, "hold"), ways).await.expect_problem(409, code);
        assert_eq!(problem["origin"], "DEL", "{code}");
        assert_eq!(shown(&owner, &consolidation).await["masters"], json!([]), "{code}");
    }
    // The second master is one hold too many: the first is given back.
    let second = flight(&world, "AI104", "BOM", 1000.0).await;
    let consolidation = ready(&owner, part("DEL")).await;
    owner.post(&of(&consolidation, "parts"), part("BOM")).await.expect(201);
    let both = ways(&[("DEL", &open), ("BOM", &second)]);
    let problem = owner.post(&of(&consolidation, "hold"), both).await.expect_problem(409, "hold_limit_exceeded");
    assert_eq!(problem["origin"], "BOM");
    assert_eq!(world.texts("select id::text from holds where status = 'ACTIVE'").await.len(), 0);
    world.audit().await;
}

#[tokio::test]
async fn each_refusal_of_an_amendment_names_its_origin_and_leaves_the_master() {
    let world = World::with(WorldOptions::default().set("auth.access_token_minutes", "1440")).await;
    let owner = world.customer().await;
    let admin = world.admin().await;
    let del = flight(&world, "AI101", "DEL", 1000.0).await;
    let booked = async || {
        let consolidation = ready(&owner, part("DEL")).await;
        owner.post(&of(&consolidation, "hold"), ways(&[("DEL", &del)])).await.expect(200);
        owner.post(&of(&consolidation, "book"), json!({})).await.expect(200);
        consolidation
    };
    let late = booked().await;
    impose(&admin, embargo(json!({"handling_codes": ["AVI"]}))).await;
    impose(&admin, only_with(&["COL"], json!({"handling_codes": ["PER"]}))).await;
    let amend = "masters/DEL/amend";
    for (codes, code) in [(["AVI"], "embargoed"), (["PER"], "handling_required"), (["CAO"], "itinerary_invalid")] {
        let consolidation = booked().await;
        owner.post(&of(&consolidation, "parts"), coded("DEL", &codes)).await.expect(201);
        let problem = owner.post(&of(&consolidation, amend), json!({})).await.expect_problem(409, code);
        assert_eq!(problem["origin"], "DEL", "{code}");
        let master = shown(&owner, &consolidation).await["masters"][0].clone();
        assert_eq!((&master["differs"], &master["weight_kg"]), (&json!(true), &json!(100)), "{code}");
    }
    let parts = owner.get(&of(&late, "parts")).await.expect(200);
    owner.delete(&of(&late, &format!("parts/{}", text(&parts[0], "id")))).await.expect(200);
    owner.post(&of(&late, amend), json!({})).await.expect_problem(409, "hold_incomplete");
    owner.post(&of(&late, "parts"), with(part("DEL"), json!({"weight_kg": 90}))).await.expect(201);
    world.clock.advance(TimeDelta::hours(23));
    owner.post(&of(&late, amend), json!({})).await.expect_problem(409, "flight_closed");
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn a_cancelled_consolidation_takes_nothing_more() {
    let world = World::start().await;
    let owner = Person::new(&world).await;
    let (member, leaving) = (Person::new(&world).await, Person::new(&world).await);
    let del = flight(&world, "AI101", "DEL", 1000.0).await;
    let consolidation = ready(&owner.client, part("DEL")).await;
    super::join(&world, &owner.client, &consolidation, &leaving).await;
    let added = owner.client.get(&of(&consolidation, "parts")).await.expect(200)[0].clone();
    let single = of(&consolidation, &format!("parts/{}", text(&added, "id")));
    let invited = invite(&owner.client, &consolidation, &member).await;
    let invited = of(&consolidation, &format!("members/{}", text(&invited, "id")));
    let token = super::token(&world, &super::email(&member)).await;
    owner.client.delete(&at(&consolidation)).await.expect(200);
    let ways = ways(&[("DEL", &del)]);
    for (rest, body) in [
        ("parts", part("DEL")),
        ("members", json!({"email": "ann@partner.example"})),
        ("hold", ways),
        ("release", json!({})),
        ("book", json!({})),
        ("masters/DEL/amend", json!({})),
    ] {
        let problem = owner.client.post(&of(&consolidation, rest), body).await;
        let problem = problem.expect_problem(409, "invalid_transition");
        assert_eq!(problem["from"], "CANCELLED", "{rest}");
    }
    let own = &owner.client;
    own.patch(&at(&consolidation), json!({"name": "x"})).await.expect_problem(409, "invalid_transition");
    own.patch(&single, json!({"pieces": 9})).await.expect_problem(409, "invalid_transition");
    own.delete(&single).await.expect_problem(409, "invalid_transition");
    // Members and invitations go, though nothing comes.
    own.delete(&of(&consolidation, &format!("members/{}", leaving.organization))).await.expect(204);
    own.delete(&invited).await.expect(204);
    let accept = json!({"token": token, "answer": "ACCEPT"});
    member.client.post(super::JOIN, accept).await.expect_problem(400, "invalid_token");
}

#[tokio::test]
async fn another_version_is_refused_before_the_desk_is_called() {
    let world = World::start().await;
    let owner = world.customer().await;
    let del = flight(&world, "AI101", "DEL", 1000.0).await;
    let consolidation = ready(&owner, part("DEL")).await;
    let (stale, wanted) = ([("If-Match", "\"1\"")], ways(&[("DEL", &del)]));
    let send = async |rest: &str, body: &Value| {
        let answer = owner.send(Method::POST, &of(&consolidation, rest), &stale, Some(body)).await;
        answer.expect_problem(412, "version_mismatch")
    };
    send("hold", &wanted).await;
    assert_eq!(world.texts("select id::text from holds").await.len(), 0);
    owner.post(&of(&consolidation, "hold"), wanted).await.expect(200);
    send("book", &json!({})).await;
    let now = shown(&owner, &consolidation).await;
    assert_eq!(statuses(&now), super::named(&[("DEL", "HELD")]));
    // The tag of the answer is that of the version, whatever the masters are meanwhile.
    let tag = owner.get(&at(&consolidation)).await.header("etag").unwrap().to_owned();
    let fresh = [("If-Match", tag.as_str())];
    let body = json!({});
    owner.send(Method::POST, &of(&consolidation, "book"), &fresh, Some(&body)).await.expect(200);
}

#[tokio::test]
async fn a_stranger_finds_none_of_it() {
    let world = World::start().await;
    let (owner, stranger) = (world.customer().await, world.customer().await);
    let consolidation = ready(&owner, part("DEL")).await;
    for (rest, body) in [
        ("parts", part("DEL")),
        ("members", json!({"email": "ann@partner.example"})),
        ("hold", json!({"ways": []})),
        ("release", json!({})),
        ("book", json!({})),
        ("masters/DEL/amend", json!({})),
    ] {
        stranger.post(&of(&consolidation, rest), body).await.expect_problem(404, "not_found");
    }
    let other = uuid::Uuid::new_v4();
    for path in [of(&consolidation, &format!("parts/{other}")), of(&consolidation, &format!("members/{other}"))] {
        owner.delete(&path).await.expect_problem(404, "not_found");
        stranger.delete(&path).await.expect_problem(404, "not_found");
    }
    stranger.delete(&at(&consolidation)).await.expect_problem(404, "not_found");
}
