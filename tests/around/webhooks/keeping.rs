//! Making, reading, changing and deleting webhooks.
use loadmaster_accounts::Role;
use loadmaster_testkit::{World, freight::with};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{WEBHOOKS, at, colleagues, shown};

fn wanted() -> Value {
    json!({"url": "https://example.com/hook"})
}

#[tokio::test]
async fn a_webhook_is_made_shown_changed_and_deleted() {
    let world = World::start().await;
    let customer = world.customer().await;
    let answer = customer.post(WEBHOOKS, wanted()).await;
    assert_eq!((answer.header("etag"), answer.header("cache-control")), (Some("\"1\""), Some("no-store")));
    let location = answer.header("location").unwrap().to_owned();
    let made = answer.expect(201);
    assert_eq!(location, at(&made));
    assert!(made["secret"].as_str().is_some_and(|secret| secret.starts_with("whsec_") && secret.len() == 50));
    let expected = json!({
        "url": "https://example.com/hook", "description": null, "types": ["loadmaster.booking.*"], "origins": [],
        "destinations": [], "scope": "organization", "status": "ACTIVE", "disabled_reason": null,
        "failing_since": null, "last_success_at": null, "waiting": 0, "version": 1,
    });
    for (member, value) in expected.as_object().unwrap() {
        assert_eq!(&made[member], value, "{member}");
    }
    let seen = customer.get(&location).await;
    assert!(seen.header("etag").unwrap().starts_with("\"1-"));
    let mut without_secret = made.clone();
    without_secret.as_object_mut().unwrap().remove("secret");
    assert_eq!(seen.expect(200), without_secret, "the secret is shown once");

    let change = json!({"types": ["loadmaster.hold.created.v1", "loadmaster.payment.*"], "origins": ["DEL"],
                        "destinations": ["LHR", "JFK"], "description": "Goods in"});
    let changed = customer.patch(&location, change.clone()).await.expect(200);
    assert_eq!((&changed["version"], &changed["destinations"]), (&json!(2), &json!(["JFK", "LHR"])));
    let stale = customer.request(reqwest::Method::PATCH, &location).header("if-match", "\"1\"").json(&change);
    loadmaster_testkit::Answer::of(stale).await.expect_problem(412, "version_mismatch");
    let cleared = json!({"types": null, "origins": null, "destinations": null, "description": null});
    let cleared = customer.patch(&location, cleared).await.expect(200);
    assert_eq!((&cleared["types"], &cleared["origins"]), (&made["types"], &json!([])));
    assert_eq!(customer.patch(&location, json!({})).await.expect(200)["version"], 3, "nothing has changed");

    let off = customer.patch(&location, json!({"status": "DISABLED"})).await.expect(200);
    assert_eq!((&off["status"], &off["disabled_reason"]), (&json!("DISABLED"), &json!("manual")));
    for (path, body) in [("test", json!({})), ("resend", json!({"since": "2026-11-20T00:00:00Z"}))] {
        let told = customer.post(&format!("{location}/{path}"), body).await.expect_problem(409, "invalid_transition");
        assert_eq!((&told["from"], &told["allowed"]), (&json!("DISABLED"), &json!(["enable"])));
    }
    let on = customer.patch(&location, json!({"status": "ACTIVE"})).await.expect(200);
    assert_eq!((&on["status"], &on["disabled_reason"]), (&json!("ACTIVE"), &Value::Null));

    let deleted = customer.delete(&location).await;
    assert_eq!((deleted.status.as_u16(), deleted.text.as_str()), (204, ""));
    customer.get(&location).await.expect_problem(404, "not_found");
    customer.delete(&location).await.expect_problem(404, "not_found");
    assert_eq!(customer.get(WEBHOOKS).await.expect(200), json!([]));
}

