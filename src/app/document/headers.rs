//! The headers of responses, each described once.
use loadmaster_platform::room::API;
use utoipa::openapi::{
    Components, Header, HttpMethod, ObjectBuilder, Ref, RefOr, Response, Type, path::Operation, schema::SchemaType,
};

use super::responses;

use crate::app::{guard::is_always_answered, rooms::CODES};

/// A header: its name, its value's type, and what it says.
struct DescribedHeader(&'static str, Type, &'static str);

const KNOWN: [DescribedHeader; 15] = [
    DescribedHeader(
        "Accept-Encoding",
        Type::String,
        "The content codings in which a body may be sent, if the body was refused for its coding. Left out otherwise.",
    ),
    DescribedHeader(
        "Cache-Status",
        Type::String,
        "Whether the answer came from the cache of routes (RFC 9211): `loadmaster; hit; ttl=…` or `loadmaster; fwd=miss`.",
    ),
    DescribedHeader("Content-Disposition", Type::String, "The name under which a browser saves the file."),
    DescribedHeader(
        "ETag",
        Type::String,
        "The version, for `If-Match` and `If-None-Match`. With a `Content-Encoding` its name follows, as in `\"3-gzip\"`: both \
         headers take either form.",
    ),
    DescribedHeader(
        "Idempotency-Replayed",
        Type::Boolean,
        "`true` on a repetition under the same `Idempotency-Key`: this is the first response again. Left out otherwise.",
    ),
    DescribedHeader(
        "Link",
        Type::String,
        "The URL of the next page, as `<…>; rel=\"next\"`, or in a history of the page before, as `<…>; rel=\"prev\"`. Left \
         out where there is none.",
    ),
    DescribedHeader(
        "Loadmaster-Position",
        Type::String,
        "The position of the change, for other callers that are to see it at once. Only where a standby answers reads.",
    ),
    DescribedHeader("Location", Type::String, "The path of what was made."),
    DescribedHeader(
        "RateLimit-Limit",
        Type::Integer,
        "The number of requests that are allowed within a minute. Left out where no limit applies.",
    ),
    DescribedHeader("RateLimit-Remaining", Type::Integer, "The number of requests that are left."),
    DescribedHeader(
        "RateLimit-Reset",
        Type::Integer,
        "Seconds until the end of the minute over which requests are counted.",
    ),
    DescribedHeader("Retry-After", Type::Integer, "Seconds to wait before another attempt."),
    DescribedHeader(
        "Total-Count",
        Type::String,
        "With `count=true`, the number of entries of the list on all its pages, up to `1000`; `1000+` if there are more. Left out \
         otherwise, and with a filter that says that the list is not counted.",
    ),
    DescribedHeader("WWW-Authenticate", Type::String, "The scheme of credentials that is accepted (RFC 9110)."),
    DescribedHeader("X-Request-Id", Type::String, "The id of the request: the one that it brought, or a new one."),
];

/// Headers of responses to requests that are counted. Described where a client plans by them.
const OF_LIMITS: [&str; 3] = ["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"];

/// Has the responses of an operation name all their headers, each by reference.
pub(super) fn add_headers(path: &str, method: &HttpMethod, operation: &mut Operation) {
    for (status, response) in responses(operation) {
        let is_change = !matches!(method, HttpMethod::Get) && status.starts_with('2');
        let may_come_later = matches!(status, "429" | "503") || waits(response);
        let added = [
            (true, "X-Request-Id"),
            (is_change, "Loadmaster-Position"),
            (may_come_later, "Retry-After"),
            (status == "401", "WWW-Authenticate"),
            (status == "415", "Accept-Encoding"),
            (status == "304", "ETag"),
        ];
        let counts = status.starts_with('2') || status == "429";
        let limited = counts && path.starts_with(API) && !is_always_answered(path);
        let limits = OF_LIMITS.iter().filter(|_| limited);
        let added = added.into_iter().filter_map(|(applies, name)| applies.then_some(name)).chain(limits.copied());
        let all: Vec<String> = response.headers.keys().cloned().chain(added.map(ToOwned::to_owned)).collect();
        let by_reference = |name: String| {
            let place = Ref::new(format!("#/components/headers/{name}"));
            (name, RefOr::Ref(place))
        };
        response.headers = all.into_iter().map(by_reference).collect();
    }
}

/// Returns whether a response lists a code of something that ends by itself.
fn waits(response: &Response) -> bool {
    let mut waiting = CODES.iter().filter(|code| code.advice().contains("`Retry-After`"));
    waiting.any(|code| response.description.contains(&format!("`{}`", code.as_str())))
}

/// Describes the headers among the components.
pub(super) fn declare(components: &mut Components) {
    let header = |DescribedHeader(name, kind, text): DescribedHeader| {
        let value = ObjectBuilder::new().schema_type(SchemaType::Type(kind)).build();
        let mut header = Header::new(value);
        header.description = Some(text.to_owned());
        (name.to_owned(), RefOr::T(header))
    };
    components.headers = KNOWN.into_iter().map(header).collect();
}
