use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use loadmaster_accounts::Role;
use loadmaster_platform::seal::SealKey;
use loadmaster_testkit::{
    Client, Events, World, WorldOptions,
    freight::{order, path_of, text},
};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use super::{follow, follow_booking, path_of_flight, roomy};

const TICKETS: &str = "/api/v1/stream-tickets";

async fn ticket(client: &Client, path: &str) -> String {
    let answer = client.post(TICKETS, json!({ "path": path })).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    text(&answer.expect(201), "ticket").to_owned()
}

#[tokio::test]
async fn a_ticket_opens_its_path_for_its_caller_for_a_minute() {
    let world = World::working().await;
    let flight = roomy(&world).await;
    let (customer, stranger, anyone) = (world.customer().await, world.customer().await, world.anonymous());
    let booking = customer.book(order(&[&flight])).await;
    let path = format!("{}/stream", path_of(&booking));
    let issued = customer.post(TICKETS, json!({ "path": path })).await.expect(201);
    assert_eq!(issued["expires_at"], json!(world.now() + TimeDelta::seconds(60)));
    let mine = text(&issued, "ticket");
    let theirs = ticket(&stranger, &path).await;
    let of_flight = ticket(&customer, &format!("{}/stream", path_of_flight(&flight))).await;
    let with = |ticket: &str| format!("{path}?ticket={ticket}");
    anyone.get(&with(&theirs)).await.expect_problem(404, "not_found");
    for wrong in [of_flight.as_str(), "", "x", &mine[1..], customer.token.as_ref().unwrap()] {
        anyone.get(&with(wrong)).await.expect_problem(401, "unauthenticated");
    }
    world.clock.advance(TimeDelta::seconds(60));
    for _ in 0..2 {
        let mut stream = Events::open(anyone.request(Method::GET, &with(mine))).await;
        assert_eq!(stream.expect("booking").await.data["booking"]["ref_id"], booking["ref_id"]);
    }
    let mut back = Events::open(anyone.request(Method::GET, &format!("{}&last_event_id=7", with(mine)))).await;
    back.expect("reset").await;
    world.clock.advance(TimeDelta::seconds(1));
    anyone.get(&with(mine)).await.expect_problem(401, "unauthenticated");
}

/// A ticket for a path, without a session, by whoever reads the database.
async fn forged(world: &World, path: &str, role: &str) -> String {
    let mut owner = world.owner().await;
    let key = sqlx::query_scalar::<_, Vec<u8>>("select value from server_secrets where name = 'reference_key'");
    let key: [u8; 32] = key.fetch_one(&mut owner).await.unwrap().try_into().unwrap();
    world.give_back(owner);
    let (until, id) = (world.now() + TimeDelta::minutes(1), Uuid::new_v4());
    let content =
        json!({"path": path, "until": until, "user": id, "organization": id, "role": role, "credential": "Guest"});
    URL_SAFE_NO_PAD.encode(SealKey::new(&key).seal("live.ticket", content.to_string().as_bytes()))
}