#[tokio::test]
async fn all_faults_are_reported_together() {
    let world = World::start().await;
    let customer = world.customer().await;
    let faults = json!({"url": "http://example.com", "types": ["loadmaster.nothing.*"], "origins": ["QQQ"],
                        "scope": "mine", "colour": 1});
    let expected = [
        ("/colour", "unknown_field"),
        ("/origins/0", "unknown_value"),
        ("/scope", "unknown_value"),
        ("/types/0", "unknown_value"),
        ("/url", "not_allowed"),
    ];
    let told = customer.post(WEBHOOKS, faults).await.expect_faults();
    let expected: Vec<_> = expected.iter().map(|(at, code)| ((*at).to_owned(), (*code).to_owned())).collect();
    assert_eq!(told, expected);
    for types in
        [json!(["*"]), json!(["loadmaster.booking"]), json!(["loadmaster.book*"]), json!(["loadmaster.booking.booked"])]
    {
        let faults = customer.post(WEBHOOKS, with(wanted(), json!({"types": types}))).await.expect_faults();
        assert_eq!(faults, [("/types/0".to_owned(), "unknown_value".to_owned())]);
    }
    let none = customer.post(WEBHOOKS, with(wanted(), json!({"types": []}))).await.expect_faults();
    assert_eq!(none, [("/types".to_owned(), "too_short".to_owned())]);
    for types in [json!(["loadmaster.*"]), json!(["loadmaster.booking.booked.v1"]), json!(["loadmaster.webhook.*"])] {
        customer.post(WEBHOOKS, with(wanted(), json!({"types": types}))).await.expect(201);
    }
}

#[tokio::test]
async fn others_do_not_see_a_webhook_and_operators_see_all() {
    let world = World::start().await;
    let (owner, stranger, operator) = (world.customer().await, world.customer().await, world.operator().await);
    let webhook = owner.post(WEBHOOKS, wanted()).await.expect(201);
    let path = at(&webhook);
    for (method, path) in [
        ("GET", path.clone()),
        ("PATCH", path.clone()),
        ("DELETE", path.clone()),
        ("POST", format!("{path}/secret")),
        ("POST", format!("{path}/test")),
        ("GET", format!("{path}/deliveries")),
        ("GET", format!("{path}/deliveries/{}", Uuid::new_v4())),
        ("POST", format!("{path}/deliveries/{}/resend", Uuid::new_v4())),
        ("POST", format!("{path}/resend")),
    ] {
        let request = stranger.request(method.parse().unwrap(), &path);
        let request = if method == "GET" { request } else { request.json(&json!({})) };
        loadmaster_testkit::Answer::of(request).await.expect_problem(404, "not_found");
    }
    assert_eq!(stranger.get(WEBHOOKS).await.expect(200), json!([]));
    assert_eq!(operator.get(&path).await.expect(200)["id"], webhook["id"]);
    let organization = webhook["organization_id"].as_str().unwrap();
    let found = operator.get(&format!("{WEBHOOKS}?organization_id={organization}&status=ACTIVE")).await.expect(200);
    assert_eq!(found.as_array().unwrap().len(), 1);
    assert_eq!(operator.get(&format!("{WEBHOOKS}?status=FAILING")).await.expect(200), json!([]));
    world.caller(Role::Guest).await.post(WEBHOOKS, wanted()).await.expect_problem(403, "forbidden");
}

#[tokio::test]
async fn everybodys_messages_are_for_operators() {
    let world = World::start().await;
    let customer = world.customer().await;
    let all = with(wanted(), json!({"scope": "all"}));
    customer.post(WEBHOOKS, all.clone()).await.expect_problem(403, "forbidden");
    let webhook = customer.post(WEBHOOKS, wanted()).await.expect(201);
    customer.patch(&at(&webhook), json!({"scope": "all"})).await.expect_problem(403, "forbidden");
    world.operator().await.post(WEBHOOKS, all).await.expect(201);
}

