use serde_json::{Value, json};

use super::{
    acts::{Actor, Subject},
    error::AccountError,
    model::{Ending, ManagedUser, Role},
    repository,
    service::AccountService,
};
use crate::{
    kernel::UserId,
    platform::{personal::Person, postgres::PgSession},
};

impl AccountService {
    /// All that is kept about an account, as JSON, and whose it is. Recorded: somebody looked at all of it.
    pub async fn export_in_tx(&self, tx: &mut PgSession, user: UserId) -> Result<(Person, Value), AccountError> {
        repository::account_by_id(&mut *tx, user).await?.ok_or(AccountError::Unknown("user"))?;
        let person = person(&mut *tx, user).await?;
        let export = repository::export_account(&mut *tx, user).await?;
        self.acts.record_in_tx(tx, Actor::CommandLine, "user.exported", Subject::user(user), json!({})).await?;
        Ok((person, export))
    }

    /// The first step of erasing: nobody gets in any more, here at once and elsewhere within a minute. The last
    /// administrator stays.
    pub async fn close_in_tx(&self, tx: &mut PgSession, user: UserId) -> Result<Person, AccountError> {
        repository::lock_administrators(&mut *tx).await?;
        let account = repository::lock_account_to_change(&mut *tx, user).await?.ok_or(AccountError::Unknown("user"))?;
        let before = ManagedUser::from(account);
        if before.user.role == Role::Admin && !before.disabled {
            self.ensure_another_administrator_in_tx(&mut *tx, user, "erase").await?;
        }
        repository::revoke_families_of(&mut *tx, user, None, Ending::Erased).await?;
        repository::close_account(&mut *tx, user, self.clock.now()).await?;
        person(tx, user).await
    }

    /// The last step: the account is nobody's, for ever.
    pub async fn erase_in_tx(&self, tx: &mut PgSession, user: UserId) -> Result<(), AccountError> {
        // Somebody may have let the person in again meanwhile.
        let person = self.close_in_tx(&mut *tx, user).await?;
        repository::erase_account(&mut *tx, user, &person.organizations, self.clock.now()).await?;
        Ok(self.acts.record_in_tx(tx, Actor::CommandLine, "user.erased", Subject::user(user), json!({})).await?)
    }

    /// What is the person's by now, erased or not: somebody may have come to what was the person's alone.
    pub async fn person(&self, user: UserId) -> Result<Person, AccountError> {
        person(&mut *self.db.read().await?, user).await
    }
}

async fn person(tx: &mut PgSession, user_id: UserId) -> Result<Person, AccountError> {
    Ok(Person { user_id, organizations: repository::own_organizations(tx, user_id).await? })
}
