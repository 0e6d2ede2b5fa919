//! Which holds lists show, and in which order.
use chrono::{DateTime, Utc};
use loadmaster_platform::{
    listing::{Anchor, ExpiryOrder, Total, in_order_of},
    postgres::PgSession,
};
use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

use super::read::find_all;

use crate::{
    dto::HoldFilter,
    model::{Hold, HoldStatus},
};

/// Returns a page of the holds that the filter chooses.
pub(crate) async fn list(
    db: &mut PgSession,
    filter: &HoldFilter,
    order: ExpiryOrder,
    after: Option<Anchor>,
    offset: u32,
    fetch: i64,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Hold>> {
    let ids = chosen(db, filter, order, after, offset, fetch, now).await?;
    Ok(in_order_of(&ids, find_all(db, &ids).await?, |hold| hold.id.uuid()))
}

/// Returns the number of holds that a list with this filter has, as far as they are counted.
pub(crate) async fn number_of(
    db: &mut PgSession,
    filter: &HoldFilter,
    order: ExpiryOrder,
    now: DateTime<Utc>,
) -> sqlx::Result<Total> {
    Ok(Total::of(chosen(db, filter, order, None, 0, Total::LOOKED_FOR, now).await?.len()))
}

async fn chosen(
    db: &mut PgSession,
    filter: &HoldFilter,
    order: ExpiryOrder,
    after: Option<Anchor>,
    offset: u32,
    fetch: i64,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Uuid>> {
    let mut query = QueryBuilder::new("select h.id from holds h where true");
    choose(&mut query, filter, now);
    order.by("h.id", "h.expires_at").page(&mut query, after, offset, fetch);
    query.build_query_scalar().fetch_all(db).await
}

/// Made for the filters that are given: each is served by the indexes that fit it. The holds of an organization are read from its
/// index, which includes their kind: `is not distinct from` is looked up in no index.
fn choose(query: &mut QueryBuilder<Postgres>, filter: &HoldFilter, now: DateTime<Utc>) {
    let mut is = " = ";
    if let Some(organization) = filter.organization_id {
        query.push(" and h.organization_id = ").push_bind(organization);
        is = " is not distinct from ";
    }
    match filter.status {
        None => {}
        Some(status @ (HoldStatus::Active | HoldStatus::Committing)) => {
            query.push(" and h.is_open and h.status = ").push_bind(status.as_str());
            query.push(" and h.expires_at > ").push_bind(now);
        }
        Some(HoldStatus::Expired) => {
            query.push(" and (h.status = 'EXPIRED' or h.is_open and h.expires_at <= ").push_bind(now).push(")");
        }
        Some(status @ (HoldStatus::Committed | HoldStatus::Released)) => {
            query.push(" and h.status = ").push_bind(status.as_str());
        }
    }
    if let Some(kind) = filter.kind {
        query.push(" and h.kind").push(is).push_bind(kind.as_str());
    }
    if let Some(flight) = filter.flight_id {
        query.push(" and h.id in (select hold_id from hold_legs where flight_id = ").push_bind(flight);
        query.push(if matches!(filter.status, Some(HoldStatus::Active | HoldStatus::Committing)) {
            " and is_open)"
        } else {
            ")"
        });
    }
}
