//! All SQL of this room.
mod list;
mod upkeep;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use loadmaster_kernel::{
    AirportCode, AlertId, Currency, FlightId, HandlingCode, KeptDimensions, Money, OrganizationId, Positions, Volume,
    Weight, from_column,
};
use loadmaster_platform::postgres::{PgSession, column};
use sqlx::types::Json;
use uuid::Uuid;

pub(super) use list::{list, number_of};
pub(super) use upkeep::{
    delete_old, end, erase, export, flights_of, ids_of, wake_all, wake_by_lanes, wake_by_options, wake_by_prices,
};

use super::model::{Alert, AlertKind, AlertStatus, Found, Terms};

#[expect(clippy::struct_excessive_bools, reason = "each is a column")]
struct Row {
    id: Uuid,
    organization_id: Uuid,
    created_by: Uuid,
    kind: String,
    status: String,
    origin: AirportCode,
    destination: AirportCode,
    date_from: Option<NaiveDate>,
    date_to: Option<NaiveDate>,
    weight_hg: i64,
    volume_l: Option<i64>,
    positions: Option<i64>,
    dimensions: Option<Json<KeptDimensions>>,
    special_handling_codes: Vec<HandlingCode>,
    below_amount: Option<i64>,
    drop_percent: Option<i32>,
    currency: Option<String>,
    base_amount: Option<i64>,
    expires_at: Option<DateTime<Utc>>,
    ends_at: Option<DateTime<Utc>>,
    is_met: bool,
    is_armed: bool,
    is_pending: bool,
    is_fresh: bool,
    times_met: i32,
    found_date: Option<NaiveDate>,
    found_amount: Option<i64>,
    found_currency: Option<String>,
    found_flight_ids: Vec<Uuid>,
    last_checked_at: Option<DateTime<Utc>>,
    last_notified_at: Option<DateTime<Utc>>,
    next_check_at: DateTime<Utc>,
    event_sequence: i32,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// Returns an amount of two columns.
fn money(amount: Option<i64>, currency: Option<&str>) -> sqlx::Result<Option<Money>> {
    let Some((amount, currency)) = amount.zip(currency) else { return Ok(None) };
    let unknown = |_| sqlx::Error::Decode(format!("unknown currency {currency}").into());
    Ok(Some(Money::new(amount, currency.parse().map_err(unknown)?)))
}

impl TryFrom<Row> for Alert {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        let price = money(row.found_amount, row.found_currency.as_deref())?;
        let flight_ids = row.found_flight_ids.into_iter().map(FlightId::from).collect();
        let current = row.found_date.map(|departure_date| Found { departure_date, price, flight_ids });
        Ok(Self {
            id: row.id.into(),
            organization_id: row.organization_id.into(),
            created_by: row.created_by.into(),
            terms: Terms {
                kind: from_column(AlertKind::WORDS, &row.kind)?,
                origin: row.origin,
                destination: row.destination,
                date_from: row.date_from,
                date_to: row.date_to,
                weight: Weight::from_hectograms(row.weight_hg),
                volume: row.volume_l.map(Volume::from_litres),
                positions: row.positions.map(Positions::new),
                dimensions: row.dimensions.map(|Json(kept)| kept.into()),
                special_handling_codes: row.special_handling_codes,
                below: money(row.below_amount, row.currency.as_deref())?,
                drop_percent: row.drop_percent,
                expires_at: row.expires_at,
            },
            status: from_column(AlertStatus::WORDS, &row.status)?,
            base: money(row.base_amount, row.currency.as_deref())?,
            ends_at: row.ends_at,
            is_met: row.is_met,
            is_armed: row.is_armed,
            is_pending: row.is_pending,
            is_fresh: row.is_fresh,
            times_met: row.times_met,
            current,
            last_checked_at: row.last_checked_at,
            last_notified_at: row.last_notified_at,
            next_check_at: row.next_check_at,
            event_sequence: row.event_sequence,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// A checked query for alerts that are not deleted; `$tail` selects and orders them.
macro_rules! select_alerts {
    ($db:expr, $tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"select id, organization_id, created_by, kind, status, origin as "origin: _",
                      destination as "destination: _", date_from, date_to, weight_hg, volume_l, positions,
                      dimensions as "dimensions: _",
                      special_handling_codes as "special_handling_codes: _", below_amount, drop_percent, currency,
                      base_amount, expires_at, ends_at, is_met, is_armed, is_pending, is_fresh, times_met, found_date,
                      found_amount, found_currency, found_flight_ids, last_checked_at, last_notified_at, next_check_at,
                      event_sequence, version, created_at, updated_at
               from alerts where deleted_at is null and "# + $tail
            $(, $argument)*
        )
        .fetch_all(&mut *$db)
        .await?
        .into_iter()
        .map(Alert::try_from)
        .collect::<sqlx::Result<Vec<Alert>>>()
    };
}

/// Returns an alert, of this organization if one is named.
pub(super) async fn find(db: &mut PgSession, id: AlertId, of: Option<OrganizationId>) -> sqlx::Result<Option<Alert>> {
    let found = select_alerts!(
        db,
        "id = $1 and ($2::uuid is null or organization_id = $2)",
        id.uuid(),
        of.map(OrganizationId::uuid),
    );
    Ok(found?.pop())
}

/// Returns whether there is or was such an alert, of this organization if one is named.
pub(super) async fn existed(db: &mut PgSession, id: AlertId, of: Option<OrganizationId>) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!(
        r#"select exists (select from alerts where id = $1 and ($2::uuid is null or organization_id = $2)) as "found!""#,
        id.uuid(),
        of.map(OrganizationId::uuid),
    );
    found.fetch_one(db).await
}

/// Locks an alert and reads it.
pub(super) async fn lock(db: &mut PgSession, id: AlertId, of: Option<OrganizationId>) -> sqlx::Result<Option<Alert>> {
    let found = select_alerts!(
        db,
        "id = $1 and ($2::uuid is null or organization_id = $2) for no key update",
        id.uuid(),
        of.map(OrganizationId::uuid),
    );
    Ok(found?.pop())
}

/// Returns these alerts, in no order.
async fn find_all(db: &mut PgSession, ids: &[Uuid]) -> sqlx::Result<Vec<Alert>> {
    select_alerts!(db, "id = any($1)", ids)
}

/// Locks an organization, so that it gets no alert meanwhile.
pub(super) async fn lock_organization(db: &mut PgSession, organization: OrganizationId) -> sqlx::Result<()> {
    sqlx::query!("select id from organizations where id = $1 for no key update", organization.uuid())
        .fetch_optional(db)
        .await
        .map(drop)
}

/// Returns the number of active alerts of an organization. Those whose time is up or whose user has gone do not count, even if
/// that is not recorded yet.
pub(super) async fn count_active(db: &mut PgSession, of: OrganizationId, now: DateTime<Utc>) -> sqlx::Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from alerts
           where organization_id = $1 and status = 'ACTIVE' and (ends_at is null or ends_at > $2)
             and exists (select from users u where u.id = alerts.created_by and u.disabled_at is null
                                               and u.organization_id = alerts.organization_id)"#,
        of.uuid(),
        now,
    );
    count.fetch_one(db).await
}

