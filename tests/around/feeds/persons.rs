//! Who may do what with feeds, and how requests are repeated.
use loadmaster_testkit::{
    World,
    freight::{each, text, with},
};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{FEEDS, at, at_run, feeding, file, flights, made, next_of, rows, run, runs_of};

#[tokio::test]
async fn operators_read_and_administrators_decide() {
    let world = World::with(feeding()).await;
    let (admin, operator, customer) = (world.admin().await, world.operator().await, world.customer().await);
    let feed = made(&admin, with(flights(), json!({"apply": "REVIEW"}))).await;
    let waiting = run(&admin, &feed, &rows(&world, 1)).await;
    for path in
        [FEEDS.to_owned(), at(&feed), runs_of(&feed), at_run(&waiting), format!("{}/differences", at_run(&waiting))]
    {
        operator.get(&path).await.expect(200);
        customer.get(&path).await.expect_problem(403, "forbidden");
        world.anonymous().get(&path).await.expect_problem(401, "unauthenticated");
    }
    operator.post(FEEDS, flights()).await.expect_problem(403, "forbidden");
    operator.patch(&at(&feed), json!({"name": "Mine"})).await.expect_problem(403, "forbidden");
    operator.delete(&at(&feed)).await.expect_problem(403, "forbidden");
    for path in [format!("{}/reset", at(&feed)), runs_of(&feed), format!("{}/apply", at_run(&waiting))] {
        operator.poke(&path).await.expect_problem(403, "forbidden");
    }
    // Another administrator, of another organization, may do the same: feeds are the carrier's.
    let other = world.admin().await;
    let changed = other.patch(&at(&feed), json!({"name": "Theirs", "every_minutes": 90})).await.expect(200);
    assert_eq!((&changed["name"], &changed["version"]), (&json!("Theirs"), &json!(2)));
    assert_ne!(changed["changed_by"], feed["changed_by"]);
}

#[tokio::test]
async fn what_is_not_there_is_404_before_any_fault() {
    let world = World::with(feeding()).await;
    let admin = world.admin().await;
    let feed = made(&admin, with(flights(), json!({"apply": "REVIEW"}))).await;
    let waiting = run(&admin, &feed, &rows(&world, 1)).await;
    let other = made(&admin, with(flights(), json!({"airline_codes": ["BA"]}))).await;
    let (nothing, foreign) = (Uuid::new_v4(), format!("{FEEDS}/{}/runs/{}", text(&other, "id"), text(&waiting, "id")));
    admin.patch(&format!("{FEEDS}/{nothing}"), json!({"every_minutes": 1})).await.expect(404);
    admin.get(&format!("{FEEDS}/{nothing}/runs?limit=x")).await.expect(404);
    admin.post_raw(&format!("{FEEDS}/{nothing}/runs"), "application/json", "{}").await.expect(404);
    for path in [foreign.clone(), format!("{foreign}/faults"), format!("{foreign}/differences")] {
        admin.get(&path).await.expect(404);
    }
    for action in ["apply", "reject"] {
        admin.poke(&format!("{foreign}/{action}")).await.expect(404);
    }
    admin.post_raw(&runs_of(&feed), "application/json", "{}").await.expect_problem(415, "unsupported_media_type");
    admin.poke(&runs_of(&feed)).await.expect_problem(400, "malformed_request");
}

#[tokio::test]
async fn requests_are_repeated_under_their_keys_and_changes_need_the_version() {
    let world = World::with(feeding()).await;
    let admin = world.admin().await;
    let first = admin.post_under("k", FEEDS, &flights()).await.expect(201);
    let again = admin.post_under("k", FEEDS, &flights()).await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.expect(201), first);
    let path = at(&first);
    let tag = admin.get(&path).await.header("etag").unwrap().to_owned();
    admin.change_if(Method::PATCH, &path, "\"7\"", json!({"name": "B"})).await.expect_problem(412, "version_mismatch");
    let changed = admin.change_if(Method::PATCH, &path, &tag, json!({"name": "B"})).await.expect(200);
    assert_eq!(changed["version"], 2);
    let same = admin.patch(&path, json!({"name": "B"})).await.expect(200);
    assert_eq!(same["version"], 2, "nothing has changed");
    let stale = admin.send(Method::DELETE, &path, &[("if-match", "\"1\"")], None).await;
    stale.expect_problem(412, "version_mismatch");
    let faults = admin.patch(&path, json!({"airline_codes": null})).await.expect_faults();
    assert_eq!(faults, [("/airline_codes".to_owned(), "required".to_owned())]);
}

