use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Answer, World,
    freight::{text, with},
};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use super::{ALLOTMENTS, Stage, at};

fn faults(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter().map(|(place, code)| ((*place).to_owned(), (*code).to_owned())).collect()
}

#[tokio::test]
async fn faults_of_an_allotment_are_reported_together() {
    let stage = Stage::set(500.0).await;
    stage.user().await;
    let admin = stage.world.admin().await;
    let nothing = admin.post(ALLOTMENTS, json!({})).await.expect_faults();
    let required = ["date_from", "date_to", "destination", "name", "organization_id", "origin", "weight_kg"];
    let required: Vec<_> = required.iter().map(|name| (format!("/{name}"), "required".to_owned())).collect();
    assert_eq!(nothing, required);
    let wrong = with(
        stage.wanted(100.0),
        json!({
            "airline_code": "!!", "flight_number": "QQ1", "weekdays": [0, 8], "date_from": "soon",
            "release_hours": 8785, "organization_id": "me", "owner": 1, "destination": "DEL",
        }),
    );
    let told = admin.post(ALLOTMENTS, wrong).await.expect_faults();
    let places: Vec<&str> = told.iter().map(|(place, _)| place.as_str()).collect();
    let expected = [
        "/airline_code",
        "/date_from",
        "/destination",
        "/flight_number",
        "/organization_id",
        "/owner",
        "/release_hours",
        "/weekdays/0",
        "/weekdays/1",
    ];
    assert_eq!(places, expected);
    for (members, fault) in [
        (json!({ "organization_id": Uuid::new_v4() }), ("/organization_id", "unknown_value")),
        (json!({ "date_to": "2020-01-01" }), ("/date_to", "out_of_order")),
        (json!({ "airline_code": "BA", "flight_number": "AI101" }), ("/flight_number", "unknown_value")),
        (json!({ "weight_kg": 0 }), ("/weight_kg", "too_small")),
    ] {
        let refused = admin.post(ALLOTMENTS, with(stage.wanted(100.0), members)).await;
        assert_eq!(refused.expect_faults(), faults(&[fault]));
    }
    assert_eq!(admin.get(ALLOTMENTS).await.expect(200), json!([]));
    stage.world.audit().await;
}

#[tokio::test]
async fn an_allotment_is_changed_by_a_merge_patch_under_its_tag() {
    let stage = Stage::set(500.0).await;
    stage.user().await;
    let admin = stage.world.admin().await;
    let made = admin.post(ALLOTMENTS, stage.wanted(100.0)).await;
    assert_eq!(made.header("etag"), Some("\"1\""));
    let location = made.header("location").unwrap().to_owned();
    let made = made.expect(201);
    assert_eq!(location, at(&made));
    assert_eq!((&made["release_hours"], &made["weekdays"], &made["volume_m3"]), (&json!(48), &json!([]), &json!(0.6)));
    assert_eq!(admin.get(&at(&made)).await.expect(200), made);
    let patch = json!({ "name": "Winter", "weekdays": [7, 1], "flight_number": "AI101", "volume_m3": 1 });
    let changed = admin.patch(&at(&made), patch).await.expect(200);
    assert_eq!(
        (text(&changed, "name"), &changed["weekdays"], &changed["version"]),
        ("Winter", &json!([1, 7]), &json!(2))
    );
    let cleared = json!({ "weekdays": null, "flight_number": null, "volume_m3": null });
    let changed = admin.patch(&at(&made), cleared).await.expect(200);
    assert_eq!((&changed["weekdays"], &changed["flight_number"]), (&json!([]), &json!(null)));
    assert_eq!(changed["volume_m3"], 0.6);
    let outdated =
        admin.request(Method::PATCH, &at(&made)).header("if-match", "\"1\"").json(&json!({ "name": "Spring" }));
    Answer::of(outdated).await.expect_problem(412, "version_mismatch");
    let wrong = admin.patch(&at(&made), json!({ "origin": "LHR", "date_to": "2020-01-01" })).await;
    assert_eq!(wrong.expect_faults(), faults(&[("/date_to", "out_of_order"), ("/destination", "same_as_origin")]));
    assert_eq!(admin.patch(&at(&made), json!({ "name": "Winter" })).await.expect(200)["version"], 3, "no change");
    let acts = admin.get("/api/v1/admin/audit?act=allotment.changed").await.expect(200);
    assert_eq!(acts.as_array().unwrap().len(), 2);
    stage.world.audit().await;
}

