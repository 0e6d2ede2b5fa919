use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_capacity::Space;
use loadmaster_holds::{EndReason, HoldStatus};
use loadmaster_kernel::{
    AirportCode, BookingRef, FlightId, HandlingCode, KeptDimensions, OrganizationId, WaitlistEntryId, from_column,
};
use loadmaster_platform::postgres::{PgSession, column, planned_list};
use sqlx::types::Json;
use uuid::Uuid;

use crate::{
    dto::WaitlistFilter,
    model::{Offer, Queued, Waiting, WaitlistAnchor, WaitlistStatus},
};

struct Row {
    id: Uuid,
    organization_id: Uuid,
    created_by: Uuid,
    is_counted: bool,
    status: String,
    origin: AirportCode,
    destination: AirportCode,
    flight_ids: Vec<Uuid>,
    departure_date: Option<NaiveDate>,
    weight_hg: i64,
    volume_l: i64,
    volume_defaulted: bool,
    dimensions: Option<Json<KeptDimensions>>,
    positions: i64,
    special_handling_codes: Vec<HandlingCode>,
    priority: i32,
    queued_at: DateTime<Utc>,
    passed_over: i32,
    hold_id: Option<Uuid>,
    hold_status: Option<String>,
    hold_end_reason: Option<String>,
    hold_expires_at: Option<DateTime<Utc>>,
    booking_ref: Option<BookingRef>,
    event_sequence: i32,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<Row> for Waiting {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        let offer = match (row.hold_id, &row.hold_status, row.hold_expires_at) {
            (Some(hold), Some(status), Some(expires_at)) => Some(Offer {
                hold_id: hold.into(),
                status: from_column(HoldStatus::WORDS, status)?,
                end_reason: row.hold_end_reason.map(|reason| from_column(EndReason::WORDS, &reason)).transpose()?,
                expires_at,
                booking_ref: row.booking_ref,
            }),
            _ => None,
        };
        Ok(Self {
            id: row.id.into(),
            organization_id: row.organization_id.into(),
            created_by: row.created_by.into(),
            is_counted: row.is_counted,
            status: from_column(WaitlistStatus::WORDS, &row.status)?,
            origin: row.origin,
            destination: row.destination,
            flight_ids: row.flight_ids.into_iter().map(FlightId::from).collect(),
            departure_date: row.departure_date,
            space: Space::from_columns(row.weight_hg, row.volume_l, row.positions),
            volume_defaulted: row.volume_defaulted,
            dimensions: row.dimensions.map(|Json(kept)| kept.into()),
            special_handling_codes: row.special_handling_codes,
            priority: row.priority,
            queued_at: row.queued_at,
            passed_over: row.passed_over,
            offer,
            event_sequence: row.event_sequence,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// A checked query for entries with what became of their offers; `$tail` selects and orders them.
macro_rules! select_entries {
    ($db:expr, $tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"select e.id, e.organization_id, e.created_by, e.is_counted, e.status, e.origin as "origin: _",
                      e.destination as "destination: _", e.flight_ids, e.departure_date, e.weight_hg, e.volume_l,
                      e.volume_defaulted, e.dimensions as "dimensions: _", e.positions, e.special_handling_codes as "special_handling_codes: _",
                      e.priority, e.queued_at, e.passed_over, e.hold_id, h.status as "hold_status?", h.end_reason as "hold_end_reason?",
                      h.expires_at as "hold_expires_at?", h.booking_ref as "booking_ref?: _", e.event_sequence,
                      e.version, e.created_at, e.updated_at
               from waitlist_entries e left join holds h on h.id = e.hold_id "# + $tail
            $(, $argument)*
        )
        .fetch_all(&mut *$db)
        .await?
        .into_iter()
        .map(Waiting::try_from)
        .collect::<sqlx::Result<Vec<Waiting>>>()
    };
}

pub(crate) async fn find(
    db: &mut PgSession,
    id: WaitlistEntryId,
    of: Option<OrganizationId>,
) -> sqlx::Result<Option<Waiting>> {
    let found = select_entries!(
        db,
        "where e.id = $1 and ($2::uuid is null or e.organization_id = $2)",
        id.uuid(),
        of.map(OrganizationId::uuid),
    );
    Ok(found?.pop())
}

/// Locks these entries' rows in ascending order, and reads them in their current state.
pub(crate) async fn lock(db: &mut PgSession, ids: &[WaitlistEntryId]) -> sqlx::Result<Vec<Waiting>> {
    let ids = column(ids, |id| id.uuid());
    let locked = sqlx::query_scalar!(
        "select id from waitlist_entries where id = any($1) order by id for no key update",
        &planned_list(&ids),
    );
    let locked = locked.fetch_all(&mut *db).await?;
    // A separate statement: after a wait for a lock, a joined query shows the joined tables as they were before it.
    select_entries!(db, "where e.id = any($1) order by e.id", &planned_list(&locked))
}

pub(crate) async fn list(
    db: &mut PgSession,
    filter: &WaitlistFilter,
    after: Option<WaitlistAnchor>,
    offset: u32,
    fetch: i64,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Waiting>> {
    select_entries!(
        db,
        "where e.id in (
             select id from waitlist_entries i
             where ($1::uuid is null or organization_id = $1)
               and ($2::text is null or status = $2 and status <> 'OFFERED' or status = 'OFFERED' and $2 = (
                   select case when h.status = 'COMMITTED' then 'BOOKED' when h.end_reason = 'FLIGHT_CANCELLED' then 'CANCELLED'
                               when h.end_reason in ('FLIGHT_DEPARTED', 'CAPACITY_CUT') then 'EXPIRED'
                               when h.status = 'RELEASED' then 'DECLINED'
                               when h.status = 'EXPIRED' or h.expires_at <= $3 then 'EXPIRED' else 'OFFERED' end
                   from holds h where h.id = i.hold_id))
               and ($4::uuid is null or id in (select entry_id from waitlist_flights where flight_id = $4
                                               union all select id from waitlist_entries where flight_ids @> array[$4]))
               and ($5::uuid is null or id < $5)
             order by id desc limit $6 offset $7)
         order by e.id desc",
        filter.organization_id.map(OrganizationId::uuid),
        filter.status.map(WaitlistStatus::as_str),
        now,
        filter.flight_id.map(FlightId::uuid),
        after.map(|WaitlistAnchor(id)| id.uuid()),
        fetch,
        i64::from(offset),
    )
}

/// Returns the places of these entries, as far as they wait: of several flights, the worst counts.
pub(crate) async fn places(db: &mut PgSession, ids: &[WaitlistEntryId]) -> sqlx::Result<HashMap<WaitlistEntryId, i64>> {
    let rows = sqlx::query!(
        r#"with own as (
               select flight_id, entry_id from waitlist_flights where entry_id = any($1)
           ), lines as (
               select f.flight_id, f.entry_id,
                      row_number() over (partition by f.flight_id
                                         order by coalesce(l.is_behind, false), e.priority, e.rank) as place
               from waitlist_flights f join waitlist_entries e on e.id = f.entry_id
               left join waitlist_lapses l on l.flight_id = f.flight_id and l.organization_id = e.organization_id
               where f.flight_id in (select flight_id from own) and e.status = 'WAITING'
           )
           select entry_id as "entry_id!", max(place) as "place!" from own join lines using (flight_id, entry_id)
           group by entry_id"#,
        &planned_list(&column(ids, |id| id.uuid())),
    );
    Ok(rows.fetch_all(db).await?.into_iter().map(|row| (row.entry_id.into(), row.place)).collect())
}

/// Which part of the order of a flight is read.
pub(crate) struct Stretch {
    pub flight: FlightId,
    /// Entries that need more than this are left out.
    pub free: Space,
    /// Entries with named flights that were passed over so often are not left out, whatever they need.
    pub kept_from: Option<i32>,
    /// Unless space was kept for them from before this time.
    pub kept_since: DateTime<Utc>,
    /// Only entries behind this one.
    pub after: Option<WaitlistEntryId>,
}

/// Returns the next entries that wait for a flight, in order, at most so many.
pub(crate) async fn queue(db: &mut PgSession, stretch: &Stretch, most: usize) -> sqlx::Result<Vec<Queued>> {
    let rows = sqlx::query!(
        r#"select e.id, e.weight_hg, e.volume_l, e.positions, e.passed_over, e.flight_ids,
                  e.dimensions as "dimensions: Json<KeptDimensions>",
                  e.origin as "origin: AirportCode", e.destination as "destination: AirportCode", e.departure_date,
                  e.special_handling_codes as "special_handling_codes: Vec<HandlingCode>", e.kept_since
           from waitlist_flights f join waitlist_entries e on e.id = f.entry_id
           left join waitlist_lapses l on l.flight_id = f.flight_id and l.organization_id = e.organization_id
           where f.flight_id = $1 and e.status = 'WAITING'
             and ((e.weight_hg <= $2 and e.volume_l <= $3 and e.positions <= $4)
                  or (e.passed_over >= $5 and cardinality(e.flight_ids) > 0
                      and (e.kept_since is null or e.kept_since > $6)))
             and ($7::uuid is null
                  or (coalesce(l.is_behind, false), e.priority, e.rank) >
                     (select coalesce(p.is_behind, false), a.priority, a.rank
                      from waitlist_entries a
                      left join waitlist_lapses p on p.flight_id = $1 and p.organization_id = a.organization_id
                      where a.id = $7))
           order by coalesce(l.is_behind, false), e.priority, e.rank limit $8"#,
        stretch.flight.uuid(),
        stretch.free.weight.hectograms(),
        stretch.free.volume.litres(),
        stretch.free.positions.count(),
        stretch.kept_from,
        stretch.kept_since,
        stretch.after.map(WaitlistEntryId::uuid),
        i64::try_from(most).unwrap_or(i64::MAX),
    );
    let queued = rows.fetch_all(db).await?.into_iter().map(|row| Queued {
        id: row.id.into(),
        space: Space::from_columns(row.weight_hg, row.volume_l, row.positions),
        dimensions: row.dimensions.map(|Json(kept)| kept.into()),
        passed_over: row.passed_over,
        flight_ids: row.flight_ids.into_iter().map(FlightId::from).collect(),
        lane: (row.origin, row.destination),
        departure_date: row.departure_date,
        special_handling_codes: row.special_handling_codes,
        kept_since: row.kept_since,
    });
    Ok(queued.collect())
}

/// Returns the flights that an entry waits for.
pub(crate) async fn awaited(db: &mut PgSession, id: WaitlistEntryId) -> sqlx::Result<Vec<FlightId>> {
    let ids = sqlx::query_scalar!(
        "select flight_id from waitlist_flights where entry_id = $1 order by flight_id",
        id.uuid(),
    );
    Ok(ids.fetch_all(db).await?.into_iter().map(FlightId::from).collect())
}

/// Returns the flights that these entries wait for, in ascending order.
pub(crate) async fn awaited_by(db: &mut PgSession, ids: &[WaitlistEntryId]) -> sqlx::Result<Vec<FlightId>> {
    let ids = sqlx::query_scalar!(
        "select distinct flight_id from waitlist_flights where entry_id = any($1) order by flight_id",
        &planned_list(&column(ids, |id| id.uuid())),
    );
    Ok(ids.fetch_all(db).await?.into_iter().map(FlightId::from).collect())
}

/// Returns flights with space that was set aside and not looked at yet: the oldest first.
pub(crate) async fn to_match(db: &mut PgSession, looked_at_until: DateTime<Utc>) -> sqlx::Result<Vec<FlightId>> {
    let ids = sqlx::query_scalar!(
        "select flight_id from flight_capacity where aside_until <= $1 order by aside_until limit 200",
        looked_at_until,
    );
    Ok(ids.fetch_all(db).await?.into_iter().map(FlightId::from).collect())
}

/// Returns since when space has been set aside somewhere without being looked at: until when it is kept.
pub(crate) async fn oldest_aside(
    db: &mut PgSession,
    looked_at_until: DateTime<Utc>,
) -> sqlx::Result<Option<DateTime<Utc>>> {
    let oldest =
        sqlx::query_scalar!("select min(aside_until) from flight_capacity where aside_until <= $1", looked_at_until,);
    oldest.fetch_one(db).await
}

/// Returns all flights with free space for which somebody waits, and those on which space is set aside.
pub(crate) async fn affected(db: &mut PgSession) -> sqlx::Result<Vec<FlightId>> {
    let ids = sqlx::query_scalar!(
        r#"select flight_id as "flight_id!" from (
               select flight_id from flight_capacity
               where waiting > 0 and booked_weight_hg + held_weight_hg < capacity_weight_hg
                 and booked_volume_l + held_volume_l < capacity_volume_l
               union select flight_id from flight_capacity where aside_until is not null) affected
           order by flight_id"#,
    );
    Ok(ids.fetch_all(db).await?.into_iter().map(FlightId::from).collect())
}

/// Returns the number of waiting entries.
pub(crate) async fn waiting(db: &mut PgSession) -> sqlx::Result<i32> {
    let waiting =
        sqlx::query_scalar!(r#"select count(*)::int as "count!" from waitlist_entries where status = 'WAITING'"#);
    waiting.fetch_one(db).await
}

/// Returns entries whose offers have ended, which is not recorded yet.
pub(crate) async fn ended_offers(db: &mut PgSession, most: i64) -> sqlx::Result<Vec<WaitlistEntryId>> {
    let ids = sqlx::query_scalar!(
        "select e.id from waitlist_entries e join holds h on h.id = e.hold_id
         where e.status = 'OFFERED' and not h.is_open order by e.id limit $1",
        most,
    );
    Ok(ids.fetch_all(db).await?.into_iter().map(WaitlistEntryId::from).collect())
}

/// An entry that no flight can serve any more.
pub(crate) struct Unserved {
    pub id: WaitlistEntryId,
    pub is_cancelled: bool,
}

/// Returns waiting entries of which a named flight, or every flight of their date, is cancelled or gives no offers any
/// more. Looks at each awaited flight once, and at the entries of those that are lost.
pub(crate) async fn no_longer_served(
    db: &mut PgSession,
    last_offers: DateTime<Utc>,
    most: i64,
) -> sqlx::Result<Vec<Unserved>> {
    let rows = sqlx::query!(
        r#"with recursive awaited as (
               (select flight_id from waitlist_flights order by flight_id limit 1)
               union all
               select (select f.flight_id from waitlist_flights f where f.flight_id > a.flight_id
                       order by f.flight_id limit 1)
               from awaited a where a.flight_id is not null
           ), lost as (
               select c.flight_id, c.status = 'CANCELLED' as is_cancelled
               from awaited a join flight_capacity c on c.flight_id = a.flight_id
               where c.status <> 'SCHEDULED' or c.cutoff_at <= $1
           )
           select e.id, bool_or(lost.is_cancelled) as "is_cancelled!"
           from lost
           join waitlist_flights f on f.flight_id = lost.flight_id
           join waitlist_entries e on e.id = f.entry_id
           where e.status = 'WAITING'
             and (cardinality(e.flight_ids) > 0
                  or not exists (select from waitlist_flights o where o.entry_id = e.id
                                 and o.flight_id not in (select flight_id from lost)))
           group by e.id order by e.id limit $2"#,
        last_offers,
        most,
    );
    let rows = rows.fetch_all(db).await?.into_iter();
    Ok(rows.map(|row| Unserved { id: row.id.into(), is_cancelled: row.is_cancelled }).collect())
}

/// Returns entries by date that wait, with the flights that they wait for: the next after this one, at most so many.
pub(crate) async fn by_date(
    db: &mut PgSession,
    after: Option<WaitlistEntryId>,
    most: i64,
) -> sqlx::Result<Vec<(Queued, BTreeSet<FlightId>)>> {
    let rows = sqlx::query!(
        r#"select e.id, e.weight_hg, e.volume_l, e.positions, e.passed_over,
                  e.dimensions as "dimensions: Json<KeptDimensions>",
                  e.origin as "origin: AirportCode", e.destination as "destination: AirportCode", e.departure_date,
                  e.special_handling_codes as "special_handling_codes: Vec<HandlingCode>",
                  array(select f.flight_id from waitlist_flights f where f.entry_id = e.id) as "awaited!"
           from waitlist_entries e
           where e.status = 'WAITING' and e.departure_date is not null and ($1::uuid is null or e.id > $1)
           order by e.id limit $2"#,
        after.map(WaitlistEntryId::uuid),
        most,
    );
    let entries = rows.fetch_all(db).await?.into_iter().map(|row| {
        let queued = Queued {
            id: row.id.into(),
            space: Space::from_columns(row.weight_hg, row.volume_l, row.positions),
            dimensions: row.dimensions.map(|Json(kept)| kept.into()),
            passed_over: row.passed_over,
            flight_ids: Vec::new(),
            lane: (row.origin, row.destination),
            departure_date: row.departure_date,
            special_handling_codes: row.special_handling_codes,
            kept_since: None,
        };
        (queued, row.awaited.into_iter().map(FlightId::from).collect())
    });
    Ok(entries.collect())
}
