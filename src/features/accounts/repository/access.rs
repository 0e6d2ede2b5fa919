use chrono::{DateTime, Utc};

use crate::{
    features::accounts::model::Role,
    kernel::{ApiKeyId, OrganizationId, TokenFamilyId, UserId},
    platform::postgres::PgSession,
};

/// What an account may do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::features::accounts) struct Standing {
    pub role: Role,
    pub organization_id: OrganizationId,
    pub disabled: bool,
}

/// One credential or account that is not what it was.
#[derive(Debug, Clone, Copy)]
pub(in crate::features::accounts) enum AccessChange {
    /// `None`: the account is gone.
    User(UserId, Option<Standing>),
    /// It has ended.
    Family(TokenFamilyId),
    ApiKey(ApiKeyId),
}

impl AccessChange {
    pub const fn user(&self) -> Option<UserId> {
        match self {
            Self::User(user, _) => Some(*user),
            _ => None,
        }
    }

    pub const fn api_key(&self) -> Option<ApiKeyId> {
        match self {
            Self::ApiKey(key) => Some(*key),
            _ => None,
        }
    }
}

/// What has changed, each with when, and the database's time before the look. `since` is that time of the last look: what
/// was written up to `overlap` seconds before it may have been committed after it. Without a last look, what has changed
/// in the last `window` seconds. Should the database's clock have been set back, the earlier time counts.
pub(in crate::features::accounts) async fn access_changes(
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
        let standing = || {
            let (role, organization_id) = (Role::from_name(row.role.as_deref()?)?, row.organization_id?);
            Some(Standing { role, organization_id, disabled: row.disabled })
        };
        let change = match row.kind.as_str() {
            "user" => AccessChange::User(UserId::from(row.subject), standing()),
            "family" => AccessChange::Family(TokenFamilyId::from(row.subject)),
            _ => AccessChange::ApiKey(ApiKeyId::from(row.subject)),
        };
        (change, row.changed_at)
    });
    Ok((now, changes.collect()))
}

/// What an account may do, and whether the family has ended.
pub(in crate::features::accounts) async fn standing(
    db: &mut PgSession,
    user: UserId,
    family: TokenFamilyId,
) -> sqlx::Result<(Option<Standing>, bool)> {
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
    let standing = role.zip(row.organization_id);
    let standing = standing.map(|(role, organization_id)| Standing { role, organization_id, disabled: row.disabled });
    Ok((standing, row.ended))
}

/// Those that no credential in use can be older than: at most `limit`. Answers how many they were.
pub(in crate::features::accounts) async fn delete_access_changes(
    db: &mut PgSession,
    window: f64,
    limit: i64,
) -> sqlx::Result<u64> {
    let deleted = sqlx::query!(
        "delete from access_changes
         where id in (select id from access_changes where changed_at < now() - make_interval(secs => $1)
                      order by changed_at limit $2)",
        window,
        limit,
    );
    Ok(deleted.execute(db).await?.rows_affected())
}
