//! Secrets as they may be shown.
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
