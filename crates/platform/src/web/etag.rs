use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use loadmaster_kernel::FaultCode;

use super::{
    code,
    coding::{Coding, VARY_BY_CODING},
    problem::{InputFault, Problem},
};

/// The tags of a conditional header (RFC 9110, section 13.1); a `W/` before a tag is ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Tags {
    Any,
    These(Vec<String>),
}

impl Tags {
    fn of(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Self>, Problem> {
        let mut tags = Vec::new();
        let mut present = false;
        for value in headers.get_all(name) {
            present = true;
            let text = value.to_str().map_err(|_| malformed(name))?.trim();
            if text == "*" {
                return Ok(Some(Self::Any));
            }
            tags.extend(listed(text).ok_or_else(|| malformed(name))?);
        }
        if present && tags.is_empty() {
            return Err(malformed(name));
        }
        Ok(present.then_some(Self::These(tags)))
    }
}

/// Reads tags between commas; a tag can have commas, too. `None` if it is no such list.
fn listed(text: &str) -> Option<Vec<String>> {
    let (mut tags, mut rest) = (Vec::new(), text);
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return Some(tags);
        }
        let opened = rest.strip_prefix("W/").unwrap_or(rest).strip_prefix('"')?;
        let (tag, after) = opened.split_once('"')?;
        tags.push(tag.to_owned());
        rest = after.trim_start_matches([' ', '\t']);
        if !rest.is_empty() && !rest.starts_with(',') {
            return None;
        }
    }
}

fn malformed(name: &HeaderName) -> Problem {
    let message = format!("`{name}` must be an entity tag in double quotes, as given in `ETag`.");
    Problem::validation(&[InputFault::header(name.as_str(), FaultCode::InvalidFormat, message)])
}

/// The `If-Match` header, if present: the client wants the change only on that version.
#[derive(Debug, Clone)]
pub struct IfMatch(Result<Option<Tags>, Problem>);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = std::convert::Infallible;

    /// [`IfMatch::read`] validates it later: a missing resource is reported first.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(Tags::of(&parts.headers, &header::IF_MATCH)))
    }
}

/// A valid `If-Match`; the default is none.
#[derive(Debug, Clone, Default)]
pub struct Precondition(Option<Tags>);

impl IfMatch {
    pub fn read(self) -> Result<Precondition, Problem> {
        self.0.map(Precondition)
    }

    /// Makes its absence a fault.
    #[must_use]
    pub fn required(self) -> Self {
        let missing = || {
            let message = "`if-match` is required: the entity tag of what is to be replaced, as given in `ETag`.";
            Problem::validation(&[InputFault::header(header::IF_MATCH.as_str(), FaultCode::Required, message)])
        };
        Self(self.0.and_then(|tags| tags.ok_or_else(missing).map(Some)))
    }
}

impl Precondition {
    /// Returns the precondition that the resource has this version.
    #[must_use]
    pub fn of_version(version: i32) -> Self {
        Self(Some(Tags::These(vec![version.to_string()])))
    }

    /// Fails with the version if a resource of this version may not be changed. Only the part before a dash counts: what
    /// follows names a form of the resource, such as its content coding. `If-Match` compares strongly by RFC 9110; here it
    /// guards the version of the resource, not the bytes that were sent, so that weak tags and those of any coding match.
    pub fn check(&self, version: i32) -> Result<(), i32> {
        let Some(Tags::These(tags)) = &self.0 else { return Ok(()) };
        let current = version.to_string();
        if tags.iter().any(|tag| tag.split('-').next() == Some(current.as_str())) { Ok(()) } else { Err(version) }
    }

    /// As [`Self::check`], for a resource whose versions begin anew after its deletion: a tag that has more than the version must
    /// name this content, as in `"1-content"`.
    pub fn check_content(&self, version: i32, content: &str) -> Result<(), i32> {
        let Some(Tags::These(tags)) = &self.0 else { return Ok(()) };
        let (bare, whole) = (version.to_string(), format!("{version}-{content}"));
        let is_this = |tag: &str| tag == bare || tag == whole;
        if tags.iter().any(|tag| is_this(uncoded(tag))) { Ok(()) } else { Err(version) }
    }
}

/// Returns the problem for a stale `If-Match`.
pub fn version_mismatch(current: i32) -> Problem {
    Problem::new(
        code::VERSION_MISMATCH,
        format!("The resource has changed since you read it; its version is now {current}."),
    )
    .with("version", current)
}

/// The `If-None-Match` header, if present; an invalid one matches nothing.
#[derive(Debug, Clone)]
pub struct IfNoneMatch(Option<Tags>);

impl<S: Send + Sync> FromRequestParts<S> for IfNoneMatch {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(Tags::of(&parts.headers, &header::IF_NONE_MATCH).unwrap_or_default()))
    }
}

impl IfNoneMatch {
    /// Returns the tag that the client has of the current state, in whichever coding it was sent.
    pub fn matching<'a>(&'a self, tag: &'a str) -> Option<&'a str> {
        match self.0.as_ref()? {
            Tags::Any => Some(tag),
            Tags::These(tags) => tags.iter().map(String::as_str).find(|known| *known == tag || uncoded(known) == tag),
        }
    }
}

