use std::collections::HashMap;

use loadmaster_capacity::{FLIGHT, FlightCapacity};
use loadmaster_kernel::FlightId;
use loadmaster_platform::{
    audit::{Audit, Breach, Findings, Rule, Scope, Watch, differences},
    postgres::{DbError, PgSession},
};
use uuid::Uuid;

use super::{
    model::replay::{self, PastEvent, RebuiltFlight},
    repository,
};

/// Number of flights replayed at a time: only these are held in memory.
const PAGE: i64 = 500;

pub(super) const AUDIT: Audit = Audit {
    rules: &[Rule::MESSAGES, Rule::REBUILT],
    run: |snapshot, scope, watch| Box::pin(audit(snapshot, scope, watch)),
    subjects: &[],
};

/// Audits flights' histories, and their messages in the outbox.
async fn audit(snapshot: &mut PgSession, scope: &Scope, watch: Watch<'_>) -> Result<Vec<(Rule, Findings)>, DbError> {
    let mut found = Vec::new();
    if !scope.leaves_out(FLIGHT) {
        let mut of_messages = Findings::default();
        messages(snapshot, scope, &mut of_messages).await?;
        found.push((Rule::MESSAGES, of_messages));
        if scope.rebuild {
            let mut rebuilt = Findings::default();
            rebuild_all(snapshot, scope.of(FLIGHT), watch, &mut rebuilt).await?;
            found.push((Rule::REBUILT, rebuilt));
        }
    }
    Ok(found)
}

/// Rebuilds these flights from their events and ledgers, by id; leaves out those without events or with unreadable
/// ones.
pub async fn replay(snapshot: &mut PgSession, flights: &[FlightId]) -> Result<Vec<RebuiltFlight>, DbError> {
    let ids: Vec<Uuid> = flights.iter().map(|id| id.uuid()).collect();
    Ok(replay_page(snapshot, &ids).await?.into_iter().filter_map(|(_, (rebuilt, _))| rebuilt).collect())
}

type Replayed = (FlightId, (Option<RebuiltFlight>, Vec<replay::Contradiction>));

async fn replay_page(snapshot: &mut PgSession, ids: &[Uuid]) -> Result<Vec<Replayed>, DbError> {
    let events = repository::audit::past_events(snapshot, ids).await?;
    let sums = repository::audit::ledger_sums(snapshot, ids).await?;
    let each = events.chunk_by(|(one, _), (next, _)| one == next).filter_map(|own| {
        let (id, _) = own.first()?;
        let events: Vec<PastEvent> = own.iter().map(|(_, event)| event.clone()).collect();
        Some((*id, replay::replay(*id, &events, sums.get(id).copied().unwrap_or_default())))
    });
    Ok(each.collect())
}

async fn messages(snapshot: &mut PgSession, scope: &Scope, findings: &mut Findings) -> Result<(), DbError> {
    let only = scope.of(FLIGHT);
    let count = repository::audit::count_messages(snapshot, only).await?;
    findings.has_checked("messages of flights", u64::try_from(count).unwrap_or_default());
    let missing = repository::audit::missing_messages(snapshot, only, scope.messages_since);
    findings.add_missing_messages(("flight_events", "flight_id"), missing).await?;
    findings.add_stray_messages(repository::audit::stray_messages(snapshot, only)).await
}

async fn rebuild_all(
    snapshot: &mut PgSession,
    only: Option<&[Uuid]>,
    watch: Watch<'_>,
    findings: &mut Findings,
) -> Result<(), DbError> {
    let (mut after, mut seen) = (Uuid::nil(), 0);
    loop {
        let ids = repository::audit::page(snapshot, only, after, PAGE).await?;
        let Some(last) = ids.last() else { return Ok(()) };
        after = *last;
        let mut rows = rows(snapshot, &ids).await?;
        findings.has_checked("flights", u64::try_from(ids.len()).unwrap_or_default());
        for (id, (rebuilt, wrong)) in replay_page(snapshot, &ids).await? {
            for (sequence, fault) in wrong {
                let key: [(_, &dyn std::fmt::Display); 2] = [("flight_id", &id), ("sequence", &sequence)];
                findings.add(Breach::of("flight_events", key, fault));
            }
            match (rows.remove(&id), rebuilt) {
                (Some(row), Some(rebuilt)) => compare(&row, rebuilt, findings),
                (None, _) => {
                    findings.add(Breach::of("flights", [("id", &id)], "this flight has events and no row"));
                }
                // A failed replay was reported above.
                (Some(_), None) => {}
            }
        }
        for id in rows.into_keys() {
            findings.add(Breach::of("flights", [("id", &id)], "this flight has no events"));
        }
        seen += u64::try_from(ids.len()).unwrap_or_default();
        watch("flights", seen);
    }
}

/// Returns flights as the tables have them.
async fn rows(snapshot: &mut PgSession, ids: &[Uuid]) -> Result<HashMap<FlightId, RebuiltFlight>, DbError> {
    let derived = repository::audit::derived(snapshot, ids).await?;
    let mut derived: HashMap<Uuid, _> = derived.into_iter().map(|row| (row.id, row)).collect();
    let flights = repository::find(snapshot, ids).await?.into_iter();
    let rows = flights.filter_map(|flight| {
        let repository::audit::Derived { airline_code, cancelled_at, .. } = derived.remove(&flight.id.uuid())?;
        Some((flight.id, RebuiltFlight { flight, airline_code, cancelled_at }))
    });
    Ok(rows.collect())
}

fn compare(row: &RebuiltFlight, mut rebuilt: RebuiltFlight, findings: &mut Findings) {
    // Neither events nor the ledger record these of a flight; other rules check them.
    let FlightCapacity { aside, aside_until, waiting, allotted, .. } = row.flight.space;
    rebuilt.flight.space = FlightCapacity { aside, aside_until, waiting, allotted, ..rebuilt.flight.space };
    if *row == rebuilt {
        return;
    }
    let difference = if row.flight.space != rebuilt.flight.space {
        differences!(&row.flight.space, &rebuilt.flight.space; status, cutoff, capacity, physical, overbooking, booked, held,
                     version, ledger_seq)
    } else if row.flight != rebuilt.flight {
        differences!(&row.flight, &rebuilt.flight; number, origin, destination, departure, arrival, scheduled_departure,
                     scheduled_arrival, scheduled_date, actual_departure, actual_arrival, aircraft, is_freighter,
                     also_sold_as, created_at, updated_at)
    } else {
        differences!(row, &rebuilt; airline_code, cancelled_at)
    };
    findings.add(Breach::of("flights", [("id", &row.flight.id)], difference));
}
