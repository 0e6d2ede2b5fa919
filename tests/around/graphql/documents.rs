use loadmaster_testkit::{NewFlight, WorldOptions, freight::order};
use reqwest::Method;
use serde_json::{Value, json};

use super::{data, refused, send};

#[tokio::test]
async fn an_answer_has_the_form_that_the_client_accepts() {
    let world = WorldOptions::default().start().await;
    let body = json!({"query": "{ airport(code: \"DEL\") { iataCode } }"}).to_string();
    let forms = [
        ("application/json", "application/json"),
        ("application/graphql-response+json, application/json;q=0.9", "application/graphql-response+json"),
        ("text/html", "application/json"),
    ];
    for (accept, kind) in forms {
        let request = world.anonymous().request(Method::POST, "/graphql").header("accept", accept);
        let request = request.header("content-type", "application/json").body(body.clone());
        let answer = loadmaster_testkit::Answer::of(request).await;
        assert_eq!(answer.header("content-type"), Some(kind), "{accept}");
        assert_eq!(answer.expect(200), json!({"data": {"airport": {"iataCode": "DEL"}}}));
    }
}

#[tokio::test]
async fn a_query_is_answered_as_events_to_a_client_that_accepts_these() {
    let world = WorldOptions::default().start().await;
    let request = world.anonymous().request(Method::POST, "/graphql").header("accept", "text/event-stream");
    let body = json!({"query": "{ airport(code: \"DEL\") { iataCode } }"}).to_string();
    let response = request.header("content-type", "application/json").body(body).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let text = response.text().await.unwrap();
    let expected = "event: next\ndata: {\"data\":{\"airport\":{\"iataCode\":\"DEL\"}}}\n\nevent: complete\ndata:\n\n";
    assert_eq!(text, expected);
}

