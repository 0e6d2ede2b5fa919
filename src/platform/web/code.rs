use std::str::FromStr;

use axum::http::StatusCode;

use crate::kernel::{Fault, FaultCode};

/// The closed catalogue of problems, published at `/problems`. A code never changes its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    MalformedRequest,
    ValidationFailed,
    InvalidCursor,
    Unauthenticated,
    TokenExpired,
    InvalidCredentials,
    Forbidden,
    AccountDisabled,
    NotFound,
    MethodNotAllowed,
    PayloadTooLarge,
    UnsupportedMediaType,
    CapacityExceeded,
    InvalidTransition,
    FlightClosed,
    FlightCancelled,
    FlightMismatch,
    LocationMismatch,
    ItineraryInvalid,
    NoBookableItinerary,
    AlreadyExists,
    VersionMismatch,
    Internal,
    Unavailable,
    Timeout,
}

impl Code {
    pub const ALL: [Self; 25] = [
        Self::MalformedRequest,
        Self::ValidationFailed,
        Self::InvalidCursor,
        Self::Unauthenticated,
        Self::TokenExpired,
        Self::InvalidCredentials,
        Self::Forbidden,
        Self::AccountDisabled,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::PayloadTooLarge,
        Self::UnsupportedMediaType,
        Self::CapacityExceeded,
        Self::InvalidTransition,
        Self::FlightClosed,
        Self::FlightCancelled,
        Self::FlightMismatch,
        Self::LocationMismatch,
        Self::ItineraryInvalid,
        Self::NoBookableItinerary,
        Self::AlreadyExists,
        Self::VersionMismatch,
        Self::Internal,
        Self::Unavailable,
        Self::Timeout,
    ];

    pub const fn as_str(self) -> &'static str {
        self.entry().0
    }

    pub const fn status(self) -> StatusCode {
        self.entry().1
    }

    pub const fn title(self) -> &'static str {
        self.entry().2
    }

    /// What a client does about it, in one sentence.
    pub const fn advice(self) -> &'static str {
        self.entry().3
    }

    const fn entry(self) -> (&'static str, StatusCode, &'static str, &'static str) {
        match self {
            Self::MalformedRequest => (
                "malformed_request",
                StatusCode::BAD_REQUEST,
                "The request cannot be read",
                "Send a well-formed UTF-8 JSON body, nested at most 127 levels deep, and a decodable query.",
            ),
            Self::ValidationFailed => (
                "validation_failed",
                StatusCode::BAD_REQUEST,
                "The request has faults",
                "Correct every entry of `errors`; each names its member by JSON pointer or parameter name.",
            ),
            Self::InvalidCursor => (
                "invalid_cursor",
                StatusCode::BAD_REQUEST,
                "The page cursor is not valid",
                "Start the list again without `cursor` and follow the `Link` header unchanged.",
            ),
            Self::Unauthenticated => (
                "unauthenticated",
                StatusCode::UNAUTHORIZED,
                "Authentication is required",
                "Log in and send the access token as `Authorization: Bearer …`.",
            ),
            Self::TokenExpired => (
                "token_expired",
                StatusCode::UNAUTHORIZED,
                "The access token has expired",
                "Log in again to get a new access token.",
            ),
            Self::InvalidCredentials => (
                "invalid_credentials",
                StatusCode::UNAUTHORIZED,
                "E-mail or password is wrong",
                "Check both; which of the two is wrong is not said.",
            ),
            Self::Forbidden => (
                "forbidden",
                StatusCode::FORBIDDEN,
                "Your role may not do this",
                "Ask an operator or administrator, or use an account with the role named in `detail`.",
            ),
            Self::AccountDisabled => (
                "account_disabled",
                StatusCode::FORBIDDEN,
                "The account is disabled",
                "Ask your administrator to enable it.",
            ),
            Self::NotFound => (
                "not_found",
                StatusCode::NOT_FOUND,
                "There is no such thing here",
                "Check the address; what belongs to another organization is not shown either.",
            ),
            Self::MethodNotAllowed => (
                "method_not_allowed",
                StatusCode::METHOD_NOT_ALLOWED,
                "This address does not take that method",
                "Use one of the methods in the `Allow` header.",
            ),
            Self::PayloadTooLarge => (
                "payload_too_large",
                StatusCode::PAYLOAD_TOO_LARGE,
                "The body is too large",
                "Send less at once; the limit is named in `detail`.",
            ),
            Self::UnsupportedMediaType => (
                "unsupported_media_type",
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "The body's media type is not taken",
                "Send the `Content-Type` that the operation documents.",
            ),
            Self::CapacityExceeded => (
                "capacity_exceeded",
                StatusCode::CONFLICT,
                "The flight has not enough room left",
                "Book less than `available`, or search for another flight.",
            ),
            Self::InvalidTransition => (
                "invalid_transition",
                StatusCode::CONFLICT,
                "That cannot be done in this state",
                "Do one of `allowed`, or read the current state first.",
            ),
            Self::FlightClosed => (
                "flight_closed",
                StatusCode::CONFLICT,
                "The flight takes no more bookings",
                "Choose a flight whose cut-off has not passed.",
            ),
            Self::FlightCancelled => {
                ("flight_cancelled", StatusCode::CONFLICT, "The flight is cancelled", "Choose another flight.")
            }
            Self::FlightMismatch => (
                "flight_mismatch",
                StatusCode::CONFLICT,
                "That is not the flight of the current leg",
                "Leave the flight out, or name the flight of the current leg.",
            ),
            Self::LocationMismatch => (
                "location_mismatch",
                StatusCode::CONFLICT,
                "That is not where this happens",
                "Leave `location` out, or name the airport given in `detail`.",
            ),
            Self::ItineraryInvalid => (
                "itinerary_invalid",
                StatusCode::CONFLICT,
                "The flights do not make an itinerary",
                "Choose flights that chain from origin to destination with enough time to connect, as route search does.",
            ),
            Self::NoBookableItinerary => (
                "no_bookable_itinerary",
                StatusCode::CONFLICT,
                "No flights with room were found",
                "Try another date, less freight, or name the flights yourself.",
            ),
            Self::AlreadyExists => (
                "already_exists",
                StatusCode::CONFLICT,
                "It exists already",
                "Use what is there, or choose another name.",
            ),
            Self::VersionMismatch => (
                "version_mismatch",
                StatusCode::PRECONDITION_FAILED,
                "It has changed meanwhile",
                "Read it again and decide anew with its new `ETag`.",
            ),
            Self::Internal => (
                "internal",
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something went wrong on our side",
                "Try again later; if it persists, report the `request_id`.",
            ),
            Self::Unavailable => (
                "unavailable",
                StatusCode::SERVICE_UNAVAILABLE,
                "The service cannot answer right now",
                "Wait as long as `Retry-After` says and try again.",
            ),
            Self::Timeout => (
                "timeout",
                StatusCode::GATEWAY_TIMEOUT,
                "The answer took too long",
                "Read the current state before you try again: a change may have been made.",
            ),
        }
    }
}

impl FromStr for Code {
    type Err = Fault;

    fn from_str(name: &str) -> Result<Self, Fault> {
        let found = Self::ALL.into_iter().find(|code| code.as_str() == name);
        found.ok_or_else(|| Fault::new(FaultCode::UnknownValue, "names no known problem"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_complete_and_each_code_is_found_by_its_name() {
        let mut names: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Code::ALL.len());
        assert!(Code::ALL.iter().all(|code| code.as_str().parse() == Ok(*code)));
        assert!("no_such_code".parse::<Code>().is_err());
    }
}
