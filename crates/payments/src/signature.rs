//! Signatures of webhooks, as Standard Webhooks has them.
use std::sync::Arc;

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};

/// Longest difference of a webhook's time to ours.
const TOLERANCE: TimeDelta = TimeDelta::minutes(5);
/// Longest id of a webhook.
const LONGEST_ID: usize = 255;
/// Most signatures of a webhook that are tried.
const MOST_SIGNATURES: usize = 10;

/// What a webhook's headers say.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    pub id: &'a str,
    /// Seconds since 1970.
    pub timestamp: &'a str,
    /// `v1,` and a signature; several are separated by blanks.
    pub signature: &'a str,
    pub body: &'a [u8],
}

/// The secrets by which webhooks are verified: the new one and the old one while it is exchanged.
#[derive(Clone, Default)]
pub struct WebhookKeys(Arc<[hmac::Key]>);

impl WebhookKeys {
    /// `whsec_` and the key in base64, or the key itself.
    pub fn new(secrets: &[SecretString]) -> Self {
        Self(secrets.iter().map(|secret| key(secret.expose_secret())).collect())
    }

    pub fn of_bytes(secret: &[u8]) -> Self {
        Self([hmac::Key::new(hmac::HMAC_SHA256, secret)].into())
    }

    /// Whether one of the signatures is by one of the secrets, and the time is near.
    pub fn verify(&self, signed: Signed<'_>, now: DateTime<Utc>) -> bool {
        let is_id =
            (1..=LONGEST_ID).contains(&signed.id.len()) && signed.id.bytes().all(|byte| byte.is_ascii_graphic());
        let time = signed.timestamp.parse().ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        let is_near = time.is_some_and(|time| (now - time).abs() <= TOLERANCE);
        if !is_id || !is_near {
            return false;
        }
        let content = content(signed.id, signed.timestamp, signed.body);
        let signatures = signed.signature.split(' ').filter_map(|one| one.strip_prefix("v1,"));
        let mut tags = signatures.take(MOST_SIGNATURES).filter_map(|one| STANDARD.decode(one).ok());
        tags.any(|tag| self.0.iter().any(|key| hmac::verify(key, &content, &tag).is_ok()))
    }

    /// Signs with the first secret; `None` without any.
    pub fn sign(&self, id: &str, timestamp: &str, body: &[u8]) -> Option<String> {
        let key = self.0.first()?;
        let tag = hmac::sign(key, &content(id, timestamp, body));
        Some(format!("v1,{}", STANDARD.encode(tag)))
    }
}

fn key(secret: &str) -> hmac::Key {
    let decoded = secret.strip_prefix("whsec_").and_then(|text| STANDARD.decode(text).ok());
    hmac::Key::new(hmac::HMAC_SHA256, decoded.as_deref().unwrap_or(secret.as_bytes()))
}

fn content(id: &str, timestamp: &str, body: &[u8]) -> Vec<u8> {
    [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_614_265_330, 0).unwrap()
    }

    /// The example of the specification, standard-webhooks 1.0.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const EXAMPLE: Signed<'_> = Signed {
        id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp: "1614265330",
        signature: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        body: br#"{"test": 2432232314}"#,
    };

    #[test]
    fn the_example_of_the_specification_is_verified() {
        let keys = WebhookKeys::new(&[SECRET.into()]);
        assert!(keys.verify(EXAMPLE, now()));
        assert_eq!(keys.sign(EXAMPLE.id, EXAMPLE.timestamp, EXAMPLE.body).unwrap(), EXAMPLE.signature);
        let both = format!("v1a,xyz v1,AAAA {}", EXAMPLE.signature);
        assert!(keys.verify(Signed { signature: &both, ..EXAMPLE }, now()), "one of several suffices");
        let new_first = WebhookKeys::new(&["another secret of 32 bytes or more".into(), SECRET.into()]);
        assert!(new_first.verify(EXAMPLE, now()), "the old secret is still known");
    }

    #[test]
    fn everything_else_is_refused() {
        let keys = WebhookKeys::new(&[SECRET.into()]);
        for (signed, what) in [
            (Signed { body: b"{}", ..EXAMPLE }, "another body"),
            (Signed { id: "msg_other", ..EXAMPLE }, "another id"),
            (Signed { id: "", ..EXAMPLE }, "no id"),
            (Signed { timestamp: "1614265331", ..EXAMPLE }, "another time"),
            (Signed { timestamp: "soon", ..EXAMPLE }, "no time"),
            (Signed { timestamp: "99999999999999999", ..EXAMPLE }, "no such time"),
            (Signed { signature: "", ..EXAMPLE }, "no signature"),
            (Signed { signature: "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", ..EXAMPLE }, "no version"),
        ] {
            assert!(!keys.verify(signed, now()), "{what}");
        }
        for minutes in [-6, 6] {
            assert!(!keys.verify(EXAMPLE, now() + TimeDelta::minutes(minutes)), "{minutes}");
        }
        for minutes in [-5, 5] {
            assert!(keys.verify(EXAMPLE, now() + TimeDelta::minutes(minutes)), "{minutes}");
        }
        assert!(!WebhookKeys::default().verify(EXAMPLE, now()), "without a secret nothing is verified");
    }
}