#[tokio::test]
async fn one_run_at_a_time_and_lists_have_pages() {
    // Nothing carries runs out here.
    let world = World::with(loadmaster_testkit::WorldOptions::default()).await;
    let admin = world.admin().await;
    let feed = made(&admin, flights()).await;
    let started = admin.post_raw(&runs_of(&feed), "text/csv", file(&rows(&world, 1))).await.expect(202);
    assert_eq!(admin.get(&at_run(&started)).await.expect(200), started);
    assert_eq!(admin.get(&runs_of(&feed)).await.expect(200), json!([started]));
    admin.post_raw(&runs_of(&feed), "text/csv", file(&rows(&world, 1))).await.expect_problem(409, "feed_running");
    let other = made(&admin, with(flights(), json!({"airline_codes": ["BA"], "kind": "SEASON"}))).await;
    let page = admin.get(&format!("{FEEDS}?limit=1&sort=created_at&count=true")).await;
    assert_eq!(page.header("total-count"), Some("2"));
    assert_eq!(each(&admin.get(&next_of(&page)).await.expect(200), "id"), [&other["id"]]);
    assert_eq!(each(&admin.get(&format!("{FEEDS}?kind=SEASON")).await.expect(200), "id"), [&other["id"]]);
}

#[tokio::test]
async fn runs_are_deleted_after_ninety_days_but_none_that_waits() {
    let world = World::with(feeding()).await;
    let admin = world.admin().await;
    let feed = made(&admin, with(flights(), json!({"apply": "REVIEW"}))).await;
    let waiting = run(&admin, &feed, &rows(&world, 1)).await;
    let failed = admin.post_raw(&runs_of(&feed), "text/csv", "<html>").await.expect(202);
    super::ended(&admin, &failed).await;
    world.sql("update feed_runs set ended_at = ended_at - interval '91 days'").await;
    loadmaster_testkit::jobs::run_again(&world, "old_feed_runs").await;
    let left = admin.get(&runs_of(&feed)).await.expect(200);
    assert_eq!(each(&left, "id"), [&waiting["id"]]);
}

/// A feed with a run that waits, in a world in which nothing carries runs out.
async fn waiting_run(world: &World, feed: &Value) -> String {
    let id = Uuid::now_v7();
    world
        .sql(&format!(
            "insert into feed_runs (id, feed_id, trigger, status, started_at, ended_at)
             values ('{id}', '{}', 'FILE', 'REVIEW', '2026-11-20', '2026-11-20')",
            text(feed, "id")
        ))
        .await;
    format!("{}/{id}", runs_of(feed))
}

#[tokio::test]
async fn a_run_that_waits_is_not_applied_while_another_is_under_way() {
    let world = World::start().await;
    let admin = world.admin().await;
    let feed = made(&admin, flights()).await;
    let waiting = waiting_run(&world, &feed).await;
    admin.post_raw(&runs_of(&feed), "text/csv", file(&rows(&world, 1))).await.expect(202);
    admin.poke(&format!("{waiting}/apply")).await.expect_problem(409, "feed_running");
    assert_eq!(admin.poke(&format!("{waiting}/reject")).await.expect(200)["status"], "REJECTED");
}

