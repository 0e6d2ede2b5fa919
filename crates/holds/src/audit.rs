use futures_util::TryStreamExt;
use loadmaster_capacity::FLIGHT;
use loadmaster_kernel::FlightId;
use loadmaster_platform::{
    audit::{Audit, Breach, Findings, Rule, Scope, Watch},
    postgres::{DbError, PgSession},
};
use uuid::Uuid;

use super::{HOLD, repository::audit as repository};

/// What flights hold is what open holds keep and what is set aside, by their ledgers. Each hold ends once, and a named
/// position has one holder: the room of bookings checks theirs.
pub const HELD: Rule = Rule::new(11, "flights hold what holds keep");

pub(super) const AUDIT: Audit = Audit {
    rules: &[HELD, Rule::MESSAGES],
    run: |snapshot, scope, watch| Box::pin(audit(snapshot, scope, watch)),
    subjects: &[],
};

/// Audits flights' space held, holds, their legs and histories, and their data in ledger and outbox.
async fn audit(snapshot: &mut PgSession, scope: &Scope, watch: Watch<'_>) -> Result<Vec<(Rule, Findings)>, DbError> {
    watch("holds", 0);
    let only = scope.of(HOLD);
    let (mut held, mut messages) = (Findings::default(), Findings::default());
    let counts = repository::counts(snapshot, only).await?;
    let number = |count: i64| u64::try_from(count).unwrap_or_default();
    held.has_checked("holds", number(counts.holds));
    held.has_checked("open legs of holds", number(counts.open_legs));
    held.has_checked("named positions", number(counts.claims));
    messages.has_checked("messages of holds", number(counts.messages));
    spaces(snapshot, scope.of(FLIGHT), &mut held).await?;
    entries(snapshot, only, &mut held).await?;
    legs(snapshot, only, &mut held).await?;
    histories(snapshot, only, &mut held).await?;
    names(snapshot, only, &mut held).await?;
    audit_messages(snapshot, scope, &mut messages).await?;
    Ok(vec![(HELD, held), (Rule::MESSAGES, messages)])
}

/// Returns every hold that keeps or kept space on a flight.
pub async fn ever_on(snapshot: &mut PgSession, flight: FlightId) -> Result<Vec<Uuid>, DbError> {
    Ok(repository::ever_on(snapshot, flight).await?)
}

async fn spaces(snapshot: &mut PgSession, flights: Option<&[Uuid]>, findings: &mut Findings) -> Result<(), DbError> {
    let mut misheld = repository::misheld(snapshot, flights);
    while let Some(row) = misheld.try_next().await? {
        let fault = if row.held == row.kept {
            format!("{} are set aside; its ledger entries add up to {}", row.aside, row.entered)
        } else {
            format!("{} are held; open holds keep, and set aside are, {}", row.held, row.kept)
        };
        findings.add(Breach::of("flight_capacity", [("flight_id", &row.flight_id)], fault));
    }
    Ok(())
}

/// Formats an id, which is absent in a row found on one side of a join only.
fn shown(id: Option<Uuid>) -> String {
    id.map_or_else(|| "none".to_owned(), |id| id.to_string())
}

async fn entries(snapshot: &mut PgSession, only: Option<&[Uuid]>, findings: &mut Findings) -> Result<(), DbError> {
    let mut untrue = repository::untrue_entries(snapshot, only);
    while let Some(row) = untrue.try_next().await? {
        let (hold, flight) = (shown(row.hold_id), shown(row.flight_id));
        let fault = format!("the hold keeps {} on this flight; its ledger entries add up to {}", row.kept, row.taken);
        findings.add(Breach::of("hold_legs", [("hold_id", &hold), ("flight_id", &flight)], fault));
    }
    Ok(())
}

async fn legs(snapshot: &mut PgSession, only: Option<&[Uuid]>, findings: &mut Findings) -> Result<(), DbError> {
    let mut odd = repository::odd_legs(snapshot, only);
    while let Some(row) = odd.try_next().await? {
        let breach = match row.sequence {
            Some(sequence) => {
                let fault = format!("this leg is not open exactly as long as its hold, which is {}", row.status);
                Breach::of("hold_legs", [("hold_id", &row.hold_id), ("sequence", &sequence)], fault)
            }
            None => Breach::of("holds", [("id", &row.hold_id)], "this hold is active and has no legs"),
        };
        findings.add(breach);
    }
    Ok(())
}

async fn histories(snapshot: &mut PgSession, only: Option<&[Uuid]>, findings: &mut Findings) -> Result<(), DbError> {
    let mut mismatches = repository::mismatches(snapshot, only);
    while let Some(row) = mismatches.try_next().await? {
        let (table, fault) = match (&row.status, row.event_sequence) {
            (Some(status), Some(last)) if row.last == Some(last) && row.events == i64::from(last) => (
                "holds",
                format!(
                    "this hold is {status}; {} of its events end it, and the last is {}",
                    row.ends,
                    row.last_type.as_deref().unwrap_or("none"),
                ),
            ),
            (Some(_), Some(last)) => ("holds", format!("its events are not numbered from 1 to {last}")),
            _ => ("hold_events", "these events belong to no hold".to_owned()),
        };
        let key = if table == "holds" { "id" } else { "hold_id" };
        findings.add(Breach::of(table, [(key, &row.hold_id)], fault));
    }
    Ok(())
}

async fn names(snapshot: &mut PgSession, only: Option<&[Uuid]>, findings: &mut Findings) -> Result<(), DbError> {
    let mut lost = repository::lost_names(snapshot, only);
    while let Some(row) = lost.try_next().await? {
        let fault = format!("this hold names {} and does not have it", row.name);
        let hold = shown(row.hold_id);
        findings.add(Breach::of("hold_legs", [("hold_id", &hold), ("flight_id", &row.flight_id)], fault));
    }
    drop(lost);
    let mut stray = repository::stray_claims(snapshot, only);
    while let Some(row) = stray.try_next().await? {
        let fault = format!("hold {} is not open with this name, or the flight does not have it", shown(row.hold_id));
        findings.add(Breach::of("position_claims", [("flight_id", &row.flight_id), ("name", &row.name)], fault));
    }
    Ok(())
}

async fn audit_messages(snapshot: &mut PgSession, scope: &Scope, findings: &mut Findings) -> Result<(), DbError> {
    let only = scope.of(HOLD);
    let missing = repository::missing_messages(snapshot, only, scope.messages_since);
    findings.add_missing_messages(("hold_events", "hold_id"), missing).await?;
    findings.add_stray_messages(repository::stray_messages(snapshot, only)).await
}
