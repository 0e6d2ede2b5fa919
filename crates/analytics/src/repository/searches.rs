use chrono::TimeDelta;
use loadmaster_platform::{
    listing::{Anchor, By, Direction, Order},
    postgres::PgSession,
    web::PageRequest,
};
use sqlx::{Postgres, QueryBuilder};

use crate::model::{SearchCount, SearchFilter};

/// How long after a search it is counted at most; 30 s, unless the database cannot be reached.
const COUNTED_AFTER: TimeDelta = TimeDelta::days(1);

const COLUMNS: &str = "id, asked_on, origin, destination, departure_date, weight_class, role, channel, outcome, searches, \
                       options, bookable, took_us, cache_hits, counted_at";

/// Returns a page of the counts of searches, newest first. They are found by the instants in their ids.
pub(crate) async fn searches(
    db: &mut PgSession,
    filter: &SearchFilter,
    page: &PageRequest<Anchor>,
) -> sqlx::Result<Vec<SearchCount>> {
    let mut query = chosen(COLUMNS, filter);
    let order = Order { by: By::Id, id: "id", direction: Direction::Descending };
    order.page(&mut query, page.after, page.offset, page.fetch());
    query.build_query_as().fetch_all(db).await
}

pub(crate) async fn count_searches(db: &mut PgSession, filter: &SearchFilter) -> sqlx::Result<i64> {
    chosen("count(*)", filter).build_query_scalar().fetch_one(db).await
}

fn chosen(columns: &str, filter: &SearchFilter) -> QueryBuilder<Postgres> {
    let SearchFilter { span, origin, destination, outcome } = filter;
    let (from, to) = span.instants();
    let mut query = QueryBuilder::new(format!("select {columns} from searches where id >= uuid_v7_floor("));
    query.push_bind(from).push(") and id < uuid_v7_floor(").push_bind(to + COUNTED_AFTER);
    query.push(") and asked_on between ").push_bind(span.from).push(" and ").push_bind(span.to);
    if let Some(origin) = origin {
        query.push(" and origin = ").push_bind(origin.to_string());
    }
    if let Some(destination) = destination {
        query.push(" and destination = ").push_bind(destination.to_string());
    }
    if let Some(outcome) = outcome {
        query.push(" and outcome = ").push_bind(outcome.as_str());
    }
    query
}
