use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_kernel::{OneTimeTokenId, UserId, email_key, email_keys};
use loadmaster_platform::{
    clock::SharedClock,
    postgres::{DbError, PgSession},
    proofs::ProofKey,
    random::IdSource,
    rate_limit::Verdict,
    room::Opening,
    seal::SealKey,
};
use uuid::Uuid;

use super::{
    model::{NewToken, OneTimeToken, Purpose},
    repository,
};

use crate::error::AccountError;

/// Guesses at the digits of one token.
const MOST_TRIES: i32 = 5;
const DIGITS: usize = 6;
/// Tokens of one purpose that a user is issued within an hour: each is a message to somebody who may not want it.
const PER_HOUR: i64 = 5;
/// The same, whoever asks for them without being known: a stranger uses up the stranger's own share, and many strangers together
/// send no more than this.
const PER_HOUR_OF_ALL_ASKERS: i64 = 20;
/// Beyond that number, the first one of an asker is sent up to this number: a few askers do not keep the owner from any.
const PER_HOUR_OF_NEW_ASKERS: i64 = 100;
/// Digits that a phone is sent within a day, whoever asks for them: anybody can have them sent to anybody's number.
const PER_NUMBER: i64 = 5;
/// Time for which an expired token is kept: the digits of the last day are counted.
const KEPT: TimeDelta = TimeDelta::days(1);

/// Issues and spends one-time tokens. Cheap to clone.
#[derive(Clone)]
pub struct OneTime {
    /// Of the digests of addresses.
    key: SealKey,
    proofs: ProofKey,
    ids: IdSource,
    clock: SharedClock,
}

impl OneTime {
    pub(crate) fn new(opening: &Opening) -> Self {
        let Opening { secrets, ids, clock, .. } = opening;
        let (key, proofs) = (SealKey::new(&secrets.reference_key), secrets.proofs.clone());
        Self { key, proofs, ids: ids.clone(), clock: clock.clone() }
    }

    /// A keyed digest of an address, by which it is found again without being kept. `kind` is `email` or `phone`; an
    /// e-mail address is the same in each spelling.
    pub fn address_hash(&self, kind: &str, address: &str) -> Vec<u8> {
        self.hash_of_key(kind, &email_key(address))
    }

    /// The digests that stand for an address, that of today first; the others are of former keys.
    pub fn address_hashes(&self, kind: &str, address: &str) -> Vec<Vec<u8>> {
        email_keys(address).iter().map(|key| self.hash_of_key(kind, key)).collect()
    }

    /// A keyed digest of the network address of a caller who is not known.
    pub fn asker_hash(&self, address: &str) -> Vec<u8> {
        self.hash_of_key("asker", address)
    }

    fn hash_of_key(&self, kind: &str, key: &str) -> Vec<u8> {
        let mut sealed = self.key.seal(&format!("address.{kind}"), key.as_bytes());
        sealed.truncate(32);
        sealed
    }

    /// Issues a token. Returns its id, and when it expires.
    pub async fn issue_in_tx(
        &self,
        tx: &mut PgSession,
        new: &NewToken,
    ) -> Result<(OneTimeTokenId, DateTime<Utc>), DbError> {
        let now = self.clock.now();
        let id = self.ids.next(now);
        repository::insert(tx, id, new, now).await?;
        Ok((id, now + new.lifetime))
    }

    /// Whether the user was issued as many tokens of this purpose as an hour allows.
    pub async fn is_exhausted_in_tx(
        &self,
        tx: &mut PgSession,
        user: UserId,
        purpose: Purpose,
    ) -> Result<bool, DbError> {
        let since = self.clock.now() - TimeDelta::hours(1);
        Ok(repository::issued_since(tx, user, purpose, since).await? >= PER_HOUR)
    }

    /// Whether this asker has had as many tokens of this purpose sent to the user as an hour allows, or all askers together
    /// have.
    pub async fn is_exhausted_by_in_tx(
        &self,
        tx: &mut PgSession,
        user: UserId,
        purpose: Purpose,
        asker_hash: Option<&[u8]>,
    ) -> Result<bool, DbError> {
        let since = self.clock.now() - TimeDelta::hours(1);
        let (all, own) = repository::issued_to_askers_since(tx, user, purpose, asker_hash, since).await?;
        let most = if own == 0 { PER_HOUR_OF_NEW_ASKERS } else { PER_HOUR_OF_ALL_ASKERS };
        Ok(own >= PER_HOUR || all >= most)
    }

    /// Whether this address was sent as many tokens of this purpose as a day allows. Holds until the caller's transaction ends.
    pub async fn is_flooded_in_tx(
        &self,
        tx: &mut PgSession,
        address_hash: &[u8],
        purpose: Purpose,
    ) -> Result<bool, DbError> {
        repository::lock_address(&mut *tx, address_hash).await?;
        let since = self.clock.now() - TimeDelta::days(1);
        Ok(repository::sent_since(tx, address_hash, purpose, since).await? >= PER_NUMBER)
    }

