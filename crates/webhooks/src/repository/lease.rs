use chrono::{DateTime, Utc};
use loadmaster_kernel::WebhookId;
use loadmaster_platform::postgres::{PgSession, planned_list};
use uuid::Uuid;

/// Enters this process among those that make attempts.
pub(crate) async fn register(db: &mut PgSession, process: &str) -> sqlx::Result<()> {
    let registered = sqlx::query!(
        "insert into webhook_processes (name) values ($1) on conflict (name) do update set beat = webhook_processes.beat + 1",
        process,
    );
    registered.execute(db).await.map(drop)
}

/// Proves that this process is alive; false if others have taken its webhooks.
pub(crate) async fn beat(db: &mut PgSession, process: &str) -> sqlx::Result<bool> {
    let beaten = sqlx::query!("update webhook_processes set beat = beat + 1 where name = $1", process);
    Ok(beaten.execute(db).await?.rows_affected() == 1)
}

/// Gives up all webhooks of this process.
pub(crate) async fn unregister(db: &mut PgSession, process: &str) -> sqlx::Result<()> {
    sqlx::query!("update webhooks set leased_by = null where leased_by = $1", process).execute(&mut *db).await?;
    sqlx::query!("delete from webhook_processes where name = $1", process).execute(db).await.map(drop)
}

/// Takes the webhooks of these processes, and of those that are not registered, from them; returns their number.
pub(crate) async fn take_from_the_silent(db: &mut PgSession, silent: &[String]) -> sqlx::Result<u64> {
    sqlx::query!("delete from webhook_processes where name = any($1)", silent).execute(&mut *db).await?;
    let taken = sqlx::query!(
        "update webhooks set leased_by = null
         where leased_by is not null and not exists (select from webhook_processes p where p.name = leased_by)"
    );
    Ok(taken.execute(db).await?.rows_affected())
}

/// Returns the beats of all processes.
pub(crate) async fn beats(db: &mut PgSession) -> sqlx::Result<Vec<(String, i64)>> {
    let found = sqlx::query!("select name, beat from webhook_processes");
    Ok(found.fetch_all(db).await?.into_iter().map(|row| (row.name, row.beat)).collect())
}

/// A webhook for which something is due.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Due {
    pub id: WebhookId,
    pub is_leased: bool,
    pub is_doubtful: bool,
}

/// Returns webhooks for which something is due and that this process may serve, longest due first: at most `sound` with
/// good receivers, and `doubtful` others. `busy` are left out.
pub(crate) async fn due(
    db: &mut PgSession,
    process: &str,
    now: DateTime<Utc>,
    (sound, doubtful): (i64, i64),
    busy: &[Uuid],
) -> sqlx::Result<Vec<Due>> {
    let found = sqlx::query!(
        r#"select id, leased_by is not null as "is_leased!", is_doubtful from webhooks
           where id = any (array(
               (select id from webhooks
                where not is_doubtful and due_at <= $2 and (leased_by is null or leased_by = $1) and not id = any($5)
                order by due_at limit $3)
               union all
               (select id from webhooks
                where is_doubtful and due_at <= $2 and (leased_by is null or leased_by = $1) and not id = any($5)
                order by due_at limit $4)))
           order by is_doubtful, due_at"#,
        process,
        now,
        sound,
        doubtful,
        busy,
    );
    let found = found.fetch_all(db).await?.into_iter();
    Ok(found.map(|row| Due { id: row.id.into(), is_leased: row.is_leased, is_doubtful: row.is_doubtful }).collect())
}

/// Leases webhooks to this process, as far as no other has them; returns those.
pub(crate) async fn lease(db: &mut PgSession, process: &str, webhooks: &[Uuid]) -> sqlx::Result<Vec<WebhookId>> {
    let leased = sqlx::query_scalar!(
        "update webhooks set leased_by = $1
         where id in (select id from webhooks where id = any($2) and leased_by is null order by id for no key update skip locked)
         returning id",
        process,
        &planned_list(webhooks),
    );
    Ok(leased.fetch_all(db).await?.into_iter().map(WebhookId::from).collect())
}
