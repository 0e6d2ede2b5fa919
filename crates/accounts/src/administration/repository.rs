use chrono::{DateTime, Utc};
use loadmaster_kernel::{OrganizationId, UserId};
use loadmaster_platform::{
    listing::{Anchor, Order, Total, in_order_of},
    postgres::PgSession,
};
use serde_json::Value;
use sqlx::QueryBuilder;
use uuid::Uuid;

use super::model::Organization;

use crate::people::ManagedUser;

/// Changes that may remove an administrator wait for each other: the last administrator must stay.
pub async fn lock_administrators(db: &mut PgSession) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('loadmaster.administrators', 0))")
        .execute(db)
        .await
        .map(drop)
}

/// Whether an administrator besides this one can log in.
pub async fn other_administrators(db: &mut PgSession, but: UserId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from users where role = 'admin' and disabled_at is null and erased_at is null and id <> $1) as "any!""#,
        but.uuid(),
    )
    .fetch_one(db)
    .await
}

pub async fn organization_exists(db: &mut PgSession, id: OrganizationId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select exists (select from organizations where id = $1) as "any!""#, id.uuid())
        .fetch_one(db)
        .await
}

/// Writes role, organization and state.
pub async fn save_user(db: &mut PgSession, managed: &ManagedUser) -> sqlx::Result<()> {
    sqlx::query!(
        "update users
         set role = $2, organization_id = $3, version = $4, updated_at = $5,
             disabled_at = case when not $6 then null else coalesce(disabled_at, $5) end
         where id = $1",
        managed.user.id.uuid(),
        managed.user.role.as_str(),
        managed.user.organization_id.uuid(),
        managed.version,
        managed.user.updated_at,
        managed.disabled,
    )
    .execute(db)
    .await
    .map(drop)
}

/// The organizations that a user belongs to or has founded, and that have no other member who is not erased.
pub async fn own_organizations(db: &mut PgSession, user: UserId) -> sqlx::Result<Vec<OrganizationId>> {
    sqlx::query_scalar!(
        r#"select o.id as "id: OrganizationId" from organizations o
           where (o.founder_id = $1 or o.id = (select organization_id from users where id = $1))
             and not exists (select from users u
                             where u.organization_id = o.id and u.id <> $1 and u.erased_at is null)
           order by o.id"#,
        user.uuid(),
    )
    .fetch_all(db)
    .await
}

/// Disables an account that is not disabled yet.
pub async fn disable(db: &mut PgSession, user: UserId, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "update users set disabled_at = $2, version = version + 1, updated_at = $2
         where id = $1 and disabled_at is null",
        user.uuid(),
        now,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Removes the personal data of an account. The row stays for those that refer to it. Organizations that bear the person's
/// name lose it, also if they have other members by now.
pub async fn erase_account(
    db: &mut PgSession,
    user: UserId,
    organizations: &[OrganizationId],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let organizations: Vec<Uuid> = organizations.iter().map(|id| id.uuid()).collect();
    sqlx::query!(
        "update organizations set name = 'Erased' where founder_id = $1 or id = any($2)",
        user.uuid(),
        &organizations,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "update users
         set email = 'erased-' || id::text || '@erased.invalid', email_key = 'erased-' || id::text || '@erased.invalid',
             name = null, phone = null, phone_verified_at = null, email_verified_at = null, language = null, weight_unit = 'kg',
             home_airport = null, last_login_on = null,
             password_hash = 'erased', erased_at = $2, version = version + 1, updated_at = $2
         where id = $1",
        user.uuid(),
        now,
    )
    .execute(db)
    .await
    .map(drop)
}

/// The data about a person in the tables of all accounts rooms, as one JSON object without secrets.
pub async fn export_account(db: &mut PgSession, user: UserId) -> sqlx::Result<Value> {
    sqlx::query_scalar!(
        r#"select jsonb_build_object(
               'account', (select jsonb_build_object(
                               'id', u.id, 'email', u.email, 'email_verified_at', u.email_verified_at, 'phone', u.phone,
                               'phone_verified_at', u.phone_verified_at, 'name', u.name, 'language', u.language,
                               'weight_unit', u.weight_unit, 'home_airport', u.home_airport,
                               'last_login_at', u.last_login_on, 'role', u.role,
                               'created_at', u.created_at, 'updated_at', u.updated_at, 'disabled_at', u.disabled_at,
                               'organization', jsonb_build_object('id', o.id, 'name', o.name, 'created_at', o.created_at))
                           from users u join organizations o on o.id = u.organization_id where u.id = $1),
               'organizations_founded', (select coalesce(jsonb_agg(f order by f.created_at), '[]') from (
                                select id, name, created_at from organizations where founder_id = $1) f),
               'sessions', (select coalesce(jsonb_agg(s order by s.began_at), '[]') from (
                                select family_id as id, min(issued_at) as began_at, max(issued_at) as last_used_at,
                                       max(expires_at) as expires_at
                                from refresh_tokens where user_id = $1 group by family_id) s),
               'api_keys', (select coalesce(jsonb_agg(k order by k.created_at), '[]') from (
                                select id, name, role, created_at, last_used_at, expires_at, revoked_at
                                from api_keys where user_id = $1) k),
               'administrative_acts', (select coalesce(jsonb_agg(a order by a.acted_at), '[]') from (
                                select act, acted_at, subject_kind, subject_id, actor_id = $1 as by_this_person, data
                                from admin_acts
                                where actor_id = $1 or subject_id = $1::text
                                   or subject_id in (select id::text from api_keys where user_id = $1)) a)
           ) as "export!""#,
        user.uuid(),
    )
    .fetch_one(db)
    .await
}

