//! Signatures by Standard Webhooks: <https://www.standardwebhooks.com>.
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::SecretString;

/// Number of bytes of a secret.
pub(super) const SECRET_LEN: usize = 32;

/// Returns a secret as receivers get it.
pub(super) fn written(secret: &[u8]) -> SecretString {
    format!("whsec_{}", STANDARD.encode(secret)).into()
}

/// Returns the value of `webhook-signature`: a signature by each of these secrets.
pub(super) fn signature<S: AsRef<[u8]>>(secrets: &[S], id: &str, timestamp: i64, body: &str) -> String {
    let text = format!("{id}.{timestamp}.{body}");
    let by = |secret: &S| {
        let tag = sign(&Key::new(HMAC_SHA256, secret.as_ref()), text.as_bytes());
        format!("v1,{}", STANDARD.encode(tag))
    };
    secrets.iter().map(by).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_the_standard() {
        // The example of the standard's own libraries.
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let body = r#"{"test": 2432232314}"#;
        let signed = signature(&[&secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        let both = signature(&[&secret, &vec![1; 32]], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert!(both.starts_with(&format!("{signed} v1,")), "{both}");
    }
}
