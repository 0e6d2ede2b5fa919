use loadmaster_accounts::Principal;
use loadmaster_holds::{AmendParty, Party};
use loadmaster_kernel::PartyId;
use loadmaster_platform::{postgres::PgSession, web::Precondition, work::Command};

use super::{
    error::PartyError,
    model::{Entry, MOST},
    repository,
    service::PartyService,
};

/// Enters a party into the address book of the caller's organization.
pub(super) struct Create {
    pub parties: PartyService,
    pub caller: Principal,
    pub party: Party,
}

impl Command for Create {
    const NAME: &'static str = "parties.create";
    type Done = Entry;
    type Error = PartyError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Entry, PartyError> {
        let organization_id = self.caller.organization_id;
        repository::lock_organization(tx, organization_id).await?;
        if repository::count(tx, organization_id).await? >= MOST {
            return Err(PartyError::LimitReached);
        }
        let now = self.parties.clock.now();
        let entry = Entry {
            id: self.parties.ids.next(now),
            organization_id,
            party: self.party.clone(),
            created_by: Some(self.caller.user_id),
            version: 1,
            created_at: now,
            updated_at: now,
        };
        repository::insert(tx, &entry).await?;
        Ok(entry)
    }
}

/// Changes a party. One that is changed to what it is already keeps its version.
pub(super) struct Change {
    pub parties: PartyService,
    pub caller: Principal,
    pub id: PartyId,
    pub precondition: Precondition,
    pub wanted: AmendParty,
}

impl Command for Change {
    const NAME: &'static str = "parties.change";
    type Done = Entry;
    type Error = PartyError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Entry, PartyError> {
        let before = lock_in_tx(tx, self.caller, self.id, &self.precondition).await?;
        let party = self.wanted.clone().amended(&before.party);
        if party == before.party {
            return Ok(before);
        }
        let updated_at = self.parties.clock.now();
        let entry = Entry { party, version: before.version + 1, updated_at, ..before };
        repository::save(tx, &entry).await?;
        Ok(entry)
    }
}

/// Deletes a party.
pub(super) struct Delete {
    pub parties: PartyService,
    pub caller: Principal,
    pub id: PartyId,
    pub precondition: Precondition,
}

impl Command for Delete {
    const NAME: &'static str = "parties.delete";
    type Done = ();
    type Error = PartyError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<(), PartyError> {
        lock_in_tx(tx, self.caller, self.id, &self.precondition).await?;
        repository::delete(tx, self.id, self.parties.clock.now()).await?;
        Ok(())
    }
}

/// Locks a party of the caller's organization that still has the version that the caller knows.
async fn lock_in_tx(
    tx: &mut PgSession,
    caller: Principal,
    id: PartyId,
    precondition: &Precondition,
) -> Result<Entry, PartyError> {
    let entry = repository::lock(tx, id, caller.organization_id).await?.ok_or(PartyError::Unknown)?;
    precondition.check(entry.version).map_err(PartyError::VersionMismatch)?;
    Ok(entry)
}