pub(super) async fn insert_organization(tx: &mut PgSession, organization: &Organization) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into organizations (id, name, version, created_at) values ($1, $2, $3, $4)",
        organization.id.uuid(),
        organization.name,
        organization.version,
        organization.created_at,
    )
    .execute(tx)
    .await
    .map(drop)
}

pub(super) async fn find_organization(db: &mut PgSession, id: OrganizationId) -> sqlx::Result<Option<Organization>> {
    sqlx::query_as!(
        Organization,
        r#"select id as "id: OrganizationId", name, version, created_at from organizations where id = $1"#,
        id.uuid(),
    )
    .fetch_optional(db)
    .await
}

pub(super) async fn lock_organization(tx: &mut PgSession, id: OrganizationId) -> sqlx::Result<Option<Organization>> {
    sqlx::query_as!(
        Organization,
        r#"select id as "id: OrganizationId", name, version, created_at from organizations where id = $1
           for no key update"#,
        id.uuid(),
    )
    .fetch_optional(tx)
    .await
}

pub(super) async fn rename_organization(tx: &mut PgSession, organization: &Organization) -> sqlx::Result<()> {
    sqlx::query!(
        "update organizations set name = $2, version = $3 where id = $1",
        organization.id.uuid(),
        organization.name,
        organization.version,
    )
    .execute(tx)
    .await
    .map(drop)
}

/// Organizations in this order. A guest's is nobody's to name.
pub(super) async fn list_organizations(
    db: &mut PgSession,
    pattern: Option<&str>,
    order: Order,
    after: Option<Anchor>,
    offset: u32,
    fetch: i64,
) -> sqlx::Result<Vec<Organization>> {
    let ids = chosen(db, pattern, order, after, offset, fetch).await?;
    let found = sqlx::query_as!(
        Organization,
        r#"select id as "id: OrganizationId", name, version, created_at from organizations where id = any($1)"#,
        &ids,
    );
    Ok(in_order_of(&ids, found.fetch_all(db).await?, |organization| organization.id.uuid()))
}

/// The number of organizations that a list with this pattern has, as far as they are counted.
pub(super) async fn number_of_organizations(
    db: &mut PgSession,
    pattern: Option<&str>,
    order: Order,
) -> sqlx::Result<Total> {
    Ok(Total::of(chosen(db, pattern, order, None, 0, Total::LOOKED_FOR).await?.len()))
}

async fn chosen(
    db: &mut PgSession,
    pattern: Option<&str>,
    order: Order,
    after: Option<Anchor>,
    offset: u32,
    fetch: i64,
) -> sqlx::Result<Vec<Uuid>> {
    let mut query = QueryBuilder::new(
        "select o.id from organizations o
         where not o.is_of_guest and (select u.role from users u where u.id = o.founder_id) is distinct from 'guest'",
    );
    if let Some(pattern) = pattern {
        query.push(" and o.name ilike ").push_bind(pattern.to_owned());
    }
    order.page(&mut query, after, offset, fetch);
    query.build_query_scalar().fetch_all(db).await
}
