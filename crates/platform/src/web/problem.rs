use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use loadmaster_kernel::{Fault, FaultCode};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{
    code::{self, Code},
    context::request_id,
    quota::add_quota_headers,
};

use crate::{postgres::DbError, random::NoRandomness, rate_limit::Verdict};

/// A refusal that is sent to the client: RFC 9457 problem details with a stable `code`.
#[derive(Debug, Clone)]
pub struct Problem {
    code: Code,
    detail: String,
    extra: Map<String, Value>,
    retry_after: Option<u32>,
    quota: Option<Verdict>,
    /// Whether the answer names the content codings that are understood.
    names_codings: bool,
}

/// The shape of every error body.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemBody {
    /// Path of the catalogue entry of the code.
    #[serde(rename = "type")]
    #[schema(example = "/problems/capacity_exceeded")]
    pub kind: String,
    /// Short title of the code.
    pub title: &'static str,
    /// The status code of the response.
    pub status: u16,
    /// One sentence that names the obstacle and can be shown to a user.
    pub detail: String,
    /// A stable code for use in programs.
    #[schema(example = "capacity_exceeded")]
    pub code: &'static str,
    /// The id of the request, as in its header `X-Request-Id`.
    pub request_id: String,
    /// Further members that depend on the code, such as `errors`, `available` or `allowed`.
    #[serde(flatten)]
    #[schema(value_type = std::collections::HashMap<String, Value>)]
    pub extra: Map<String, Value>,
}

/// One fault of the input: its place, its code and its message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct InputFault {
    /// `body`, `query`, `header` or `path`.
    #[serde(rename = "in")]
    pub place: &'static str,
    /// Of the body: the member, as a JSON pointer (RFC 6901).
    #[schema(required = true, example = "/weight_kg")]
    pub pointer: Option<String>,
    /// Of the query, of headers and of the path: the name.
    #[schema(required = true)]
    pub name: Option<String>,
    /// A stable code for use in programs.
    #[schema(example = "too_small")]
    pub code: &'static str,
    /// A sentence that can be shown to a user.
    pub message: String,
    /// Of a table: the row, counted from 1 without the header, which is row 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub row: Option<u64>,
    /// The column of the table, by its heading.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub column: Option<String>,
    /// The beginning of the cell's text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub value: Option<String>,
}

impl InputFault {
    pub fn header(name: &str, code: FaultCode, message: impl Into<String>) -> Self {
        Self::named("header", name, code, message)
    }

    pub fn query(name: &str, code: FaultCode, message: impl Into<String>) -> Self {
        Self::named("query", name, code, message)
    }

    pub fn path(name: &str, code: FaultCode, message: impl Into<String>) -> Self {
        Self::named("path", name, code, message)
    }

    fn named(place: &'static str, name: &str, code: FaultCode, message: impl Into<String>) -> Self {
        Self {
            place,
            pointer: None,
            name: Some(name.to_owned()),
            code: code.as_str(),
            message: message.into(),
            row: None,
            column: None,
            value: None,
        }
    }

    /// Returns a fault of a body; the message is a whole sentence.
    pub fn body(pointer: String, fault: &Fault) -> Self {
        let (code, message) = (fault.code.as_str(), fault.message.to_string());
        Self { place: "body", pointer: Some(pointer), name: None, code, message, row: None, column: None, value: None }
    }

    /// Returns a fault of a row of a table as a whole; the message is a whole sentence.
    pub fn of_row(row: u64, column: Option<String>, code: FaultCode, message: String) -> Self {
        let (place, pointer, code) = ("body", Some(String::new()), code.as_str());
        Self { place, pointer, name: None, code, message, row: Some(row), column, value: None }
    }

    /// Returns faults of a body's members that result from the current state.
    pub fn members<P: AsRef<str>>(faults: &[(P, Fault)]) -> Vec<Self> {
        faults.iter().map(|(pointer, fault)| Self::member(pointer.as_ref(), fault)).collect()
    }

    fn member(pointer: &str, fault: &Fault) -> Self {
        let dotted = pointer.trim_start_matches('/').replace('/', ".");
        Self {
            place: "body",
            pointer: Some(pointer.to_owned()),
            name: None,
            code: fault.code.as_str(),
            message: format!("`{dotted}` {}.", fault.message),
            row: None,
            column: None,
            value: None,
        }
    }
}

