use chrono::{DateTime, Utc};
use loadmaster_capacity::Space;
use loadmaster_kernel::{
    AircraftCode, AirportCode, AwbNumber, BookingId, BookingRef, FlightId, FlightNumber, HandlingCode, HoldId,
    KeptDimensions, OrganizationId, Pieces, Positions, Volume, Weight, from_column,
};
use loadmaster_platform::postgres::{IdMonths, PLANNED_LENGTH, PgSession, planned_list};
use loadmaster_reference::Carriage;
use sqlx::{AssertSqlSafe, FromRow, Row, postgres::PgRow, types::Json};
use uuid::Uuid;

use crate::model::{Bill, Booking, BookingStatus, Leg, LegStatus, OffloadReason, Party, Texts};

#[derive(sqlx::FromRow)]
pub(super) struct BookingRow {
    id: Uuid,
    ref_id: BookingRef,
    organization_id: Uuid,
    created_by: Uuid,
    status: String,
    origin: AirportCode,
    destination: AirportCode,
    pieces: Pieces,
    weight_hg: Weight,
    volume_l: Volume,
    volume_defaulted: bool,
    dimensions: Option<Json<KeptDimensions>>,
    positions: Positions,
    special_handling_codes: Vec<HandlingCode>,
    awb_number: Option<AwbNumber>,
    hold_id: Option<Uuid>,
    product: Option<String>,
    bill: Option<Json<Bill>>,
    needs_rerouting: bool,
    event_sequence: i32,
    moved_at: Option<DateTime<Utc>>,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    description: Option<String>,
    customer_reference: Option<String>,
    shipper: Option<Json<Party>>,
    consignee: Option<Json<Party>>,
}

impl BookingRow {
    fn with_legs(self, legs: Vec<Leg>) -> sqlx::Result<Booking> {
        Ok(Booking {
            id: self.id.into(),
            ref_id: self.ref_id,
            organization_id: self.organization_id.into(),
            created_by: self.created_by.into(),
            status: from_column(BookingStatus::WORDS, &self.status)?,
            origin: self.origin,
            destination: self.destination,
            pieces: self.pieces,
            space: Space { weight: self.weight_hg, volume: self.volume_l, positions: self.positions },
            volume_defaulted: self.volume_defaulted,
            dimensions: self.dimensions.map(|Json(kept)| kept.into()),
            special_handling_codes: self.special_handling_codes,
            awb_number: self.awb_number,
            hold_id: self.hold_id.map(HoldId::from),
            product: self.product,
            bill: self.bill.map(|Json(bill)| bill),
            needs_rerouting: self.needs_rerouting,
            event_sequence: self.event_sequence,
            moved_at: self.moved_at,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
            texts: Texts {
                description: self.description,
                customer_reference: self.customer_reference,
                shipper: self.shipper.map(|Json(party)| party),
                consignee: self.consignee.map(|Json(party)| party),
            },
            legs,
        })
    }
}

/// A leg beside its booking. Without one, as of a booking that was made without legs, all members are `None`.
#[derive(sqlx::FromRow)]
struct LegRow {
    leg_id: Option<Uuid>,
    leg_sequence: Option<i32>,
    flight_id: Option<Uuid>,
    flight_number: Option<FlightNumber>,
    leg_origin: Option<AirportCode>,
    leg_destination: Option<AirportCode>,
    departure_at: Option<DateTime<Utc>>,
    arrival_at: Option<DateTime<Utc>>,
    leg_status: Option<String>,
    offload_reason: Option<String>,
    space_code: Option<String>,
    leg_pieces: Option<Pieces>,
    leg_weight_hg: Option<Weight>,
    leg_volume_l: Option<Volume>,
    leg_positions: Option<Positions>,
    aircraft_code: Option<AircraftCode>,
    is_freighter: Option<bool>,
    cutoff_at: Option<DateTime<Utc>>,
}

impl LegRow {
    fn into_leg(self) -> sqlx::Result<Option<Leg>> {
        let all = || {
            Some((
                Leg {
                    id: self.leg_id?.into(),
                    sequence: self.leg_sequence?,
                    flight_id: self.flight_id?.into(),
                    flight_number: self.flight_number?,
                    origin: self.leg_origin?,
                    destination: self.leg_destination?,
                    departure: self.departure_at?,
                    arrival: self.arrival_at?,
                    status: LegStatus::Booked,
                    offload_reason: None,
                    space_code: self.space_code?,
                    pieces: self.leg_pieces?,
                    space: Space {
                        weight: self.leg_weight_hg?,
                        volume: self.leg_volume_l?,
                        positions: self.leg_positions?,
                    },
                    cutoff: self.cutoff_at,
                    carriage: Some(Carriage {
                        origin: self.leg_origin?,
                        destination: self.leg_destination?,
                        aircraft: self.aircraft_code,
                        is_freighter: self.is_freighter?,
                    }),
                },
                self.leg_status?,
                self.offload_reason,
            ))
        };
        if self.leg_id.is_none() {
            return Ok(None);
        }
        let (leg, status, reason) = all().ok_or_else(|| sqlx::Error::Decode("a leg lacks a column".into()))?;
        let offload_reason = reason.map(|word| from_column(OffloadReason::WORDS, &word)).transpose()?;
        Ok(Some(Leg { status: from_column(LegStatus::WORDS, &status)?, offload_reason, ..leg }))
    }
}

