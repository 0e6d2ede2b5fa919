use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};

const TAG: usize = 32;

/// Signs data that is stored elsewhere and returns (HMAC-SHA-256), so that it can be neither forged nor moved.
#[derive(Clone)]
pub struct SealKey(hmac::Key);

impl std::fmt::Debug for SealKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealKey(***)")
    }
}

impl SealKey {
    pub fn new(key: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// Prepends the signature under this scope, which names the payload's purpose.
    pub fn seal(&self, scope: &str, payload: &[u8]) -> Vec<u8> {
        [self.sign(scope, payload).as_ref(), payload].concat()
    }

    /// Returns the payload if it was sealed under the same scope; otherwise `None`.
    pub fn open<'a>(&self, scope: &str, sealed: &'a [u8]) -> Option<&'a [u8]> {
        let (tag, payload) = sealed.split_at_checked(TAG)?;
        verify_slices_are_equal(self.sign(scope, payload).as_ref(), tag).ok()?;
        Some(payload)
    }

    /// Returns a key of its own for this scope and payload.
    #[must_use]
    pub fn derive(&self, scope: &str, payload: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, self.sign(scope, payload).as_ref()))
    }

    fn sign(&self, scope: &str, payload: &[u8]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(scope.as_bytes());
        context.update(b"\0");
        context.update(payload);
        context.sign()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_sealed_opens_and_only_where_it_belongs() {
        let key = SealKey::new(&[1; 32]);
        let sealed = key.seal("here", b"payload");
        assert_eq!(key.open("here", &sealed), Some(&b"payload"[..]));
        assert_eq!(key.open("there", &sealed), None);
        assert_eq!(SealKey::new(&[2; 32]).open("here", &sealed), None);
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert_eq!(key.open("here", &changed), None, "byte {place}");
            assert_eq!(key.open("here", &sealed[..place]), None, "{place} bytes of it");
        }
        assert_eq!(key.open("here", &key.seal("here", b"")), Some(&b""[..]));
    }
}
