//! The API's description says what the API does: no more, no less.
mod bodies;
mod commits;
mod entries;
pub mod examples;
mod journey;
mod members;
mod metacharacters;
pub mod operations;
mod parameters;
mod problems;
mod requests;
mod schema;
mod texts;
mod whole;

use serde_json::Value;

fn document() -> Value {
    serde_json::to_value(loadmaster::app::openapi()).unwrap()
}

/// One operation of the document.
struct Operation<'a> {
    method: String,
    path: &'a str,
    body: &'a Value,
}

impl Operation<'_> {
    fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Its parameters that stand in the path, the query or the headers.
    fn parameters(&self, place: &str) -> Vec<&str> {
        let all = self.body["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        all.iter().filter(|it| it["in"] == place).map(|it| it["name"].as_str().unwrap()).collect()
    }
}

fn operations(document: &Value) -> Vec<Operation<'_>> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, item)| {
            let operations = item.as_object().unwrap().iter();
            operations.map(move |(method, body)| Operation { method: method.to_uppercase(), path, body })
        })
        .collect()
}