/// Bookings with their texts and legs, in one statement, which so sees one moment. Its text names the months of the
/// bookings, for the sake of its plan; the tables are looked up one row after the other, whatever the planner takes
/// their sizes for: a plan that is kept must be right when a month has grown.
fn select_whole(months: IdMonths, asked: Selection, condition: &str) -> AssertSqlSafe<String> {
    let asked = match asked {
        Selection::One => "",
        Selection::Ids => "unnest($1::uuid[]) as asked (id) cross join ",
        Selection::WithOrganizations => "unnest($1::uuid[], $2::uuid[]) as asked (id, organization_id) cross join ",
    };
    let id = if asked.is_empty() { "$1" } else { "asked.id" };
    AssertSqlSafe(format!(
        "select b.id, b.ref_id, b.organization_id, b.created_by, b.status, b.origin, b.destination, b.pieces,
                b.weight_hg, b.volume_l, b.volume_defaulted, b.dimensions, b.positions, b.special_handling_codes, b.awb_number,
                b.hold_id, h.product, b.bill, b.needs_rerouting, b.event_sequence, b.moved_at, b.version, b.created_at,
                b.updated_at, t.description, t.customer_reference, t.shipper, t.consignee,
                l.id as leg_id, l.sequence as leg_sequence, l.flight_id, l.flight_number, l.origin as leg_origin,
                l.destination as leg_destination, l.departure_at, l.arrival_at, l.status as leg_status,
                l.offload_reason, l.space_code, l.pieces as leg_pieces, l.weight_hg as leg_weight_hg,
                l.volume_l as leg_volume_l, l.positions as leg_positions, f.aircraft_code, f.is_freighter,
                c.cutoff_at
         from {asked} lateral (select * from bookings where id = {id} and {bookings} offset 0) b
         left join lateral (select * from booking_texts where booking_id = b.id and {of_booking} offset 0) t on true
         left join lateral (select * from booking_legs where booking_id = b.id and {of_booking} offset 0) l on true
         left join lateral (select aircraft_code, is_freighter from flights where id = l.flight_id offset 0) f on true
         left join lateral (select cutoff_at from flight_capacity
                            where flight_id = l.flight_id and l.status in ('BOOKED', 'DEPARTED') offset 0) c on true
         left join lateral (select product from holds where id = b.hold_id offset 0) h on true
         where {condition}
         order by b.id, l.sequence, l.id",
        bookings = months.contain("id"),
        of_booking = months.contain("booking_id"),
    ))
}

/// What bookings are asked for by the parameters of [`select_whole`].
#[derive(Clone, Copy)]
enum Selection {
    One,
    Ids,
    WithOrganizations,
}

fn whole(rows: Vec<PgRow>) -> sqlx::Result<Vec<Booking>> {
    let mut bookings = Vec::<Booking>::new();
    for row in rows {
        let id = BookingId::from(row.try_get::<Uuid, _>("id")?);
        let leg = LegRow::from_row(&row)?.into_leg()?;
        match bookings.last_mut().filter(|booking| booking.id == id) {
            Some(booking) => booking.legs.extend(leg),
            None => bookings.push(BookingRow::from_row(&row)?.with_legs(leg.into_iter().collect())?),
        }
    }
    Ok(bookings)
}

/// Returns the id of the booking with this reference.
pub(crate) async fn id_of(db: &mut PgSession, reference: &BookingRef) -> sqlx::Result<Option<BookingId>> {
    let id = sqlx::query_scalar!("select booking_id from booking_refs where ref_id = $1", reference.as_str());
    Ok(id.fetch_optional(db).await?.map(BookingId::from))
}

/// Whether an organization was made for a guest.
pub(crate) async fn is_of_guest(db: &mut PgSession, organization: OrganizationId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from organizations o join users u on u.id = o.founder_id
                          where o.id = $1 and u.role = 'guest') as "is_of_guest!""#,
        organization.uuid(),
    )
    .fetch_one(db)
    .await
}

/// `of`: only if it belongs to that organization. A booking of another organization costs as much as a missing one.
pub(crate) async fn find(
    db: &mut PgSession,
    id: BookingId,
    of: Option<OrganizationId>,
) -> sqlx::Result<Option<Booking>> {
    let condition = "($2::uuid is null or b.organization_id = $2)";
    let select = select_whole(IdMonths::of(id.uuid()), Selection::One, condition);
    let rows = sqlx::query(select).bind(id.uuid()).bind(of.map(OrganizationId::uuid)).fetch_all(db).await?;
    Ok(whole(rows)?.pop())
}

