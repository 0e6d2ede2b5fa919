use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, HeaderValue, request::Parts},
    response::Response,
};
use loadmaster_kernel::FaultCode;

use super::problem::{InputFault, Problem};

use crate::{
    postgres::{LogPosition, Recency},
    writers::Writers,
};

/// In a response to a change: the position of the log after it. In a request that reads: the position up to which the
/// caller wants to see changes.
pub const POSITION: HeaderName = HeaderName::from_static("loadmaster-position");

/// The caller of a request, for how recent a state it must see. Only where a standby answers reads.
#[derive(Debug, Clone)]
pub struct Reader {
    pub writers: Writers,
    pub caller: Option<String>,
}

/// How recent a state this request must see.
#[derive(Debug, Clone, Copy)]
pub struct ReadRecency(pub Recency);

impl<S: Send + Sync> FromRequestParts<S> for ReadRecency {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let named = position_of(&parts.headers)?;
        let Some(Reader { writers, caller }) = parts.extensions.get() else { return Ok(Self(Recency::Recent)) };
        Ok(Self(writers.recency(caller.as_deref(), named).await))
    }
}

/// Marks the response to a request that might have changed something, and has changed nothing.
#[derive(Debug, Clone, Copy)]
pub struct Unchanged;

/// Returns the latest position that the request names.
fn position_of(headers: &HeaderMap) -> Result<Option<LogPosition>, Problem> {
    let mut latest = None;
    for value in headers.get_all(POSITION) {
        let position = value.to_str().ok().and_then(|text| text.trim().parse().ok());
        latest = latest.max(Some(position.ok_or_else(malformed)?));
    }
    Ok(latest)
}

fn malformed() -> Problem {
    let message = format!("`{POSITION}` must be the value of that header in a response to a change.");
    Problem::validation(&[InputFault::header(POSITION.as_str(), FaultCode::InvalidFormat, message)])
}

/// Adds the header with the position after the changes of a request.
pub fn add_position_header(response: &mut Response, position: LogPosition) {
    if let Ok(value) = HeaderValue::from_str(&position.to_string()) {
        response.headers_mut().insert(POSITION, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(values: &[&'static str]) -> Result<Option<LogPosition>, Problem> {
        position_of(&values.iter().map(|value| (POSITION, HeaderValue::from_static(value))).collect())
    }

    #[test]
    fn the_latest_of_the_named_positions_counts() {
        let (early, late) = ("000000000000000a", "00000000000000b0");
        assert_eq!(named(&[]).unwrap(), None);
        assert_eq!(named(&[late, early]).unwrap().unwrap().to_string(), late);
    }

    #[test]
    fn a_text_that_is_no_position_is_a_fault_of_the_header() {
        for value in ["", "1", "0/16B3748", "000000000000000A"] {
            assert!(named(&["000000000000000a", value]).is_err(), "{value}");
        }
    }
}
