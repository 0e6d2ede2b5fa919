use loadmaster_kernel::OrganizationId;
use loadmaster_platform::{
    personal::Person,
    postgres::{PgSession, column},
};
use serde_json::Value;
use uuid::Uuid;

/// Deletes deliveries made before this id, with their attempts, and those of deleted webhooks; at most `most`.
pub(crate) async fn delete_old_deliveries(db: &mut PgSession, before: Uuid, most: i64) -> sqlx::Result<u64> {
    let old = sqlx::query!(
        "delete from webhook_deliveries
         where id = any (array(
             (select id from webhook_deliveries where id < $1 and status <> 'WAITING' order by id limit $2)
             union
             (select d.id from webhooks w join webhook_deliveries d on d.webhook_id = w.id
              where w.deleted_at is not null limit $2)))",
        before,
        most,
    );
    Ok(old.execute(db).await?.rows_affected())
}

/// Deletes messages made before this id that no delivery needs; at most `most`.
pub(crate) async fn delete_old_messages(db: &mut PgSession, before: Uuid, most: i64) -> sqlx::Result<u64> {
    let old = sqlx::query!(
        "delete from webhook_messages
         where id = any (array(
             select m.id from webhook_messages m
             where m.id < $1 and not exists (select from webhook_deliveries d where d.message_id = m.id)
             order by m.id limit $2))",
        before,
        most,
    );
    Ok(old.execute(db).await?.rows_affected())
}

/// Deletes webhooks that were deleted, once they have no deliveries.
pub(crate) async fn delete_webhooks(db: &mut PgSession) -> sqlx::Result<u64> {
    let gone = sqlx::query!(
        "delete from webhooks w
         where deleted_at is not null and leased_by is null
           and not exists (select from webhook_deliveries d where d.webhook_id = w.id)"
    );
    Ok(gone.execute(db).await?.rows_affected())
}

/// Returns the webhooks of the person's own organizations, and those that the person changed last, without secrets.
pub(crate) async fn export(db: &mut PgSession, person: &Person) -> sqlx::Result<Vec<Value>> {
    let found = sqlx::query_scalar!(
        r#"select jsonb_build_object('id', id, 'url', url, 'description', description, 'types', types,
                                     'origins', origins, 'destinations', destinations, 'scope', scope,
                                     'status', status, 'created_at', created_at, 'updated_at', updated_at) as "webhook!"
           from webhooks
           where deleted_at is null and (organization_id = any($1) or changed_by = $2 or created_by = $2)
           order by id"#,
        &column(&person.organizations, |organization| organization.uuid()),
        person.user_id.uuid(),
    );
    found.fetch_all(db).await
}

/// Deletes the webhooks of these organizations, and what they say and were answered. Returns their number.
pub(crate) async fn erase(db: &mut PgSession, organizations: &[OrganizationId]) -> sqlx::Result<u64> {
    let organizations = column(organizations, |organization| organization.uuid());
    sqlx::query!(
        "update webhook_attempts a set response = null
         from webhook_deliveries d join webhooks w on w.id = d.webhook_id
         where a.delivery_id = d.id and a.response is not null and w.organization_id = any($1)",
        &organizations,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "update webhook_deliveries d set status = 'FAILED', next_attempt_at = null
         from webhooks w where d.webhook_id = w.id and d.status = 'WAITING' and w.organization_id = any($1)",
        &organizations,
    )
    .execute(&mut *db)
    .await?;
    let erased = sqlx::query!(
        "update webhooks
         set deleted_at = coalesce(deleted_at, now()), status = 'DISABLED',
             disabled_reason = coalesce(disabled_reason, 'manual'), waiting = 0, due_at = null, url = '',
             description = null, secret = '', former_secrets = '{}', former_secrets_until = '{}'
         where organization_id = any($1) and url <> ''",
        &organizations,
    );
    Ok(erased.execute(db).await?.rows_affected())
}

/// Returns the ids of these organizations' webhooks.
pub(crate) async fn ids_of(db: &mut PgSession, organizations: &[OrganizationId]) -> sqlx::Result<Vec<String>> {
    let ids = sqlx::query_scalar!(
        r#"select id::text as "id!" from webhooks where organization_id = any($1)"#,
        &column(organizations, |organization| organization.uuid()),
    );
    ids.fetch_all(db).await
}
