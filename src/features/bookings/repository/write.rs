use sqlx::types::Json;

use crate::{
    features::bookings::model::Booking,
    kernel::{AwbNumber, BookingId, HandlingCode},
    platform::postgres::PgSession,
};

pub(in crate::features::bookings) async fn next_reference_block(db: &mut PgSession) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select nextval('booking_ref_blocks') as "number!""#).fetch_one(db).await
}

/// Claims the air waybill; returns whether it now belongs to this booking. Waits for an uncommitted booking with the
/// same number.
pub(in crate::features::bookings) async fn claim_awb(
    db: &mut PgSession,
    awb: &AwbNumber,
    booking: BookingId,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into awb_claims (awb_number, booking_id) values ($1, $2) on conflict (awb_number) do nothing",
        awb.as_str(),
        booking.uuid(),
    );
    Ok(done.execute(db).await?.rows_affected() == 1)
}

pub(in crate::features::bookings) async fn free_awb(
    db: &mut PgSession,
    awb: &AwbNumber,
    booking: BookingId,
) -> sqlx::Result<()> {
    let freed =
        sqlx::query!("delete from awb_claims where awb_number = $1 and booking_id = $2", awb.as_str(), booking.uuid());
    freed.execute(db).await.map(drop)
}

/// Returns one column of these rows, as an array that a statement unnests.
pub(super) fn column<R, T>(rows: &[R], of: impl Fn(&R) -> T) -> Vec<T> {
    rows.iter().map(of).collect()
}

/// Joins the codes of one booking into one text: arrays of arrays cannot be unnested.
pub(super) fn joined(codes: &[HandlingCode]) -> String {
    codes.iter().map(HandlingCode::as_str).collect::<Vec<_>>().join(",")
}

/// Writes a booking's current free text and personal data.
pub(in crate::features::bookings) async fn save_texts(db: &mut PgSession, booking: &Booking) -> sqlx::Result<()> {
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
