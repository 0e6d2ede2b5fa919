//! `docs/graphql.md` is right: each operation, each request of curl and each answer that it shows.
use loadmaster_testkit::{
    Client, Events, NewFlight, World,
    freight::{order, text},
};
use reqwest::Method;
use serde_json::{Value, json};

const GRAPHQL: &str = "/graphql";
/// What stands in the page for a booking and a flight.
const BOOKING: &str = "ACBKW3RT2";
const FLIGHT: &str = "0199e2a4-5c1b-7e44-9a0b-3f6d2c8e1b70";

/// An operation of the page, with the JSON that follows it.
struct Example {
    query: String,
    variables: Value,
    answer: Option<Value>,
}

/// The page, about this booking and its flight.
fn page(booking: &Value, flight: &Value) -> String {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/graphql.md")).unwrap();
    page.replace(BOOKING, text(booking, "ref_id")).replace(FLIGHT, text(flight, "id"))
}

/// The fenced blocks of the page: language and content.
fn blocks(page: &str) -> Vec<(&str, &str)> {
    let fenced = page.split("```").skip(1).step_by(2);
    fenced.map(|block| block.split_once('\n').expect("a block has lines")).collect()
}

fn examples(page: &str) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    for (language, content) in blocks(page) {
        if language == "graphql" {
            examples.push(Example { query: content.to_owned(), variables: Value::Null, answer: None });
        } else if language == "json" {
            let json: Value = serde_json::from_str(content).expect("JSON");
            let example = examples.last_mut().expect("it follows an operation");
            if json.get("data").is_some() { example.answer = Some(json) } else { example.variables = json }
        }
    }
    examples
}

/// The bodies that the page sends by curl.
fn bodies(page: &str) -> Vec<Value> {
    let shell = blocks(page).into_iter().filter(|(language, _)| *language == "sh");
    shell
        .map(|(_, content)| {
            let data = content.split_once("--data '").expect("it sends a body").1;
            serde_json::from_str(data.rsplit_once('\'').expect("a quoted body").0).expect("JSON")
        })
        .collect()
}

/// The value without its texts and numbers, and of lists the first entry alone.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), shape(value))).collect(),
        Value::Array(entries) => entries.iter().take(1).map(shape).collect(),
        Value::String(_) => json!("text"),
        Value::Number(_) => json!(0),
        plain => plain.clone(),
    }
}

/// A booking of this caller with its flight, on which there is room.
async fn shipped(world: &World, caller: &Client) -> (Value, Value) {
    let flight = world.flight(NewFlight::new("AI131", "DEL", "LHR").weight(10_000.0)).await;
    (caller.book(order(&[&flight])).await, flight)
}

#[tokio::test]
async fn the_operations_of_the_page_about_graphql_do_what_it_says() {
    let world = World::start().await;
    let customer = world.customer().await;
    let (booking, flight) = shipped(&world, &customer).await;
    let examples = examples(&page(&booking, &flight));
    assert!(examples.len() > 5, "{}", examples.len());
    let mut changes = 0;
    for Example { query, variables, answer } in examples {
        let body = json!({ "query": query, "variables": variables });
        let answered = customer.post(GRAPHQL, body.clone()).await.expect(200);
        let errors = answer.as_ref().and_then(|answer| answer.get("errors"));
        assert_eq!(answered.get("errors").is_some(), errors.is_some(), "{query}\n{answered}");
        if let Some(answer) = answer {
            assert_eq!(shape(&answered), shape(&answer), "{query}");
        }
        if query.starts_with("mutation") {
            changes += 1;
            let again = customer.post(GRAPHQL, body).await.expect(200);
            assert_eq!(again["data"], answered["data"], "{query}");
            assert_eq!(again["extensions"]["replayed"].as_array().map(Vec::len), Some(1), "{again}");
        }
    }
    assert_eq!(changes, 2);
    let booked = customer.get("/api/v1/bookings").await.expect(200);
    assert_eq!(booked.as_array().map(Vec::len), Some(2), "by the order and by the mutation: {booked}");
    let amended = customer.get(&format!("/api/v1/bookings/{}", text(&booking, "ref_id"))).await.expect(200);
    assert_eq!((&amended["pieces"], &amended["version"]), (&json!(11), &json!(2)));
}

#[tokio::test]
async fn the_requests_of_curl_on_the_page_about_graphql_are_answered_to_anyone() {
    let world = World::working().await;
    let (booking, flight) = shipped(&world, &world.customer().await).await;
    let (mut answers, mut streams) = (0, 0);
    let anyone = world.anonymous();
    for body in bodies(&page(&booking, &flight)) {
        if text(&body, "query").starts_with("subscription") {
            streams += 1;
            let request = anyone.request(Method::POST, GRAPHQL).json(&body);
            let first = Events::open(request).await.expect("next").await;
            assert_eq!(first.data["data"]["tracking"]["tracking"]["status"], "BOOKED", "{}", first.text);
        } else {
            answers += 1;
            let answered = anyone.post(GRAPHQL, body).await.expect(200);
            assert_eq!(answered["errors"], Value::Null, "{answered}");
            assert!(answered["data"]["airports"]["nodes"][0]["iataCode"].is_string(), "{answered}");
        }
    }
    assert_eq!((answers, streams), (1, 1));
}
