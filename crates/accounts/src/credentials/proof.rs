use loadmaster_platform::{postgres::Database, room::Opening};
use secrecy::SecretString;

use super::{attempts::Attempts, passwords::Passwords, repository};

use crate::{
    error::AccountError,
    lasting::Proof,
    people::{Account, Email, Principal},
};

/// Makes sure that it is the user who asks, and not somebody who has found an open session or its token. Cheap to clone.
#[derive(Clone)]
pub struct Proofs {
    db: Database,
    passwords: Passwords,
    attempts: Attempts,
    /// `auth.password_grant`
    takes_passwords: bool,
}

impl Proofs {
    pub fn new(opening: &Opening, passwords: Passwords) -> Self {
        let settings = &opening.settings;
        Self {
            db: opening.db.clone(),
            passwords,
            attempts: Attempts::new(opening.limiter.clone(), &settings.rate_limit),
            takes_passwords: settings.auth.password_grant,
        }
    }

    /// Asks for the password of the caller's account, or for a log-in of the caller's session within ten minutes. A wrong
    /// password counts as an attempt to log in. An installation without passwords asks for nothing: nobody could log in
    /// again there.
    pub async fn require(
        &self,
        caller: Principal,
        account: &Account,
        password: Option<SecretString>,
    ) -> Result<Proof, AccountError> {
        let Some(password) = password else {
            let family = caller.session()?;
            let is_recent =
                !self.takes_passwords || repository::is_recent_sign_in(&mut *self.db.read().await?, family).await?;
            return if is_recent { Ok(Proof::RecentSignIn) } else { Err(AccountError::SignInRequired) };
        };
        if !self.takes_passwords {
            return Err(AccountError::PasswordsOff);
        }
        self.attempts.admit(&Email::of(&account.user)?).await?;
        let hash = account.password_hash.clone();
        let is_right = self.passwords.verify(password, Some(hash.clone())).await?;
        if is_right { Ok(Proof::Password(hash)) } else { Err(AccountError::SignInRequired) }
    }
}
