//! Pages without scripts, for people who follow a link in a letter. Following a link changes nothing, as programs that check
//! links follow them, too: a page asks, and its form posts the answer.
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};

use super::{NO_STORE, Problem};

const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
/// The address of a page is a secret: nobody stores it, sends it to another server, or finds it.
const HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_TYPE, "text/html; charset=utf-8"),
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::CACHE_CONTROL, NO_STORE),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("x-robots-tag"), "noindex"),
];

/// Who reads a response: people get pages, programs get problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    Person,
    Program,
}

impl Audience {
    fn of(headers: &HeaderMap) -> Self {
        let mut accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        if accepted.any(|types| types.contains("text/html")) { Self::Person } else { Self::Program }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Audience {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(&parts.headers))
    }
}

/// A page with a headline.
#[derive(Debug)]
pub struct Page {
    language: &'static str,
    title: &'static str,
    body: String,
}

impl Page {
    pub const fn new(title: &'static str) -> Self {
        Self { language: "en", title, body: String::new() }
    }

    /// Sets the language tag of the texts; without it they are English.
    #[must_use]
    pub fn in_language(self, language: &'static str) -> Self {
        Self { language, ..self }
    }

    /// Adds a paragraph.
    #[must_use]
    pub fn says(mut self, text: &str) -> Self {
        for part in ["<p>", &escaped(text), "</p>\n"] {
            self.body.push_str(part);
        }
        self
    }

    /// Adds a form with these controls, which are HTML.
    #[must_use]
    pub fn asks(mut self, controls: &str) -> Self {
        for part in ["<form method=\"post\">\n", controls, "\n</form>\n"] {
            self.body.push_str(part);
        }
        self
    }

    pub fn answer(&self) -> Response {
        self.with(StatusCode::OK)
    }

    /// Answers a refused request: people get this page, programs the problem.
    pub fn refusal(&self, problem: Problem, audience: Audience) -> Response {
        match audience {
            Audience::Person => self.with(problem.code().status()),
            Audience::Program => problem.into_response(),
        }
    }

    fn with(&self, status: StatusCode) -> Response {
        let (language, title, body) = (self.language, escaped(self.title), &self.body);
        let text = format!(
            "<!doctype html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
             <style>body{{max-width:36em;margin:4em auto;padding:0 1em;font:16px/1.5 sans-serif}}\
             button{{padding:.6em 1.2em;font:inherit}}input{{padding:.5em;font:inherit;width:100%;box-sizing:border-box}}\
             </style>\n</head>\n<body>\n<h1>{title}</h1>\n{body}</body>\n</html>\n"
        );
        (status, HEADERS, text).into_response()
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn people_are_known_by_the_type_that_browsers_accept() {
        let audience = |accepted: &'static str| {
            Audience::of(&HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accepted))]))
        };
        assert_eq!(audience("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"), Audience::Person);
        assert_eq!(audience("*/*"), Audience::Program);
        assert_eq!(audience("application/json"), Audience::Program);
        assert_eq!(Audience::of(&HeaderMap::new()), Audience::Program);
    }
}
