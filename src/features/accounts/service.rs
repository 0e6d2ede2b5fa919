use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;
use uuid::Uuid;

use super::{
    acts::Acts,
    attempts::Attempts,
    cache::{Hashed, KNOWN, Recent, hashed},
    changes::Changes,
    error::AccountError,
    keys::{KeyRing, Keys},
    known_keys::KnownKey,
    model::{Principal, Role, User},
    passwords::Passwords,
    repository::{self, RefreshToken},
    tokens::{AccessTokens, Verified},
};
use crate::{
    kernel::{TokenFamilyId, UserId},
    platform::{
        clock::{Moment, SharedClock},
        postgres::{Database, commit},
        random::{IdSource, TokenSource},
        settings,
    },
};

const GENERATED_PASSWORD_LENGTH: usize = 20;

/// Accounts and credentials. Cheap to clone; the clones share keys and queues.
#[derive(Clone)]
pub struct AccountService {
    pub(super) db: Database,
    /// For what must not wait for a rush of requests.
    pub(super) duties: Database,
    pub(super) clock: SharedClock,
    pub(super) ids: IdSource,
    pub(super) random: TokenSource,
    pub(super) passwords: Passwords,
    pub(super) attempts: Attempts,
    pub(super) acts: Acts,
    pub(super) password_grant: bool,
    pub(super) refresh_lifetime: TimeDelta,
    pub(super) access: Arc<AccessTokens>,
    pub(super) keys: Arc<Keys>,
    pub(super) changes: Arc<Changes>,
    pub(super) known_keys: Arc<Recent<Hashed, KnownKey>>,
    known_tokens: Arc<Recent<Hashed, KnownToken>>,
}

/// An access token that was right when it was looked at, and the key that signed it.
#[derive(Clone)]
struct KnownToken {
    verified: Verified,
    kid: Arc<str>,
}

/// What a caller holds after a log-in. No `Debug`: it is made of secrets.
pub(super) struct Session {
    pub user: User,
    pub access_token: SecretString,
    pub refresh_token: SecretString,
    /// Seconds until the access token expires.
    pub expires_in: i64,
}

/// What a guest holds.
pub(super) struct GuestPass {
    pub access_token: SecretString,
    pub expires_in: i64,
}

/// A family of refresh tokens that goes on, and how far it has come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    pub family: TokenFamilyId,
    pub generation: i32,
}

impl AccountService {
    /// Takes the signing key from the settings, else from the database; the first instance ever makes it there.
    /// Fails when the database is away or not migrated, or a key cannot be used.
    pub async fn new(
        db: Database,
        settings: &settings::Auth,
        attempts: Attempts,
        clock: SharedClock,
        ids: IdSource,
        tokens: TokenSource,
    ) -> Result<Self, AccountError> {
        let keys = Keys::load(&db, settings, &clock, &tokens).await?;
        let acts = Acts::new(ids.clone(), clock.clone());
        let this = Self {
            duties: db.for_background(),
            db,
            clock,
            ids,
            passwords: Passwords::new(&tokens)?,
            attempts,
            acts,
            random: tokens,
            password_grant: settings.password_grant,
            refresh_lifetime: TimeDelta::days(i64::from(settings.refresh_token_days)),
            access: Arc::new(AccessTokens::new(settings)),
            keys: Arc::new(keys),
            changes: Arc::default(),
            known_keys: Arc::new(Recent::new(KNOWN)),
            known_tokens: Arc::new(Recent::new(KNOWN)),
        };
        this.look_at_access().await?;
        Ok(this)
    }

    /// Whether users may exchange a password for tokens here, or change the one they have: `auth.password_grant`.
    pub(super) fn take_passwords(&self) -> Result<(), AccountError> {
        if self.password_grant { Ok(()) } else { Err(AccountError::PasswordsOff) }
    }

    /// The record of what administrators do.
    pub fn acts(&self) -> Acts {
        self.acts.clone()
    }

    /// An access token for `principal`, good for the configured time from now on. Whether the principal exists is the
    /// caller's affair. `sid` names the family of refresh tokens it belongs to.
    pub fn access_token(&self, principal: Principal, sid: TokenFamilyId) -> Result<SecretString, AccountError> {
        self.access_token_at(&self.keys.current(), principal, sid, self.clock.now())
    }

    /// Who a Bearer credential speaks for: an access token, or an API key. Asks the database about an API key that was
    /// not seen in the last minute, and about a token only when it is not known what has changed in the last minute.
    pub(super) async fn bearer(&self, credential: &str) -> Result<Principal, AccountError> {
        let hash = hashed(credential);
        let now = self.clock.now();
        if super::known_keys::looks_like_key(credential) {
            return self.bearer_of_key(hash, now).await;
        }
        let principal = match self.known_tokens.get(&hash, now) {
            Some(known) => self.known_again(&known, now).await?,
            None => self.verify(credential, hash, now).await?,
        };
        self.judge_session(&principal, now).await?;
        Ok(principal)
    }

