//! The text of refresh tokens: random bits under a signature of the installation. A text that was never issued is refused
//! without a query, so that guesses cost no more than a signature.
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use loadmaster_platform::{
    random::{NoRandomness, TokenSource},
    room::Opening,
    seal::SealKey,
};

const PREFIX: &str = "lmr_";
const SCOPE: &str = "refresh_token";
const RANDOM_BYTES: usize = 32;

/// What the text of a refresh token shows of its origin, without a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// This installation issued it.
    Signed,
    /// It has the form of the tokens of former releases, which have no signature.
    Unsigned,
    /// Nobody issued it.
    Unknown,
}

/// Issues the texts of refresh tokens, and recognizes them. Cheap to clone.
#[derive(Clone)]
pub struct RefreshTokens {
    key: SealKey,
    random: TokenSource,
}

impl RefreshTokens {
    pub fn new(opening: &Opening) -> Self {
        Self { key: SealKey::new(&opening.secrets.reference_key), random: opening.tokens.clone() }
    }

    /// Returns a new token, of 256 random bits and their signature: 90 characters that need no escaping anywhere.
    pub fn issue(&self) -> Result<String, NoRandomness> {
        let sealed = self.key.seal(SCOPE, &self.random.bytes::<RANDOM_BYTES>()?);
        Ok(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(sealed)))
    }

    pub fn origin(&self, token: &str) -> Origin {
        let decoded = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
        let is_signed = |sealed: &str| self.key.open(SCOPE, &decoded(sealed)).is_some();
        if token.strip_prefix(PREFIX).is_some_and(is_signed) {
            Origin::Signed
        } else if decoded(token).len() == RANDOM_BYTES {
            Origin::Unsigned
        } else {
            Origin::Unknown
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_issued_tokens_and_those_in_the_former_form_are_looked_up() {
        let tokens = |key: u8| RefreshTokens { key: SealKey::new(&[key; 32]), random: TokenSource::default() };
        let (own, other) = (tokens(1), tokens(2));
        let token = own.issue().unwrap();
        assert_eq!((token.len(), own.origin(&token)), (90, Origin::Signed));
        assert_ne!(token, own.issue().unwrap());
        assert_eq!(own.origin(&other.issue().unwrap()), Origin::Unknown, "of another installation");
        for at in 0..token.len() {
            let mut forged = token.clone();
            forged.replace_range(at..=at, if &token[at..=at] == "A" { "B" } else { "A" });
            assert_eq!(own.origin(&forged), Origin::Unknown, "character {at}");
            // 43 of them may have the former form.
            let is_like_former = at == 43 && own.origin(&token[..at]) == Origin::Unsigned;
            assert!(is_like_former || own.origin(&token[..at]) == Origin::Unknown, "{at} characters of it");
        }
        assert_eq!(own.origin(&TokenSource::default().token().unwrap()), Origin::Unsigned);
        for unknown in ["", "guess", "lmr_", &"A".repeat(42), &"A".repeat(44), &"ä".repeat(43)] {
            assert_eq!(own.origin(unknown), Origin::Unknown, "{unknown}");
        }
    }
}
