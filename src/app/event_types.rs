//! The catalogue of messages: what each says, and its JSON Schema.
use std::{collections::BTreeMap, sync::LazyLock};

use axum::{
    extract::Path,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use loadmaster_platform::web::{ApiRouter, routes};
use loadmaster_platform::{
    room::{EventType, breaks},
    web::{Problem, Query, code, problem_responses},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    AppState,
    kept::{Document, DocumentRequest, nothing_here},
    rooms::{ROOMS, growing},
};

/// All types, in the order of their names.
static TYPES: LazyLock<BTreeMap<String, EventType>> = LazyLock::new(|| {
    let types = ROOMS.iter().flat_map(|room| room.messages).flat_map(|messages| messages.described(growing));
    types.map(|found| (found.name.clone(), found)).collect()
});

static CATALOGUE: LazyLock<Document> = LazyLock::new(|| {
    let entry = |found: &'static EventType| EventTypeEntry {
        kind: &found.name,
        subject: found.subject,
        description: found.description,
    };
    json("application/json", &TYPES.values().map(entry).collect::<Vec<_>>())
});

static SCHEMAS: LazyLock<BTreeMap<&'static str, Document>> = LazyLock::new(|| {
    TYPES.values().map(|found| (found.name.as_str(), json("application/schema+json", &found.schema))).collect()
});

fn json(kind: &'static str, content: &impl Serialize) -> Document {
    let bytes = Bytes::from(serde_json::to_vec(content).unwrap_or_default());
    Document::new(kind, move || bytes.clone())
}

/// Returns the JSON Schema of each type of messages, by its name.
pub fn event_schemas() -> BTreeMap<&'static str, &'static Value> {
    TYPES.values().map(|found| (found.name.as_str(), &found.schema)).collect()
}

/// Returns what consumers of `earlier` schemas, by type, would notice: types that are gone, and changes other than
/// optional members that are new.
pub fn broken_event_types(earlier: &BTreeMap<String, Value>) -> Vec<String> {
    let mut found = Vec::new();
    for (name, was) in earlier {
        match TYPES.get(name) {
            Some(now) => found.extend(breaks(was, &now.schema).into_iter().map(|text| format!("{name}: {text}"))),
            None => found.push(format!("{name} is gone")),
        }
    }
    found
}

/// A type of messages.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EventTypeEntry)]
pub(super) struct EventTypeEntry<'a> {
    /// The `type` of its messages.
    #[serde(rename = "type")]
    #[schema(example = "loadmaster.booking.booked.v1")]
    pub kind: &'a str,
    /// What the `subject` of its messages is.
    pub subject: &'a str,
    /// What its messages tell.
    pub description: &'a str,
}

pub(super) fn catalogue() -> ApiRouter<AppState> {
    ApiRouter::new().routes(routes!(list)).routes(routes!(show))
}

problem_responses!(ListProblems: [INPUT, CALLER]);

/// List the types of messages that sinks and webhooks receive.
///
/// With what each of them reports; the schemas of their documents are at `/event-types/{type}`.
#[utoipa::path(get, path = "/event-types", tag = "system", operation_id = "listEventTypes",
    params(("If-None-Match" = Option<String>, Header, description = "Respond with 304 if the resource still has this ETag")),
    responses((status = 200, body = Vec<EventTypeEntry>, headers(("ETag" = String))), (status = 304), ListProblems))]
async fn list(query: Query, wish: DocumentRequest) -> Result<Response, Problem> {
    query.refuse_all()?;
    Ok(CATALOGUE.answer(&wish).await)
}

problem_responses!(ShowProblems: [INPUT, CALLER], NOT_FOUND);

/// Show the JSON Schema (2020-12) of the messages of a type, with their envelope.
///
/// Within a version members may be added, and none is taken away or changes its meaning.
#[utoipa::path(get, path = "/event-types/{type}", tag = "system", operation_id = "getEventType",
    params(("type" = String, Path, description = "The type, such as `loadmaster.booking.booked.v1`"),
           ("If-None-Match" = Option<String>, Header, description = "Respond with 304 if the resource still has this ETag")),
    responses((status = 200, description = "The schema.", content_type = "application/schema+json", body = serde_json::Value, headers(("ETag" = String))),
              (status = 304), ShowProblems))]
async fn show(Path(name): Path<String>, query: Query, wish: DocumentRequest) -> Result<Response, Problem> {
    let Some(document) = SCHEMAS.get(name.as_str()) else { return Ok(nothing_here().into_response()) };
    query.refuse_all()?;
    Ok(document.answer(&wish).await)
}
