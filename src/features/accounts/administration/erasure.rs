use serde_json::{Value, json};

use super::{repository, service::AdministrationService};
use crate::{
    features::accounts::api_keys::delete_keys_of,
    features::accounts::credentials::{Ending, delete_tokens_of, revoke_families_of},
    features::accounts::error::AccountError,
    features::accounts::people::{Actor, ManagedUser, Role, Subject, account_by_id, lock_account_to_change},
    kernel::UserId,
    platform::{personal::Person, postgres::PgSession},
};

impl AdministrationService {
    /// Exports the data about an account as JSON, with the person it belongs to. The export is recorded as an act.
    pub async fn export_in_tx(&self, tx: &mut PgSession, user: UserId) -> Result<(Person, Value), AccountError> {
        account_by_id(&mut *tx, user).await?.ok_or(AccountError::Unknown("user"))?;
        let person = person(&mut *tx, user).await?;
        let export = repository::export_account(&mut *tx, user).await?;
        self.acts.record_in_tx(tx, Actor::CommandLine, "user.exported", Subject::user(user), json!({})).await?;
        Ok((person, export))
    }

    /// The first step of an erasure: ends all access to the account, here at once and elsewhere within a minute. Refuses the
    /// last administrator.
    pub async fn close_in_tx(&self, tx: &mut PgSession, user: UserId) -> Result<Person, AccountError> {
        repository::lock_administrators(&mut *tx).await?;
        let account = lock_account_to_change(&mut *tx, user).await?.ok_or(AccountError::Unknown("user"))?;
        let before = ManagedUser::from(account);
        if before.user.role == Role::Admin && !before.disabled {
            self.ensure_another_administrator_in_tx(&mut *tx, user, "erase").await?;
        }
        revoke_families_of(&mut *tx, user, None, Ending::Erased).await?;
        delete_tokens_of(&mut *tx, user).await?;
        delete_keys_of(&mut *tx, user).await?;
        repository::disable(&mut *tx, user, self.clock.now()).await?;
        person(tx, user).await
    }

    /// The last step of an erasure: removes the personal data from the account, for good.
    pub async fn erase_in_tx(&self, tx: &mut PgSession, user: UserId) -> Result<(), AccountError> {
        // The account may have been enabled again since the first step.
        let person = self.close_in_tx(&mut *tx, user).await?;
        repository::erase_account(&mut *tx, user, &person.organizations, self.clock.now()).await?;
        Ok(self.acts.record_in_tx(tx, Actor::CommandLine, "user.erased", Subject::user(user), json!({})).await?)
    }

    /// The person behind an account, erased or not, with the organizations that nobody else belongs to now.
    pub async fn person(&self, user: UserId) -> Result<Person, AccountError> {
        person(&mut *self.db.read().await?, user).await
    }
}

async fn person(tx: &mut PgSession, user_id: UserId) -> Result<Person, AccountError> {
    Ok(Person { user_id, organizations: repository::own_organizations(tx, user_id).await? })
}
