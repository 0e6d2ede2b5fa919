use loadmaster_accounts::Role;
use loadmaster_testkit::{Answer, World, freight::each};
use reqwest::Method;
use serde_json::json;

use super::{path_of, user};

const AUDIT: &str = "/api/v1/admin/audit";

#[tokio::test]
async fn administrative_acts_are_listed_newest_first() {
    let world = World::working().await;
    let (admin, me) = user(&world, Role::Admin).await;
    let (_, ann) = user(&world, Role::Customer).await;
    let (role, ticket) = (json!({"role": "operator"}), [("x-request-id", "ticket-77")]);
    admin.send(Method::PATCH, &path_of(&ann), &ticket, Some(&role)).await.expect(200);
    world.clock.advance(chrono::TimeDelta::seconds(1));
    admin.patch(&path_of(&ann), json!({"disabled": true})).await.expect(200);
    let answer = admin.get(AUDIT).await;
    assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
    let acts = answer.expect(200);
    assert_eq!(
        each(&acts, "data"),
        [&json!({"disabled": {"from": false, "to": true}}), &json!({"role": {"from": "customer", "to": "operator"}}),]
    );
    let first = &acts[1];
    assert_eq!((&first["act"], &first["actor_id"]), (&json!("user.changed"), &me["id"]));
    assert_eq!((&first["subject_kind"], &first["subject_id"]), (&json!("user"), &ann["id"]));
    assert_eq!(first["request_id"], "ticket-77");

    let page = admin.get(&format!("{AUDIT}?limit=1")).await;
    let next = page.header("link").unwrap().trim_start_matches('<').split('>').next().unwrap().to_owned();
    assert_eq!(
        [page.expect(200)[0].clone(), admin.get(&next).await.expect(200)[0].clone()].to_vec(),
        *acts.as_array().unwrap()
    );
    for (query, found) in [
        (format!("actor_id={}", me["id"].as_str().unwrap()), 2),
        (format!("actor_id={}", ann["id"].as_str().unwrap()), 0),
        (format!("subject_id={}", ann["id"].as_str().unwrap()), 2),
        ("act=user.changed".to_owned(), 2),
        ("act=user.erased".to_owned(), 0),
    ] {
        let acts = admin.get(&format!("{AUDIT}?{query}")).await.expect(200);
        assert_eq!(acts.as_array().unwrap().len(), found, "{query}");
    }
}

/// The statements that would rewrite it are in `rights`; here, that a refused act leaves none.
#[tokio::test]
async fn an_act_that_was_refused_is_no_act() {
    let world = World::working().await;
    let (admin, me) = user(&world, Role::Admin).await;
    admin.patch(&path_of(&me), json!({"role": "customer"})).await.expect_problem(409, "invalid_transition");
    admin.patch(&path_of(&me), json!({"role": "king"})).await.expect_faults();
    assert_eq!(admin.get(AUDIT).await.expect(200), json!([]));
}

