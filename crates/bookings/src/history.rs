use std::collections::HashMap;

use futures_util::TryStreamExt;
use loadmaster_kernel::{BookingId, LegId};
use loadmaster_platform::{
    audit::{Breach, Findings, Scope, Watch, differences},
    postgres::{DbError, PgSession},
};
use uuid::Uuid;

use super::{
    BOOKING,
    model::{
        Booking, Leg,
        replay::{PastEvent, Replay, Rule},
    },
    repository,
};

/// Bookings compared at a time. Only the events of one booking are in memory.
const PAGE: i64 = 500;

/// Findings about bookings.
#[derive(Debug, Default)]
pub(super) struct BookingFindings {
    pub allocations: Findings,
    pub legs: Findings,
    pub history: Findings,
    pub keys: Findings,
    pub names: Findings,
    pub dimensions: Findings,
    pub messages: Findings,
    pub rebuilt: Findings,
}

/// Rebuilds these bookings from their events, in order of id, without their free text, which is not part of the
/// history; omits bookings without events or with unreadable ones.
pub async fn replay(snapshot: &mut PgSession, bookings: &[BookingId]) -> Result<Vec<Booking>, DbError> {
    let ids: Vec<Uuid> = bookings.iter().map(|id| id.uuid()).collect();
    let mut rebuilt = Vec::new();
    each_history(snapshot, &ids, |id, events| rebuilt.extend(Replay::of(id, events).booking)).await?;
    Ok(rebuilt)
}

/// Passes the events of each booking to `work`; holds the events of one booking at a time.
async fn each_history(
    snapshot: &mut PgSession,
    ids: &[Uuid],
    mut work: impl FnMut(BookingId, &[PastEvent]) + Send,
) -> Result<(), DbError> {
    let mut events = repository::past::past_events(snapshot, ids);
    let (mut of, mut own) = (None, Vec::new());
    while let Some((id, event)) = events.try_next().await? {
        if let Some(before) = of.filter(|before| *before != id) {
            work(before, &own);
            own.clear();
        }
        of = Some(id);
        own.push(event);
    }
    if let Some(id) = of {
        work(id, &own);
    }
    Ok(())
}

/// Replays bookings page by page, and compares the result with the tables.
pub(super) async fn replay_all(
    snapshot: &mut PgSession,
    scope: &Scope,
    watch: Watch<'_>,
    found: &mut BookingFindings,
) -> Result<(), DbError> {
    let (mut after, mut seen) = (Uuid::nil(), 0);
    loop {
        let ids = repository::past::page(snapshot, scope.of(BOOKING), after, PAGE).await?;
        let Some(last) = ids.last() else { return Ok(()) };
        after = *last;
        let mut rows: HashMap<BookingId, Booking> =
            repository::find_all(snapshot, &ids).await?.into_iter().map(|row| (row.id, row)).collect();
        each_history(snapshot, &ids, |id, events| {
            found.history.has_checked("events", u64::try_from(events.len()).unwrap_or_default());
            judge(id, Replay::of(id, events), rows.remove(&id), scope.rebuild, found);
        })
        .await?;
        for row in rows.into_values() {
            found.history.add(of_booking(&row, "this booking has no events"));
        }
        seen += u64::try_from(ids.len()).unwrap_or_default();
        watch("bookings", seen);
    }
}

fn of_booking(row: &Booking, fault: impl Into<String>) -> Breach {
    Breach::of("bookings", [("id", &row.id), ("ref_id", &row.ref_id)], fault)
}

