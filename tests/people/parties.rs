//! What an organization keeps for its next bookings: the parties of its address book, and booking templates.
mod templates;

use chrono::TimeDelta;
use loadmaster_accounts::Role;
use loadmaster_privacy::PrivacyService;
use loadmaster_testkit::{
    Answer, Client, World,
    freight::{at_once, each, text, with},
    jobs::run_again,
    parties::PARTIES,
};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

fn nordwerk() -> Value {
    json!({"name": "Nordwerk GmbH", "account_number": "4711", "street": "Am Wall 1", "city": "Bremen",
           "postal_code": "28195", "country_code": "de", "phone": "+49 (0)30 555777", "email": "dock@nordwerk.example"})
}

fn at(party: &Value) -> String {
    format!("{PARTIES}/{}", text(party, "id"))
}

/// Two customers of one organization, each with the id of the user.
async fn colleagues(world: &World) -> [(Client, Uuid); 2] {
    let (organization, ann, bob) = (Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4());
    [
        (world.caller_in(Role::Customer, ann, organization).await, ann),
        (world.caller_in(Role::Customer, bob, organization).await, bob),
    ]
}

#[tokio::test]
async fn a_party_is_entered_shown_changed_and_deleted() {
    let world = World::start().await;
    let customer = world.customer().await;
    let answer = customer.post(PARTIES, nordwerk()).await;
    assert_eq!(answer.header("etag"), Some("\"1\""));
    let location = answer.header("location").unwrap().to_owned();
    let made = answer.expect(201);
    assert_eq!(location, at(&made));
    let me = customer.get("/api/v1/auth/me").await.expect(200);
    let kept = json!({"country_code": "DE", "phone": "+4930555777", "organization_id": me["organization_id"],
                      "created_by": me["id"], "version": 1});
    for (member, value) in with(nordwerk(), kept).as_object().unwrap() {
        assert_eq!(&made[member], value, "{member}");
    }
    let seen = customer.get(&location).await;
    assert_eq!((seen.header("etag"), seen.header("cache-control")), (Some("\"1\""), Some("private, no-cache")));
    assert_eq!(seen.expect(200), made);

    let changed = customer.patch(&location, json!({"city": "Bremerhaven", "phone": null})).await.expect(200);
    assert_eq!(
        (&changed["city"], &changed["phone"], &changed["street"]),
        (&json!("Bremerhaven"), &Value::Null, &made["street"])
    );
    assert_eq!(changed["version"], 2);
    assert_eq!(
        customer.patch(&location, json!({"city": "Bremerhaven"})).await.expect(200),
        changed,
        "nothing has changed"
    );

    let deleted = customer.delete(&location).await;
    assert_eq!((deleted.status.as_u16(), deleted.text.as_str()), (204, ""));
    customer.get(&location).await.expect_problem(404, "not_found");
    customer.patch(&location, json!({"city": "Bremen"})).await.expect_problem(404, "not_found");
    customer.delete(&location).await.expect_problem(404, "not_found");
    assert_eq!(customer.get(PARTIES).await.expect(200), json!([]));
    assert_eq!(world.found(&["nordwerk"]).await, [""; 0], "what is left of it says nothing");
}

#[tokio::test]
async fn every_fault_of_a_party_is_reported_at_once() {
    let world = World::start().await;
    let customer = world.customer().await;
    let faults = json!({"name": " ", "account_number": "a\nb", "street": "", "city": "x".repeat(501), "postal_code": 1,
                        "country_code": "Germany", "phone": "12", "email": "dock", "colour": 1});
    let expected = [
        ("/account_number", "invalid_format"),
        ("/city", "too_long"),
        ("/colour", "unknown_field"),
        ("/country_code", "invalid_format"),
        ("/email", "invalid_format"),
        ("/name", "too_short"),
        ("/phone", "invalid_format"),
        ("/postal_code", "wrong_type"),
        ("/street", "too_short"),
    ];
    let expected = expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned()));
    assert_eq!(customer.post(PARTIES, faults.clone()).await.expect_faults(), expected);
    let made = customer.post(PARTIES, json!({"name": "Nordwerk"})).await.expect(201);
    assert_eq!(customer.patch(&at(&made), faults).await.expect_faults(), expected);
    let missing = [("/name".to_owned(), "required".to_owned())];
    assert_eq!(customer.post(PARTIES, json!({})).await.expect_faults(), missing);
    assert_eq!(customer.patch(&at(&made), json!({"name": null})).await.expect_faults(), missing);
    let unknown = customer.get(&format!("{PARTIES}?name=Nord")).await.expect_faults();
    assert_eq!(unknown, [("name".to_owned(), "unknown_field".to_owned())]);
    assert_eq!(customer.get(&at(&made)).await.expect(200), made);
}

