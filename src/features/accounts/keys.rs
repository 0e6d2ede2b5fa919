use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{DecodingKey, EncodingKey};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;

use super::{error::AccountError, repository};
use crate::platform::{
    clock::SharedClock,
    postgres::{Database, commit, retrying},
    random::TokenSource,
    settings::{Algorithm, Auth},
};

/// Tokens with made-up key ids must not make us ask the database each time.
const RELOAD_EVERY: TimeDelta = TimeDelta::seconds(10);

/// A key pair as it lies in the database.
pub(super) struct StoredKey {
    /// The RFC 7638 thumbprint of the public key.
    pub kid: String,
    /// PKCS #8.
    pub private_key: Vec<u8>,
    pub is_retired: bool,
}

/// The key that signs and the keys that verify, by their `kid`.
pub(super) struct KeyRing {
    kid: String,
    signing: EncodingKey,
    verifying: BTreeMap<String, DecodingKey>,
}

impl KeyRing {
    /// The shared secret of HS256.
    pub fn of_secret(secret: &SecretString) -> Self {
        let secret = secret.expose_secret().as_bytes();
        // Names the secret without telling it; 96 bits keep two secrets apart.
        let hash = digest(&SHA256, &[b"loadmaster key id\0", secret].concat());
        let kid = URL_SAFE_NO_PAD.encode(&hash.as_ref()[..12]);
        let verifying = BTreeMap::from([(kid.clone(), DecodingKey::from_secret(secret))]);
        Self { kid, signing: EncodingKey::from_secret(secret), verifying }
    }

    /// The one Ed25519 key of the settings.
    pub fn of_pem(pem: &SecretString) -> Result<Self, AccountError> {
        let unusable = || AccountError::Crypto("auth.private_key is no Ed25519 private key in PKCS #8 PEM".to_owned());
        let signing = EncodingKey::from_ed_pem(pem.expose_secret().as_bytes()).map_err(|_| unusable())?;
        let pair = Ed25519KeyPair::from_pkcs8(signing.as_bytes()).map_err(|_| unusable())?;
        let kid = thumbprint(&pair);
        let verifying = BTreeMap::from([(kid.clone(), verifying_key(&pair))]);
        Ok(Self { kid, signing, verifying })
    }

    /// The keys of the database, newest first: the first that is not retired signs, all verify.
    /// `None` when there is none that signs.
    pub fn of_stored(keys: &[StoredKey]) -> Result<Option<Self>, AccountError> {
        let mut verifying = BTreeMap::new();
        for key in keys {
            let pair = Ed25519KeyPair::from_pkcs8(&key.private_key)
                .map_err(|_| AccountError::Crypto(format!("the signing key {} in the database is damaged", key.kid)))?;
            verifying.insert(key.kid.clone(), verifying_key(&pair));
        }
        let newest = keys.iter().find(|key| !key.is_retired);
        Ok(newest.map(|key| Self {
            kid: key.kid.clone(),
            signing: EncodingKey::from_ed_der(&key.private_key),
            verifying,
        }))
    }

    pub fn signing(&self) -> (&str, &EncodingKey) {
        (&self.kid, &self.signing)
    }

    pub fn verifying(&self, kid: &str) -> Option<&DecodingKey> {
        self.verifying.get(kid)
    }
}

/// The keys in use. Those of the database are read at the start, and again when a token names one that is not known:
/// another instance may have made it.
pub(super) struct Keys {
    ring: RwLock<Arc<KeyRing>>,
    /// `None` when the key comes from the settings.
    database: Option<Database>,
    reloaded_at: Mutex<DateTime<Utc>>,
}

impl Keys {
    /// Takes the key from the settings, else from the database, where the first instance ever makes it.
    pub async fn load(
        db: &Database,
        settings: &Auth,
        clock: &SharedClock,
        random: &TokenSource,
    ) -> Result<Self, AccountError> {
        let (ring, database) = match (settings.algorithm, &settings.secret, &settings.private_key) {
            (Algorithm::Hs256, Some(secret), _) => (KeyRing::of_secret(secret), None),
            (Algorithm::Hs256, None, _) => {
                return Err(AccountError::Crypto("auth.algorithm HS256 needs auth.secret".to_owned()));
            }
            (Algorithm::EdDsa, _, Some(pem)) => (KeyRing::of_pem(pem)?, None),
            (Algorithm::EdDsa, _, None) => (load_or_make(db, clock, random).await?, Some(db.clone())),
        };
        Ok(Self { ring: RwLock::new(Arc::new(ring)), database, reloaded_at: Mutex::new(DateTime::<Utc>::MIN_UTC) })
    }

