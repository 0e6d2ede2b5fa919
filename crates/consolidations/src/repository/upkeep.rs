//! What ends invitations, and what of consolidations is personal.
use chrono::{DateTime, Utc};
use loadmaster_platform::{
    personal::Person,
    postgres::{PgSession, column},
};
use serde_json::Value;

/// Deletes the invitations that were not answered before this time. Returns their number.
pub(crate) async fn delete_invitations(db: &mut PgSession, now: DateTime<Utc>) -> sqlx::Result<u64> {
    // Locked first, as by those who change them.
    let concerned = sqlx::query_scalar!(
        "select id from consolidations
         where id in (select consolidation_id from consolidation_members where status = 'INVITED' and expires_at <= $1)
         order by id for no key update",
        now,
    );
    let concerned = concerned.fetch_all(&mut *db).await?;
    let deleted = sqlx::query!(
        "delete from consolidation_members
         where status = 'INVITED' and expires_at <= $1 and consolidation_id = any($2)",
        now,
        &concerned,
    );
    let deleted = deleted.execute(&mut *db).await?.rows_affected();
    let moved = sqlx::query!(
        "update consolidations set version = version + 1, updated_at = $1 where id = any($2)",
        now,
        &concerned,
    );
    moved.execute(db).await?;
    Ok(deleted)
}

/// Returns the consolidations of the person's own organizations and those that the person made.
pub(crate) async fn export(db: &mut PgSession, person: &Person) -> sqlx::Result<(Vec<Value>, Vec<Value>)> {
    let organizations = column(&person.organizations, |organization| organization.uuid());
    let consolidations = sqlx::query_scalar!(
        r#"select jsonb_build_object(
               'id', id, 'name', name, 'destination', destination, 'latest_arrival', latest_arrival,
               'created_by_this_person', created_by is not distinct from $2, 'created_at', created_at,
               'updated_at', updated_at) as "consolidation!"
           from consolidations where organization_id = any($1) or created_by = $2 order by id"#,
        &organizations,
        person.user_id.uuid(),
    );
    let consolidations = consolidations.fetch_all(&mut *db).await?;
    let parts = sqlx::query_scalar!(
        r#"select jsonb_build_object(
               'id', id, 'consolidation_id', consolidation_id, 'house_number', house_number, 'origin', origin, 'pieces', pieces,
               'weight_kg', trim_scale(weight_hg * 0.1), 'volume_m3', trim_scale(volume_l * 0.001), 'positions', positions,
               'special_handling_codes', special_handling_codes, 'description', description, 'shipper', shipper,
               'consignee', consignee, 'ready_at', ready_at, 'status', status,
               'created_by_this_person', created_by is not distinct from $2, 'created_at', created_at,
               'updated_at', updated_at) as "part!"
           from consolidation_parts where organization_id = any($1) or created_by = $2 order by id"#,
        &organizations,
        person.user_id.uuid(),
    );
    Ok((consolidations, parts.fetch_all(db).await?))
}

/// Deletes what belongs to the person's own organizations, and open invitations to the person; elsewhere the person is named no
/// more. Returns the number of changed rows.
/// `addresses` are the digests of the person's address.
pub(crate) async fn erase(
    db: &mut PgSession,
    person: &Person,
    addresses: &[Vec<u8>],
    now: DateTime<Utc>,
) -> sqlx::Result<u64> {
    let organizations = column(&person.organizations, |organization| organization.uuid());
    let own = sqlx::query!("delete from consolidations where organization_id = any($1)", &organizations);
    let mut changed = own.execute(&mut *db).await?.rows_affected();
    let joined = sqlx::query!(
        "with parts as (
             delete from consolidation_parts where organization_id = any($1) returning consolidation_id
         ), members as (
             delete from consolidation_members
             where organization_id = any($1)
                or (status = 'INVITED' and address_hash = any($2))
             returning consolidation_id
         )
         update consolidations set version = version + 1, updated_at = $3
         where id in (select consolidation_id from parts union select consolidation_id from members)",
        &organizations,
        addresses,
        now,
    );
    changed += joined.execute(&mut *db).await?.rows_affected();
    let invited =
        sqlx::query!("update consolidation_members set invited_by = null where invited_by = $1", person.user_id.uuid());
    changed += invited.execute(&mut *db).await?.rows_affected();
    let made = sqlx::query!(
        "update consolidations set created_by = null, version = version + 1, updated_at = $2 where created_by = $1",
        person.user_id.uuid(),
        now,
    );
    changed += made.execute(&mut *db).await?.rows_affected();
    let added =
        sqlx::query!("update consolidation_parts set created_by = null where created_by = $1", person.user_id.uuid());
    changed += added.execute(&mut *db).await?.rows_affected();
    let done =
        sqlx::query!("update consolidation_events set actor_id = null where actor_id = $1", person.user_id.uuid());
    changed += done.execute(db).await?.rows_affected();
    Ok(changed)
}

/// Returns the ids of the consolidations and parts of the person's own organizations, and of the consolidations that show them or
/// an open invitation to one of these digests of an address.
pub(crate) async fn ids_of(db: &mut PgSession, person: &Person, addresses: &[Vec<u8>]) -> sqlx::Result<Vec<String>> {
    let ids = sqlx::query_scalar!(
        r#"select id::text as "id!" from consolidations where organization_id = any($1)
           union all
           select id::text from consolidation_parts where organization_id = any($1)
           union all
           select consolidation_id::text from consolidation_parts where organization_id = any($1)
           union all
           select consolidation_id::text from consolidation_members where organization_id = any($1)
           union all
           select consolidation_id::text from consolidation_members where status = 'INVITED' and address_hash = any($2)"#,
        &column(&person.organizations, |organization| organization.uuid()),
        addresses,
    );
    ids.fetch_all(db).await
}
