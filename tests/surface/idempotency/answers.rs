//! What a repetition is told, and what it is not asked any more.
use loadmaster_testkit::{
    Answer, Client, NewFlight, World,
    flight_verbs::path_to,
    freight::{BOOKINGS, order, path_of},
};
use reqwest::Method;
use serde_json::json;

use super::{HEADER, ask, book, fresh, kept, poke, post, repeats};

async fn if_match(client: &Client, key: &str, path: &str, tag: &str) -> Answer {
    Answer::of(client.request(Method::POST, path).header(HEADER, key).header("if-match", tag)).await
}

#[tokio::test]
async fn a_step_that_was_taken_is_answered_again_though_it_could_not_be_taken_now() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let operator = world.operator().await;
    let path = path_of(&operator.book(order(&[&flight])).await);
    let mut told = Vec::new();
    for step in ["depart", "arrive", "deliver"] {
        told.push((step, fresh(poke(&operator, step, &format!("{path}/{step}")).await, 200)));
    }
    for (step, first) in told {
        repeats(&first, poke(&operator, step, &format!("{path}/{step}")).await);
        // Under another key it is another wish.
        let other = poke(&operator, "other", &format!("{path}/{step}")).await;
        other.expect_problem(409, "invalid_transition");
    }
    let now = operator.get(&format!("{path}?include=history")).await.expect(200);
    assert_eq!((&now["status"], &now["version"]), (&json!("DELIVERED"), &json!(4)));
    assert_eq!(now["events"].as_array().unwrap().len(), 4);
    world.audit().await;
}

#[tokio::test]
async fn the_version_is_not_checked_again() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (operator, admin) = (world.operator().await, world.admin().await);
    let path = path_of(&operator.book(order(&[&flight])).await);
    let depart = format!("{path}/depart");
    let first = fresh(if_match(&operator, "k", &depart, "\"1\"").await, 200);
    assert_eq!(first.header("etag"), Some("\"2\""));
    for tag in ["\"1\"", "\"2\"", "\"99\"", "*"] {
        repeats(&first, if_match(&operator, "k", &depart, tag).await);
    }
    repeats(&first, poke(&operator, "k", &depart).await);
    if_match(&operator, "other", &depart, "\"1\"").await.expect_problem(412, "version_mismatch");

    let cancel = format!("{}/cancel", path_to(&world.flight(NewFlight::new("AI103", "DEL", "LHR")).await));
    let first = fresh(if_match(&admin, "k", &cancel, "\"1-1\"").await, 200);
    repeats(&first, if_match(&admin, "k", &cancel, "\"1-1\"").await);
    if_match(&admin, "other", &cancel, "\"1-1\"").await.expect_problem(412, "version_mismatch");
    // But a header that cannot be read is told of each time.
    let faults = if_match(&operator, "k", &depart, "junk").await.expect_faults();
    assert_eq!(faults, [("if-match".to_owned(), "invalid_format".to_owned())]);
    world.audit().await;
}

#[tokio::test]
async fn a_change_that_changes_nothing_is_kept_too() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    let booking = customer.book(order(&[&flight])).await;
    let (path, same) = (path_of(&booking), json!({"pieces": booking["pieces"]}));
    let first = fresh(ask(&customer, "k", Method::PATCH, &path, Some(&same)).await, 200);
    assert_eq!(first.body["version"], 1);
    customer.patch(&path, json!({"pieces": 7})).await.expect(200);
    repeats(&first, ask(&customer, "k", Method::PATCH, &path, Some(&same)).await);
    assert_eq!(customer.get(&path).await.expect(200)["pieces"], 7);

    let (path, same) = (path_to(&flight), json!({"capacity": {"positions": 10}}));
    let first = fresh(ask(&admin, "k", Method::PATCH, &path, Some(&same)).await, 200);
    admin.patch(&path, json!({"capacity": {"positions": 12}})).await.expect(200);
    repeats(&first, ask(&admin, "k", Method::PATCH, &path, Some(&same)).await);
    assert_eq!(admin.get(&path).await.expect(200)["capacity"]["positions"], 12);
    world.audit().await;
}

#[tokio::test]
async fn the_key_counts_quoted_or_bare() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let wish = order(&[&flight]);
    let first = fresh(book(&customer, "8e03978e-40d5", &wish).await, 201);
    repeats(&first, book(&customer, "\"8e03978e-40d5\"", &wish).await);
    let longest = "k".repeat(255);
    let first = fresh(book(&customer, &format!("\"{longest}\""), &wish).await, 201);
    repeats(&first, book(&customer, &longest, &wish).await);
    // Upper and lower case are two.
    fresh(book(&customer, "8E03978E-40D5", &wish).await, 201);
    fresh(book(&customer, "!#$%&'()*+,-./:;<=>?@[]^_`{|}~", &wish).await, 201);
    world.audit().await;
}

/// No token and no password lies where the answers lie.
#[tokio::test]
async fn operations_that_create_secrets_ignore_the_key_and_store_nothing() {
    let world = World::start().await;
    let anyone = world.anonymous();
    let account = json!({"email": "ann@forwarder.example", "password": "correct horse battery"});
    let (register, login) = ("/api/v1/auth/register", "/api/v1/auth/login");
    fresh(post(&anyone, "k", register, &account).await, 201);
    post(&anyone, "k", register, &account).await.expect_problem(409, "already_exists");
    // Not even at one that is no good.
    for key in ["k", "k", "a b", "", &"k".repeat(300)] {
        fresh(post(&anyone, key, login, &account).await, 200);
    }
    let form = "grant_type=password&username=ann@forwarder.example&password=correct+horse+battery";
    for _ in 0..2 {
        let request = anyone.request(Method::POST, "/api/v1/auth/token").header(HEADER, "k");
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
        fresh(Answer::of(request).await, 200);
    }
    let search = json!({"origin": "DEL", "destination": "LHR", "departure_date": "2026-11-21"});
    for _ in 0..2 {
        fresh(post(&anyone, "k", "/api/v1/routes/search", &search).await, 200);
    }
    assert_eq!(kept(&world).await, "0");
}

#[tokio::test]
async fn reading_looks_at_no_key() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let booking = fresh(book(&customer, "k", &order(&[&flight])).await, 201).body;
    for path in [BOOKINGS, &path_of(&booking), &path_to(&flight)] {
        for key in ["k", "a b"] {
            fresh(ask(&customer, key, Method::GET, path, None).await, 200);
        }
    }
    assert_eq!(kept(&world).await, "1");
}
