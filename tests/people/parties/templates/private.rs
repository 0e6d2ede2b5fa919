//! Who sees templates, and what becomes of them with a person.
use loadmaster_accounts::Role;
use loadmaster_privacy::PrivacyService;
use loadmaster_testkit::{
    Answer, Client, World,
    freight::{each, text},
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{TEMPLATES, at, colleagues, kept_roses, roses};

/// Every operation on a template, with what would be refused of one's own.
async fn is_hidden(stranger: &Client, template: &Value) {
    for (method, body) in [("GET", None), ("PATCH", Some(json!({"colour": 1}))), ("DELETE", None)] {
        let (method, tag) = (method.parse().unwrap(), [("if-match", "\"77\"")]);
        stranger.send(method, &at(template), &tag, body.as_ref()).await.expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn templates_are_their_organizations_for_the_carriers_staff_too() {
    let world = World::start().await;
    let [(ann, _), (bob, _)] = colleagues(&world).await;
    let made = ann.post(TEMPLATES, roses()).await.expect(201);
    assert_eq!(bob.get(&at(&made)).await.expect(200), made);
    for stranger in [world.customer().await, world.operator().await, world.admin().await] {
        is_hidden(&stranger, &made).await;
        assert_eq!(stranger.get(TEMPLATES).await.expect(200), json!([]));
        let own = stranger.post(TEMPLATES, roses()).await.expect(201);
        assert_eq!(stranger.get(TEMPLATES).await.expect(200), json!([own]));
        assert_eq!(stranger.get(&format!("{TEMPLATES}?q=roses")).await.expect(200), json!([own]));
    }
    let guest = world.caller(Role::Guest).await;
    for caller in [guest, world.anonymous()] {
        let (status, code) = if caller.token.is_some() { (403, "forbidden") } else { (401, "unauthenticated") };
        caller.get(TEMPLATES).await.expect_problem(status, code);
        caller.post(TEMPLATES, roses()).await.expect_problem(status, code);
        caller.get(&at(&made)).await.expect_problem(status, code);
        caller.patch(&at(&made), json!({"pieces": 1})).await.expect_problem(status, code);
        caller.delete(&at(&made)).await.expect_problem(status, code);
    }
    assert_eq!(bob.get(TEMPLATES).await.expect(200), json!([made]));
    let changed = bob.patch(&at(&made), json!({"pieces": 1})).await.expect(200);
    assert_eq!(ann.get(&at(&made)).await.expect(200), changed);
}

#[tokio::test]
async fn a_key_of_a_customer_keeps_templates_and_one_of_a_guest_none() {
    let world = World::start().await;
    let customer = world.customer().await;
    let made = customer.post(TEMPLATES, roses()).await.expect(201);
    let key = async |body: Value| {
        let key = customer.post("/api/v1/api-keys", body).await.expect(201);
        world.anonymous().with_token(text(&key, "key"))
    };
    let erp = key(json!({"name": "erp"})).await;
    assert_eq!(erp.get(TEMPLATES).await.expect(200), json!([made]));
    let own = erp.post(TEMPLATES, json!({"name": "Of a key"})).await.expect(201);
    assert_eq!(customer.get(&at(&own)).await.expect(200), own);
    erp.patch(&at(&made), json!({"pieces": 1})).await.expect(200);
    erp.delete(&at(&made)).await;
    assert_eq!(customer.get(TEMPLATES).await.expect(200), json!([own]));
    let widget = key(json!({"name": "widget", "role": "guest"})).await;
    widget.get(TEMPLATES).await.expect_problem(403, "forbidden");
    widget.post(TEMPLATES, roses()).await.expect_problem(403, "forbidden");
}

#[tokio::test]
async fn a_disabled_user_reaches_no_template_and_colleagues_keep_them() {
    let world = World::start().await;
    let [(ann, ann_id), (bob, _)] = colleagues(&world).await;
    let made = ann.post(TEMPLATES, roses()).await.expect(201);
    let disabled = json!({"disabled": true});
    world.admin().await.patch(&format!("/api/v1/users/{ann_id}"), disabled).await.expect(200);
    ann.get(TEMPLATES).await.expect_problem(401, "unauthenticated");
    ann.post(TEMPLATES, json!({"name": "Later"})).await.expect_problem(401, "unauthenticated");
    ann.delete(&at(&made)).await.expect_problem(401, "unauthenticated");
    assert_eq!(bob.get(TEMPLATES).await.expect(200), json!([made]));
}

#[tokio::test]
async fn an_erased_person_leaves_templates_to_colleagues_and_the_last_one_takes_them_along() {
    let world = World::start().await;
    let [(ann, ann_id), (bob, bob_id)] = colleagues(&world).await;
    let made = ann.post(TEMPLATES, roses()).await.expect(201);
    let of_bob = bob.post(TEMPLATES, json!({"name": "Engines", "weight_kg": 20})).await.expect(201);
    let foreign = world.customer().await.post(TEMPLATES, json!({"name": "Foreign Freight"})).await.expect(201);
    let change = bob.request(Method::PATCH, &at(&made)).header("idempotency-key", "kept");
    let made = Answer::of(change.json(&json!({"product": "general"}))).await.expect(200);

    let privacy: PrivacyService = world.state().service().unwrap();
    let export = privacy.export(ann_id.into()).await.unwrap();
    let [exported] = &export["booking_templates"].as_array().unwrap()[..] else {
        panic!("{}", export["booking_templates"])
    };
    for member in kept_roses().as_object().unwrap().keys() {
        assert_eq!(exported[member], made[member], "{member}");
    }
    assert_eq!((&exported["id"], &exported["created_by_this_person"]), (&made["id"], &json!(true)));

    assert_eq!(privacy.erase(ann_id.into()).await.unwrap(), 1);
    assert_eq!(bob.get(&at(&made)).await.expect(200), made, "the organization keeps it");
    let creators =
        "select coalesce(created_by::text, 'nobody') from booking_templates where deleted_at is null order by id";
    assert_eq!(world.texts(creators).await[..2], ["nobody".to_owned(), bob_id.to_string()]);

    let export = privacy.export(bob_id.into()).await.unwrap();
    let own: Vec<_> = each(&export["booking_templates"], "created_by_this_person").into_iter().cloned().collect();
    assert_eq!(own, [json!(false), json!(true)], "all of the last member's organization");
    assert_eq!(export["booking_templates"][1]["id"], of_bob["id"]);
    assert_eq!(privacy.erase(bob_id.into()).await.unwrap(), 2);
    assert_eq!(world.found(&["nordwerk", "rose trade", "roses", "engines"]).await, [""; 0]);
    let left = world.texts("select name from booking_templates where name is not null").await;
    assert_eq!(left, [text(&foreign, "name")]);
    world.audit().await;
}
