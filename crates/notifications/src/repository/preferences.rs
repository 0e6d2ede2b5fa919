use chrono::{DateTime, Utc};
use loadmaster_kernel::from_column;
use loadmaster_platform::postgres::PgSession;
use uuid::Uuid;

use crate::model::{NotificationScope, Preferences};

/// A user's preferences: those that are not set are as by default. `None` if there is no such user.
pub(crate) async fn find(db: &mut PgSession, user: Uuid) -> sqlx::Result<Option<Preferences>> {
    let row = sqlx::query!(
        r#"select u.language as account_language, p.language as "language?", coalesce(p.scope, $2) as "scope!",
                  coalesce(p.email_changed, '{}') as "email_changed!", coalesce(p.sms_changed, '{}') as "sms_changed!"
           from users u left join notification_preferences p on p.user_id = u.id where u.id = $1"#,
        user,
        NotificationScope::Own.as_str(),
    );
    row.fetch_optional(db)
        .await?
        .map(|row| {
            Ok(Preferences {
                language: row.language,
                account_language: row.account_language,
                scope: from_column(NotificationScope::WORDS, &row.scope)?,
                email_changed: row.email_changed,
                sms_changed: row.sms_changed,
            })
        })
        .transpose()
}

/// Locks a user's row: preferences that are changed at the same time wait. Returns false if there is no such user.
pub(crate) async fn lock_user(db: &mut PgSession, user: Uuid) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!("select id from users where id = $1 for no key update", user);
    Ok(found.fetch_optional(db).await?.is_some())
}

/// Replaces a user's preferences. The language of the account is no choice for letters alone: they go on following the account.
pub(crate) async fn save(db: &mut PgSession, user: Uuid, wanted: &Preferences, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into notification_preferences (user_id, language, scope, email_changed, sms_changed, updated_at)
         values ($1, nullif($2, (select language from users where id = $1)), $3, $4, $5, $6)
         on conflict (user_id) do update set language = excluded.language, scope = excluded.scope,
             email_changed = excluded.email_changed, sms_changed = excluded.sms_changed, updated_at = excluded.updated_at",
        user,
        wanted.language.as_deref(),
        wanted.scope.as_str(),
        &wanted.email_changed,
        &wanted.sms_changed,
        now,
    )
    .execute(db)
    .await
    .map(drop)
}
