//! Errors of single fields, beside the values of the others.
use async_graphql_parser::Pos;
use serde::Serialize;
use serde_json::{Map, Value as Json};

/// Why a field has no value.
#[derive(Debug, Serialize)]
pub(crate) struct FieldError {
    pub message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub locations: Vec<Pos>,
    /// The names and numbers that lead to the field.
    pub path: Vec<Json>,
    /// The members of the problem.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub extensions: Map<String, Json>,
}
