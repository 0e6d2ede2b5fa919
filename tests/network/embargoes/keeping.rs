//! Creating, reading, changing and ending.
use loadmaster_testkit::{
    World,
    embargoes::{EMBARGOES, embargo, impose, only_with, path_of},
    freight::{each, with},
};
use reqwest::Method;
use serde_json::{Value, json};

const UNKNOWN: &str = "/api/v1/embargoes/01890000-0000-7000-8000-000000000000";

#[tokio::test]
async fn an_embargo_says_what_it_was_given_and_null_or_nothing_for_the_rest() {
    let world = World::start().await;
    let (admin, anyone) = (world.admin().await, world.anonymous());
    let answer = admin.post(EMBARGOES, embargo(json!({}))).await;
    assert_eq!(answer.header("etag"), Some("\"1\""));
    let location = answer.header("location").unwrap().to_owned();
    let least = answer.expect(201);
    let expected = json!({
        "id": least["id"], "name": "Strike", "reason": "No ground staff", "airline_code": null, "origin": "*",
        "destination": "*", "flight_numbers": [], "valid_from": "2026-01-01", "valid_to": null, "aircraft_code": null,
        "is_freighter": null, "weekdays": [], "handling_codes": [], "effect": "FORBID", "version": 1,
        "created_at": "2026-11-20T08:00:00Z", "updated_at": "2026-11-20T08:00:00Z", "ended_at": null,
    });
    assert_eq!(least, expected);
    assert_eq!(location, path_of(&least));

    let full = json!({
        "airline_code": "ai", "origin": "city:new delhi,in", "destination": "region:europe",
        "flight_numbers": ["ai101", "AI0102", "AI101"], "valid_to": "2026-12-24", "aircraft_code": "77w",
        "is_freighter": false, "weekdays": [7, 6, 7], "handling_codes": ["per", "EAT"],
    });
    let full = impose(&admin, only_with(&["FRO", "COL"], full)).await;
    let written = json!({
        "airline_code": "AI", "origin": "city:New Delhi,IN", "destination": "region:EUROPE", "valid_to": "2026-12-24",
        "aircraft_code": "77W", "is_freighter": false, "weekdays": [6, 7], "handling_codes": ["EAT", "PER"],
        "effect": {"require_any": ["COL", "FRO"]},
    });
    for (member, value) in written.as_object().unwrap() {
        assert_eq!(&full[member], value, "{member}");
    }
    assert_eq!(full["flight_numbers"][0], "AI101");

    let shown = anyone.get(&path_of(&full)).await;
    assert_eq!((shown.header("etag"), shown.header("cache-control")), (Some("\"1\""), Some("no-cache")));
    assert_eq!(shown.expect(200), full);
    let again = anyone.send(Method::GET, &path_of(&full), &[("if-none-match", "\"1\"")], None).await;
    assert_eq!(again.status, 304);
    assert_eq!(anyone.get(EMBARGOES).await.expect(200), json!([least, full]));
}

#[tokio::test]
async fn a_change_merges_and_null_lets_a_member_match_all() {
    let world = World::start().await;
    let (admin, anyone) = (world.admin().await, world.anonymous());
    let narrow = json!({"airline_code": "AI", "flight_numbers": ["AI101"], "valid_to": "2026-12-24", "aircraft_code": "77W",
                        "is_freighter": false, "weekdays": [6], "handling_codes": ["PER"]});
    let before = impose(&admin, embargo(narrow)).await;
    world.clock.advance(chrono::TimeDelta::minutes(10));
    let change = json!({"name": "Heat", "effect": {"require_any": ["COL"]}, "origin": "country:IN"});
    let answer = admin.patch(&path_of(&before), change.clone()).await;
    assert_eq!(answer.header("etag"), Some("\"2\""));
    let after = answer.expect(200);
    let changed = json!({"version": 2, "updated_at": "2026-11-20T08:10:00Z"});
    assert_eq!(after, with(with(before, change), changed));

    let cleared = json!({"airline_code": null, "flight_numbers": null, "valid_to": null, "aircraft_code": null,
                         "is_freighter": null, "weekdays": null, "handling_codes": null});
    let wide = admin.patch(&path_of(&after), cleared).await.expect(200);
    for (member, value) in embargo(json!({"name": "Heat", "origin": "country:IN", "effect": {"require_any": ["COL"]}}))
        .as_object()
        .unwrap()
    {
        assert_eq!(&wide[member], value, "{member}");
    }
    assert_eq!(
        (&wide["weekdays"], &wide["handling_codes"], &wide["airline_code"]),
        (&json!([]), &json!([]), &json!(null))
    );
    assert_eq!(anyone.get(&path_of(&wide)).await.expect(200), wide);
    // What changes nothing makes no version.
    assert_eq!(admin.patch(&path_of(&wide), json!({"name": "Heat"})).await.expect(200), wide);
}