impl Problem {
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), extra: Map::new(), retry_after: None, quota: None, names_codings: false }
    }

    /// Adds a member specific to the code.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Serialize) -> Self {
        if let Ok(value) = serde_json::to_value(value) {
            self.extra.insert(name.to_owned(), value);
        }
        self
    }

    /// Adds, for programs, which part of the request it is about.
    #[must_use]
    pub fn about(self, fault: &InputFault) -> Self {
        self.with("errors", [fault])
    }

    /// Adds, for programs, that a change may have been made.
    #[must_use]
    pub fn with_unknown_outcome(self) -> Self {
        self.with("outcome", "unknown")
    }

    #[must_use]
    pub const fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Names the content codings in which a body may be sent (RFC 9110, section 15.5.16).
    #[must_use]
    pub(super) const fn naming_codings(mut self) -> Self {
        self.names_codings = true;
        self
    }

    /// Reports this quota with the problem, unless it reports its own.
    #[must_use]
    pub fn with_quota(mut self, quota: Option<Verdict>) -> Self {
        self.quota = self.quota.or(quota);
        self
    }

    /// Returns the refusal for an exceeded limit, with its headers.
    pub fn limited(verdict: Verdict, detail: impl Into<String>) -> Self {
        Self { quota: Some(verdict), ..Self::new(code::RATE_LIMITED, detail).retry_after(verdict.reset) }
    }

    /// Returns the problem for an exhausted quota. `what` completes "You may … per minute".
    pub fn quota_used_up(verdict: Verdict, what: &str) -> Self {
        let reset = verdict.reset;
        let seconds = if reset == 1 { "second" } else { "seconds" };
        Self::limited(verdict, format!("You may {what} per minute; try again in {reset} {seconds}."))
    }

    /// Returns the body: also that of a part of a response.
    pub fn into_body(self) -> ProblemBody {
        ProblemBody {
            kind: format!("/problems/{}", self.code.as_str()),
            title: self.code.title(),
            status: self.code.status().as_u16(),
            detail: self.detail,
            code: self.code.as_str(),
            request_id: request_id(),
            extra: self.extra,
        }
    }

    pub const fn code(&self) -> Code {
        self.code
    }

    pub fn detail(&self) -> &str {
        &self.detail
    }

    pub fn not_found(what: impl std::fmt::Display) -> Self {
        Self::new(code::NOT_FOUND, format!("There is no {what}."))
    }

    /// Returns a problem with all faults; the detail joins their messages.
    pub fn validation(faults: &[InputFault]) -> Self {
        let detail = faults.iter().map(|fault| fault.message.as_str()).collect::<Vec<_>>().join(" ");
        Self::new(code::VALIDATION_FAILED, detail).with("errors", faults)
    }

    /// Combines two refusals of one request: faults of validation are reported together, any other refusal takes
    /// precedence.
    #[must_use]
    pub fn joined(mut self, mut other: Self) -> Self {
        match (self.code, other.code) {
            (code::VALIDATION_FAILED, code::VALIDATION_FAILED) => {
                if let (Some(Value::Array(ours)), Some(Value::Array(theirs))) =
                    (self.extra.get_mut("errors"), other.extra.get_mut("errors"))
                {
                    ours.append(theirs);
                }
                self.detail = format!("{} {}", self.detail, other.detail);
                self
            }
            (code::VALIDATION_FAILED, _) => other,
            _ => self,
        }
    }

    /// Returns the problem for a JSON body that is not an object.
    pub fn not_an_object() -> Self {
        let fault = Fault::new(FaultCode::WrongType, "The body must be a JSON object.");
        Self::validation(&[InputFault::body(String::new(), &fault)])
    }

    /// Logs the cause, and never sends it to the client.
    pub fn internal(cause: &dyn std::fmt::Debug) -> Self {
        tracing::error!(?cause, "internal error");
        Self::new(code::INTERNAL, "Something went wrong on our side; report the `request_id`.")
    }

    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(code::UNAVAILABLE, detail).retry_after(1)
    }
}

