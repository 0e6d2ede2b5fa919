use loadmaster_testkit::{Answer, Client, TestDatabase, World, WorldOptions};
use reqwest::Method;
use serde_json::{Value, json};

use super::{data, send};

const PAGE: &str = "bookings(first: 100) { nodes {";
/// The members of a booking that are text.
const TWENTY: &str =
    "a1: id a2: id a3: id a4: id a5: id a6: id a7: id a8: id a9: id a10: id a11: id a12: id a13: id a14: id
                      a15: id a16: id a17: id a18: id a19: id a20: id";

async fn raw(client: &Client, body: String) -> Answer {
    client.post_raw("/graphql", "application/json", body).await
}

fn query(text: &str) -> String {
    json!({ "query": text }).to_string()
}

/// Fields within each other.
fn nested(levels: usize) -> String {
    format!("{} id {}", "{ me ".repeat(levels - 1) + "{", "}".repeat(levels))
}

/// The types of the schema, asked for level by level.
fn introspection(levels: usize) -> String {
    let depth = levels - 3;
    format!("{{ __schema {{ types {{ {} kind {} }} }} }}", "ofType { ".repeat(depth), "}".repeat(depth))
}

/// Requests that are refused: what is wrong, the body, and the status and code of the refusal.
fn beyond_limits() -> Vec<(&'static str, String, u16, &'static str)> {
    let aliases: String = (0..1000).map(|number| format!("a{number}:id ")).collect();
    let operations: String = (0..10).map(|number| format!("query Q{number} {{ me {{ id }} }} ")).collect();
    let circle = "{ me { ...A } } fragment A on User { ...B } fragment B on User { ...A }";
    let wide: String =
        (0..30).map(|number| format!("fragment F{number} on User {{ ...F{0} ...F{0} }} ", number + 1)).collect();
    vec![
        ("complexity 2002", query(&format!("{{ {PAGE} {TWENTY} }} }} }}")), 400, "query_too_complex"),
        ("depth 11", query(&nested(11)), 400, "query_too_complex"),
        ("depth 10 of what is not there", query(&nested(10)), 400, "graphql_invalid"),
        ("1000 aliases", query(&format!("{{ me {{ {aliases} }} }}")), 400, "query_too_complex"),
        ("ten operations", json!({"query": operations, "operationName": "Q1"}).to_string(), 400, "query_too_complex"),
        ("a recursive fragment", query(circle), 400, "graphql_invalid"),
        (
            "fragments that double",
            query(&format!("{{ me {{ ...F0 }} }} {wide} fragment F30 on User {{ id }}")),
            400,
            "query_too_complex",
        ),
        ("17 KiB", query(&format!("{{ me {{ id }} }} # {}", "x".repeat(17 * 1024))), 413, "payload_too_large"),
        ("an unknown field", query("{ me { secret } }"), 400, "graphql_invalid"),
        ("an unknown argument", query("{ me(x: 1) { id } }"), 400, "graphql_invalid"),
        ("a batch", json!([{"query": "{ me { id } }"}]).to_string(), 400, "validation_failed"),
        (
            "deep brackets",
            query(&format!("{{ me(x: {}1{}) {{ id }} }}", "[".repeat(40), "]".repeat(40))),
            400,
            "query_too_complex",
        ),
        ("deep introspection", query(&introspection(16)), 400, "query_too_complex"),
        (
            "a circle of types",
            query("{ __schema { types { fields { type { fields { name } } } } } }"),
            400,
            "query_too_complex",
        ),
        ("no query", "{}".to_owned(), 400, "validation_failed"),
        ("an unknown member", json!({"query": "{ me { id } }", "id": 1}).to_string(), 400, "validation_failed"),
        (
            "variables of the wrong type",
            json!({"query": "{ me { id } }", "variables": []}).to_string(),
            400,
            "validation_failed",
        ),
        ("no operation", query("fragment A on User { id }"), 400, "graphql_invalid"),
        (
            "a subscription without a stream",
            query("subscription { flight(id: \"x\") { flight { id } } }"),
            400,
            "graphql_invalid",
        ),
        ("no JSON", "{".to_owned(), 400, "malformed_request"),
    ]
}