    /// Fails if this asker had `most` tokens of this purpose sent within a day, whichever the users, until the first of them is a
    /// day old. Holds until the caller's transaction ends.
    pub async fn admit_asker_in_tx(
        &self,
        tx: &mut PgSession,
        asker_hash: &[u8],
        purpose: Purpose,
        most: u32,
    ) -> Result<(), AccountError> {
        repository::lock_address(&mut *tx, asker_hash).await?;
        let (now, day) = (self.clock.now(), TimeDelta::days(1));
        let offset = i64::from(most.saturating_sub(1));
        let Some(first) = repository::requested_since(tx, asker_hash, purpose, now - day, offset).await? else {
            return Ok(());
        };
        let seconds = (first + day - now).num_seconds().saturating_add(1);
        let reset = u32::try_from(seconds).unwrap_or(1);
        Err(AccountError::CodesUsedUp(Verdict { limit: most, remaining: 0, reset, is_admitted: false }))
    }

    /// The text of a token, for a link.
    pub fn token_of(&self, purpose: Purpose, id: OneTimeTokenId) -> String {
        URL_SAFE_NO_PAD.encode(self.proofs.seal(&scope(purpose), id.uuid().as_bytes()))
    }

    /// The six digits of a token.
    pub fn code_of(&self, purpose: Purpose, id: OneTimeTokenId) -> String {
        digits_of(&self.proofs.seal(&scope_of_digits(purpose), id.uuid().as_bytes()))
    }

    /// Whether these are the six digits of a token.
    fn is_code_of(&self, purpose: Purpose, id: OneTimeTokenId, code: &str) -> bool {
        let (scope, id) = (scope_of_digits(purpose), id.uuid());
        let mut seals = self.proofs.seals(&scope, id.as_bytes());
        seals.any(|seal| verify_slices_are_equal(digits_of(&seal).as_bytes(), code.as_bytes()).is_ok())
    }

    fn id_of(&self, purpose: Purpose, token: &str) -> Option<OneTimeTokenId> {
        let sealed = URL_SAFE_NO_PAD.decode(token.trim()).ok()?;
        Some(Uuid::from_slice(self.proofs.open(&scope(purpose), &sealed)?).ok()?.into())
    }

    /// The token of this text, if it is valid, without spending it.
    pub async fn find(
        &self,
        db: &mut PgSession,
        purpose: Purpose,
        token: &str,
    ) -> Result<Option<OneTimeToken>, DbError> {
        let Some(id) = self.id_of(purpose, token) else { return Ok(None) };
        Ok(repository::find(db, id, purpose).await?.filter(|token| token.is_valid(self.clock.now())))
    }

    /// Returns the user to whom a token was issued, and whether it can still be used.
    pub async fn user_of(
        &self,
        db: &mut PgSession,
        purpose: Purpose,
        token: &str,
    ) -> Result<Option<(UserId, bool)>, DbError> {
        let Some(id) = self.id_of(purpose, token) else { return Ok(None) };
        let found = repository::find(db, id, purpose).await?;
        let now = self.clock.now();
        Ok(found.and_then(|token| Some((token.user_id?, token.is_valid(now)))))
    }

    /// Spends a token. `None`: it is forged, used or expired.
    pub async fn spend_in_tx(
        &self,
        tx: &mut PgSession,
        purpose: Purpose,
        token: &str,
    ) -> Result<Option<OneTimeToken>, DbError> {
        let Some(id) = self.id_of(purpose, token) else { return Ok(None) };
        let now = self.clock.now();
        let Some(token) = repository::lock(tx, id, purpose).await?.filter(|token| token.is_valid(now)) else {
            return Ok(None);
        };
        repository::save_use(tx, token.id, now).await?;
        Ok(Some(token))
    }

    /// Spends the last token of a user by its digits. A wrong guess is counted in the caller's transaction, which must be
    /// committed.
    pub async fn spend_code_in_tx(
        &self,
        tx: &mut PgSession,
        purpose: Purpose,
        user: UserId,
        code: &str,
    ) -> Result<Option<OneTimeToken>, DbError> {
        let now = self.clock.now();
        let last = repository::lock_last_of(tx, user, purpose).await?;
        let Some(token) = last.filter(|token| token.is_valid(now) && token.tries < MOST_TRIES) else {
            return Ok(None);
        };
        if !self.is_code_of(purpose, token.id, code) {
            repository::count_try(tx, token.id).await?;
            return Ok(None);
        }
        repository::save_use(tx, token.id, now).await?;
        Ok(Some(token))
    }

    /// Ends all tokens of a user for this purpose.
    pub async fn end_all_in_tx(&self, tx: &mut PgSession, user: UserId, purpose: Purpose) -> Result<(), DbError> {
        Ok(repository::use_all_of(tx, user, purpose, self.clock.now()).await?)
    }

    /// Deletes the tokens of a user.
    pub async fn delete_of_in_tx(&self, tx: &mut PgSession, user: UserId) -> Result<(), DbError> {
        Ok(repository::delete_of(tx, user).await?)
    }

    /// Deletes at most `limit` tokens that expired long ago. Answers their number.
    pub async fn delete_old_in_tx(&self, tx: &mut PgSession, limit: i64) -> Result<u64, DbError> {
        Ok(repository::delete_expired(tx, self.clock.now() - KEPT, limit).await?)
    }
}

fn scope_of_digits(purpose: Purpose) -> String {
    format!("{}.digits", scope(purpose))
}

fn digits_of(seal: &[u8]) -> String {
    let word = seal.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    format!("{:0DIGITS$}", word % 1_000_000)
}

fn scope(purpose: Purpose) -> String {
    format!("one_time.{}", purpose.0)
}
