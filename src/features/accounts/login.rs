use secrecy::SecretString;

use super::{
    dto::LoginRequest,
    error::AccountError,
    model::Email,
    repository::{self, Account},
    service::{AccountService, Session},
};
use crate::platform::postgres::{commit, retrying};

impl AccountService {
    /// Opens a session. An unknown address and a wrong password are the same error and take the same time; that an
    /// account is disabled is said only to who knows its password.
    pub(super) async fn log_in(&self, request: LoginRequest) -> Result<Session, AccountError> {
        let LoginRequest { email, password } = request;
        self.admit_attempt(&email).await?;
        let judged = self.judge(&email, password).await?;
        let ring = self.keys.recent(self.clock.now()).await?;
        retrying(|| async {
            let now = self.clock.now();
            let mut tx = self.db.begin().await?;
            // Checking took a while: a password changed or an account disabled meanwhile must not be outrun.
            let account = repository::lock_account(&mut tx, judged.user.id).await?;
            let account = account.filter(|account| account.password_hash == judged.password_hash);
            let user = enabled(account.ok_or(AccountError::InvalidCredentials)?)?.user;
            let (session, refresh_token) = self.session(&ring, user, self.new_line(now), now)?;
            repository::insert_refresh_token(&mut tx, &refresh_token).await?;
            commit(tx).await?;
            Ok(session)
        })
        .await
    }

    /// The account whose password this is.
    async fn judge(&self, email: &Email, password: SecretString) -> Result<Account, AccountError> {
        // In a statement of its own: the connection must be back before the password is checked.
        let account = repository::account_by_email(&mut *self.db.read().await?, email).await?;
        let hash = account.as_ref().map(|account| account.password_hash.clone());
        let right = self.passwords.verify(password, hash).await?;
        enabled(account.filter(|_| right).ok_or(AccountError::InvalidCredentials)?)
    }
}

/// Whose account is disabled is told so only once it is clear whose it is.
pub(super) fn enabled(account: Account) -> Result<Account, AccountError> {
    if account.disabled { Err(AccountError::Disabled) } else { Ok(account) }
}
