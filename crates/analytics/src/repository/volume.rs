use std::collections::BTreeMap;

use loadmaster_kernel::{AirlineCode, AirportCode, Currency, EmissionFactor, OrganizationId, Weight};
use loadmaster_platform::postgres::PgSession;
use loadmaster_reference::ClassFactors;

use crate::model::{FigurePosition, Offsets, Scope, Sold, VolumeSums};

/// Returns the bookings made in the span, one row for each currency. The span before is moved onto this one, so that each
/// period has the weight of the one that corresponds to it. A booking is of the airline of its first leg.
pub(crate) async fn volume(
    db: &mut PgSession,
    scope: &Scope,
    offsets: &Offsets,
    factors: ClassFactors,
) -> sqlx::Result<Vec<(FigurePosition, VolumeSums)>> {
    let before = scope.span.before();
    let ((from, _), (_, to)) = (before.instants(), scope.span.instants());
    let rows = sqlx::query_file!(
        "src/repository/volume.sql",
        &offsets.zones as &[&str],
        &offsets.starts,
        &offsets.ends,
        &offsets.seconds,
        scope.group,
        scope.by.as_str(),
        before.from,
        scope.span.from,
        scope.span.to,
        from,
        to,
        scope.origin.as_ref().map(AirportCode::as_str),
        scope.destination.as_ref().map(AirportCode::as_str),
        scope.airline.as_ref().map(AirlineCode::as_str),
        scope.product,
        scope.organization.map(OrganizationId::uuid),
        scope.limit,
        factors.long_haul_km,
        factors.belly.short.map(EmissionFactor::ten_thousandths),
        factors.belly.long.map(EmissionFactor::ten_thousandths),
        factors.freighter.short.map(EmissionFactor::ten_thousandths),
        factors.freighter.long.map(EmissionFactor::ten_thousandths),
    );
    let rows = rows.fetch_all(db).await?.into_iter().map(|row| {
        let currency = row.currency.filter(|_| row.bookings > 0);
        let currency =
            currency.map(|code| code.parse::<Currency>().map_err(|fault| sqlx::Error::Decode(fault.message.into())));
        let currency = currency.transpose()?;
        let revenue: BTreeMap<Currency, i64> = currency.map(|currency| (currency, row.minor)).into_iter().collect();
        let co2e = row.co2e.map(|exact| exact.parse::<i128>().map_err(|error| sqlx::Error::Decode(error.into())));
        let sold = Sold { minor: row.agreed, chargeable: row.chargeable_hg };
        let sums = VolumeSums {
            bookings: row.bookings,
            cancelled: row.cancelled,
            pieces: row.pieces,
            weight: row.weight_hg,
            chargeable: row.chargeable_hg,
            weight_before: row.before_hg,
            co2e: co2e.transpose()?,
            revenue,
            sold: currency.map(|currency| (currency, sold)).into_iter().collect(),
        };
        Ok((FigurePosition::of(row.is_total, row.period, row.rank, row.key), sums))
    });
    rows.collect()
}
