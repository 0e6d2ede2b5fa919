use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use loadmaster_accounts::{Channel, Principal};
use loadmaster_capacity::Space;
use loadmaster_flights::Flight;
use loadmaster_kernel::{
    AircraftCode, AirportCode, AwbNumber, BookingId, BookingRef, Dimensions, FlightId, FlightNumber, HandlingCode,
    HoldId, KeptDimensions, OrganizationId, PaymentId, Pieces, Positions, QuoteId, Volume, Weight, from_column,
};
use loadmaster_payments::{self as payments, Payment};
use loadmaster_platform::postgres::{DbError, PgSession, column, planned_list};
use loadmaster_pricing::{self as pricing, Quote};
use loadmaster_reference::Carriage;
use loadmaster_shipment::{Contact, Party, PositionName, Texts};
use sqlx::types::Json;
use uuid::Uuid;

use super::returning_on;

use crate::model::{EndReason, Hold, HoldKind, HoldLeg, HoldStatus};

struct Row {
    id: Uuid,
    kind: String,
    status: String,
    end_reason: Option<String>,
    organization_id: Uuid,
    created_by: Uuid,
    is_guest: bool,
    address_key: Option<Vec<u8>>,
    is_counted: bool,
    origin: AirportCode,
    destination: AirportCode,
    pieces: Option<Pieces>,
    weight_hg: Weight,
    volume_l: Volume,
    volume_defaulted: bool,
    dimensions: Option<Json<KeptDimensions>>,
    positions: Positions,
    product: String,
    special_handling_codes: Vec<HandlingCode>,
    awb_number: Option<AwbNumber>,
    booking_id: Option<Uuid>,
    booking_ref: Option<BookingRef>,
    expires_at: DateTime<Utc>,
    latest_expires_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    event_sequence: i32,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    description: Option<String>,
    customer_reference: Option<String>,
    shipper: Option<Json<Party>>,
    consignee: Option<Json<Party>>,
    contact: Option<Json<Contact>>,
    quote_id: Option<Uuid>,
    payment_id: Option<Uuid>,
    attempts: i32,
    active_until: Option<DateTime<Utc>>,
    channel: Option<String>,
}

impl Row {
    fn with_parts(self, legs: Vec<HoldLeg>, quote: Option<Quote>, payment: Option<Payment>) -> sqlx::Result<Hold> {
        Ok(Hold {
            id: self.id.into(),
            kind: from_column(HoldKind::WORDS, &self.kind)?,
            status: from_column(HoldStatus::WORDS, &self.status)?,
            end_reason: self.end_reason.map(|word| from_column(EndReason::WORDS, &word)).transpose()?,
            organization_id: self.organization_id.into(),
            created_by: self.created_by.into(),
            is_guest: self.is_guest,
            address_key: self.address_key,
            is_counted: self.is_counted,
            origin: self.origin,
            destination: self.destination,
            pieces: self.pieces,
            space: Space { weight: self.weight_hg, volume: self.volume_l, positions: self.positions },
            volume_defaulted: self.volume_defaulted,
            dimensions: self.dimensions.map(|Json(kept)| kept.into()),
            product: self.product,
            special_handling_codes: self.special_handling_codes,
            awb_number: self.awb_number,
            booking: self.booking_id.map(BookingId::from).zip(self.booking_ref),
            expires_at: self.expires_at,
            latest_expires_at: self.latest_expires_at,
            ended_at: self.ended_at,
            event_sequence: self.event_sequence,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
            texts: Texts {
                description: self.description,
                customer_reference: self.customer_reference,
                shipper: self.shipper.map(|Json(party)| party),
                consignee: self.consignee.map(|Json(party)| party),
            },
            contact: self.contact.map(|Json(contact)| contact),
            quote,
            payment,
            attempts: self.attempts.cast_unsigned(),
            active_until: self.active_until,
            channel: self.channel.as_deref().and_then(Channel::named),
            legs,
        })
    }
}

