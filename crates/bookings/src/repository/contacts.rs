//! Contacts of bookings; until a hold that has some becomes a booking, they lie under the id of the hold.
use loadmaster_kernel::{BookingId, HoldId, from_column};
use loadmaster_platform::postgres::{PgSession, column};
use loadmaster_shipment::{BookingContact, ContactRole, ContactTopic};
use sqlx::types::Json;
use uuid::Uuid;

struct Row {
    name: String,
    role: String,
    email: Option<String>,
    phone: Option<String>,
    language: Option<String>,
    types: Vec<String>,
}

impl TryFrom<Row> for BookingContact {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> sqlx::Result<Self> {
        let Row { name, role, email, phone, language, types } = row;
        let types = types.iter().map(|word| from_column(ContactTopic::WORDS, word)).collect::<sqlx::Result<_>>()?;
        Ok(Self { name, role: from_column(ContactRole::WORDS, &role)?, email, phone, language, types })
    }
}

pub(crate) async fn of_booking(db: &mut PgSession, booking: BookingId) -> sqlx::Result<Vec<BookingContact>> {
    let rows = sqlx::query_as!(
        Row,
        "select name, role, email, phone, language, types from booking_contacts where booking_id = $1 order by position",
        booking.uuid(),
    );
    rows.fetch_all(db).await?.into_iter().map(BookingContact::try_from).collect()
}

pub(crate) async fn insert(db: &mut PgSession, given: &[(Uuid, Vec<BookingContact>)]) -> sqlx::Result<()> {
    let all: Vec<(Uuid, i32, &BookingContact)> = given
        .iter()
        .flat_map(|(owner, contacts)| (1..).zip(contacts).map(|(position, contact)| (*owner, position, contact)))
        .collect();
    let types = |contact: &BookingContact| Json(contact.types.iter().map(|word| word.as_str()).collect::<Vec<_>>());
    sqlx::query!(
        "insert into booking_contacts (booking_id, position, name, role, email, phone, language, types)
         select c.booking_id, c.position, c.name, c.role, c.email, c.phone, c.language,
                array(select jsonb_array_elements_text(c.types))
         from unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::jsonb[])
              as c (booking_id, position, name, role, email, phone, language, types)",
        &column(&all, |(owner, ..)| *owner),
        &column(&all, |(_, position, _)| *position),
        &column(&all, |(.., contact)| contact.name.as_str()) as &[&str],
        &column(&all, |(.., contact)| contact.role.as_str()) as &[&str],
        &column(&all, |(.., contact)| contact.email.as_deref()) as &[Option<&str>],
        &column(&all, |(.., contact)| contact.phone.as_deref()) as &[Option<&str>],
        &column(&all, |(.., contact)| contact.language.as_deref()) as &[Option<&str>],
        &column(&all, |(.., contact)| types(contact)) as &[Json<Vec<&str>>],
    )
    .execute(db)
    .await
    .map(drop)
}

/// Gives the contacts of holds to their bookings.
pub(crate) async fn hand_over(db: &mut PgSession, booked: &[(HoldId, BookingId)]) -> sqlx::Result<()> {
    sqlx::query!(
        "update booking_contacts c set booking_id = b.booking_id
         from unnest($1::uuid[], $2::uuid[]) as b (hold_id, booking_id) where c.booking_id = b.hold_id",
        &column(booked, |(hold, _)| hold.uuid()),
        &column(booked, |(_, booking)| booking.uuid()),
    )
    .execute(db)
    .await
    .map(drop)
}

/// Returns the bookings that had any.
pub(crate) async fn delete(db: &mut PgSession, bookings: &[Uuid]) -> sqlx::Result<Vec<Uuid>> {
    let deleted =
        sqlx::query_scalar!("delete from booking_contacts where booking_id = any($1) returning booking_id", bookings);
    deleted.fetch_all(db).await
}
