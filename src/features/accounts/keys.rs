use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{DecodingKey, EncodingKey};
use secrecy::{ExposeSecret, SecretString};
use tokio::{sync::Mutex, time::Instant};

use super::{error::AccountError, repository};
use crate::platform::{
    clock::{Moment, SharedClock},
    postgres::{Database, commit, retrying},
    random::TokenSource,
    settings::{Algorithm, Auth},
};

/// Tokens with made-up key ids must not make us ask the database each time.
const RELOAD_EVERY: Duration = Duration::from_secs(10);

/// A database that could not answer is not asked again at once: the callers would stand in line for it.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Longest wait for the database to tell them: others wait behind.
const READ_PATIENCE: Duration = Duration::from_secs(8);

/// How long a key is known to all before it signs: each process reads the keys every few seconds, and takes none that is
/// older than a minute.
pub(super) const LEAD: TimeDelta = TimeDelta::minutes(5);

/// A process that could not read the keys for so long reads them again before it signs or judges.
const RECENT: Duration = Duration::from_mins(1);

/// A key pair as it lies in the database.
pub struct StoredKey {
    /// The RFC 7638 thumbprint of the public key.
    pub kid: String,
    /// PKCS #8.
    pub private_key: Vec<u8>,
    pub created_at: DateTime<Utc>,
    pub signs_from: DateTime<Utc>,
    pub verifies_until: Option<DateTime<Utc>>,
    /// Never signs.
    pub is_retired: bool,
}

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

/// The keys that sign, each at its time, and the keys that verify, by their `kid`.
pub struct KeyRing {
    /// The latest first.
    signing: Vec<SigningKey>,
    verifying: BTreeMap<String, VerifyingKey>,
}

impl KeyRing {
    /// The shared secret of HS256.
    pub fn of_secret(secret: &SecretString) -> Self {
        let secret = secret.expose_secret().as_bytes();
        // Names the secret without telling it; 96 bits keep two secrets apart.
        let hash = digest(&SHA256, &[b"loadmaster key id\0", secret].concat());
        let kid = URL_SAFE_NO_PAD.encode(&hash.as_ref()[..12]);
        let key = VerifyingKey { key: DecodingKey::from_secret(secret), until: None, public: None };
        Self::of_one(kid, EncodingKey::from_secret(secret), key)
    }

    /// The one Ed25519 key of the settings.
    pub fn of_pem(pem: &SecretString) -> Result<Self, AccountError> {
        let unusable = || AccountError::Crypto("auth.private_key is no Ed25519 private key in PKCS #8 PEM".to_owned());
        let signing = EncodingKey::from_ed_pem(pem.expose_secret().as_bytes()).map_err(|_| unusable())?;
        let pair = Ed25519KeyPair::from_pkcs8(signing.as_bytes()).map_err(|_| unusable())?;
        Ok(Self::of_one(thumbprint(&pair), signing, VerifyingKey::of(&pair, None)))
    }

    fn of_one(kid: String, signing: EncodingKey, verifying: VerifyingKey) -> Self {
        let signs = SigningKey { kid: kid.clone(), key: signing, signs_from: DateTime::<Utc>::MIN_UTC, until: None };
        Self { signing: vec![signs], verifying: BTreeMap::from([(kid, verifying)]) }
    }

    /// The keys of the database, the one that signs last first.
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

    /// The latest key whose time has come; before all times, the earliest there is.
    pub fn signing(&self, now: DateTime<Utc>) -> Result<(&str, &EncodingKey), AccountError> {
        let lives = |key: &&SigningKey| key.until.is_none_or(|until| now < until);
        let due = self.signing.iter().filter(lives).find(|key| key.signs_from <= now);
        let chosen = due.or_else(|| self.signing.iter().rev().find(lives));
        let chosen = chosen.ok_or_else(|| AccountError::Crypto("no key signs access tokens".to_owned()))?;
        Ok((&chosen.kid, &chosen.key))
    }

