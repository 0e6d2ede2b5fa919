//! Which stations a list shows.
use std::collections::HashMap;

use loadmaster_kernel::AirportCode;
use loadmaster_platform::postgres::PgSession;
use serde::{Deserialize, Serialize};
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

/// The place of an entry in a list: the next page begins after it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Place {
    pub code: AirportCode,
    /// Among the stations of the collection that orders the list, from 1.
    pub rank: Option<i32>,
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

/// Returns a page of the stations that the filter chooses, each with its place: in the order of the collection that it names, else by
/// code.
pub(crate) async fn list(
    db: &mut PgSession,
    chosen: &Chosen,
    after: Option<Place>,
    offset: u32,
    fetch: i64,
) -> sqlx::Result<Vec<(Place, Station)>> {
    if let Some(places) = chosen.places() {
        let found = list_places(db, places, after.map(|after| after.code), offset, fetch).await?;
        return Ok(found.into_iter().map(|station| (Place { code: station.code, rank: None }, station)).collect());
    }
    let Chosen { filter, airports, .. } = chosen;
    let rank = filter.collection.as_ref().map(|_| "array_position(c.stations, s.airport_code)");
    let place = rank.unwrap_or("s.airport_code");
    // Made for the filters that are given.
    let mut query = QueryBuilder::new("select s.airport_code, ");
    query.push(rank.unwrap_or("null::integer")).push(" from stations s");
    if let Some(slug) = &filter.collection {
        query.push(
            " join station_collections c on s.airport_code = any(c.stations) and c.ended_at is null and c.slug = ",
        );
        query.push_bind(slug);
    }
    query.push(" where s.version > 0");
    if let Some(airports) = airports {
        query.push(" and s.airport_code = any(").push_bind(airports).push(")");
    }
    if let Some(tag) = &filter.tag {
        query.push(" and s.tags @> array[").push_bind(tag).push("::text]");
    }
    if let Some(capability) = filter.capability {
        query.push(" and s.capabilities @> array[").push_bind(capability.as_str()).push("::text]");
    }
    if let Some(is_featured) = filter.featured {
        query.push(" and s.is_featured = ").push_bind(is_featured);
    }
    if let Some(after) = after {
        query.push(" and ").push(place).push(" > ");
        if rank.is_some() {
            // In the place of a station that was taken out of the collection meanwhile stands the one after it.
            query.push("coalesce(array_position(c.stations, ").push_bind(after.code).push("::text), ");
            query.push_bind(after.rank.unwrap_or(1) - 1).push(")");
        } else {
            query.push_bind(after.code);
        }
    }
    query.push(" order by ").push(place);
    query.push(" limit ").push_bind(fetch).push(" offset ").push_bind(i64::from(offset));
    let rows: Vec<(AirportCode, Option<i32>)> = query.build_query_as().fetch_all(&mut *db).await?;
    let codes: Vec<AirportCode> = rows.iter().map(|(code, _)| *code).collect();
    let written = find_all(db, &codes).await?.into_iter().map(|station| (station.code, station));
    let mut written: HashMap<AirportCode, Station> = written.collect();
    let placed = |(code, rank)| Some((Place { code, rank }, written.remove(&code)?));
    Ok(rows.into_iter().filter_map(placed).collect())
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