    pub fn current(&self) -> Arc<KeyRing> {
        Arc::clone(&self.ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The keys, read again if they lack `kid` and were not read again in the last ten seconds.
    pub async fn knowing(&self, kid: &str, now: DateTime<Utc>) -> Result<Arc<KeyRing>, AccountError> {
        let ring = self.current();
        let Some(db) = self.database.as_ref().filter(|_| ring.verifying(kid).is_none()) else {
            return Ok(ring);
        };
        let mut reloaded_at = self.reloaded_at.lock().await;
        let ring = self.current();
        if ring.verifying(kid).is_some() || now.signed_duration_since(*reloaded_at).abs() < RELOAD_EVERY {
            return Ok(ring);
        }
        *reloaded_at = now;
        let stored = repository::signing_keys(&mut *db.read().await?).await?;
        let Some(ring) = KeyRing::of_stored(&stored)? else {
            return Ok(ring);
        };
        let ring = Arc::new(ring);
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&ring);
        Ok(ring)
    }
}

async fn load_or_make(db: &Database, clock: &SharedClock, random: &TokenSource) -> Result<KeyRing, AccountError> {
    let stored = repository::signing_keys(&mut *db.read().await?).await?;
    if let Some(ring) = KeyRing::of_stored(&stored)? {
        return Ok(ring);
    }
    let (fresh, public_key) = fresh_key(random)?;
    retrying(|| async {
        let mut tx = db.begin().await?;
        // Instances that start together come here one by one; all but the first find the key of the first.
        repository::lock_signing_keys(&mut tx).await?;
        let mut stored = repository::signing_keys(&mut tx).await?;
        if stored.iter().all(|key| key.is_retired) {
            repository::insert_signing_key(&mut tx, &fresh, &public_key, clock.now()).await?;
            stored = repository::signing_keys(&mut tx).await?;
        }
        commit(tx).await?;
        KeyRing::of_stored(&stored)?.ok_or_else(|| AccountError::Crypto("no key signs access tokens".to_owned()))
    })
    .await
}

fn fresh_key(random: &TokenSource) -> Result<(StoredKey, Vec<u8>), AccountError> {
    let failed = || AccountError::Crypto("an Ed25519 key could not be made".to_owned());
    let pair = Ed25519KeyPair::from_seed_unchecked(&random.bytes::<32>()?).map_err(|_| failed())?;
    let private_key = pair.to_pkcs8().map_err(|_| failed())?.as_ref().to_vec();
    let key = StoredKey { kid: thumbprint(&pair), private_key, is_retired: false };
    Ok((key, pair.public_key().as_ref().to_vec()))
}

fn verifying_key(pair: &Ed25519KeyPair) -> DecodingKey {
    DecodingKey::from_ed_der(pair.public_key().as_ref())
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
        let (key, public_key) = fresh_key(&TokenSource::default()).unwrap();
        (StoredKey { is_retired, ..key }, public_key)
    }

    #[test]
    fn the_newest_key_that_is_not_retired_signs_and_all_verify() {
        let keys = [stored(true).0, stored(false).0, stored(false).0];
        let ring = KeyRing::of_stored(&keys).unwrap().unwrap();
        assert_eq!(ring.signing().0, keys[1].kid);
        assert!(keys.iter().all(|key| ring.verifying(&key.kid).is_some()));
        assert!(KeyRing::of_stored(&keys[..1]).unwrap().is_none());
        assert!(KeyRing::of_stored(&[]).unwrap().is_none());
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
        assert_eq!(KeyRing::of_pem(&pem(&der)).unwrap().signing().0, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        assert!(KeyRing::of_pem(&pem("AAAA")).is_err());
        assert!(KeyRing::of_pem(&"no key".to_owned().into()).is_err());
    }

    #[test]
    fn secrets_have_ids_of_their_own() {
        let ring = |secret: &str| KeyRing::of_secret(&secret.to_owned().into());
        let (one, other) = (ring("0123456789abcdef0123456789abcdef"), ring("0123456789abcdef0123456789abcdeF"));
        assert_ne!(one.signing().0, other.signing().0);
        assert!(one.verifying(one.signing().0).is_some());
    }
}