#[tokio::test]
async fn an_allotment_is_made_and_deleted_once_per_key() {
    let stage = Stage::set(500.0).await;
    stage.user().await;
    let admin = stage.world.admin().await;
    let keyed = |method, path: &str| admin.request(method, path).header("idempotency-key", "one");
    let wanted = stage.wanted(100.0);
    let first = Answer::of(keyed(Method::POST, ALLOTMENTS).json(&wanted)).await.expect(201);
    let again = Answer::of(keyed(Method::POST, ALLOTMENTS).json(&wanted)).await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.expect(201), first);
    let delete = || admin.request(Method::DELETE, &at(&first)).header("idempotency-key", "two");
    let deleted = Answer::of(delete()).await.expect(200);
    assert_eq!(Answer::of(delete()).await.expect(200), deleted);
    for answer in [admin.get(&at(&first)).await, admin.delete(&at(&first)).await] {
        answer.expect_problem(404, "not_found");
    }
    admin.get(&format!("{}/flights", at(&first))).await.expect_problem(404, "not_found");
    admin.patch(&at(&first), json!({ "name": "Gone" })).await.expect_problem(404, "not_found");
    assert_eq!(admin.get(ALLOTMENTS).await.expect(200), json!([]));
    let acts = admin.get("/api/v1/admin/audit").await.expect(200);
    let acts: Vec<_> = acts.as_array().unwrap().iter().map(|act| text(act, "act")).collect();
    let own: Vec<_> = acts.into_iter().filter(|act| act.starts_with("allotment.")).collect();
    assert_eq!(own, ["allotment.deleted", "allotment.created"]);
    stage.world.audit().await;
}

#[tokio::test]
async fn an_organization_sees_its_own_allotments_and_staff_all() {
    let stage = Stage::set(500.0).await;
    let Stage { world, .. } = &stage;
    let user = stage.user().await;
    let own = stage.make(stage.wanted(100.0)).await;
    let stranger = world.customer().await;
    for path in [at(&own), format!("{}/flights", at(&own))] {
        user.get(&path).await.expect(200);
        stranger.get(&path).await.expect_problem(404, "not_found");
        world.caller(Role::Guest).await.get(&path).await.expect_problem(403, "forbidden");
    }
    assert_eq!(user.get(ALLOTMENTS).await.expect(200), json!([own]));
    assert_eq!(stranger.get(ALLOTMENTS).await.expect(200), json!([]));
    let operator = world.operator().await;
    assert_eq!(operator.get(ALLOTMENTS).await.expect(200), json!([own]));
    let others = format!("{ALLOTMENTS}?organization_id={}", Uuid::new_v4());
    assert_eq!(operator.get(&others).await.expect(200), json!([]));
    user.get(&others).await.expect_faults();
    operator.post(ALLOTMENTS, stage.wanted(1.0)).await.expect_problem(403, "forbidden");
    operator.get(&format!("{}/flights?limit=0", at(&own))).await.expect_faults();
    world.audit().await;
}

#[tokio::test]
async fn the_hold_of_an_allotment_is_changed_by_the_allotment_alone() {
    let stage = Stage::set(500.0).await;
    stage.kept(100.0).await;
    let user = stage.user().await;
    let holds = user.get("/api/v1/holds?kind=ALLOTMENT").await.expect(200);
    let path = format!("/api/v1/holds/{}", text(&holds[0], "id"));
    for action in ["release", "extend", "commit"] {
        user.poke(&format!("{path}/{action}")).await.expect_problem(409, "invalid_transition");
    }
    user.patch(&path, json!({ "weight_kg": 1 })).await.expect_problem(409, "invalid_transition");
    let refused = user.delete(&path).await.expect_problem(409, "invalid_transition");
    let told = [&refused["from"], &refused["action"], &refused["allowed"]];
    assert_eq!(told, [&json!("ACTIVE"), &json!("release"), &json!([])]);
    stage.world.audit().await;
}

#[tokio::test]
async fn long_lists_of_flights_come_in_pages() {
    let stage = Stage::set(500.0).await;
    let world: &World = &stage.world;
    let mut flights = vec![stage.flight.clone()];
    for day in 1..4 {
        flights.push(world.flight(super::flight_in(100 + 24 * day, 500.0)).await);
    }
    let allotment = stage.kept(100.0).await;
    for flight in &flights {
        stage.until(&allotment, flight, "KEPT", 100.0).await;
    }
    let user = stage.user().await;
    let first = user.get(&format!("{}/flights?limit=3", at(&allotment))).await;
    let next = first.header("link").unwrap().split(['<', '>']).nth(1).unwrap().to_owned();
    assert_eq!(first.expect(200).as_array().unwrap().len(), 3);
    let rest = user.get(&next).await.expect(200);
    assert_eq!(rest.as_array().unwrap().len(), 1);
    assert_eq!(rest[0]["flight_id"], flights[3]["id"]);
    world.audit().await;
}
