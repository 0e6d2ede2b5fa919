use axum::http::StatusCode;

/// The kind of a problem, as in the catalogue at `/problems`. A code never changes its meaning. The general ones stand
/// here; each room declares its own with `problem_codes!`. The macro fills the field directly: where a code is a pattern, a
/// call in its constant would have the compiler of an optimised build look at all functions (E0391).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code(#[doc(hidden)] pub &'static Entry);

#[derive(Debug, PartialEq, Eq)]
#[doc(hidden)]
pub struct Entry {
    pub name: &'static str,
    pub status: StatusCode,
    pub title: &'static str,
    pub advice: &'static str,
}

impl Code {
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
#[macro_export]
macro_rules! codes {
    ($($code:ident: $status:ident, $name:literal, $title:literal, $advice:literal;)*) => {
        $(
            #[doc = $title]
            pub const $code: $crate::web::Code = {
                const ENTRY: &$crate::web::code::Entry = &$crate::web::code::Entry {
                    name: $name,
                    status: axum::http::StatusCode::$status,
                    title: $title,
                    advice: $advice,
                };
                $crate::web::Code(ENTRY)
            };
        )*

        pub const CODES: &[$crate::web::Code] = &[$($code),*];
    };
}

/// Declares a room's module `code`: its own problem codes beside the general ones and, in braces, those of lower rooms.
#[macro_export]
macro_rules! problem_codes {
    ($({ $($lower:path),+ $(,)? })? $($code:ident: $status:ident, $name:literal, $title:literal, $advice:literal;)*) => {
        /// The problem codes of this room's answers.
        pub mod code {
            #[allow(unused_imports, reason = "not every room needs every code")]
            pub use $crate::web::code::*;
            $($(pub use $lower;)+)?

            $crate::web::codes! { $($code: $status, $name, $title, $advice;)* }
        }
    };
}

pub use {codes, problem_codes};

codes! {
    MALFORMED_REQUEST: BAD_REQUEST, "malformed_request", "The request cannot be read",
        "Send a well-formed UTF-8 JSON body, nested at most 128 levels deep, and a decodable query.";
    VALIDATION_FAILED: BAD_REQUEST, "validation_failed", "The request is not valid",
        "Correct every fault in `errors`; each names its member by a JSON pointer or its parameter by name.";
    INVALID_CURSOR: BAD_REQUEST, "invalid_cursor", "The page cursor is not valid",
        "Start the list again without `cursor`, and follow the URL in the `Link` header unchanged.";
    UNAUTHENTICATED: UNAUTHORIZED, "unauthenticated", "Authentication is required",
        "Log in and send the access token as `Authorization: Bearer …`.";
    TOKEN_EXPIRED: UNAUTHORIZED, "token_expired", "The access token has expired",
        "Use the refresh token, or log in again, to get a new access token.";
    FORBIDDEN: FORBIDDEN, "forbidden", "Your role does not permit this",
        "Ask an operator or administrator, or use an account with the role named in `detail`.";
    NOT_FOUND: NOT_FOUND, "not_found", "The resource does not exist",
        "Check the address; resources of another organization are not shown either.";
    METHOD_NOT_ALLOWED: METHOD_NOT_ALLOWED, "method_not_allowed", "The method is not allowed at this address",
        "Use one of the methods in the `Allow` header.";
    PAYLOAD_TOO_LARGE: PAYLOAD_TOO_LARGE, "payload_too_large", "The body is too large",
        "Send a smaller body; `detail` names the limit.";
    UNSUPPORTED_MEDIA_TYPE: UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "The media type of the body is not supported",
        "Send the `Content-Type` that the operation documents, and at most one of the codings in `Accept-Encoding`.";
    INVALID_TRANSITION: CONFLICT, "invalid_transition", "The current state does not permit this action",
        "Read the current state, or choose an action from `allowed`.";
    ALREADY_EXISTS: CONFLICT, "already_exists", "The resource already exists",
        "Use the existing resource, or choose another name.";
    LIMIT_REACHED: CONFLICT, "limit_reached", "There are as many as there may be",
        "Delete one that you no longer need; `what` names the kind, `limit` the most there may be.";
    EXPORT_TOO_LARGE: CONFLICT, "export_too_large", "The export would have too many rows",
        "Narrow the filters: `rows` is what they choose, `limit` the most that this format takes.";
    IDEMPOTENCY_IN_PROGRESS: CONFLICT, "idempotency_in_progress", "The first request with this key is still in progress",
        "Wait for the time in `Retry-After`, then repeat the request with the same key.";
    IDEMPOTENCY_KEY_REUSED: UNPROCESSABLE_ENTITY, "idempotency_key_reused", "The key was used for a different request",
        "Use a new `Idempotency-Key` for each new request.";
    VERSION_MISMATCH: PRECONDITION_FAILED, "version_mismatch", "The resource has changed",
        "Read the resource again, and repeat the request with its new `ETag` if it still applies.";
    RATE_LIMITED: TOO_MANY_REQUESTS, "rate_limited", "Too many requests",
        "Wait for the time in `Retry-After`; `RateLimit-Remaining` shows how many requests are left.";
    HEADERS_TOO_LARGE: REQUEST_HEADER_FIELDS_TOO_LARGE, "headers_too_large", "The headers are too large",
        "Send at most 32 KiB in one header and 64 KiB in all headers; this response may have no body.";
    INTERNAL: INTERNAL_SERVER_ERROR, "internal", "Something went wrong on our side",
        "Try again later; if it persists, report the `request_id`.";
    UNAVAILABLE: SERVICE_UNAVAILABLE, "unavailable", "The service cannot answer right now",
        "Wait for the time in `Retry-After`, then repeat the request with the same `Idempotency-Key`; with `outcome` `unknown` a \
         change may have been made.";
    TIMEOUT: GATEWAY_TIMEOUT, "timeout", "The request timed out",
        "Repeat the request with the same `Idempotency-Key`; with `outcome` `unknown` a change may have been made.";
}

/// Codes that operations have in common.
#[derive(Debug, Clone, Copy)]
pub struct Group {
    pub codes: &'static [Code],
    /// Whether the operation asks for credentials.
    pub needs_credentials: bool,
}

impl Group {
    pub const fn of(codes: &'static [Code]) -> Self {
        Self { codes, needs_credentials: false }
    }
}

/// Codes for parameters and bodies that cannot be understood.
pub const INPUT: Group = Group::of(&[MALFORMED_REQUEST, VALIDATION_FAILED]);
/// Codes for paged lists.
pub const LIST: Group = Group::of(&[MALFORMED_REQUEST, VALIDATION_FAILED, INVALID_CURSOR]);
/// Codes for credentials; invalid ones are refused on public routes, too.
pub const CALLER: Group = Group::of(&[UNAUTHENTICATED, TOKEN_EXPIRED]);
/// Codes for operations that ask for credentials, of whatever role.
pub const SIGNED_IN: Group = Group { codes: CALLER.codes, needs_credentials: true };
/// Codes for operations that not every role may call.
pub const ROLE: Group = Group { codes: &[UNAUTHENTICATED, TOKEN_EXPIRED, FORBIDDEN], needs_credentials: true };
/// Codes for bodies.
pub const BODY: Group = Group::of(&[PAYLOAD_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE]);
/// Codes for an `Idempotency-Key`.
pub const KEY: Group = Group::of(&[IDEMPOTENCY_IN_PROGRESS, IDEMPOTENCY_KEY_REUSED]);
