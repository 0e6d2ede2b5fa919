//! Erasing a person: nothing of it is left in any table, and the books are as they were.
use loadmaster_accounts::Role;
use loadmaster_privacy::{Erased, PrivacyService};
use loadmaster_testkit::{
    Client, NewFlight, World,
    command::loadmaster,
    freight::{open_order, path_of, with},
};
use reqwest::Method;
use serde_json::{Value, json};

const EMAIL: &str = "Annabella.Smithson@forwarder.example";
const PASSWORD: &str = "correct horse battery";

/// Parts of all that Annabella and her shipments say about people.
const TRACES: [&str; 14] = [
    "annabella",
    "smithson",
    "secretive",
    "hidden lane",
    "stealthtown",
    "4930555777",
    "acct-4711",
    "consignata",
    "private-77",
    "confidential",
    "whispered",
    "murmured",
    "ring at the back",
    "maidenname",
];

/// An e-mail address, a name and parties, each different from all else.
fn order() -> Value {
    let shipper = json!({"name": "Secretive Shipper", "account_number": "ACCT-4711", "street": "Hidden Lane 7",
                         "city": "Stealthtown", "phone": "+4930555777", "email": "secretive@shipper.example"});
    let texts = json!({"shipper": shipper, "consignee": {"name": "Consignata Ltd"},
                       "customer_reference": "private-77", "description": "Confidential goods"});
    with(open_order("DEL", "LHR"), texts)
}

/// Sends with an idempotency key, so that the answer is kept.
async fn keyed(client: &Client, method: Method, path: &str, body: Value) -> Value {
    let answer = client.send(method, path, &[("idempotency-key", "once")], Some(&body)).await;
    assert!(answer.status.is_success(), "{}", answer.text);
    answer.body
}

async fn register(world: &World, email: &str, name: &str) -> (Client, Value) {
    let body = json!({"email": email, "password": PASSWORD, "name": name});
    let session = world.anonymous().post("/api/v1/auth/register", body).await.expect(201);
    (world.anonymous().with_token(session["access_token"].as_str().unwrap()), session["user"].clone())
}

async fn command(world: &World, arguments: &[&str]) -> String {
    loadmaster(arguments).on(&world.database).run().await.succeeded()
}

/// Events and ledger, row by row.
async fn books(world: &World) -> Vec<String> {
    world
        .texts(
            "select e::text from booking_events e union all select f::text from flight_events f
             union all select l::text from capacity_ledger l union all select o::text from outbox o order by 1",
        )
        .await
}

/// Annabella's year: shipments in each state, a key, sessions, a change by an administrator, an operator's word.
async fn live(world: &World, ann: &Client, user: &Value) -> Vec<Value> {
    let operator = world.operator().await;
    let mut bookings = Vec::new();
    for number in 0..3 {
        world.clock.advance(chrono::TimeDelta::seconds(1));
        let booking = match number {
            0 => keyed(ann, Method::POST, "/api/v1/bookings", order()).await,
            _ => ann.book(order()).await,
        };
        bookings.push(booking);
    }
    keyed(ann, Method::PATCH, &path_of(&bookings[0]), json!({"description": "Confidential, ring at the back"})).await;
    // The staff's answer repeats the parties as well, by its own key.
    keyed(&operator, Method::PATCH, &path_of(&bookings[0]), json!({"customer_reference": "private-77 b"})).await;
    // And an answer whose address was written in another way.
    let encoded = path_of(&bookings[0]).replacen("ACB", "%41%63%42", 1);
    keyed(&world.operator().await, Method::PATCH, &encoded, json!({"customer_reference": "private-77 c"})).await;
    let depart = format!("{}/depart", path_of(&bookings[1]));
    keyed(&operator, Method::POST, &depart, json!({"notes": "Murmured by the driver"})).await;
    let cancel = format!("{}/cancel", path_of(&bookings[2]));
    keyed(ann, Method::POST, &cancel, json!({"reason": "Whispered reason"})).await;
    let key = ann.post("/api/v1/api-keys", json!({"name": "Annabella's scanner"})).await.expect(201);
    world.anonymous().with_token(key["key"].as_str().unwrap()).get("/api/v1/bookings").await.expect(200);
    let path = format!("/api/v1/users/{}", user["id"].as_str().unwrap());
    // The answer that is kept for the administrator bears her name.
    keyed(&world.admin().await, Method::PATCH, &path, json!({"role": "operator"})).await;
    bookings
}

