//! What callers send about themselves: nobody gives himself more than is his, and nothing of it breaks the log.
use loadmaster_accounts::Role;
use loadmaster_testkit::{Answer, NewFlight, World, freight::open_order};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{PASSWORD, bearer, me, register};

/// What a caller might slip in.
fn privileges() -> [(&'static str, Value); 10] {
    [
        ("role", json!("admin")),
        ("organization_id", json!(Uuid::nil())),
        ("id", json!(Uuid::nil())),
        ("version", json!(7)),
        ("disabled", json!(false)),
        ("created_at", json!("2020-01-01T00:00:00Z")),
        ("user_id", json!(Uuid::nil())),
        ("password_hash", json!("$argon2id$")),
        ("owner", json!("root")),
        ("__proto__", json!({"role": "admin"})),
    ]
}

/// All rows that a slipped-in member could change.
async fn rows(world: &World) -> Vec<String> {
    world
        .texts(
            "select u::text from users u union all select o::text from organizations o
             union all select k::text from api_keys k union all select b::text from bookings b
             union all select t::text from booking_texts t union all select r::text from refresh_tokens r
             union all select a::text from admin_acts a order by 1",
        )
        .await
}

#[tokio::test]
async fn a_role_an_organization_or_an_id_in_a_body_is_refused() {
    let world = World::start().await;
    world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let session = register(&world.anonymous(), "ann@forwarder.example", PASSWORD).await.expect(201);
    let (ann, admin) = (bearer(&world, &session), world.admin().await);
    let booking = loadmaster_testkit::freight::path_of(&ann.book(open_order("DEL", "LHR")).await);
    let key = ann.post("/api/v1/api-keys", json!({"name": "x"})).await.expect(201);
    let key = format!("/api/v1/api-keys/{}", key["id"].as_str().unwrap());
    let user = format!("/api/v1/users/{}", session["user"]["id"].as_str().unwrap());
    let cancel = format!("{booking}/cancel");
    let account = json!({"email": "bob@forwarder.example", "password": PASSWORD});
    let token = json!({"refresh_token": session["refresh_token"]});
    let passwords = json!({"current": PASSWORD, "new": "battery staple horse"});
    // With each, the members of its own that would else be slipped in.
    let requests: [(Method, &str, Value, &[&str]); 13] = [
        (Method::POST, "/api/v1/auth/register", account.clone(), &[]),
        (Method::POST, "/api/v1/auth/login", account, &[]),
        (Method::POST, "/api/v1/auth/refresh", token.clone(), &[]),
        (Method::POST, "/api/v1/auth/logout", token, &[]),
        (Method::POST, "/api/v1/auth/guest", json!({}), &[]),
        (Method::PATCH, "/api/v1/auth/me", json!({"name": "Ann"}), &[]),
        (Method::POST, "/api/v1/auth/password", passwords, &[]),
        (Method::POST, "/api/v1/bookings", open_order("DEL", "LHR"), &[]),
        (Method::PATCH, &booking, json!({"description": "x"}), &[]),
        (Method::POST, &cancel, json!({"reason": "x"}), &[]),
        (Method::POST, "/api/v1/api-keys", json!({"name": "y"}), &["role"]),
        (Method::PATCH, &key, json!({"rate_limit_per_minute": 7}), &[]),
        (Method::PATCH, &user, json!({"role": "operator"}), &["role", "organization_id", "disabled"]),
    ];
    let before = rows(&world).await;
    for (method, path, body, own) in requests {
        // What only an administrator may change is tried by one.
        let caller = if [&key, &user].contains(&&path.to_owned()) { &admin } else { &ann };
        for (member, value) in privileges().into_iter().filter(|(member, _)| !own.contains(member)) {
            let request = caller.request(method.clone(), path).header("content-type", "application/json");
            let body = loadmaster_testkit::freight::with(body.clone(), json!({member: value}));
            let faults = Answer::of(request.body(body.to_string())).await.expect_faults();
            assert_eq!(faults, [(format!("/{member}"), "unknown_field".to_owned())], "{method} {path}");
        }
    }
    for member in ["created_by", "status", "ref_id", "legs", "events"] {
        let faults = ann.post("/api/v1/bookings", json!({member: Uuid::nil()})).await.expect_faults();
        assert!(faults.contains(&(format!("/{member}"), "unknown_field".to_owned())), "{member}");
    }
    assert_eq!(rows(&world).await, before, "nothing changed");
    assert_eq!(me(&ann).await.expect(200), session["user"]);
}

#[tokio::test]
async fn a_foreign_booking_is_missing_for_every_operation() {
    let world = World::start().await;
    world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (owner, moving) = (Uuid::new_v4(), Uuid::new_v4());
    let ann = world.caller_in(Role::Customer, owner, Uuid::new_v4()).await;
    let stranger = world.customer().await;
    let booking = ann.book(open_order("DEL", "LHR")).await;
    let ref_id = booking["ref_id"].as_str().unwrap();
    let path = format!("/api/v1/bookings/{ref_id}");
    for (method, rest) in [
        (Method::GET, ""),
        (Method::GET, "/status"),
        (Method::GET, "/history"),
        (Method::PATCH, ""),
        (Method::POST, "/cancel"),
        (Method::DELETE, ""),
    ] {
        for address in [path.clone(), path.to_lowercase()] {
            let request = stranger.request(method.clone(), &format!("{address}{rest}"));
            let request = request.header("content-type", "application/json");
            let request = if method == Method::GET { request } else { request.body("{}") };
            Answer::of(request).await.expect_problem(404, "not_found");
        }
    }
    // An answer is not repeated to who has left the organization.
    let bob =
        world.caller_in(Role::Customer, moving, serde_json::from_value(booking["organization_id"].clone()).unwrap());
    let bob = bob.await;
    let describe = async |client: &loadmaster_testkit::Client| {
        let request = client.request(Method::PATCH, &path).header("idempotency-key", "once");
        Answer::of(request.header("content-type", "application/json").body("{\"description\":\"x\"}")).await
    };
    describe(&bob).await.expect(200);
    let elsewhere = json!({"organization_id": me(&stranger).await.expect(200)["organization_id"]});
    world.admin().await.patch(&format!("/api/v1/users/{moving}"), elsewhere.clone()).await.expect(200);
    describe(&bob).await.expect_problem(401, "token_expired");
    let organization = serde_json::from_value(elsewhere["organization_id"].clone()).unwrap();
    let follower = world.anonymous().with_token(&world.token(Role::Customer, moving, organization));
    describe(&follower).await.expect_problem(404, "not_found");
    world.audit().await;
}

#[tokio::test]
async fn control_characters_reach_neither_accounts_nor_answers() {
    let world = World::start().await;
    let client = world.anonymous();
    for name in ["a\nINFO forged line", "a\r\nb", "a\u{1b}[2Jb", "a\u{0}b", "a\u{85}b", "a\u{7f}b"] {
        let body = json!({"email": "ann@forwarder.example", "password": PASSWORD, "name": name});
        let faults = client.post("/api/v1/auth/register", body).await.expect_faults();
        assert_eq!(faults, [("/name".to_owned(), "invalid_format".to_owned())]);
        let body = json!({"email": format!("ann{name}@forwarder.example"), "password": PASSWORD});
        client.post("/api/v1/auth/register", body).await.expect_faults();
    }
    // An unknown member's name is told back, but never so that a log or terminal takes it for more than text.
    let mut body = json!({"email": "ann@forwarder.example", "password": PASSWORD});
    body["evil\n\u{1b}[31mname"] = json!(1);
    let problem = client.post("/api/v1/auth/register", body).await.expect_problem(400, "validation_failed");
    assert!(!problem["detail"].as_str().unwrap().chars().any(char::is_control), "{problem}");
}
