use loadmaster_kernel::{OrganizationId, UserId};
use loadmaster_platform::{
    listing::{Anchor, CountParams, Listed},
    postgres::PgSession,
    web::{PageRequest, Precondition},
    work::Command,
};
use serde_json::json;

use super::{
    model::{Organization, OrganizationSort},
    repository,
    service::AdministrationService,
};

use crate::{
    error::AccountError,
    people::{Actor, Subject},
};

/// Creates an organization without people.
pub(super) struct CreateOrganization {
    pub administration: AdministrationService,
    pub actor: UserId,
    pub name: String,
}

impl Command for CreateOrganization {
    const NAME: &'static str = "accounts.create_organization";
    type Done = Organization;
    type Error = AccountError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Organization, AccountError> {
        let Self { administration, actor, name } = self;
        let now = administration.clock.now();
        let organization =
            Organization { id: administration.ids.next(now), name: name.clone(), version: 1, created_at: now };
        repository::insert_organization(tx, &organization).await?;
        let subject = Subject::new("organization", organization.id);
        let acts = &administration.acts;
        acts.record_in_tx(tx, Actor::Caller(*actor), "organization.created", subject, json!({})).await?;
        Ok(organization)
    }
}

/// Gives an organization another name.
pub(super) struct RenameOrganization {
    pub administration: AdministrationService,
    pub actor: UserId,
    pub id: OrganizationId,
    /// `None`: the name stays.
    pub name: Option<String>,
    pub precondition: Precondition,
}

impl Command for RenameOrganization {
    const NAME: &'static str = "accounts.rename_organization";
    type Done = Organization;
    type Error = AccountError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Organization, AccountError> {
        let Self { administration, actor, id, name, precondition } = self;
        let before = repository::lock_organization(tx, *id).await?.ok_or(AccountError::Unknown("organization"))?;
        precondition.check(before.version).map_err(AccountError::VersionMismatch)?;
        let Some(name) = name.clone().filter(|name| *name != before.name) else { return Ok(before) };
        let organization = Organization { name, version: before.version + 1, ..before };
        repository::rename_organization(tx, &organization).await?;
        // Without the names: an organization may be named after a person.
        let (subject, data) = (Subject::new("organization", *id), json!({"version": organization.version}));
        let acts = &administration.acts;
        acts.record_in_tx(tx, Actor::Caller(*actor), "organization.renamed", subject, data).await?;
        Ok(organization)
    }
}

impl AdministrationService {
    pub(super) async fn organization(&self, id: OrganizationId) -> Result<Organization, AccountError> {
        let found = repository::find_organization(&mut *self.db.read().await?, id).await?;
        found.ok_or(AccountError::Unknown("organization"))
    }

    /// Organizations in this order; not those of guests.
    pub(super) async fn list_organizations(
        &self,
        q: Option<&str>,
        sort: OrganizationSort,
        page: &PageRequest<Anchor>,
        count: CountParams,
    ) -> Result<Listed<Organization>, AccountError> {
        let pattern = q.map(|text| format!("%{}%", text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")));
        let (pattern, order) = (pattern.as_deref(), sort.order());
        let mut db = self.db.listing().await?;
        let (after, offset, fetch) = (page.after, page.offset, page.fetch());
        if !order.has_place(&mut db, after).await? {
            return Err(AccountError::PlaceGone);
        }
        let entries = repository::list_organizations(&mut db, pattern, order, after, offset, fetch).await?;
        let counted = repository::number_of_organizations(&mut db, pattern, order);
        let total = count.total(page, entries.len(), counted).await?;
        Ok(Listed { entries, total })
    }
}