/// Writes an alert: a new one, or the new state of one that the caller has locked. Nobody's check of its former state counts.
pub(super) async fn save(db: &mut PgSession, alert: &Alert) -> sqlx::Result<()> {
    let Alert { terms, current, .. } = alert;
    let price = current.as_ref().and_then(|found| found.price);
    let flights: Vec<Uuid> = current.iter().flat_map(|found| &found.flight_ids).map(|flight| flight.uuid()).collect();
    let currency = terms.below.or(alert.base).map(Money::currency);
    sqlx::query!(
        "insert into alerts (id, organization_id, created_by, kind, status, origin, destination, date_from, date_to,
                             weight_hg, volume_l, positions, special_handling_codes, below_amount, drop_percent, currency,
                             base_amount, expires_at, ends_at, is_met, is_armed, is_pending, is_fresh, times_met,
                             found_date, found_amount, found_currency, found_flight_ids, last_checked_at,
                             last_notified_at, next_check_at, event_sequence, version, created_at, updated_at, dimensions)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23,
                 $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36)
         on conflict (id) do update
         set status = $5, origin = $6, destination = $7, date_from = $8, date_to = $9, weight_hg = $10, volume_l = $11,
             positions = $12, special_handling_codes = $13, below_amount = $14, drop_percent = $15, currency = $16,
             base_amount = $17, expires_at = $18, ends_at = $19, is_met = $20, is_armed = $21, is_pending = $22,
             is_fresh = $23, times_met = $24, found_date = $25, found_amount = $26, found_currency = $27,
             found_flight_ids = $28, last_checked_at = $29, last_notified_at = $30, next_check_at = $31,
             event_sequence = $32, version = $33, updated_at = $35, dimensions = $36, lease_until = null, lease_holder = null,
             failures = 0",
        alert.id.uuid(),
        alert.organization_id.uuid(),
        alert.created_by.uuid(),
        terms.kind.as_str(),
        alert.status.as_str(),
        terms.origin as AirportCode,
        terms.destination as AirportCode,
        terms.date_from,
        terms.date_to,
        terms.weight.hectograms(),
        terms.volume.map(Volume::litres),
        terms.positions.map(Positions::count),
        &terms.special_handling_codes as &[HandlingCode],
        terms.below.map(Money::minor),
        terms.drop_percent,
        currency.as_ref().map(Currency::as_str),
        alert.base.map(Money::minor),
        terms.expires_at,
        alert.ends_at,
        alert.is_met,
        alert.is_armed,
        alert.is_pending,
        alert.is_fresh,
        alert.times_met,
        current.as_ref().map(|found| found.departure_date),
        price.map(Money::minor),
        price.map(|price| price.currency().as_str()),
        &flights,
        alert.last_checked_at,
        alert.last_notified_at,
        alert.next_check_at,
        alert.event_sequence,
        alert.version,
        alert.created_at,
        alert.updated_at,
        terms.dimensions.as_ref().map(|dimensions| Json(KeptDimensions::from(dimensions))) as Option<Json<KeptDimensions>>,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Deletes an alert: nobody sees it any more, and its row goes with the ended ones.
