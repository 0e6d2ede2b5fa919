//! What letters say, as the tables are now.
use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_kernel::{AirportCode, HandlingCode};
use loadmaster_platform::postgres::PgSession;
use loadmaster_reference::Carriage;
use sqlx::types::Json;
use uuid::Uuid;

/// A user who is to be notified.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, as it was read")]
pub(crate) struct UserFacts {
    pub email: Option<String>,
    pub name: Option<String>,
    pub is_email_verified: bool,
    pub phone: Option<String>,
    pub is_phone_verified: bool,
    pub is_disabled: bool,
    pub organization_id: Uuid,
    pub is_staff: bool,
    pub language: Option<String>,
    pub email_changed: Vec<String>,
    pub sms_changed: Vec<String>,
}

pub(crate) async fn user(db: &mut PgSession, id: Uuid) -> sqlx::Result<Option<UserFacts>> {
    sqlx::query_as!(
        UserFacts,
        r#"select u.email as "email?", u.name, u.email_verified_at is not null as "is_email_verified!", u.phone,
                  u.phone_verified_at is not null as "is_phone_verified!", u.disabled_at is not null as "is_disabled!",
                  u.organization_id, u.role in ('operator', 'admin') as "is_staff!",
                  coalesce(p.language, u.language) as "language?", coalesce(p.email_changed, '{}') as "email_changed!",
                  coalesce(p.sms_changed, '{}') as "sms_changed!"
           from users u left join notification_preferences p on p.user_id = u.id where u.id = $1"#,
        id,
    )
    .fetch_optional(db)
    .await
}

/// An address that is to be notified, and for whom it may be.
pub(crate) struct ContactFacts {
    pub address: String,
    /// The organizations for which it has agreed.
    pub agreed: Vec<Uuid>,
    pub refused: Vec<String>,
    /// Those of the bookings in question that name it.
    pub named_by: Vec<Uuid>,
    /// What it was called by its language when it was asked, or is by one of the bookings.
    pub language: Option<String>,
}

pub(crate) async fn contact(db: &mut PgSession, id: Uuid, bookings: &[Uuid]) -> sqlx::Result<Option<ContactFacts>> {
    sqlx::query_as!(
        ContactFacts,
        r#"select p.address,
                  array(select organization_id from contact_consents
                        where contact_point_id = p.id and status = 'AGREED') as "agreed!",
                  array(select type from contact_refusals where contact_point_id = p.id) as "refused!",
                  array(select c.booking_id from booking_contacts c
                        where c.booking_id = any($2)
                          and case p.kind when 'email' then lower(c.email) else c.phone end = p.address) as "named_by!",
                  coalesce((select c.language from booking_contacts c
                            where c.booking_id = any($2) and c.language is not null
                              and case p.kind when 'email' then lower(c.email) else c.phone end = p.address limit 1),
                           (select language from contact_consents
                            where contact_point_id = p.id and language is not null
                            order by asked_at desc limit 1)) as language
           from contact_points p where p.id = $1"#,
        id,
        bookings,
    )
    .fetch_optional(db)
    .await
}

/// A shipment, with a flight of it.
pub(crate) struct ShipmentFacts {
    pub n: i64,
    pub ref_id: String,
    pub awb_number: Option<String>,
    pub origin: AirportCode,
    pub destination: AirportCode,
    pub pieces: i32,
    pub weight_hg: i64,
    /// Of the hold that it was made of.
    pub product: Option<String>,
    pub special_handling_codes: Vec<HandlingCode>,
    pub status: String,
    pub needs_rerouting: bool,
    pub flight_id: Option<Uuid>,
    pub flight_number: Option<String>,
    pub flight_origin: Option<AirportCode>,
    pub flight_destination: Option<AirportCode>,
    pub departure_at: Option<DateTime<Utc>>,
    pub arrival_at: Option<DateTime<Utc>>,
    pub actual_departure_at: Option<DateTime<Utc>>,
    pub actual_arrival_at: Option<DateTime<Utc>>,
    pub cutoff_at: Option<DateTime<Utc>>,
    pub is_flight_cancelled: bool,
    /// The status of the booking's last leg on the flight.
    pub leg_status: Option<String>,
    /// The legs in force, in order, as far as they decide what the freight emits; `None` without any.
    pub carriages: Option<Json<Vec<Carriage>>>,
}

