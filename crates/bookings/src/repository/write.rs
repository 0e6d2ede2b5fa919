use std::collections::HashSet;

use loadmaster_kernel::{AwbNumber, BookingId, HandlingCode, KeptDimensions};
use loadmaster_platform::postgres::{PgSession, column};
use sqlx::{PgConnection, types::Json};

use crate::model::Booking;

/// Reserves this many blocks and returns their numbers.
pub(crate) async fn next_reference_blocks(db: &mut PgSession, blocks: i32) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(r#"select nextval('booking_ref_blocks') as "number!" from generate_series(1, $1)"#, blocks)
        .fetch_all(db)
        .await
}

/// Makes sure that the next blocks to be reserved come this many later.
pub(crate) async fn skip_reference_blocks(owner: &mut PgConnection, blocks: i64) -> sqlx::Result<()> {
    let skip = "select setval('booking_ref_blocks', last_value + $1) from booking_ref_blocks";
    sqlx::query(skip).bind(blocks).execute(owner).await.map(drop)
}

/// An air waybill and the booking that has it.
pub(crate) type Claim = (AwbNumber, BookingId);

/// Claims air waybills, which are in ascending order, for these bookings; returns the bookings that got theirs. Waits for
/// uncommitted bookings with the same numbers.
pub(crate) async fn claim_awbs(db: &mut PgSession, claims: &[Claim]) -> sqlx::Result<HashSet<BookingId>> {
    let claimed = sqlx::query_scalar!(
        "insert into awb_claims (awb_number, booking_id)
         select c.awb_number, c.booking_id
         from unnest($1::text[], $2::uuid[]) with ordinality as c (awb_number, booking_id, place)
         order by c.place
         on conflict (awb_number) do nothing
         returning booking_id",
        &column(claims, |(awb, _)| awb.as_str().to_owned()),
        &column(claims, |(_, booking)| booking.uuid()),
    );
    Ok(claimed.fetch_all(db).await?.into_iter().map(BookingId::from).collect())
}

/// Gives these claims back.
pub(crate) async fn free_awbs(db: &mut PgSession, claims: &[Claim]) -> sqlx::Result<()> {
    let freed = sqlx::query!(
        "delete from awb_claims a using unnest($1::text[], $2::uuid[]) as c (awb_number, booking_id)
         where a.awb_number = c.awb_number and a.booking_id = c.booking_id",
        &column(claims, |(awb, _)| awb.as_str().to_owned()),
        &column(claims, |(_, booking)| booking.uuid()),
    );
    freed.execute(db).await.map(drop)
}

/// Joins the codes of one booking into one text: arrays of arrays cannot be unnested.
pub(super) fn joined(codes: &[HandlingCode]) -> String {
    codes.iter().map(HandlingCode::as_str).collect::<Vec<_>>().join(",")
}

/// Returns the dimensions of a booking as its column has them.
pub(super) fn dimensions(booking: &Booking) -> Option<Json<KeptDimensions>> {
    booking.dimensions.as_ref().map(|dimensions| Json(dimensions.into()))
}

/// Writes a booking's current free text and personal data.
pub(crate) async fn save_texts(db: &mut PgSession, booking: &Booking) -> sqlx::Result<()> {
    let texts = &booking.texts;
    sqlx::query!(
        "insert into booking_texts (booking_id, description, customer_reference, shipper, consignee)
         values ($1, $2, $3, $4, $5)
         on conflict (booking_id) do update
         set description = excluded.description, customer_reference = excluded.customer_reference,
             shipper = excluded.shipper, consignee = excluded.consignee",
        booking.id.uuid(),
        texts.description.as_deref(),
        texts.customer_reference.as_deref(),
        texts.shipper.as_ref().map(Json) as Option<Json<_>>,
        texts.consignee.as_ref().map(Json) as Option<Json<_>>,
    )
    .execute(db)
    .await
    .map(drop)
}