#[tokio::test]
async fn the_record_has_pages_that_only_its_reader_can_turn() {
    let world = World::working().await;
    let (admin, _) = user(&world, Role::Admin).await;
    let (_, ann) = user(&world, Role::Customer).await;
    for role in ["operator", "customer", "operator", "customer", "operator"] {
        admin.patch(&path_of(&ann), json!({"role": role})).await.expect(200);
    }
    let all = admin.get(AUDIT).await.expect(200);
    let mut pages = Vec::new();
    let mut next = format!("{AUDIT}?act=user.changed&limit=2");
    loop {
        let page = admin.get(&next).await;
        let link = page.header("link").map(ToOwned::to_owned);
        let acts = page.expect(200);
        assert!(acts.as_array().unwrap().len() <= 2);
        pages.extend(acts.as_array().unwrap().clone());
        let Some(link) = link else { break };
        next = link.trim_start_matches('<').split('>').next().unwrap().to_owned();
        // What happens meanwhile moves no page.
        if pages.len() == 2 {
            admin.patch(&path_of(&ann), json!({"disabled": true})).await.expect(200);
        }
    }
    assert_eq!(json!(pages), all);
    let first = admin.get(&format!("{AUDIT}?limit=1")).await;
    let next = first.header("link").unwrap().trim_start_matches('<').split('>').next().unwrap().to_owned();
    let cursor = next.split("cursor=").nth(1).unwrap().split('&').next().unwrap();
    let mut bent = cursor.to_owned().into_bytes();
    bent[5] = if bent[5] == b'A' { b'B' } else { b'A' };
    for query in [
        "cursor=x".to_owned(),
        format!("limit=1&cursor={}", String::from_utf8(bent).unwrap()),
        format!("limit=1&act=user.changed&cursor={cursor}"),
    ] {
        admin.get(&format!("{AUDIT}?{query}")).await.expect_problem(400, "invalid_cursor");
    }
    // Nor is it a cursor of another list.
    admin.get(&format!("/api/v1/users?limit=1&cursor={cursor}")).await.expect_problem(400, "invalid_cursor");
    admin.get(&format!("{AUDIT}?limit=1&offset=1&cursor={cursor}")).await.expect_faults();
    assert_eq!(admin.get(&format!("{AUDIT}?offset=5&limit=1")).await.expect(200)[0], all[4], "one came in between");
}

#[tokio::test]
async fn the_record_is_for_administrators_and_says_what_is_wrong_with_a_question() {
    let world = World::working().await;
    let (admin, _) = user(&world, Role::Admin).await;
    world.anonymous().get(AUDIT).await.expect_problem(401, "unauthenticated");
    for role in [Role::Guest, Role::Customer, Role::Operator] {
        world.caller(role).await.get(AUDIT).await.expect_problem(403, "forbidden");
    }
    let key = admin.post("/api/v1/api-keys", json!({"name": "x", "role": "operator"})).await.expect(201);
    let program = world.anonymous().with_token(key["key"].as_str().unwrap());
    program.get(AUDIT).await.expect_problem(403, "forbidden");
    for (query, name, code) in [
        ("actor_id=me", "actor_id", "invalid_format"),
        ("actor=me", "actor", "unknown_field"),
        ("act=a%0Ab", "act", "invalid_format"),
        ("subject_id=a%1Bb", "subject_id", "invalid_format"),
        ("limit=0", "limit", "too_small"),
        ("offset=10001", "offset", "too_large"),
    ] {
        let faults = admin.get(&format!("{AUDIT}?{query}")).await.expect_faults();
        assert_eq!(faults, [(name.to_owned(), code.to_owned())], "{query}");
    }
    for method in [Method::POST, Method::PATCH, Method::PUT, Method::DELETE] {
        Answer::of(admin.request(method, AUDIT)).await.expect_problem(405, "method_not_allowed");
    }
    assert_eq!(each(&admin.get(AUDIT).await.expect(200), "act"), ["api_key.created"], "asking is no act");
}

/// An act and its record are of one transaction: neither is there without the other.
#[tokio::test]
async fn what_cannot_be_recorded_is_not_done() {
    let world = World::working().await;
    let (admin, _) = user(&world, Role::Admin).await;
    let (_, ann) = user(&world, Role::Customer).await;
    world.sql("alter table admin_acts add constraint full_up check (false) not valid").await;
    admin.patch(&path_of(&ann), json!({"role": "operator"})).await.expect_problem(500, "internal");
    let now = admin.get(&path_of(&ann)).await.expect(200);
    assert_eq!((&now["role"], &now["version"]), (&json!("customer"), &json!(1)));
    world.sql("alter table admin_acts drop constraint full_up").await;
    admin.patch(&path_of(&ann), json!({"role": "operator"})).await.expect(200);
    assert_eq!(admin.get(AUDIT).await.expect(200).as_array().unwrap().len(), 1);
}
