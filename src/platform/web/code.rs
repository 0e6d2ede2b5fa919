use std::str::FromStr;

use axum::http::StatusCode;

use crate::kernel::{Fault, FaultCode};

/// Declares the catalogue: each code once, with its status, name, title and advice.
macro_rules! catalogue {
    ($($code:ident: $status:ident, $name:literal, $title:literal, $advice:literal;)+) => {
        /// The closed catalogue of problems, published at `/problems`. A code never changes its meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $($code,)+
        }

        impl Code {
            pub const ALL: &[Self] = &[$(Self::$code,)+];
            pub const NAMES: &[&'static str] = &[$($name,)+];

            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$code => $name,)+
                }
            }

            pub const fn status(self) -> StatusCode {
                match self {
                    $(Self::$code => StatusCode::$status,)+
                }
            }

            pub const fn title(self) -> &'static str {
                match self {
                    $(Self::$code => $title,)+
                }
            }

            /// What a client does about it, in one sentence.
            pub const fn advice(self) -> &'static str {
                match self {
                    $(Self::$code => $advice,)+
                }
            }
        }
    };
}

catalogue! {
    MalformedRequest: BAD_REQUEST, "malformed_request", "The request cannot be read",
        "Send a well-formed UTF-8 JSON body, nested at most 128 levels deep, and a decodable query.";
    ValidationFailed: BAD_REQUEST, "validation_failed", "The request has faults",
        "Correct every entry of `errors`; each names its member by JSON pointer or parameter name.";
    InvalidCursor: BAD_REQUEST, "invalid_cursor", "The page cursor is not valid",
        "Start the list again without `cursor` and follow the `Link` header unchanged.";
    Unauthenticated: UNAUTHORIZED, "unauthenticated", "Authentication is required",
        "Log in and send the access token as `Authorization: Bearer …`.";
    TokenExpired: UNAUTHORIZED, "token_expired", "The access token has expired",
        "Use the refresh token, or log in again, to get a new access token.";
    InvalidCredentials: UNAUTHORIZED, "invalid_credentials", "E-mail or password is wrong",
        "Check both; which of the two is wrong is not said.";
    Forbidden: FORBIDDEN, "forbidden", "Your role may not do this",
        "Ask an operator or administrator, or use an account with the role named in `detail`.";
    AccountDisabled: FORBIDDEN, "account_disabled", "The account is disabled",
        "Ask your administrator to enable it.";
    NotFound: NOT_FOUND, "not_found", "There is no such thing here",
        "Check the address; what belongs to another organization is not shown either.";
    MethodNotAllowed: METHOD_NOT_ALLOWED, "method_not_allowed", "This address does not take that method",
        "Use one of the methods in the `Allow` header.";
    PayloadTooLarge: PAYLOAD_TOO_LARGE, "payload_too_large", "The body is too large",
        "Send less at once; the limit is named in `detail`.";
    UnsupportedMediaType: UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "The body's media type is not taken",
        "Send the `Content-Type` that the operation documents.";
    CapacityExceeded: CONFLICT, "capacity_exceeded", "The flight has not enough room left",
        "Book less than `available`, or search for another flight.";
    InvalidTransition: CONFLICT, "invalid_transition", "That cannot be done in this state",
        "Do one of `allowed`, or read the current state first.";
    FlightClosed: CONFLICT, "flight_closed", "The flight takes no more bookings",
        "Choose a flight whose cut-off has not passed.";
    FlightCancelled: CONFLICT, "flight_cancelled", "The flight is cancelled",
        "Choose another flight.";
    FlightMismatch: CONFLICT, "flight_mismatch", "The shipment is not on that flight",
        "Name the flight of the current leg or none; of a flight, name only bookings that are still on it.";
    LocationMismatch: CONFLICT, "location_mismatch", "That is not where this happens",
        "Leave `location` out, or name the airport given in `detail`.";
    ItineraryInvalid: CONFLICT, "itinerary_invalid", "The flights do not make an itinerary",
        "Choose flights that chain from origin to destination with enough time to connect, as route search does.";
    CapacityBelowBooked: CONFLICT, "capacity_below_booked", "More is booked than that capacity has",
        "Offload bookings in the same request, or leave at least what `shortfalls` says is booked and held.";
    NoBookableItinerary: CONFLICT, "no_bookable_itinerary", "No flights with room were found",
        "Try another date, less freight, or name the flights yourself.";
    AlreadyExists: CONFLICT, "already_exists", "It exists already",
        "Use what is there, or choose another name.";
    BookingLocked: CONFLICT, "booking_locked", "The shipment is being changed by somebody else",
        "Wait as long as `Retry-After` says and try again.";
    IdempotencyInProgress: CONFLICT, "idempotency_in_progress", "The first request with this key is still at work",
        "Wait as long as `Retry-After` says and repeat the request with the same key.";
    IdempotencyKeyReused: UNPROCESSABLE_ENTITY, "idempotency_key_reused", "The key was used for another request",
        "Use a new `Idempotency-Key` for each thing you want done.";
    VersionMismatch: PRECONDITION_FAILED, "version_mismatch", "It has changed meanwhile",
        "Read it again and decide anew with its new `ETag`.";
    RateLimited: TOO_MANY_REQUESTS, "rate_limited", "Too many requests",
        "Wait as long as `Retry-After` says; `RateLimit-Remaining` tells beforehand.";
    HeadersTooLarge: REQUEST_HEADER_FIELDS_TOO_LARGE, "headers_too_large", "The headers are too large",
        "Send at most 32 KiB in one header and 64 KiB in all; this may also be answered without a body.";
    Internal: INTERNAL_SERVER_ERROR, "internal", "Something went wrong on our side",
        "Try again later; if it persists, report the `request_id`.";
    Unavailable: SERVICE_UNAVAILABLE, "unavailable", "The service cannot answer right now",
        "Wait as long as `Retry-After` says and try again.";
    Timeout: GATEWAY_TIMEOUT, "timeout", "The answer took too long",
        "Read the current state before you try again: a change may have been made.";
}

impl FromStr for Code {
    type Err = Fault;

    fn from_str(name: &str) -> Result<Self, Fault> {
        let found = Self::ALL.iter().copied().find(|code| code.as_str() == name);
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