/// A checked query for holds with their texts; `$tail` selects and orders them.
macro_rules! select_holds {
    ($db:expr, $tail:literal $(, $argument:expr)* $(,)?) => {{
        let rows = sqlx::query_as!(
            Row,
            r#"select h.id, h.kind, h.status, h.end_reason, h.organization_id, h.created_by, h.is_guest, h.address_key,
                      h.is_counted, h.origin as "origin: _", h.destination as "destination: _",
                      h.pieces as "pieces: _", h.weight_hg as "weight_hg: _", h.volume_l as "volume_l: _",
                      h.volume_defaulted, h.dimensions as "dimensions: _", h.positions as "positions: _", h.product,
                      h.special_handling_codes as "special_handling_codes: _", h.awb_number as "awb_number: _",
                      h.booking_id, h.booking_ref as "booking_ref: _", h.expires_at, h.latest_expires_at, h.ended_at,
                      h.event_sequence, h.version, h.created_at, h.updated_at,
                      t.description as "description?", t.customer_reference as "customer_reference?",
                      t.shipper as "shipper?: _", t.consignee as "consignee?: _", t.contact as "contact?: _",
                      h.quote_id, h.payment_id, h.attempts, h.active_until, h.channel
               from holds h left join hold_texts t on t.hold_id = h.id "# + $tail
            $(, $argument)*
        )
        .fetch_all(&mut *$db)
        .await?;
        with_parts($db, rows).await
    }};
}

async fn with_parts(db: &mut PgSession, rows: Vec<Row>) -> sqlx::Result<Vec<Hold>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let found = sqlx::query!(
        r#"select l.hold_id, l.sequence, l.flight_id, l.flight_number as "flight_number: FlightNumber",
                  l.origin as "origin: AirportCode", l.destination as "destination: AirportCode", l.departure_at,
                  l.arrival_at, l.weight_hg, l.volume_l, l.positions, l.position_names,
                  f.aircraft_code as "aircraft: AircraftCode", f.is_freighter, c.cutoff_at as "cutoff_at?"
           from hold_legs l join flights f on f.id = l.flight_id
                left join flight_capacity c on c.flight_id = l.flight_id
           where l.hold_id = any($1) order by l.hold_id, l.sequence"#,
        &planned_list(&ids),
    );
    let mut legs = HashMap::<Uuid, Vec<HoldLeg>>::new();
    for row in found.fetch_all(&mut *db).await? {
        let names: Result<BTreeSet<PositionName>, _> = row.position_names.iter().map(|name| name.parse()).collect();
        let names = names.map_err(|fault| sqlx::Error::Decode(fault.to_string().into()))?;
        legs.entry(row.hold_id).or_default().push(HoldLeg {
            sequence: row.sequence,
            flight_id: row.flight_id.into(),
            flight_number: row.flight_number,
            origin: row.origin,
            destination: row.destination,
            departure: row.departure_at,
            arrival: row.arrival_at,
            cutoff: row.cutoff_at,
            carriage: Carriage {
                origin: row.origin,
                destination: row.destination,
                aircraft: row.aircraft,
                is_freighter: row.is_freighter,
            },
            space: Space::from_columns(row.weight_hg, row.volume_l, row.positions),
            names,
        });
    }
    let quotes: Vec<QuoteId> = rows.iter().filter_map(|row| Some(row.quote_id?.into())).collect();
    let quotes = pricing::quotes_in_tx(db, &quotes).await.map_err(DbError::into_sql)?;
    let payments: Vec<PaymentId> = rows.iter().filter_map(|row| Some(row.payment_id?.into())).collect();
    let payments = payments::find_in_tx(db, &payments).await.map_err(DbError::into_sql)?;
    rows.into_iter()
        .map(|row| {
            let own = legs.remove(&row.id).unwrap_or_default();
            let quote = row.quote_id.and_then(|id| quotes.iter().find(|quote| quote.id.uuid() == id).cloned());
            let payment = row.payment_id.and_then(|id| {
                payments.iter().map(|(payment, _)| payment).find(|known| known.id.uuid() == id).cloned()
            });
            row.with_parts(own, quote, payment)
        })
        .collect()
}

/// `of`: only if it belongs to that organization.
pub(crate) async fn find(db: &mut PgSession, id: HoldId, of: Option<OrganizationId>) -> sqlx::Result<Option<Hold>> {
    let found: sqlx::Result<Vec<Hold>> = select_holds!(
        db,
        "where h.id = $1 and ($2::uuid is null or h.organization_id = $2)",
        id.uuid(),
        of.map(OrganizationId::uuid),
    );
    Ok(found?.pop())
}

