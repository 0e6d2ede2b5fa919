use loadmaster_testkit::{
    NewFlight, WorldOptions,
    freight::{BOOKINGS, order, path_of, with},
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{data, refused, send};

const BOOK: &str = "mutation($input: CreateBookingInput!, $key: String) {
    book(input: $input, idempotencyKey: $key) { ... on Booking { refId } } }";

/// An order of REST as an input of GraphQL.
fn input(order: &Value) -> Value {
    let members = order.as_object().unwrap().iter();
    members.map(|(name, value)| (camel(name), value.clone())).collect::<serde_json::Map<_, _>>().into()
}

fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |name, part| name + &part[..1].to_uppercase() + &part[1..])
}

#[tokio::test]
async fn a_booking_made_by_rest_is_replayed_by_graphql() {
    let world = WorldOptions::default().start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let wanted =
        with(order(&[&flight]), json!({"weight_kg": 100.50, "shipper": {"name": "Asha", "country_code": "IN"}}));
    let booking = customer.post_under("k1", BOOKINGS, &wanted).await.expect(201);
    let mut given = input(&wanted);
    given["shipper"] = json!({"countryCode": "IN", "name": "Asha"});
    let variables = json!({"input": given, "key": "k1"});
    let body = send(&customer, BOOK, variables.clone()).await.expect(200);
    assert_eq!(body["data"]["book"]["refId"], booking["ref_id"], "{body}");
    assert_eq!(body["extensions"]["replayed"], json!(["book"]));
    let mut other = variables;
    other["input"]["pieces"] = json!(3);
    refused(&customer, BOOK, other, "idempotency_key_reused").await;
    assert_eq!(customer.get(BOOKINGS).await.expect(200).as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_booking_made_by_graphql_is_replayed_by_rest() {
    let world = WorldOptions::default().start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let wanted = order(&[&flight]);
    let made = data(&customer, BOOK, json!({"input": input(&wanted), "key": "k1"})).await;
    let again = customer.post_under("k1", BOOKINGS, &wanted).await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.expect(201)["ref_id"], made["book"]["refId"]);
    let depart = "mutation($ref: String!) { depart(refId: $ref, idempotencyKey: \"k2\") { status version } }";
    let operator = world.operator().await;
    let departed = data(&operator, depart, json!({"ref": made["book"]["refId"]})).await;
    assert_eq!(departed["depart"]["status"], "DEPARTED");
    let path = format!("{}/depart", path_of(&json!({"ref_id": made["book"]["refId"]})));
    let again = operator.post_under("k2", &path, &json!({})).await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    again.expect(200);
}

#[tokio::test]
async fn a_precondition_is_that_of_rest() {
    let world = WorldOptions::default().start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let booking = customer.book(order(&[&flight])).await;
    let amend = "mutation($ref: String!, $tag: String) {
        amend(refId: $ref, input: {description: \"mangoes\"}, ifMatch: $tag) { description version } }";
    let with_tag = |tag: &str| json!({"ref": booking["ref_id"], "tag": tag});
    refused(&customer, amend, with_tag("9"), "version_mismatch").await;
    let first = data(&customer, amend, with_tag("1")).await["amend"].take();
    assert_eq!(first["description"], "mangoes");
    let tag = format!("\"{}\"", first["version"]);
    data(&customer, amend, with_tag(&tag)).await;
    data(&customer, amend, with_tag("*")).await;
}

#[tokio::test]
async fn the_headers_of_rest_are_refused_and_the_arguments_in_their_place_named() {
    let world = WorldOptions::default().start().await;
    let customer = world.customer().await;
    let body = json!({"query": "{ me { id } }"});
    for (header, value, argument) in [("idempotency-key", "k1", "`idempotencyKey`"), ("if-match", "\"1\"", "`ifMatch`")]
    {
        let answer = customer.send(Method::POST, "/graphql", &[(header, value)], Some(&body)).await;
        assert!(answer.text.contains(argument), "{}", answer.text);
        assert_eq!(answer.expect_faults(), [(header.to_owned(), "not_allowed".to_owned())]);
    }
}

#[tokio::test]
async fn null_clears_a_member_and_an_absent_one_stays() {
    let world = WorldOptions::default().start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let wanted = with(order(&[&flight]), json!({"description": "mangoes", "customer_reference": "A-7"}));
    let booking = customer.book(wanted).await;
    let amend = "mutation($ref: String!, $input: AmendBookingInput!) {
        amend(refId: $ref, input: $input) { description customerReference } }";
    let variables = json!({"ref": booking["ref_id"], "input": {"description": null}});
    let amended = data(&customer, amend, variables).await["amend"].take();
    assert_eq!(amended, json!({"description": null, "customerReference": "A-7"}));
}
