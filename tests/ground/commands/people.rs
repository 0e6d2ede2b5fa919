//! Commands about users and keys.
use loadmaster_testkit::{NewFlight, TestDatabase, World, command::loadmaster, freight::open_order};
use serde_json::{Value, json};

use super::run;

const EMAIL: &str = "ann@forwarder.example";
const PASSWORD: &str = "correct horse battery";

async fn register(world: &World, email: &str) -> Value {
    let body = json!({"email": email, "password": PASSWORD, "name": "Annabella Smithson"});
    world.anonymous().post("/api/v1/auth/register", body).await.expect(201)
}

#[tokio::test]
async fn users_are_listed_promoted_disabled_and_enabled() {
    let world = World::start().await;
    let session = register(&world, EMAIL).await;
    let listed = run(&world.database, &["user", "list"]).await.succeeded();
    assert!(listed.contains(EMAIL) && listed.contains("customer"), "{listed}");
    let told = run(&world.database, &["user", "set-role", "--email", "ANN@forwarder.example", "--role", "admin"]).await;
    assert!(told.succeeded().contains("admin"));
    let login = json!({"email": EMAIL, "password": PASSWORD});
    let promoted = world.anonymous().post("/api/v1/auth/login", login.clone()).await.expect(200);
    assert_eq!(promoted["user"]["role"], "admin");
    for arguments in [
        ["user", "disable", "--email", EMAIL].as_slice(),
        &["user", "set-role", "--email", EMAIL, "--role", "customer"],
    ] {
        let complaint = run(&world.database, arguments).await.complained();
        assert!(complaint.contains("last administrator"), "{complaint}");
    }
    run(&world.database, &["user", "create", "--email", "root@example.com", "--role", "admin"]).await.succeeded();
    run(&world.database, &["user", "disable", "--email", EMAIL]).await.succeeded();
    world.anonymous().post("/api/v1/auth/login", login.clone()).await.expect_problem(403, "account_disabled");
    world.sessions().poll_changes().await.unwrap();
    let ann = world.anonymous().with_token(session["access_token"].as_str().unwrap());
    ann.get("/api/v1/auth/me").await.expect_problem(401, "unauthenticated");
    run(&world.database, &["user", "enable", "--email", EMAIL]).await.succeeded();
    world.anonymous().post("/api/v1/auth/login", login).await.expect(200);
    let unknown = run(&world.database, &["user", "disable", "--email", "bob@example.com"]).await.complained();
    assert!(unknown.contains("bob@example.com"), "{unknown}");
    let acts = world.texts("select act || ' ' || (actor_id is null) from admin_acts order by id").await;
    let changed = "user.changed true";
    assert_eq!(acts, [changed, "user.created true", changed, changed]);
}

#[tokio::test]
async fn a_person_is_exported_and_erased_and_the_books_stay() {
    let world = World::start().await;
    world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let session = register(&world, EMAIL).await;
    let ann = world.anonymous().with_token(session["access_token"].as_str().unwrap());
    let mut order = open_order("DEL", "LHR");
    order["shipper"] = json!({"name": "Secretive Shipper", "phone": "+4930555777"});
    order["description"] = json!("Confidential goods");
    let booking = ann.post_under("once", "/api/v1/bookings", &order).await.expect(201);
    let path = format!("/api/v1/bookings/{}", booking["ref_id"].as_str().unwrap());
    ann.post(&format!("{path}/cancel"), json!({"reason": "Confidential reason"})).await.expect(200);
    ann.post("/api/v1/api-keys", json!({"name": "Annabella's scanner"})).await.expect(201);
    ann.patch("/api/v1/auth/me", json!({"language": "de", "weight_unit": "lb", "home_airport": "DEL"}))
        .await
        .expect(200);
    let bystander = register(&world, "bob@forwarder.example").await;

    let export = run(&world.database, &["user", "export", "--email", EMAIL]).await.succeeded();
    let export: Value = serde_json::from_str(&export).unwrap();
    assert_eq!(export["account"]["email"], EMAIL);
    assert_eq!((&export["account"]["language"], &export["account"]["weight_unit"]), (&json!("de"), &json!("lb")));
    assert_eq!(export["account"]["home_airport"], "DEL");
    assert_eq!(export["account"]["last_login_at"], json!(world.now().date_naive()));
    assert_eq!(export["account"]["organization"]["name"], "Annabella Smithson");
    assert_eq!(export["bookings"][0]["shipper"]["name"], "Secretive Shipper");
    assert_eq!(export["bookings"][0]["notes"], json!(["Confidential reason"]));
    assert_eq!(export["api_keys"][0]["name"], "Annabella's scanner");
    assert_eq!(export["sessions"].as_array().unwrap().len(), 1);
    assert!(!export.to_string().contains("hash"), "no secret is among it");

    let erase = ["user", "erase", "--email", EMAIL, "--yes"];
    assert!(run(&world.database, &erase[..4]).await.complained().contains("--yes"));
    let before = world.texts("select e::text from booking_events e order by e.sequence").await;
    assert!(run(&world.database, &erase).await.succeeded().contains("1 bookings"));
    world.sessions().poll_changes().await.unwrap();
    ann.get("/api/v1/auth/me").await.expect_problem(401, "unauthenticated");
    let login = json!({"email": EMAIL, "password": PASSWORD});
    world.anonymous().post("/api/v1/auth/login", login).await.expect_problem(401, "invalid_credentials");

    let choices = "select weight_unit || coalesce(language, home_airport, last_login_on::text, '') from users where erased_at is not null";
    assert_eq!(world.texts(choices).await, ["kg"]);
    let blank = world.operator().await.get(&path).await.expect(200);
    assert_eq!([&blank["shipper"], &blank["description"]], [&Value::Null; 2]);
    assert_eq!((&blank["status"], &blank["weight_kg"]), (&json!("CANCELLED"), &json!(100)));
    let after = world.texts("select e::text from booking_events e order by e.sequence").await;
    assert_eq!(after[..before.len()], before, "what has happened stays, and being blanked is added");
    let tables = world
        .texts(
            "select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition",
        )
        .await;
    for table in tables {
        let rows = world.texts(&format!("select t::text from {table} t")).await.concat();
        for gone in ["ann@forwarder", "Annabella's", "Secretive", "4930555777", "Confidential"] {
            assert!(!rows.contains(gone), "{gone} is in {table}");
        }
    }
    let bob = world.anonymous().with_token(bystander["access_token"].as_str().unwrap());
    assert_eq!(bob.get("/api/v1/auth/me").await.expect(200)["name"], "Annabella Smithson", "others keep theirs");
    world.audit().await;
}

#[tokio::test]
async fn keys_are_rotated_and_listed_without_being_shown() {
    let database = TestDatabase::create().await;
    let first = run(&database, &["keys", "list"]).await.succeeded();
    assert_eq!(first.lines().count(), 2, "{first}");
    let told = run(&database, &["keys", "rotate"]).await.succeeded();
    let kid = told.split(' ').next().unwrap();
    let listed = run(&database, &["keys", "list"]).await.succeeded();
    assert!(listed.lines().nth(1).unwrap().starts_with(kid), "{listed}");
    assert_eq!(listed.lines().count(), 3, "{listed}");
    run(&database, &["keys", "rotate", "--compromised"]).await.succeeded();
    let configured = loadmaster(&["keys", "rotate"])
        .on(&database)
        .env("LOADMASTER_AUTH__ALGORITHM", "HS256")
        .env("LOADMASTER_AUTH__SECRET", "a secret of more than thirty-two bytes")
        .run()
        .await
        .complained();
    assert!(configured.contains("configured"), "{configured}");
}
