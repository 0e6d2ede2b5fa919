use std::collections::BTreeMap;

use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use jsonwebtoken::{DecodingKey, EncodingKey};
use loadmaster_platform::random::TokenSource;
use secrecy::{ExposeSecret, SecretString};

use super::model::StoredKey;

use crate::error::AccountError;

struct SigningKey {
    kid: String,
    key: EncodingKey,
    signs_from: DateTime<Utc>,
    until: Option<DateTime<Utc>>,
}

pub struct VerifyingKey {
    pub key: DecodingKey,
    until: Option<DateTime<Utc>>,
    /// `x` of RFC 8037; shared secrets have none.
    public: Option<String>,
}

/// The keys that sign access tokens, each from its time on, and the keys that verify them, by their `kid`.
pub struct KeyRing {
    /// Latest first.
    signing: Vec<SigningKey>,
    verifying: BTreeMap<String, VerifyingKey>,
}

impl KeyRing {
    /// The shared secret of HS256.
    pub fn of_secret(secret: &SecretString) -> Self {
        let secret = secret.expose_secret().as_bytes();
        // The id identifies the secret without revealing it; 96 bits distinguish two secrets.
        let hash = digest(&SHA256, &[b"loadmaster key id\0", secret].concat());
        let kid = URL_SAFE_NO_PAD.encode(&hash.as_ref()[..12]);
        let key = VerifyingKey { key: DecodingKey::from_secret(secret), until: None, public: None };
        Self::of_one(kid, EncodingKey::from_secret(secret), key)
    }

    /// The one Ed25519 key of the settings.
    pub fn of_pem(pem: &SecretString) -> Result<Self, AccountError> {
        let unusable =
            || AccountError::Crypto("auth.private_key is not an Ed25519 private key in PKCS #8 PEM form".to_owned());
        let signing = EncodingKey::from_ed_pem(pem.expose_secret().as_bytes()).map_err(|_| unusable())?;
        let pair = Ed25519KeyPair::from_pkcs8(signing.as_bytes()).map_err(|_| unusable())?;
        Ok(Self::of_one(thumbprint(&pair), signing, VerifyingKey::of(&pair, None)))
    }

    fn of_one(kid: String, signing: EncodingKey, verifying: VerifyingKey) -> Self {
        let signs = SigningKey { kid: kid.clone(), key: signing, signs_from: DateTime::<Utc>::MIN_UTC, until: None };
        Self { signing: vec![signs], verifying: BTreeMap::from([(kid, verifying)]) }
    }

    /// The keys of the database, latest first.
    pub fn of_stored(keys: &[StoredKey]) -> Result<Self, AccountError> {
        let mut ring = Self { signing: Vec::new(), verifying: BTreeMap::new() };
        for stored in keys {
            let pair = Ed25519KeyPair::from_pkcs8(&stored.private_key).map_err(|_| {
                AccountError::Crypto(format!("the signing key {} in the database is damaged", stored.kid))
            })?;
            ring.verifying.insert(stored.kid.clone(), VerifyingKey::of(&pair, stored.verifies_until));
            if !stored.is_retired {
                ring.signing.push(SigningKey {
                    kid: stored.kid.clone(),
                    key: EncodingKey::from_ed_der(&stored.private_key),
                    signs_from: stored.signs_from,
                    until: stored.verifies_until,
                });
            }
        }
        Ok(ring)
    }

    /// The latest key that may sign at `now`; before the time of all keys, the earliest.
    pub fn signing(&self, now: DateTime<Utc>) -> Result<(&str, &EncodingKey), AccountError> {
        let is_valid = |key: &&SigningKey| key.until.is_none_or(|until| now < until);
        let due = self.signing.iter().filter(is_valid).find(|key| key.signs_from <= now);
        let chosen = due.or_else(|| self.signing.iter().rev().find(is_valid));
        let chosen = chosen.ok_or_else(|| AccountError::Crypto("no key signs access tokens".to_owned()))?;
        Ok((&chosen.kid, &chosen.key))
    }

    /// The key with this id, also after its validity has ended.
    pub fn verifying(&self, kid: &str) -> Option<&VerifyingKey> {
        self.verifying.get(kid)
    }

    /// The public keys that verify at `now`, with their ids.
    pub fn public(&self, now: DateTime<Utc>) -> Vec<(String, String)> {
        let verifying = self.verifying.iter().filter(|(_, key)| key.is_valid_at(now));
        verifying.filter_map(|(kid, key)| Some((kid.clone(), key.public.clone()?))).collect()
    }
}

impl VerifyingKey {
    fn of(pair: &Ed25519KeyPair, until: Option<DateTime<Utc>>) -> Self {
        let public = Some(URL_SAFE_NO_PAD.encode(pair.public_key().as_ref()));
        Self { key: DecodingKey::from_ed_der(pair.public_key().as_ref()), until, public }
    }

