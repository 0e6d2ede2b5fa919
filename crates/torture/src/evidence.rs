//! The answers that clients saw, kept for the check at the end, and the breaches found during the load.
use std::{
    collections::{BTreeMap, HashMap},
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;

use super::wire::{Outcome, Reply};

/// A broken promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Breach {
    /// The promise in `docs/checker.md`.
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
    /// Positions by name.
    OneHolder,
    /// Only refusals that the API describes for it.
    Legal,
    /// What a cancellation costs.
    FeeKept,
    /// All holds of a consolidation, or none.
    HeldTogether,
    /// Space that is free goes to the first who waits for it.
    Offered,
    /// What webhooks receive.
    Notified,
    /// A finding of the audit names the invariant itself.
    Audited(Option<u8>),
    Service,
    InTime,
    NoInternalError,
}

impl Promise {
    /// Its number among the invariants, and the promise itself; promises about recovery and status codes have no number.
    pub const fn number_and_text(self) -> (Option<u8>, &'static str) {
        match self {
            Self::NoOversale => (Some(1), "no flight was ever oversold"),
            Self::BooksAgree => (Some(2), "the booked capacity of each flight is the sum of its bookings"),
            Self::NothingLost => (Some(6), "every acknowledged write is present, every other completely or not at all"),
            Self::OneEffect => (Some(7), "one idempotency key has one effect"),
            Self::NoForeignData => (Some(10), "no caller gets data of another organization"),
            Self::OneHolder => (Some(11), "a position that is named has one holder"),
            Self::Legal => (None, "holds, the waitlist and priced orders are refused only for the documented reasons"),
            Self::FeeKept => {
                (Some(14), "of a cancelled booking remains the fee that was due, whatever was changed before")
            }
            Self::HeldTogether => (None, "all holds of a consolidation that are made by one request exist, or none"),
            Self::Offered => (None, "the first who waits gets the space that is free"),
            Self::Notified => {
                (None, "every committed change arrives at its webhooks, signed and in order, and nothing else does")
            }
            Self::Audited(number) => (number, "ledgers and events replay without a contradiction"),
            Self::Service => (None, "service recovers by itself after every fault"),
            Self::InTime => (None, "service recovers in time after every fault"),
            Self::NoInternalError => (None, "no response is 500, and 503 or 504 occur only during a fault"),
        }
    }
}

/// An answer that showed a booking or a flight. Times as in [`Reply`].
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub call: u64,
    pub invoked: u64,
    pub completed: u64,
    pub version: u64,
    pub fingerprint: u64,
    /// Whether the answer is a replay, and so as old as the first one.
    pub replayed: bool,
}

/// Number of calls of one kind by outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct OutcomeCounts {
    pub ok: u64,
    pub refused: u64,
    pub unknown: u64,
}

#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub breaches: Vec<Breach>,
    pub seen: HashMap<String, Vec<Seen>>,
    pub flights: HashMap<String, Vec<Seen>>,
    pub holds: HashMap<String, Vec<Seen>>,
    pub outcomes: BTreeMap<&'static str, OutcomeCounts>,
    pub counters: BTreeMap<Counter, u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Counter {
    Replayed,
    /// 409 `idempotency_in_progress`.
    InProgress,
    /// 422 `idempotency_key_reused`, as intended.
    KeyReused,
    HangUps,
    /// Operations of unknown outcome that a repetition showed to be done.
    UnknownDone,
    /// Operations of unknown outcome that a repetition showed not to be done.
    UnknownRefused,
    /// Operations without a key: no repetition can tell.
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

    pub fn count(&self, what: Counter) {
        *self.get().counters.entry(what).or_default() += 1;
    }

    pub fn count_outcome(&self, kind: &'static str, outcome: &Outcome) {
        let mut gathered = self.get();
        let outcomes = gathered.outcomes.entry(kind).or_default();
        match outcome {
            Outcome::Ok(_) => outcomes.ok += 1,
            Outcome::Refused(_) => outcomes.refused += 1,
            Outcome::Unknown(_) => outcomes.unknown += 1,
        }
    }

    pub fn saw(&self, reply: &Reply, booking: &Value, replayed: bool) {
        let (Some(reference), Some(version)) = (booking["ref_id"].as_str(), booking["version"].as_u64()) else {
            return self.breach(Promise::NothingLost, format!("call {} answered 2xx without a booking", reply.call));
        };
        let Reply { call, invoked, completed, .. } = *reply;
        let seen = Seen { call, invoked, completed, version, fingerprint: fingerprint_of(booking), replayed };
        self.get().seen.entry(reference.to_owned()).or_default().push(seen);
    }

    pub fn saw_flight(&self, reply: &Reply, flight: &Value, replayed: bool) {
        let seen = self.seen_by_id(reply, flight, flight_fingerprint_of(flight), replayed);
        if let Some((id, seen)) = seen {
            self.get().flights.entry(id).or_default().push(seen);
        }
    }

    pub fn saw_hold(&self, reply: &Reply, hold: &Value, replayed: bool) {
        if let Some((id, seen)) = self.seen_by_id(reply, hold, hold_fingerprint_of(hold), replayed) {
            self.get().holds.entry(id).or_default().push(seen);
        }
    }

    fn seen_by_id(&self, reply: &Reply, shown: &Value, fingerprint: u64, replayed: bool) -> Option<(String, Seen)> {
        let (Some(id), Some(version)) = (shown["id"].as_str(), shown["version"].as_u64()) else {
            let what = format!("call {} answered 2xx without a flight or hold", reply.call);
            self.breach(Promise::NothingLost, what);
            return None;
        };
        let Reply { call, invoked, completed, .. } = *reply;
        Some((id.to_owned(), Seen { call, invoked, completed, version, fingerprint, replayed }))
    }
}

