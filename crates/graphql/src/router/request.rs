//! What a client asks: the body of a request, and the form in which it wants the answer.
use std::collections::HashMap;

use async_graphql::{
    Name, Positioned, Variables,
    parser::{
        parse_query,
        types::{DocumentOperations, ExecutableDocument, OperationDefinition, Selection, SelectionSet},
    },
};
use axum::http::{HeaderMap, header};
use loadmaster_kernel::{Fault, FaultCode};
use loadmaster_platform::{
    json,
    web::{InputFault, Problem},
};
use serde_json::{Map, Value as Json};

use crate::{brackets, cost, error::code, value::variables};

/// The media types of answers.
pub(crate) const JSON: &str = "application/json";
const GRAPHQL: &str = "application/graphql-response+json";
pub(crate) const EVENTS: &str = "text/event-stream";

/// A request as it was received.
#[derive(Debug)]
pub(crate) struct Asked {
    pub document: ExecutableDocument,
    pub operation_name: Option<String>,
    pub variables: Variables,
}

impl Asked {
    pub fn read(body: &[u8]) -> Result<Self, Problem> {
        let body = json::parse(body)
            .map_err(|error| Problem::new(code::MALFORMED_REQUEST, format!("The body cannot be read: {error}.")))?;
        let Json::Object(members) = body else { return Err(Problem::not_an_object()) };
        let Members { query, operation_name, variables: given } = Members::read(members)?;
        if brackets::is_too_deep(&query) {
            let text = format!("Brackets are nested more than {} levels deep.", cost::MOST_LEVELS);
            return Err(Problem::new(code::QUERY_TOO_COMPLEX, text));
        }
        let document = parse_query(&query).map_err(|error| invalid("/query", &format!("{error}.")))?;
        Ok(Self { document, operation_name, variables: variables(&given.unwrap_or_default()) })
    }

    /// Returns the operation that is executed.
    pub fn operation(&self) -> Option<&Positioned<OperationDefinition>> {
        match (&self.document.operations, &self.operation_name) {
            (DocumentOperations::Single(operation), None) => Some(operation),
            (DocumentOperations::Multiple(operations), Some(name)) => operations.get(&Name::new(name)),
            (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => operations.values().next(),
            _ => None,
        }
    }

    /// Returns the number of fields at the root that call REST, each as often as it stands there by fragments.
    pub fn calls(&self) -> u64 {
        let selection = self.operation().map(|operation| &operation.node.selection_set.node);
        selection.map_or(0, |selection| self.calls_of(selection, &mut HashMap::new()))
    }

    /// A fragment is counted once. One that contains itself adds nothing there.
    fn calls_of<'a>(&'a self, selection: &'a SelectionSet, known: &mut HashMap<&'a str, u64>) -> u64 {
        let calls = selection.items.iter().map(|item| match &item.node {
            Selection::Field(field) => u64::from(!field.node.name.node.starts_with("__")),
            Selection::InlineFragment(fragment) => self.calls_of(&fragment.node.selection_set.node, known),
            Selection::FragmentSpread(spread) => {
                let found = self.document.fragments.get_key_value(&spread.node.fragment_name.node);
                let Some((name, fragment)) = found else { return 0 };
                if let Some(calls) = known.get(name.as_str()) {
                    return *calls;
                }
                known.insert(name, 0);
                let calls = self.calls_of(&fragment.node.selection_set.node, known);
                known.insert(name, calls);
                calls
            }
        });
        calls.fold(0, u64::saturating_add)
    }

    /// Returns the names of the root's fields in the answer, in their order, as far as they stand there directly.
    pub fn root_keys(&self) -> Vec<Name> {
        let selections = self.operation().into_iter().flat_map(|operation| &operation.node.selection_set.node.items);
        let keys = selections.filter_map(|selection| match &selection.node {
            Selection::Field(field) => Some(field.node.response_key().node.clone()),
            _ => None,
        });
        keys.collect()
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

/// Returns the problem of a request that is not valid, at this member of the body.
pub(crate) fn invalid(pointer: &str, text: &str) -> Problem {
    let fault = InputFault::body(pointer.to_owned(), &Fault::new(FaultCode::InvalidFormat, text.to_owned()));
    Problem::new(code::GRAPHQL_INVALID, text).about(&fault)
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