/// Adds `ETag` and `Cache-Control` to an answer, and turns it into 304 when the client already has it.
pub fn conditional(tag: &str, if_none_match: &IfNoneMatch, cache: &'static str, answer: impl IntoResponse) -> Response {
    let Some(known) = if_none_match.matching(tag) else {
        let mut response = answer.into_response();
        tagged(&mut response, tag, cache);
        return response;
    };
    let mut response = StatusCode::NOT_MODIFIED.into_response();
    // Its own tag shows a cache which of the forms that it stores is still good.
    tagged(&mut response, known, cache);
    response.headers_mut().insert(header::VARY, VARY_BY_CODING);
    response
}

/// Returns a tag without the content coding that it names.
fn uncoded(tag: &str) -> &str {
    let (plain, coding) = tag.rsplit_once('-').unwrap_or((tag, ""));
    if Coding::ALL.iter().any(|known| known.name() == Some(coding)) { plain } else { tag }
}

/// Names the content coding of the body in the entity tag: bytes that differ have tags that differ (RFC 9110, section
/// 8.8.3.3).
pub fn name_coding_in_tag(headers: &mut HeaderMap, coding: Coding) {
    let tag = headers.get(header::ETAG).and_then(|tag| tag.to_str().ok()?.strip_suffix('"'));
    if let (Some(tag), Some(coding)) = (tag, coding.name())
        && let Ok(value) = HeaderValue::from_str(&format!("{tag}-{coding}\""))
    {
        headers.insert(header::ETAG, value);
    }
}

/// Adds `ETag` and `Cache-Control` to an answer.
pub fn tagged(response: &mut Response, tag: &str, cache: &'static str) {
    if let Ok(value) = HeaderValue::from_str(&format!("\"{tag}\"")) {
        response.headers_mut().insert(header::ETAG, value);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn precondition(value: &str) -> Result<Precondition, Problem> {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_MATCH, HeaderValue::from_str(value).unwrap());
        IfMatch(Tags::of(&headers, &header::IF_MATCH)).read()
    }

    #[test]
    fn a_tag_matches_its_version_weak_or_strong_with_or_without_a_ledger_number() {
        for value in ["\"3\"", "W/\"3\"", "\"1\", \"3\"", "\"1,2\" ,W/\"3\",", "*", "\"3-17\""] {
            assert_eq!(precondition(value).unwrap().check(3), Ok(()), "{value}");
        }
        for value in ["\"2\"", "\"33\"", "\"\""] {
            assert_eq!(precondition(value).unwrap().check(3), Err(3), "{value}");
        }
    }

    #[test]
    fn a_tag_with_content_matches_this_content_alone() {
        for value in ["\"3\"", "\"3-ab\"", "W/\"3-ab-gzip\"", "\"1-cd\", \"3-ab\"", "*"] {
            assert_eq!(precondition(value).unwrap().check_content(3, "ab"), Ok(()), "{value}");
        }
        for value in ["\"3-cd\"", "\"3-\"", "\"2-ab\"", "\"2\"", "\"ab\""] {
            assert_eq!(precondition(value).unwrap().check_content(3, "ab"), Err(3), "{value}");
        }
    }

    #[test]
    fn a_tag_names_the_coding_of_its_body_and_is_known_again_with_it_and_without() {
        let tag_in = |coding| {
            let mut response = ().into_response();
            tagged(&mut response, "3-17", "no-cache");
            name_coding_in_tag(response.headers_mut(), coding);
            response.headers()[header::ETAG].to_str().unwrap().to_owned()
        };
        let tags = Coding::ALL.map(tag_in);
        assert_eq!(tags, ["\"3-17\"", "\"3-17-gzip\"", "\"3-17-br\"", "\"3-17-zstd\""]);
        for tag in &tags {
            let response = conditional_on(tag, "3-17");
            assert_eq!(response.status(), StatusCode::NOT_MODIFIED, "{tag}");
            assert_eq!(response.headers()[header::ETAG], **tag);
            assert_eq!(response.headers()[header::VARY], "accept-encoding");
            assert_eq!(conditional_on(tag, "3-18").status(), StatusCode::OK, "{tag}");
            assert_eq!(precondition(tag).unwrap().check(3), Ok(()), "{tag}");
            assert_eq!(precondition(tag).unwrap().check(17), Err(17), "{tag}");
        }
        assert_eq!(conditional_on("\"gzip\"", "").status(), StatusCode::OK);
        assert_eq!(conditional_on("\"3-17-deflate\"", "3-17").status(), StatusCode::OK);
    }

    fn conditional_on(known: &str, tag: &str) -> Response {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, HeaderValue::from_str(known).unwrap());
        let known = IfNoneMatch(Tags::of(&headers, &header::IF_NONE_MATCH).unwrap());
        conditional(tag, &known, "no-cache", ())
    }

    #[test]
    fn a_malformed_entity_tag_is_a_fault_of_the_header() {
        for value in ["3", "\"3", "", "W/3", ",", "\"3\"\"3\"", "\"3\" \"4\"", "\"3\", 4"] {
            assert_eq!(precondition(value).unwrap_err().code(), code::VALIDATION_FAILED, "{value}");
        }
    }
}
