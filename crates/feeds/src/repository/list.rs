//! Which feeds and runs lists show, and in which order.
use loadmaster_kernel::FeedId;
use loadmaster_platform::{
    listing::{Anchor, CreatedOrder, Total, in_order_of},
    postgres::PgSession,
};
use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

use super::{find_all, runs::find_runs};

use crate::{
    dto::{FeedFilter, RunFilter},
    model::{Feed, Run},
};

/// The part of a list that is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    pub after: Option<Anchor>,
    pub offset: u32,
    pub fetch: i64,
}

/// All that is counted.
const COUNTED: Part = Part { after: None, offset: 0, fetch: Total::LOOKED_FOR };

/// Returns a page of the feeds that the filter chooses.
pub(crate) async fn list(
    db: &mut PgSession,
    filter: FeedFilter,
    order: CreatedOrder,
    part: Part,
) -> sqlx::Result<Vec<Feed>> {
    let ids = chosen(feeds(filter), db, order, part).await?;
    Ok(in_order_of(&ids, find_all(db, &ids).await?, |feed| feed.id.uuid()))
}

/// Returns the number of feeds that a list with this filter has, as far as they are counted.
pub(crate) async fn number_of(db: &mut PgSession, filter: FeedFilter, order: CreatedOrder) -> sqlx::Result<Total> {
    Ok(Total::of(chosen(feeds(filter), db, order, COUNTED).await?.len()))
}

/// Returns a page of the runs of a feed that the filter chooses.
pub(crate) async fn list_runs(
    db: &mut PgSession,
    feed: FeedId,
    filter: RunFilter,
    order: CreatedOrder,
    part: Part,
) -> sqlx::Result<Vec<Run>> {
    let ids = chosen(runs(feed, filter), db, order, part).await?;
    Ok(in_order_of(&ids, find_runs(db, &ids).await?, |run| run.id.uuid()))
}

/// Returns the number of runs that a list with this filter has, as far as they are counted.
pub(crate) async fn number_of_runs(
    db: &mut PgSession,
    feed: FeedId,
    filter: RunFilter,
    order: CreatedOrder,
) -> sqlx::Result<Total> {
    Ok(Total::of(chosen(runs(feed, filter), db, order, COUNTED).await?.len()))
}

fn feeds(filter: FeedFilter) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new("select id from feeds where deleted_at is null");
    if let Some(status) = filter.status {
        query.push(" and status = ").push_bind(status.as_str());
    }
    if let Some(kind) = filter.kind {
        query.push(" and kind = ").push_bind(kind.as_str());
    }
    query
}

fn runs(feed: FeedId, filter: RunFilter) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new("select id from feed_runs where feed_id = ");
    query.push_bind(feed.uuid());
    if let Some(status) = filter.status {
        query.push(" and status = ").push_bind(status.as_str());
    }
    query
}

async fn chosen(
    mut query: QueryBuilder<Postgres>,
    db: &mut PgSession,
    order: CreatedOrder,
    part: Part,
) -> sqlx::Result<Vec<Uuid>> {
    order.by("id").page(&mut query, part.after, part.offset, part.fetch);
    query.build_query_scalar().fetch_all(db).await
}
