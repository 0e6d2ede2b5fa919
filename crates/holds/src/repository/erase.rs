use chrono::{DateTime, Utc};
use loadmaster_kernel::OrganizationId;
use loadmaster_platform::{
    personal::Person,
    postgres::{PgSession, allow_long_statements, column},
};
use serde_json::Value;
use uuid::Uuid;

/// Exports the texts of a person's holds, oldest first.
pub(crate) async fn export(db: &mut PgSession, person: &Person) -> sqlx::Result<Value> {
    // No request waits for it.
    allow_long_statements(db).await?;
    sqlx::query_scalar!(
        r#"select coalesce(jsonb_agg(jsonb_build_object(
               'id', h.id, 'kind', h.kind, 'status', h.status, 'origin', h.origin, 'destination', h.destination,
               'created_at', h.created_at, 'created_by_this_person', h.created_by = $1, 'booking_ref', h.booking_ref,
               'description', t.description, 'customer_reference', t.customer_reference,
               'shipper', t.shipper, 'consignee', t.consignee, 'contact', t.contact) order by h.id), '[]') as "export!"
           from hold_texts t join holds h on h.id = t.hold_id
           where h.created_by = $1 or h.organization_id = any($2)"#,
        person.user_id.uuid(),
        &column(&person.organizations, |id| id.uuid()),
    )
    .fetch_one(db)
    .await
}

/// Returns holds of these organizations that have texts: at most so many.
pub(crate) async fn texts_of(
    db: &mut PgSession,
    organizations: &[OrganizationId],
    most: i64,
) -> sqlx::Result<Vec<Uuid>> {
    allow_long_statements(db).await?;
    let ids = sqlx::query_scalar!(
        "select h.id from hold_texts t join holds h on h.id = t.hold_id
         where h.organization_id = any($1) order by h.id limit $2",
        &column(organizations, |id| id.uuid()),
        most,
    );
    ids.fetch_all(db).await
}

/// Returns holds that ended before this time and have texts: at most so many.
pub(crate) async fn texts_of_ended(db: &mut PgSession, before: DateTime<Utc>, most: i64) -> sqlx::Result<Vec<Uuid>> {
    allow_long_statements(db).await?;
    let ids = sqlx::query_scalar!(
        "select h.id from hold_texts t join holds h on h.id = t.hold_id
         where h.ended_at <= $1 order by h.id limit $2",
        before,
        most,
    );
    ids.fetch_all(db).await
}

/// Removes the texts of these holds, locking the holds in ascending order. Their versions rise, so that no reader takes
/// what it has for current.
pub(crate) async fn blank(db: &mut PgSession, holds: &[Uuid], now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!("select id from holds where id = any($1) order by id for no key update", holds)
        .fetch_all(&mut *db)
        .await?;
    sqlx::query!(
        "with gone as (delete from hold_texts where hold_id = any($1) returning hold_id)
         update holds set version = version + 1, updated_at = $2 where id in (select hold_id from gone)",
        holds,
        now,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Returns the ids of all holds of these organizations.
pub(crate) async fn ids_of(db: &mut PgSession, organizations: &[OrganizationId]) -> sqlx::Result<Vec<String>> {
    allow_long_statements(db).await?;
    let ids = sqlx::query_scalar!(
        r#"select id::text as "id!" from holds where organization_id = any($1)"#,
        &column(organizations, |id| id.uuid()),
    );
    ids.fetch_all(db).await
}