#[tokio::test]
async fn every_member_of_a_feed_may_be_changed_but_its_kind() {
    let root = tempfile::tempdir().unwrap();
    let world =
        World::with(loadmaster_testkit::WorldOptions::default().set("feeds.folder", root.path().to_str().unwrap()))
            .await;
    let admin = world.admin().await;
    let full = with(
        flights(),
        json!({"url": "https://files.example/", "cancels_absent": true, "every_minutes": 15,
                                      "headers": [{"name": "X-Key", "value": "1"}]}),
    );
    let feed = made(&admin, full).await;
    assert_eq!(admin.get(&at(&feed)).await.expect(200)["header_names"], json!(["x-key"]));
    let columns = json!([{"given": "Flt No", "column": "flight_number"}]);
    let change = json!({"name": "Other", "format": "XLSX", "url": null, "headers": null, "folder": "ai",
                        "airline_codes": ["BA", "LH"], "every_minutes": 10_080, "apply": "REVIEW", "cancels_absent": false,
                        "status": "PAUSED", "columns": columns});
    let changed = admin.patch(&at(&feed), change).await.expect(200);
    assert_eq!(changed["columns"], columns);
    assert_eq!(admin.get(&at(&feed)).await.expect(200), changed);
    assert_eq!(admin.get(FEEDS).await.expect(200), json!([changed]));
    let members = |feed: &Value| {
        let names =
            ["name", "format", "url", "header_names", "folder", "airline_codes", "every_minutes", "apply", "status"];
        json!(names.map(|name| feed[name].clone()))
    };
    let expected = json!(["Other", "XLSX", null, [], "ai", ["BA", "LH"], 10_080, "REVIEW", "PAUSED"]);
    assert_eq!(members(&changed), expected);
    assert_eq!((&changed["cancels_absent"], &changed["next_run_at"]), (&json!(false), &Value::Null));
    let back = json!({"url": "https://files.example/", "folder": null, "status": "ACTIVE",
                      "headers": [{"name": "X-Key", "value": "2"}]});
    let back = admin.patch(&at(&feed), back).await.expect(200);
    assert_eq!((&back["folder"], &back["header_names"]), (&Value::Null, &json!(["x-key"])));
    assert!(back["next_run_at"].is_string());
    let faults = admin.patch(&at(&feed), json!({"kind": "SEASON"})).await.expect_faults();
    assert_eq!(faults, [("/kind".to_owned(), "unknown_field".to_owned())]);
    made(&admin, flights()).await;
    admin.patch(&at(&feed), json!({"airline_codes": ["AI"]})).await.expect_problem(409, "already_exists");
    let reset = format!("{}/reset", at(&feed));
    admin.change_if(Method::POST, &reset, "\"1\"", json!({})).await.expect_problem(412, "version_mismatch");
    let acts = world.texts("select data::text from admin_acts where act like 'feed.%'").await;
    assert!(!acts.is_empty() && acts.iter().all(|act| !act.contains("files.example")), "{acts:?}");
}

#[tokio::test]
async fn there_are_at_most_two_hundred_feeds() {
    let world = World::start().await;
    let admin = world.admin().await;
    let feed = made(&admin, flights()).await;
    world
        .sql(&format!(
            "insert into feeds (id, name, kind, format, airline_codes, every_minutes, apply, cancels_absent, status, changed_by,
                                created_at, updated_at)
             select gen_random_uuid(), name, kind, format, airline_codes, every_minutes, apply, cancels_absent, status, changed_by,
                    created_at, updated_at
             from feeds cross join generate_series(2, 200) where id = '{}'",
            text(&feed, "id")
        ))
        .await;
    let problem =
        admin.post(FEEDS, with(flights(), json!({"kind": "SEASON"}))).await.expect_problem(409, "limit_reached");
    assert_eq!((&problem["what"], &problem["limit"]), (&json!("feeds"), &json!(200)));
}

#[tokio::test]
async fn headers_that_cannot_be_decrypted_are_named_and_those_that_can_are_encrypted_anew() {
    let world = World::start().await;
    let admin = world.admin().await;
    let new = json!({"headers": [{"name": "X-Key", "value": "1"}], "url": "https://files.example/"});
    made(&admin, with(flights(), new)).await;
    let feeds: loadmaster_feeds::FeedService = world.state().service().unwrap();
    let resealed = feeds.reseal().await.unwrap();
    assert_eq!((resealed.changed, resealed.lost), (0, 0), "they are under the present key");
    world.sql("update feeds set headers = set_byte(headers, 1, get_byte(headers, 1) # 255)").await;
    let resealed = feeds.reseal().await.unwrap();
    assert_eq!((resealed.changed, resealed.lost), (0, 1));
}