#[tokio::test]
async fn a_document_names_its_operation_and_may_use_fragments_and_aliases() {
    let world = WorldOptions::default().start().await;
    let document = "query One($code: String!) { airport(code: $code) { ...Name } }
                    query Two { b: airport(code: \"LHR\") { ...Name } a: airport(code: \"DEL\") { ...Name } }
                    fragment Name on Airport { iataCode }";
    let ask = async |name: &str| {
        let body = json!({"query": document, "operationName": name, "variables": {"code": "DXB"}});
        world.anonymous().post("/graphql", body).await
    };
    assert_eq!(ask("One").await.expect(200)["data"]["airport"]["iataCode"], "DXB");
    let two = ask("Two").await;
    assert!(two.text.find("\"b\"") < two.text.find("\"a\""), "{}", two.text);
    assert_eq!(two.expect(200)["data"]["a"]["iataCode"], "DEL");
    let body =
        json!({"query": "{ me @skip(if: true) { id } }", "operationName": null, "variables": null, "extensions": {}});
    assert_eq!(world.anonymous().post("/graphql", body).await.expect(200), json!({"data": {}}));
    ask("Three").await.expect_problem(400, "graphql_invalid");
}

#[tokio::test]
async fn fields_of_fragments_are_in_the_order_of_the_document_and_obey_the_defaults_of_variables() {
    let world = WorldOptions::default().start().await;
    let query = "query($no: Boolean = false, $yes: Boolean = true) {
        ...Two d: airport(code: \"DEL\") { iataCode name @skip(if: $yes) ...Name @include(if: $no) }
        ... @include(if: $no) { e: airport(code: \"DEL\") { name } } a: airport(code: \"LHR\") { city } }
        fragment Two on Query { b: airport(code: \"DXB\") { iataCode } a: airport(code: \"LHR\") { iataCode } }
        fragment Name on Airport { name }";
    let answer = send(&world.anonymous(), query, json!({})).await;
    let places: Vec<Option<usize>> = ["\"b\"", "\"a\"", "\"d\""].iter().map(|key| answer.text.find(key)).collect();
    assert!(places.is_sorted() && places[0].is_some(), "{}", answer.text);
    let mut body = answer.expect(200);
    let city = body["data"]["a"]["city"].take();
    assert!(city.is_string(), "{city}");
    let expected = json!({"b": {"iataCode": "DXB"}, "a": {"iataCode": "LHR", "city": null}, "d": {"iataCode": "DEL"}});
    assert_eq!(body, json!({ "data": expected }));
}

#[tokio::test]
async fn an_argument_whose_variable_is_absent_is_as_if_it_were_not_there() {
    let world = WorldOptions::default().start().await;
    let query = "query($q: String, $first: Int, $after: String) {
        airports(q: $q, first: $first, after: $after) { nodes { iataCode } } }";
    let shown = data(&world.anonymous(), query, json!({"first": 3})).await;
    assert_eq!(shown["airports"]["nodes"].as_array().unwrap().len(), 3);
    let filtered = data(&world.anonymous(), query, json!({"q": "DEL", "first": 1})).await;
    assert_eq!(filtered["airports"]["nodes"].as_array().unwrap().len(), 1);
    for variables in [json!({}), json!({"code": null})] {
        let query = "query($code: String!) { airport(code: $code) { name } }";
        send(&world.anonymous(), query, variables).await.expect_problem(400, "graphql_invalid");
    }
}

#[tokio::test]
async fn pages_follow_each_other_by_their_cursors() {
    let world = WorldOptions::default().start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(customer.book(order(&[&flight])).await["ref_id"].clone());
    }
    made.reverse();
    let query = "query($after: String) { bookings(first: 2, after: $after, status: BOOKED) {
        totalCount edges { cursor node { refId } } nodes { refId } pageInfo { hasNextPage endCursor } } }";
    let first = data(&customer, query, json!({})).await["bookings"].take();
    assert_eq!(first["totalCount"], 3);
    assert_eq!(first["pageInfo"]["hasNextPage"], true);
    assert_eq!(first["edges"][0]["cursor"], Value::Null);
    assert_eq!(first["edges"][1]["cursor"], first["pageInfo"]["endCursor"]);
    let second = data(&customer, query, json!({"after": first["pageInfo"]["endCursor"]})).await["bookings"].take();
    assert_eq!(second["pageInfo"], json!({"hasNextPage": false, "endCursor": null}));
    let shown: Vec<&Value> = [&first, &second]
        .into_iter()
        .flat_map(|page| page["nodes"].as_array().unwrap())
        .map(|node| &node["refId"])
        .collect();
    assert_eq!(shown, made.iter().collect::<Vec<_>>());
    refused(&customer, query, json!({"after": "x"}), "invalid_cursor").await;
}

#[tokio::test]
async fn an_error_has_the_members_of_its_problem_and_the_other_fields_are_answered() {
    let world = WorldOptions::default().start().await;
    let customer = world.customer().await;
    let query = "{ me { role } gone: booking(refId: \"ACB000000000\") { refId } }";
    let body = send(&customer, query, json!({})).await.expect(200);
    assert_eq!(body["data"], json!({"me": {"role": "customer"}, "gone": null}));
    let error = &body["errors"][0];
    assert_eq!(error["path"], json!(["gone"]));
    assert_eq!(error["message"], error["extensions"]["detail"]);
    let problem = customer.get("/api/v1/bookings/ACB000000000").await.expect_problem(404, "not_found");
    for member in ["type", "title", "status", "code", "detail"] {
        assert_eq!(error["extensions"][member], problem[member], "{member}");
    }
    assert!(error["extensions"]["request_id"].as_str().is_some_and(|id| !id.is_empty()));
    let wrong = json!({"input": {"origin": "DEL", "destination": "XXX", "weightKg": -1}});
    let error = refused(
        &customer,
        "mutation($input: CreateBookingInput!) { book(input: $input) { __typename } }",
        wrong,
        "validation_failed",
    )
    .await;
    let pointers: Vec<&Value> =
        error["extensions"]["errors"].as_array().unwrap().iter().map(|fault| &fault["pointer"]).collect();
    assert!(pointers.contains(&&json!("/weight_kg")), "{error}");
}

#[tokio::test]
async fn without_the_setting_there_is_no_endpoint() {
    let world = WorldOptions::default().set("graphql.enabled", "false").start().await;
    send(&world.anonymous(), "{ me { id } }", json!({})).await.expect_problem(404, "not_found");
    world.anonymous().get("/graphql/schema").await.expect_problem(404, "not_found");
    let features = world.anonymous().get("/api/v1/info").await.expect(200)["features"].take();
    assert!(!features.as_array().unwrap().contains(&json!("graphql")), "{features}");
}

#[tokio::test]
async fn operations_are_counted_by_their_outcome() {
    let world = WorldOptions::default().start().await;
    let client = world.anonymous();
    send(&client, "{ airport(code: \"DEL\") { name } }", json!({})).await.expect(200);
    send(&client, "{ me { id } }", json!({})).await.expect(200);
    send(&client, "{ nothing }", json!({})).await.expect(400);
    for outcome in ["answered", "errors", "refused"] {
        let label = format!("outcome=\"{outcome}\"");
        let counted = loadmaster_testkit::sum_of(&client, "loadmaster_graphql_operations_total{", &label).await;
        assert_eq!(counted, 1, "{outcome}");
    }
}