#[tokio::test]
async fn a_ticket_that_names_no_session_gives_no_more_than_a_guest_has() {
    let world = World::working().await;
    let path = format!("{}/stream", path_of_flight(&roomy(&world).await));
    let (anyone, short) = (world.anonymous(), path.strip_prefix("/api/v1").unwrap());
    let ticket = forged(&world, short, "guest").await;
    Events::open(anyone.request(Method::GET, &format!("{path}?ticket={ticket}"))).await.expect("flight").await;
    for role in ["customer", "operator", "admin"] {
        let ticket = forged(&world, "/stream", role).await;
        let refused = anyone.get(&format!("/api/v1/stream?ticket={ticket}")).await;
        refused.expect_problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn with_a_key_of_its_own_an_installation_accepts_no_ticket_that_a_reader_of_the_database_sealed() {
    let key = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    let world = WorldOptions::working().set("secrets.key", key).start().await;
    let path = format!("{}/stream", path_of_flight(&roomy(&world).await));
    let (anyone, short) = (world.anonymous(), path.strip_prefix("/api/v1").unwrap());
    // What was sealed before the key was configured is accepted as long as it may live.
    let opens = async |ticket: String| {
        Events::open(anyone.request(Method::GET, &format!("{path}?ticket={ticket}"))).await.expect("flight").await;
    };
    opens(forged(&world, short, "guest").await).await;
    world.clock.advance(TimeDelta::days(30) + TimeDelta::days(1));
    opens(ticket(&world.customer().await, &path).await).await;
    let forged = forged(&world, short, "guest").await;
    anyone.get(&format!("{path}?ticket={forged}")).await.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn the_caller_of_a_ticket_gets_the_faults_of_the_other_parameters() {
    let world = World::working().await;
    let flight = roomy(&world).await;
    let (customer, stranger, anyone) = (world.customer().await, world.customer().await, world.anonymous());
    let operator = world.operator().await;
    let booking = customer.book(order(&[&flight])).await;
    let path = format!("{}/stream", path_of(&booking));
    for (caller, status, code) in [(&customer, 400, "validation_failed"), (&stranger, 404, "not_found")] {
        let ticket = ticket(caller, &path).await;
        anyone.get(&format!("{path}?ticket={ticket}&foo=1")).await.expect_problem(status, code);
    }
    anyone.get(&format!("{path}?ticket=x&foo=1")).await.expect_problem(401, "unauthenticated");
    anyone.get(&format!("{path}?foo=1")).await.expect_problem(401, "unauthenticated");
    for (caller, status, code) in [(&operator, 400, "validation_failed"), (&customer, 403, "forbidden")] {
        let ticket = ticket(caller, "/stream").await;
        let path = format!("/api/v1/stream?ticket={ticket}&station=QQQ");
        anyone.get(&path).await.expect_problem(status, code);
    }
}

#[tokio::test]
async fn tickets_are_for_streams_and_for_known_callers() {
    let world = World::working().await;
    let customer = world.customer().await;
    for path in ["/api/v1/bookings", "nonsense", "/api/v1/users/x/stream"] {
        let faults = customer.post(TICKETS, json!({ "path": path })).await.expect_faults();
        assert_eq!(faults, [("/path".to_owned(), "unknown_value".to_owned())], "{path}");
    }
    assert_eq!(customer.post(TICKETS, json!({})).await.expect_faults()[0].1, "required");
    world.anonymous().post(TICKETS, json!({"path": "/stream"})).await.expect_problem(401, "unauthenticated");
    let of_customer = ticket(&customer, "/api/v1/stream").await;
    let path = format!("/api/v1/stream?ticket={of_customer}");
    world.anonymous().get(&path).await.expect_problem(403, "forbidden");
    let of_staff = ticket(&world.operator().await, "/stream?types=loadmaster.flight.*").await;
    let path = format!("/api/v1/stream?types=loadmaster.flight.*&ticket={of_staff}");
    Events::open(world.anonymous().request(Method::GET, &path)).await;
}

#[tokio::test]
async fn a_stream_ends_with_the_access_of_its_caller() {
    let world = World::working().await;
    let flight = roomy(&world).await;
    let (user, organization) = (Uuid::new_v4(), Uuid::new_v4());
    let customer = world.caller_in(Role::Customer, user, organization).await;
    let booking = customer.book(order(&[&flight])).await;
    let key = customer.post("/api/v1/api-keys", json!({"name": "stream"})).await;
    let mut streams = vec![follow_booking(&customer, &booking, None).await];
    let waiting = ticket(&customer, &format!("{}/stream", path_of(&booking))).await;
    let mut other = follow_booking(&world.operator().await, &booking, None).await;
    let answer = world.admin().await.patch(&format!("/api/v1/users/{user}"), json!({"disabled": true})).await;
    answer.expect(200);
    for stream in &mut streams {
        stream.expect("booking").await;
        assert!(stream.next().await.is_none(), "it ends");
    }
    let path = format!("{}/stream?ticket={waiting}", path_of(&booking));
    world.anonymous().get(&path).await.expect_problem(401, "unauthenticated");
    other.expect("booking").await;
    world.operator().await.walk(&booking, &["depart"]).await;
    other.expect("booking").await;
    drop(key);
}

#[tokio::test]
async fn a_stream_ends_with_its_api_key() {
    let world = World::working().await;
    let flight = roomy(&world).await;
    let customer = world.customer().await;
    let made = customer.post("/api/v1/api-keys", json!({"name": "stream"})).await.expect(201);
    let keyed = world.anonymous().with_token(text(&made, "key"));
    let mut stream = follow(&keyed, &path_of_flight(&flight), None).await;
    let mut own = follow(&customer, &path_of_flight(&flight), None).await;
    customer.delete(&format!("/api/v1/api-keys/{}", text(&made, "id"))).await.expect(204);
    stream.end().await;
    own.expect("flight").await;
    own.expect("availability").await;
    world.customer().await.book(order(&[&flight])).await;
    own.expect("availability").await;
}

#[tokio::test]
async fn a_stream_of_a_key_ends_when_its_user_moves() {
    let world = World::working().await;
    let flight = roomy(&world).await;
    let (user, other) = (Uuid::new_v4(), Uuid::new_v4());
    let customer = world.caller_in(Role::Customer, user, Uuid::new_v4()).await;
    world.caller_in(Role::Customer, Uuid::new_v4(), other).await;
    let made = customer.post("/api/v1/api-keys", json!({"name": "stream"})).await.expect(201);
    let keyed = world.anonymous().with_token(text(&made, "key"));
    let mut stream = follow(&keyed, &path_of_flight(&flight), None).await;
    let moved = json!({"organization_id": other});
    world.admin().await.patch(&format!("/api/v1/users/{user}"), moved).await.expect(200);
    stream.end().await;
}
