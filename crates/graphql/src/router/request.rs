//! What a client asks: the body of a request, and the form in which it wants the answer.
use async_graphql_value::Variables;
use axum::http::{HeaderMap, header};
use loadmaster_kernel::{Fault, FaultCode};
use loadmaster_platform::{
    json,
    web::{InputFault, Problem},
};
use serde_json::{Map, Value as Json};

use crate::{error::code, value::variables};

/// The media types of answers.
pub(crate) const JSON: &str = "application/json";
const GRAPHQL: &str = "application/graphql-response+json";
pub(crate) const EVENTS: &str = "text/event-stream";

/// A request as it was received.
#[derive(Debug)]
pub(crate) struct Asked {
    pub query: String,
    pub operation_name: Option<String>,
    pub variables: Variables,
}

impl Asked {
    pub fn read(body: &[u8]) -> Result<Self, Problem> {
        let body = json::parse(body)
            .map_err(|error| Problem::new(code::MALFORMED_REQUEST, format!("The body cannot be read: {error}.")))?;
        let Json::Object(members) = body else { return Err(Problem::not_an_object()) };
        let Members { query, operation_name, variables: given } = Members::read(members)?;
        Ok(Self { query, operation_name, variables: variables(&given.unwrap_or_default()) })
    }
}

/// The members of a body.
#[derive(Default)]
struct Members {
    query: String,
    operation_name: Option<String>,
    variables: Option<Map<String, Json>>,
}

impl Members {
    /// Reports all faults together.
    fn read(members: Map<String, Json>) -> Result<Self, Problem> {
        let (mut read, mut has_query, mut faults) = (Self::default(), false, Vec::new());
        let mut refuse = |name: &str, code, text: &str| {
            let fault = Fault::new(code, format!("`{name}` {text}."));
            faults.push(InputFault::body(format!("/{name}"), &fault));
        };
        for (name, value) in members {
            has_query |= name == "query" && value != Json::Null;
            match (name.as_str(), value) {
                ("query", Json::String(text)) => read.query = text,
                ("operationName", Json::String(text)) if text.is_empty() => {}
                ("operationName", Json::String(text)) => read.operation_name = Some(text),
                ("variables", Json::Object(values)) => read.variables = Some(values),
                // What clients say of themselves changes nothing.
                ("extensions", Json::Object(_))
                | ("query" | "operationName" | "variables" | "extensions", Json::Null) => {}
                ("query" | "operationName", _) => refuse(&name, FaultCode::WrongType, "must be text"),
                ("variables" | "extensions", _) => refuse(&name, FaultCode::WrongType, "must be an object"),
                _ => refuse(&name, FaultCode::UnknownField, "is not a member of this request"),
            }
        }
        if !has_query {
            refuse("query", FaultCode::Required, "is required");
        }
        if faults.is_empty() { Ok(read) } else { Err(Problem::validation(&faults)) }
    }
}

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    GraphqlJson,
    Events,
}

impl Form {
    /// Returns the form that the client accepts. JSON is for those that accept neither.
    pub fn of(headers: &HeaderMap) -> Self {
        let accepts = |kind: &str| {
            let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
            values
                .flat_map(|value| value.split(','))
                .any(|one| one.split(';').next().is_some_and(|one| one.trim().eq_ignore_ascii_case(kind)))
        };
        if accepts(EVENTS) {
            Self::Events
        } else if accepts(GRAPHQL) {
            Self::GraphqlJson
        } else {
            Self::Json
        }
    }

    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => JSON,
            Self::GraphqlJson => GRAPHQL,
            Self::Events => EVENTS,
        }
    }
}