/// Returns those of these bookings, each asked for once, that belong to the organization given beside each, if there is
/// one.
pub(crate) async fn find_requested(
    db: &mut PgSession,
    asked: impl Iterator<Item = (BookingId, Option<OrganizationId>)>,
) -> sqlx::Result<Vec<Booking>> {
    let (ids, mut organizations): (Vec<Uuid>, Vec<Option<Uuid>>) =
        asked.map(|(id, of)| (id.uuid(), of.map(OrganizationId::uuid))).unzip();
    let Some(months) = IdMonths::of_all(&ids) else { return Ok(Vec::new()) };
    let ids = filled(&ids);
    organizations.resize(ids.len(), None);
    let condition = "(asked.organization_id is null or asked.organization_id = b.organization_id)";
    let select = select_whole(months, Selection::WithOrganizations, condition);
    whole(sqlx::query(select).bind(ids).bind(organizations).fetch_all(db).await?)
}

/// Returns these bookings in ascending order of id.
pub(crate) async fn find_all(db: &mut PgSession, ids: &[Uuid]) -> sqlx::Result<Vec<Booking>> {
    let Some(months) = IdMonths::of_all(ids) else { return Ok(Vec::new()) };
    whole(sqlx::query(select_whole(months, Selection::Ids, "true")).bind(filled(ids)).fetch_all(db).await?)
}

/// Returns the list with enough null ids after its own that the database keeps its plan; see [`PLANNED_LENGTH`].
fn filled(ids: &[Uuid]) -> Vec<Option<Uuid>> {
    let missing = PLANNED_LENGTH.saturating_sub(ids.len());
    ids.iter().copied().map(Some).chain(std::iter::repeat_n(None, missing)).collect()
}

/// Returns the booking that claims the number; if none does, the latest that had it.
pub(crate) async fn find_by_awb(db: &mut PgSession, number: &AwbNumber) -> sqlx::Result<Option<Booking>> {
    let claimed = sqlx::query_scalar!("select booking_id from awb_claims where awb_number = $1", number.as_str());
    let mut id = claimed.fetch_optional(&mut *db).await?;
    if id.is_none() {
        let last = sqlx::query_scalar!(
            "select id from bookings where awb_number = $1 order by id desc limit 1",
            number.as_str(),
        );
        id = last.fetch_optional(&mut *db).await?;
    }
    match id {
        Some(id) => find(db, id.into(), None).await,
        None => Ok(None),
    }
}

/// Locks the booking's row and reads it with its legs in their current state.
pub(crate) async fn lock_booking(db: &mut PgSession, id: BookingId) -> sqlx::Result<Option<Booking>> {
    let lock = format!(
        "select id from bookings where {} and id = $1 for no key update",
        IdMonths::of(id.uuid()).contain("id")
    );
    let locked = sqlx::query(AssertSqlSafe(lock)).bind(id.uuid()).fetch_optional(&mut *db).await?;
    // A separate statement, as below.
    if locked.is_some() { find(db, id, None).await } else { Ok(None) }
}

/// Locks the bookings' rows in ascending order of id and reads them with their legs in their current state.
pub(crate) async fn lock_bookings(db: &mut PgSession, ids: &[Uuid]) -> sqlx::Result<Vec<Booking>> {
    lock(db, ids, "").await
}

/// Locks and reads these bookings without waiting: omits those that another transaction has locked.
pub(crate) async fn lock_free_bookings(db: &mut PgSession, ids: &[Uuid]) -> sqlx::Result<Vec<Booking>> {
    lock(db, ids, " skip locked").await
}

async fn lock(db: &mut PgSession, ids: &[Uuid], wait: &str) -> sqlx::Result<Vec<Booking>> {
    let Some(months) = IdMonths::of_all(ids) else { return Ok(Vec::new()) };
    let lock = format!(
        "select id from bookings where {} and id = any($1) order by id for no key update{wait}",
        months.contain("id")
    );
    let ids = planned_list(ids);
    let locked: Vec<Uuid> = sqlx::query_scalar(AssertSqlSafe(lock)).bind(ids).fetch_all(&mut *db).await?;
    // A separate statement: after a wait for a lock, a joined query shows the joined tables as they were before the
    // wait.
    find_all(db, &locked).await
}

/// Returns the flights that these bookings are or were on.
pub(crate) async fn flights_of(db: &mut PgSession, bookings: &[Uuid]) -> sqlx::Result<Vec<FlightId>> {
    let Some(months) = IdMonths::of_all(bookings) else { return Ok(Vec::new()) };
    let select = format!(
        "select distinct flight_id from booking_legs where {} and booking_id = any($1)",
        months.contain("booking_id")
    );
    let bookings = planned_list(bookings);
    let ids: Vec<Uuid> = sqlx::query_scalar(AssertSqlSafe(select)).bind(bookings).fetch_all(db).await?;
    Ok(ids.into_iter().map(FlightId::from).collect())
}
