//! The plan: its faults, its limits, and what each role reads and changes.
use loadmaster_testkit::{
    World,
    freight::{text, with, without},
    notifications::Person,
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{CONSOLIDATIONS, at, invite, join, of, part, plan, secret_part, shown};

/// Eleven airports, none of them London.
const ORIGINS: [&str; 11] = ["BLR", "BOM", "CCU", "DEL", "DOH", "DXB", "FRA", "HKG", "HYD", "JFK", "MAA"];

#[tokio::test]
async fn each_fault_of_a_plan_names_its_member() {
    let world = World::start().await;
    let owner = world.customer().await;
    for (wanted, pointer, code) in [
        (without(plan(), "name"), "/name", "required"),
        (without(plan(), "destination"), "/destination", "required"),
        (with(plan(), json!({"destination": "QQQ"})), "/destination", "unknown_value"),
        (with(plan(), json!({"origin": "LHR"})), "/origin", "same_as_origin"),
        (with(plan(), json!({"name": "n".repeat(121)})), "/name", "too_long"),
    ] {
        let faults = owner.post(CONSOLIDATIONS, wanted.clone()).await.expect_faults();
        assert_eq!(faults, [(pointer.to_owned(), code.to_owned())], "{wanted}");
    }
    let consolidation = owner.post(CONSOLIDATIONS, plan()).await.expect(201);
    for (wanted, pointer, code) in [
        (without(part("DEL"), "origin"), "/origin", "required"),
        (part("LHR"), "/origin", "same_as_origin"),
        (without(part("DEL"), "pieces"), "/pieces", "required"),
        (with(part("DEL"), json!({"weight_kg": 0})), "/weight_kg", "too_small"),
        (with(part("DEL"), json!({"status": "WITHDRAWN"})), "/status", "unknown_value"),
    ] {
        let faults = owner.post(&of(&consolidation, "parts"), wanted.clone()).await.expect_faults();
        assert_eq!(faults, [(pointer.to_owned(), code.to_owned())], "{wanted}");
    }
    let member = json!({"email": "nobody", "origin": "DEL"});
    let faults = owner.post(&of(&consolidation, "members"), member).await.expect_faults();
    assert_eq!(faults, [("/email".to_owned(), "invalid_format".to_owned())]);
    let answer = json!({"token": "t", "answer": "PERHAPS"});
    let faults = owner.post(super::JOIN, answer).await.expect_faults();
    assert_eq!(faults, [("/answer".to_owned(), "unknown_value".to_owned())]);
    assert_eq!(shown(&owner, &consolidation).await["parts"], json!([]), "nothing was added");
}

#[tokio::test]
async fn an_eleventh_origin_and_a_hundred_and_first_part_are_refused() {
    let world = World::start().await;
    let owner = world.customer().await;
    let consolidation = owner.post(CONSOLIDATIONS, plan()).await.expect(201);
    let parts = of(&consolidation, "parts");
    for origin in &ORIGINS[..10] {
        owner.post(&parts, part(origin)).await.expect(201);
    }
    let faults = owner.post(&parts, part(ORIGINS[10])).await.expect_faults();
    assert_eq!(faults, [("/origin".to_owned(), "too_large".to_owned())]);
    for _ in 10..100 {
        owner.post(&parts, part("DEL")).await.expect(201);
    }
    let problem = owner.post(&parts, part("DEL")).await.expect_problem(409, "limit_reached");
    assert_eq!((&problem["what"], &problem["limit"]), (&json!("parts"), &json!(100)));
    // One that is withdrawn makes room for another, and cannot come back then.
    let first = owner.get(&parts).await.expect(200)[0].clone();
    let path = format!("{parts}/{}", text(&first, "id"));
    assert_eq!(owner.delete(&path).await.expect(200)["status"], "WITHDRAWN");
    owner.post(&parts, part("DEL")).await.expect(201);
    owner.patch(&path, json!({"status": "READY"})).await.expect_problem(409, "limit_reached");
}

#[tokio::test]
async fn a_twenty_first_member_is_refused() {
    let world = World::start().await;
    let owner = world.customer().await;
    let consolidation = owner.post(CONSOLIDATIONS, plan()).await.expect(201);
    let members = of(&consolidation, "members");
    for number in 1..20 {
        owner.post(&members, json!({"email": format!("m{number}@partner.example")})).await.expect(202);
    }
    let one_more = json!({"email": "m20@partner.example"});
    let problem = owner.post(&members, one_more.clone()).await.expect_problem(409, "limit_reached");
    assert_eq!((&problem["what"], &problem["limit"]), (&json!("members"), &json!(20)));
    // Another letter to the same address is no other member.
    let again = owner.post(&members, json!({"email": "M1@partner.example"})).await.expect(202);
    owner.delete(&format!("{members}/{}", text(&again, "id"))).await.expect(204);
    owner.post(&members, one_more).await.expect(202);
}

#[tokio::test]
async fn a_member_reads_no_other_members_texts_and_a_stranger_nothing() {
    let world = World::start().await;
    let (owner, one, other) = (Person::new(&world).await, Person::new(&world).await, Person::new(&world).await);
    let consolidation = owner.client.post(CONSOLIDATIONS, plan()).await.expect(201);
    join(&world, &owner.client, &consolidation, &one).await;
    join(&world, &owner.client, &consolidation, &other).await;
    invite(&owner.client, &consolidation, &Person::new(&world).await).await;
    let added = one.client.post(&of(&consolidation, "parts"), secret_part("DEL")).await.expect(201);
    assert_eq!(added["shipper"]["name"], "Secretsender");
    let single = of(&consolidation, &format!("parts/{}", text(&added, "id")));
    let paths = [at(&consolidation), of(&consolidation, "parts"), single, of(&consolidation, "events")];
    let secrets = ["HOUSE-4711", "Secretware", "Secretsender", "Secretreceiver"];
    for path in &paths {
        let seen = other.client.get(path).await;
        assert_eq!(seen.status, 200, "{path}");
        for secret in secrets {
            assert!(!seen.text.contains(secret), "{path} has {secret}");
        }
        assert!(!seen.text.contains("@example.com"), "{path} has an address");
        world.customer().await.get(path).await.expect_problem(404, "not_found");
    }
    for reader in [&one.client, &owner.client, &world.operator().await] {
        for path in &paths[..3] {
            let seen = reader.get(path).await.text;
            assert!(secrets.iter().all(|secret| seen.contains(secret)), "{path}");
        }
    }
    let freight = &other.client.get(&paths[2]).await.expect(200);
    assert_eq!(
        (&freight["weight_kg"], &freight["origin"], &freight["shipper"]),
        (&json!(100), &json!("DEL"), &Value::Null)
    );
    let messages = world.texts("select payload::text from outbox where aggregate = 'consolidation'").await;
    assert!(messages.iter().all(|message| secrets.iter().all(|secret| !message.contains(secret))), "{messages:?}");
    assert!(messages.iter().all(|message| !message.contains("@example.com")), "{messages:?}");
}

#[tokio::test]
async fn each_role_changes_what_is_its_own() {
    let world = World::start().await;
    let (owner, one, other) = (Person::new(&world).await, Person::new(&world).await, Person::new(&world).await);
    let consolidation = owner.client.post(CONSOLIDATIONS, plan()).await.expect(201);
    join(&world, &owner.client, &consolidation, &one).await;
    join(&world, &owner.client, &consolidation, &other).await;
    let parts = of(&consolidation, "parts");
    let added = one.client.post(&parts, part("DEL")).await.expect(201);
    let path = format!("{parts}/{}", text(&added, "id"));
    other.client.patch(&path, json!({"pieces": 3})).await.expect_problem(404, "not_found");
    other.client.delete(&path).await.expect_problem(404, "not_found");
    assert_eq!(one.client.patch(&path, json!({"pieces": 3})).await.expect(200)["version"], 2);
    assert_eq!(owner.client.patch(&path, json!({"weight_kg": 120})).await.expect(200)["version"], 3);
    let stale = [("If-Match", "\"1\"")];
    let body = json!({"pieces": 4});
    one.client.send(Method::PATCH, &path, &stale, Some(&body)).await.expect_problem(412, "version_mismatch");
    let (operator, nothing) = (world.operator().await, json!({}));
    for (rest, body) in [
        ("members", json!({"email": "x@partner.example"})),
        ("hold", json!({"ways": [{"origin": "DEL", "flight_ids": [uuid::Uuid::now_v7()]}]})),
        ("release", nothing.clone()),
        ("book", nothing.clone()),
        ("masters/DEL/amend", nothing.clone()),
    ] {
        for caller in [&one.client, &operator] {
            caller.post(&of(&consolidation, rest), body.clone()).await.expect_problem(403, "forbidden");
        }
    }
    one.client.patch(&at(&consolidation), json!({"name": "Mine"})).await.expect_problem(403, "forbidden");
    one.client.delete(&at(&consolidation)).await.expect_problem(403, "forbidden");
    operator.post(&parts, part("DEL")).await.expect_problem(403, "forbidden");
    let renamed = json!({"name": "Week 50", "destination": "FRA", "latest_arrival": "2030-01-01T00:00:00Z"});
    assert_eq!(owner.client.patch(&at(&consolidation), renamed).await.expect(200)["destination"], "FRA");
    let faults = owner.client.patch(&at(&consolidation), json!({"destination": "DEL"})).await.expect_faults();
    assert_eq!(faults, [("/destination".to_owned(), "same_as_origin".to_owned())]);
}

#[tokio::test]
async fn a_member_that_leaves_takes_its_parts_along() {
    let world = World::start().await;
    let (owner, one, other) = (Person::new(&world).await, Person::new(&world).await, Person::new(&world).await);
    let consolidation = owner.client.post(CONSOLIDATIONS, plan()).await.expect(201);
    join(&world, &owner.client, &consolidation, &one).await;
    join(&world, &owner.client, &consolidation, &other).await;
    one.client.post(&of(&consolidation, "parts"), part("DEL")).await.expect(201);
    let of_owner = of(&consolidation, &format!("members/{}", owner.organization));
    let of_one = of(&consolidation, &format!("members/{}", one.organization));
    other.client.delete(&of_one).await.expect_problem(403, "forbidden");
    owner.client.delete(&of_owner).await.expect_problem(409, "invalid_transition");
    one.client.delete(&of_one).await.expect(204);
    one.client.get(&at(&consolidation)).await.expect_problem(404, "not_found");
    owner.client.delete(&of_one).await.expect_problem(404, "not_found");
    let left = shown(&owner.client, &consolidation).await;
    assert_eq!(left["parts"][0]["status"], "WITHDRAWN");
    assert_eq!(left["members"].as_array().unwrap().len(), 2);
    let list = async |person: &Person| person.client.get(CONSOLIDATIONS).await.expect(200);
    assert_eq!(list(&one).await, json!([]));
    let listed = list(&other).await;
    assert_eq!(
        (&listed[0]["id"], &listed[0]["members"], &listed[0]["parts"]),
        (&consolidation["id"], &json!(2), &json!(0))
    );
    let events = owner.client.get(&of(&consolidation, "events")).await.expect(200);
    assert_eq!(events[0]["change"], "MEMBER_REMOVED");
    assert_eq!(events.as_array().unwrap().last().unwrap()["event_type"], "CREATED");
}
