use super::{
    dto::PasswordChange,
    error::AccountError,
    model::{Email, Ending, Principal, User},
    repository,
    service::AccountService,
};
use crate::platform::{
    postgres::{commit, retrying},
    web::{Patch, Raw},
};

impl AccountService {
    /// Changes the caller's password. All sessions but the caller's own end. The current password is checked once, however
    /// often the rest must be tried.
    pub(super) async fn change_password(&self, caller: Principal, change: PasswordChange) -> Result<(), AccountError> {
        let own = caller.session()?;
        let PasswordChange { current, new } = change;
        let account = repository::account_by_id(&mut *self.db.read().await?, caller.user_id).await?;
        let account = account.ok_or(AccountError::NoAccount)?;
        self.admit_attempt(&Email::read(Raw::Text(&account.user.email)).map_err(|_| AccountError::NoAccount)?).await?;
        let before = account.password_hash;
        if !self.passwords.verify(current, Some(before.clone())).await? {
            return Err(AccountError::WrongPassword);
        }
        let hash = self.passwords.hash(new, self.random.bytes()?).await?;
        retrying(|| async {
            let mut tx = self.db.begin().await?;
            let account = repository::lock_account_to_change(&mut tx, caller.user_id).await?;
            // Another change may have been quicker: then that was not the current password any more.
            let account = account.filter(|account| !account.disabled).ok_or(AccountError::SessionEnded)?;
            if account.password_hash != before {
                return Err(AccountError::WrongPassword);
            }
            repository::save_password(&mut tx, caller.user_id, &hash, self.clock.now()).await?;
            repository::revoke_families_of(&mut tx, caller.user_id, Some(own), Ending::Password).await?;
            commit(tx).await?;
            Ok(())
        })
        .await?;
        self.learn_own_change().await;
        Ok(())
    }

    /// Gives the caller another name, or none.
    pub(super) async fn rename(&self, caller: Principal, name: Patch<String>) -> Result<User, AccountError> {
        retrying(|| async {
            let now = self.clock.now();
            let mut tx = self.db.begin().await?;
            let account = repository::lock_account_to_change(&mut tx, caller.user_id).await?;
            let mut user = account.filter(|account| !account.disabled).ok_or(AccountError::SessionEnded)?.user;
            let after = name.clone().or(user.name.clone());
            if after != user.name {
                repository::save_name(&mut tx, user.id, after.as_deref(), now).await?;
                (user.name, user.updated_at) = (after, now);
            }
            commit(tx).await?;
            Ok(user)
        })
        .await
    }
}
