//! All SQL of this room.
use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_kernel::{AircraftCode, AirlineCode, FlightNumber, HandlingCode};
use loadmaster_platform::postgres::PgSession;
use loadmaster_reference::Scope;
use uuid::Uuid;

use super::model::{Effect, Embargo, Terms};

struct Row {
    id: Uuid,
    name: String,
    reason: String,
    airline_code: Option<AirlineCode>,
    origin: Scope,
    destination: Scope,
    flight_numbers: Vec<FlightNumber>,
    valid_from: NaiveDate,
    valid_to: Option<NaiveDate>,
    aircraft_code: Option<AircraftCode>,
    is_freighter: Option<bool>,
    weekdays: Vec<i16>,
    handling_codes: Vec<HandlingCode>,
    require_any: Option<Vec<HandlingCode>>,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
}

impl From<Row> for Embargo {
    fn from(row: Row) -> Self {
        let terms = Terms {
            name: row.name,
            reason: row.reason,
            airline: row.airline_code,
            origin: row.origin,
            destination: row.destination,
            flight_numbers: row.flight_numbers,
            valid_from: row.valid_from,
            valid_to: row.valid_to,
            aircraft: row.aircraft_code,
            is_freighter: row.is_freighter,
            weekdays: row.weekdays,
            handling_codes: row.handling_codes,
            effect: row.require_any.map_or(Effect::Forbid, Effect::RequireAny),
        };
        Self {
            id: row.id.into(),
            terms,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            ended_at: row.ended_at,
        }
    }
}

/// A checked query for whole embargoes; `$tail` selects and orders them.
macro_rules! select_embargoes {
    ($tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"select id, name, reason, airline_code as "airline_code: _", origin as "origin: _",
                      destination as "destination: _", flight_numbers as "flight_numbers: _", valid_from, valid_to,
                      aircraft_code as "aircraft_code: _", is_freighter, weekdays, handling_codes as "handling_codes: _",
                      require_any as "require_any: _", version, created_at, updated_at, ended_at
               from embargoes "# + $tail
            $(, $argument)*
        )
    };
}

/// Returns all embargoes in force, oldest first.
pub(super) async fn in_force(db: &mut PgSession) -> sqlx::Result<Vec<Embargo>> {
    let rows = select_embargoes!("where ended_at is null order by id").fetch_all(db).await?;
    Ok(rows.into_iter().map(Embargo::from).collect())
}

/// Returns an embargo, in force or ended.
pub(super) async fn find(db: &mut PgSession, id: Uuid) -> sqlx::Result<Option<Embargo>> {
    Ok(select_embargoes!("where id = $1", id).fetch_optional(db).await?.map(Embargo::from))
}

/// Locks an embargo in force.
pub(super) async fn lock(db: &mut PgSession, id: Uuid) -> sqlx::Result<Option<Embargo>> {
    let locked = select_embargoes!("where id = $1 and ended_at is null for no key update", id);
    Ok(locked.fetch_optional(db).await?.map(Embargo::from))
}

/// Returns a page of the embargoes in force, oldest first.
pub(super) async fn list(
    db: &mut PgSession,
    after: Option<Uuid>,
    offset: u32,
    fetch: i64,
) -> sqlx::Result<Vec<Embargo>> {
    let rows = select_embargoes!(
        "where ended_at is null and ($1::uuid is null or id > $1) order by id limit $2 offset $3",
        after,
        fetch,
        i64::from(offset),
    );
    Ok(rows.fetch_all(db).await?.into_iter().map(Embargo::from).collect())
}

/// Returns whether there is or was any embargo.
pub(super) async fn any(db: &mut PgSession) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select exists (select from embargoes) as "any!""#).fetch_one(db).await
}

/// Writes an embargo: a new one, or the new version of one that the caller has locked.
pub(super) async fn save(db: &mut PgSession, embargo: &Embargo) -> sqlx::Result<()> {
    let terms = &embargo.terms;
    let require_any = match &terms.effect {
        Effect::Forbid => None,
        Effect::RequireAny(codes) => Some(codes.as_slice()),
    };
    sqlx::query!(
        "insert into embargoes (id, name, reason, airline_code, origin, destination, flight_numbers, valid_from, valid_to,
                                aircraft_code, is_freighter, weekdays, handling_codes, require_any, version, created_at,
                                updated_at, ended_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
         on conflict (id) do update
         set name = $2, reason = $3, airline_code = $4, origin = $5, destination = $6, flight_numbers = $7,
             valid_from = $8, valid_to = $9, aircraft_code = $10, is_freighter = $11, weekdays = $12,
             handling_codes = $13, require_any = $14, version = $15, updated_at = $17, ended_at = $18",
        embargo.id.uuid(),
        terms.name,
        terms.reason,
        terms.airline as Option<AirlineCode>,
        terms.origin.as_str(),
        terms.destination.as_str(),
        &terms.flight_numbers as &[FlightNumber],
        terms.valid_from,
        terms.valid_to,
        terms.aircraft as Option<AircraftCode>,
        terms.is_freighter,
        &terms.weekdays,
        &terms.handling_codes as &[HandlingCode],
        require_any as Option<&[HandlingCode]>,
        embargo.version,
        embargo.created_at,
        embargo.updated_at,
        embargo.ended_at,
    )
    .execute(db)
    .await
    .map(drop)
}