#[tokio::test]
async fn a_customer_may_only_disable_or_delete_what_an_operator_changed_last() {
    let world = World::start().await;
    let (operator, customer) = colleagues(&world).await;
    let webhook = operator.post(WEBHOOKS, wanted()).await.expect(201);
    let path = at(&webhook);
    customer.get(&path).await.expect(200);
    for change in
        [json!({"description": "Mine"}), json!({"status": "ACTIVE"}), json!({"status": "DISABLED", "description": "x"})]
    {
        customer.patch(&path, change).await.expect_problem(403, "forbidden");
    }
    for verb in ["secret", "test"] {
        customer.poke(&format!("{path}/{verb}")).await.expect_problem(403, "forbidden");
    }
    assert_eq!(customer.patch(&path, json!({"status": "DISABLED"})).await.expect(200)["status"], "DISABLED");
    customer.patch(&path, json!({"status": "ACTIVE"})).await.expect_problem(403, "forbidden");
    operator.patch(&path, json!({"status": "ACTIVE"})).await.expect(200);
    assert_eq!(customer.delete(&path).await.status.as_u16(), 204);

    let own = customer.post(WEBHOOKS, wanted()).await.expect(201);
    operator.patch(&at(&own), json!({"description": "Theirs"})).await.expect(200);
    customer.patch(&at(&own), json!({"description": "Mine"})).await.expect_problem(403, "forbidden");
}

#[tokio::test]
async fn an_organization_has_ten() {
    let world = World::start().await;
    let customer = world.customer().await;
    let made = loadmaster_testkit::freight::at_once((0..12).map(|_| customer.sending(WEBHOOKS, wanted()))).await;
    assert_eq!(made.iter().filter(|answer| answer.status == 201).count(), 10);
    let told = customer.post(WEBHOOKS, wanted()).await.expect_problem(409, "limit_reached");
    assert_eq!((&told["what"], &told["limit"]), (&json!("webhooks"), &json!(10)));
    let first = customer.get(WEBHOOKS).await.expect(200)[0].clone();
    customer.delete(&at(&first)).await;
    customer.post(WEBHOOKS, wanted()).await.expect(201);
}

#[tokio::test]
async fn what_answers_a_secret_ignores_the_key() {
    let world = World::start().await;
    let customer = world.customer().await;
    let ask = async |path: &str, body: Value| {
        let request = customer.request(reqwest::Method::POST, path).header("idempotency-key", "one").json(&body);
        loadmaster_testkit::Answer::of(request).await
    };
    let (one, other) = (ask(WEBHOOKS, wanted()).await.expect(201), ask(WEBHOOKS, wanted()).await.expect(201));
    assert_ne!(one["id"], other["id"]);
    let path = format!("{}/secret", at(&one));
    let (one, other) = (ask(&path, json!({})).await.expect(200), ask(&path, json!({})).await.expect(200));
    assert_ne!(one["secret"], other["secret"]);
    assert_eq!(world.count("idempotency_records").await, 0);
    for secret in [&one["secret"], &other["secret"]] {
        let secret = secret.as_str().unwrap().strip_prefix("whsec_").unwrap().to_lowercase();
        assert_eq!(world.found(&[&secret]).await, Vec::<String>::new(), "no table has it as it is");
    }
}

#[tokio::test]
async fn webhooks_are_exported_and_erased_with_their_person() {
    let world = World::start().await;
    let (user, organization) = (Uuid::new_v4(), Uuid::new_v4());
    let customer = world.caller_in(Role::Customer, user, organization).await;
    let mine = json!({"url": "https://example.com/of-jane", "description": "Jane's own"});
    let webhook = customer.post(WEBHOOKS, mine).await.expect(201);
    let admin = world.admin().await;
    _ = shown(&customer, &webhook).await;
    let privacy: loadmaster_privacy::PrivacyService = world.state().service().unwrap();
    let export = privacy.export(user.into()).await.unwrap();
    assert_eq!(export["webhooks"][0]["url"], "https://example.com/of-jane");
    assert!(export["webhooks"][0].get("secret").is_none());
    privacy.erase(user.into()).await.unwrap();
    admin.get(&at(&webhook)).await.expect_problem(404, "not_found");
    assert_eq!(world.found(&["of-jane", "jane's own"]).await, Vec::<String>::new());
}
