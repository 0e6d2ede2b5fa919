//! What the clients saw, kept for the check at the end; and what they found wrong on the way.
use std::{
    collections::{BTreeMap, HashMap},
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;

use super::wire::{Reply, Said};

/// Something that must never be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Breach {
    /// Which one of the promises in `docs/reliability.md`.
    pub promise: Promise,
    pub what: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Promise {
    NoOversale,
    BooksAgree,
    NothingLost,
    OneEffect,
    NoForeignData,
    /// What the audit finds says by itself which invariant it breaks.
    Audited(Option<u8>),
    Service,
    InTime,
    NoInternalError,
}

impl Promise {
    /// Its number among the invariants; that the service comes back, and how it answers meanwhile, are none of them.
    pub const fn number(self) -> Option<u8> {
        match self {
            Self::NoOversale => Some(1),
            Self::BooksAgree => Some(2),
            Self::NothingLost => Some(6),
            Self::OneEffect => Some(7),
            Self::NoForeignData => Some(10),
            Self::Audited(number) => number,
            Self::Service | Self::InTime | Self::NoInternalError => None,
        }
    }

    pub const fn words(self) -> &'static str {
        match self {
            Self::NoOversale => "no flight was ever oversold",
            Self::BooksAgree => "a flight's room is what its bookings take",
            Self::NothingLost => "every acknowledged write is there, every other completely or not at all",
            Self::OneEffect => "one idempotency key has one effect",
            Self::NoForeignData => "no caller gets another's data",
            Self::Audited(_) => "the books replay without a contradiction",
            Self::Service => "service comes back by itself after every fault",
            Self::InTime => "after every fault service is back in time",
            Self::NoInternalError => "no answer is 500, and 503 or 504 only while something is wrong",
        }
    }
}

/// One answer that showed a booking or a flight. Times as in [`Reply`].
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub call: u64,
    pub invoked: u64,
    pub completed: u64,
    pub version: u64,
    /// Of all that the answer showed.
    pub print: u64,
    /// What it says was so when the key was used first.
    pub replayed: bool,
}

/// How often calls of one kind ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Outcomes {
    pub ok: u64,
    pub refused: u64,
    pub unknown: u64,
}

#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub breaches: Vec<Breach>,
    /// By reference.
    pub seen: HashMap<String, Vec<Seen>>,
    /// By id.
    pub flights: HashMap<String, Vec<Seen>>,
    pub outcomes: BTreeMap<&'static str, Outcomes>,
    pub tallies: BTreeMap<Tally, u64>,
}

/// What is counted beside the outcomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tally {
    /// Answers that repeated an earlier one.
    Replayed,
    /// 409 `idempotency_in_progress`.
    InProgress,
    /// 422 `idempotency_key_reused`, which was asked for.
    KeyReused,
    HangUps,
    /// Calls whose outcome was unknown, and the repeat said that they are done.
    UnknownDone,
    /// The repeat said that they are not done.
    UnknownRefused,
    /// Without a key: nobody can tell by repeating.
    UnknownForGood,
}

#[derive(Default)]
pub(super) struct Evidence(Mutex<Gathered>);

impl Evidence {
    pub fn get(&self) -> MutexGuard<'_, Gathered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn breach(&self, promise: Promise, what: String) {
        self.get().breaches.push(Breach { promise, what });
    }

    pub fn count(&self, what: Tally) {
        *self.get().tallies.entry(what).or_default() += 1;
    }

    pub fn outcome(&self, kind: &'static str, said: &Said) {
        let mut gathered = self.get();
        let outcomes = gathered.outcomes.entry(kind).or_default();
        match said {
            Said::Ok(_) => outcomes.ok += 1,
            Said::Refused(_) => outcomes.refused += 1,
            Said::Unknown(_) => outcomes.unknown += 1,
        }
    }

    /// An answer that shows a booking.
    pub fn saw(&self, reply: &Reply, booking: &Value, replayed: bool) {
        let (Some(reference), Some(version)) = (booking["ref_id"].as_str(), booking["version"].as_u64()) else {
            return self.breach(Promise::NothingLost, format!("call {} answered 2xx without a booking", reply.call));
        };
        let Reply { call, invoked, completed, .. } = *reply;
        let seen = Seen { call, invoked, completed, version, print: print_of(booking), replayed };
        self.get().seen.entry(reference.to_owned()).or_default().push(seen);
    }

    /// An answer that shows a flight.
    pub fn saw_flight(&self, reply: &Reply, flight: &Value, replayed: bool) {
        let (Some(id), Some(version)) = (flight["id"].as_str(), flight["version"].as_u64()) else {
            return self.breach(Promise::NothingLost, format!("call {} answered 2xx without a flight", reply.call));
        };
        let Reply { call, invoked, completed, .. } = *reply;
        let seen = Seen { call, invoked, completed, version, print: flight_print_of(flight), replayed };
        self.get().flights.entry(id.to_owned()).or_default().push(seen);
    }
}

/// Tells representations of a booking apart: all of it but `next_actions`, which is no part of a version.
pub(super) fn print_of(booking: &Value) -> u64 {
    print_without(booking, &["next_actions"])
}

/// Tells representations of a flight apart: all of it but its room, which bookings change without a new version.
pub(super) fn flight_print_of(flight: &Value) -> u64 {
    print_without(flight, &["available", "utilization_percent"])
}

fn print_without(value: &Value, left_out: &[&str]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for (name, member) in sorted(value).filter(|(name, _)| !left_out.contains(name)) {
        name.hash(&mut hasher);
        hash(member, &mut hasher);
    }
    hasher.finish()
}

/// Of members that no change of the booking touches.
pub(super) fn frame_of(booking: &Value) -> u64 {
    const FIXED: [&str; 7] =
        ["id", "ref_id", "origin", "destination", "organization_id", "customer_reference", "created_at"];
    let mut hasher = DefaultHasher::new();
    for member in FIXED {
        hash(&booking[member], &mut hasher);
    }
    hasher.finish()
}

fn sorted(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let mut members: Vec<_> =
        value.as_object().into_iter().flatten().map(|(name, member)| (name.as_str(), member)).collect();
    members.sort_by_key(|(name, _)| *name);
    members.into_iter()
}

fn hash(value: &Value, hasher: &mut DefaultHasher) {
    match value {
        Value::Object(members) => {
            members.len().hash(hasher);
            for (name, member) in sorted(value) {
                name.hash(hasher);
                hash(member, hasher);
            }
        }
        Value::Array(list) => {
            list.len().hash(hasher);
            for entry in list {
                hash(entry, hasher);
            }
        }
        other => other.to_string().hash(hasher),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_print_tells_what_a_booking_shows_and_nothing_else() {
        let booking = json!({"ref_id": "ACB1", "legs": [{"status": "BOOKED"}], "next_actions": ["depart"]});
        let print = print_of(&booking);
        assert_eq!(print, print_of(&json!({"next_actions": [], "legs": [{"status": "BOOKED"}], "ref_id": "ACB1"})));
        assert_ne!(print, print_of(&json!({"ref_id": "ACB1", "legs": [{"status": "DEPARTED"}]})));
        assert_ne!(print_of(&json!({"a": [["b"]]})), print_of(&json!({"a": ["b", []]})));
        assert_eq!(frame_of(&booking), frame_of(&json!({"ref_id": "ACB1", "version": 3})));
    }
}
