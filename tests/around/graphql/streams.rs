use loadmaster_testkit::{
    Client, Events, World, WorldOptions,
    freight::{order, path_of},
};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::live::roomy;

const BOOKING: &str =
    "subscription($ref: String!) { booking(refId: $ref) { reset event { sequence eventType } booking {
    refId status } } }";

fn request(client: &Client, query: &str, variables: &Value, last: Option<&str>) -> RequestBuilder {
    let request = client.request(Method::POST, "/graphql").header("content-type", "application/json");
    let request = request.body(json!({"query": query, "variables": variables}).to_string());
    match last {
        Some(last) => request.header("last-event-id", last),
        None => request,
    }
}

async fn follow(client: &Client, booking: &Value, last: Option<&str>) -> Events {
    Events::open(request(client, BOOKING, &json!({"ref": booking["ref_id"]}), last)).await
}

/// What a subscription answers that is not opened.
async fn refused(client: &Client, query: &str, variables: &Value) -> Value {
    let request = request(client, query, variables, None).header("accept", "text/event-stream");
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    let text = response.text().await.unwrap();
    let (next, complete) = text.split_once("\n\n").unwrap();
    assert_eq!(complete, "event: complete\ndata:\n\n");
    let result = next.strip_prefix("event: next\ndata: ").unwrap();
    serde_json::from_str(result).unwrap()
}

#[tokio::test]
async fn a_booking_is_followed_and_after_a_restart_what_was_missed_comes() {
    let world = World::working().await;
    let flight = roomy(&world).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let booking = customer.book(order(&[&flight])).await;
    let mut stream = follow(&customer, &booking, None).await;
    let first = stream.expect("next").await;
    assert_eq!(first.data["data"]["booking"]["booking"], json!({"refId": booking["ref_id"], "status": "BOOKED"}));
    assert_eq!(first.data["data"]["booking"]["event"], Value::Null);
    operator.walk(&booking, &["depart"]).await;
    let second = stream.expect("next").await;
    assert_eq!(second.data["data"]["booking"]["event"]["eventType"], "DEPARTED");
    operator.walk(&booking, &["arrive"]).await;
    let database = world.database.clone();
    drop(stream);
    world.shutdown().await;
    let again = WorldOptions::working().on(&database).start().await;
    let mut stream = follow(&again.same(&customer), &booking, Some(&second.id)).await;
    let third = stream.expect("next").await;
    assert_eq!(third.data["data"]["booking"]["event"]["eventType"], "ARRIVED");
    assert_eq!(third.data["data"]["booking"]["booking"]["status"], "ARRIVED");
    let mut lost = follow(&again.same(&customer), &booking, Some("999")).await;
    assert_eq!(lost.expect("next").await.data["data"]["booking"]["reset"], "unknown");
}

#[tokio::test]
async fn a_flight_and_a_shipment_are_followed_by_anyone() {
    let world = World::working().await;
    let flight = roomy(&world).await;
    let anyone = world.anonymous();
    let query =
        "subscription($id: UUID!) { flight(id: $id) { flight { flightNumber } availability { booked { weightKg } } } }";
    let mut stream = Events::open(request(&anyone, query, &json!({"id": flight["id"]}), None)).await;
    let first = stream.expect("next").await.data["data"]["flight"].take();
    assert_eq!(first, json!({"flight": {"flightNumber": "AI101"}, "availability": null}));
    let second = stream.expect("next").await.data["data"]["flight"].take();
    assert_eq!(second, json!({"flight": null, "availability": {"booked": {"weightKg": 0}}}));
    let booking = world.customer().await.book(order(&[&flight])).await;
    let third = stream.expect("next").await.data["data"]["flight"].take();
    assert_eq!(third["availability"], json!({"booked": {"weightKg": 100}}));
    let query = "subscription S($number: String!) { t: tracking(number: $number) { tracking { ...Shown } } }
        fragment Shown on Tracking { status legs { flight { flightNumber } } }";
    let mut stream = Events::open(request(&anyone, query, &json!({"number": booking["ref_id"]}), None)).await;
    let shown = stream.expect("next").await.data["data"]["t"]["tracking"].take();
    assert_eq!(shown, json!({"status": "BOOKED", "legs": [{"flight": {"flightNumber": "AI101"}}]}));
}