pub(super) async fn delete(db: &mut PgSession, id: AlertId, now: DateTime<Utc>) -> sqlx::Result<()> {
    let deleted = sqlx::query!(
        "update alerts
         set status = 'EXPIRED', ended_at = coalesce(ended_at, $2), deleted_at = $2, updated_at = $2,
             version = version + 1, lease_until = null, lease_holder = null
         where id = $1",
        id.uuid(),
        now,
    );
    deleted.execute(db).await.map(drop)
}

/// Takes the lane whose alert has been due for the longest, or whose check was broken off: up to `most` of its alerts, those
/// included that are due soon, for a while by the database's clock; one whose last check has failed is taken only when it is due
/// itself. All of them are due again at the same moment, within the time `again`. Returns their ids.
pub(super) async fn lease(
    db: &mut PgSession,
    holder: Uuid,
    now: DateTime<Utc>,
    again: TimeDelta,
    most: i64,
) -> sqlx::Result<Vec<AlertId>> {
    let leased = sqlx::query_scalar!(
        "with first as materialized (
             select origin, destination from alerts
             where status = 'ACTIVE' and (ends_at is null or ends_at > $2)
               and ((lease_until is null and next_check_at <= $2) or lease_until < clock_timestamp())
             order by next_check_at limit 1 for update skip locked
         ), taken as materialized (
             select a.id from alerts a join first on first.origin = a.origin and first.destination = a.destination
             where a.status = 'ACTIVE' and (a.ends_at is null or a.ends_at > $2)
               and ((a.lease_until is null
                     and a.next_check_at <= $2::timestamptz
                                            + case a.failures when 0 then interval '10 minutes' else interval '0' end)
                    or a.lease_until < clock_timestamp())
             order by a.next_check_at limit $3 for update of a skip locked
         )
         update alerts
         set lease_holder = $1, lease_until = clock_timestamp() + interval '60 seconds',
             next_check_at = $4::timestamptz - (select random()) * interval '5 minutes'
         from taken where alerts.id = taken.id
         returning alerts.id",
        holder,
        now,
        most,
        now + again,
    );
    Ok(leased.fetch_all(db).await?.into_iter().map(AlertId::from).collect())
}

