//! Which consolidations a list shows.
use loadmaster_kernel::ConsolidationId;
use loadmaster_platform::postgres::PgSession;
use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::{dto::ConsolidationFilter, model::ConsolidationStatus};

/// Whether some master is booked, and each origin with parts that are ready has one: what `status_of` says of one consolidation.
/// It is read row by row, in the order of the list, so a page costs what its rows cost.
const IS_BOOKED: &str = "coalesce((
    select array_agg(k.origin) @> array(select p.origin from consolidation_parts p
                                        where p.consolidation_id = c.id and p.status = 'READY')
    from consolidation_masters k
    left join lateral (select booking_id from holds where id = k.hold_id and k.booking_id is null limit 1) h on true
    left join lateral (select status from bookings where id = coalesce(k.booking_id, h.booking_id) limit 1) b on true
    where k.consolidation_id = c.id and b.status <> 'CANCELLED'
    having count(*) > 0), false)";

/// Returns the ids of a page of the consolidations that the filter chooses, newest first.
pub(super) async fn chosen(
    db: &mut PgSession,
    filter: &ConsolidationFilter,
    (after, offset, fetch): (Option<ConsolidationId>, u32, i64),
) -> sqlx::Result<Vec<Uuid>> {
    // Made for the filters that are given: each is served by the index that fits it.
    let mut query = QueryBuilder::new("select c.id from consolidations c ");
    let id = if let Some(member) = filter.organization_id {
        query.push("join consolidation_members m on m.consolidation_id = c.id where m.status = 'ACCEPTED'");
        query.push(" and m.organization_id = ").push_bind(member.uuid());
        "m.consolidation_id"
    } else {
        query.push("where true");
        "c.id"
    };
    if let Some(after) = after {
        query.push(format!(" and {id} < ")).push_bind(after.uuid());
    }
    match filter.status {
        None => {}
        Some(ConsolidationStatus::Cancelled) => {
            query.push(" and c.cancelled_at is not null");
        }
        Some(ConsolidationStatus::Booked) => {
            // Where few have masters, it begins with these.
            query.push(" and exists (select from consolidation_masters k where k.consolidation_id = c.id)");
            query.push(" and c.cancelled_at is null and ").push(IS_BOOKED);
        }
        Some(ConsolidationStatus::Planning) => {
            query.push(" and c.cancelled_at is null and not ").push(IS_BOOKED);
        }
    }
    query.push(format!(" order by {id} desc offset ")).push_bind(i64::from(offset)).push(" limit ").push_bind(fetch);
    query.build_query_scalar().fetch_all(db).await
}