#[tokio::test]
async fn an_erasure_leaves_no_personal_data_and_clean_books() {
    let world = World::start().await;
    world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (ann, user) = register(&world, EMAIL, "Annabella Smithson").await;
    let bookings = live(&world, &ann, &user).await;
    let traces = world.found(&TRACES).await;
    for trace in TRACES.iter().filter(|trace| **trace != "maidenname") {
        assert!(traces.iter().any(|place| place.starts_with(trace)), "the search sees {trace}: {traces:?}");
    }
    let before = books(&world).await;
    let told = command(&world, &["user", "erase", "--email", EMAIL, "--yes"]).await;
    assert!(told.contains("3 bookings"), "{told}");

    assert_eq!(world.found(&TRACES).await, [] as [&str; 0]);
    // What has happened stays, row by row. Being blanked is told of each booking: once, and to who follows it.
    let after = books(&world).await;
    assert!(before.iter().all(|row| after.contains(row)));
    assert_eq!(after.len(), before.len() + 2 * bookings.len());
    let told =
        world.texts("select event_type from booking_events order by created_at desc, sequence desc limit 3").await;
    assert_eq!(told, ["AMENDED"; 3]);
    world.audit().await;

    let operator = world.operator().await;
    for (booking, status) in bookings.iter().zip(["BOOKED", "DEPARTED", "CANCELLED"]) {
        let now = operator.get(&path_of(booking)).await.expect(200);
        assert_eq!((&now["status"], &now["weight_kg"]), (&json!(status), &booking["weight_kg"]));
        for member in ["shipper", "consignee", "description", "customer_reference"] {
            assert_eq!(now[member], Value::Null, "{member}");
        }
        assert!(now["version"].as_i64() > booking["version"].as_i64(), "who has it cached asks again");
    }
    // The address is free again, and whoever takes it is somebody else.
    let (_, again) = register(&world, EMAIL, "Annabella Smithson").await;
    assert_ne!(again["id"], user["id"]);
    let acts = world.texts("select act from admin_acts where subject_kind = 'user' order by id").await;
    assert_eq!(acts, ["user.changed", "user.erased"]);
    // What histories rebuild is what is there.
    let audit = command(&world, &["audit", "--rebuild"]).await;
    assert!(audit.contains("clean"), "{audit}");
}

#[tokio::test]
async fn an_erased_user_has_no_access_and_cannot_be_erased_again() {
    let world = World::start().await;
    let (ann, _) = register(&world, EMAIL, "Annabella Smithson").await;
    let key = ann.post("/api/v1/api-keys", json!({"name": "scanner"})).await.expect(201);
    let program = world.anonymous().with_token(key["key"].as_str().unwrap());
    program.get("/api/v1/bookings").await.expect(200);
    let login = json!({"email": EMAIL, "password": PASSWORD});
    let session = world.anonymous().post("/api/v1/auth/login", login.clone()).await.expect(200);
    command(&world, &["user", "erase", "--email", EMAIL, "--yes"]).await;
    world.sessions().poll_changes().await.unwrap();
    for caller in [&ann, &program] {
        caller.get("/api/v1/bookings").await.expect_problem(401, "unauthenticated");
    }
    let refresh = json!({"refresh_token": session["refresh_token"]});
    world.anonymous().post("/api/v1/auth/refresh", refresh).await.expect_problem(401, "unauthenticated");
    world.anonymous().post("/api/v1/auth/login", login).await.expect_problem(401, "invalid_credentials");
    for subcommand in ["erase", "export", "enable"] {
        let done = loadmaster(&["user", subcommand, "--email", EMAIL]).on(&world.database).run().await;
        assert!(done.complained().contains(EMAIL));
    }
}

#[tokio::test]
async fn an_erased_account_stays_dead() {
    let world = World::start().await;
    let (_, user) = register(&world, EMAIL, "Annabella Smithson").await;
    command(&world, &["user", "erase", "--email", EMAIL, "--yes"]).await;
    let remains = world.texts("select email from users where erased_at is not null").await.remove(0);
    let path = format!("/api/v1/users/{}", user["id"].as_str().unwrap());
    // It looks like any account that is not there, and nobody brings it back to life.
    let log_in = async || {
        let login = json!({"email": remains, "password": PASSWORD});
        world.anonymous().post("/api/v1/auth/login", login).await.expect_problem(401, "invalid_credentials")
    };
    log_in().await;
    let enabled = world.admin().await.patch(&path, json!({"disabled": false})).await;
    let enable = loadmaster(&["user", "enable", "--email", &remains]).on(&world.database).run().await;
    assert_ne!(enabled.status, 200, "{}", enabled.text);
    assert_eq!(enable.code, 1, "{}", enable.stdout);
    log_in().await;
}

/// The organization was named after her when she registered. She has another name since, and works elsewhere.
#[tokio::test]
async fn a_former_name_goes_with_its_person() {
    let world = World::start().await;
    let (ann, user) = register(&world, EMAIL, "Annabella Maidenname").await;
    ann.patch("/api/v1/auth/me", json!({"name": "Annabella Smithson"})).await.expect(200);
    let employer = world.customer().await.get("/api/v1/auth/me").await.expect(200)["organization_id"].clone();
    let path = format!("/api/v1/users/{}", user["id"].as_str().unwrap());
    world.admin().await.patch(&path, json!({"organization_id": employer})).await.expect(200);
    command(&world, &["user", "erase", "--email", EMAIL, "--yes"]).await;
    assert_eq!(world.found(&TRACES).await, [] as [&str; 0]);
}

