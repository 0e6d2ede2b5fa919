use chrono::{DateTime, Utc};
use loadmaster_kernel::{ApiKeyId, OrganizationId, TokenFamilyId, UserId};
use loadmaster_platform::postgres::PgSession;

use crate::{credentials::model::AccountState, people::Role};

/// A change of an account, a session or an API key.
#[derive(Debug, Clone, Copy)]
pub enum AccessChange {
    /// `None`: the account is gone.
    User(UserId, Option<AccountState>),
    /// The session has ended.
    Family(TokenFamilyId),
    ApiKey(ApiKeyId),
}

/// The changes with their times, and the database's time before the query. `since` is that time of the last poll: a change
/// written up to `overlap` seconds before it may have been committed after it. Without a last poll, the changes of the last
/// `window` seconds. If the database's clock was set back, the earlier time counts.
pub async fn access_changes(
    db: &mut PgSession,
    since: Option<DateTime<Utc>>,
    overlap: f64,
    window: f64,
) -> sqlx::Result<(DateTime<Utc>, Vec<(AccessChange, DateTime<Utc>)>)> {
    let now = sqlx::query_scalar!(r#"select clock_timestamp() as "now!""#).fetch_one(&mut *db).await?;
    let rows = sqlx::query!(
        r#"select c.kind as "kind!", c.subject as "subject!", c.changed_at as "changed_at!", u.role as "role?",
                  u.organization_id as "organization_id?: OrganizationId",
                  u.disabled_at is not null as "disabled!"
           from (select kind, subject, max(changed_at) from access_changes
                 where changed_at > least($1::timestamptz, $2::timestamptz) - make_interval(secs => $3)
                 group by kind, subject) c (kind, subject, changed_at)
           left join users u on c.kind = 'user' and u.id = c.subject"#,
        since,
        now,
        if since.is_some() { overlap } else { window },
    )
    .fetch_all(db)
    .await?;
    let changes = rows.into_iter().map(|row| {
        let state = || {
            let (role, organization_id) = (Role::from_name(row.role.as_deref()?)?, row.organization_id?);
            Some(AccountState { role, organization_id, disabled: row.disabled })
        };
        let change = match row.kind.as_str() {
            "user" => AccessChange::User(UserId::from(row.subject), state()),
            "family" => AccessChange::Family(TokenFamilyId::from(row.subject)),
            _ => AccessChange::ApiKey(ApiKeyId::from(row.subject)),
        };
        (change, row.changed_at)
    });
    Ok((now, changes.collect()))
}

/// The state of an account, and whether the family has ended.
pub async fn account_state(
    db: &mut PgSession,
    user: UserId,
    family: TokenFamilyId,
) -> sqlx::Result<(Option<AccountState>, bool)> {
    let row = sqlx::query!(
        r#"select u.role as "role?", u.organization_id as "organization_id?: OrganizationId",
                  u.disabled_at is not null as "disabled!",
                  exists (select from revoked_families where family_id = $2) as "ended!"
           from (select 1) as one left join users u on u.id = $1"#,
        user.uuid(),
        family.uuid(),
    )
    .fetch_one(db)
    .await?;
    let role = row.role.as_deref().and_then(Role::from_name);
    let state = role.zip(row.organization_id);
    let state = state.map(|(role, organization_id)| AccountState { role, organization_id, disabled: row.disabled });
    Ok((state, row.ended))
}

/// Deletes at most `limit` changes that are older than `window` seconds. Answers their number.
pub async fn delete_access_changes(db: &mut PgSession, window: f64, limit: i64) -> sqlx::Result<u64> {
    let deleted = sqlx::query!(
        "delete from access_changes
         where id in (select id from access_changes where changed_at < now() - make_interval(secs => $1)
                      order by changed_at limit $2)",
        window,
        limit,
    );
    Ok(deleted.execute(db).await?.rows_affected())
}
