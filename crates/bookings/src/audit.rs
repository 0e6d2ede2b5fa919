use futures_util::TryStreamExt;
use loadmaster_capacity::{self as capacity, FLIGHT};
use loadmaster_holds::{self as holds, HELD, HOLD};
use loadmaster_kernel::FlightId;
use loadmaster_payments::PAYMENTS;
use loadmaster_platform::{
    audit::{Audit, Breach, Findings, Only, Rule, Scope, Subject, Watch},
    postgres::{DbError, PgSession},
};
use loadmaster_pricing::{RATED, USED};
use uuid::Uuid;

use super::{
    BOOKING, billing,
    held::{self, COMMITTED},
    history::{self, BookingFindings},
    repository,
};

/// The ledger holds for each leg exactly the space that its status requires, and no entry without a leg.
const ALLOCATIONS: Rule = Rule::new(3, "each leg holds exactly its capacity");
/// The legs are those that the events record.
const LEGS: Rule = Rule::new(4, "all legs took capacity or none did");
/// Status and numbers follow from the events, and the events from one another.
const HISTORY: Rule = Rule::new(5, "bookings match their events");
/// The booking also belongs to the caller that sent the key.
const KEYS: Rule = Rule::new(7, "each idempotency key has at most one booking");
const NAMES: Rule = Rule::new(8, "references, and waybills in use, are unique");
/// Their pieces, and within bounds their weight and volume, are those of the booking.
const DIMENSIONS: Rule = Rule::new(20, "dimensions of a booking sum to its pieces");

pub(super) const AUDIT: Audit = Audit {
    rules: &[
        ALLOCATIONS,
        LEGS,
        HISTORY,
        KEYS,
        NAMES,
        Rule::MESSAGES,
        HELD,
        COMMITTED,
        RATED,
        PAYMENTS,
        USED,
        DIMENSIONS,
        Rule::REBUILT,
    ],
    run: |snapshot, scope, watch| Box::pin(audit(snapshot, scope, watch)),
    subjects: &[
        Subject { kind: FLIGHT, find: |snapshot, name| Box::pin(flight(snapshot, name)) },
        Subject { kind: BOOKING, find: |snapshot, name| Box::pin(booking(snapshot, name)) },
    ],
};

/// Audits bookings, their legs and their histories, and their data in ledger, outbox and keys.
async fn audit(snapshot: &mut PgSession, scope: &Scope, watch: Watch<'_>) -> Result<Vec<(Rule, Findings)>, DbError> {
    let only = scope.of(BOOKING);
    let mut found = BookingFindings::default();
    count(snapshot, only, &mut found).await?;
    watch("legs and ledger", 0);
    allocations(snapshot, only, &mut found.allocations).await?;
    entries(snapshot, only, &mut found.legs).await?;
    history::replay_all(snapshot, scope, watch, &mut found).await?;
    watch("keys, references and messages", 0);
    keys(snapshot, only, &mut found.keys).await?;
    names(snapshot, only, &mut found.names).await?;
    messages(snapshot, scope, &mut found.messages).await?;
    let (named, committed) = held::audit(snapshot, only).await?;
    let BookingFindings { allocations, legs, history, keys, names, dimensions, messages, rebuilt } = found;
    let mut found = vec![
        (ALLOCATIONS, allocations),
        (LEGS, legs),
        (HISTORY, history),
        (KEYS, keys),
        (NAMES, names),
        (Rule::MESSAGES, messages),
        (HELD, named),
        (COMMITTED, committed),
        (DIMENSIONS, dimensions),
    ];
    found.extend(billing::audit(snapshot, only).await?);
    if scope.rebuild {
        found.push((Rule::REBUILT, rebuilt));
    }
    Ok(found)
}

/// Returns a flight, and the bookings and holds that are or were on it.
async fn flight(snapshot: &mut PgSession, name: &str) -> Result<Option<Only>, DbError> {
    let Ok(flight) = name.parse::<FlightId>() else { return Ok(None) };
    let aboard = repository::audit::ever_on(snapshot, flight.uuid()).await?;
    let held = holds::ever_on(snapshot, flight).await?;
    let is_known = !aboard.is_empty() || capacity::has_ledger(snapshot, flight).await?;
    Ok(is_known.then(|| Only::from([(FLIGHT, vec![flight.uuid()]), (BOOKING, aboard), (HOLD, held)])))
}

/// Returns a booking and the hold that it was made of, without the other bookings on its flights: overselling is not checked.
async fn booking(snapshot: &mut PgSession, name: &str) -> Result<Option<Only>, DbError> {
    // All bookings with the reference in either table: one, if consistent.
    let named = repository::audit::named(snapshot, name).await?;
    let held = held::holds_of(snapshot, &named).await?;
    Ok((!named.is_empty()).then(|| Only::from([(BOOKING, named), (HOLD, held)])))
}