pub(crate) async fn find_all(db: &mut PgSession, ids: &[Uuid]) -> sqlx::Result<Vec<Hold>> {
    select_holds!(db, "where h.id = any($1) order by h.id", &planned_list(ids))
}

/// Returns the open holds of this quote that a caller made with a booking in one request, and whose payment has failed; the
/// oldest first.
pub(crate) async fn left_by_failed_payments(
    db: &mut PgSession,
    caller: Principal,
    quote: QuoteId,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Hold>> {
    select_holds!(
        db,
        "join payments p on p.id = h.payment_id and p.status = 'FAILED'
         where h.is_open and h.organization_id = $1 and h.created_by = $2 and h.quote_id = $3 and h.status = 'ACTIVE'
           and h.expires_at > $4
           and exists (select from hold_events e
                       where e.hold_id = h.id and e.sequence = 1 and e.data ->> 'status' = 'COMMITTING')
         order by h.id limit 10",
        caller.organization_id.uuid(),
        caller.user_id.uuid(),
        quote.uuid(),
        now,
    )
}

/// Locks the holds' rows in ascending order of id, and reads them in their current state.
pub(crate) async fn lock(db: &mut PgSession, ids: &[Uuid]) -> sqlx::Result<Vec<Hold>> {
    let locked = sqlx::query_scalar!(
        "select id from holds where id = any($1) order by id for no key update",
        &planned_list(ids),
    );
    let locked = locked.fetch_all(&mut *db).await?;
    // A separate statement: after a wait for a lock, a joined query shows the joined tables as they were before it.
    find_all(db, &locked).await
}

/// The same without waiting: omits holds that another transaction has locked.
pub(crate) async fn lock_free(db: &mut PgSession, ids: &[Uuid]) -> sqlx::Result<Vec<Hold>> {
    let locked = sqlx::query_scalar!(
        "select id from holds where id = any($1) order by id for no key update skip locked",
        &planned_list(ids),
    );
    let locked = locked.fetch_all(&mut *db).await?;
    find_all(db, &locked).await
}

/// Returns expired holds that still keep space, oldest first, up to `most`.
pub(crate) async fn to_expire(
    db: &mut PgSession,
    now: DateTime<Utc>,
    after: Option<(DateTime<Utc>, Uuid)>,
    most: i64,
) -> sqlx::Result<Vec<(DateTime<Utc>, Uuid)>> {
    let (expires_at, id) = after.unwrap_or((DateTime::UNIX_EPOCH, Uuid::nil()));
    let rows = sqlx::query!(
        "select expires_at, id from holds
         where is_open and expires_at <= $1 and (expires_at, id) > ($2, $3)
         order by expires_at, id limit $4",
        now,
        expires_at,
        id,
        most,
    );
    Ok(rows.fetch_all(db).await?.into_iter().map(|row| (row.expires_at, row.id)).collect())
}

/// Returns expired holds of space on these flights, up to `most`.
pub(crate) async fn expired_on(
    db: &mut PgSession,
    flights: &[Uuid],
    now: DateTime<Utc>,
    most: i64,
) -> sqlx::Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        "select distinct h.id from hold_legs l join holds h on h.id = l.hold_id
         where l.flight_id = any($1) and l.is_open and h.is_open and h.expires_at <= $2
         order by h.id limit $3",
        &planned_list(flights),
        now,
        most,
    );
    ids.fetch_all(db).await
}

/// Returns the open holds of space on this flight, newest first.
pub(crate) async fn open_on(db: &mut PgSession, flight: FlightId) -> sqlx::Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        "select hold_id from hold_legs where flight_id = $1 and is_open order by hold_id desc",
        flight.uuid(),
    );
    ids.fetch_all(db).await
}

/// Returns the flights on which open holds of this flight keep space, too.
pub(crate) async fn flights_held_with(db: &mut PgSession, flight: FlightId) -> sqlx::Result<Vec<FlightId>> {
    let ids = sqlx::query_scalar!(
        "select distinct other.flight_id from hold_legs l join hold_legs other on other.hold_id = l.hold_id
         where l.flight_id = $1 and l.is_open and other.is_open",
        flight.uuid(),
    );
    Ok(ids.fetch_all(db).await?.into_iter().map(FlightId::from).collect())
}