/// Documents that are small, and large for whoever validates them.
fn large_to_validate() -> Vec<(&'static str, String, &'static str)> {
    let doubling = |last: &str| {
        let fragments = (0..20).map(|number| format!("fragment F{number} on User {{ ...F{0} ...F{0} }} ", number + 1));
        format!("{{ me {{ ...F0 }} }} {} fragment F20 on User {{ {last} }}", fragments.collect::<String>())
    };
    let arguments = |count: usize| (0..count).map(|number| format!("x{number}: 1 ")).collect::<String>();
    let fields = "id ".repeat(1900);
    let spreads: String = (0..20).map(|number| format!("fragment F{number} on User {{ ...F }} ")).collect();
    vec![
        ("fragments that double an unknown one", doubling("...Missing"), "graphql_invalid"),
        (
            "an unknown fragment in one that is not used",
            "{ me { id } } fragment F on User { ...G }".to_owned(),
            "graphql_invalid",
        ),
        ("33 arguments", format!("{{ me {{ id({}) }} }}", arguments(33)), "query_too_complex"),
        (
            "101 variables",
            format!("query Q({}) {{ me {{ id }} }}", (0..101).map(|n| format!("$a{n}: Int ")).collect::<String>()),
            "query_too_complex",
        ),
        ("an argument twice", "{ me { id(x: 1 x: 1) } }".to_owned(), "graphql_invalid"),
        (
            "fields with other arguments in a fragment that is not used",
            format!("{{ me {{ id }} }} fragment F on User {{ id({}) {fields} }}", arguments(32)),
            "graphql_invalid",
        ),
        (
            "fragments that are not used",
            format!("{{ me {{ id }} }} fragment F on User {{ {fields} }} {spreads}"),
            "query_too_complex",
        ),
        (
            "fields in many brackets",
            format!("{{ me {{ {}{fields}{} }} }}", "... { ".repeat(20), "}".repeat(20)),
            "query_too_complex",
        ),
        (
            "11 aliases in a question about the schema",
            format!("{{ __schema {{ types {{ {} }} }} }}", (0..11).map(|n| format!("a{n}: name ")).collect::<String>()),
            "query_too_complex",
        ),
    ]
}

#[tokio::test]
async fn what_is_large_to_validate_is_refused_before_the_validation() {
    let world = WorldOptions::default().start().await;
    let client = world.anonymous();
    for (what, document, code) in large_to_validate() {
        let answer = raw(&client, query(&document)).await;
        assert_eq!(answer.body["code"], code, "{what}: {}", answer.text);
        answer.expect_problem(400, code);
    }
}

#[tokio::test]
async fn what_is_beyond_a_limit_is_refused_before_anything_is_done() {
    let database = TestDatabase::counting().await;
    let world = WorldOptions::default().on(&database).start().await;
    let client = world.anonymous();
    send(&client, "{ airport(code: \"DEL\") { name } }", json!({})).await.expect(200);
    let before = world.executed("").await;
    for (what, body, status, code) in beyond_limits() {
        let answer = raw(&client, body).await;
        assert_eq!(answer.body["code"], code, "{what}: {}", answer.text);
        answer.expect_problem(status, code);
    }
    assert_eq!(world.executed("").await, before, "no statement was executed");
    client.get("/livez").await.expect(200);
}

#[tokio::test]
async fn what_is_within_a_limit_is_answered() {
    let world = WorldOptions::default().start().await;
    let customer = world.customer().await;
    let nineteen = TWENTY.replace("a20: id", "");
    data(&customer, &format!("{{ {PAGE} {nineteen} }} }} }}"), json!({})).await;
    data(&customer, &introspection(15), json!({})).await;
    let again = format!("{{ __schema {{ queryType {{ {} }} }} }}", "name ".repeat(22));
    assert_eq!(data(&customer, &again, json!({})).await, json!({"__schema": {"queryType": {"name": "Query"}}}));
    let five: String = (0..5).map(|number| format!("query Q{number} {{ me {{ id }} }} ")).collect();
    customer.post("/graphql", json!({"query": five, "operationName": "Q4"})).await.expect(200);
}

#[tokio::test]
async fn depth_and_complexity_follow_their_settings() {
    let options = WorldOptions::default().set("graphql.max_depth", "3").set("graphql.max_complexity", "12");
    let world = options.start().await;
    let client = world.anonymous();
    let deep = "{ airports(first: 1) { edges { node { iataCode } } } }";
    let problem = send(&client, deep, json!({})).await.expect_problem(400, "query_too_complex");
    assert!(problem["detail"].as_str().unwrap().contains("depth of the operation is 4"), "{problem}");
    let costly = "query($first: Int = 11) { airports(first: $first) { nodes { iataCode } } }";
    send(&client, costly, json!({})).await.expect_problem(400, "query_too_complex");
    send(&client, costly, json!({"first": 10})).await.expect(200);
}

