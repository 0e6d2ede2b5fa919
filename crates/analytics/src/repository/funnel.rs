use loadmaster_kernel::{AirlineCode, AirportCode, OrganizationId};
use loadmaster_platform::postgres::PgSession;

use crate::model::{FigurePosition, FunnelSums, Offsets, Scope, Step};

/// Returns the searches, quotes, holds and bookings made in the span. Of searches only the lane is known: other filters leave all
/// of them out. Holds of allotments are left out: nobody made them to book. Each is
/// of the airline of its first leg.
pub(crate) async fn funnel(
    db: &mut PgSession,
    scope: &Scope,
    offsets: &Offsets,
) -> sqlx::Result<Vec<(FigurePosition, FunnelSums)>> {
    let (from, to) = scope.span.instants();
    let rows = sqlx::query_file!(
        "src/repository/funnel.sql",
        &offsets.zones as &[&str],
        &offsets.starts,
        &offsets.ends,
        &offsets.seconds,
        from,
        to,
        scope.group,
        scope.origin.as_ref().map(AirportCode::as_str),
        scope.destination.as_ref().map(AirportCode::as_str),
        scope.airline.as_ref().map(AirlineCode::as_str),
        scope.product,
        scope.organization.map(OrganizationId::uuid),
        scope.by.as_str(),
        scope.span.from,
        scope.span.to,
        scope.limit,
    );
    let rows = rows.fetch_all(db).await?.into_iter().map(|row| {
        let sums = FunnelSums {
            searches: Step { made: row.searches, done: row.bookable },
            quotes: Step { made: row.quotes, done: row.taken },
            holds: Step { made: row.holds, done: row.committed },
            bookings: Step { made: row.bookings, done: row.delivered },
        };
        (FigurePosition::of(row.is_total, row.time, row.place, row.name), sums)
    });
    Ok(rows.collect())
}
