use chrono::TimeDelta;
use loadmaster_kernel::{AirlineCode, AirportCode, OrganizationId};
use loadmaster_platform::postgres::PgSession;

use crate::model::{FigurePosition, Offsets, Percentiles, Scope, TransitSums};

/// How long before its arrival a shipment was booked at most.
const BOOKED_BEFORE: TimeDelta = TimeDelta::days(400);
/// How long after its arrival a shipment was booked at most: what has moved already is written down later.
const BOOKED_AFTER: TimeDelta = TimeDelta::days(31);

/// Returns the shipments that have arrived at their destinations on these dates. Plans are those of the first event, times
/// those of the movements.
pub(crate) async fn transit(
    db: &mut PgSession,
    scope: &Scope,
    offsets: &Offsets,
) -> sqlx::Result<Vec<(FigurePosition, TransitSums)>> {
    let (from, to) = scope.span.instants();
    let rows = sqlx::query_file!(
        "src/repository/transit.sql",
        &offsets.zones as &[&str],
        &offsets.starts,
        &offsets.ends,
        &offsets.seconds,
        from,
        from - BOOKED_BEFORE,
        to + BOOKED_AFTER,
        to,
        scope.origin.as_ref().map(AirportCode::as_str),
        scope.destination.as_ref().map(AirportCode::as_str),
        scope.organization.map(OrganizationId::uuid),
        scope.airline.as_ref().map(AirlineCode::as_str),
        scope.product,
        scope.group,
        scope.by.as_str(),
        scope.span.from,
        scope.span.to,
        scope.limit,
    );
    let rows = rows.fetch_all(db).await?.into_iter().map(|row| {
        let sums = TransitSums {
            shipments: row.shipments,
            planned: Percentiles::of(row.planned.as_deref()),
            actual: Percentiles::of(row.actual.as_deref()),
            late: row.late,
            as_booked: row.as_booked,
        };
        (FigurePosition::of(row.is_total, row.time, row.place, row.name), sums)
    });
    Ok(rows.collect())
}
