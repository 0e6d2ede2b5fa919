//! The examples of requests and responses. A test made them: what it sends and what is answered must be like them.
use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;
use serde_json::Value;
use utoipa::openapi::{Content, RefOr, path::Operation};

use super::responses;

/// The examples of an operation.
#[derive(Debug, Deserialize)]
struct Examples {
    #[serde(default)]
    request: Option<Value>,
    /// Bodies of responses, by status.
    #[serde(default)]
    responses: BTreeMap<String, Value>,
}

/// By the operation's id.
static EXAMPLES: LazyLock<BTreeMap<String, Examples>> =
    LazyLock::new(|| serde_json::from_str(include_str!("examples.json")).unwrap_or_default());

/// Puts the examples of an operation where they belong.
pub(super) fn put(operation: &mut Operation) {
    let Some(examples) = operation.operation_id.as_ref().and_then(|id| EXAMPLES.get(id)) else { return };
    if let (Some(RefOr::T(body)), Some(example)) = (&mut operation.request_body, &examples.request) {
        body.content.iter_mut().for_each(|(media_type, content)| put_one(media_type, content, example));
    }
    for (status, response) in responses(operation) {
        if let Some(example) = examples.responses.get(status) {
            response.content.iter_mut().for_each(|(media_type, content)| put_one(media_type, content, example));
        }
    }
}

/// A table's example is its text: a workbook has none.
fn put_one(media_type: &str, content: &mut RefOr<Content>, example: &Value) {
    let is_text = media_type.starts_with("text/");
    if let RefOr::T(content) = content
        && (is_text == example.is_string())
    {
        content.example = Some(example.clone());
    }
}
