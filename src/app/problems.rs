use std::sync::LazyLock;

use axum::{
    extract::Path,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    AppState,
    kept::{Document, DocumentRequest, nothing_here},
    rooms::CODES,
};
use crate::platform::web::{Code, code, problem_responses};

static CATALOGUE: LazyLock<Document> =
    LazyLock::new(|| json(&CODES.iter().copied().map(ProblemEntry::from).collect::<Vec<_>>()));

static ENTRIES: LazyLock<Vec<(Code, Document)>> =
    LazyLock::new(|| CODES.iter().copied().map(|code| (code, json(&ProblemEntry::from(code)))).collect());

fn json(content: &impl Serialize) -> Document {
    let bytes = Bytes::from(serde_json::to_vec(content).unwrap_or_default());
    Document::new("application/json", move || bytes.clone())
}

/// One problem code.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProblemEntry {
    /// The `type` of problems with this code.
    #[serde(rename = "type")]
    pub kind: String,
    pub code: &'static str,
    pub status: u16,
    pub title: &'static str,
    /// Advice for clients.
    pub advice: &'static str,
}

impl From<Code> for ProblemEntry {
    fn from(code: Code) -> Self {
        Self {
            kind: format!("/problems/{}", code.as_str()),
            code: code.as_str(),
            status: code.status().as_u16(),
            title: code.title(),
            advice: code.advice(),
        }
    }
}

pub(super) fn catalogue() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show))
}

/// List all problem codes of this API.
#[utoipa::path(get, path = "/problems", tag = "system", operation_id = "listProblems",
    params(("If-None-Match" = Option<String>, Header, description = "Respond with 304 if the resource still has this ETag")),
    responses((status = 200, body = Vec<ProblemEntry>, headers(("ETag" = String))), (status = 304)))]
async fn list(wish: DocumentRequest) -> Response {
    CATALOGUE.answer(&wish).await
}

problem_responses!(ShowProblems: [], NOT_FOUND);

/// Show a problem code.
#[utoipa::path(get, path = "/problems/{code}", tag = "system", operation_id = "getProblem",
    params(("code" = String, Path),
           ("If-None-Match" = Option<String>, Header, description = "Respond with 304 if the resource still has this ETag")),
    responses((status = 200, body = ProblemEntry, headers(("ETag" = String))), (status = 304), ShowProblems))]
async fn show(Path(name): Path<String>, wish: DocumentRequest) -> Response {
    match ENTRIES.iter().find(|(code, _)| code.as_str() == name) {
        Some((_, document)) => document.answer(&wish).await,
        None => nothing_here().into_response(),
    }
}
