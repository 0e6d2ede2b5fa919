//! Compares the operations on flights with the bookings: a step of a flight is an event of each of its bookings.
use std::collections::HashMap;

use super::{
    fetch::{Event, Found},
    lost,
};
use crate::{
    evidence::{Breach, Promise},
    operation::{Ack, Kind, Operation},
};

/// All operations on flights.
pub(super) struct FlightRequests<'a> {
    by_flight: HashMap<&'a str, Requests<'a>>,
    /// Number of imports of existing flights that may have had an effect.
    tables: usize,
}

#[derive(Default)]
struct Requests<'a> {
    operations: Vec<&'a Operation>,
    /// Number of imports that named it and may have had an effect.
    tables: usize,
}

impl Requests<'_> {
    /// Number of operations of a kind that may have had an effect.
    fn possible(&self, kind: Kind) -> usize {
        self.operations.iter().filter(|operation| operation.kind == kind && !operation.was_refused()).count()
    }
}

impl<'a> FlightRequests<'a> {
    pub fn of(operations: &'a [Operation]) -> Self {
        let mut flight_requests: HashMap<&str, Requests<'_>> = HashMap::new();
        let mut tables = 0;
        for operation in operations {
            if let Some(flight) = &operation.flight {
                flight_requests.entry(flight).or_default().operations.push(operation);
            }
            let taken = operation.kind == Kind::Import && !operation.was_refused();
            tables += usize::from(taken && operation.rows.iter().any(|row| row.flight.is_some()));
            for flight in operation.rows.iter().filter(|_| taken).filter_map(|row| row.flight.as_deref()) {
                flight_requests.entry(flight).or_default().tables += 1;
            }
        }
        Self { by_flight: flight_requests, tables }
    }

    /// The most events like this one that the flight may have given the booking.
    pub fn possible(&self, flight: &str, reference: &str, event: &Event) -> usize {
        let Some(requests) = self.by_flight.get(flight) else {
            // An import makes a new flight in the place of a cancelled one; later imports change it.
            return if event.kind == "FLIGHT_RETIMED" { self.tables } else { 0 };
        };
        match event.kind.as_str() {
            // A flight departs, arrives or is cancelled once. A step of the booking itself has a note.
            "DEPARTED" if event.note.is_none() => requests.possible(Kind::FlightDepart).min(1),
            "ARRIVED" if event.note.is_none() => requests.possible(Kind::FlightArrive).min(1),
            "FLIGHT_CANCELLED" => requests.possible(Kind::FlightCancel).min(1),
            "FLIGHT_RETIMED" => requests.possible(Kind::Retime) + requests.tables,
            "OFFLOADED" => {
                let names = |operation: &&&Operation| {
                    operation.named.iter().any(|named| named == reference) && !operation.was_refused()
                };
                requests.operations.iter().filter(names).count() + requests.possible(Kind::FlightDepart).min(1)
            }
            _ => 0,
        }
    }

    /// The most versions that the flight may have gained.
    pub fn versions(&self, flight: &str) -> u64 {
        let requests = self.by_flight.get(flight);
        let changes = requests.map_or(0, |requests| {
            requests.tables + requests.operations.iter().filter(|operation| !operation.was_refused()).count()
        });
        changes as u64
    }

    /// A contradiction between a flight's status and the operations on it.
    pub fn contradiction(&self, flight: &str, status: &str) -> Option<Breach> {
        let none = Requests::default();
        let requests = self.by_flight.get(flight).unwrap_or(&none);
        for operation in &requests.operations {
            let Some(ack) = &operation.ack else { continue };
            let holds = match operation.kind {
                Kind::FlightDepart => ["DEPARTED", "ARRIVED"].contains(&status),
                Kind::FlightArrive => status == "ARRIVED",
                Kind::FlightCancel => status == "CANCELLED",
                _ => true,
            };
            if !holds {
                let (name, call) = (operation.kind.name(), ack.call);
                return Some(lost(format!(
                    "lost: the {name} of {flight}, acknowledged by call {call}; it is {status}"
                )));
            }
        }
        let asked = match status {
            "DEPARTED" => requests.possible(Kind::FlightDepart),
            "ARRIVED" => requests.possible(Kind::FlightDepart).min(requests.possible(Kind::FlightArrive)),
            "CANCELLED" => requests.possible(Kind::FlightCancel),
            _ => 1,
        };
        let what = format!("flight {flight} is {status}, but every call that requested that was refused");
        (asked == 0).then_some(Breach { promise: Promise::OneEffect, what })
    }
}

