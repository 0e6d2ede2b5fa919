//! All SQL of this room.
pub(super) mod collections;
pub(super) mod images;
mod list;
pub(super) mod tags;
pub(super) mod tips;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use loadmaster_kernel::{AirportCode, from_column};
use loadmaster_platform::postgres::PgSession;
use sqlx::types::Json;

use super::{
    acceptance::Acceptance,
    hours::StationHours,
    model::{Contact, Content, Notice, Station, StationCapability},
};

pub(super) use list::{Chosen, Place, list};

struct Row {
    airport_code: AirportCode,
    summary: Option<String>,
    body: Option<String>,
    highlights: Vec<String>,
    tags: Vec<String>,
    capabilities: Vec<String>,
    hours: Json<Vec<StationHours>>,
    acceptance: Json<Vec<Acceptance>>,
    notices: Json<Vec<Notice>>,
    contacts: Json<Vec<Contact>>,
    is_featured: bool,
    version: i32,
    updated_at: DateTime<Utc>,
}

impl TryFrom<Row> for Station {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> sqlx::Result<Self> {
        let capabilities = row.capabilities.iter().map(|word| from_column(StationCapability::WORDS, word));
        let content = Content {
            summary: row.summary,
            text: row.body,
            highlights: row.highlights,
            tags: row.tags,
            capabilities: capabilities.collect::<sqlx::Result<_>>()?,
            hours: row.hours.0,
            acceptance: row.acceptance.0,
            notices: row.notices.0,
            contacts: row.contacts.0,
        };
        let Row { airport_code: code, is_featured, version, updated_at, .. } = row;
        Ok(Self { code, content, is_featured, version, updated_at })
    }
}

/// A checked query for whole stations; `$tail` selects and orders them.
macro_rules! select_stations {
    ($tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"select airport_code as "airport_code: _", summary, body, highlights, tags, capabilities, hours as "hours: _",
                      acceptance as "acceptance: _", notices as "notices: _", contacts as "contacts: _", is_featured, version,
                      updated_at
               from stations "# + $tail
            $(, $argument)*
        )
    };
}

/// Returns the station of an airport; `None` if nothing was written about it.
pub(super) async fn find(db: &mut PgSession, code: AirportCode) -> sqlx::Result<Option<Station>> {
    let found = select_stations!("where airport_code = $1", code.as_str()).fetch_optional(db).await?;
    found.map(Station::try_from).transpose()
}

/// Returns these stations, as far as something was written about them, by code.
pub(super) async fn find_all(db: &mut PgSession, codes: &[AirportCode]) -> sqlx::Result<Vec<Station>> {
    let found = select_stations!("where airport_code = any($1) order by airport_code", codes as &[AirportCode]);
    found.fetch_all(db).await?.into_iter().map(Station::try_from).collect()
}

/// Locks the stations of these airports, which exist, by code. One about which nothing was written gets its row.
pub(super) async fn lock(db: &mut PgSession, codes: &[AirportCode], now: DateTime<Utc>) -> sqlx::Result<Vec<Station>> {
    sqlx::query!(
        "insert into stations (airport_code, updated_at)
         select iata_code, $2 from airports where iata_code = any($1) order by iata_code
         on conflict (airport_code) do nothing",
        codes as &[AirportCode],
        now,
    )
    .execute(&mut *db)
    .await?;
    let locked = select_stations!(
        "where airport_code = any($1) order by airport_code for no key update",
        codes as &[AirportCode],
    );
    locked.fetch_all(db).await?.into_iter().map(Station::try_from).collect()
}

/// Writes a station that the caller has locked.
pub(super) async fn save(db: &mut PgSession, station: &Station) -> sqlx::Result<()> {
    let content = &station.content;
    let capabilities: Vec<String> = content.capabilities.iter().map(|word| word.as_str().to_owned()).collect();
    sqlx::query!(
        "update stations
         set summary = $2, body = $3, highlights = $4, tags = $5, capabilities = $6, hours = $7, acceptance = $8, notices = $9,
             contacts = $10, is_featured = $11, version = $12, updated_at = $13
         where airport_code = $1",
        station.code.as_str(),
        content.summary,
        content.text,
        &content.highlights,
        &content.tags,
        &capabilities,
        Json(&content.hours) as Json<&Vec<StationHours>>,
        Json(&content.acceptance) as Json<&Vec<Acceptance>>,
        Json(&content.notices) as Json<&Vec<Notice>>,
        Json(&content.contacts) as Json<&Vec<Contact>>,
        station.is_featured,
        station.version,
        station.updated_at,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Returns the rules of all stations that have any.
pub(super) async fn acceptances(db: &mut PgSession) -> sqlx::Result<HashMap<AirportCode, Vec<Acceptance>>> {
    let rows = sqlx::query!(
        r#"select airport_code as "airport_code: AirportCode", acceptance as "acceptance: Json<Vec<Acceptance>>"
           from stations where acceptance <> '[]'"#,
    );
    Ok(rows.fetch_all(db).await?.into_iter().map(|row| (row.airport_code, row.acceptance.0)).collect())
}

/// Returns the places of codes of tags that are not in force. The others are locked: none of them ends before the transaction does.
pub(super) async fn unknown_tags(db: &mut PgSession, codes: &[String]) -> sqlx::Result<Vec<usize>> {
    if codes.is_empty() {
        return Ok(Vec::new());
    }
    let known = sqlx::query_scalar!(
        "select code from station_tags where ended_at is null and code = any($1) for share",
        codes,
    );
    let known = known.fetch_all(db).await?;
    Ok((0..codes.len()).filter(|index| !known.contains(&codes[*index])).collect())
}

/// Deletes the rows of these stations that were made for a lock alone.
pub(super) async fn delete_empty(db: &mut PgSession, codes: &[AirportCode]) -> sqlx::Result<()> {
    sqlx::query!("delete from stations where version = 0 and airport_code = any($1)", codes as &[AirportCode])
        .execute(db)
        .await
        .map(drop)
}
