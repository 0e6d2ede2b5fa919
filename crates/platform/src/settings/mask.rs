//! Secrets as they may be shown.
use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};
use serde::{Serialize, Serializer};
use url::Url;

const MASK: &str = "***";

#[allow(clippy::ref_option, reason = "the signature that serde's serialize_with asks for")]
pub(super) fn secret<S: Serializer>(secret: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(|_| MASK).serialize(serializer)
}

pub(super) fn secrets<S: Serializer>(secrets: &[SecretString], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(secrets.iter().map(|_| MASK))
}

/// The names are shown.
pub(super) fn secret_values<S: Serializer>(
    secrets: &BTreeMap<String, SecretString>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(secrets.keys().map(|name| (name, MASK)))
}

/// The names are shown, and the value of `Content-Type`: it decides how a body is escaped, and is no secret.
pub(super) fn headers<S: Serializer>(
    headers: &BTreeMap<String, SecretString>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let shown = |name: &String, value: &SecretString| {
        if name.eq_ignore_ascii_case("content-type") { value.expose_secret().to_owned() } else { MASK.into() }
    };
    serializer.collect_map(headers.iter().map(|(name, value)| (name, shown(name, value))))
}

/// The address of a gateway, whose key may be anywhere in it.
#[allow(clippy::ref_option, reason = "the signature that serde's serialize_with asks for")]
pub(super) fn origin<S: Serializer>(url: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
    url.as_ref().map(|url| origin_of(url.expose_secret())).serialize(serializer)
}

/// Returns scheme, host and port of a URL, and `/***` for the rest if there is any.
fn origin_of(url: &str) -> String {
    let Ok(url) = Url::parse(url) else { return MASK.into() };
    let Some(host) = url.host_str() else { return MASK.into() };
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    let has_more = url.path() != "/" || url.query().is_some() || url.fragment().is_some();
    let rest = if has_more { "/***" } else { "" };
    format!("{}://{host}{port}{rest}", url.scheme())
}

#[allow(clippy::ref_option, reason = "the signature that serde's serialize_with asks for")]
pub(super) fn url<S: Serializer>(url: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
    url.as_ref().map(|url| without_password(url.expose_secret())).serialize(serializer)
}

/// Returns the URL with `***` for its password, be it before the host or among the parameters.
pub fn without_password(url: &str) -> String {
    let Ok(mut url) = Url::parse(url) else { return MASK.into() };
    if url.password().is_some() && url.set_password(Some(MASK)).is_err() {
        return MASK.into();
    }
    let secret = |key: &str| matches!(key.to_ascii_lowercase().as_str(), "password" | "pass" | "sslpassword");
    if url.query_pairs().any(|(key, _)| secret(&key)) {
        let shown: Vec<(String, String)> = url
            .query_pairs()
            .map(|(key, value)| (key.to_string(), if secret(&key) { MASK.into() } else { value.to_string() }))
            .collect();
        url.query_pairs_mut().clear().extend_pairs(shown);
    }
    url.into()
}
