//! GraphQL: the same operations as REST's, with the same answers and refusals, in one round trip.
mod budgets;
mod documents;
mod kept;
mod keys;
mod limits;
mod same;
mod schema;
mod streams;
mod verbs;

use loadmaster_testkit::{Answer, Client};
use serde_json::{Value, json};

/// Sends a document with its variables.
async fn send(client: &Client, query: &str, variables: Value) -> Answer {
    client.post("/graphql", json!({ "query": query, "variables": variables })).await
}

/// The data of an operation without errors.
async fn data(client: &Client, query: &str, variables: Value) -> Value {
    let mut body = send(client, query, variables).await.expect(200);
    assert_eq!(body.get("errors"), None, "{body}");
    body["data"].take()
}

/// The only error of an operation: the members of its problem.
async fn refused(client: &Client, query: &str, variables: Value, code: &str) -> Value {
    let body = send(client, query, variables).await.expect(200);
    let errors = body["errors"].as_array().unwrap_or_else(|| panic!("no error in {body}"));
    assert_eq!(errors.len(), 1, "{body}");
    assert_eq!(errors[0]["extensions"]["code"], code, "{body}");
    errors[0].clone()
}
