//! The table `parties`.
use chrono::{DateTime, Utc};
use loadmaster_kernel::{OrganizationId, PartyId, UserId};
use loadmaster_platform::{
    personal::Person,
    postgres::{PgSession, column},
};
use loadmaster_shipment::Party;
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use super::Stored;

use crate::model::Entry;

struct Row {
    id: Uuid,
    organization_id: Uuid,
    party: Json<Party>,
    created_by: Option<Uuid>,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Row> for Entry<Party> {
    fn from(row: Row) -> Self {
        let Json(content) = row.party;
        Self {
            id: row.id.into(),
            organization_id: row.organization_id.into(),
            content,
            created_by: row.created_by.map(UserId::from),
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// A checked query for parties that are not deleted; `$tail` selects and orders them.
macro_rules! select_parties {
    ($tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"select id, organization_id, party as "party!: _", created_by, version, created_at, updated_at
               from parties where deleted_at is null and "# + $tail
            $(, $argument)*
        )
    };
}

impl Stored for Party {
    async fn find(db: &mut PgSession, id: PartyId, of: OrganizationId) -> sqlx::Result<Option<Entry<Self>>> {
        let found = select_parties!("id = $1 and organization_id = $2", id.uuid(), of.uuid());
        Ok(found.fetch_optional(db).await?.map(Entry::from))
    }

    async fn lock(db: &mut PgSession, id: PartyId, of: OrganizationId) -> sqlx::Result<Option<Entry<Self>>> {
        let found = select_parties!("id = $1 and organization_id = $2 for no key update", id.uuid(), of.uuid());
        Ok(found.fetch_optional(db).await?.map(Entry::from))
    }

    async fn existed(db: &mut PgSession, id: PartyId, of: OrganizationId) -> sqlx::Result<bool> {
        let found = sqlx::query_scalar!(
            r#"select exists (select from parties where id = $1 and organization_id = $2) as "found!""#,
            id.uuid(),
            of.uuid(),
        );
        found.fetch_one(db).await
    }

    async fn list(
        db: &mut PgSession,
        (of, name): (OrganizationId, Option<&str>),
        after: Option<PartyId>,
        offset: u32,
        fetch: i64,
    ) -> sqlx::Result<Vec<Entry<Self>>> {
        let rows = select_parties!(
            "organization_id = $1 and ($2::text is null or strpos(lower(party ->> 'name'), lower($2)) > 0)
               and ($3::uuid is null or id < $3)
             order by id desc offset $4 limit $5",
            of.uuid(),
            name,
            after.map(PartyId::uuid),
            i64::from(offset),
            fetch,
        );
        Ok(rows.fetch_all(db).await?.into_iter().map(Entry::from).collect())
    }

    async fn count(db: &mut PgSession, of: OrganizationId) -> sqlx::Result<i64> {
        let count = sqlx::query_scalar!(
            r#"select count(*) as "count!" from parties where organization_id = $1 and deleted_at is null"#,
            of.uuid(),
        );
        count.fetch_one(db).await
    }

    async fn insert(db: &mut PgSession, entry: &Entry<Self>) -> sqlx::Result<()> {
        let made = sqlx::query!(
            "insert into parties (id, organization_id, party, created_by, version, created_at, updated_at)
             values ($1, $2, $3, $4, $5, $6, $7)",
            entry.id.uuid(),
            entry.organization_id.uuid(),
            Json(&entry.content) as Json<&Party>,
            entry.created_by.map(UserId::uuid),
            entry.version,
            entry.created_at,
            entry.updated_at,
        );
        made.execute(db).await.map(drop)
    }

    async fn save(db: &mut PgSession, entry: &Entry<Self>) -> sqlx::Result<()> {
        let saved = sqlx::query!(
            "update parties set party = $2, version = $3, updated_at = $4 where id = $1",
            entry.id.uuid(),
            Json(&entry.content) as Json<&Party>,
            entry.version,
            entry.updated_at,
        );
        saved.execute(db).await.map(drop)
    }

    async fn delete(db: &mut PgSession, id: PartyId, now: DateTime<Utc>) -> sqlx::Result<()> {
        let deleted = sqlx::query!(
            "update parties set party = null, created_by = null, deleted_at = $2, updated_at = $2, version = version + 1
             where id = $1",
            id.uuid(),
            now,
        );
        deleted.execute(db).await.map(drop)
    }

    async fn delete_old(db: &mut PgSession, before: DateTime<Utc>, most: i64) -> sqlx::Result<u64> {
        let deleted = sqlx::query!(
            "delete from parties where id in
                 (select id from parties where deleted_at < $1 order by deleted_at limit $2 for update skip locked)",
            before,
            most,
        );
        Ok(deleted.execute(db).await?.rows_affected())
    }

    async fn export(db: &mut PgSession, person: &Person) -> sqlx::Result<Vec<Value>> {
        let found = sqlx::query_scalar!(
            r#"select party || jsonb_build_object('id', id, 'created_by_this_person', created_by is not distinct from $2,
                                                  'created_at', created_at, 'updated_at', updated_at) as "party!"
               from parties
               where deleted_at is null and (organization_id = any($1) or created_by = $2)
               order by id"#,
            &column(&person.organizations, |organization| organization.uuid()),
            person.user_id.uuid(),
        );
        found.fetch_all(db).await
    }

    /// The versions of parties of others rise, as it is shown who entered them.
    async fn erase(db: &mut PgSession, person: &Person, now: DateTime<Utc>) -> sqlx::Result<u64> {
        let erased = sqlx::query!(
            "update parties
             set party = case when organization_id = any($1) then null else party end,
                 deleted_at = case when organization_id = any($1) then $3 else deleted_at end,
                 created_by = null, version = version + 1, updated_at = $3
             where deleted_at is null and (organization_id = any($1) or created_by = $2)",
            &column(&person.organizations, |organization| organization.uuid()),
            person.user_id.uuid(),
            now,
        );
        Ok(erased.execute(db).await?.rows_affected())
    }

    async fn ids_of(db: &mut PgSession, organizations: &[OrganizationId]) -> sqlx::Result<Vec<String>> {
        let ids = sqlx::query_scalar!(
            r#"select id::text as "id!" from parties where organization_id = any($1)"#,
            &column(organizations, |organization| organization.uuid()),
        );
        ids.fetch_all(db).await
    }
}