#[tokio::test]
async fn an_address_book_is_its_organizations_for_the_carriers_staff_too() {
    let world = World::start().await;
    let [(ann, _), (bob, _)] = colleagues(&world).await;
    let made = ann.post(PARTIES, nordwerk()).await.expect(201);
    assert_eq!(bob.get(&at(&made)).await.expect(200), made);
    for stranger in [world.customer().await, world.operator().await, world.admin().await] {
        for (method, body) in [("GET", None), ("PATCH", Some(json!({"colour": 1}))), ("DELETE", None)] {
            let (method, tag) = (method.parse().unwrap(), [("if-match", "\"77\"")]);
            stranger.send(method, &at(&made), &tag, body.as_ref()).await.expect_problem(404, "not_found");
        }
        assert_eq!(stranger.get(PARTIES).await.expect(200), json!([]));
        let own = stranger.post(PARTIES, json!({"name": "Own"})).await.expect(201);
        assert_eq!(stranger.get(PARTIES).await.expect(200), json!([own]));
    }
    let guest = world.caller(Role::Guest).await;
    guest.post(PARTIES, nordwerk()).await.expect_problem(403, "forbidden");
    guest.get(PARTIES).await.expect_problem(403, "forbidden");
    world.anonymous().get(PARTIES).await.expect_problem(401, "unauthenticated");
    assert_eq!(bob.get(PARTIES).await.expect(200), json!([made]));
}

