//! Booking templates: what bookings of an organization have in common.
mod faults;
mod private;

use chrono::TimeDelta;
use loadmaster_testkit::{
    Answer, Client, World,
    freight::{at_once, each, text, texts, with},
    jobs::run_again,
    parties::TEMPLATES,
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{colleagues, nordwerk};

/// With all members, and not as it is kept.
fn roses() -> Value {
    json!({"name": "Roses to London", "origin": "del", "destination": "LHR", "weight_kg": 500.5, "pieces": 10,
           "volume_m3": 3.125, "description": "Roses\nin boxes", "special_handling_codes": ["PER", "COL", "PER"],
           "product": "express", "shipper": nordwerk(), "consignee": {"name": "Rose Trade Ltd"}})
}

/// A party that has nothing but a name.
fn named(name: &str) -> Value {
    json!({"name": name, "account_number": null, "street": null, "city": null, "postal_code": null, "country_code": null,
           "phone": null, "email": null})
}

/// What is kept of `roses`.
fn kept_roses() -> Value {
    let shipper = with(nordwerk(), json!({"country_code": "DE", "phone": "+4930555777"}));
    with(
        roses(),
        json!({"origin": "DEL", "special_handling_codes": ["COL", "PER"], "product": "EXPRESS", "shipper": shipper,
               "consignee": named("Rose Trade Ltd"), "dimensions": null}),
    )
}

/// A template without anything but its name, as it is shown.
fn empty(name: &str) -> Value {
    json!({"name": name, "origin": null, "destination": null, "weight_kg": null, "pieces": null, "volume_m3": null,
           "dimensions": null, "description": null, "special_handling_codes": [], "product": null, "shipper": null, "consignee": null})
}

fn at(template: &Value) -> String {
    format!("{TEMPLATES}/{}", text(template, "id"))
}

/// A template without what each has of its own.
fn content(template: &Value) -> Value {
    let mut content = template.clone();
    let members = content.as_object_mut().unwrap();
    for member in ["id", "created_at", "updated_at", "version"] {
        assert!(members.remove(member).is_some_and(|value| !value.is_null()), "{member}");
    }
    content
}

async fn names(client: &Client, query: &str) -> Vec<String> {
    let templates = client.get(&format!("{TEMPLATES}{query}")).await.expect(200);
    texts(&templates, "name")
}

#[tokio::test]
async fn a_template_keeps_each_member_or_none_but_its_name() {
    let world = World::start().await;
    let customer = world.customer().await;
    let answer = customer.post(TEMPLATES, roses()).await;
    assert_eq!(answer.header("etag"), Some("\"1\""));
    let location = answer.header("location").unwrap().to_owned();
    let full = answer.expect(201);
    assert_eq!((location, content(&full)), (at(&full), kept_roses()));
    assert_eq!(full["version"], 1);
    let seen = customer.get(&at(&full)).await;
    assert_eq!((seen.header("etag"), seen.header("cache-control")), (Some("\"1\""), Some("private, no-cache")));
    assert_eq!(seen.expect(200), full);

    let least = customer.post(TEMPLATES, json!({"name": "Anything"})).await.expect(201);
    assert_eq!(content(&least), empty("Anything"));
    let nulls = with(empty("Nulls"), json!({"special_handling_codes": null}));
    let nulls = customer.post(TEMPLATES, nulls).await.expect(201);
    assert_eq!(content(&nulls), empty("Nulls"));
    let parties = json!({"name": "Other way round", "shipper": named("Rose Trade Ltd"), "consignee": nordwerk()});
    let turned = customer.post(TEMPLATES, parties).await.expect(201);
    let parties = json!({"shipper": named("Rose Trade Ltd"), "consignee": kept_roses()["shipper"]});
    assert_eq!(content(&turned), with(empty("Other way round"), parties));
    let parties = json!({"name": "Nobody", "shipper": null, "consignee": named("Rose Trade Ltd")});
    let nobody = customer.post(TEMPLATES, parties).await.expect(201);
    for template in [&least, &nulls, &turned, &nobody] {
        assert_eq!(customer.get(&at(template)).await.expect(200), *template);
    }
    assert_eq!(customer.get(TEMPLATES).await.expect(200), json!([nobody, turned, nulls, least, full]));

    // Alone each of them, too.
    for (member, value) in roses().as_object().unwrap().iter().filter(|(member, _)| *member != "name") {
        let made = customer.post(TEMPLATES, json!({"name": member, member: value})).await.expect(201);
        assert_eq!(content(&made), with(empty(member), json!({member: kept_roses()[member]})), "{member}");
    }
    world.audit().await;
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_null_removes_it() {
    let world = World::start().await;
    let customer = world.customer().await;
    let path = at(&customer.post(TEMPLATES, json!({"name": "Anything"})).await.expect(201));
    let changed = customer.patch(&path, roses()).await;
    assert_eq!(changed.header("etag"), Some("\"2\""));
    let changed = changed.expect(200);
    assert_eq!(content(&changed), kept_roses());
    assert_eq!(customer.get(&path).await.expect(200), changed);
    for nothing in [json!({}), roses(), kept_roses()] {
        assert_eq!(customer.patch(&path, nothing).await.expect(200), changed, "nothing has changed");
    }

    // Members of parties are merged, too.
    let cleared = with(named(""), json!({"name": "Südwerk"}));
    let party = json!({"shipper": {"city": "Kiel"}, "consignee": with(cleared, json!({"email": "in@rose.example"}))});
    let merged = customer.patch(&path, party).await.expect(200);
    assert_eq!(merged["shipper"], with(kept_roses()["shipper"].clone(), json!({"city": "Kiel"})));
    assert_eq!(merged["consignee"], with(named("Südwerk"), json!({"email": "in@rose.example"})));
    let cleared = with(named(""), json!({"name": "Südwerk"}));
    let bare = customer.patch(&path, json!({"shipper": cleared, "consignee": cleared})).await.expect(200);
    assert_eq!((&bare["shipper"], &bare["consignee"]), (&named("Südwerk"), &named("Südwerk")));
    assert_eq!(customer.get(TEMPLATES).await.expect(200), json!([bare]));

    let turned = json!({"consignee": nordwerk(), "shipper": {"street": "Am Wall 1"}});
    let turned = customer.patch(&path, turned).await.expect(200);
    assert_eq!(turned["consignee"], kept_roses()["shipper"]);

    for (version, member) in (6..).zip(roses().as_object().unwrap().keys().filter(|member| *member != "name")) {
        let before = customer.get(&path).await.expect(200);
        let after = customer.patch(&path, json!({member: null})).await.expect(200);
        assert_eq!(content(&after), with(content(&before), json!({member: empty("")[member]})), "{member}");
        assert_eq!(after["version"], version, "{member}");
    }
    let all = customer.patch(&path, with(empty("Nothing"), json!({"special_handling_codes": null}))).await.expect(200);
    assert_eq!(content(&all), empty("Nothing"));
    assert_eq!(customer.get(&path).await.expect(200), all);
}

#[tokio::test]
async fn dimensions_bring_their_sums_along_and_agree_with_them() {
    let world = World::start().await;
    let customer = world.customer().await;
    let pallets = |height: i32| {
        json!([{"pieces": 4, "length_cm": 120, "width_cm": 80, "height_cm": height, "weight_kg": 50, "is_tiltable": false,
                "is_stackable": true}])
    };
    let made = customer.post(TEMPLATES, json!({"name": "Pallets", "dimensions": pallets(100)})).await.expect(201);
    let sums = json!({"pieces": 4, "weight_kg": 200, "volume_m3": 3.84, "dimensions": pallets(100)});
    assert_eq!(content(&made), with(empty("Pallets"), sums));
    let path = at(&made);
    assert_eq!(customer.get(&path).await.expect(200), made);
    let three = json!({"name": "Three", "pieces": 3, "dimensions": pallets(100)});
    let faults = customer.post(TEMPLATES, three).await.expect_faults();
    assert_eq!(faults, [("/dimensions".to_owned(), "inconsistent".to_owned())]);
    for (change, pointer) in [
        (json!({"pieces": 3}), "/dimensions"),
        (json!({"weight_kg": 190}), "/dimensions"),
        (json!({"volume_m3": 3.839}), "/dimensions"),
        (json!({"dimensions": pallets(110), "volume_m3": 3.84}), "/volume_m3"),
    ] {
        let faults = customer.patch(&path, change.clone()).await.expect_faults();
        assert_eq!(faults, [(pointer.to_owned(), "inconsistent".to_owned())], "{change}");
    }
    let packed = customer.patch(&path, json!({"volume_m3": 5})).await.expect(200);
    assert_eq!((&packed["volume_m3"], &packed["dimensions"]), (&json!(5), &pallets(100)));
    let higher = customer.patch(&path, json!({"dimensions": pallets(110)})).await.expect(200);
    assert_eq!((&higher["volume_m3"], &higher["dimensions"]), (&json!(4.224), &pallets(110)));
    let bare = customer.patch(&path, json!({"dimensions": null, "pieces": 3})).await.expect(200);
    assert_eq!((&bare["dimensions"], &bare["pieces"], &bare["volume_m3"]), (&Value::Null, &json!(3), &json!(4.224)));
}

#[tokio::test]
async fn a_deleted_template_is_gone_and_its_name_free() {
    let world = World::start().await;
    let customer = world.customer().await;
    let made = customer.post(TEMPLATES, roses()).await.expect(201);
    let deleted = customer.delete(&at(&made)).await;
    assert_eq!((deleted.status.as_u16(), deleted.text.as_str()), (204, ""));
    customer.get(&at(&made)).await.expect_problem(404, "not_found");
    customer.patch(&at(&made), json!({"product": null})).await.expect_problem(404, "not_found");
    customer.delete(&at(&made)).await.expect_problem(404, "not_found");
    assert_eq!(customer.get(TEMPLATES).await.expect(200), json!([]));
    assert_eq!(world.found(&["nordwerk", "roses", "rose trade"]).await, [""; 0], "what is left of it says nothing");
    let again = customer.post(TEMPLATES, roses()).await.expect(201);
    assert_ne!(again["id"], made["id"]);
}

#[tokio::test]
async fn templates_are_found_by_a_part_of_their_names_newest_first() {
    let world = World::start().await;
    let customer = world.customer().await;
    for name in ["Roses to London", "100%_Cargo", "ROSES \\ south", "Engines"] {
        let other = json!({"name": name, "description": "Roses", "shipper": {"name": "Rose Trade"}});
        customer.post(TEMPLATES, other).await.expect(201);
    }
    assert_eq!(names(&customer, "").await, ["Engines", "ROSES \\ south", "100%_Cargo", "Roses to London"]);
    assert_eq!(names(&customer, "?q=roses").await, ["ROSES \\ south", "Roses to London"]);
    // Signs of patterns are signs of names.
    assert_eq!(names(&customer, "?q=%25_").await, ["100%_Cargo"]);
    assert_eq!(names(&customer, "?q=%5C").await, ["ROSES \\ south"]);
    assert_eq!(names(&customer, "?q=e_g").await, [""; 0]);
    assert_eq!(names(&customer, "?limit=1&offset=3").await, ["Roses to London"]);

    let first = customer.get(&format!("{TEMPLATES}?q=roses&limit=1")).await;
    let link = first.header("link").expect("a next page").to_owned();
    assert_eq!(each(&first.expect(200), "name"), ["ROSES \\ south"]);
    let next = link.split(['<', '>']).nth(1).unwrap();
    let next = &next[next.find("/api/").unwrap()..];
    let second = customer.get(next).await;
    assert_eq!(second.header("link"), None);
    assert_eq!(each(&second.expect(200), "name"), ["Roses to London"]);
    world.customer().await.get(next).await.expect_problem(400, "invalid_cursor");
}

#[tokio::test]
async fn a_change_of_another_version_is_refused_and_a_repeated_key_makes_one_template() {
    let world = World::start().await;
    let customer = world.customer().await;
    let once = async |body: &Value| customer.post_under("once", TEMPLATES, body).await;
    let made = once(&roses()).await.expect(201);
    let again = once(&roses()).await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.expect(201), made);
    once(&json!({"name": "Another"})).await.expect_problem(422, "idempotency_key_reused");
    assert_eq!(customer.get(TEMPLATES).await.expect(200), json!([made]));

    let path = at(&made);
    let change = async || {
        let request = customer.request(Method::PATCH, &path).header("idempotency-key", "change");
        let request = request.header("if-match", "\"1\"").header("content-type", "application/json");
        Answer::of(request.body(json!({"pieces": 11}).to_string())).await
    };
    let changed = change().await.expect(200);
    assert_eq!((&changed["pieces"], &changed["version"]), (&json!(11), &json!(2)));
    let repeated = change().await;
    assert_eq!(repeated.header("idempotency-replayed"), Some("true"));
    assert_eq!(repeated.expect(200), changed);
    for (method, body) in [(Method::PATCH, json!({"pieces": 12})), (Method::DELETE, json!({}))] {
        customer.change_if(method, &path, "\"1\"", body).await.expect_problem(412, "version_mismatch");
    }
    assert_eq!(customer.get(&path).await.expect(200), changed);
    let delete = async || {
        let request = customer.request(Method::DELETE, &path).header("idempotency-key", "away");
        Answer::of(request.header("if-match", "\"2\"")).await
    };
    assert_eq!(delete().await.status, 204);
    let repeated = delete().await;
    assert_eq!((repeated.status.as_u16(), repeated.header("idempotency-replayed")), (204, Some("true")));
    // What was answered about a deleted template is not repeated.
    once(&roses()).await.expect_problem(404, "not_found");
    change().await.expect_problem(404, "not_found");
    customer.change_if(Method::PATCH, &path, "\"1\"", json!({"color": "red"})).await.expect_problem(404, "not_found");
}

/// Fills an organization up to this number of templates, of which one is there.
fn fill(organization: &str, number: usize) -> String {
    format!(
        "insert into booking_templates (id, organization_id, name, special_handling_codes, created_at, updated_at)
         select gen_random_uuid(), '{organization}', 'One of many ' || n, '{{}}', now(), now()
         from generate_series(2, {number}) n"
    )
}

async fn organization(client: &Client) -> String {
    text(&client.get("/api/v1/auth/me").await.expect(200), "organization_id").to_owned()
}

#[tokio::test]
async fn an_organization_has_two_hundred_templates_at_most() {
    let world = World::start().await;
    let customer = world.customer().await;
    let last = customer.post(TEMPLATES, roses()).await.expect(201);
    world.sql(&fill(&organization(&customer).await, 200)).await;
    let refused = customer.post(TEMPLATES, json!({"name": "Too many"})).await.expect_problem(409, "limit_reached");
    assert_eq!((&refused["what"], &refused["limit"]), (&json!("booking_templates"), &json!(200)));
    customer.patch(&at(&last), json!({"name": "Renamed"})).await.expect(200);
    world.customer().await.post(TEMPLATES, roses()).await.expect(201);
    customer.delete(&at(&last)).await;
    customer.post(TEMPLATES, roses()).await.expect(201);
    customer.post(TEMPLATES, json!({"name": "Too many"})).await.expect_problem(409, "limit_reached");
}

#[tokio::test]
async fn templates_made_at_the_same_time_do_not_exceed_the_bound() {
    let world = World::start().await;
    let customer = world.customer().await;
    customer.post(TEMPLATES, roses()).await.expect(201);
    world.sql(&fill(&organization(&customer).await, 199)).await;
    let statuses = at_once((0..6).map(|number| {
        let customer = customer.clone();
        async move { customer.post(TEMPLATES, json!({"name": format!("Last {number}")})).await.status.as_u16() }
    }))
    .await;
    assert_eq!(sorted(statuses), [201, 409, 409, 409, 409, 409]);
}

#[tokio::test]
async fn of_those_who_take_a_name_at_the_same_time_one_gets_it() {
    let world = World::start().await;
    let customer = world.customer().await;
    let statuses = at_once(["Weekly", "weekly", "WEEKLY", "Weekly"].into_iter().map(|name| {
        let customer = customer.clone();
        async move { customer.post(TEMPLATES, json!({"name": name})).await.status.as_u16() }
    }))
    .await;
    assert_eq!(sorted(statuses), [201, 409, 409, 409]);

    let mut paths = Vec::new();
    for name in ["One", "Two", "Three"] {
        paths.push(at(&customer.post(TEMPLATES, json!({"name": name})).await.expect(201)));
    }
    let statuses = at_once(paths.into_iter().map(|path| {
        let customer = customer.clone();
        async move { customer.patch(&path, json!({"name": "Daily"})).await.status.as_u16() }
    }))
    .await;
    assert_eq!(sorted(statuses), [200, 409, 409]);
    assert_eq!(names(&customer, "?q=daily").await, ["Daily"]);
}

fn sorted(mut statuses: Vec<u16>) -> Vec<u16> {
    statuses.sort_unstable();
    statuses
}

#[tokio::test]
async fn the_id_of_a_deleted_template_is_forgotten_after_thirty_days() {
    let world = World::working().await;
    let [(customer, _), _] = colleagues(&world).await;
    let old = customer.post(TEMPLATES, roses()).await.expect(201);
    let kept = customer.post(TEMPLATES, json!({"name": "In use"})).await.expect(201);
    customer.delete(&at(&old)).await;
    let all = "select id::text from booking_templates order by id";
    world.clock.advance(TimeDelta::days(30));
    run_again(&world, "old_parties").await;
    assert_eq!(world.texts(all).await, [text(&old, "id"), text(&kept, "id")]);
    world.clock.advance(TimeDelta::seconds(1));
    run_again(&world, "old_parties").await;
    assert_eq!(world.texts(all).await, [text(&kept, "id")], "one that is not deleted is kept, however old");
}
