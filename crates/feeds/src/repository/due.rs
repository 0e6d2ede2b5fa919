//! Feeds that are due, and the lease of the process that serves one.
use chrono::{DateTime, Utc};
use loadmaster_kernel::FeedId;
use loadmaster_platform::postgres::PgSession;
use uuid::Uuid;

/// Takes the feed that has been due for the longest, or whose run was broken off, for a while by the database's clock.
pub(crate) async fn lease(db: &mut PgSession, holder: Uuid, now: DateTime<Utc>) -> sqlx::Result<Option<FeedId>> {
    let leased = sqlx::query_scalar!(
        "update feeds set lease_holder = $1, lease_until = clock_timestamp() + interval '60 seconds'
         where id = (select id from feeds
                     where deleted_at is null and due_at <= $2
                       and (lease_until is null or lease_until < clock_timestamp())
                     order by due_at limit 1 for update skip locked)
         returning id",
        holder,
        now,
    );
    Ok(leased.fetch_optional(db).await?.map(FeedId::from))
}

/// Prolongs the lease; false if it was lost.
pub(crate) async fn beat(db: &mut PgSession, id: FeedId, holder: Uuid) -> sqlx::Result<bool> {
    let beaten = sqlx::query!(
        "update feeds set lease_until = clock_timestamp() + interval '60 seconds' where id = $1 and lease_holder = $2",
        id.uuid(),
        holder,
    );
    Ok(beaten.execute(db).await?.rows_affected() == 1)
}

/// Ends the lease.
pub(crate) async fn finish(db: &mut PgSession, id: FeedId, holder: Uuid) -> sqlx::Result<()> {
    let finished = sqlx::query!(
        "update feeds set lease_until = null, lease_holder = null where id = $1 and lease_holder = $2",
        id.uuid(),
        holder,
    );
    finished.execute(db).await.map(drop)
}
