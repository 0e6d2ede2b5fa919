//! What was asked for against what is there.
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    fates::Fates,
    fetch::{Event, Found},
    lost,
};
use crate::{
    deed::{Ack, Deed, Kind},
    evidence::{Breach, Promise},
};

/// Every breach that the bookings themselves show.
pub(super) fn judge(found: &[Found], deeds: &[Deed], fates: &Fates<'_>, run: &str) -> Vec<Breach> {
    let mut breaches = marks(found, deeds, run);
    let mut asked: HashMap<&str, Vec<&Deed>> = HashMap::new();
    for deed in deeds.iter().filter(|deed| !deed.kind.is_of_flights()) {
        // A booking that was made without our knowing has no other deeds.
        let reference = deed.reference.as_deref().or(deed.ack.as_ref().map(|ack| ack.reference.as_str()));
        if let Some(reference) = reference {
            asked.entry(reference).or_default().push(deed);
        }
    }
    for found in found {
        let asked = asked.get(found.reference.as_str()).map_or(&[][..], Vec::as_slice);
        breaches.extend(is_whole(found));
        breaches.extend(has_what_was_acknowledged(found, asked));
        breaches.extend(has_nothing_else(found, asked, fates));
    }
    breaches
}

/// Each booking bears the mark of one request, and each acknowledged request has its booking.
fn marks(found: &[Found], deeds: &[Deed], run: &str) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let mut by_mark: BTreeMap<(usize, &str), Vec<&Found>> = BTreeMap::new();
    for found in found {
        by_mark.entry((found.shipper, &found.mark)).or_default().push(found);
    }
    for deed in deeds.iter().filter(|deed| deed.kind == Kind::Book) {
        let mark = deed.mark.as_deref().unwrap_or_default();
        let there = by_mark.remove(&(deed.shipper, mark)).unwrap_or_default();
        let references = || there.iter().map(|found| found.reference.as_str()).collect::<Vec<_>>().join(", ");
        if there.len() > 1 {
            let what = format!("{mark} was booked {} times: {}", there.len(), references());
            breaches.push(Breach { promise: Promise::OneEffect, what });
        }
        match &deed.ack {
            Some(Ack { call, reference, .. }) if !there.iter().any(|found| found.reference == *reference) => {
                breaches.push(lost(format!("lost: {reference} ({mark}), acknowledged by call {call}")));
            }
            None if deed.was_refused() && !there.is_empty() => {
                breaches.push(lost(format!("{mark} was refused, and left {}", references())));
            }
            _ => {}
        }
    }
    for ((_, mark), there) in by_mark {
        let what = if mark.starts_with(run) { "that no client asked for" } else { "that is not of this run" };
        let promise = if mark.starts_with(run) { Promise::OneEffect } else { Promise::NoForeignData };
        for found in there {
            breaches.push(Breach { promise, what: format!("{} ({mark}) is a booking {what}", found.reference) });
        }
    }
    breaches
}

/// Completely or not at all: legs that lead from origin to destination, and a history without gaps.
fn is_whole(found: &Found) -> Vec<Breach> {
    let Found { reference, way, ends, lost_a_leg, needs_rerouting, status, .. } = found;
    let mut breaches = Vec::new();
    let stops: Vec<_> = way.iter().flatten().collect();
    let leads = stops.first() == Some(&&ends[0]) && stops.last() == Some(&&ends[1]);
    let chained = way.windows(2).all(|legs| legs[0][1] == legs[1][0]);
    // Whose leg was taken by its flight has a gap until it is rerouted, or for ever.
    let may_have_a_gap = *lost_a_leg && (*needs_rerouting || status == "CANCELLED");
    if !may_have_a_gap && (!leads || !chained) {
        breaches.push(lost(format!("{reference} from {} to {} has the legs {way:?}", ends[0], ends[1])));
    }
    let begins = found.events.first().is_some_and(|event| event.kind == "BOOKED");
    if !found.gapless || !begins {
        breaches.push(lost(format!("the history of {reference} has gaps: {:?}", found.story())));
    }
    breaches
}

/// Every acknowledged step is in the history, in the order of the versions that were acknowledged.
fn has_what_was_acknowledged(found: &Found, asked: &[&Deed]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let mut steps: Vec<(&Deed, &Ack)> = asked.iter().filter_map(|deed| Some((*deed, deed.ack.as_ref()?))).collect();
    steps.sort_by_key(|(_, ack)| ack.version);
    let mut rest = found.events.iter();
    for (deed, ack) in steps {
        let name = deed.kind.name();
        if !rest.any(|event| event.kind == deed.kind.event() && bears(deed, event)) {
            breaches.push(lost(format!(
                "lost: the {name} of {}, acknowledged by call {} as version {}; its events are {:?}",
                found.reference,
                ack.call,
                ack.version,
                found.story()
            )));
            // What comes after it would be missed as well.
            break;
        }
        if ack.version > found.version {
            breaches.push(lost(format!(
                "lost: version {} of {} ({name}, call {}); it is at version {}",
                ack.version, found.reference, ack.call, found.version
            )));
        }
        if deed.kind == Kind::Book && (ack.frame != found.frame || ack.weight_kg != found.booked_kg) {
            breaches.push(lost(format!("{} is not what call {} acknowledged", found.reference, ack.call)));
        }
    }
    breaches
}

/// Whether an event has the words of this step. What changes a booking's own members has none.
fn bears(deed: &Deed, event: &Event) -> bool {
    matches!(deed.kind, Kind::Book | Kind::Amend | Kind::Reroute) || deed.note == event.note
}

/// No event that nobody asked for: refused calls have left nothing, and one key has one effect. What a flight does to all
/// its bookings counts once for each of them.
fn has_nothing_else(found: &Found, asked: &[&Deed], fates: &Fates<'_>) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let mut groups: BTreeMap<(&str, Option<&str>), Vec<&Event>> = BTreeMap::new();
    for event in &found.events {
        // Only a step of the booking's own has words of its own.
        let is_step = ["DEPARTED", "ARRIVED", "DELIVERED", "CANCELLED"].contains(&event.kind.as_str());
        groups.entry((&event.kind, event.note.as_deref().filter(|_| is_step))).or_default().push(event);
    }
    for ((kind, _), events) in groups {
        let Some(first) = events.first() else { continue };
        let by = |deed: &&&Deed| {
            let tells = deed.kind.event() == kind || (kind == "REROUTED" && deed.kind == Kind::Reroute);
            tells && (kind == "REROUTED" || bears(deed, first))
        };
        let own = asked.iter().filter(by).filter(|deed| !deed.was_refused()).count();
        let flights: BTreeSet<&str> = events.iter().filter_map(|event| event.flight.as_deref()).collect();
        let by_flight: usize = flights.iter().map(|flight| fates.possible(flight, &found.reference, first)).sum();
        // The booking itself is known by its mark.
        if kind != "BOOKED" && events.len() > own + by_flight {
            let what = format!(
                "{} has {} events {kind}, and {} calls that were not refused asked for one: {:?}",
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
