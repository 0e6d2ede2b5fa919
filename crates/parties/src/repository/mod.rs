//! All SQL of this room.
mod parties;
mod templates;

use chrono::{DateTime, Utc};
use loadmaster_kernel::OrganizationId;
use loadmaster_platform::{personal::Person, postgres::PgSession};
use serde_json::Value;

use super::model::{Content, Entry};

/// A kind of entry with its table.
pub(super) trait Stored: Content {
    /// Returns an entry of an organization.
    fn find(
        db: &mut PgSession,
        id: Self::Id,
        of: OrganizationId,
    ) -> impl Future<Output = sqlx::Result<Option<Entry<Self>>>> + Send;

    /// Locks an entry of an organization and reads it.
    fn lock(
        db: &mut PgSession,
        id: Self::Id,
        of: OrganizationId,
    ) -> impl Future<Output = sqlx::Result<Option<Entry<Self>>>> + Send;

    /// Returns whether an organization has or had this entry.
    fn existed(db: &mut PgSession, id: Self::Id, of: OrganizationId)
    -> impl Future<Output = sqlx::Result<bool>> + Send;

    /// Returns a page of the entries of an organization whose names contain a text, newest first.
    fn list(
        db: &mut PgSession,
        of: (OrganizationId, Option<&str>),
        after: Option<Self::Id>,
        offset: u32,
        fetch: i64,
    ) -> impl Future<Output = sqlx::Result<Vec<Entry<Self>>>> + Send;

    /// Returns the number of entries of an organization.
    fn count(db: &mut PgSession, of: OrganizationId) -> impl Future<Output = sqlx::Result<i64>> + Send;

    fn insert(db: &mut PgSession, entry: &Entry<Self>) -> impl Future<Output = sqlx::Result<()>> + Send;

    /// Writes the new version of an entry. The caller has locked it.
    fn save(db: &mut PgSession, entry: &Entry<Self>) -> impl Future<Output = sqlx::Result<()>> + Send;

    /// Deletes an entry: what is left of it says nothing. The caller has locked it.
    fn delete(db: &mut PgSession, id: Self::Id, now: DateTime<Utc>) -> impl Future<Output = sqlx::Result<()>> + Send;

    /// Deletes up to `most` ids of entries that were deleted before this time. Returns their number.
    fn delete_old(
        db: &mut PgSession,
        before: DateTime<Utc>,
        most: i64,
    ) -> impl Future<Output = sqlx::Result<u64>> + Send;

    /// Returns the entries that a person made, and those of the person's own organizations, oldest first.
    fn export(db: &mut PgSession, person: &Person) -> impl Future<Output = sqlx::Result<Vec<Value>>> + Send;

    /// Deletes the entries of the person's own organizations, and removes the person from those of others. Returns the
    /// number of both.
    fn erase(db: &mut PgSession, person: &Person, now: DateTime<Utc>)
    -> impl Future<Output = sqlx::Result<u64>> + Send;

    /// Returns the ids of the entries of these organizations, also of deleted ones.
    fn ids_of(
        db: &mut PgSession,
        organizations: &[OrganizationId],
    ) -> impl Future<Output = sqlx::Result<Vec<String>>> + Send;
}

/// Locks an organization, so that it gets no entry meanwhile.
pub(super) async fn lock_organization(db: &mut PgSession, organization: OrganizationId) -> sqlx::Result<()> {
    sqlx::query!("select id from organizations where id = $1 for no key update", organization.uuid())
        .fetch_optional(db)
        .await
        .map(drop)
}