#[tokio::test]
async fn a_document_of_several_operations_is_followed_and_validated_as_a_whole() {
    let world = World::working().await;
    let flight = roomy(&world).await;
    let booking = world.customer().await.book(order(&[&flight])).await;
    let anyone = world.anonymous();
    let document = "query Read($number: String!) { tracking(number: $number) { ...Shown } me { ...Name } }
        mutation Cancel($number: String!) { cancel(refId: $number) { ...Booked } }
        subscription Follow($number: String!, $no: Boolean = false) { ...Root }
        fragment Root on Subscription { tracking(number: $number) { tracking { ...Shown } event @skip(if: $no) { __typename } }
            tracking(number: $number) { reset } }
        fragment Shown on Tracking { status } fragment Name on User { id } fragment Booked on Booking { refId }";
    let body = |document: &str| {
        let body = json!({"query": document, "operationName": "Follow", "variables": {"number": booking["ref_id"]}})
            .to_string();
        anyone.request(Method::POST, "/graphql").header("content-type", "application/json").body(body)
    };
    let mut stream = Events::open(body(document)).await;
    let shown = stream.expect("next").await.data["data"]["tracking"].take();
    assert_eq!(shown, json!({"tracking": {"status": "BOOKED"}, "event": null, "reset": null}));
    let wrong = document.replace("User { id }", "User { secret }");
    let request = body(&wrong).header("accept", "text/event-stream");
    loadmaster_testkit::Answer::of(request).await.expect_problem(400, "graphql_invalid");
}

#[tokio::test]
async fn a_refusal_is_the_only_event() {
    let world = World::working().await;
    let flight = roomy(&world).await;
    let booking = world.customer().await.book(order(&[&flight])).await;
    let variables = json!({"ref": booking["ref_id"]});
    for (client, code) in [(world.anonymous(), "unauthenticated"), (world.customer().await, "not_found")] {
        let result = refused(&client, BOOKING, &variables).await;
        assert_eq!(result["data"], json!({"booking": null}));
        assert_eq!(result["errors"][0]["path"], json!(["booking"]));
        assert_eq!(result["errors"][0]["extensions"]["code"], code);
    }
    let two = "subscription($ref: String!) { booking(refId: $ref) { reset } tracking(number: $ref) { reset } }";
    let request = request(&world.anonymous(), two, &variables, None).header("accept", "text/event-stream");
    loadmaster_testkit::Answer::of(request).await.expect_problem(400, "graphql_invalid");
}

#[tokio::test]
async fn streams_are_bounded_as_those_of_rest_and_together_with_them() {
    let world = WorldOptions::working().set("stream.max_per_caller", "2").start().await;
    let flight = roomy(&world).await;
    let customer = world.customer().await;
    let booking = customer.book(order(&[&flight])).await;
    let _first = follow(&customer, &booking, None).await;
    let _second = Events::open(customer.request(Method::GET, &format!("{}/stream", path_of(&booking)))).await;
    let result = refused(&customer, BOOKING, &json!({"ref": booking["ref_id"]})).await;
    assert_eq!(result["errors"][0]["extensions"]["code"], "too_many_streams");
    assert_eq!(result["errors"][0]["extensions"]["retry_after"], 1);
}

#[tokio::test]
async fn a_stream_ends_with_the_access_of_its_caller() {
    let world = World::working().await;
    let flight = roomy(&world).await;
    let (user, organization) = (uuid::Uuid::new_v4(), uuid::Uuid::new_v4());
    let customer = world.caller_in(loadmaster_accounts::Role::Customer, user, organization).await;
    let booking = customer.book(order(&[&flight])).await;
    let mut stream = follow(&customer, &booking, None).await;
    stream.expect("next").await;
    world.admin().await.patch(&format!("/api/v1/users/{user}"), json!({"disabled": true})).await.expect(200);
    stream.end().await;
}