/// Returns the dimensions of the holds that are being paid for, have some, and keep space on these flights; each with its flight.
pub(crate) async fn sizes_being_paid(
    db: &mut PgSession,
    flights: &[Uuid],
) -> sqlx::Result<Vec<(FlightId, Dimensions)>> {
    let rows = sqlx::query!(
        r#"select l.flight_id, h.dimensions as "dimensions!: Json<KeptDimensions>"
           from hold_legs l join holds h on h.id = l.hold_id
           where l.flight_id = any($1) and l.is_open and h.status = 'COMMITTING' and h.dimensions is not null"#,
        &planned_list(flights),
    );
    let rows = rows.fetch_all(db).await?.into_iter();
    Ok(rows.map(|row| (row.flight_id.into(), row.dimensions.0.into())).collect())
}

/// A named position of a flight, and whether a booking has it.
pub(crate) struct Claim {
    pub name: PositionName,
    pub is_booked: bool,
}

/// Returns the named positions of a flight that are taken now.
pub(crate) async fn positions(db: &mut PgSession, flight: FlightId, now: DateTime<Utc>) -> sqlx::Result<Vec<Claim>> {
    let rows = sqlx::query!(
        r#"select c.name as "name!", c.booking_id is not null as "is_booked!"
           from position_claims c left join holds h on h.id = c.hold_id
           where c.flight_id = $1 and (c.booking_id is not null or h.expires_at > $2)"#,
        flight.uuid(),
        now,
    );
    let claim = |name: String, is_booked| {
        let name =
            name.parse().map_err(|fault: loadmaster_kernel::Fault| sqlx::Error::Decode(fault.to_string().into()));
        name.map(|name| Claim { name, is_booked })
    };
    rows.fetch_all(db).await?.into_iter().map(|row| claim(row.name, row.is_booked)).collect()
}

/// Returns the number of holds that keep space.
pub(crate) async fn active(db: &mut PgSession, now: DateTime<Utc>) -> sqlx::Result<i32> {
    let active =
        sqlx::query_scalar!(r#"select count(*)::int as "active!" from holds where is_open and expires_at > $1"#, now,);
    active.fetch_one(db).await
}

/// Returns the space that holds whose time is up still have on a flight, by its row, without what returns to allotments.
pub(crate) async fn expired_space(db: &mut PgSession, flight: FlightId, now: DateTime<Utc>) -> sqlx::Result<Space> {
    let sum = sqlx::query!(
        r#"select coalesce(sum(l.weight_hg), 0)::bigint as "weight!", coalesce(sum(l.volume_l), 0)::bigint as "volume!",
                  coalesce(sum(l.positions), 0)::bigint as "positions!"
           from hold_legs l join holds h on h.id = l.hold_id
           where l.flight_id = $1 and l.is_open and h.is_open and h.expires_at <= $2"#,
        flight.uuid(),
        now,
    );
    let sum = sum.fetch_one(&mut *db).await?;
    let all = Space::from_columns(sum.weight, sum.volume, sum.positions);
    if all == Space::default() {
        return Ok(all);
    }
    Ok(returning_on(db, flight, now).await?.into_iter().fold(all, |rest, (_, space)| rest - space))
}

/// Returns the open holds on these flights that show other times, may outlast a cut-off, or name a position that a flight
/// does not have.
pub(crate) async fn unfit(db: &mut PgSession, flights: &[Flight]) -> sqlx::Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        r#"select distinct h.id as "id!"
           from unnest($1::uuid[], $2::timestamptz[], $3::bigint[], $4::timestamptz[], $5::timestamptz[])
                as f (id, cutoff, positions, departure, arrival)
           join hold_legs l on l.flight_id = f.id and l.is_open
           join holds h on h.id = l.hold_id
           where h.latest_expires_at > f.cutoff or (l.departure_at, l.arrival_at) <> (f.departure, f.arrival)
              or exists (select from unnest(l.position_names) as name where substr(name, 2)::bigint > f.positions)"#,
        &column(flights, |flight| flight.id.uuid()),
        &column(flights, |flight| flight.space.cutoff),
        &column(flights, |flight| flight.space.physical.positions.count()),
        &column(flights, |flight| flight.departure),
        &column(flights, |flight| flight.arrival),
    );
    ids.fetch_all(db).await
}