async fn count(snapshot: &mut PgSession, only: Option<&[Uuid]>, found: &mut BookingFindings) -> Result<(), DbError> {
    let counts = repository::audit::counts(snapshot, only).await?;
    let number = |count: i64| u64::try_from(count).unwrap_or_default();
    found.allocations.has_checked("legs", number(counts.legs));
    found.legs.has_checked("legs", number(counts.legs));
    found.history.has_checked("bookings", number(counts.bookings));
    found.keys.has_checked("keys", number(counts.keys));
    found.names.has_checked("references", number(counts.references));
    found.names.has_checked("air waybills", number(counts.claims));
    found.messages.has_checked("messages of bookings", number(counts.messages));
    Ok(())
}

/// Formats an id, which is absent in a row found on one side of a join only.
fn shown(id: Option<Uuid>) -> String {
    id.map_or_else(|| "none".to_owned(), |id| id.to_string())
}

async fn allocations(snapshot: &mut PgSession, only: Option<&[Uuid]>, findings: &mut Findings) -> Result<(), DbError> {
    let mut untrue = repository::audit::untrue_allocations(snapshot, only);
    while let Some(row) = untrue.try_next().await? {
        let (booking, leg, flight) = (shown(row.booking_id), shown(row.leg_id), shown(row.flight_id));
        let (table, fault) = match (&row.status, row.weight_hg, row.volume_l, row.positions) {
            (Some(status), Some(weight), Some(volume), Some(positions)) => (
                "booking_legs",
                format!(
                    "this leg is {status} with {weight} hg, {volume} l, {positions} positions; its ledger entries add up to {}",
                    row.taken
                ),
            ),
            _ => ("capacity_ledger", "the ledger has a leg on this flight that the booking does not have".to_owned()),
        };
        findings.add(Breach::of(table, [("booking_id", &booking), ("leg_id", &leg), ("flight_id", &flight)], fault));
    }
    Ok(())
}

async fn entries(snapshot: &mut PgSession, only: Option<&[Uuid]>, findings: &mut Findings) -> Result<(), DbError> {
    let mut unequal = repository::audit::unequal_entries(snapshot, only);
    while let Some(row) = unequal.try_next().await? {
        let by_events = format!("{} / {} / {}", row.told_taken, row.told_amended, row.told_given);
        let fault = format!(
            "this leg took / changed / released capacity {by_events} times by its events, and {} / {} / {} times by the ledger",
            row.taken, row.amended, row.given
        );
        let (booking, leg) = (shown(row.booking_id), row.leg_id.as_deref().unwrap_or("none"));
        findings.add(Breach::of("capacity_ledger", [("booking_id", &booking), ("leg_id", &leg)], fault));
    }
    Ok(())
}

async fn keys(snapshot: &mut PgSession, only: Option<&[Uuid]>, findings: &mut Findings) -> Result<(), DbError> {
    let mut stray = repository::audit::stray_keys(snapshot, only);
    while let Some(row) = stray.try_next().await? {
        let named = row.location.as_deref().unwrap_or("nothing");
        let fault = match row.created_by {
            None => format!("the record names {named}, which is not a booking"),
            Some(creator) if creator != row.principal_id => {
                format!("the record names {named}, which {creator} created")
            }
            Some(_) => format!("{} keys name {named}", row.alike),
        };
        findings.add(Breach::of(
            "idempotency_records",
            [("principal_id", &row.principal_id), ("key", &row.key)],
            fault,
        ));
    }
    Ok(())
}

async fn names(snapshot: &mut PgSession, only: Option<&[Uuid]>, findings: &mut Findings) -> Result<(), DbError> {
    let mut references = repository::audit::stray_references(snapshot, only);
    while let Some(row) = references.try_next().await? {
        findings.add(match (row.claimed_by, row.borne_by) {
            (Some(booking), _) => {
                let fault = format!("booking {booking} does not have this reference");
                Breach::of("booking_refs", [("ref_id", &row.name)], fault)
            }
            (None, booking) => {
                let fault = "booking_refs does not assign the reference to this booking";
                Breach::of("bookings", [("id", &shown(booking)), ("ref_id", &row.name)], fault)
            }
        });
    }
    drop(references);
    let mut claims = repository::audit::stray_claims(snapshot, only);
    while let Some(row) = claims.try_next().await? {
        findings.add(match (row.claimed_by, row.borne_by) {
            (Some(booking), _) => {
                let fault = format!("booking {booking} does not exist, is cancelled or has another air waybill number");
                Breach::of("awb_claims", [("awb_number", &row.name)], fault)
            }
            (None, booking) => {
                let fault = "awb_claims does not assign the air waybill number to this booking";
                Breach::of("bookings", [("id", &shown(booking)), ("awb_number", &row.name)], fault)
            }
        });
    }
    Ok(())
}

async fn messages(snapshot: &mut PgSession, scope: &Scope, findings: &mut Findings) -> Result<(), DbError> {
    let only = scope.of(BOOKING);
    let missing = repository::audit::missing_messages(snapshot, only, scope.messages_since);
    findings.add_missing_messages(("booking_events", "booking_id"), missing).await?;
    findings.add_stray_messages(repository::audit::stray_messages(snapshot, only)).await
}
