use loadmaster_kernel::{OrganizationId, UserId};
use loadmaster_platform::{
    postgres::PgSession,
    web::Precondition,
    work::{self, Command},
};
use serde_json::{Map, Value, json};

use super::{repository, service::AdministrationService};

use crate::{
    credentials::{Ending, revoke_families_of},
    error::AccountError,
    people::{Actor, ManagedUser, Role, Subject, lock_account_to_change},
};

/// A change of a user by an administrator. `None` leaves a member as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UserChange {
    pub role: Option<Role>,
    pub organization_id: Option<OrganizationId>,
    pub disabled: Option<bool>,
}

impl UserChange {
    /// The action by which the change removes an active administrator, if it does.
    fn removes_administrator(&self, before: &ManagedUser) -> Option<&'static str> {
        let is_active = before.user.role == Role::Admin && !before.disabled;
        let demotes = self.role.is_some_and(|role| role != Role::Admin);
        let disables = self.disabled == Some(true);
        match (is_active, demotes, disables) {
            (true, _, true) => Some("disable"),
            (true, true, _) => Some("demote"),
            _ => None,
        }
    }

    /// The changed user, and the differences for the record.
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

/// Changes a user. It takes effect at once for new tokens, and within a minute for tokens in use. A user who was disabled
/// must log in again when enabled.
pub(super) struct ChangeUser {
    pub administration: AdministrationService,
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
        let Self { administration, actor, id, change, precondition } = self;
        let (id, change) = (*id, *change);
        // Before the row: two administrators who demote each other take turns here.
        repository::lock_administrators(&mut *tx).await?;
        let account = lock_account_to_change(&mut *tx, id).await?;
        let before = account.map(ManagedUser::from).ok_or(AccountError::Unknown("user"))?;
        if let Some(precondition) = precondition {
            precondition.check(before.version).map_err(AccountError::VersionMismatch)?;
        }
        let (mut after, data) = change.apply(&before);
        if data.is_empty() {
            return Ok(after);
        }
        administration.check_change_in_tx(&mut *tx, &before, change).await?;
        after.version += 1;
        after.user.updated_at = administration.clock.now();
        repository::save_user(&mut *tx, &after).await?;
        if after.disabled && !before.disabled {
            revoke_families_of(&mut *tx, id, None, Ending::Disabled).await?;
        }
        administration
            .acts
            .record_in_tx(tx, *actor, "user.changed", Subject::new("user", id), Value::Object(data))
            .await?;
        Ok(after)
    }

    async fn concluded(&mut self, outcome: Result<&ManagedUser, &AccountError>) {
        if outcome.is_ok() && matches!(self.actor, Actor::Caller(_)) {
            self.administration.changes.poll_own_change().await;
        }
    }
}

impl AdministrationService {
    /// Changes a user, on behalf of the command line.
    pub async fn change_user(&self, id: UserId, change: UserChange) -> Result<ManagedUser, AccountError> {
        let (administration, actor) = (self.clone(), Actor::CommandLine);
        work::run_alone(&self.db, ChangeUser { administration, actor, id, change, precondition: None }).await
    }

    async fn check_change_in_tx(
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
        if let Some(action) = change.removes_administrator(before) {
            self.ensure_another_administrator_in_tx(tx, before.user.id, action).await?;
        }
        Ok(())
    }
}