    /// The key of this name, also when its time is over.
    pub fn known(&self, kid: &str) -> Option<&VerifyingKey> {
        self.verifying.get(kid)
    }

    /// The public keys that verify, each by its name.
    pub fn public(&self, now: DateTime<Utc>) -> Vec<(String, String)> {
        let verifying = self.verifying.iter().filter(|(_, key)| key.counts(now));
        verifying.filter_map(|(kid, key)| Some((kid.clone(), key.public.clone()?))).collect()
    }
}

impl VerifyingKey {
    fn of(pair: &Ed25519KeyPair, until: Option<DateTime<Utc>>) -> Self {
        let public = Some(URL_SAFE_NO_PAD.encode(pair.public_key().as_ref()));
        Self { key: DecodingKey::from_ed_der(pair.public_key().as_ref()), until, public }
    }

    /// Whether what it has signed is taken.
    pub fn counts(&self, now: DateTime<Utc>) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// The keys in use. Those of the database are read again every few seconds, and when a token names one that is not known:
/// another instance may have made it. None that was read more than a minute ago is believed.
pub(super) struct Keys {
    known: RwLock<Known>,
    /// `None` when the key comes from the settings. Not the requests' pool: a rush must not keep keys from being read.
    database: Option<Database>,
    /// One reads for all.
    reading: Mutex<()>,
}

#[derive(Clone)]
struct Known {
    ring: Arc<KeyRing>,
    read_at: Moment,
    /// Asking failed then: it is not asked again at once.
    failed_at: Option<Instant>,
}

impl Keys {
    /// Takes the key from the settings, else from the database, where the first instance ever makes it.
    pub async fn load(
        db: &Database,
        settings: &Auth,
        clock: &SharedClock,
        random: &TokenSource,
    ) -> Result<Self, AccountError> {
        let read_at = Moment::at(clock.now());
        let (ring, database) = match (settings.algorithm, &settings.secret, &settings.private_key) {
            (Algorithm::Hs256, Some(secret), _) => (KeyRing::of_secret(secret), None),
            (Algorithm::Hs256, None, _) => {
                return Err(AccountError::Crypto("auth.algorithm HS256 needs auth.secret".to_owned()));
            }
            (Algorithm::EdDsa, _, Some(pem)) => (KeyRing::of_pem(pem)?, None),
            (Algorithm::EdDsa, _, None) => (load_or_make(db, clock, random).await?, Some(db.for_background())),
        };
        let known = Known { ring: Arc::new(ring), read_at, failed_at: None };
        Ok(Self { known: RwLock::new(known), database, reading: Mutex::default() })
    }

    /// Whether the keys are the database's, and not the settings'.
    pub const fn are_kept(&self) -> bool {
        self.database.is_some()
    }

    pub fn current(&self) -> Arc<KeyRing> {
        self.known().ring
    }

