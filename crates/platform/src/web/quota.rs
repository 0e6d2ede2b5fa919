use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::rate_limit::Verdict;

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// Adds the headers that report the rest of a quota. Of several quotas the one that ends first is reported.
pub fn add_quota_headers(verdict: Verdict, headers: &mut HeaderMap) {
    let stated = headers.get(&REMAINING).and_then(|value| value.to_str().ok()?.parse::<u32>().ok());
    if stated.is_none_or(|stated| verdict.remaining < stated) {
        headers.insert(LIMIT, HeaderValue::from(verdict.limit));
        headers.insert(REMAINING, HeaderValue::from(verdict.remaining));
        headers.insert(RESET, HeaderValue::from(verdict.reset));
    }
}

/// Returns whether the headers report a quota.
pub fn has_quota_headers(headers: &HeaderMap) -> bool {
    headers.contains_key(LIMIT)
}
