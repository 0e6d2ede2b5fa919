use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::AppState;
use crate::platform::web::{Code, PathText, problem_responses};

/// One entry of the catalogue.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProblemEntry {
    /// The `type` of problems with this code.
    #[serde(rename = "type")]
    pub kind: String,
    pub code: &'static str,
    pub status: u16,
    pub title: &'static str,
    /// What a client does about it.
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

/// The catalogue of problems: every code this API can answer with.
#[utoipa::path(get, path = "/problems", tag = "system", operation_id = "listProblems",
    responses((status = 200, body = Vec<ProblemEntry>)))]
async fn list() -> Json<Vec<ProblemEntry>> {
    Json(Code::ALL.iter().copied().map(ProblemEntry::from).collect())
}

problem_responses!(ShowProblems: NotFound);

/// One problem of the catalogue.
#[utoipa::path(get, path = "/problems/{code}", tag = "system", operation_id = "getProblem",
    params(("code" = String, Path)), responses((status = 200, body = ProblemEntry), ShowProblems))]
async fn show(PathText(code): PathText<Code>) -> Json<ProblemEntry> {
    Json(code.into())
}
