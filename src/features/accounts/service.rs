use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;
use uuid::Uuid;

use super::{
    error::AccountError,
    keys::Keys,
    model::{Principal, Role, User},
    passwords::Passwords,
    repository::{self, RefreshToken},
    tokens::AccessTokens,
};
use crate::{
    kernel::TokenFamilyId,
    platform::{
        clock::SharedClock,
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
    pub(super) clock: SharedClock,
    pub(super) ids: IdSource,
    pub(super) random: TokenSource,
    pub(super) passwords: Passwords,
    pub(super) password_grant: bool,
    refresh_lifetime: TimeDelta,
    access: Arc<AccessTokens>,
    keys: Arc<Keys>,
}

/// What a caller holds after a log-in. No `Debug`: it is made of secrets.
pub(super) struct Session {
    pub user: User,
    pub access_token: String,
    pub refresh_token: String,
    /// Seconds until the access token expires.
    pub expires_in: i64,
}

impl AccountService {
    /// Deletes refresh tokens that nobody can use any more. Answers how many they were.
    pub async fn delete_expired_tokens(&self) -> Result<u64, AccountError> {
        // Some at a time: nobody must wait for it.
        const AT_ONCE: u64 = 5_000;
        let mut sum = 0;
        loop {
            let mut tx = self.db.begin().await?;
            let limit = AT_ONCE.cast_signed();
            let deleted = repository::delete_expired_tokens(&mut tx, self.clock.now(), limit).await?;
            commit(tx).await?;
            sum += deleted;
            if deleted < AT_ONCE {
                return Ok(sum);
            }
        }
    }

    /// Takes the signing key from the settings, else from the database; the first instance ever makes it there.
    /// Fails when the database is away or not migrated, or a key cannot be used.
    pub async fn new(
        db: Database,
        settings: &settings::Auth,
        clock: SharedClock,
        ids: IdSource,
        tokens: TokenSource,
    ) -> Result<Self, AccountError> {
        let keys = Keys::load(&db, settings, &clock, &tokens).await?;
        Ok(Self {
            db,
            clock,
            ids,
            passwords: Passwords::new(&tokens).await?,
            random: tokens,
            password_grant: settings.password_grant,
            refresh_lifetime: TimeDelta::days(i64::from(settings.refresh_token_days)),
            access: Arc::new(AccessTokens::new(settings)),
            keys: Arc::new(keys),
        })
    }

    /// An access token for `principal`, good for the configured time from now on. Whether the principal exists is the
    /// caller's affair. `sid` names the family of refresh tokens it belongs to.
    pub fn access_token(&self, principal: Principal, sid: TokenFamilyId) -> Result<String, AccountError> {
        self.access_token_at(principal, sid, self.clock.now())
    }

    /// Who an access token speaks for. May ask the database once in a while, when the token's key is not known.
    pub(super) async fn bearer(&self, token: &str) -> Result<Principal, AccountError> {
        let now = self.clock.now();
        let kid = self.access.key_id(token)?;
        let ring = self.keys.knowing(&kid, now).await?;
        self.access.verify(token, &ring, now)
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

    /// A session of `user` that begins a family of refresh tokens, and the token to keep with it.
    pub(super) fn new_session(&self, user: User, now: DateTime<Utc>) -> Result<(Session, RefreshToken), AccountError> {
        let family_id: TokenFamilyId = self.ids.next(now);
        let refresh_token = self.random.token()?;
        let kept = RefreshToken {
            id: self.ids.next::<Uuid>(now),
            family_id,
            user_id: user.id,
            hash: digest(&SHA256, refresh_token.as_bytes()).as_ref().to_vec(),
            issued_at: now,
            expires_at: now + self.refresh_lifetime,
        };
        let access_token = self.access_token_at(user.principal(), family_id, now)?;
        Ok((Session { user, access_token, refresh_token, expires_in: self.access.lifetime() }, kept))
    }

    fn access_token_at(
        &self,
        principal: Principal,
        sid: TokenFamilyId,
        now: DateTime<Utc>,
    ) -> Result<String, AccountError> {
        self.access.issue(&self.keys.current(), principal, sid, self.ids.next::<Uuid>(now), now)
    }
}