impl From<DbError> for Problem {
    fn from(error: DbError) -> Self {
        if let DbError::OutcomeUnknown(cause) = &error {
            tracing::error!(%cause, "commit outcome unknown");
            return Self::unavailable(
                "The database did not confirm the change, so it may or may not have been made; repeat the request with the same \
                 Idempotency-Key or, if it had none, read the current state first.",
            )
            .with_unknown_outcome();
        }
        if error.is_timeout() {
            tracing::error!("statement timed out");
            return Self::new(code::TIMEOUT, "The database took too long to answer; nothing was changed.");
        }
        if error.is_overload() {
            tracing::warn!(error = error.summary(), "database unavailable");
            return Self::unavailable("The database cannot answer right now; nothing was changed, try again shortly.");
        }
        Self::internal(&error.summary())
    }
}

impl From<NoRandomness> for Problem {
    fn from(error: NoRandomness) -> Self {
        Self::internal(&error)
    }
}

/// Also stores the code among the response's extensions, for the layers.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (code, quota, retry_after, names_codings) = (self.code, self.quota, self.retry_after, self.names_codings);
        let mut response = (code.status(), Json(self.into_body())).into_response();
        response.extensions_mut().insert(code);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if names_codings {
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, br, zstd"));
        }
        if let Some(verdict) = quota {
            add_quota_headers(verdict, headers);
        }
        // RFC 9110, section 15.5.2: every 401 names the authentication scheme.
        if code.status() == StatusCode::UNAUTHORIZED {
            let challenge = match code {
                code::TOKEN_EXPIRED => "Bearer error=\"invalid_token\", error_description=\"the token has expired\"",
                _ => "Bearer",
            };
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}

/// Declares a type that lists problem codes for an operation's `responses(…)` in OpenAPI, grouped by status: first the
/// groups of related codes, then single ones. All come from the module `code` that the room has in scope.
#[macro_export]
macro_rules! problem_responses {
    ($(#[$doc:meta])* $vis:vis $name:ident: [$($group:ident),*] $(, $code:ident)* $(,)?) => {
        $(#[$doc])*
        $vis struct $name;

        impl utoipa::IntoResponses for $name {
            fn responses() -> std::collections::BTreeMap<String, utoipa::openapi::RefOr<utoipa::openapi::Response>> {
                $crate::web::ProblemBody::grouped(&[$(code::$group,)* code::Group::of(&[$(code::$code),*])])
            }
        }
    };
}

pub use problem_responses;

impl ProblemBody {
    /// Marks, until [`Self::asks_for_credentials`] is called, responses of operations that ask for credentials.
    const MARK: &str = "x-asks-for-credentials";

    /// Returns one OpenAPI response per status, each naming its codes. Adds those that any request can cause.
    pub fn grouped(
        groups: &[code::Group],
    ) -> std::collections::BTreeMap<String, utoipa::openapi::RefOr<utoipa::openapi::Response>> {
        use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder, extensions::Extensions};
        let everywhere =
            [code::RATE_LIMITED, code::HEADERS_TOO_LARGE, code::INTERNAL, code::UNAVAILABLE, code::TIMEOUT];
        let mut by_status = std::collections::BTreeMap::<String, Vec<Code>>::new();
        for code in groups.iter().flat_map(|group| group.codes).chain(&everywhere) {
            by_status.entry(code.status().as_u16().to_string()).or_default().push(*code);
        }
        let response = |codes: Vec<Code>| {
            let lines: Vec<_> = codes.iter().map(|c| format!("`{}`: {}.", c.as_str(), c.title())).collect();
            let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("ProblemBody"))).build();
            let response =
                ResponseBuilder::new().description(lines.join(" ")).content("application/problem+json", content);
            let needs_credentials = groups.iter().any(|group| group.needs_credentials);
            let is_marked = needs_credentials && codes.contains(&code::UNAUTHENTICATED);
            let mark = is_marked.then(|| Extensions::builder().add(Self::MARK, true).build());
            RefOr::T(response.extensions(mark).build())
        };
        by_status.into_iter().map(|(status, codes)| (status, response(codes))).collect()
    }

    /// Returns whether an operation with these responses asks for credentials, and removes its mark from them.
    pub fn asks_for_credentials(responses: &mut utoipa::openapi::Responses) -> bool {
        let mut is_marked = false;
        for response in responses.responses.values_mut() {
            if let utoipa::openapi::RefOr::T(response) = response {
                let extensions = response.extensions.as_mut();
                is_marked |= extensions.is_some_and(|extensions| extensions.remove(Self::MARK).is_some());
                response.extensions.take_if(|extensions| extensions.is_empty());
            }
        }
        is_marked
    }
}