#[tokio::test]
async fn an_ended_embargo_is_shown_once_more_and_then_no_more() {
    let world = World::start().await;
    let (admin, anyone) = (world.admin().await, world.anonymous());
    let (kept, ended) = (impose(&admin, embargo(json!({}))).await, impose(&admin, embargo(json!({}))).await);
    let answer = admin.delete(&path_of(&ended)).await;
    assert_eq!(answer.header("etag"), Some("\"2\""));
    let end = json!({"version": 2, "ended_at": "2026-11-20T08:00:00Z"});
    assert_eq!(answer.expect(200), with(ended.clone(), end));
    assert_eq!(anyone.get(EMBARGOES).await.expect(200), json!([kept]));
    anyone.get(&path_of(&ended)).await.expect_problem(404, "not_found");
    admin.patch(&path_of(&ended), json!({"name": "Again"})).await.expect_problem(404, "not_found");
    admin.delete(&path_of(&ended)).await.expect_problem(404, "not_found");
    world.audit().await;
}

#[tokio::test]
async fn only_administrators_keep_embargoes_and_anyone_reads_them() {
    let world = World::start().await;
    let admin = world.admin().await;
    let known = impose(&admin, embargo(json!({}))).await;
    for client in [world.customer().await, world.operator().await] {
        client.post(EMBARGOES, embargo(json!({}))).await.expect_problem(403, "forbidden");
        client.patch(&path_of(&known), json!({"name": "Mine"})).await.expect_problem(403, "forbidden");
        client.delete(&path_of(&known)).await.expect_problem(403, "forbidden");
        assert_eq!(client.get(&path_of(&known)).await.expect(200), known);
    }
    world.anonymous().post(EMBARGOES, embargo(json!({}))).await.expect_problem(401, "unauthenticated");
    assert_eq!(world.anonymous().get(EMBARGOES).await.expect(200), json!([known]));
}

