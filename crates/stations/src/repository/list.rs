//! Which stations a list shows.
use loadmaster_kernel::AirportCode;
use loadmaster_platform::postgres::PgSession;
use sqlx::QueryBuilder;

use super::find_all;

use crate::{input::StationFilter, model::Station};

/// The filter of a list, with the airports that it names.
#[derive(Debug, Clone)]
pub(crate) struct Chosen {
    pub filter: StationFilter,
    /// `None`: any.
    pub airports: Option<Vec<AirportCode>>,
}

/// Returns a page of the stations with content that the filter chooses, by code.
pub(crate) async fn list(
    db: &mut PgSession,
    chosen: &Chosen,
    after: Option<AirportCode>,
    offset: u32,
    fetch: i64,
) -> sqlx::Result<Vec<Station>> {
    let Chosen { filter, airports } = chosen;
    // Made for the filters that are given.
    let mut query = QueryBuilder::new("select airport_code from stations where version > 0");
    if let Some(airports) = airports {
        query.push(" and airport_code = any(").push_bind(airports).push(")");
    }
    if let Some(tag) = &filter.tag {
        query.push(" and tags @> array[").push_bind(tag).push("::text]");
    }
    if let Some(capability) = filter.capability {
        query.push(" and capabilities @> array[").push_bind(capability.as_str()).push("::text]");
    }
    if let Some(slug) = &filter.collection {
        query.push(" and airport_code = any(select unnest(c.stations) from station_collections c where c.slug = ");
        query.push_bind(slug).push(" and c.ended_at is null)");
    }
    if let Some(is_featured) = filter.featured {
        query.push(" and is_featured = ").push_bind(is_featured);
    }
    if let Some(after) = after {
        query.push(" and airport_code > ").push_bind(after);
    }
    query.push(" order by airport_code limit ").push_bind(fetch).push(" offset ").push_bind(i64::from(offset));
    let codes: Vec<AirportCode> = query.build_query_scalar().fetch_all(&mut *db).await?;
    find_all(db, &codes).await
}
