//! Reads masters for an audit. The time limits of requests do not apply here.
use loadmaster_kernel::ConsolidationId;
use loadmaster_platform::postgres::PgSession;
use uuid::Uuid;

/// Returns the number of masters.
pub(crate) async fn count(db: &mut PgSession) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from consolidation_masters"#).fetch_one(db).await
}

/// Returns the consolidations with masters that became bookings.
pub(crate) async fn booked(db: &mut PgSession) -> sqlx::Result<Vec<ConsolidationId>> {
    let found = sqlx::query_scalar!(
        r#"select distinct m.consolidation_id as "id!"
           from consolidation_masters m
           left join holds h on h.id = m.hold_id
           where coalesce(m.booking_id, h.booking_id) is not null
           order by 1"#,
    );
    Ok(found.fetch_all(db).await?.into_iter().map(ConsolidationId::from).collect())
}

/// A master that breaks the rule.
pub(crate) struct MasterMismatch {
    pub consolidation_id: Uuid,
    pub origin: String,
    /// The hold or booking belongs to another organization than the owner's.
    pub is_foreign: bool,
    /// The hold or booking is the master of two consolidations.
    pub is_twice: bool,
}

/// Returns the masters whose hold or booking is of another organization, is not the one noted, or is the master of two
/// consolidations.
pub(crate) async fn master_mismatches(db: &mut PgSession) -> sqlx::Result<Vec<MasterMismatch>> {
    sqlx::query_as!(
        MasterMismatch,
        r#"with m as materialized (
               select m.consolidation_id, m.origin, m.hold_id, c.organization_id, h.organization_id as hold_of,
                      coalesce(m.booking_id, h.booking_id) as booking_id,
                      coalesce(m.booking_id <> h.booking_id, false) as is_another
               from consolidation_masters m join consolidations c on c.id = m.consolidation_id
               left join holds h on h.id = m.hold_id
           ), judged as (
               select m.consolidation_id, m.origin, m.is_another,
                      coalesce(m.hold_of <> m.organization_id, false)
                          or coalesce(b.organization_id <> m.organization_id, false) as is_foreign,
                      count(*) over (partition by m.hold_id) > 1
                          or (m.booking_id is not null and count(*) over (partition by m.booking_id) > 1) as is_twice
               from m left join lateral (select organization_id from bookings where id = m.booking_id limit 1) b on true
           )
           select consolidation_id as "consolidation_id!", origin as "origin!", is_foreign as "is_foreign!",
                  is_twice as "is_twice!"
           from judged where is_foreign or is_another or is_twice order by consolidation_id, origin"#,
    )
    .fetch_all(db)
    .await
}
