use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_capacity::Space;
use loadmaster_kernel::{AirlineCode, AirportCode, AllotmentId, FlightNumber, OrganizationId, from_column};
use loadmaster_platform::postgres::PgSession;
use uuid::Uuid;

use crate::{
    dto::AllotmentFilter,
    model::{Allotment, AllotmentAnchor, AllotmentStatus, FlightAnchor, OnFlight},
};

struct Row {
    id: Uuid,
    organization_id: Uuid,
    name: String,
    airline_code: Option<AirlineCode>,
    flight_number: Option<FlightNumber>,
    origin: AirportCode,
    destination: AirportCode,
    weekdays: Vec<i16>,
    date_from: NaiveDate,
    date_to: NaiveDate,
    weight_hg: i64,
    volume_l: i64,
    volume_defaulted: bool,
    positions: i64,
    release_hours: i32,
    revision: i32,
    version: i32,
    created_by: Uuid,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    deleted_at: Option<DateTime<Utc>>,
}

impl From<Row> for Allotment {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.into(),
            organization_id: row.organization_id.into(),
            name: row.name,
            airline_code: row.airline_code,
            flight_number: row.flight_number,
            origin: row.origin,
            destination: row.destination,
            weekdays: row.weekdays,
            date_from: row.date_from,
            date_to: row.date_to,
            space: Space::from_columns(row.weight_hg, row.volume_l, row.positions),
            volume_defaulted: row.volume_defaulted,
            release_hours: row.release_hours,
            revision: row.revision,
            version: row.version,
            created_by: row.created_by.into(),
            created_at: row.created_at,
            updated_at: row.updated_at,
            deleted_at: row.deleted_at,
        }
    }
}

/// A checked query for allotments; `$tail` selects and orders them.
macro_rules! select_allotments {
    ($db:expr, $tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"select id, organization_id, name, airline_code as "airline_code: _", flight_number as "flight_number: _",
                      origin as "origin: _", destination as "destination: _", weekdays, date_from, date_to, weight_hg,
                      volume_l, volume_defaulted, positions, release_hours, revision, version, created_by, created_at,
                      updated_at, deleted_at
               from allotments "# + $tail
            $(, $argument)*
        )
        .fetch_all(&mut *$db)
        .await
        .map(|rows| rows.into_iter().map(Allotment::from).collect::<Vec<_>>())
    };
}

pub(crate) async fn find(
    db: &mut PgSession,
    id: AllotmentId,
    of: Option<OrganizationId>,
) -> sqlx::Result<Option<Allotment>> {
    let found = select_allotments!(
        db,
        "where id = $1 and ($2::uuid is null or organization_id = $2)",
        id.uuid(),
        of.map(OrganizationId::uuid),
    );
    Ok(found?.pop())
}

/// Locks the allotment's row and reads it.
pub(crate) async fn lock(db: &mut PgSession, id: AllotmentId) -> sqlx::Result<Option<Allotment>> {
    Ok(select_allotments!(db, "where id = $1 for no key update", id.uuid())?.pop())
}

pub(crate) async fn list(
    db: &mut PgSession,
    filter: &AllotmentFilter,
    after: Option<AllotmentAnchor>,
    offset: u32,
    fetch: i64,
) -> sqlx::Result<Vec<Allotment>> {
    select_allotments!(
        db,
        "where deleted_at is null and ($1::uuid is null or organization_id = $1) and ($2::uuid is null or id < $2)
         order by id desc limit $3 offset $4",
        filter.organization_id.map(OrganizationId::uuid),
        after.map(|AllotmentAnchor(id)| id.uuid()),
        fetch,
        i64::from(offset),
    )
}

pub(crate) async fn organization_exists(db: &mut PgSession, id: OrganizationId) -> sqlx::Result<bool> {
    let exists =
        sqlx::query_scalar!(r#"select exists (select from organizations where id = $1) as "exists!""#, id.uuid());
    exists.fetch_one(db).await
}

/// Returns an allotment's flights: those that it is to be kept on, and those on which it was.
pub(crate) async fn flights(
    db: &mut PgSession,
    id: AllotmentId,
    after: Option<FlightAnchor>,
    offset: u32,
    fetch: i64,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<OnFlight>> {
    let (after_departure, after_flight) = after.map(|FlightAnchor(at, flight)| (at, flight.uuid())).unzip();
    let rows = sqlx::query!(
        r#"select f.id, f.flight_number as "flight_number: FlightNumber", f.departure_at,
                  case when h.status = 'ACTIVE' and h.expires_at > $2 then 'KEPT'
                       when w.until > $2 and w.status = 'SCHEDULED' then 'SHORT' else 'RELEASED' end as "status!",
                  coalesce(l.weight_hg, 0) as "kept_weight!", coalesce(l.volume_l, 0) as "kept_volume!",
                  coalesce(l.positions, 0) as "kept_positions!",
                  least(coalesce(h.weight_hg, 0), d.weight) as "drawn_weight!",
                  least(coalesce(h.volume_l, 0), d.volume) as "drawn_volume!",
                  least(coalesce(h.positions, 0), d.positions) as "drawn_positions!"
           from allotment_flights r
           join flights f on f.id = r.flight_id
           left join allotted_flights w on w.allotment_id = r.allotment_id and w.flight_id = r.flight_id
           left join holds h on h.id = r.hold_id
           left join hold_legs l on l.hold_id = h.id
           cross join lateral (
               select coalesce(sum(weight_hg), 0)::bigint as weight, coalesce(sum(volume_l), 0)::bigint as volume,
                      coalesce(sum(positions), 0)::bigint as positions
               from allotment_draws where hold_id = h.id) d
           where r.allotment_id = $1 and (r.hold_id is not null or w.flight_id is not null)
             and ($3::timestamptz is null or (f.departure_at, f.id) > ($3, $4))
           order by f.departure_at, f.id limit $5 offset $6"#,
        id.uuid(),
        now,
        after_departure,
        after_flight,
        fetch,
        i64::from(offset),
    );
    let rows = rows.fetch_all(db).await?.into_iter();
    rows.map(|r| {
        let status = from_column(AllotmentStatus::WORDS, &r.status)?;
        let is_kept = status == AllotmentStatus::Kept;
        let kept = Space::from_columns(r.kept_weight, r.kept_volume, r.kept_positions);
        let kept = Some(kept).filter(|_| is_kept).unwrap_or_default();
        let drawn = Space::from_columns(r.drawn_weight, r.drawn_volume, r.drawn_positions);
        let (flight_number, departure) = (r.flight_number, r.departure_at);
        Ok(OnFlight { flight_id: r.id.into(), flight_number, departure, status, kept, drawn })
    })
    .collect()
}