#[tokio::test]
async fn erasing_a_member_of_a_shared_organization_erases_only_that_members_data() {
    let world = World::start().await;
    world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (ann, user) = register(&world, EMAIL, "Annabella Smithson").await;
    let organization = serde_json::from_value(user["organization_id"].clone()).unwrap();
    let bob = world.caller_in(Role::Customer, uuid::Uuid::new_v4(), organization).await;
    let theirs = with(open_order("DEL", "LHR"), json!({"shipper": {"name": "Colleague's Shipper"}}));
    let [anns, bobs] = [ann.book(order()).await, bob.book(theirs).await];
    ann.post(&format!("{}/cancel", path_of(&bobs)), json!({"reason": "Whispered by her"})).await.expect(200);
    bob.patch(&path_of(&anns), json!({"description": "Confidential, he says"})).await.expect(200);
    let export: Value = serde_json::from_str(&command(&world, &["user", "export", "--email", EMAIL]).await).unwrap();
    assert_eq!(export["bookings"].as_array().unwrap().len(), 1, "colleagues' shipments are theirs: {export}");
    command(&world, &["user", "erase", "--email", EMAIL, "--yes"]).await;
    // Shipments are the organization's; what she was called and what she wrote about others' is hers.
    let hers = ["annabella", "smithson", "whispered"];
    assert_eq!(world.found(&hers).await, [] as [&str; 0]);
    assert_eq!(bob.get(&path_of(&anns)).await.expect(200)["shipper"]["name"], "Secretive Shipper");
    let kept = bob.get(&path_of(&bobs)).await.expect(200);
    assert_eq!(kept["shipper"]["name"], "Colleague's Shipper");
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn an_export_contains_all_that_is_kept_and_no_secret() {
    let world = World::start().await;
    world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (ann, user) = register(&world, EMAIL, "Annabella Smithson").await;
    live(&world, &ann, &user).await;
    let printed = command(&world, &["user", "export", "--email", &EMAIL.to_lowercase()]).await;
    let lower = printed.to_lowercase();
    for trace in TRACES.iter().filter(|trace| **trace != "maidenname") {
        assert!(lower.contains(trace), "{trace} is not told: {printed}");
    }
    for secret in ["argon2", "lmk_", "lmr_", "hash"] {
        assert!(!lower.contains(secret), "{secret} is told: {printed}");
    }
    let export: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(export["account"]["id"], user["id"]);
    assert_eq!(export["account"]["role"], "operator");
    assert_eq!(export["bookings"].as_array().unwrap().len(), 3);
    assert!(!export["administrative_acts"].as_array().unwrap().is_empty());
    assert_eq!(world.texts("select act from admin_acts order by id desc limit 1").await, ["user.exported"]);
}

#[tokio::test]
async fn data_written_with_an_old_token_is_erased_later_if_it_is_the_persons_alone() {
    let world = World::start().await;
    world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (ann, user) = register(&world, EMAIL, "Annabella").await;
    let booking = ann.post("/api/v1/bookings", order()).await.expect(201);
    command(&world, &["user", "erase", "--email", EMAIL, "--yes"]).await;
    let waiting = "select kind || ' ' || payload || ' ' || (run_at > now() + interval '2 minutes') from jobs
                   where kind = 'erased_person'";
    assert_eq!(world.texts(waiting).await, [format!("erased_person {{\"user_id\": {}}} true", user["id"])]);

    // Another process took the token a moment longer.
    let late = "update booking_texts set description = 'Confidential, and late'";
    sqlx::query(late).execute(&mut world.database.owner().await).await.unwrap();
    let erased: Erased = serde_json::from_value(json!({"user_id": user["id"]})).unwrap();
    let privacy: PrivacyService = world.state().service().unwrap();
    privacy.sweep_again(erased).await.unwrap();
    assert_eq!(world.found(&["confidential"]).await, [""; 0]);
    let before = world.written().await;
    privacy.sweep_again(erased).await.unwrap();
    assert_eq!(world.written().await, before, "there was nothing left to do");
    world.audit_and_rebuild().await;

    // Whoever is moved there meanwhile keeps what is there.
    let organization = serde_json::from_value(booking["organization_id"].clone()).unwrap();
    let heir = world.caller_in(Role::Customer, uuid::Uuid::new_v4(), organization).await;
    let path = path_of(&booking);
    heir.patch(&path, json!({"description": "The heir's"})).await.expect(200);
    privacy.sweep_again(erased).await.unwrap();
    assert_eq!(heir.get(&path).await.expect(200)["description"], "The heir's");
}