    async fn verify(&self, token: &str, hash: Hashed, now: DateTime<Utc>) -> Result<Principal, AccountError> {
        let kid = self.access.key_id(token)?;
        let ring = self.keys.knowing(&kid, now).await?;
        let verified = self.access.verify(token, &ring, now)?;
        let principal = verified.principal;
        self.known_tokens.keep(hash, KnownToken { verified, kid: kid.into() }, Moment::at(now));
        Ok(principal)
    }

    /// A token that was right lately is right while it has not expired and its key counts.
    async fn known_again(&self, known: &KnownToken, now: DateTime<Utc>) -> Result<Principal, AccountError> {
        let ring = self.keys.recent(now).await?;
        let key = ring.known(&known.kid).ok_or(AccountError::TokenInvalid)?;
        if !key.counts(now) {
            return Err(AccountError::KeyEnded);
        }
        Ok(known.verified.at(now)?.principal)
    }

    /// The account behind a principal.
    pub(super) async fn user(&self, principal: Principal) -> Result<User, AccountError> {
        let mut db = self.db.read().await?;
        let account = repository::account_by_id(&mut db, principal.user_id).await?;
        account.map(|account| account.user).ok_or(AccountError::NoAccount)
    }

    /// Whether there is an account with exactly that role, disabled ones included.
    pub async fn any_user_with_role(&self, role: Role) -> Result<bool, AccountError> {
        Ok(repository::any_user_with_role(&mut *self.db.read().await?, role).await?)
    }

    /// A password of 120 random bits that meets the rules.
    pub fn generate_password(&self) -> Result<SecretString, AccountError> {
        let mut password = self.random.token()?;
        password.truncate(GENERATED_PASSWORD_LENGTH);
        Ok(password.into())
    }

    /// A new family of refresh tokens.
    pub(super) fn new_line(&self, now: DateTime<Utc>) -> Line {
        Line { family: self.ids.next(now), generation: 0 }
    }

    /// A session of `user` on that line, and the token to keep with it.
    pub(super) fn session(
        &self,
        ring: &KeyRing,
        user: User,
        line: Line,
        now: DateTime<Utc>,
    ) -> Result<(Session, RefreshToken), AccountError> {
        let refresh_token = self.random.token()?;
        let kept = RefreshToken {
            id: self.ids.next::<Uuid>(now),
            family_id: line.family,
            user_id: user.id,
            hash: hashed(&refresh_token).to_vec(),
            generation: line.generation,
            issued_at: now,
            expires_at: now + self.refresh_lifetime,
            spent_at: None,
        };
        let principal = Principal::of_session(user.id, user.organization_id, user.role, line.family);
        let access_token = self.access_token_at(ring, principal, line.family, now)?;
        let refresh_token = refresh_token.into();
        Ok((Session { user, access_token, refresh_token, expires_in: self.access.lifetime() }, kept))
    }

    /// A token for whoever asks, which stands for no account.
    pub(super) async fn guest(&self) -> Result<GuestPass, AccountError> {
        let now = self.clock.now();
        let ring = self.keys.recent(now).await?;
        let (user, sid) = (self.ids.next::<UserId>(now), self.ids.next(now));
        let principal = Principal::of_session(user, self.ids.next(now), Role::Guest, sid);
        let access_token = self.access_token_at(&ring, principal, sid, now)?;
        Ok(GuestPass { access_token, expires_in: self.access.lifetime() })
    }

    fn access_token_at(
        &self,
        ring: &KeyRing,
        principal: Principal,
        sid: TokenFamilyId,
        now: DateTime<Utc>,
    ) -> Result<SecretString, AccountError> {
        let jti = self.ids.next::<Uuid>(now);
        self.access.issue(ring, principal, sid, jti, now).map(Into::into)
    }

    /// Deletes what no caller can use any more: refresh tokens, sessions that ended, signing keys, what has changed long
    /// ago. Answers how many refresh tokens they were.
    pub async fn delete_expired_tokens(&self) -> Result<u64, AccountError> {
        // Some at a time: nobody must wait for it.
        const AT_ONCE: u64 = 5_000;
        let limit = AT_ONCE.cast_signed();
        let window = self.longest_use().max(TimeDelta::days(1)).as_seconds_f64();
        let mut sum = 0;
        loop {
            let now = self.clock.now();
            let mut tx = self.db.begin().await?;
            let changes = repository::delete_access_changes(&mut tx, window, limit).await?;
            // A session is known by its refresh tokens: they stay as long as an access token of it can live.
            let expired = now - self.longest_use();
            let tokens = repository::delete_expired_tokens(&mut tx, expired, limit).await?;
            let endings = repository::delete_old_revocations(&mut tx, window, limit).await?;
            repository::delete_spent_signing_keys(&mut tx, now).await?;
            commit(tx).await?;
            sum += tokens;
            if [changes, tokens, endings].into_iter().all(|deleted| deleted < AT_ONCE) {
                return Ok(sum);
            }
        }
    }
}
