use futures_util::TryStreamExt;
use loadmaster_kernel::FlightId;
use loadmaster_platform::{
    audit::{Audit, Breach, Findings, Rule, Scope, Watch},
    postgres::{DbError, PgSession},
};
use uuid::Uuid;

use super::{
    FLIGHT,
    model::ledger::{LedgerFault, LedgerReplay},
    repository,
};

/// Capacity, booked and held: weight, volume and positions of each.
const FIGURES: [&str; 9] = [
    "capacity_weight_hg",
    "capacity_volume_l",
    "capacity_positions",
    "booked_weight_hg",
    "booked_volume_l",
    "booked_positions",
    "held_weight_hg",
    "held_volume_l",
    "held_positions",
];

/// Number of ledger entries between two progress reports.
const EVERY: u64 = 10_000;

/// Replayed from the start, each ledger entry leaves the state that it records.
const SOLD: Rule = Rule::new(1, "no flight was ever oversold");
/// Ledgers are numbered without gaps, and each flight's row matches the state that the last entry left.
const CURRENT: Rule = Rule::new(2, "flights match their ledgers");

pub(super) const AUDIT: Audit = Audit {
    rules: &[SOLD, CURRENT],
    run: |snapshot, scope, watch| Box::pin(audit(snapshot, scope, watch)),
    subjects: &[],
};

#[derive(Debug, Default)]
struct CapacityFindings {
    sold: Findings,
    current: Findings,
}

/// Replays the flights' ledgers from the start, one entry at a time, and compares the result with the flights' rows.
async fn audit(snapshot: &mut PgSession, scope: &Scope, watch: Watch<'_>) -> Result<Vec<(Rule, Findings)>, DbError> {
    if scope.leaves_out(FLIGHT) {
        return Ok(Vec::new());
    }
    let flights = scope.of(FLIGHT);
    let mut found = CapacityFindings::default();
    replay(snapshot, flights, watch, &mut found).await?;
    compare(snapshot, flights, &mut found.current).await?;
    Ok(vec![(SOLD, found.sold), (CURRENT, found.current)])
}

/// Returns whether a flight has anything to audit.
pub async fn has_ledger(snapshot: &mut PgSession, flight: FlightId) -> Result<bool, DbError> {
    Ok(repository::audit::is_known(snapshot, flight.uuid()).await?)
}

async fn replay(
    snapshot: &mut PgSession,
    flights: Option<&[Uuid]>,
    watch: Watch<'_>,
    found: &mut CapacityFindings,
) -> Result<(), DbError> {
    let mut replay = LedgerReplay::default();
    let mut ledgers = repository::audit::ledgers(snapshot, flights);
    while let Some(entry) = ledgers.try_next().await? {
        for fault in replay.step(&entry) {
            let key: [(_, &dyn std::fmt::Display); 2] = [("flight_id", &entry.flight_id), ("seq", &entry.seq)];
            let breach = Breach::of("capacity_ledger", key, fault.to_string());
            match fault {
                LedgerFault::OutOfSequence { .. } => found.current.add(breach),
                _ => found.sold.add(breach),
            }
        }
        if replay.entries().is_multiple_of(EVERY) {
            watch("ledger entries", replay.entries());
        }
    }
    found.sold.has_checked("ledger entries", replay.entries());
    found.sold.has_checked("flights", replay.flights());
    Ok(())
}

async fn compare(snapshot: &mut PgSession, flights: Option<&[Uuid]>, current: &mut Findings) -> Result<(), DbError> {
    let count = repository::audit::count(snapshot, flights).await?;
    current.has_checked("flights", u64::try_from(count).unwrap_or_default());
    let mut mismatches = repository::audit::mismatches(snapshot, flights);
    while let Some(row) = mismatches.try_next().await? {
        current.add(Breach::of("flight_capacity", [("flight_id", &row.flight_id)], difference(&row)));
    }
    drop(mismatches);
    let mut rowless = repository::audit::rowless(snapshot, flights);
    while let Some(flight) = rowless.try_next().await? {
        current.add(Breach::of(
            "capacity_ledger",
            [("flight_id", &flight)],
            "this flight has ledger entries and no row",
        ));
    }
    Ok(())
}

fn difference(row: &repository::audit::Mismatch) -> String {
    let (Some(last), Some(left)) = (row.last_seq, &row.left) else {
        return "this flight has no ledger".to_owned();
    };
    let number = (row.ledger_seq != last).then(|| format!("ledger_seq is {} instead of {last}", row.ledger_seq));
    let figures = FIGURES.iter().zip(row.row.iter().zip(left)).filter(|(_, (is, left))| is != left);
    let figures = figures.map(|(name, (is, left))| format!("{name} is {is} instead of {left}"));
    let differences: Vec<String> = number.into_iter().chain(figures).collect();
    format!("{}, by the last ledger entry", differences.join(", "))
}
