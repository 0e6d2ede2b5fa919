use chrono::{DateTime, Utc};
use loadmaster_kernel::{AirlineCode, AirportCode, Positions, Volume, Weight};
use loadmaster_platform::postgres::PgSession;

use crate::model::{Carried, FigurePosition, FlightSums, Punctuality, Scope};

/// Returns the flights on the schedule of these dates. What is booked on a flight does not change after its departure: what
/// was left behind has given its space back, and what is cancelled in the air has not.
pub(crate) async fn flights(
    db: &mut PgSession,
    scope: &Scope,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<(FigurePosition, FlightSums)>> {
    let rows = sqlx::query_file!(
        "src/repository/flights.sql",
        scope.group,
        scope.by.as_str(),
        scope.span.from,
        scope.span.to,
        scope.origin.as_ref().map(AirportCode::as_str),
        scope.destination.as_ref().map(AirportCode::as_str),
        scope.airline.as_ref().map(AirlineCode::as_str),
        scope.limit,
        now,
    );
    let rows = rows.fetch_all(db).await?.into_iter().map(|row| {
        let sums = FlightSums {
            flights: row.flights,
            cancelled: row.cancelled,
            departed: Punctuality {
                flights: row.departed,
                on_time: row.departed_on_time,
                delay_seconds: row.departed_late,
            },
            arrived: Punctuality {
                flights: row.arrived,
                on_time: row.arrived_on_time,
                delay_seconds: row.arrived_late,
            },
            capacity: Carried { weight: row.capacity_hg, volume: row.capacity_l, positions: row.capacity_positions },
            carried: Carried { weight: row.carried_hg, volume: row.carried_l, positions: row.carried_positions },
            held: Carried { weight: row.held_hg, volume: row.held_l, positions: row.held_positions },
            available: Carried {
                weight: row.available_hg,
                volume: row.available_l,
                positions: row.available_positions,
            },
        };
        (FigurePosition::of(row.is_total, row.time, row.place, row.name), sums)
    });
    Ok(rows.collect())
}