/// Returns shipments with the flights in question, or with the next flight where none is.
pub(crate) async fn shipments(
    db: &mut PgSession,
    bookings: &[Uuid],
    flights: &[Option<Uuid>],
) -> sqlx::Result<Vec<ShipmentFacts>> {
    sqlx::query_as!(
        ShipmentFacts,
        r#"select k.n as "n!", b.ref_id, b.awb_number,
                  b.origin as "origin: AirportCode", b.destination as "destination: AirportCode", b.pieces, b.weight_hg,
                  (select h.product from holds h where h.id = b.hold_id) as product,
                  b.special_handling_codes as "special_handling_codes: Vec<HandlingCode>",
                  b.status, b.needs_rerouting, f.id as "flight_id?", f.flight_number as "flight_number?",
                  f.origin as "flight_origin?: AirportCode", f.destination as "flight_destination?: AirportCode",
                  f.departure_at as "departure_at?", f.arrival_at as "arrival_at?", f.actual_departure_at,
                  f.actual_arrival_at, c.cutoff_at as "cutoff_at?",
                  coalesce(f.cancelled_at is not null, false) as "is_flight_cancelled!",
                  (select l.status from booking_legs l where l.booking_id = b.id and l.flight_id = f.id
                   order by l.sequence desc limit 1) as leg_status,
                  (select jsonb_agg(jsonb_build_object('origin', l.origin, 'destination', l.destination,
                                                       'aircraft', own.aircraft_code, 'is_freighter', own.is_freighter)
                                    order by l.sequence)
                   from booking_legs l join flights own on own.id = l.flight_id
                   where l.booking_id = b.id and l.status in ('BOOKED', 'DEPARTED', 'ARRIVED'))
                      as "carriages: Json<Vec<Carriage>>"
           from unnest($1::uuid[], $2::uuid[]) with ordinality as k (booking_id, flight_id, n)
           join bookings b on b.id = k.booking_id
           left join flights f on f.id = coalesce(k.flight_id,
               (select l.flight_id from booking_legs l
                where l.booking_id = b.id and l.status in ('BOOKED', 'DEPARTED', 'ARRIVED')
                order by l.status <> 'BOOKED', l.sequence limit 1))
           left join flight_capacity c on c.flight_id = f.id
           order by k.n"#,
        bookings,
        flights as &[Option<Uuid>],
    )
    .fetch_all(db)
    .await
}

/// A hold, or the offer of a waitlist entry.
pub(crate) struct HoldFacts {
    pub subject_id: Uuid,
    pub origin: AirportCode,
    pub destination: AirportCode,
    pub weight_hg: i64,
    pub expires_at: DateTime<Utc>,
    /// It keeps space, and nothing is under way.
    pub is_open: bool,
    pub flight_number: Option<String>,
    pub departure_at: Option<DateTime<Utc>>,
}

pub(crate) async fn holds(db: &mut PgSession, ids: &[Uuid]) -> sqlx::Result<Vec<HoldFacts>> {
    sqlx::query_as!(
        HoldFacts,
        r#"select h.id as "subject_id!", h.origin as "origin: AirportCode", h.destination as "destination: AirportCode",
                  h.weight_hg, h.expires_at, h.status = 'ACTIVE' as "is_open!", l.flight_number as "flight_number?",
                  l.departure_at as "departure_at?"
           from holds h left join hold_legs l on l.hold_id = h.id and l.sequence = 1
           where h.id = any($1)"#,
        ids,
    )
    .fetch_all(db)
    .await
}

