//! The table `images`.
use std::collections::HashSet;

use chrono::{DateTime, Utc};
use loadmaster_kernel::{AirlineCode, AirportCode};
use loadmaster_platform::postgres::PgSession;

use crate::model::{Image, ImageFacts, Pictured};

/// An image as it is served.
pub(crate) struct Stored {
    pub media_type: String,
    pub digest: String,
    pub bytes: Vec<u8>,
    pub version: i32,
}

pub(crate) async fn find(db: &mut PgSession, of: Pictured) -> sqlx::Result<Option<Stored>> {
    let found = sqlx::query_as!(
        Stored,
        "select media_type, digest, bytes, version from images where name = $1",
        of.to_string(),
    );
    found.fetch_optional(db).await
}

/// Returns the digest and the version of an image: what its entity tag is made of.
pub(crate) async fn facts(db: &mut PgSession, of: Pictured) -> sqlx::Result<Option<ImageFacts>> {
    let found = sqlx::query_as!(ImageFacts, "select digest, version from images where name = $1", of.to_string());
    found.fetch_optional(db).await
}

/// Locks an image, also one that there is not yet, and returns its digest and version.
pub(crate) async fn lock(db: &mut PgSession, of: Pictured) -> sqlx::Result<Option<ImageFacts>> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('loadmaster.image.' || $1::text, 0))", of.to_string())
        .execute(&mut *db)
        .await?;
    let found = sqlx::query_as!(
        ImageFacts,
        "select digest, version from images where name = $1 for no key update",
        of.to_string(),
    );
    found.fetch_optional(db).await
}

/// Writes an image: the first, or one in the place of another. Returns its version.
pub(crate) async fn save(db: &mut PgSession, of: Pictured, image: &Image, now: DateTime<Utc>) -> sqlx::Result<i32> {
    let (airport, airline) = match of {
        Pictured::Station(code) => (Some(code), None),
        Pictured::Airline(code) => (None, Some(code)),
    };
    let measured = image.measured;
    let saved = sqlx::query_scalar!(
        "insert into images as i (name, airport_code, airline_code, media_type, width, height, digest, bytes, version, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9)
         on conflict (name) do update
         set media_type = $4, width = $5, height = $6, digest = $7, bytes = $8, version = i.version + 1, updated_at = $9
         returning version",
        of.to_string(),
        airport as Option<AirportCode>,
        airline as Option<AirlineCode>,
        measured.kind.name(),
        i32::try_from(measured.width).unwrap_or(i32::MAX),
        i32::try_from(measured.height).unwrap_or(i32::MAX),
        image.digest,
        &image.bytes[..],
        now,
    );
    saved.fetch_one(db).await
}

pub(crate) async fn delete(db: &mut PgSession, of: Pictured) -> sqlx::Result<()> {
    sqlx::query!("delete from images where name = $1", of.to_string()).execute(db).await.map(drop)
}

/// Returns a page of the airlines that have a logo, by code.
pub(crate) async fn airlines(
    db: &mut PgSession,
    after: Option<AirlineCode>,
    offset: u32,
    fetch: i64,
) -> sqlx::Result<Vec<AirlineCode>> {
    let found = sqlx::query_scalar!(
        r#"select airline_code as "airline_code!: AirlineCode" from images
           where airline_code is not null and ($1::text is null or airline_code > $1)
           order by airline_code limit $2 offset $3"#,
        after as Option<AirlineCode>,
        fetch,
        i64::from(offset),
    );
    found.fetch_all(db).await
}

/// Returns those of these stations that have an image.
pub(crate) async fn of_stations(db: &mut PgSession, codes: &[AirportCode]) -> sqlx::Result<HashSet<AirportCode>> {
    let found = sqlx::query_scalar!(
        r#"select airport_code as "airport_code!: AirportCode" from images where airport_code = any($1)"#,
        codes as &[AirportCode],
    );
    Ok(found.fetch_all(db).await?.into_iter().collect())
}