    fn known(&self) -> Known {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The keys by which a token is judged: of the last minute, and read again if they lack `kid` and that was not done in
    /// the last ten seconds.
    pub async fn knowing(&self, kid: &str, now: DateTime<Utc>) -> Result<Arc<KeyRing>, AccountError> {
        let ring = self.recent(now).await?;
        if ring.verifying.contains_key(kid) { Ok(ring) } else { self.read_again(now, RELOAD_EVERY).await }
    }

    /// The keys as they were a minute ago or later: nobody must miss that a key's time is over.
    pub async fn recent(&self, now: DateTime<Utc>) -> Result<Arc<KeyRing>, AccountError> {
        self.read_again(now, RECENT).await
    }

    /// The keys, read again unless that was done less than `age` ago.
    pub async fn read_again(&self, now: DateTime<Utc>, age: Duration) -> Result<Arc<KeyRing>, AccountError> {
        let Some(db) = &self.database else { return Ok(self.current()) };
        if let Some(ring) = self.read_within(now, age)? {
            return Ok(ring);
        }
        let _one_by_one = self.reading.lock().await;
        // Somebody may have read them, or failed to, while we waited.
        if let Some(ring) = self.read_within(now, age)? {
            return Ok(ring);
        }
        let read_at = Moment::at(now);
        let read = tokio::time::timeout(READ_PATIENCE, read(db)).await.unwrap_or(Err(AccountError::LookTooLong));
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        match read {
            Ok(ring) => {
                *known = Known { ring: Arc::new(ring), read_at, failed_at: None };
                Ok(Arc::clone(&known.ring))
            }
            Err(error) => {
                known.failed_at = Some(Instant::now());
                Err(error)
            }
        }
    }

    /// The keys, if they are not older than that. An error if they are and could not be read a moment ago.
    fn read_within(&self, now: DateTime<Utc>, age: Duration) -> Result<Option<Arc<KeyRing>>, AccountError> {
        let known = self.known();
        if known.read_at.is_within(age, now) {
            return Ok(Some(known.ring));
        }
        match known.failed_at {
            Some(failed) if failed.elapsed() < RETRY_AFTER => Err(AccountError::LookTooLong),
            _ => Ok(None),
        }
    }
}

async fn read(db: &Database) -> Result<KeyRing, AccountError> {
    KeyRing::of_stored(&repository::signing_keys(&mut *db.read().await?).await?)
}

async fn load_or_make(db: &Database, clock: &SharedClock, random: &TokenSource) -> Result<KeyRing, AccountError> {
    let stored = repository::signing_keys(&mut *db.read().await?).await?;
    if stored.iter().any(|key| !key.is_retired) {
        return KeyRing::of_stored(&stored);
    }
    let (fresh, public_key) = fresh_key(random, clock.now(), DateTime::UNIX_EPOCH)?;
    retrying(|| async {
        let mut tx = db.begin().await?;
        // Instances that start together come here one by one; all but the first find the key of the first.
        repository::lock_signing_keys(&mut tx).await?;
        let mut stored = repository::signing_keys(&mut tx).await?;
        if stored.iter().all(|key| key.is_retired) {
            repository::insert_signing_key(&mut tx, &fresh, &public_key).await?;
            stored = repository::signing_keys(&mut tx).await?;
        }
        commit(tx).await?;
        KeyRing::of_stored(&stored)
    })
    .await
}

/// A new key pair, and its public key.
pub(super) fn fresh_key(
    random: &TokenSource,
    created_at: DateTime<Utc>,
    signs_from: DateTime<Utc>,
) -> Result<(StoredKey, Vec<u8>), AccountError> {
    let failed = || AccountError::Crypto("an Ed25519 key could not be made".to_owned());
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

    fn counts(ring: &KeyRing, kid: &str, second: i64) -> bool {
        ring.known(kid).is_some_and(|key| key.counts(at(second)))
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
        assert!(keys.iter().all(|key| counts(&ring, &key.kid, 0)));
        assert!(KeyRing::of_stored(&keys[..1]).unwrap().signing(at(0)).is_err());
        assert!(KeyRing::of_stored(&[]).unwrap().signing(at(0)).is_err());
    }

    #[test]
    fn a_key_signs_from_its_time_on_and_verifies_until_the_last_token_of_it_is_dead() {
        let keys = [turn(300, None), turn(-1000, Some(1320))];
        let ring = KeyRing::of_stored(&keys).unwrap();
        for (second, signer) in [(-2000, 1), (0, 1), (299, 1), (300, 0), (1319, 0), (1320, 0)] {
            assert_eq!(ring.signing(at(second)).unwrap().0, keys[signer].kid, "{second}");
            assert!(counts(&ring, &keys[0].kid, second), "known before it signs");
            assert_eq!(counts(&ring, &keys[1].kid, second), second < 1320, "{second}");
            assert_eq!(ring.public(at(second)).len(), if second < 1320 { 2 } else { 1 }, "{second}");
        }
    }

    #[test]
    fn a_key_that_has_ended_does_not_sign_even_before_its_follower_is_due() {
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
        assert!(counts(&one, kid, 0));
        assert!(one.public(at(0)).is_empty(), "a secret is not published");
    }
}
