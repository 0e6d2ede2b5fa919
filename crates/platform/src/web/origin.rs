//! Where a request of a browser comes from.
use std::{convert::Infallible, net::IpAddr};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, Uri, header, request::Parts},
};
use ipnet::IpNet;
use url::Url;

const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Whether the client's connection is encrypted, to this server or to a trusted proxy. Put into each request by the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByHttps(pub bool);

impl ByHttps {
    /// Adds what a trusted proxy says of its client's connection to what is known of the peer's own. Any proxy that came by
    /// https decides: a client that claims it for itself changes only its own answer.
    #[must_use]
    pub fn with_proxies(self, peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> Self {
        let peer = peer.to_canonical();
        if !trusted.iter().any(|network| network.contains(&peer)) {
            return self;
        }
        let words = |name: HeaderName| headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
        let said = words(X_FORWARDED_PROTO).flat_map(|value| value.split(','));
        let by_forwarded = words(header::FORWARDED).flat_map(|value| value.split([',', ';'])).filter_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            name.trim().eq_ignore_ascii_case("proto").then(|| value.trim().trim_matches('"'))
        });
        let mut schemes = said.chain(by_forwarded).peekable();
        if schemes.peek().is_none() {
            return self;
        }
        Self(schemes.any(|scheme| scheme.trim().eq_ignore_ascii_case("https")))
    }
}

/// The page that sent a request, by its `Origin`, and the host that the request asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestOrigin {
    origin: Option<String>,
    host: Option<String>,
}

impl RequestOrigin {
    fn of(headers: &HeaderMap, uri: &Uri) -> Self {
        let text = |name: HeaderName| Some(headers.get(name)?.to_str().ok()?.to_owned());
        let host = uri.authority().map(ToString::to_string).or_else(|| text(header::HOST));
        Self { origin: text(header::ORIGIN), host }
    }

    /// Whether the page came by https. Browsers say so of every page that sends a `POST`.
    pub fn is_by_https(&self) -> bool {
        self.origin.as_deref().is_some_and(|origin| origin.starts_with("https://"))
    }

    /// Whether the page was loaded from this server: from the host of the request, or from the public address. The scheme
    /// of the request is not known behind a proxy, so that a host is compared with its port.
    pub fn is_own(&self, public_url: Option<&str>) -> bool {
        let Some(origin) = self.origin.as_deref().and_then(|origin| Url::parse(origin).ok()) else { return false };
        if !matches!(origin.scheme(), "http" | "https") {
            return false;
        }
        let is_host = self.host.as_deref().is_some_and(|host| {
            let url = Url::parse(&format!("{}://{host}", origin.scheme()));
            url.is_ok_and(|url| {
                url.host() == origin.host() && url.port_or_known_default() == origin.port_or_known_default()
            })
        });
        let is_public =
            public_url.and_then(|url| Url::parse(url).ok()).is_some_and(|url| url.origin() == origin.origin());
        is_host || is_public
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RequestOrigin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers, &parts.uri))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_own(origin: &str, host: &str, public_url: Option<&str>) -> bool {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        RequestOrigin { origin: text(origin), host: text(host) }.is_own(public_url)
    }

    #[test]
    fn a_page_of_this_host_or_of_the_public_address_is_our_own() {
        assert!(is_own("http://127.0.0.1:8080", "127.0.0.1:8080", None));
        assert!(is_own("https://cargo.example", "cargo.example", None));
        assert!(is_own("https://cargo.example", "CARGO.example:443", None));
        assert!(is_own("https://cargo.example", "10.0.0.7:8080", Some("https://cargo.example/")));
        assert!(is_own("http://[::1]:8080", "[::1]:8080", None));
    }

    #[test]
    fn a_page_of_another_host_port_or_scheme_is_not() {
        for (origin, host) in [
            ("", "127.0.0.1:8080"),
            ("null", "127.0.0.1:8080"),
            ("http://127.0.0.1:8081", "127.0.0.1:8080"),
            ("http://127.0.0.1", "127.0.0.1:8080"),
            ("http://localhost:8080", "127.0.0.1:8080"),
            ("https://evil.example", "cargo.example"),
            ("https://cargo.example.evil.example", "cargo.example"),
            ("file://cargo.example", "cargo.example"),
            ("https://cargo.example", ""),
        ] {
            assert!(!is_own(origin, host, None), "{origin} at {host}");
        }
        assert!(!is_own("http://cargo.example", "10.0.0.7", Some("https://cargo.example")));
    }

    #[test]
    fn a_request_came_by_https_if_its_connection_or_a_trusted_proxy_says_so() {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap()];
        let over = |connection: ByHttps, peer: &str, headers: &[(&str, &str)]| {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
            }
            connection.with_proxies(peer.parse().unwrap(), &map, &trusted).0
        };
        let by = |peer: &str, headers: &[(&str, &str)]| over(ByHttps(false), peer, headers);
        assert!(by("10.0.0.1", &[("x-forwarded-proto", "https")]));
        assert!(by("::ffff:10.0.0.1", &[("x-forwarded-proto", "https, http")]));
        assert!(by("10.0.0.1", &[("forwarded", "for=192.0.2.1;proto=\"https\"")]));
        assert!(!by("10.0.0.1", &[("x-forwarded-proto", "http")]));
        assert!(!by("10.0.0.1", &[]));
        assert!(!by("192.0.2.1", &[("x-forwarded-proto", "https")]));
        assert!(over(ByHttps(true), "192.0.2.1", &[("x-forwarded-proto", "http")]));
        assert!(over(ByHttps(true), "10.0.0.1", &[]), "a proxy that says nothing");
        assert!(!over(ByHttps(true), "10.0.0.1", &[("x-forwarded-proto", "http")]), "the client's own was plain");
    }
}
