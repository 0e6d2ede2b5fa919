use std::{collections::BTreeMap, fmt::Write, sync::LazyLock};

use axum::{
    extract::Path,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use loadmaster_platform::web::{ApiRouter, routes};
use loadmaster_platform::web::{Code, ProblemBody, code, problem_responses};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    AppState,
    kept::{Document, DocumentRequest, nothing_here},
    rooms::CODES,
};

static CATALOGUE: LazyLock<Document> =
    LazyLock::new(|| json(&CODES.iter().copied().map(ProblemEntry::from).collect::<Vec<_>>()));

static ENTRIES: LazyLock<Vec<(Code, Document)>> =
    LazyLock::new(|| CODES.iter().copied().map(|code| (code, json(&ProblemEntry::from(code)))).collect());

/// A problem of each code, as a test met it.
static EXAMPLES: LazyLock<BTreeMap<String, Value>> =
    LazyLock::new(|| serde_json::from_str(include_str!("problems/examples.json")).unwrap_or_default());

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
    /// The stable code, which programs compare.
    pub code: &'static str,
    /// The status code of responses with it.
    pub status: u16,
    /// Short title of the code.
    pub title: &'static str,
    /// Advice for clients.
    pub advice: &'static str,
    /// A problem with this code.
    #[schema(value_type = ProblemBody)]
    pub problem: &'static Value,
}

impl From<Code> for ProblemEntry {
    fn from(code: Code) -> Self {
        Self {
            kind: format!("/problems/{}", code.as_str()),
            code: code.as_str(),
            status: code.status().as_u16(),
            title: code.title(),
            advice: code.advice(),
            problem: EXAMPLES.get(code.as_str()).unwrap_or(&Value::Null),
        }
    }
}

const PAGE: &str = "\
# Problems

Every error of the API is `application/problem+json` (RFC 9457) with a stable `code`; only the errors of `/auth/token` are those
of RFC 6749. Programs branch on `code`; `detail` is a sentence for people. A code never changes its meaning, and new ones may be
added: treat an unknown one by its status. The same catalogue is at `/problems`, and each operation lists its codes in
`/openapi.json`.

This page is generated: `just problems` writes it anew.
";

/// Returns the catalogue as a page, by status.
pub fn problems_page() -> String {
    let mut page = PAGE.to_owned();
    let mut codes = CODES.clone();
    codes.sort_by_key(|code| code.status());
    let mut status = None;
    for code in codes {
        if status.replace(code.status()) != Some(code.status()) {
            _ = write!(page, "\n## {}\n", code.status());
        }
        let (name, title, advice) = (code.as_str(), code.title(), code.advice());
        _ = write!(page, "\n### `{name}`\n\n{title}. {advice}\n");
        if let Some(example) = EXAMPLES.get(name).and_then(|example| serde_json::to_string_pretty(example).ok()) {
            _ = write!(page, "\n```json\n{example}\n```\n");
        }
    }
    page
}

pub(super) fn catalogue() -> ApiRouter<AppState> {
    ApiRouter::new().routes(routes!(list)).routes(routes!(show))
}

/// List all problem codes of this API.
///
/// A code never changes its meaning; new ones may be added.
#[utoipa::path(get, path = "/problems", tag = "system", operation_id = "listProblems",
    params(("If-None-Match" = Option<String>, Header, description = "Respond with 304 if the resource still has this ETag")),
    responses((status = 200, body = Vec<ProblemEntry>, headers(("ETag" = String))), (status = 304)))]
async fn list(wish: DocumentRequest) -> Response {
    CATALOGUE.answer(&wish).await
}

problem_responses!(ShowProblems: [], NOT_FOUND);

/// Show a problem code.
///
/// This is where the `type` of a problem leads.
#[utoipa::path(get, path = "/problems/{code}", tag = "system", operation_id = "getProblem",
    params(("code" = String, Path, description = "The stable code"),
           ("If-None-Match" = Option<String>, Header, description = "Respond with 304 if the resource still has this ETag")),
    responses((status = 200, body = ProblemEntry, headers(("ETag" = String))), (status = 304), ShowProblems))]
async fn show(Path(name): Path<String>, wish: DocumentRequest) -> Response {
    match ENTRIES.iter().find(|(code, _)| code.as_str() == name) {
        Some((_, document)) => document.answer(&wish).await,
        None => nothing_here().into_response(),
    }
}
