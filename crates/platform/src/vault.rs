//! Secrets that are stored: encrypted under a key that is not stored with them (AES-256-GCM), and bound to their row.
use std::sync::Arc;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    digest::{SHA256, digest},
};
use uuid::Uuid;

use super::{
    random::{NoRandomness, TokenSource},
    settings::Secrets,
};

/// The first byte of what is sealed: its form.
const FORM: u8 = 1;
/// Number of bytes that name a key.
const NAME_LEN: usize = 4;
const HEAD: usize = 1 + NAME_LEN + NONCE_LEN;

/// Encrypts and decrypts stored secrets. Cheap to clone.
#[derive(Clone)]
pub struct Vault {
    /// The first one encrypts; each decrypts what it encrypted.
    keys: Arc<[Key]>,
    tokens: TokenSource,
    is_own_key: bool,
}

struct Key {
    /// The beginning of the key's SHA-256.
    name: [u8; NAME_LEN],
    key: LessSafeKey,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault(***)")
    }
}

impl Key {
    fn new(bytes: &[u8; 32]) -> Option<Self> {
        let mut name = [0; NAME_LEN];
        name.copy_from_slice(digest(&SHA256, bytes).as_ref().get(..NAME_LEN)?);
        Some(Self { name, key: LessSafeKey::new(UnboundKey::new(&AES_256_GCM, bytes).ok()?) })
    }
}

impl Vault {
    /// `in_database` is the key that is kept in the database: it encrypts if none is configured, and decrypts what it has
    /// encrypted before.
    pub fn new(settings: &Secrets, in_database: &[u8; 32], tokens: TokenSource) -> Self {
        let configured = settings.key.iter().chain(&settings.former_keys).filter_map(Secrets::bytes);
        let mut all: Vec<[u8; 32]> = configured.collect();
        let place = if settings.key.is_some() { all.len() } else { 0 };
        all.insert(place, *in_database);
        Self { keys: all.iter().filter_map(Key::new).collect(), tokens, is_own_key: settings.key.is_some() }
    }

    /// Returns whether the key that encrypts is kept outside the database.
    pub const fn has_own_key(&self) -> bool {
        self.is_own_key
    }

    /// Encrypts the secret of a row.
    pub fn seal(&self, row: Uuid, secret: &[u8]) -> Result<Vec<u8>, NoRandomness> {
        let key = self.keys.first().ok_or(NoRandomness)?;
        let nonce = self.tokens.bytes::<NONCE_LEN>()?;
        let mut sealed = secret.to_vec();
        let under = Nonce::assume_unique_for_key(nonce);
        key.key.seal_in_place_append_tag(under, Aad::from(row.as_bytes()), &mut sealed).map_err(|_| NoRandomness)?;
        Ok([&[FORM][..], &key.name, &nonce, &sealed].concat())
    }

    /// Decrypts the secret of a row; `None` if it was changed, belongs to another row, or its key is not known.
    pub fn open(&self, row: Uuid, sealed: &[u8]) -> Option<Vec<u8>> {
        let (head, text) = sealed.split_at_checked(HEAD)?;
        let (FORM, rest) = (*head.first()?, head.get(1..)?) else { return None };
        let (name, nonce) = rest.split_at_checked(NAME_LEN)?;
        self.keys.iter().filter(|key| key.name == name).find_map(|key| {
            let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
            let mut text = text.to_vec();
            let secret = key.key.open_in_place(nonce, Aad::from(row.as_bytes()), &mut text).ok()?;
            Some(secret.to_vec())
        })
    }

    /// Returns whether it is encrypted under the key that encrypts now.
    pub fn is_current(&self, sealed: &[u8]) -> bool {
        let name = sealed.get(1..=NAME_LEN);
        self.keys.first().is_some_and(|key| name == Some(&key.name[..]))
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};

    use super::*;

    fn vault(keys: &[u8]) -> Vault {
        let text = |byte: &u8| STANDARD.encode([*byte; 32]).into();
        let settings = Secrets { key: keys.first().map(text), former_keys: keys.iter().skip(1).map(text).collect() };
        Vault::new(&settings, &[9; 32], TokenSource::default())
    }

    #[test]
    fn a_secret_opens_in_its_row_and_unchanged_only() {
        let (vault, row) = (vault(&[1]), Uuid::from_u128(1));
        let sealed = vault.seal(row, b"whsec").unwrap();
        assert_eq!(vault.open(row, &sealed).unwrap(), b"whsec");
        assert_eq!(vault.open(Uuid::from_u128(2), &sealed), None, "another row");
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert_eq!(vault.open(row, &changed), None, "byte {place}");
            assert_eq!(vault.open(row, &sealed[..place]), None, "{place} bytes of it");
        }
        assert_ne!(vault.seal(row, b"whsec").unwrap(), sealed, "each has a nonce of its own");
    }

    #[test]
    fn former_keys_open_what_they_sealed_and_the_first_one_seals() {
        let row = Uuid::from_u128(1);
        let (before, after, without) = (vault(&[1]), vault(&[2, 1]), vault(&[2]));
        let sealed = before.seal(row, b"whsec").unwrap();
        assert_eq!(after.open(row, &sealed).unwrap(), b"whsec");
        assert!(before.is_current(&sealed) && !after.is_current(&sealed));
        assert_eq!(without.open(row, &sealed), None);
        let anew = after.seal(row, b"whsec").unwrap();
        assert_eq!(without.open(row, &anew).unwrap(), b"whsec");
    }

    #[test]
    fn the_key_in_the_database_seals_only_where_none_is_configured() {
        let row = Uuid::from_u128(1);
        let (none, one) = (vault(&[]), vault(&[1]));
        assert!(one.has_own_key() && !none.has_own_key());
        let sealed = none.seal(row, b"whsec").unwrap();
        assert_eq!(one.open(row, &sealed).unwrap(), b"whsec");
        assert_eq!(none.open(row, &one.seal(row, b"whsec").unwrap()), None);
    }
}
