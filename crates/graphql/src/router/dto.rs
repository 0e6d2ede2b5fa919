use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A GraphQL request.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it is only described")]
pub(super) struct GraphqlRequest {
    /// The document, with at most five operations.
    #[schema(example = "{ airports(first: 1) { nodes { iataCode name } } }")]
    query: String,
    /// The operation to execute, if the document has several.
    #[schema(rename = "operationName")]
    operation_name: Option<String>,
    /// The values of the operation's variables.
    #[schema(value_type = Option<Object>)]
    variables: Option<Map<String, Value>>,
    /// Accepted and ignored.
    #[schema(value_type = Option<Object>)]
    extensions: Option<Map<String, Value>>,
}

/// The result of a GraphQL operation.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it is only described")]
pub(super) struct GraphqlAnswer {
    /// The fields of the operation, by their names or aliases.
    #[schema(value_type = Object)]
    data: Map<String, Value>,
    /// Errors of single fields; absent if there are none.
    #[schema(nullable = false)]
    errors: Option<Vec<GraphqlError>>,
    /// `replayed`: the fields of the root whose answers were stored under their keys.
    #[schema(value_type = Option<Object>, nullable = false)]
    extensions: Option<Map<String, Value>>,
}

/// An error of a field.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it is only described")]
pub(super) struct GraphqlError {
    /// A sentence that can be shown to a user: the `detail` of the problem.
    message: String,
    /// The places in the document.
    #[schema(value_type = Option<Vec<Object>>, nullable = false)]
    locations: Option<Vec<Map<String, Value>>>,
    /// The names and indices that lead to the field.
    #[schema(value_type = Option<Vec<Value>>, nullable = false)]
    path: Option<Vec<Value>>,
    /// The members of the problem.
    #[schema(value_type = Option<Object>, nullable = false)]
    extensions: Option<Map<String, Value>>,
}
