//! Requests and errors of `/auth/token`, which follow RFC 6749 in place of the problem catalogue.
use axum::{
    Json,
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use loadmaster_platform::web::{Form, NO_STORE, Problem, request_id};
use secrecy::SecretString;

use super::dto::{LoginRequest, RefreshRequest, TokenErrorBody};

use crate::error::code;

/// RFC 6749, section 5.1: no cache may store a credential, nor may one that speaks HTTP/1.0 only.
pub(super) const UNCACHED: [(HeaderName, &str); 2] = [(header::CACHE_CONTROL, NO_STORE), (header::PRAGMA, "no-cache")];

/// The reason for which no token is issued.
#[derive(Debug)]
pub(super) enum TokenRefusal {
    /// One of the errors of RFC 6749, section 5.2, and a sentence.
    Error(&'static str, String),
    /// Anything but a fault of the grant: a body that is too large, a server that is unavailable.
    Problem(Problem),
}

impl TokenRefusal {
    fn invalid_request(detail: impl Into<String>) -> Self {
        Self::Error("invalid_request", detail.into())
    }

    fn invalid_grant(detail: impl Into<String>) -> Self {
        Self::Error("invalid_grant", detail.into())
    }
}

impl From<Problem> for TokenRefusal {
    fn from(problem: Problem) -> Self {
        match problem.code() {
            code::MALFORMED_REQUEST | code::VALIDATION_FAILED | code::UNSUPPORTED_MEDIA_TYPE => {
                Self::invalid_request(problem.detail())
            }
            code::INVALID_CREDENTIALS | code::ACCOUNT_DISABLED | code::UNAUTHENTICATED => {
                Self::invalid_grant(problem.detail())
            }
            _ => Self::Problem(problem),
        }
    }
}

impl IntoResponse for TokenRefusal {
    fn into_response(self) -> Response {
        match self {
            Self::Problem(problem) => problem.into_response(),
            Self::Error(error, detail) => {
                let error_description = detail.chars().map(described).collect();
                let body = TokenErrorBody { error, error_description, detail, request_id: request_id() };
                (StatusCode::BAD_REQUEST, UNCACHED, Json(body)).into_response()
            }
        }
    }
}

/// Replaces characters that RFC 6749 does not allow in `error_description`.
const fn described(character: char) -> char {
    match character {
        '"' | '\\' => '\'',
        ' '..='~' => character,
        _ => '?',
    }
}

/// The grant of a token request.
#[derive(Debug)]
pub(super) enum Grant {
    Password(LoginRequest),
    Refresh(SecretString),
}

/// Reads the grant of a form; `passwords` says whether the installation exchanges passwords for tokens.
pub(super) fn grant(form: &Form, passwords: bool) -> Result<Grant, TokenRefusal> {
    let part = |name: &str| {
        let missing = || TokenRefusal::invalid_request(format!("`{name}` must be given exactly once."));
        form.get(name).ok_or_else(missing)
    };
    let unsupported = |detail: &str| Err(TokenRefusal::Error("unsupported_grant_type", detail.to_owned()));
    match part("grant_type")? {
        "password" if passwords => {
            let wrong = || TokenRefusal::invalid_grant("The e-mail address or the password is wrong.");
            let request = LoginRequest::of_form(part("username")?, part("password")?);
            Ok(Grant::Password(request.ok_or_else(wrong)?))
        }
        "password" => unsupported("This installation does not accept passwords."),
        "refresh_token" => {
            let wrong = || TokenRefusal::invalid_grant("The refresh token is no longer valid; log in again.");
            Ok(Grant::Refresh(RefreshRequest::token_of_form(part("refresh_token")?).ok_or_else(wrong)?))
        }
        _ if passwords => unsupported("`grant_type` must be password or refresh_token."),
        _ => unsupported("`grant_type` must be refresh_token."),
    }
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, extract::FromRequest, http::Request};

    use super::*;

    async fn read(body: &'static str, offered: bool) -> Result<Grant, &'static str> {
        let request = Request::post("/auth/token")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .unwrap();
        let form = Form::from_request(request, &()).await.unwrap();
        grant(&form, offered).map_err(|refusal| match refusal {
            TokenRefusal::Error(error, _) => error,
            TokenRefusal::Problem(problem) => problem.code().as_str(),
        })
    }

    #[tokio::test]
    async fn a_password_grant_names_user_and_password() {
        let form = "grant_type=password&username=ann%40example.com&password=pass+word&scope=&client_id=x";
        let Ok(Grant::Password(request)) = read(form, true).await else { panic!("a password grant") };
        assert_eq!(request.email.as_str(), "ann@example.com");
    }

    #[tokio::test]
    async fn a_refresh_grant_names_a_token_also_where_passwords_are_not_taken() {
        for passwords in [true, false] {
            let form = "grant_type=refresh_token&refresh_token=abc&scope=&client_id=x";
            assert!(matches!(read(form, passwords).await, Ok(Grant::Refresh(_))));
        }
    }

    #[tokio::test]
    async fn faults_of_a_grant_have_the_error_codes_of_rfc_6749() {
        for (form, error) in [
            ("", "invalid_request"),
            ("grant_type=", "invalid_request"),
            ("grant_type=password&grant_type=password&username=a&password=b", "invalid_request"),
            ("grant_type=password&password=b", "invalid_request"),
            ("grant_type=password&username=ann%40example.com", "invalid_request"),
            ("grant_type=refresh_token", "invalid_request"),
            ("grant_type=refresh_token&refresh_token=", "invalid_request"),
            ("grant_type=refresh_token&refresh_token=%00", "invalid_grant"),
            ("grant_type=client_credentials", "unsupported_grant_type"),
            ("grant_type=password&username=ann&password=b", "invalid_grant"),
            ("grant_type=password&username=ann%40example.com%00&password=b", "invalid_grant"),
        ] {
            assert_eq!(read(form, true).await.unwrap_err(), error, "{form}");
        }
        let form = "grant_type=password&username=ann%40example.com&password=b";
        assert_eq!(read(form, false).await.unwrap_err(), "unsupported_grant_type");
    }

    #[test]
    fn problems_of_the_grant_change_their_dialect_and_others_do_not() {
        let error = |code| match TokenRefusal::from(Problem::new(code, "Sentence.")) {
            TokenRefusal::Error(error, _) => error,
            TokenRefusal::Problem(problem) => problem.code().as_str(),
        };
        assert_eq!(error(code::UNSUPPORTED_MEDIA_TYPE), "invalid_request");
        assert_eq!(error(code::MALFORMED_REQUEST), "invalid_request");
        assert_eq!(error(code::VALIDATION_FAILED), "invalid_request");
        assert_eq!(error(code::INVALID_CREDENTIALS), "invalid_grant");
        assert_eq!(error(code::ACCOUNT_DISABLED), "invalid_grant");
        assert_eq!(error(code::UNAUTHENTICATED), "invalid_grant");
        assert_eq!(error(code::PAYLOAD_TOO_LARGE), "payload_too_large");
        assert_eq!(error(code::UNAVAILABLE), "unavailable");
    }

    #[test]
    fn descriptions_keep_to_the_characters_of_rfc_6749() {
        let described: String = "`a\"b\\c` é\n".chars().map(described).collect();
        assert_eq!(described, "`a'b'c` ??");
    }
}
