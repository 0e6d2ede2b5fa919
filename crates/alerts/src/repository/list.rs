//! Which alerts a list shows, and in which order.
use loadmaster_platform::{
    listing::{Anchor, CreatedOrder, Total, in_order_of},
    postgres::PgSession,
};
use sqlx::QueryBuilder;
use uuid::Uuid;

use super::find_all;

use crate::{dto::AlertFilter, model::Alert};

/// Returns a page of the alerts that the filter chooses.
pub(crate) async fn list(
    db: &mut PgSession,
    filter: &AlertFilter,
    order: CreatedOrder,
    after: Option<Anchor>,
    offset: u32,
    fetch: i64,
) -> sqlx::Result<Vec<Alert>> {
    let ids = chosen(db, filter, order, after, offset, fetch).await?;
    Ok(in_order_of(&ids, find_all(db, &ids).await?, |alert| alert.id.uuid()))
}

/// Returns the number of alerts that a list with this filter has, as far as they are counted.
pub(crate) async fn number_of(db: &mut PgSession, filter: &AlertFilter, order: CreatedOrder) -> sqlx::Result<Total> {
    Ok(Total::of(chosen(db, filter, order, None, 0, Total::LOOKED_FOR).await?.len()))
}

async fn chosen(
    db: &mut PgSession,
    filter: &AlertFilter,
    order: CreatedOrder,
    after: Option<Anchor>,
    offset: u32,
    fetch: i64,
) -> sqlx::Result<Vec<Uuid>> {
    // Made for the filters that are given: each is served by the index that fits it.
    let mut query = QueryBuilder::new("select id from alerts where deleted_at is null");
    if let Some(organization) = filter.organization_id {
        query.push(" and organization_id = ").push_bind(organization);
    }
    if let Some(status) = filter.status {
        query.push(" and status = ").push_bind(status.as_str());
    }
    if let Some(kind) = filter.kind {
        query.push(" and kind = ").push_bind(kind.as_str());
    }
    order.by("id").page(&mut query, after, offset, fetch);
    query.build_query_scalar().fetch_all(db).await
}
