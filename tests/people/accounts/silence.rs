//! What is never told: a whole run's log holds no secret and nothing about people.
use loadmaster_accounts::Rotation;
use loadmaster_testkit::{Answer, NewFlight, World, freight::open_order, listening::Log};
use reqwest::Method;
use serde_json::{Value, json};

use super::{PASSWORD, bearer, log_in, log_out, refresh};

/// As much as the server can be made to tell, but for the test's own HTTP client.
const EVERYTHING: &str = "trace,hyper=info,hyper_util=info,reqwest=info";

const NEW_PASSWORD: &str = "battery staple horse";

/// Plays callers of all kinds, and things that go wrong; answers the secrets that came up.
async fn play(world: &World) -> Vec<String> {
    let client = world.anonymous();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let body = json!({"email": "annabella@forwarder.example", "password": PASSWORD, "name": "Annabella Smithson"});
    let first = client.post("/api/v1/auth/register", body.clone()).await.expect(201);
    client.post("/api/v1/auth/register", body).await.expect_problem(409, "already_exists");
    log_in(&client, "annabella@forwarder.example", "WrongPassword77").await.expect_problem(401, "invalid_credentials");
    let second = refresh(&client, &first["refresh_token"]).await.expect(200);
    let ann = bearer(world, &second);
    let key = ann.post("/api/v1/api-keys", json!({"name": "scanner"})).await.expect(201);
    let program = world.anonymous().with_token(key["key"].as_str().unwrap());
    world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let party =
        json!({"name": "Secretive Shipper", "street": "Hidden Lane 7", "phone": "+4930555777", "email": "x@y.zz"});
    let mut order = open_order("DEL", "LHR");
    order["shipper"] = party.clone();
    order["consignee"] = party;
    order["description"] = json!("Confidential goods");
    let booking = program.book(order.clone()).await;
    order["weight_kg"] = json!(-1);
    program.post("/api/v1/bookings", order.clone()).await.expect_faults();
    program
        .patch(&loadmaster_testkit::freight::path_of(&booking), json!({"shipper": {"name": ""}}))
        .await
        .expect_faults();
    let change = json!({"current": PASSWORD, "new": NEW_PASSWORD});
    ann.post("/api/v1/auth/password", change).await.expect(204);
    let form = format!("grant_type=password&username=annabella@forwarder.example&password={NEW_PASSWORD}");
    let third = client.post_raw("/api/v1/auth/token", "application/x-www-form-urlencoded", form).await.expect(200);
    let pass = client.poke("/api/v1/auth/guest").await.expect(200);
    let guest = bearer(world, &pass);
    let mut hold = order.clone();
    (hold["weight_kg"], hold["contact"]) = (json!(1), json!({"name": "Secretive Guest", "email": "x@y.zz"}));
    let hold = guest.post("/api/v1/holds", hold).await.expect(201);
    let hold = format!("/api/v1/holds/{}", text(&hold["id"]));
    guest.patch(&hold, json!({"contact": {"phone": "+4930555777"}})).await.expect(200);
    let claimed = guest.post(&format!("{hold}/commit"), json!({})).await.expect(201);
    let claim = json!({"claim_token": claimed["claim"]["token"]});
    let [forged, used] = ["forged".into(), claim["claim_token"].clone()];
    client
        .post("/api/v1/auth/register", json!({"email": "bob@y.zz", "password": PASSWORD, "claim_token": forged}))
        .await
        .expect_problem(400, "invalid_token");
    ann.post("/api/v1/bookings/claim", claim.clone()).await.expect(200);
    ann.post("/api/v1/bookings/claim", json!({"claim_token": used})).await.expect_problem(400, "invalid_token");
    // The database fails in the middle of a booking: its details quote rows.
    world.sql("alter table booking_texts add constraint no_texts check (description is null) not valid").await;
    order["weight_kg"] = json!(1);
    program.post("/api/v1/bookings", order).await.expect_problem(500, "internal");
    let spoiled = format!("{}x", text(&second["access_token"]));
    world.anonymous().with_token(&spoiled).get("/health").await.expect_problem(401, "unauthenticated");
    let forged = client.request(Method::GET, "/api/v1/airports/DEL").header("x-request-id", "forged level=ERROR");
    Answer::of(forged).await.expect(200);
    world.clock.advance(chrono::TimeDelta::minutes(1));
    refresh(&client, &first["refresh_token"]).await.expect_problem(401, "unauthenticated");
    log_out(&client, &third["refresh_token"]).await.expect(204);
    world.tokens().rotate_keys(Rotation::InTurn).await.unwrap();

    let mut secrets: Vec<String> = [&first, &second, &third]
        .iter()
        .flat_map(|session| [text(&session["access_token"]), text(&session["refresh_token"])])
        .collect();
    secrets.push(text(&key["key"]));
    secrets.extend([text(&pass["access_token"]), text(&claim["claim_token"])]);
    secrets.push(spoiled);
    secrets
}

#[tokio::test]
async fn the_log_of_a_run_holds_no_secret_and_nothing_about_people() {
    let log = Log::of_the_process(EVERYTHING);
    let world = World::working().await;
    let mut secrets = play(&world).await;
    secrets.extend(world.texts("select encode(private_key, 'hex') from signing_keys").await);
    secrets.extend(world.texts("select password_hash from users where password_hash like '$%'").await);
    let log = log.text();
    assert!(log.lines().count() > 50, "it was listened to: {}", log.lines().count());
    assert!(log.contains("answered") && log.contains("internal error"), "also to what failed");
    let people = [
        PASSWORD,
        NEW_PASSWORD,
        "WrongPassword77",
        "annabella",
        "Annabella",
        "Smithson",
        "Secretive",
        "Hidden Lane",
        "4930555777",
        "x@y.zz",
        "Confidential",
        "level=ERROR",
    ];
    for hidden in secrets.iter().map(String::as_str).chain(people) {
        let line = log.lines().find(|line| line.contains(hidden));
        assert!(line.is_none(), "{hidden} is in the log: {line:?}");
    }
    // Nor do parts of a token tell enough to make it whole.
    for secret in secrets.iter().filter(|secret| secret.len() > 40) {
        let part = &secret[secret.len() - 30..];
        assert!(!log.contains(part), "a part of a secret is in the log");
    }
}
