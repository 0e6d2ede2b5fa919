use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    acts::{Actor, Subject},
    error::AccountError,
    model::{Email, Ending, ManagedUser, Role},
    repository,
    service::AccountService,
};
use crate::{
    kernel::{OrganizationId, UserId},
    platform::{
        postgres::PgSession,
        web::{PageRequest, Precondition, Raw},
        work::{self, Command},
    },
};

/// Which users a list shows; filters combine with AND.
#[derive(Debug, Clone, Default)]
pub struct UserFilter {
    /// Part of the e-mail address or the name, in any case.
    pub text: Option<String>,
    pub role: Option<Role>,
    pub organization_id: Option<OrganizationId>,
    pub disabled: Option<bool>,
}

impl UserFilter {
    /// The text as a pattern of `ilike` that means it literally.
    pub(super) fn pattern(&self) -> Option<String> {
        let text = self.text.as_ref()?;
        Some(format!("%{}%", text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")))
    }
}

/// Where a page of users ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserAnchor(pub UserId);

/// What is to be different about a user; what is not named stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UserChange {
    pub role: Option<Role>,
    pub organization_id: Option<OrganizationId>,
    pub disabled: Option<bool>,
}

impl UserChange {
    /// What the change does to an administrator who counts, if it takes one away.
    fn takes_administrator(&self, before: &ManagedUser) -> Option<&'static str> {
        let counts = before.user.role == Role::Admin && !before.disabled;
        let demotes = self.role.is_some_and(|role| role != Role::Admin);
        let disables = self.disabled == Some(true);
        match (counts, demotes, disables) {
            (true, _, true) => Some("disable"),
            (true, true, _) => Some("demote"),
            _ => None,
        }
    }

    /// The user as it is then, and what of it is different.
    fn apply(self, before: &ManagedUser) -> (ManagedUser, Map<String, Value>) {
        let mut after = before.clone();
        after.user.role = self.role.unwrap_or(before.user.role);
        after.user.organization_id = self.organization_id.unwrap_or(before.user.organization_id);
        after.disabled = self.disabled.unwrap_or(before.disabled);
        let mut data = Map::new();
        let mut note = |name: &str, from: Value, to: Value| {
            if from != to {
                data.insert(name.to_owned(), json!({"from": from, "to": to}));
            }
        };
        note("role", json!(before.user.role), json!(after.user.role));
        note("organization_id", json!(before.user.organization_id), json!(after.user.organization_id));
        note("disabled", json!(before.disabled), json!(after.disabled));
        (after, data)
    }
}

/// Changes what a user may do. It takes effect at once for new tokens, and within a minute for those in use. A user who was
/// disabled must log in again when enabled.
pub(super) struct ChangeUser {
    pub accounts: AccountService,
    pub actor: Actor,
    pub id: UserId,
    pub change: UserChange,
    pub precondition: Option<Precondition>,
}

impl Command for ChangeUser {
    const NAME: &'static str = "accounts.change_user";
    type Done = ManagedUser;
    type Error = AccountError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<ManagedUser, AccountError> {
        let Self { accounts, actor, id, change, precondition } = self;
        let (id, change) = (*id, *change);
        // Before the row: two administrators who demote each other wait for each other here.
        repository::lock_administrators(&mut *tx).await?;
        let account = repository::lock_account_to_change(&mut *tx, id).await?;
        let before = account.map(ManagedUser::from).ok_or(AccountError::Unknown("user"))?;
        if precondition.as_ref().is_some_and(|precondition| !precondition.holds(before.version)) {
            return Err(AccountError::VersionMismatch(before.version));
        }
        let (mut after, data) = change.apply(&before);
        if data.is_empty() {
            return Ok(after);
        }
        accounts.judge_change_in_tx(&mut *tx, &before, change).await?;
        after.version += 1;
        after.user.updated_at = accounts.clock.now();
        repository::save_user(&mut *tx, &after).await?;
        if after.disabled && !before.disabled {
            repository::revoke_families_of(&mut *tx, id, None, Ending::Disabled).await?;
        }
        accounts.acts.record_in_tx(tx, *actor, "user.changed", Subject::user(id), Value::Object(data)).await?;
        Ok(after)
    }

    async fn concluded(&mut self, outcome: Result<&ManagedUser, &AccountError>) {
        if outcome.is_ok() && matches!(self.actor, Actor::Caller(_)) {
            self.accounts.learn_own_change().await;
        }
    }
}

impl AccountService {
    /// Users, newest first.
    pub async fn users(
        &self,
        filter: &UserFilter,
        page: &PageRequest<UserAnchor>,
    ) -> Result<Vec<ManagedUser>, AccountError> {
        let mut db = self.db.read().await?;
        Ok(repository::list_users(&mut db, filter, page.after, page.offset, page.fetch()).await?)
    }

    /// All users, newest first, without pages.
    pub async fn all_users(&self) -> Result<Vec<ManagedUser>, AccountError> {
        let mut db = self.db.read().await?;
        Ok(repository::list_users(&mut db, &UserFilter::default(), None, 0, i64::MAX).await?)
    }

    pub async fn managed_user(&self, id: UserId) -> Result<ManagedUser, AccountError> {
        let account = repository::account_by_id(&mut *self.db.read().await?, id).await?;
        account.map(ManagedUser::from).ok_or(AccountError::Unknown("user"))
    }

    /// The user with this e-mail address, in any case.
    pub async fn user_by_email(&self, email: &str) -> Result<ManagedUser, AccountError> {
        let email = Email::read(Raw::Text(email)).map_err(|fault| AccountError::Input { member: "email", fault })?;
        let account = repository::account_by_email(&mut *self.db.read().await?, &email).await?;
        account.map(ManagedUser::from).ok_or(AccountError::Unknown("user"))
    }

    /// Changes what a user may do, at the command line.
    pub async fn manage_user(&self, id: UserId, change: UserChange) -> Result<ManagedUser, AccountError> {
        let (accounts, actor) = (self.clone(), Actor::CommandLine);
        work::run_alone(&self.db, ChangeUser { accounts, actor, id, change, precondition: None }).await
    }

    async fn judge_change_in_tx(
        &self,
        tx: &mut PgSession,
        before: &ManagedUser,
        change: UserChange,
    ) -> Result<(), AccountError> {
        if let Some(organization) = change.organization_id
            && !repository::organization_exists(&mut *tx, organization).await?
        {
            return Err(AccountError::UnknownOrganization);
        }
        if let Some(action) = change.takes_administrator(before) {
            self.ensure_another_administrator_in_tx(tx, before.user.id, action).await?;
        }
        Ok(())
    }

    /// Somebody must be left who can make administrators. The lock on them is held.
    pub(super) async fn ensure_another_administrator_in_tx(
        &self,
        tx: &mut PgSession,
        but: UserId,
        action: &'static str,
    ) -> Result<(), AccountError> {
        if repository::other_administrators(tx, but).await? {
            Ok(())
        } else {
            Err(AccountError::LastAdministrator(action))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_searched_for_is_meant_literally() {
        let pattern =
            |text: &str| UserFilter { text: Some(text.to_owned()), ..UserFilter::default() }.pattern().unwrap();
        assert_eq!(pattern("ann"), "%ann%");
        assert_eq!(pattern("50%_\\"), "%50\\%\\_\\\\%");
    }
}