/// Returns the offers of these entries of the waitlist.
pub(crate) async fn offers(db: &mut PgSession, ids: &[Uuid]) -> sqlx::Result<Vec<HoldFacts>> {
    sqlx::query_as!(
        HoldFacts,
        r#"select w.id as "subject_id!", h.origin as "origin: AirportCode", h.destination as "destination: AirportCode",
                  h.weight_hg, h.expires_at, w.status = 'OFFERED' and h.status = 'ACTIVE' as "is_open!",
                  l.flight_number as "flight_number?", l.departure_at as "departure_at?"
           from waitlist_entries w join holds h on h.id = w.hold_id
           left join hold_legs l on l.hold_id = h.id and l.sequence = 1
           where w.id = any($1)"#,
        ids,
    )
    .fetch_all(db)
    .await
}

/// A webhook.
pub(crate) struct WebhookFacts {
    pub id: Uuid,
    pub url: String,
    pub status: String,
    pub disabled_reason: Option<String>,
}

pub(crate) async fn webhooks(db: &mut PgSession, ids: &[Uuid]) -> sqlx::Result<Vec<WebhookFacts>> {
    sqlx::query_as!(
        WebhookFacts,
        "select id, url, status, coalesce(ended_because, disabled_reason) as disabled_reason
         from webhooks where id = any($1) and deleted_at is null",
        ids,
    )
    .fetch_all(db)
    .await
}

/// A payment.
pub(crate) struct PaymentFacts {
    pub id: Uuid,
    pub booking_ref: Option<String>,
    pub status: String,
    pub currency: String,
    pub amount: i64,
    pub captured: i64,
    pub refunded: i64,
}

pub(crate) async fn payments(db: &mut PgSession, ids: &[Uuid]) -> sqlx::Result<Vec<PaymentFacts>> {
    sqlx::query_as!(
        PaymentFacts,
        "select id, booking_ref, status, currency, amount, captured, refunded from payments where id = any($1)",
        ids,
    )
    .fetch_all(db)
    .await
}

/// A feed, with why its last run failed.
pub(crate) struct FeedFacts {
    pub id: Uuid,
    pub name: String,
    pub is_failing: bool,
    pub failures: i32,
    pub because: Option<String>,
}

pub(crate) async fn feeds(db: &mut PgSession, ids: &[Uuid]) -> sqlx::Result<Vec<FeedFacts>> {
    sqlx::query_as!(
        FeedFacts,
        r#"select f.id, f.name, f.status = 'FAILING' as "is_failing!", f.failures,
                  (select r.because from feed_runs r where r.feed_id = f.id and r.status = 'FAILED'
                   order by r.id desc limit 1) as because
           from feeds f where f.id = any($1) and f.deleted_at is null"#,
        ids,
    )
    .fetch_all(db)
    .await
}

/// An alert, with what its last check found.
pub(crate) struct AlertFacts {
    pub id: Uuid,
    pub origin: AirportCode,
    pub destination: AirportCode,
    pub weight_hg: i64,
    pub volume_l: Option<i64>,
    pub special_handling_codes: Vec<String>,
    pub is_true: bool,
    pub found_date: Option<NaiveDate>,
    pub found_amount: Option<i64>,
    pub found_currency: Option<String>,
}

pub(crate) async fn alerts(db: &mut PgSession, ids: &[Uuid]) -> sqlx::Result<Vec<AlertFacts>> {
    sqlx::query_as!(
        AlertFacts,
        r#"select id, origin as "origin: AirportCode", destination as "destination: AirportCode", weight_hg, volume_l,
                  special_handling_codes, is_met and status = 'ACTIVE' as "is_true!", found_date, found_amount, found_currency
           from alerts where id = any($1) and deleted_at is null"#,
        ids,
    )
    .fetch_all(db)
    .await
}
