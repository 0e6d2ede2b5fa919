//! What was asked of flights, against what became of their bookings: a flight's step is an event of each of them.
use std::collections::HashMap;

use super::{
    fetch::{Event, Found},
    lost,
};
use crate::{
    deed::{Ack, Deed, Kind},
    evidence::{Breach, Promise},
};

/// All that was asked of flights, by the flight.
pub(super) struct Fates<'a>(HashMap<&'a str, Fate<'a>>);

#[derive(Default)]
struct Fate<'a> {
    deeds: Vec<&'a Deed>,
    /// Tables that named it and may have been taken.
    tables: usize,
}

impl Fate<'_> {
    /// How many of these may have been done.
    fn possible(&self, kind: Kind) -> usize {
        self.deeds.iter().filter(|deed| deed.kind == kind && !deed.was_refused()).count()
    }
}

impl<'a> Fates<'a> {
    pub fn of(deeds: &'a [Deed]) -> Self {
        let mut fates: HashMap<&str, Fate<'_>> = HashMap::new();
        for deed in deeds {
            if let Some(flight) = &deed.flight {
                fates.entry(flight).or_default().deeds.push(deed);
            }
            let taken = deed.kind == Kind::Import && !deed.was_refused();
            for flight in deed.rows.iter().filter(|_| taken).filter_map(|row| row.flight.as_deref()) {
                fates.entry(flight).or_default().tables += 1;
            }
        }
        Self(fates)
    }

    /// How many events like this one a flight may have given a booking.
    pub fn possible(&self, flight: &str, reference: &str, event: &Event) -> usize {
        let Some(fate) = self.0.get(flight) else { return 0 };
        match event.kind.as_str() {
            // A flight leaves, lands or is cancelled once. A booking's own step has words.
            "DEPARTED" if event.note.is_none() => fate.possible(Kind::FlightDepart).min(1),
            "ARRIVED" if event.note.is_none() => fate.possible(Kind::FlightArrive).min(1),
            "FLIGHT_CANCELLED" => fate.possible(Kind::FlightCancel).min(1),
            "FLIGHT_RETIMED" => fate.possible(Kind::Retime) + fate.tables,
            "OFFLOADED" => {
                let names = |deed: &&&Deed| deed.named.iter().any(|named| named == reference) && !deed.was_refused();
                fate.deeds.iter().filter(names).count() + fate.possible(Kind::FlightDepart).min(1)
            }
            _ => 0,
        }
    }

    /// How many versions a flight may have got.
    pub fn versions(&self, flight: &str) -> u64 {
        let fate = self.0.get(flight);
        let changes = fate.map_or(0, |fate| fate.tables + fate.deeds.iter().filter(|deed| !deed.was_refused()).count());
        changes as u64
    }

    /// What is wrong with a flight's status after all that was asked of it.
    pub fn contradiction(&self, flight: &str, status: &str) -> Option<Breach> {
        let none = Fate::default();
        let fate = self.0.get(flight).unwrap_or(&none);
        for deed in &fate.deeds {
            let Some(ack) = &deed.ack else { continue };
            let holds = match deed.kind {
                Kind::FlightDepart => ["DEPARTED", "ARRIVED"].contains(&status),
                Kind::FlightArrive => status == "ARRIVED",
                Kind::FlightCancel => status == "CANCELLED",
                _ => true,
            };
            if !holds {
                let (name, call) = (deed.kind.name(), ack.call);
                return Some(lost(format!(
                    "lost: the {name} of {flight}, acknowledged by call {call}; it is {status}"
                )));
            }
        }
        let asked = match status {
            "DEPARTED" => fate.possible(Kind::FlightDepart),
            "ARRIVED" => fate.possible(Kind::FlightDepart).min(fate.possible(Kind::FlightArrive)),
            "CANCELLED" => fate.possible(Kind::FlightCancel),
            _ => 1,
        };
        let what = format!("flight {flight} is {status}, and no call that was not refused asked for that");
        (asked == 0).then_some(Breach { promise: Promise::OneEffect, what })
    }
}

/// Each acknowledged step of a flight is an event of as many bookings as the answer said.
pub(super) fn judge(found: &[Found], deeds: &[Deed]) -> Vec<Breach> {
    let mut events: HashMap<&str, Vec<(&str, &Event)>> = HashMap::new();
    for found in found {
        for event in &found.events {
            if let Some(flight) = event.flight.as_deref() {
                events.entry(flight).or_default().push((&found.reference, event));
            }
        }
    }
    let of = |deed: &Deed| deed.flight.as_deref().and_then(|flight| events.get(flight)).map_or(&[][..], Vec::as_slice);
    let acknowledged = deeds.iter().filter_map(|deed| Some((deed, deed.ack.as_ref()?)));
    let mut breaches: Vec<Breach> = acknowledged.flat_map(|(deed, ack)| step(deed, ack, of(deed))).collect();
    breaches.extend(offloads(deeds, of));
    breaches
}

/// `events` are those of the flight's bookings that name it.
fn step(deed: &Deed, ack: &Ack, events: &[(&str, &Event)]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let Some(changed) = ack.bookings_changed else { return breaches };
    let (name, call, flight) = (deed.kind.name(), ack.call, deed.flight.as_deref().unwrap_or_default());
    let told = events.iter().filter(|(_, event)| event.kind == deed.kind.event() && event.note == deed.note).count();
    let pending = ack.bookings_pending;
    // Of those that follow, some may be left behind.
    let is_right = (changed..=changed + pending).contains(&(told + ack.left_behind.len()));
    if !is_right {
        breaches.push(lost(format!(
            "the {name} of {flight} (call {call}) changed {changed} bookings, {} of them left behind, with {pending} to follow, \
             and {told} tell of it",
            ack.left_behind.len()
        )));
    }
    for left in &ack.left_behind {
        if !events.iter().any(|(reference, event)| reference == left && event.kind == "OFFLOADED") {
            breaches.push(lost(format!("{left} was left behind by {flight} (call {call}), and does not tell of it")));
        }
    }
    breaches
}

/// A booking was taken off a flight as often as that was acknowledged, at least.
fn offloads<'a>(deeds: &'a [Deed], of: impl Fn(&Deed) -> &'a [(&'a str, &'a Event)]) -> Vec<Breach> {
    let mut acknowledged: HashMap<(&str, &str), Vec<&Deed>> = HashMap::new();
    for deed in deeds.iter().filter(|deed| deed.kind == Kind::Offload && deed.ack.is_some()) {
        for named in &deed.named {
            acknowledged.entry((deed.flight.as_deref().unwrap_or_default(), named)).or_default().push(deed);
        }
    }
    let mut breaches = Vec::new();
    for ((flight, named), deeds) in acknowledged {
        let is_it = |(reference, event): &&(&str, &Event)| *reference == named && event.kind == "OFFLOADED";
        let told = deeds.first().map_or(0, |deed| of(deed).iter().filter(is_it).count());
        if told < deeds.len() {
            let calls: Vec<_> = deeds.iter().filter_map(|deed| Some(deed.ack.as_ref()?.call.to_string())).collect();
            let calls = calls.join(", ");
            breaches.push(lost(format!(
                "lost: {named} was taken off {flight} by the calls {calls}, and tells of it {told} times"
            )));
        }
    }
    breaches
}

#[cfg(test)]
mod tests;