/// Ends the lease of an alert that could not be judged. It is due again after the time `first`, which each failure in a row
/// doubles up to `most`.
pub(super) async fn put_off(
    db: &mut PgSession,
    id: AlertId,
    holder: Uuid,
    now: DateTime<Utc>,
    first: TimeDelta,
    most: TimeDelta,
) -> sqlx::Result<()> {
    let put_off = sqlx::query!(
        "update alerts
         set failures = failures + 1, lease_until = null, lease_holder = null,
             next_check_at = $3::timestamptz
                 + make_interval(secs => least($4::bigint << least(failures, 10), $5::bigint)::double precision)
         where id = $1 and lease_holder = $2",
        id.uuid(),
        holder,
        now,
        first.num_seconds(),
        most.num_seconds(),
    );
    put_off.execute(db).await.map(drop)
}

/// Returns these alerts.
pub(super) async fn leased(db: &mut PgSession, ids: &[AlertId]) -> sqlx::Result<Vec<Alert>> {
    select_alerts!(db, "id = any($1) and status = 'ACTIVE'", &column(ids, |id| id.uuid()))
}

/// Locks an alert whose check this holder has begun, unless it was changed or taken over since, and unless its user has gone.
pub(super) async fn lock_leased(
    db: &mut PgSession,
    id: AlertId,
    holder: Uuid,
    version: i32,
) -> sqlx::Result<Option<Alert>> {
    let found = select_alerts!(
        db,
        "id = $1 and lease_holder = $2 and version = $3 and status = 'ACTIVE'
           and exists (select from users u where u.id = alerts.created_by and u.disabled_at is null
                                             and u.organization_id = alerts.organization_id)
         for no key update",
        id.uuid(),
        holder,
        version,
    );
    Ok(found?.pop())
}

/// Writes what a check has found, and ends its lease. One that became due meanwhile stays due.
pub(super) async fn save_checked(
    db: &mut PgSession,
    alert: &Alert,
    next_letter: Option<DateTime<Utc>>,
) -> sqlx::Result<()> {
    let price = alert.current.as_ref().and_then(|found| found.price);
    let flights: Vec<Uuid> =
        alert.current.iter().flat_map(|found| &found.flight_ids).map(|flight| flight.uuid()).collect();
    sqlx::query!(
        "update alerts
         set base_amount = $2, currency = coalesce(currency, $3), is_met = $4, is_armed = $5, is_pending = $6,
             is_fresh = $7, times_met = $8, found_date = $9, found_amount = $10, found_currency = $11,
             found_flight_ids = $12, last_checked_at = $13, last_notified_at = $14, event_sequence = $15,
             next_check_at = least(next_check_at, $16), lease_until = null, lease_holder = null, failures = 0
         where id = $1",
        alert.id.uuid(),
        alert.base.map(Money::minor),
        alert.base.map(|base| base.currency().as_str()),
        alert.is_met,
        alert.is_armed,
        alert.is_pending,
        alert.is_fresh,
        alert.times_met,
        alert.current.as_ref().map(|found| found.departure_date),
        price.map(Money::minor),
        price.map(|price| price.currency().as_str()),
        &flights,
        alert.last_checked_at,
        alert.last_notified_at,
        alert.event_sequence,
        next_letter,
    )
    .execute(db)
    .await
    .map(drop)
}
