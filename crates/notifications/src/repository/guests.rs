//! Guests who booked, and the letters to them.
use chrono::{DateTime, Utc};
use loadmaster_platform::postgres::PgSession;
use uuid::Uuid;

/// A booking of a guest, with the address that the guest gave.
#[derive(Debug)]
pub(crate) struct GuestBooking {
    pub booking_id: Uuid,
    pub ref_id: String,
    pub organization_id: Uuid,
    pub guest: Uuid,
    pub email: String,
}

/// Returns those of the bookings that a guest made and that name its address; a claimed one names none.
pub(crate) async fn booked(db: &mut PgSession, bookings: &[Uuid]) -> sqlx::Result<Vec<GuestBooking>> {
    sqlx::query_as!(
        GuestBooking,
        r#"select b.id as booking_id, b.ref_id, b.organization_id, b.created_by as guest, t.contact ->> 'email' as "email!"
           from unnest($1::uuid[]) as c (id)
           cross join lateral (select * from bookings b where b.id = c.id limit 1) b
           cross join lateral (select u.role from users u where u.id = b.created_by limit 1) u
           join hold_texts t on t.hold_id = b.hold_id
           where u.role = 'guest' and t.contact ->> 'email' is not null
           order by b.id"#,
        bookings,
    )
    .fetch_all(db)
    .await
}

/// Returns the number of letters that were written for an address since then and not suppressed, by its digest.
pub(crate) async fn letters_to(db: &mut PgSession, address_hash: &str, since: DateTime<Utc>) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "letters!" from notifications
           where type = 'guest_booking' and data ->> 'address_hash' = $1 and created_at > $2
             and status <> 'SUPPRESSED'"#,
        address_hash,
        since,
    )
    .fetch_one(db)
    .await
}
