use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};

use super::{
    cache::hashed,
    error::AccountError,
    keys::KeyRing,
    login::enabled,
    model::Ending,
    repository::{self, RefreshToken},
    service::{AccountService, Line, Session},
};
use crate::platform::postgres::{Tx, commit, retrying};

/// A token that was used is taken once more within this time: the answer may have been lost, or two requests of one client
/// may have met.
const GRACE: TimeDelta = TimeDelta::seconds(30);

/// What comes of showing a refresh token.
enum Shown {
    Session(Box<Session>),
    /// Somebody used it long ago: whoever has it now, one of the two has stolen it.
    Stolen(RefreshToken),
}

impl AccountService {
    /// A new session for a refresh token, which is spent by that. A token that was spent more than [`GRACE`] ago ends its
    /// whole family: thief and owner must log in again, and only the owner can.
    pub(super) async fn refresh(&self, token: SecretString) -> Result<Session, AccountError> {
        let hash = hashed(token.expose_secret());
        let ring = self.keys.recent(self.clock.now()).await?;
        match retrying(|| self.try_refresh(&ring, &hash)).await? {
            Shown::Session(session) => Ok(*session),
            Shown::Stolen(token) => {
                let (family, user) = (token.family_id, token.user_id);
                tracing::warn!(%family, %user, "a spent refresh token was shown again; its session has ended");
                self.learn_own_change().await;
                Err(AccountError::RefreshInvalid)
            }
        }
    }

    async fn try_refresh(&self, ring: &KeyRing, hash: &[u8]) -> Result<Shown, AccountError> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let known = repository::refresh_token(&mut tx, hash).await?.ok_or(AccountError::RefreshInvalid)?;
        repository::lock_family(&mut tx, known.family_id).await?;
        let account = repository::lock_account(&mut tx, known.user_id).await?;
        // Somebody may have used it, or ended the session, while we waited.
        let token = repository::refresh_token(&mut tx, hash).await?.ok_or(AccountError::RefreshInvalid)?;
        if repository::is_revoked(&mut tx, token.family_id).await? {
            return Err(AccountError::RefreshInvalid);
        }
        if token.expires_at <= now {
            return Err(AccountError::RefreshInvalid);
        }
        if is_stolen(&token, now) {
            repository::revoke_family(&mut tx, token.family_id, Ending::Reuse).await?;
            commit(tx).await?;
            return Ok(Shown::Stolen(token));
        }
        let user = enabled(account.ok_or(AccountError::RefreshInvalid)?)?.user;
        let line = Line { family: token.family_id, generation: token.generation.saturating_add(1) };
        let (session, successor) = self.session(ring, user, line, now)?;
        repository::spend_generation(&mut tx, token.family_id, token.generation, now).await?;
        repository::insert_refresh_token(&mut tx, &successor).await?;
        commit(tx).await?;
        Ok(Shown::Session(Box::new(session)))
    }

    /// Ends the session of a refresh token, spent or not. An unknown token has none, which is as good.
    pub(super) async fn log_out(&self, token: SecretString) -> Result<(), AccountError> {
        let hash = hashed(token.expose_secret());
        let ended = retrying(|| async {
            let mut tx: Tx = self.db.begin().await?;
            let Some(token) = repository::refresh_token(&mut tx, &hash).await? else { return Ok(false) };
            repository::lock_family(&mut tx, token.family_id).await?;
            repository::revoke_family(&mut tx, token.family_id, Ending::Logout).await?;
            commit(tx).await?;
            Ok::<bool, AccountError>(true)
        });
        if ended.await? {
            self.learn_own_change().await;
        }
        Ok(())
    }
}

fn is_stolen(token: &RefreshToken, now: DateTime<Utc>) -> bool {
    token.spent_at.is_some_and(|spent| now - spent > GRACE)
}
