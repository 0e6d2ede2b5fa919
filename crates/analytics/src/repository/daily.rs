use std::collections::BTreeMap;

use loadmaster_kernel::{Currency, Weight};
use loadmaster_platform::postgres::PgSession;

use crate::model::{DailySums, FigurePosition, Offsets, Scope};

/// Returns what was searched, quoted, held and booked on these dates at its origin, and who registered on them (UTC), in several
/// rows of each place. Holds of allotments are left out: nobody made them to book.
pub(crate) async fn daily(
    db: &mut PgSession,
    scope: &Scope,
    offsets: &Offsets,
) -> sqlx::Result<Vec<(FigurePosition, DailySums)>> {
    let (from, to) = scope.span.instants();
    let rows = sqlx::query_file!(
        "src/repository/daily.sql",
        &offsets.zones as &[&str],
        &offsets.starts,
        &offsets.ends,
        &offsets.seconds,
        from,
        to,
        scope.by.as_str(),
        scope.span.from,
        scope.span.to,
    );
    let rows = rows.fetch_all(db).await?.into_iter().map(|row| {
        let currency = row.currency;
        let currency =
            currency.map(|code| code.parse::<Currency>().map_err(|fault| sqlx::Error::Decode(fault.message.into())));
        let revenue: BTreeMap<Currency, i64> =
            currency.transpose()?.map(|currency| (currency, row.minor)).into_iter().collect();
        let sums = DailySums {
            searches: row.searches,
            took_us: row.took_us,
            cache_hits: row.cache_hits,
            quotes: row.quotes,
            holds: row.holds,
            bookings: row.bookings,
            cancelled: row.cancelled,
            delivered: row.delivered,
            weight: row.weight_hg,
            revenue,
            new_users: row.new_users,
            active_users: row.active_users,
        };
        Ok((FigurePosition::of(row.is_total, row.period, None, None), sums))
    });
    rows.collect()
}
