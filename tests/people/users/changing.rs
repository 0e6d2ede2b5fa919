use loadmaster_accounts::Role;
use loadmaster_testkit::{Answer, Client, World, freight::at_once};
use reqwest::Method;
use serde_json::{Value, json};

use super::{path_of, user};

/// A change with headers.
async fn patch(client: &Client, path: &str, headers: &[(&'static str, &str)], body: Value) -> Answer {
    let request = client.request(Method::PATCH, path).header("content-type", "application/merge-patch+json");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    Answer::of(request.body(body.to_string())).await
}

#[tokio::test]
async fn role_organization_and_access_are_changed_and_the_version_moves() {
    let world = World::working().await;
    let (admin, _) = user(&world, Role::Admin).await;
    let ((_, ann), (_, bob)) = (user(&world, Role::Customer).await, user(&world, Role::Customer).await);
    let path = path_of(&ann);
    let mut version = 1;
    for change in [
        json!({"role": "operator"}),
        json!({"organization_id": bob["organization_id"]}),
        json!({"disabled": true}),
        json!({"disabled": false, "role": "admin", "organization_id": ann["organization_id"]}),
    ] {
        version += 1;
        let answer = admin.patch(&path, change.clone()).await;
        assert_eq!(answer.header("etag"), Some(format!("\"{version}\"").as_str()));
        let now = answer.expect(200);
        for (member, value) in change.as_object().unwrap() {
            assert_eq!(&now[member], value);
        }
        assert_eq!(admin.get(&path).await.expect(200), now);
    }
    // What changes nothing leaves no trace.
    let same = admin.patch(&path, json!({"role": "admin"})).await.expect(200);
    assert_eq!(same["version"], version);
    let acts = admin.get(&format!("/api/v1/admin/audit?subject_id={}", ann["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(acts.as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn a_stale_version_is_refused_and_a_key_makes_a_change_once() {
    let world = World::working().await;
    let (admin, _) = user(&world, Role::Admin).await;
    let (_, ann) = user(&world, Role::Customer).await;
    let path = path_of(&ann);
    patch(&admin, &path, &[("if-match", "\"7\"")], json!({"role": "operator"}))
        .await
        .expect_problem(412, "version_mismatch");
    let headers = [("if-match", "\"1\""), ("idempotency-key", "once")];
    let first = patch(&admin, &path, &headers, json!({"role": "operator"})).await;
    let again = patch(&admin, &path, &headers, json!({"role": "operator"})).await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!((again.header("etag"), again.text.clone()), (first.header("etag"), first.text.clone()));
    patch(&admin, &path, &headers, json!({"role": "customer"})).await.expect_problem(422, "idempotency_key_reused");
    assert_eq!(admin.get(&path).await.expect(200)["version"], 2);
}

#[tokio::test]
async fn invalid_changes_of_a_user_are_refused_with_all_faults() {
    let world = World::working().await;
    let (admin, me) = user(&world, Role::Admin).await;
    let (_, ann) = user(&world, Role::Customer).await;
    let body =
        json!({"role": "guest", "organization_id": "x", "disabled": "yes", "email": "a@b.example", "version": 2});
    let faults = admin.patch(&path_of(&ann), body).await.expect_faults();
    let expected = [
        ("/disabled", "wrong_type"),
        ("/email", "unknown_field"),
        ("/organization_id", "invalid_format"),
        ("/role", "unknown_value"),
        ("/version", "unknown_field"),
    ];
    assert_eq!(faults, expected.map(|(place, code)| (place.to_owned(), code.to_owned())));
    let faults = admin.patch(&path_of(&ann), json!({"role": null})).await.expect_faults();
    assert_eq!(faults, [("/role".to_owned(), "required".to_owned())]);
    let nowhere = json!({"organization_id": "019a0000-0000-7000-8000-000000000000"});
    let faults = admin.patch(&path_of(&ann), nowhere).await.expect_faults();
    assert_eq!(faults, [("/organization_id".to_owned(), "unknown_value".to_owned())]);
    let absent = format!("{}/019a0000-0000-7000-8000-000000000000", super::PATH);
    admin.patch(&absent, json!({"role": "nonsense"})).await.expect_problem(404, "not_found");
    assert_eq!(admin.get(&path_of(&me)).await.expect(200)["version"], 1);
}

#[tokio::test]
async fn the_last_administrator_can_neither_demote_nor_disable_himself() {
    let world = World::working().await;
    let (root, me) = user(&world, Role::Admin).await;
    for (change, action) in [
        (json!({"role": "operator"}), "demote"),
        (json!({"disabled": true}), "disable"),
        (json!({"role": "customer", "disabled": true}), "disable"),
    ] {
        let problem = root.patch(&path_of(&me), change).await.expect_problem(409, "invalid_transition");
        assert_eq!((&problem["from"], &problem["action"]), (&json!("admin"), &json!(action)));
        assert_eq!(problem["allowed"], json!([]));
    }
    // An administrator who is disabled does not count.
    let (_, other) = user(&world, Role::Admin).await;
    root.patch(&path_of(&other), json!({"disabled": true})).await.expect(200);
    root.patch(&path_of(&me), json!({"role": "operator"})).await.expect_problem(409, "invalid_transition");
    root.patch(&path_of(&other), json!({"disabled": false})).await.expect(200);
    root.patch(&path_of(&me), json!({"role": "operator"})).await.expect(200);
}

#[tokio::test]
async fn administrators_demoting_each_other_concurrently_leave_at_least_one() {
    let world = World::working().await;
    let mut callers = Vec::new();
    for _ in 0..4 {
        callers.push(user(&world, Role::Admin).await);
    }
    let requests: Vec<_> = (0..4)
        .map(|number| {
            let (client, path) = (callers[number].0.clone(), path_of(&callers[(number + 1) % 4].1));
            async move { client.patch(&path, json!({"role": "customer"})).await.status.as_u16() }
        })
        .collect();
    let statuses = at_once(requests.into_iter()).await;
    assert!(statuses.iter().all(|status| [200, 401, 409].contains(status)), "{statuses:?}");
    assert_ne!(world.count("users where role = 'admin'").await, 0, "{statuses:?}");
}

#[tokio::test]
async fn only_an_administrator_makes_an_administrator() {
    let world = World::working().await;
    for role in [Role::Customer, Role::Operator] {
        let (client, me) = user(&world, role).await;
        client.patch(&path_of(&me), json!({"role": "admin"})).await.expect_problem(403, "forbidden");
        let faults = client.patch("/api/v1/auth/me", json!({"role": "admin"})).await.expect_faults();
        assert_eq!(faults, [("/role".to_owned(), "unknown_field".to_owned())]);
        client.post("/api/v1/api-keys", json!({"name": "x", "role": "admin"})).await.expect_problem(403, "forbidden");
    }
    assert_eq!(world.count("users where role = 'admin'").await, 0);
}

#[tokio::test]
async fn a_user_who_moves_sees_the_bookings_of_the_new_organization_and_no_others() {
    use loadmaster_testkit::{NewFlight, freight::open_order};
    let world = World::working().await;
    world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let ((ann, ann_user), (bob, bob_user)) = (user(&world, Role::Customer).await, user(&world, Role::Customer).await);
    let [anns, bobs] = [ann.book(open_order("DEL", "LHR")).await, bob.book(open_order("DEL", "LHR")).await];
    let organization = bob_user["organization_id"].clone();
    world.admin().await.patch(&path_of(&ann_user), json!({"organization_id": organization})).await.expect(200);
    let [id, organization] = [&ann_user["id"], &organization].map(|id| serde_json::from_value(id.clone()).unwrap());
    let moved = world.anonymous().with_token(&world.token(Role::Customer, id, organization));
    let path = |booking: &Value| format!("/api/v1/bookings/{}", booking["ref_id"].as_str().unwrap());
    moved.get(&path(&bobs)).await.expect(200);
    moved.get(&path(&anns)).await.expect_problem(404, "not_found");
    world.audit().await;
}

#[tokio::test]
async fn a_precondition_is_read_as_it_is_for_bookings() {
    let world = World::working().await;
    let (admin, _) = user(&world, Role::Admin).await;
    let (_, ann) = user(&world, Role::Customer).await;
    let path = path_of(&ann);
    for (number, (tag, status)) in
        [("*", 200), ("\"2\"", 200), ("W/\"3\"", 200), ("\"1\", \"4\"", 200), ("\"4\"", 412), ("\"\"", 412)]
            .into_iter()
            .enumerate()
    {
        let role = ["operator", "customer"][number % 2];
        let answer = patch(&admin, &path, &[("if-match", tag)], json!({"role": role})).await;
        assert_eq!(answer.status, status, "{tag}: {}", answer.text);
    }
    assert_eq!(admin.get(&path).await.expect(200)["version"], 5);
}

#[tokio::test]
async fn a_response_is_repeated_only_to_a_current_administrator() {
    let world = World::working().await;
    let ((admin, me), (root, _)) = (user(&world, Role::Admin).await, user(&world, Role::Admin).await);
    let (_, ann) = user(&world, Role::Customer).await;
    let promote = async |client: &Client| {
        patch(client, &path_of(&ann), &[("idempotency-key", "once")], json!({"role": "operator"})).await
    };
    promote(&admin).await.expect(200);
    root.patch(&path_of(&me), json!({"role": "operator"})).await.expect(200);
    promote(&admin).await.expect_problem(401, "token_expired");
    let [id, organization] = [&me["id"], &me["organization_id"]].map(|id| serde_json::from_value(id.clone()).unwrap());
    let demoted = world.anonymous().with_token(&world.token(Role::Operator, id, organization));
    promote(&demoted).await.expect_problem(403, "forbidden");
    // Another administrator's key of the same name is another key.
    let own = promote(&root).await;
    assert_eq!(own.header("idempotency-replayed"), None);
    assert_eq!(own.expect(200)["version"], 2);
}

#[tokio::test]
async fn two_administrators_on_two_instances_never_both_go() {
    let here = World::working().await;
    let there = loadmaster_testkit::WorldOptions::working().on(&here.database).start().await;
    let (mut ann, mut bob) = (user(&here, Role::Admin).await, user(&here, Role::Admin).await);
    for round in 0..6 {
        let change = if round % 2 == 0 { json!({"role": "customer"}) } else { json!({"disabled": true}) };
        let elsewhere = there.same(&bob.0);
        let requests = [(ann.0.clone(), path_of(&bob.1)), (elsewhere, path_of(&ann.1))].map(|(client, path)| {
            let change = change.clone();
            async move { client.patch(&path, change).await.status.as_u16() }
        });
        let mut statuses = at_once(requests.into_iter()).await;
        statuses.sort_unstable();
        // Whoever came second was none any more, or would have been the last one to go.
        assert!(statuses[0] == 200 && [401, 409].contains(&statuses[1]), "{statuses:?}");
        let left = "select id::text from users where role = 'admin' and disabled_at is null";
        let left = here.texts(left).await;
        assert_eq!(left.len(), 1, "{statuses:?}");
        if ann.1["id"] != left[0].as_str() {
            std::mem::swap(&mut ann, &mut bob);
        }
        bob = user(&here, Role::Admin).await;
        there.sessions().poll_changes().await.unwrap();
    }
}

#[tokio::test]
async fn a_body_that_is_not_a_patch_changes_nothing() {
    let world = World::working().await;
    let (admin, _) = user(&world, Role::Admin).await;
    let (_, ann) = user(&world, Role::Customer).await;
    let send = async |media_type: &'static str, body: &'static str| {
        let request = admin.request(Method::PATCH, &path_of(&ann)).header("content-type", media_type);
        Answer::of(request.body(body)).await
    };
    send("text/plain", "{}").await.expect_problem(415, "unsupported_media_type");
    send("application/json", "{\"role\":").await.expect_problem(400, "malformed_request");
    for body in ["[]", "null", "7", "\"admin\""] {
        send("application/json", body).await.expect_problem(400, "validation_failed");
    }
    let request = admin.request(Method::PATCH, &format!("{}?role=admin", path_of(&ann)));
    let faults = Answer::of(request.header("content-type", "application/json").body("{}")).await.expect_faults();
    assert_eq!(faults, [("role".to_owned(), "unknown_field".to_owned())]);
    assert_eq!(send("application/json", "{}").await.expect(200)["version"], 1);
    assert_eq!(world.count("admin_acts").await, 0);
}
