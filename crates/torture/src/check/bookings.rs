//! Compares the operations on bookings with the bookings.
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    fetch::{Event, Found},
    flight_requests::FlightRequests,
    lost,
};
use crate::{
    evidence::{Breach, Promise},
    operation::{Ack, Kind, Operation},
};

/// Returns every breach that the bookings themselves show.
pub(super) fn judge(
    found: &[Found],
    operations: &[Operation],
    flight_requests: &FlightRequests<'_>,
    run: &str,
) -> Vec<Breach> {
    let mut breaches = marks(found, operations, run);
    let mut asked: HashMap<&str, Vec<&Operation>> = HashMap::new();
    for operation in operations.iter().filter(|operation| !operation.kind.is_of_flights()) {
        // A booking whose creation was not acknowledged has no other operations.
        let reference = operation.reference.as_deref().or(operation.ack.as_ref().map(|ack| ack.reference.as_str()));
        if let Some(reference) = reference {
            asked.entry(reference).or_default().push(operation);
        }
    }
    for found in found {
        let asked = asked.get(found.reference.as_str()).map_or(&[][..], Vec::as_slice);
        breaches.extend(is_whole(found));
        breaches.extend(has_what_was_acknowledged(found, asked));
        breaches.extend(has_nothing_else(found, asked, flight_requests));
    }
    breaches
}

/// Each booking bears the mark of one request, and each acknowledged request has its booking.
fn marks(found: &[Found], operations: &[Operation], run: &str) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let mut by_mark: BTreeMap<(Option<usize>, &str), Vec<&Found>> = BTreeMap::new();
    for found in found {
        by_mark.entry((found.shipper, &found.mark)).or_default().push(found);
    }
    for operation in operations.iter().filter(|operation| operation.kind.makes_booking()) {
        let mark = operation.mark.as_deref().unwrap_or_default();
        let there = by_mark.remove(&(operation.shipper, mark)).unwrap_or_default();
        let references = || there.iter().map(|found| found.reference.as_str()).collect::<Vec<_>>().join(", ");
        if there.len() > 1 {
            let what = format!("{mark} was booked {} times: {}", there.len(), references());
            breaches.push(Breach { promise: Promise::OneEffect, what });
        }
        match &operation.ack {
            Some(Ack { call, reference, .. }) if !there.iter().any(|found| found.reference == *reference) => {
                breaches.push(lost(format!("lost: {reference} ({mark}), acknowledged by call {call}")));
            }
            None if operation.was_refused() && !there.is_empty() => {
                breaches.push(lost(format!("{mark} was refused, but there is {}", references())));
            }
            _ => {}
        }
    }
    for ((_, mark), there) in by_mark {
        let what = if mark.starts_with(run) { "that no client requested" } else { "that belongs to another run" };
        let promise = if mark.starts_with(run) { Promise::OneEffect } else { Promise::NoForeignData };
        for found in there {
            breaches.push(Breach { promise, what: format!("{} ({mark}) is a booking {what}", found.reference) });
        }
    }
    breaches
}

/// Completely or not at all: legs that lead from origin to destination, and a history without gaps.
fn is_whole(found: &Found) -> Vec<Breach> {
    let Found { reference, sectors, ends, lost_a_leg, needs_rerouting, status, .. } = found;
    let mut breaches = Vec::new();
    let stops: Vec<_> = sectors.iter().flatten().collect();
    let leads = stops.first() == Some(&&ends[0]) && stops.last() == Some(&&ends[1]);
    let chained = sectors.windows(2).all(|legs| legs[0][1] == legs[1][0]);
    // A booking that was taken off a flight has a gap until it is rerouted, or for ever.
    let may_have_a_gap = *lost_a_leg && (*needs_rerouting || status == "CANCELLED");
    if !may_have_a_gap && (!leads || !chained) {
        breaches
            .push(lost(format!("{reference} from {} to {} has the disconnected legs {sectors:?}", ends[0], ends[1])));
    }
    let begins = found.events.first().is_some_and(|event| event.kind == "BOOKED");
    if !found.gapless || !begins {
        breaches.push(lost(format!("the history of {reference} has gaps: {:?}", found.story())));
    }
    breaches
}

/// Every acknowledged step is in the history, in the order of the versions that were acknowledged.
fn has_what_was_acknowledged(found: &Found, asked: &[&Operation]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let mut steps: Vec<(&Operation, &Ack)> =
        asked.iter().filter_map(|operation| Some((*operation, operation.ack.as_ref()?))).collect();
    steps.sort_by_key(|(_, ack)| ack.version);
    let mut rest = found.events.iter();
    for (operation, ack) in steps {
        let name = operation.kind.name();
        if !rest.any(|event| event.kind == operation.kind.event() && bears(operation, event)) {
            breaches.push(lost(format!(
                "lost: the {name} of {}, acknowledged by call {} as version {}; its events are {:?}",
                found.reference,
                ack.call,
                ack.version,
                found.story()
            )));
            // Everything after it would be missed as well.
            break;
        }
        if ack.version > found.version {
            breaches.push(lost(format!(
                "lost: version {} of {} ({name}, call {}); it is at version {}",
                ack.version, found.reference, ack.call, found.version
            )));
        }
        if operation.kind.makes_booking() && (ack.fixed != found.fixed || ack.weight_kg != found.booked_kg) {
            breaches.push(lost(format!("{} differs from what call {} acknowledged", found.reference, ack.call)));
        }
    }
    breaches
}

/// Whether an event has the note of this operation. Operations that change members of the booking have none.
fn bears(operation: &Operation, event: &Event) -> bool {
    operation.kind.makes_booking()
        || matches!(operation.kind, Kind::Amend | Kind::Reroute)
        || operation.note == event.note
}

/// Every event was asked for: refused calls have no effect, and one key has one effect. A step of a flight counts once
/// for each of its bookings.
fn has_nothing_else(found: &Found, asked: &[&Operation], flight_requests: &FlightRequests<'_>) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let mut groups: BTreeMap<(&str, Option<&str>), Vec<&Event>> = BTreeMap::new();
    for event in &found.events {
        // Only steps of the booking itself have notes of their own.
        let is_step = ["DEPARTED", "ARRIVED", "DELIVERED", "CANCELLED", "CORRECTED"].contains(&event.kind.as_str());
        groups.entry((&event.kind, event.note.as_deref().filter(|_| is_step))).or_default().push(event);
    }
    for ((kind, _), events) in groups {
        let Some(first) = events.first() else { continue };
        let by = |operation: &&&Operation| {
            let tells = operation.kind.event() == kind
                || (kind == "REROUTED" && operation.kind == Kind::Reroute)
                // What has a price is rated again.
                || (kind == "PRICED" && matches!(operation.kind, Kind::Amend | Kind::Reroute));
            tells && (kind == "REROUTED" || bears(operation, first))
        };
        let own = asked.iter().filter(by).filter(|operation| !operation.was_refused()).count();
        let flights: BTreeSet<&str> = events.iter().filter_map(|event| event.flight.as_deref()).collect();
        let by_flight: usize =
            flights.iter().map(|flight| flight_requests.possible(flight, &found.reference, first)).sum();
        // Duplicate bookings are found by their mark.
        if kind != "BOOKED" && events.len() > own + by_flight {
            let what = format!(
                "{} has {} {kind} events, but {} calls that were not refused requested one: {:?}",
                found.reference,
                events.len(),
                own + by_flight,
                found.story()
            );
            breaches.push(Breach { promise: Promise::OneEffect, what });
        }
    }
    breaches
}

#[cfg(test)]
mod tests;
