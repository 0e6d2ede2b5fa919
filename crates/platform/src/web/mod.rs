//! HTTP conventions of the API: problems, validated input, conditional requests, paging, request ids.
mod address;
mod body;
pub mod bulk;
pub mod code;
mod coding;
pub mod condition;
mod context;
mod decoding;
mod etag;
mod fields;
mod fingerprint;
pub mod freight;
mod origin;
mod page;
mod paging;
mod path;
mod payer;
mod prefer;
mod problem;
mod query;
mod quota;
pub mod read;
mod recency;
mod request;
mod routes;
#[cfg(test)]
mod tests;

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};

pub use address::{ClientAddress, subscriber};
pub use body::{Body, BodyLimit, Form};
pub use code::Code;
pub use code::{codes, problem_codes};
pub use coding::{COMPRESS_ABOVE, ChosenCoding, Coding, VARY_BY_CODING, choose_coding, encode, encoded, is_encoded};
pub use condition::Condition;
pub use context::{carrying_request_id, note_route, request_id, track};
pub use etag::{IfMatch, IfNoneMatch, Precondition, conditional, name_coding_in_tag, tagged, version_mismatch};
pub use fields::{Fields, Patch, Raw, Reader};
pub use fingerprint::{Content, digest_of, fingerprint};
pub use origin::{ByHttps, RequestOrigin};
pub use page::{Audience, Page};
pub use paging::{
    CursorKey, ListPosition, PageFields, PageParams, PageRequest, PageUpTo, invalid_cursor, link, linked,
};
pub use path::{PathText, PathTexts};
pub(crate) use payer::{billed, owe};
pub use payer::{paid, take_owed};
pub use prefer::{PREFER, PREFERENCE_APPLIED, minimal, prefers_minimal};
pub use problem::problem_responses;
pub use problem::{InputFault, Problem, ProblemBody};
pub use query::Query;
pub use quota::{add_quota_headers, has_quota_headers};
pub use recency::{POSITION, ReadRecency, Reader as RecencyReader, Unchanged, add_position_header};
pub use request::request;
pub use request::{list, object, objects, set, with};
pub use routes::{ApiRouter, Handlers, Operation, paste, routes};

/// Content-Type of bodies that are JSON already.
pub const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// Cache-Control of personal data.
pub const PRIVATE: &str = "private, no-cache";
/// Cache-Control of credentials.
pub const NO_STORE: &str = "no-store";

/// Marks an answer that only the caller's own cache may keep.
pub fn private(answer: impl IntoResponse) -> Response {
    ([(header::CACHE_CONTROL, PRIVATE)], answer).into_response()
}

/// Combines two parts of a request, and reports all faults of both together.
pub fn both<A, B>(first: Result<A, Problem>, second: Result<B, Problem>) -> Result<(A, B), Problem> {
    match (first, second) {
        (Ok(first), Ok(second)) => Ok((first, second)),
        (Err(first), Err(second)) => Err(first.joined(second)),
        (Err(problem), Ok(_)) | (Ok(_), Err(problem)) => Err(problem),
    }
}

/// Reports bad input only for existing resources: when `read` failed and the resource is missing, that is the answer.
pub async fn unless_missing<T, E: Into<Problem>>(
    read: Result<T, Problem>,
    exists: impl Future<Output = Result<(), E>>,
) -> Result<T, Problem> {
    match read {
        Ok(value) => Ok(value),
        Err(problem) => match exists.await {
            Ok(()) => Err(problem),
            Err(missing) => Err(missing.into()),
        },
    }
}