/// The fingerprint of a booking: all of it but `next_actions`, which is not part of a version, and a guest's `claim`,
/// which only the answer to the commit has.
pub(super) fn fingerprint_of(booking: &Value) -> u64 {
    fingerprint_without(booking, &["next_actions", "claim"])
}

/// The fingerprint of a flight: all of it but its space, which bookings change without a new version.
pub(super) fn flight_fingerprint_of(flight: &Value) -> u64 {
    fingerprint_without(flight, &["available", "utilization_percent"])
}

/// The fingerprint of a hold: all of it but its status, which time changes, and names that a smaller aircraft drops.
pub(super) fn hold_fingerprint_of(hold: &Value) -> u64 {
    fingerprint_without(hold, &["status", "position_names"])
}

/// The fingerprint of the members that no change of the hold touches.
pub(super) fn hold_fixed_of(hold: &Value) -> u64 {
    const FIXED: [&str; 5] = ["id", "kind", "organization_id", "created_by", "created_at"];
    hash_of(&FIXED.map(|member| &hold[member]))
}

fn fingerprint_without(value: &Value, left_out: &[&str]) -> u64 {
    let mut value = value.clone();
    if let Some(members) = value.as_object_mut() {
        members.retain(|name, _| !left_out.contains(&name.as_str()));
    }
    hash_of(&value)
}

/// The fingerprint of the members that no change of the booking touches.
pub(super) fn fixed_of(booking: &Value) -> u64 {
    const FIXED: [&str; 7] =
        ["id", "ref_id", "origin", "destination", "organization_id", "customer_reference", "created_at"];
    hash_of(&FIXED.map(|member| &booking[member]))
}

/// Independent of the order of members.
fn hash_of(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_fingerprint_covers_the_representation_of_a_booking_alone() {
        let booking = json!({"ref_id": "ACB1", "legs": [{"status": "BOOKED"}], "next_actions": ["depart"]});
        let fingerprint = fingerprint_of(&booking);
        assert_eq!(
            fingerprint,
            fingerprint_of(&json!({"next_actions": [], "legs": [{"status": "BOOKED"}], "ref_id": "ACB1"}))
        );
        let claimed = json!({"ref_id": "ACB1", "legs": [{"status": "BOOKED"}], "claim": {"token": "x"}});
        assert_eq!(fingerprint, fingerprint_of(&claimed));
        assert_ne!(fingerprint, fingerprint_of(&json!({"ref_id": "ACB1", "legs": [{"status": "DEPARTED"}]})));
        assert_ne!(fingerprint_of(&json!({"a": [["b"]]})), fingerprint_of(&json!({"a": ["b", []]})));
        let hold = |status: &str| json!({"id": "h", "version": 1, "status": status});
        assert_eq!(hold_fingerprint_of(&hold("ACTIVE")), hold_fingerprint_of(&hold("EXPIRED")));
        assert_ne!(hold_fingerprint_of(&hold("ACTIVE")), hold_fingerprint_of(&json!({"id": "h", "version": 2})));
        assert_eq!(fixed_of(&booking), fixed_of(&json!({"ref_id": "ACB1", "version": 3})));
    }
}