#[tokio::test]
async fn parties_are_found_by_a_part_of_their_names_newest_first() {
    let world = World::start().await;
    let customer = world.customer().await;
    for name in ["Nordwerk GmbH", "100%_Cargo", "NORD \\ Süd", "Sole Traders"] {
        customer.post(PARTIES, json!({"name": name, "city": "Nordhausen"})).await.expect(201);
    }
    let found = async |query: &str| {
        let parties = customer.get(&format!("{PARTIES}{query}")).await.expect(200);
        each(&parties, "name").into_iter().map(|name| name.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found("").await, ["Sole Traders", "NORD \\ Süd", "100%_Cargo", "Nordwerk GmbH"]);
    assert_eq!(found("?q=nord").await, ["NORD \\ Süd", "Nordwerk GmbH"]);
    // Signs of patterns are signs of names.
    assert_eq!(found("?q=%25_").await, ["100%_Cargo"]);
    assert_eq!(found("?q=%5C").await, ["NORD \\ Süd"]);
    assert_eq!(found("?q=d_w").await, [""; 0]);

    let first = customer.get(&format!("{PARTIES}?q=nord&limit=1")).await;
    let link = first.header("link").expect("a next page").to_owned();
    assert_eq!(each(&first.expect(200), "name"), ["NORD \\ Süd"]);
    let next = link.split(['<', '>']).nth(1).unwrap();
    let second = customer.get(&next[next.find("/api/").unwrap()..]).await.expect(200);
    assert_eq!(each(&second, "name"), ["Nordwerk GmbH"]);
}

#[tokio::test]
async fn a_change_of_another_version_is_refused_and_a_repeated_key_makes_one_party() {
    let world = World::start().await;
    let customer = world.customer().await;
    let once = async |body: &Value| customer.post_under("once", PARTIES, body).await;
    let made = once(&nordwerk()).await.expect(201);
    let again = once(&nordwerk()).await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.expect(201), made);
    once(&json!({"name": "Another"})).await.expect_problem(422, "idempotency_key_reused");
    assert_eq!(customer.get(PARTIES).await.expect(200), json!([made]));

    let path = at(&made);
    customer.change_if(Method::PATCH, &path, "\"1\"", json!({"city": "Kiel"})).await.expect(200);
    for (method, body) in [(Method::PATCH, json!({"city": "Bonn"})), (Method::DELETE, json!({}))] {
        customer.change_if(method, &path, "\"1\"", body).await.expect_problem(412, "version_mismatch");
    }
    let delete = async || {
        let request = customer.request(Method::DELETE, &path).header("idempotency-key", "away");
        Answer::of(request.header("if-match", "\"2\"")).await
    };
    assert_eq!(delete().await.status, 204);
    let repeated = delete().await;
    assert_eq!((repeated.status.as_u16(), repeated.header("idempotency-replayed")), (204, Some("true")));
    // What was answered about a deleted party is not repeated.
    once(&nordwerk()).await.expect_problem(404, "not_found");
    customer.change_if(Method::PATCH, &path, "\"1\"", json!({"color": "red"})).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn parties_entered_at_the_same_time_do_not_exceed_the_bound() {
    let world = World::start().await;
    let customer = world.customer().await;
    let first = customer.post(PARTIES, nordwerk()).await.expect(201);
    world.sql(&fill(text(&first, "organization_id"), 999)).await;
    let statuses = at_once((0..6).map(|_| {
        let customer = customer.clone();
        async move { customer.post(PARTIES, nordwerk()).await.status.as_u16() }
    }))
    .await;
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
}

/// Fills an organization's address book up to this number of parties, of which one is there.
fn fill(organization: &str, number: usize) -> String {
    format!(
        "insert into parties (id, organization_id, party, created_at, updated_at)
         select gen_random_uuid(), '{organization}', '{{\"name\": \"One of many\"}}', now(), now() from generate_series(2, {number})"
    )
}

#[tokio::test]
async fn an_address_book_has_a_thousand_parties_at_most() {
    let world = World::start().await;
    let customer = world.customer().await;
    let last = customer.post(PARTIES, nordwerk()).await.expect(201);
    world.sql(&fill(text(&last, "organization_id"), 1000)).await;
    let refused = customer.post(PARTIES, nordwerk()).await.expect_problem(409, "limit_reached");
    assert_eq!((&refused["what"], &refused["limit"]), (&json!("parties"), &json!(1000)));
    world.customer().await.post(PARTIES, nordwerk()).await.expect(201);
    customer.delete(&at(&last)).await;
    customer.post(PARTIES, nordwerk()).await.expect(201);
    customer.post(PARTIES, nordwerk()).await.expect_problem(409, "limit_reached");
}

#[tokio::test]
async fn the_id_of_a_deleted_party_is_forgotten_after_thirty_days() {
    let world = World::working().await;
    let customer = world.customer().await;
    let old = customer.post(PARTIES, nordwerk()).await.expect(201);
    customer.delete(&at(&old)).await;
    let deleted = "select id::text from parties where deleted_at is not null";
    world.clock.advance(TimeDelta::days(30));
    run_again(&world, "old_parties").await;
    assert_eq!(world.texts(deleted).await, [text(&old, "id")]);
    world.clock.advance(TimeDelta::seconds(1));
    run_again(&world, "old_parties").await;
    assert_eq!(world.texts(deleted).await, [""; 0]);
}

#[tokio::test]
async fn an_erased_person_leaves_the_address_book_to_colleagues_and_the_last_one_takes_it_along() {
    let world = World::start().await;
    let [(ann, ann_id), (bob, bob_id)] = colleagues(&world).await;
    let made = ann.post(PARTIES, nordwerk()).await.expect(201);
    let of_bob = bob.post(PARTIES, json!({"name": "Sole Traders"})).await.expect(201);
    let foreign = world.customer().await.post(PARTIES, json!({"name": "Foreign Freight"})).await.expect(201);
    let change = bob.request(Method::PATCH, &at(&made)).header("idempotency-key", "kept");
    let made = Answer::of(change.json(&json!({"city": "Kiel"}))).await.expect(200);

    let privacy: PrivacyService = world.state().service().unwrap();
    let export = privacy.export(ann_id.into()).await.unwrap();
    let [exported] = &export["address_book"].as_array().unwrap()[..] else { panic!("{}", export["address_book"]) };
    assert_eq!((&exported["id"], &exported["street"]), (&made["id"], &made["street"]));
    assert_eq!(exported["created_by_this_person"], true);

    assert_eq!(privacy.erase(ann_id.into()).await.unwrap(), 1);
    let kept = bob.get(&at(&made)).await.expect(200);
    assert_eq!(kept["created_by"], Value::Null);
    assert_eq!(without(&kept), without(&made), "the organization keeps it");
    assert_eq!(kept["version"], 3, "whoever has it cached asks again");
    assert_eq!(bob.get(PARTIES).await.expect(200), json!([of_bob, kept]));
    let changed = bob.patch(&at(&made), json!({"city": "Bonn"})).await.expect(200);
    assert_eq!(changed["created_by"], Value::Null);

    let export = privacy.export(bob_id.into()).await.unwrap();
    let own: Vec<_> = each(&export["address_book"], "created_by_this_person").into_iter().cloned().collect();
    assert_eq!(own, [json!(false), json!(true)], "all of the last member's organization");
    assert_eq!(privacy.erase(bob_id.into()).await.unwrap(), 2);
    assert_eq!(world.found(&["nordwerk", "sole traders"]).await, [""; 0]);
    let left = world.texts("select party ->> 'name' from parties where party is not null").await;
    assert_eq!(left, [text(&foreign, "name")]);
    assert_eq!(
        world.texts("select id::text from parties where created_by is null and deleted_at is null").await,
        [""; 0]
    );
    world.audit().await;
}

/// A party without what an erasure changes.
fn without(party: &Value) -> Value {
    let mut party = party.clone();
    for member in ["created_by", "version", "updated_at"] {
        party.as_object_mut().unwrap().remove(member);
    }
    party
}