fn judge(id: BookingId, replay: Replay, row: Option<Booking>, thorough: bool, found: &mut BookingFindings) {
    for contradiction in replay.contradictions {
        let key: [(_, &dyn std::fmt::Display); 2] = [("booking_id", &id), ("sequence", &contradiction.sequence)];
        let breach = Breach::of("booking_events", key, contradiction.text);
        match contradiction.rule {
            Rule::AllLegs => found.legs.add(breach),
            Rule::Steps => found.history.add(breach),
        }
    }
    let Some(row) = row else {
        found.history.add(Breach::of("booking_events", [("booking_id", &id)], "these events belong to no booking"));
        return;
    };
    judge_dimensions(&row, &mut found.dimensions);
    // A failed replay was reported above.
    let Some(mut rebuilt) = replay.booking else { return };
    if (row.status, row.event_sequence) != (rebuilt.status, rebuilt.event_sequence) {
        found.history.add(of_booking(&row, differences!(&row, &rebuilt; status, event_sequence)));
    }
    compare_legs(&row, &rebuilt, &mut found.legs);
    if thorough {
        rebuilt.texts.clone_from(&row.texts);
        // Of its hold, and of the flights as they are now.
        rebuilt.product.clone_from(&row.product);
        for leg in &mut rebuilt.legs {
            let own = row.legs.iter().find(|own| own.id == leg.id);
            (leg.carriage, leg.cutoff) = (own.and_then(|own| own.carriage), own.and_then(|own| own.cutoff));
        }
        compare(&row, rebuilt, &mut found.rebuilt);
    }
}

/// Checks that the dimensions of a booking, if it has any, agree with its freight.
fn judge_dimensions(row: &Booking, findings: &mut Findings) {
    let Some(dimensions) = &row.dimensions else { return };
    findings.has_checked("bookings with dimensions", 1);
    let faults = [
        ("pieces", dimensions.fault_of_pieces(row.pieces)),
        ("weight", dimensions.fault_of_weight(row.space.weight)),
        ("volume", dimensions.fault_of_volume(row.space.volume)),
    ];
    for (name, fault) in faults.into_iter().filter_map(|(name, fault)| Some((name, fault?))) {
        findings.add(of_booking(row, format!("its dimensions contradict its {name}: they {fault}")));
    }
}

/// Checks that the booking has exactly the legs that its events record.
fn compare_legs(row: &Booking, rebuilt: &Booking, findings: &mut Findings) {
    let has = |booking: &Booking, id: LegId| booking.legs.iter().any(|leg| leg.id == id);
    let breach = |leg: &Leg, fault: &str| Breach::of("booking_legs", [("booking_id", &row.id), ("id", &leg.id)], fault);
    for leg in row.legs.iter().filter(|leg| !has(rebuilt, leg.id)) {
        findings.add(breach(leg, "no event records this leg"));
    }
    for leg in rebuilt.legs.iter().filter(|leg| !has(row, leg.id)) {
        findings.add(breach(leg, "the events record this leg, and it does not exist"));
    }
}

/// Compares every member of the booking and of its legs; another rule checks that both have the same legs.
fn compare(row: &Booking, rebuilt: Booking, findings: &mut Findings) {
    findings.has_checked("bookings", 1);
    findings.has_checked("legs", u64::try_from(row.legs.len()).unwrap_or_default());
    for (leg, rebuilt) in row.legs.iter().filter_map(|leg| Some((leg, rebuilt.legs.iter().find(|r| r.id == leg.id)?))) {
        if leg != rebuilt {
            let different = differences!(leg, rebuilt; sequence, flight_id, flight_number, origin, destination, departure,
                                    arrival, status, offload_reason, space_code, pieces, space);
            findings.add(Breach::of("booking_legs", [("booking_id", &row.id), ("id", &leg.id)], different));
        }
    }
    let rebuilt = Booking { legs: row.legs.clone(), ..rebuilt };
    if *row != rebuilt {
        let different = differences!(row, &rebuilt; ref_id, organization_id, created_by, status, origin, destination, pieces,
                                space, volume_defaulted, dimensions, special_handling_codes, awb_number, hold_id, needs_rerouting,
                                event_sequence, moved_at, version, created_at, updated_at);
        findings.add(of_booking(row, different));
    }
}