/// Each acknowledged step of a flight is an event of the number of bookings in its answer.
pub(super) fn judge(found: &[Found], operations: &[Operation]) -> Vec<Breach> {
    let mut events: HashMap<&str, Vec<(&str, &Event)>> = HashMap::new();
    for found in found {
        for event in &found.events {
            if let Some(flight) = event.flight.as_deref() {
                events.entry(flight).or_default().push((&found.reference, event));
            }
        }
    }
    let of = |operation: &Operation| {
        operation.flight.as_deref().and_then(|flight| events.get(flight)).map_or(&[][..], Vec::as_slice)
    };
    let acknowledged = operations.iter().filter_map(|operation| Some((operation, operation.ack.as_ref()?)));
    let mut breaches: Vec<Breach> =
        acknowledged.flat_map(|(operation, ack)| step(operation, ack, of(operation))).collect();
    breaches.extend(offloads(operations, of));
    breaches
}

/// `events` are those that name the flight.
fn step(operation: &Operation, ack: &Ack, events: &[(&str, &Event)]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let Some(changed) = ack.bookings_changed else { return breaches };
    let (name, call, flight) = (operation.kind.name(), ack.call, operation.flight.as_deref().unwrap_or_default());
    let events_found =
        events.iter().filter(|(_, event)| event.kind == operation.kind.event() && event.note == operation.note).count();
    let pending = ack.bookings_pending;
    // Some of the bookings that follow may be left behind.
    let is_right = (changed..=changed + pending).contains(&(events_found + ack.left_behind.len()));
    if !is_right {
        breaches.push(lost(format!(
            "the {name} of {flight} (call {call}) changed {changed} bookings, {} of them left behind, with {pending} pending, \
             but {events_found} have the event",
            ack.left_behind.len()
        )));
    }
    for left in &ack.left_behind {
        if !events.iter().any(|(reference, event)| reference == left && event.kind == "OFFLOADED") {
            breaches.push(lost(format!("{left} was left behind by {flight} (call {call}), but has no event for it")));
        }
    }
    breaches
}

/// A booking was taken off a flight at least as often as that was acknowledged.
fn offloads<'a>(operations: &'a [Operation], of: impl Fn(&Operation) -> &'a [(&'a str, &'a Event)]) -> Vec<Breach> {
    let mut acknowledged: HashMap<(&str, &str), Vec<&Operation>> = HashMap::new();
    for operation in operations.iter().filter(|operation| operation.kind == Kind::Offload && operation.ack.is_some()) {
        for named in &operation.named {
            acknowledged.entry((operation.flight.as_deref().unwrap_or_default(), named)).or_default().push(operation);
        }
    }
    let mut breaches = Vec::new();
    for ((flight, named), operations) in acknowledged {
        let is_it = |(reference, event): &&(&str, &Event)| *reference == named && event.kind == "OFFLOADED";
        let events_found = operations.first().map_or(0, |operation| of(operation).iter().filter(is_it).count());
        if events_found < operations.len() {
            let calls: Vec<_> =
                operations.iter().filter_map(|operation| Some(operation.ack.as_ref()?.call.to_string())).collect();
            let calls = calls.join(", ");
            breaches.push(lost(format!(
                "lost: {named} was offloaded from {flight} by the calls {calls}, but has {events_found} events for it"
            )));
        }
    }
    breaches
}

#[cfg(test)]
mod tests;
