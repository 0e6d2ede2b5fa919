//! Documents that are known from other requests.
use loadmaster_testkit::{
    NewFlight, WorldOptions,
    freight::{order, path_of},
};
use serde_json::{Value, json};

use super::{data, refused, send};

/// What is wrong with a booking's input, and what is said of it.
fn wrong_inputs() -> Vec<(Value, &'static str)> {
    vec![
        (json!(null), "The variable `$input` is required."),
        (json!(5), "`$input` is no `CreateBookingInput`."),
        (json!([{}]), "`$input` is no `CreateBookingInput`."),
        (json!({"origin": "DEL"}), "`$input.destination` is required."),
        (json!({"origin": null, "destination": "LHR"}), "`$input.origin` must not be null."),
        (json!({"origin": "DEL", "destination": "LHR", "room": 1}), "`$input` has the unknown member `room`."),
        (json!({"origin": "DEL", "destination": "LHR", "pieces": "2"}), "`$input.pieces` is no `Int`."),
        (json!({"origin": "DEL", "destination": "LHR", "pieces": 3_000_000_000_u64}), "`$input.pieces` is no `Int`."),
        (
            json!({"origin": "DEL", "destination": "LHR", "flightIds": [null]}),
            "`$input.flightIds[0]` must not be null.",
        ),
    ]
}

#[tokio::test]
async fn values_that_do_not_fit_are_refused_before_a_known_mutation_begins() {
    let world = WorldOptions::default().start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let operator = world.operator().await;
    let query = "mutation($ref: String!, $input: CreateBookingInput!) {
        depart(refId: $ref) { status } book(input: $input) { ... on Booking { status } } }";
    let wrong = operator.book(order(&[&flight])).await;
    let mut made = json!({"origin": "DEL", "destination": "LHR", "pieces": 2, "weightKg": 10, "volumeM3": 1});
    made["flightIds"] = json!([flight["id"]]);
    // Unknown at first, then known.
    for _ in 0..2 {
        for (input, text) in wrong_inputs() {
            let refusal = send(&operator, query, json!({"ref": wrong["ref_id"], "input": input})).await;
            let problem = refusal.expect_problem(400, "graphql_invalid");
            assert_eq!(
                (&problem["errors"][0]["pointer"], &problem["detail"]),
                (&json!("/variables/input"), &json!(text))
            );
        }
        assert_eq!(operator.get(&path_of(&wrong)).await.expect(200)["status"], "BOOKED");
        let right = operator.book(order(&[&flight])).await;
        let done = data(&operator, query, json!({"ref": right["ref_id"], "input": made})).await;
        assert_eq!(done, json!({"depart": {"status": "DEPARTED"}, "book": {"status": "BOOKED"}}));
    }
}

#[tokio::test]
async fn arguments_that_do_not_fit_are_refused_wherever_they_stand() {
    let world = WorldOptions::default().start().await;
    let client = world.anonymous();
    for (query, variables, text) in [
        ("{ airports(first: 3000000000) { nodes { name } } }", json!({}), "`first` is no `Int` (line 1, column 19)."),
        (
            "query($code: String) { airport(code: $code) { name } }",
            json!({}),
            "`$code` is `String`, where `String!` is expected (line 1, column 38).",
        ),
        (
            "query($status: BookingStatus) { bookings(status: $status) { nodes { refId } } }",
            json!({"status": "LOST"}),
            "`$status` is no `BookingStatus`.",
        ),
    ] {
        for _ in 0..2 {
            let problem = send(&client, query, variables.clone()).await.expect_problem(400, "graphql_invalid");
            assert!(problem["detail"].as_str().unwrap().contains(text), "{query}: {problem}");
        }
    }
}

#[tokio::test]
async fn a_known_document_costs_what_its_variables_ask_for() {
    let options =
        WorldOptions::default().set("rate_limit.enabled", "true").set("rate_limit.anonymous_per_minute", "10");
    let world = options.start().await;
    let client = world.anonymous();
    let query = "query($first: Int) { airports(first: $first) { nodes { iataCode name city countryCode } } }";
    for (first, left) in [(1, "9"), (100, "6"), (1, "5")] {
        let answer = send(&client, query, json!({"first": first})).await;
        assert_eq!(answer.header("ratelimit-remaining"), Some(left));
        answer.expect(200);
    }
}

#[tokio::test]
async fn a_known_document_obeys_the_directives_of_each_request_and_names_its_operation() {
    let world = WorldOptions::default().start().await;
    let client = world.anonymous();
    let query = "query A($is: Boolean!) { airport(code: \"DEL\") { iataCode name @include(if: $is) } }
                 query B { airport(code: \"LHR\") { iataCode } }";
    for (name, is, shown) in [
        ("A", true, json!({"iataCode": "DEL", "name": "Indira Gandhi International Airport"})),
        ("A", false, json!({"iataCode": "DEL"})),
        ("B", true, json!({"iataCode": "LHR"})),
        ("A", false, json!({"iataCode": "DEL"})),
        ("B", false, json!({"iataCode": "LHR"})),
    ] {
        let body = json!({"query": query, "operationName": name, "variables": {"is": is}});
        assert_eq!(client.post("/graphql", body).await.expect(200)["data"]["airport"], shown, "{name} {is}");
    }
}

#[tokio::test]
async fn a_known_document_shows_each_caller_what_is_theirs() {
    let world = WorldOptions::default().start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (one, other) = (world.customer().await, world.customer().await);
    let booking = one.book(order(&[&flight])).await;
    let query =
        "query($ref: String!) { booking(refId: $ref) { a: flights { id } b: flights { number: flightNumber } } }";
    let variables = json!({"ref": booking["ref_id"]});
    let expected = json!({"booking": {"a": [{"id": flight["id"]}], "b": [{"number": "AI101"}]}});
    assert_eq!(data(&one, query, variables.clone()).await, expected);
    refused(&other, query, variables.clone(), "not_found").await;
    refused(&world.anonymous(), query, variables.clone(), "unauthenticated").await;
    assert_eq!(data(&world.operator().await, query, variables).await, expected);
}

#[tokio::test]
async fn a_question_about_a_type_that_is_not_there_is_null_beside_others() {
    let world = WorldOptions::default().start().await;
    let client = world.anonymous();
    let query = "query($no: String!) { a: __schema { queryType { name } } b: __type(name: $no) { name }
        airport(code: \"DEL\") { __typename } c: __type(name: \"Flight\") { kind } }";
    let body = send(&client, query, json!({"no": "Nothing"})).await.expect(200);
    let known = data(&client, query, json!({"no": "Booking"})).await;
    assert_eq!(known["b"], json!({"name": "Booking"}), "the plan is kept, and no answer");
    let airport = json!({"__typename": "Airport"});
    let expected =
        json!({"a": {"queryType": {"name": "Query"}}, "b": null, "airport": airport, "c": {"kind": "OBJECT"}});
    assert_eq!(body, json!({"data": expected}));
}