#[tokio::test]
async fn an_unknown_embargo_is_not_found_by_any_operation() {
    let world = World::start().await;
    let admin = world.admin().await;
    for path in [UNKNOWN, "/api/v1/embargoes/none"] {
        admin.get(path).await.expect_problem(404, "not_found");
        admin.patch(path, json!({"name": "X"})).await.expect_problem(404, "not_found");
        admin.patch(path, json!({"no such member": 1})).await.expect_problem(404, "not_found");
        admin.delete(path).await.expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn a_stale_version_changes_and_ends_nothing() {
    let world = World::start().await;
    let admin = world.admin().await;
    let first = impose(&admin, embargo(json!({}))).await;
    let path = path_of(&first);
    let rename = |name: &str| Some(json!({"name": name}));
    admin.send(Method::PATCH, &path, &[("if-match", "\"1\"")], rename("One").as_ref()).await.expect(200);
    for (method, body) in [(Method::PATCH, rename("Two")), (Method::DELETE, None)] {
        let stale = admin.send(method, &path, &[("if-match", "\"1\"")], body.as_ref()).await;
        stale.expect_problem(412, "version_mismatch");
    }
    assert_eq!(admin.get(&path).await.expect(200)["name"], "One");
    admin.send(Method::DELETE, &path, &[("if-match", "\"2\"")], None).await.expect(200);
}

#[tokio::test]
async fn a_repeated_key_makes_changes_and_ends_one_embargo_once() {
    let world = World::start().await;
    let admin = world.admin().await;
    let create =
        async || admin.send(Method::POST, EMBARGOES, &[("idempotency-key", "make")], Some(&embargo(json!({})))).await;
    let made = create().await.expect(201);
    let path = path_of(&made);
    let change = async |name: &str| {
        admin.send(Method::PATCH, &path, &[("idempotency-key", "change")], Some(&json!({"name": name}))).await
    };
    let changed = change("Heat").await.expect(200);
    change("Cold").await.expect_problem(422, "idempotency_key_reused");
    let end = async || admin.send(Method::DELETE, &path, &[("idempotency-key", "end")], None).await;
    let ended = end().await.expect(200);
    for (again, first) in [(create().await, made), (change("Heat").await, changed), (end().await, ended)] {
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        assert_eq!(again.body, first);
    }
    assert_eq!(world.texts("select name || ' ' || version from embargoes").await, ["Heat 3"]);
}

#[tokio::test]
async fn every_change_is_an_administrative_act_and_a_message() {
    let world = World::working().await;
    let admin = world.admin().await;
    let made = impose(&admin, embargo(json!({"handling_codes": ["AVI"]}))).await;
    admin.patch(&path_of(&made), json!({"name": "Heat"})).await.expect(200);
    admin.patch(&path_of(&made), json!({"name": "Heat"})).await.expect(200);
    admin.patch(&path_of(&made), json!({"origin": "QQQ"})).await.expect_faults();
    admin.delete(&path_of(&made)).await.expect(200);
    let acts = admin.get("/api/v1/admin/audit").await.expect(200);
    assert_eq!(each(&acts, "act"), ["embargo.ended", "embargo.changed", "embargo.created"]);
    let first = &acts[2];
    assert_eq!((&first["subject_kind"], &first["subject_id"]), (&json!("embargo"), &made["id"]));
    assert_eq!((&first["data"]["handling_codes"], &first["data"]["effect"]), (&json!(["AVI"]), &json!("FORBID")));
    assert_eq!(first["data"].get("reason"), None, "free text stays in the table");

    let told = world.texts("select payload->>'type' || ' ' || (payload->>'sequence') from outbox order by id").await;
    let types = ["created.v1 1", "changed.v1 2", "ended.v1 3"].map(|kind| format!("loadmaster.embargo.{kind}"));
    assert_eq!(told, types);
    let data = world.texts("select payload->>'data' from outbox order by id limit 1").await.remove(0);
    assert_eq!(serde_json::from_str::<Value>(&data).unwrap(), json!({"embargo_id": made["id"], "version": 1}));
}

#[tokio::test]
async fn the_list_has_pages_oldest_first() {
    let world = World::start().await;
    let admin = world.admin().await;
    let mut made = Vec::new();
    for number in 1..=5 {
        made.push(impose(&admin, embargo(json!({"name": format!("Embargo {number}")}))).await);
    }
    let (mut found, mut next) = (Vec::new(), Some(format!("{EMBARGOES}?limit=2")));
    while let Some(path) = next {
        let answer = world.anonymous().get(&path).await;
        next = answer.header("link").map(|link| link.trim_start_matches('<').split('>').next().unwrap().to_owned());
        found.extend(answer.expect(200).as_array().unwrap().clone());
    }
    assert_eq!(found, made);
    let skipped = world.anonymous().get(&format!("{EMBARGOES}?offset=3")).await.expect(200);
    assert_eq!(skipped, json!(made[3..]));
    world.anonymous().get(&format!("{EMBARGOES}?cursor=x")).await.expect_problem(400, "invalid_cursor");
    world.anonymous().get(&format!("{EMBARGOES}?status=x")).await.expect_faults();
}
