//! Which stations a list shows.
use std::collections::HashMap;

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
    /// Whether a place that is looked for is shown, too, if nothing was written about it.
    pub with_bare: bool,
}

impl Chosen {
    /// Returns the airports whose stations are shown with content and without: those of a place that is looked for, unless
    /// something is asked that only content answers.
    fn places(&self) -> Option<&[AirportCode]> {
        let StationFilter { q, tag, capability, collection, featured, .. } = &self.filter;
        let is_about_content = tag.is_some() || capability.is_some() || collection.is_some() || featured.is_some();
        self.airports.as_deref().filter(|_| self.with_bare && q.is_some() && !is_about_content)
    }
}

/// Returns a page of the stations that the filter chooses, by code.
pub(crate) async fn list(
    db: &mut PgSession,
    chosen: &Chosen,
    after: Option<AirportCode>,
    offset: u32,
    fetch: i64,
) -> sqlx::Result<Vec<Station>> {
    if let Some(places) = chosen.places() {
        return list_places(db, places, after, offset, fetch).await;
    }
    let Chosen { filter, airports, .. } = chosen;
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

/// Returns a page of the stations of these airports, by code. One that is not active is left out if nothing was written about it.
async fn list_places(
    db: &mut PgSession,
    airports: &[AirportCode],
    after: Option<AirportCode>,
    offset: u32,
    fetch: i64,
) -> sqlx::Result<Vec<Station>> {
    let codes = sqlx::query_scalar!(
        r#"select iata_code as "iata_code: AirportCode" from airports
           where iata_code = any($1) and (is_active or exists (select from stations where airport_code = iata_code))
             and ($2::text is null or iata_code > $2)
           order by iata_code limit $3 offset $4"#,
        airports as &[AirportCode],
        after as Option<AirportCode>,
        fetch,
        i64::from(offset),
    );
    let codes = codes.fetch_all(&mut *db).await?;
    let written = find_all(db, &codes).await?.into_iter().map(|station| (station.code, station));
    let mut written: HashMap<AirportCode, Station> = written.collect();
    let station = |code: AirportCode| written.remove(&code).unwrap_or_else(|| Station::without_content(code));
    Ok(codes.into_iter().map(station).collect())
}
