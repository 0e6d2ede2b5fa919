use axum::http::StatusCode;

/// The kind of a problem, as in the catalogue at `/problems`. A code never changes its meaning. The general ones stand
/// here; each room declares its own with `problem_codes!`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code(&'static Entry);

#[derive(Debug, PartialEq, Eq)]
#[doc(hidden)]
pub struct Entry {
    pub name: &'static str,
    pub status: StatusCode,
    pub title: &'static str,
    pub advice: &'static str,
}

impl Code {
    #[doc(hidden)]
    pub const fn new(entry: &'static Entry) -> Self {
        Self(entry)
    }

    pub const fn as_str(self) -> &'static str {
        self.0.name
    }

    pub const fn status(self) -> StatusCode {
        self.0.status
    }

    pub const fn title(self) -> &'static str {
        self.0.title
    }

    /// Returns advice to the client, in one sentence.
    pub const fn advice(self) -> &'static str {
        self.0.advice
    }
}

/// Declares problem codes, each once: constant, status, name, title, advice. `CODES` lists them for the catalogue.
macro_rules! codes {
    ($($code:ident: $status:ident, $name:literal, $title:literal, $advice:literal;)*) => {
        $(
            #[doc = $title]
            pub const $code: $crate::platform::web::Code = {
                const ENTRY: &$crate::platform::web::code::Entry = &$crate::platform::web::code::Entry {
                    name: $name,
                    status: axum::http::StatusCode::$status,
                    title: $title,
                    advice: $advice,
                };
                $crate::platform::web::Code::new(ENTRY)
            };
        )*

        pub const CODES: &[$crate::platform::web::Code] = &[$($code),*];
    };
}

/// Declares a room's module `code`: its own problem codes beside the general ones and, in braces, those of lower rooms.
macro_rules! problem_codes {
    ($({ $($lower:path),+ $(,)? })? $($code:ident: $status:ident, $name:literal, $title:literal, $advice:literal;)*) => {
        /// The problem codes of this room's answers.
        pub mod code {
            #[allow(unused_imports, reason = "not every room needs every code")]
            pub use $crate::platform::web::code::*;
            $($(pub use $lower;)+)?

            $crate::platform::web::codes! { $($code: $status, $name, $title, $advice;)* }
        }
    };
}

pub(crate) use {codes, problem_codes};

codes! {
    MALFORMED_REQUEST: BAD_REQUEST, "malformed_request", "The request cannot be read",
        "Send a well-formed UTF-8 JSON body, nested at most 128 levels deep, and a decodable query.";
    VALIDATION_FAILED: BAD_REQUEST, "validation_failed", "The request has faults",
        "Correct every entry of `errors`; each names its member by JSON pointer or parameter name.";
    INVALID_CURSOR: BAD_REQUEST, "invalid_cursor", "The page cursor is not valid",
        "Start the list again without `cursor` and follow the `Link` header unchanged.";
    UNAUTHENTICATED: UNAUTHORIZED, "unauthenticated", "Authentication is required",
        "Log in and send the access token as `Authorization: Bearer …`.";
    TOKEN_EXPIRED: UNAUTHORIZED, "token_expired", "The access token has expired",
        "Use the refresh token, or log in again, to get a new access token.";
    FORBIDDEN: FORBIDDEN, "forbidden", "Your role may not do this",
        "Ask an operator or administrator, or use an account with the role named in `detail`.";
    NOT_FOUND: NOT_FOUND, "not_found", "There is no such thing here",
        "Check the address; what belongs to another organization is not shown either.";
    METHOD_NOT_ALLOWED: METHOD_NOT_ALLOWED, "method_not_allowed", "This address does not take that method",
        "Use one of the methods in the `Allow` header.";
    PAYLOAD_TOO_LARGE: PAYLOAD_TOO_LARGE, "payload_too_large", "The body is too large",
        "Send less at once; the limit is named in `detail`.";
    UNSUPPORTED_MEDIA_TYPE: UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "The body's media type is not taken",
        "Send the `Content-Type` that the operation documents.";
    INVALID_TRANSITION: CONFLICT, "invalid_transition", "That cannot be done in this state",
        "Do one of `allowed`, or read the current state first.";
    ALREADY_EXISTS: CONFLICT, "already_exists", "It exists already",
        "Use what is there, or choose another name.";
    IDEMPOTENCY_IN_PROGRESS: CONFLICT, "idempotency_in_progress", "The first request with this key is still at work",
        "Wait as long as `Retry-After` says and repeat the request with the same key.";
    IDEMPOTENCY_KEY_REUSED: UNPROCESSABLE_ENTITY, "idempotency_key_reused", "The key was used for another request",
        "Use a new `Idempotency-Key` for each thing you want done.";
    VERSION_MISMATCH: PRECONDITION_FAILED, "version_mismatch", "It has changed meanwhile",
        "Read it again and decide anew with its new `ETag`.";
    RATE_LIMITED: TOO_MANY_REQUESTS, "rate_limited", "Too many requests",
        "Wait as long as `Retry-After` says; `RateLimit-Remaining` tells beforehand.";
    HEADERS_TOO_LARGE: REQUEST_HEADER_FIELDS_TOO_LARGE, "headers_too_large", "The headers are too large",
        "Send at most 32 KiB in one header and 64 KiB in all; this may also be answered without a body.";
    INTERNAL: INTERNAL_SERVER_ERROR, "internal", "Something went wrong on our side",
        "Try again later; if it persists, report the `request_id`.";
    UNAVAILABLE: SERVICE_UNAVAILABLE, "unavailable", "The service cannot answer right now",
        "Wait as long as `Retry-After` says and try again.";
    TIMEOUT: GATEWAY_TIMEOUT, "timeout", "The answer took too long",
        "Read the current state before you try again: a change may have been made.";
}

/// Codes for parameters and bodies that cannot be understood.
pub const INPUT: &[Code] = &[MALFORMED_REQUEST, VALIDATION_FAILED];
/// Codes for paged lists.
pub const LIST: &[Code] = &[MALFORMED_REQUEST, VALIDATION_FAILED, INVALID_CURSOR];
/// Codes for credentials; invalid ones are refused on public routes, too.
pub const CALLER: &[Code] = &[UNAUTHENTICATED, TOKEN_EXPIRED];
/// Codes for operations that not every role may call.
pub const ROLE: &[Code] = &[UNAUTHENTICATED, TOKEN_EXPIRED, FORBIDDEN];
/// Codes for bodies.
pub const BODY: &[Code] = &[PAYLOAD_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE];
/// Codes for an `Idempotency-Key`.
pub const KEY: &[Code] = &[IDEMPOTENCY_IN_PROGRESS, IDEMPOTENCY_KEY_REUSED];
