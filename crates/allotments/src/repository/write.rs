use loadmaster_kernel::{AirlineCode, AirportCode, FlightNumber};
use loadmaster_platform::postgres::PgSession;

use crate::model::Allotment;

pub(crate) async fn insert(db: &mut PgSession, new: &Allotment) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into allotments (id, organization_id, name, airline_code, flight_number, origin, destination, weekdays,
                                 date_from, date_to, weight_hg, volume_l, volume_defaulted, positions, release_hours,
                                 created_by, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17)",
        new.id.uuid(),
        new.organization_id.uuid(),
        new.name,
        new.airline_code as Option<AirlineCode>,
        new.flight_number.as_ref().map(FlightNumber::as_str),
        new.origin as AirportCode,
        new.destination as AirportCode,
        &new.weekdays,
        new.date_from,
        new.date_to,
        new.space.weight.hectograms(),
        new.space.volume.litres(),
        new.volume_defaulted,
        new.space.positions.count(),
        new.release_hours,
        new.created_by.uuid(),
        new.created_at,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Writes a changed allotment, whose row the caller has locked.
pub(crate) async fn save(db: &mut PgSession, now: &Allotment) -> sqlx::Result<()> {
    sqlx::query!(
        "update allotments
         set name = $2, airline_code = $3, flight_number = $4, origin = $5, destination = $6, weekdays = $7,
             date_from = $8, date_to = $9, weight_hg = $10, volume_l = $11, volume_defaulted = $12, positions = $13,
             release_hours = $14, revision = $15, version = $16, updated_at = $17, deleted_at = $18
         where id = $1",
        now.id.uuid(),
        now.name,
        now.airline_code as Option<AirlineCode>,
        now.flight_number.as_ref().map(FlightNumber::as_str),
        now.origin as AirportCode,
        now.destination as AirportCode,
        &now.weekdays,
        now.date_from,
        now.date_to,
        now.space.weight.hectograms(),
        now.space.volume.litres(),
        now.volume_defaulted,
        now.space.positions.count(),
        now.release_hours,
        now.revision,
        now.version,
        now.updated_at,
        now.deleted_at,
    )
    .execute(db)
    .await
    .map(drop)
}