#[tokio::test]
async fn only_post_executes() {
    let world = WorldOptions::default().start().await;
    let mutation =
        "/graphql?query=mutation%7Bbook(input:%7Borigin:%22DEL%22,destination:%22LHR%22%7D)%7B__typename%7D%7D";
    for path in ["/graphql", mutation] {
        let answer = world.customer().await.get(path).await;
        assert_eq!(answer.header("allow"), Some("POST"));
        answer.expect_problem(405, "method_not_allowed");
    }
    let form = world.anonymous().post_raw("/graphql", "application/graphql", "{ me { id } }").await;
    form.expect_problem(415, "unsupported_media_type");
    let with_query =
        world.anonymous().send(Method::POST, "/graphql?query=x", &[], Some(&json!({"query": "{ me { id } }"}))).await;
    with_query.expect_problem(400, "validation_failed");
}

#[tokio::test]
async fn two_hundred_units_count_as_a_request() {
    let options =
        WorldOptions::default().set("rate_limit.enabled", "true").set("rate_limit.anonymous_per_minute", "10");
    let world: World = options.start().await;
    let client = world.anonymous();
    let costly = "{ airports(first: 100) { nodes { iataCode name city countryCode } } }";
    let first = send(&client, costly, json!({})).await;
    assert_eq!(first.header("ratelimit-remaining"), Some("7"), "402 units are three requests");
    first.expect(200);
    let cheap = send(&client, "{ airport(code: \"DEL\") { name } }", json!({})).await;
    assert_eq!(cheap.header("ratelimit-remaining"), Some("6"));
    for _ in 0..2 {
        send(&client, costly, json!({})).await.expect(200);
    }
    let refused = send(&client, costly, json!({})).await;
    assert!(refused.header("retry-after").is_some());
    let problem: Value = refused.expect_problem(429, "rate_limited");
    assert!(problem["detail"].as_str().is_some());
}

/// Look-ups of an airport, as many as fields.
fn airports(count: usize) -> String {
    (0..count).map(|number| format!("a{number}: airport(code: \"DEL\") {{ name }} ")).collect()
}

#[tokio::test]
async fn each_call_of_rest_counts_as_a_request_and_what_does_not_suffice_stays() {
    let options =
        WorldOptions::default().set("rate_limit.enabled", "true").set("rate_limit.anonymous_per_minute", "20");
    let world: World = options.start().await;
    let client = world.anonymous();
    let four = send(&client, &format!("{{ {} }}", airports(4)), json!({})).await;
    assert_eq!(four.header("ratelimit-remaining"), Some("16"));
    four.expect(200);
    let twice = format!("{{ ...Two ... {{ ...Two }} }} fragment Two on Query {{ {} __typename }}", airports(2));
    let by_fragments = send(&client, &twice, json!({})).await;
    assert_eq!(by_fragments.header("ratelimit-remaining"), Some("12"));
    by_fragments.expect(200);
    let refused = send(&client, &format!("{{ {} }}", airports(13)), json!({})).await;
    let problem: Value = refused.expect_problem(429, "rate_limited");
    assert!(problem["detail"].as_str().unwrap().contains("counts as 13"), "{problem}");
    let cheap = send(&client, &format!("{{ {} }}", airports(1)), json!({})).await;
    assert_eq!(cheap.header("ratelimit-remaining"), Some("9"), "the refused one has taken two");
    cheap.expect(200);
}

#[tokio::test]
async fn no_name_of_a_member_has_a_meaning_of_its_own() {
    let world = WorldOptions::default().start().await;
    let within = "[".repeat(200) + &"]".repeat(200);
    let raw_value = json!({"query": "{ me { id } }", "variables": {"$serde_json::private::RawValue": within}});
    raw(&world.anonymous(), raw_value.to_string()).await.expect(200);
    let deep = format!("{{\"query\": \"{{ me {{ id }} }}\", \"variables\": {{\"a\": {within}}}}}");
    raw(&world.anonymous(), deep).await.expect_problem(400, "malformed_request");
}