    /// Whether tokens that it signed are accepted at `now`.
    pub fn is_valid_at(&self, now: DateTime<Utc>) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// Makes a key pair. Answers it and its public key.
pub fn fresh_key(
    random: &TokenSource,
    created_at: DateTime<Utc>,
    signs_from: DateTime<Utc>,
) -> Result<(StoredKey, Vec<u8>), AccountError> {
    let failed = || AccountError::Crypto("an Ed25519 key could not be generated".to_owned());
    let pair = Ed25519KeyPair::from_seed_unchecked(&random.bytes::<32>()?).map_err(|_| failed())?;
    let private_key = pair.to_pkcs8().map_err(|_| failed())?.as_ref().to_vec();
    let kid = thumbprint(&pair);
    let key = StoredKey { kid, private_key, created_at, signs_from, verifies_until: None, is_retired: false };
    Ok((key, pair.public_key().as_ref().to_vec()))
}

/// RFC 7638 with the members of RFC 8037.
fn thumbprint(pair: &Ed25519KeyPair) -> String {
    let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
    let jwk = format!("{{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"{x}\"}}");
    URL_SAFE_NO_PAD.encode(digest(&SHA256, jwk.as_bytes()))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn stored(is_retired: bool) -> (StoredKey, Vec<u8>) {
        let (key, public_key) = fresh_key(&TokenSource::default(), at(0), DateTime::UNIX_EPOCH).unwrap();
        (StoredKey { is_retired, ..key }, public_key)
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    fn verifies(ring: &KeyRing, kid: &str, second: i64) -> bool {
        ring.verifying(kid).is_some_and(|key| key.is_valid_at(at(second)))
    }

    /// Signs from that second, and verifies until the other.
    fn turn(from: i64, until: Option<i64>) -> StoredKey {
        StoredKey { signs_from: at(from), verifies_until: until.map(at), ..stored(false).0 }
    }

    #[test]
    fn the_newest_key_that_is_not_retired_signs_and_all_verify() {
        let keys = [stored(true).0, stored(false).0, stored(false).0];
        let ring = KeyRing::of_stored(&keys).unwrap();
        assert_eq!(ring.signing(at(0)).unwrap().0, keys[1].kid);
        assert!(keys.iter().all(|key| verifies(&ring, &key.kid, 0)));
        assert!(KeyRing::of_stored(&keys[..1]).unwrap().signing(at(0)).is_err());
        assert!(KeyRing::of_stored(&[]).unwrap().signing(at(0)).is_err());
    }

    #[test]
    fn a_key_signs_from_its_time_on_and_verifies_until_the_last_token_of_it_is_dead() {
        let keys = [turn(300, None), turn(-1000, Some(1320))];
        let ring = KeyRing::of_stored(&keys).unwrap();
        for (second, signer) in [(-2000, 1), (0, 1), (299, 1), (300, 0), (1319, 0), (1320, 0)] {
            assert_eq!(ring.signing(at(second)).unwrap().0, keys[signer].kid, "{second}");
            assert!(verifies(&ring, &keys[0].kid, second), "known before it signs");
            assert_eq!(verifies(&ring, &keys[1].kid, second), second < 1320, "{second}");
            assert_eq!(ring.public(at(second)).len(), if second < 1320 { 2 } else { 1 }, "{second}");
        }
    }

    #[test]
    fn a_key_that_has_ended_does_not_sign_even_before_its_successor_is_due() {
        let keys = [turn(300, None), turn(-1000, Some(0))];
        let ring = KeyRing::of_stored(&keys).unwrap();
        assert_eq!(ring.signing(at(1)).unwrap().0, keys[0].kid);
    }

    #[test]
    fn a_damaged_key_is_named() {
        let (key, _) = stored(false);
        let damaged = StoredKey { private_key: key.private_key[1..].to_vec(), ..key };
        let Err(error) = KeyRing::of_stored(std::slice::from_ref(&damaged)) else { panic!("must be refused") };
        assert!(error.to_string().contains(&damaged.kid));
    }

    #[test]
    fn key_ids_are_rfc_7638_thumbprints() {
        // The key and thumbprint of RFC 8037, appendix A.
        let seed = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
        assert_eq!(thumbprint(&pair), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn the_configured_key_may_be_as_openssl_writes_it() {
        // The same seed as PKCS #8 version 1, which holds no public key.
        let seed = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
        let prefix = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
        let der = base64::engine::general_purpose::STANDARD.encode([prefix.as_slice(), &seed].concat());
        let pem = |body: &str| {
            SecretString::from(format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n"))
        };
        assert_eq!(
            KeyRing::of_pem(&pem(&der)).unwrap().signing(at(0)).unwrap().0,
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
        );
        assert!(KeyRing::of_pem(&pem("AAAA")).is_err());
        assert!(KeyRing::of_pem(&"no key".to_owned().into()).is_err());
    }

    #[test]
    fn secrets_have_ids_of_their_own() {
        let ring = |secret: &str| KeyRing::of_secret(&secret.to_owned().into());
        let (one, other) = (ring("0123456789abcdef0123456789abcdef"), ring("0123456789abcdef0123456789abcdeF"));
        let kid = one.signing(at(0)).unwrap().0;
        assert_ne!(kid, other.signing(at(0)).unwrap().0);
        assert!(verifies(&one, kid, 0));
        assert!(one.public(at(0)).is_empty(), "a secret is not published");
    }
}
