//! Keys that are none.
use loadmaster_testkit::{
    Answer, NewFlight, World,
    flight_verbs::path_to,
    freight::{BOOKINGS, order, path_of, with},
};
use reqwest::Method;
use serde_json::json;

use super::{HEADER, ask, book, effects, kept};

const NONE: [&str; 6] = ["", "\"\"", "a b", "a\tb", "caf\u{e9}", " \" \" "];

fn fault() -> (String, String) {
    ("Idempotency-Key".to_owned(), "invalid_format".to_owned())
}

#[tokio::test]
async fn a_key_that_is_none_is_a_fault_of_the_header() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let admin = world.admin().await;
    let path = path_of(&admin.book(order(&[&flight])).await);
    let flight_path = path_to(&flight);
    let before = effects(&world).await;
    let (change, wish) = (json!({"pieces": 9}), order(&[&flight]));
    let requests = [
        (Method::POST, BOOKINGS.to_owned(), Some(&wish)),
        (Method::PATCH, path.clone(), Some(&change)),
        (Method::POST, format!("{path}/depart"), None),
        (Method::POST, format!("{path}/cancel"), None),
        (Method::DELETE, path, None),
        (Method::POST, format!("{flight_path}/depart"), None),
        (Method::POST, format!("{flight_path}/cancel"), None),
    ];
    let long = "k".repeat(256);
    for (method, path, body) in &requests {
        for key in NONE.into_iter().chain([long.as_str()]) {
            let answer = ask(&admin, key, method.clone(), path, *body).await;
            assert_eq!(answer.body["errors"][0]["in"], "header", "{method} {path} {key:?}: {}", answer.text);
            assert_eq!(answer.body["errors"][0]["pointer"], json!(null));
            assert_eq!(answer.expect_faults(), [fault()], "{method} {path} {key:?}");
        }
    }
    let twice = admin.request(Method::POST, BOOKINGS).header(HEADER, "one").header(HEADER, "two");
    let twice = twice.header("content-type", "application/json").body(wish.to_string());
    assert_eq!(Answer::of(twice).await.expect_faults(), [fault()]);
    assert_eq!(effects(&world).await, before);
    assert_eq!(kept(&world).await, "0");
}

#[tokio::test]
async fn it_is_reported_with_all_other_faults() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let operator = world.operator().await;
    let wish = order(&[&flight]);
    let path = path_of(&operator.book(wish.clone()).await);
    let faults = book(&operator, "a b", &with(wish, json!({"pieces": 0, "weight": 1}))).await.expect_faults();
    let pair = |place: &str, code: &str| (place.to_owned(), code.to_owned());
    assert_eq!(faults, [pair("/pieces", "too_small"), pair("/weight", "unknown_field"), fault()]);

    let (path, headers) = (format!("{path}/depart?x=1"), [(HEADER, ""), ("if-match", "1")]);
    let answer = operator.send(Method::POST, &path, &headers, Some(&json!({"location": "D"}))).await;
    let mut expected =
        [pair("/location", "invalid_format"), fault(), pair("if-match", "invalid_format"), pair("x", "unknown_field")];
    expected.sort();
    assert_eq!(answer.expect_faults(), expected);

    let admin = world.admin().await;
    let request = admin.request(Method::POST, "/api/v1/flights/import?dry_run=perhaps").header(HEADER, "");
    let answer = Answer::of(request.header("content-type", "text/csv").body("")).await;
    assert_eq!(answer.expect_faults(), [fault(), pair("dry_run", "wrong_type")]);
}

#[tokio::test]
async fn authorization_and_existence_come_before_faults_of_the_key() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (customer, stranger) = (world.customer().await, world.customer().await);
    let cancel = format!("{}/cancel", path_of(&customer.book(order(&[&flight])).await));
    ask(&stranger, "", Method::POST, &cancel, None).await.expect_problem(404, "not_found");
    ask(&customer, "", Method::POST, &format!("{}/depart", path_to(&flight)), None)
        .await
        .expect_problem(403, "forbidden");
    ask(&world.anonymous(), "", Method::POST, &cancel, None).await.expect_problem(401, "unauthenticated");
}
