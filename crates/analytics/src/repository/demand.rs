use loadmaster_kernel::AirportCode;
use loadmaster_platform::postgres::PgSession;

use crate::model::{DemandSums, FigurePosition, Scope};

/// Returns the searches that were asked on these dates, those that are kept as sums of days, too.
pub(crate) async fn demand(db: &mut PgSession, scope: &Scope) -> sqlx::Result<Vec<(FigurePosition, DemandSums)>> {
    let rows = sqlx::query_file!(
        "src/repository/demand.sql",
        scope.group,
        scope.by.as_str(),
        scope.span.from,
        scope.span.to,
        scope.origin.as_ref().map(AirportCode::as_str),
        scope.destination.as_ref().map(AirportCode::as_str),
        scope.limit,
    );
    let rows = rows.fetch_all(db).await?.into_iter().map(|row| {
        let sums = DemandSums { searches: row.searches, options: row.options, bookable: row.bookable };
        (FigurePosition::of(row.is_total, row.time, row.place, row.name), sums)
    });
    Ok(rows.collect())
}
