use loadmaster_accounts::Principal;
use loadmaster_platform::{postgres::PgSession, web::Precondition, work::Command};
use loadmaster_shipment::{AmendParty, MemberFaults, Party};

use super::{
    dto::ChangeBookingTemplate,
    error::PartyError,
    model::{Entry, Template},
    repository::{self, Stored},
    service::PartyService,
};

/// A kind of entry that customers change.
pub(super) trait Editable: Stored {
    type Patch: Send + Sync + 'static;
    /// The names of the spans.
    const CREATE: &'static str;
    const CHANGE: &'static str;
    const DELETE: &'static str;

    /// Returns the content after a patch, or the members that contradict existing values, each with its fault.
    fn after(&self, patch: &Self::Patch) -> Result<Self, MemberFaults>;
}

impl Editable for Party {
    type Patch = AmendParty;
    const CREATE: &'static str = "parties.create";
    const CHANGE: &'static str = "parties.change";
    const DELETE: &'static str = "parties.delete";

    fn after(&self, patch: &AmendParty) -> Result<Self, MemberFaults> {
        Ok(patch.clone().amended(self))
    }
}

impl Editable for Template {
    type Patch = ChangeBookingTemplate;
    const CREATE: &'static str = "parties.create_template";
    const CHANGE: &'static str = "parties.change_template";
    const DELETE: &'static str = "parties.delete_template";

    fn after(&self, patch: &ChangeBookingTemplate) -> Result<Self, MemberFaults> {
        patch.applied(self)
    }
}

/// Adds an entry to those of the caller's organization.
pub(super) struct Create<T> {
    pub parties: PartyService,
    pub caller: Principal,
    pub content: T,
}

impl<T: Editable> Command for Create<T> {
    const NAME: &'static str = T::CREATE;
    type Done = Entry<T>;
    type Error = PartyError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Entry<T>, PartyError> {
        let organization_id = self.caller.organization_id;
        repository::lock_organization(tx, organization_id).await?;
        if T::count(tx, organization_id).await? >= T::KIND.most() {
            return Err(PartyError::LimitReached(T::KIND));
        }
        let now = self.parties.clock.now();
        let entry = Entry {
            id: self.parties.ids.next(now),
            organization_id,
            content: self.content.clone(),
            created_by: Some(self.caller.user_id),
            version: 1,
            created_at: now,
            updated_at: now,
        };
        T::insert(tx, &entry).await?;
        Ok(entry)
    }
}

/// Changes an entry. One that is changed to what it is already keeps its version.
pub(super) struct Change<T: Editable> {
    pub parties: PartyService,
    pub caller: Principal,
    pub id: T::Id,
    pub precondition: Precondition,
    pub wanted: T::Patch,
}

impl<T: Editable> Command for Change<T> {
    const NAME: &'static str = T::CHANGE;
    type Done = Entry<T>;
    type Error = PartyError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Entry<T>, PartyError> {
        let before = lock_in_tx::<T>(tx, self.caller, self.id, &self.precondition).await?;
        let content = before.content.after(&self.wanted).map_err(PartyError::Invalid)?;
        if content == before.content {
            return Ok(before);
        }
        let updated_at = self.parties.clock.now();
        let entry = Entry { content, version: before.version + 1, updated_at, ..before };
        T::save(tx, &entry).await?;
        Ok(entry)
    }
}

/// Deletes an entry.
pub(super) struct Delete<T: Editable> {
    pub parties: PartyService,
    pub caller: Principal,
    pub id: T::Id,
    pub precondition: Precondition,
}

impl<T: Editable> Command for Delete<T> {
    const NAME: &'static str = T::DELETE;
    type Done = ();
    type Error = PartyError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<(), PartyError> {
        lock_in_tx::<T>(tx, self.caller, self.id, &self.precondition).await?;
        T::delete(tx, self.id, self.parties.clock.now()).await?;
        Ok(())
    }
}

/// Locks an entry of the caller's organization that still has the version that the caller knows.
async fn lock_in_tx<T: Editable>(
    tx: &mut PgSession,
    caller: Principal,
    id: T::Id,
    precondition: &Precondition,
) -> Result<Entry<T>, PartyError> {
    let entry = T::lock(tx, id, caller.organization_id).await?.ok_or(PartyError::Unknown(T::KIND))?;
    precondition.check(entry.version).map_err(PartyError::VersionMismatch)?;
    Ok(entry)
}
